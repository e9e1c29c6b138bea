"""One request: what is known about it, and how its body and its parameters are read.

A `ShopRequest` is made once for each request, before the first middleware. All middlewares and the handler share it,
so that headers, client address, account and body are each worked out once.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Hashable, Iterable
from contextlib import suppress
from itertools import count
from secrets import token_hex
from typing import TYPE_CHECKING, Annotated, Any, TypeVar
from urllib.parse import parse_qsl
from uuid import UUID

import msgspec
from litestar.exceptions import HTTPException
from litestar.types import HTTPScope, Receive, Scope
from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.json import decode, encode

from shop_core import NOBODY, Actor, CursorRequest, OffsetRequest, Refusal
from shop_core.errors import Fault, Invalid, InvalidToken, Unauthenticated
from shop_core.pagination import LIMIT_DEFAULT, LIMIT_MAX, OFFSET_MAX, PAGE_MAX, PageRequest
from shop_http.client_address import client_of
from shop_http.validation import body_refusal, check_no_field_twice, given_twice, query_refusal, types_of

if TYPE_CHECKING:
    from shop_http.responses import Header, Response
    from shop_http.state import AppState

S = TypeVar("S", bound=Struct)

QUERY_PARAMETERS_MAX = 30

_DISCARDED_BYTES_MAX = 4 * 1024 * 1024
DISCARD_S_MAX = 2
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")
_process = token_hex(12)  # drawn once: asking the system for randomness for each request costs more
_requests = count()
_JSON = re.compile(rb'application/json(?:\s*;\s*charset="?utf-8"?)?\s*', re.IGNORECASE)
_ETAG = re.compile(r'(W/)?"([^"]*)"')
_ETAGS = re.compile(r'\s*(?:W/)?"[^"]*"(?:\s*,\s*(?:W/)?"[^"]*")*\s*')
# Proxies that compress make `W/"3"` (nginx) or `"3-gzip"` (Apache) of our tags, and do not undo it in If-Match.
_VERSION = re.compile(r"([0-9]{1,9})(?:\.[0-9a-f]+)*(?:-gzip|-br|-zstd)?", re.ASCII)
_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,17}", re.ASCII)
_BOOLEANS = {"true": True, "false": False}


def _draw_process() -> None:
    """The worker processes are forked from one that has imported this module: each needs a part of its own."""
    global _process
    _process = token_hex(12)


if hasattr(os, "register_at_fork"):  # not on Windows, which cannot fork
    os.register_at_fork(after_in_child=_draw_process)


class ShopRequest:
    """One HTTP request, and everything that is worked out about it.

    Args:
        scope: as ASGI has it.
        receive: gives its body.
        state: what the application is made of.

    Attributes:
        shop: the shop that is asked.
        id: given by the client or made here; in every response and in the log.
        loop: the event loop that serves it.
        headers: by name in small letters. The values of a header that was sent several times are separated by line
            breaks, which no single value can have.
        address: where it comes from.
        actor: who acts: `NOBODY` until authentication has run, and on public operations.
        response_headers: what the middlewares add to the response, whichever it is.
        response: the response, once it is being sent.
        body_length: as the client announced it, in bytes; None if it did not.
        has_whole_body: whether nothing more of the body will come.
        receive_until: the time of the event loop until which the body may come; see `request_limits`.
    """

    __slots__ = (
        *("scope", "state", "shop", "id", "loop", "headers", "address", "actor", "response_headers", "response"),
        *("body_length", "has_whole_body", "receive_until", "_receive", "_received_bytes", "_token_actor"),
    )

    def __init__(self, scope: HTTPScope, receive: Receive, state: AppState) -> None:
        self.scope, self.state, self.shop = scope, state, state.shop
        self.loop = asyncio.get_running_loop()  # asked for once, as Python 3.11 makes a system call of it
        pairs: Any = scope["headers"]
        self.headers = headers = found if len(found := dict(pairs)) == len(pairs) else _joined(pairs)
        sent, length, client = headers.get(b"x-request-id"), headers.get(b"content-length"), scope["client"]
        self.id = sent.decode() if sent and _REQUEST_ID.fullmatch(sent) else f"{_process}{next(_requests):08x}"
        self.address = client[0] if client else ""
        if state.proxies is not None:
            self.address = state.proxies.address_of(scope)
        self.actor = NOBODY
        self.response_headers: list[Header] = []
        self.response: Response | None = None
        self.body_length = int(length) if length and length.isdigit() else None
        self.has_whole_body = not self.body_length and b"transfer-encoding" not in headers
        self.receive_until, self._receive, self._received_bytes = 0.0, receive, 0
        self._token_actor: Actor | None = None

    @property
    def client_key(self) -> str:
        """What the client is counted by when nobody is logged in: its address, or its network of IPv6."""
        return client_of(self.address)

    def token_actor(self) -> Actor:
        """The actor of the access token that was sent, which is verified once. No database is asked.

        Raises Unauthenticated, InvalidToken: there is no token, or none that is valid.
        """
        if self._token_actor is None:
            sent = self.headers.get(b"authorization", b"")
            if sent[:7].lower() != b"bearer " or b"\n" in sent:
                raise _no_token(sent)
            self._token_actor = self.shop.sessions.identify(sent[7:].decode("latin-1").strip())
        return self._token_actor

    def rate_limit_key(self) -> Hashable:
        """What the request is counted by: the account of a valid token, else the client's network."""
        if b"authorization" in self.headers:
            with suppress(Refusal):
                return self.token_actor().id
        return self.client_key

    # ---- preconditions

    def idempotency_key(self) -> str | None:
        """The `Idempotency-Key`, if there is one; the core checks it. Raises Invalid: it is sent several times."""
        sent = self.headers.get(b"idempotency-key")
        if sent is not None and b"\n" in sent:
            raise _several_keys(sent)
        return None if sent is None else sent.decode("latin-1")

    def expected_versions(self) -> frozenset[int] | None:
        """The versions in `If-Match`; None without that header and for `*`. An ETag that is not ours is none.

        A weak one counts as well, against RFC 9110 (13.1.1): ours are versions, and a proxy that compresses makes
        them weak.

        Raises:
            Invalid: it is no list of ETags.
        """
        sent = self.headers.get(b"if-match", b"*").decode("latin-1").replace("\n", ",")
        if sent.strip() == "*":
            return None
        if not _ETAGS.fullmatch(sent):
            rule = f'must be ETags in double quotes, such as "3", or *; this is {sent[:40]}'
            raise Invalid(Fault("if_match", rule, "malformed"))
        found = (_VERSION.fullmatch(tag) for _, tag in _ETAG.findall(sent))
        return frozenset(int(version[1]) for version in found if version)

    def knows(self, etag: str) -> bool:
        """Whether the client has the response with this ETag already, as `If-None-Match` says."""
        sent = self.headers.get(b"if-none-match")
        if sent is None:
            return False
        return sent.strip() == b"*" or any(f'"{tag}"' == etag for _, tag in _ETAG.findall(sent.decode("latin-1")))

    # ---- body

    async def body(self, size_max: int, media_types: re.Pattern[bytes] = _JSON) -> bytes:
        """The whole body, which must claim to be JSON, or another one of `media_types`. Raises HTTPException: 415;
        413: it has more than `size_max` bytes; 400: the client is gone.
        """
        media_type = self.headers.get(b"content-type", b"")
        if not media_types.fullmatch(media_type) or b"content-encoding" in self.headers:
            raise HTTPException(status_code=415)
        parts = list[bytes]()
        while (size := max(self.body_length or 0, self._received_bytes)) <= size_max and not self.has_whole_body:
            parts.append(await self._next_part())
        if size > size_max:
            raise HTTPException(status_code=413)
        return b"".join(parts)

    async def discard_body(self) -> bool:
        """Read what is left of the body, within bounds, and throw it away. Whether all of it came.

        A server that responds while the client still sends has to close the connection; the client may never see the
        response, or may send its next request into nothing.
        """
        now = self.loop.time()
        if not self.has_whole_body and now < self.receive_until:
            with suppress(TimeoutError, HTTPException):
                async with asyncio.timeout_at(min(self.receive_until, now + DISCARD_S_MAX)):
                    read = 0
                    while not self.has_whole_body and read < _DISCARDED_BYTES_MAX:
                        read += len(await self._next_part())
        return self.has_whole_body

    async def _next_part(self) -> bytes:
        """The next part of the body. After the last byte of a length that was announced, nothing is waited for."""
        message: Any = await self._receive()
        part: bytes = message.get("body", b"")
        self._received_bytes += len(part)
        self.has_whole_body = not message.get("more_body", False) or self._received_bytes == self.body_length
        if message["type"] == "http.disconnect":
            raise HTTPException(status_code=400)
        return part


def request_of(scope: Scope) -> ShopRequest:
    """The request that this scope belongs to."""
    request: ShopRequest = scope["state"]["request"]
    return request


def _joined(headers: Iterable[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    for name, value in headers:
        found[name] = found[name] + b"\n" + value if name in found else value
    return found


def _no_token(sent: bytes) -> Refusal:
    if b"\n" in sent:
        return InvalidToken("Send one Authorization header only.")
    return Unauthenticated("Send the access token as: Authorization: Bearer <token>.") if sent else Unauthenticated()


def _several_keys(sent: bytes) -> Invalid:
    first, second, *_ = keys = sent.decode("latin-1").split("\n")
    rule = f"is sent {len(keys)} times, with {first[:40]!r} and {second[:40]!r}: send it once"
    return Invalid(Fault("idempotency_key", rule, "duplicate"))


def read_body(form: type[S], body: bytes) -> S:
    """The body as a `form`.

    Raises:
        MalformedBody: it is not JSON in UTF-8.
        Invalid: it is JSON, but not such a form, or has a field twice; every fault is named, up to 20.
    """
    try:
        decoded = msgspec.json.decode(body, type=form)
        # msgspec takes the last of two equal fields without a word. Reading and writing loses one, and with it a colon:
        # that is seen in 1.2 us, a tenth of what a check in Python takes.
        if b"\\u" in body or encode(decode(body)).count(b":") != body.count(b":"):
            check_no_field_twice(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise body_refusal(form, body, error) from error
    return decoded


def read_query(form: type[S], query_string: bytes) -> S:
    """The query parameters as a `form`, each given once. Numbers are plain digits; booleans are `true` and `false`,
    in letters of any case. Raises Invalid."""
    try:
        options: Any = {"keep_blank_values": True, "errors": "strict", "max_num_fields": QUERY_PARAMETERS_MAX}
        pairs = parse_qsl(query_string.decode(), **options)
    except ValueError as error:
        raise Invalid(Fault("query", "is not readable: percent-encoded UTF-8 is expected", "malformed")) from error
    types = types_of(form)
    sent = {name: _typed(text, types.get(name)) for name, text in pairs}
    if len(sent) < len(pairs):
        raise Invalid(given_twice([name for name, _ in pairs]))
    try:
        return msgspec.convert(sent, form)
    except msgspec.ValidationError as error:
        raise query_refusal(form, sent) from error


def _typed(text: str, type_: Any) -> object:
    """`text` as an `int`, `bool` or list where that is expected, or as it is: then the conversion will refuse it."""
    if type_ is tuple:
        return text.split(",")
    if type_ is int and _INTEGER.fullmatch(text):
        return int(text)
    return _BOOLEANS.get(text.lower(), text) if type_ is bool else text


# ---- pages of lists

Limit = Annotated[int, Meta(ge=1, le=LIMIT_MAX, description=f"how many items at most; {LIMIT_DEFAULT} unless given")]
Ids = Annotated[
    tuple[UUID, ...],
    Meta(
        min_length=1,
        max_length=LIMIT_MAX,
        description=f"only these, with commas between; those that are missing are left out. `limit` is then {LIMIT_MAX}"
        " unless given",
    ),
]
Cursor = Annotated[
    str, Meta(description="empty for the first page of a walk through everything; after that, as `next` has it")
]


class OffsetQuery(Struct, forbid_unknown_fields=True, kw_only=True):
    """`page` and `limit`, or `limit` and `offset`."""

    limit: Limit | UnsetType = UNSET
    page: Annotated[int, Meta(ge=1, le=PAGE_MAX, description="from 1")] | UnsetType = UNSET
    offset: Annotated[int, Meta(ge=0, le=OFFSET_MAX, description="how many items to skip")] | UnsetType = UNSET

    @property
    def size(self) -> int:
        """How many items at most."""
        return self.limit or LIMIT_DEFAULT

    def offset_request(self) -> OffsetRequest:
        """The requested page. Raises Invalid: both `page` and `offset` are given."""
        if self.page is UNSET:
            return OffsetRequest(self.size, self.offset or 0)
        if self.offset is not UNSET:
            raise exclusive("page", "offset")
        return OffsetRequest(self.size, (self.page - 1) * self.size)


class CursorQuery(Struct, forbid_unknown_fields=True, kw_only=True):
    """`cursor` and `limit`."""

    limit: Limit | UnsetType = UNSET
    cursor: Cursor = ""

    def cursor_request(self) -> CursorRequest:
        """The page that is asked for."""
        return CursorRequest(self.limit or LIMIT_DEFAULT, self.cursor or None)


class ListQuery(OffsetQuery, forbid_unknown_fields=True, kw_only=True):
    """`page` and `limit`, or `limit` and `offset`, or `cursor` and `limit`."""

    cursor: Cursor | UnsetType = UNSET

    def page_request(self) -> PageRequest:
        """The requested page. Raises Invalid: two ways of paging are mixed."""
        return self.offset_request() if self.cursor is UNSET else self._cursor_request(self.cursor)

    def _cursor_request(self, cursor: str) -> CursorRequest:
        for name in ("page", "offset"):
            if getattr(self, name) is not UNSET:
                raise exclusive("cursor", name)
        return CursorRequest(self.size, cursor or None)


class IdsQuery(ListQuery, forbid_unknown_fields=True, kw_only=True):
    """The same, and `ids`: then a page has room for all of them, unless there is a `limit`."""

    ids: Ids | UnsetType = UNSET

    @property
    def size(self) -> int:
        """How many items at most."""
        return self.limit or (LIMIT_MAX if self.ids else LIMIT_DEFAULT)


def exclusive(one: str, other: str) -> Invalid:
    """The refusal of two parameters that cannot stand together."""
    return Invalid(Fault(other, f"cannot be combined with {one}: use one of them", "exclusive"))
