"""One request: what is known about it, and how its body and its parameters are read.

A `ShopRequest` is made once for each request, before the first middleware. All middlewares and the handler share it,
so that headers, client address, account and body are each worked out once.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import Hashable, Mapping
from contextlib import suppress
from itertools import count
from secrets import token_hex
from typing import TYPE_CHECKING, Annotated, Any, TypeVar
from urllib.parse import parse_qsl

import msgspec
from litestar.exceptions import HTTPException
from litestar.types import HTTPScope, Receive, Scope
from msgspec import UNSET, Meta, Struct, UnsetType

from shop_core import NOBODY, Actor, CursorRequest, OffsetRequest, Refusal, Shop
from shop_core.errors import Fault, Invalid, InvalidToken, Unauthenticated
from shop_core.pagination import LIMIT_DEFAULT, LIMIT_MAX, OFFSET_MAX, PageRequest
from shop_http.client_address import client_of
from shop_http.validation import FAULTS_MAX, faults_of, types_of

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
_TAG = re.compile(r'(W/)?"([^"]*)"')
_VERSION = re.compile(r"([0-9]{1,9})(?:\.[0-9]+)?", re.ASCII)
_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,17}", re.ASCII)
_BOOLEANS = {"true": True, "false": False}


def _draw_process() -> None:
    """The worker processes are forked from one that has imported this module: each needs a part of its own."""
    global _process
    _process = token_hex(12)


if hasattr(os, "register_at_fork"):  # not on Windows, which cannot fork
    os.register_at_fork(after_in_child=_draw_process)


class MalformedBody(Invalid):
    """The body is not JSON."""

    code = "malformed_body"
    title = "Malformed body"


class ShopRequest:
    """One HTTP request, and everything that is worked out about it.

    Args:
        scope: as ASGI has it.
        receive: gives its body.
        state: what the application is made of.

    Attributes:
        id: given by the client or made here; in every response and in the log.
        headers: by name in small letters. The values of a header that was sent several times are separated by line
            breaks, which no single value can have.
        address: where it comes from.
        actor: who acts: `NOBODY` until authentication has run, and on public operations.
        response_headers: what the middlewares add to the response, whichever it is.
        response: the response, once it is being sent.
        has_whole_body: whether nothing more of the body will come.
        receive_until: the time of the event loop until which the body may come; see `request_limits`.
    """

    __slots__ = (
        "_receive",
        "_received_bytes",
        "_sender",
        "actor",
        "address",
        "has_whole_body",
        "headers",
        "id",
        "receive_until",
        "response",
        "response_headers",
        "scope",
        "state",
    )

    def __init__(self, scope: HTTPScope, receive: Receive, state: AppState) -> None:
        self.scope = scope
        self.state = state
        self.headers = headers = _by_name(scope["headers"])
        sent = headers.get(b"x-request-id")
        self.id = sent.decode() if sent and _REQUEST_ID.fullmatch(sent) else f"{_process}{next(_requests):08x}"
        client = scope["client"]
        self.address = client[0] if client else ""
        if state.proxies is not None:
            self.address = state.proxies.address_of(scope)
        self.actor = NOBODY
        self.response_headers: list[Header] = []
        self.response: Response | None = None
        self.has_whole_body = b"content-length" not in headers and b"transfer-encoding" not in headers
        self.receive_until = 0.0
        self._receive = receive
        self._received_bytes = 0
        self._sender: Actor | Refusal | None = None

    @property
    def shop(self) -> Shop:
        """The shop that is asked."""
        return self.state.shop

    @property
    def client_key(self) -> str:
        """What the client is counted by when nobody is logged in: its address, or its network of IPv6."""
        return client_of(self.address)

    @property
    def url(self) -> str:
        """The absolute URL without the query."""
        base = self.state.base_url
        if base is None:
            server = self.scope["server"]
            host = self.headers.get(b"host", b"").decode("latin-1") or (server[0] if server else "")
            base = f"{self.scope['scheme']}://{host.rstrip(':')}"
        return base.rstrip("/") + self.scope["path"]

    def sender(self) -> Actor:
        """The account whose access token was sent. It is verified once, however often this is called.

        This asks no database: what a token says about staff is confirmed before a handler runs (`routing`).

        Raises:
            Unauthenticated, InvalidToken: no token, or none that is valid.
        """
        if self._sender is None:
            try:
                self._sender = self._verified()
            except Refusal as refusal:
                self._sender = refusal
        if isinstance(self._sender, Refusal):
            raise self._sender
        return self._sender

    def _verified(self) -> Actor:
        credentials = self.headers.get(b"authorization")
        if credentials is None:
            raise Unauthenticated
        if b"\n" in credentials:
            raise InvalidToken("Send one Authorization header only.")
        if credentials[:7].lower() != b"bearer ":
            raise Unauthenticated("Send the access token as: Authorization: Bearer <token>.")
        return self.shop.sessions.identify(credentials[7:].decode("latin-1").strip())

    def rate_limit_key(self) -> Hashable:
        """What the request is counted by: the account of a valid token, else the client's network."""
        if b"authorization" in self.headers:
            with suppress(Refusal):
                return self.sender().id
        return self.client_key

    # ---- preconditions

    def idempotency_key(self) -> str | None:
        """The `Idempotency-Key`: a request with one is carried out once, however often it is sent. None without one.

        The core checks that it is 1 to 255 printable ASCII characters.

        Raises:
            Invalid: it is sent several times.
        """
        sent = self.headers.get(b"idempotency-key")
        if sent is None:
            return None
        key = sent.decode("latin-1")
        if "\n" in key:
            first, second, *_ = keys = key.split("\n")
            rule = f"is sent {len(keys)} times, with {first[:40]!r} and {second[:40]!r}: send it once"
            raise Invalid(Fault("idempotency_key", rule, "duplicate"))
        return key

    def expected_versions(self) -> frozenset[int] | None:
        """The versions in `If-Match`; None without that header and for `*`. A tag that is not ours is no version."""
        sent = self.headers.get(b"if-match")
        if sent is None or sent.strip() == b"*":
            return None
        strong = (tag for weak, tag in _TAG.findall(sent.decode("latin-1")) if not weak)
        return frozenset(int(found[1]) for found in map(_VERSION.fullmatch, strong) if found)

    def knows(self, etag: str) -> bool:
        """Whether the client has the response with this tag already, as `If-None-Match` says."""
        sent = self.headers.get(b"if-none-match")
        if sent is None:
            return False
        return sent.strip() == b"*" or any(f'"{tag}"' == etag for _, tag in _TAG.findall(sent.decode("latin-1")))

    # ---- body

    def check_media_type(self) -> None:
        """Raise unless the body claims to be JSON and nothing else.

        Raises:
            HTTPException: 415.
        """
        media_type = self.headers.get(b"content-type")
        is_json = media_type is not None and (media_type == b"application/json" or _JSON.fullmatch(media_type))
        if not is_json or b"content-encoding" in self.headers:
            raise HTTPException(status_code=415)

    async def body(self, size_max: int) -> bytes:
        """The whole body.

        Raises:
            HTTPException: 413: it has more than `size_max` bytes.
        """
        length = self._content_length
        if length is not None and length > size_max:
            raise HTTPException(status_code=413)
        body = b""
        while not self.has_whole_body:
            body += await self._next_part()
            if len(body) > size_max:
                raise HTTPException(status_code=413)
        return body

    async def discard_body(self) -> bool:
        """Read what is left of the body, within bounds, and throw it away. Whether all of it came.

        A server that responds while the client still sends has to close the connection; the client may never see the
        response, or may send its next request into nothing.
        """
        now = asyncio.get_running_loop().time()
        if not self.has_whole_body and now < self.receive_until:
            with suppress(TimeoutError, HTTPException):
                async with asyncio.timeout_at(min(self.receive_until, now + DISCARD_S_MAX)):
                    read = 0
                    while not self.has_whole_body and read < _DISCARDED_BYTES_MAX:
                        read += len(await self._next_part())
        return self.has_whole_body

    async def _next_part(self) -> bytes:
        """The next piece of the body. Where its length is announced, no piece is waited for after the last byte.

        Raises:
            HTTPException: 400: the client is gone.
        """
        message = await self._receive()
        if message["type"] == "http.disconnect":
            self.has_whole_body = True
            raise HTTPException(status_code=400)
        part: bytes = message.get("body", b"")  # type: ignore[assignment]  # it is not a WebSocket
        self._received_bytes += len(part)
        self.has_whole_body = not message.get("more_body", False) or self._received_bytes == self._content_length
        return part

    @property
    def _content_length(self) -> int | None:
        sent = self.headers.get(b"content-length")
        return int(sent) if sent is not None and sent.isdigit() else None


def request_of(scope: Scope) -> ShopRequest:
    """The request that this scope belongs to."""
    request: ShopRequest = scope["state"]["request"]
    return request


def _by_name(headers: Any) -> dict[bytes, bytes]:
    found = dict(headers)
    if len(found) == len(headers):
        return found
    found = {}
    for name, value in headers:
        found[name] = found[name] + b"\n" + value if name in found else value
    return found


def read_body(form: type[S], body: bytes) -> S:
    """The body as a `form`.

    A field that is given twice is refused, since one reader would take the first and another one the last. msgspec
    takes the last without a word, so the body is looked at a second time; that costs 1.2 us of the body of an order.

    Raises:
        MalformedBody: it is not JSON in UTF-8.
        Invalid: it is JSON, but not such a form; every fault is named, up to 20.
    """
    try:
        decoded = msgspec.json.decode(body, type=form)
        if not _is_plain(body):
            _check_no_field_twice(body)
        return decoded
    except msgspec.ValidationError as fault:
        sent = _untyped(body)
        _check_no_field_twice(body)
        raise Invalid(*faults_of(form, sent)) from fault
    except (msgspec.DecodeError, UnicodeError, RecursionError) as fault:
        raise _malformed(fault) from fault


def _untyped(body: bytes) -> object:
    try:
        return msgspec.json.decode(body)
    except msgspec.ValidationError:  # a number that no float can hold: Python reads it as infinity
        return json.loads(body, strict=False, parse_int=lambda digits: (int if len(digits) < 20 else float)(digits))
    except (msgspec.DecodeError, UnicodeError, RecursionError) as fault:
        raise _malformed(fault) from fault


def _is_plain(body: bytes) -> bool:
    """Whether it can be seen at once that no object of good JSON has a field twice.

    Reading and writing it again loses a field that is there twice, and with it a colon.
    """
    again = msgspec.json.encode(msgspec.json.decode(body))
    return again.count(b":") == body.count(b":") and b"\\u" not in body


def _check_no_field_twice(body: bytes) -> None:
    def check(fields: list[tuple[str, object]]) -> None:
        names = [name for name, _ in fields]
        if len(set(names)) < len(names):
            raise Invalid(_given_twice(names))

    json.loads(body, strict=False, object_pairs_hook=check, parse_int=str)  # Python limits the digits of an int


def _given_twice(names: list[str]) -> Fault:
    twice = next(name for name in names if names.count(name) > 1)
    return Fault(twice[:100], "is given more than once", "duplicate")


def _malformed(fault: Exception) -> MalformedBody:
    if isinstance(fault, RecursionError):
        return MalformedBody(Fault("body", "is nested too deep", "too_deep"))
    if isinstance(fault, UnicodeError):
        return MalformedBody(Fault("body", "is not UTF-8", "not_utf_8"))
    return MalformedBody(Fault("body", f"is not JSON: {fault}", "not_json"))


# ---- query


def check_query(query: type[Struct] | None, query_string: bytes) -> None:
    """Raise unless all parameters are known to the operation.

    Raises:
        Invalid: a parameter is unknown, is given twice, or cannot be read.
    """
    known = query.__struct_fields__ if query else ()
    unknown = [name for name in _parameters(query_string) if name not in known]
    if unknown:
        rule = f"is unknown here; known are: {', '.join(known) or 'none'}"
        raise Invalid(*(Fault(name[:100], rule, "unknown_parameter") for name in unknown[:FAULTS_MAX]))


def read_query(query: type[S], request: ShopRequest) -> S:
    """The query parameters as a `query`.

    Numbers are plain ASCII digits; booleans are `true` and `false`. A parameter may be given once.

    Raises:
        Invalid
    """
    types = types_of(query)
    parameters = _parameters(request.scope["query_string"])
    sent = {name: _typed(text, types[name]) for name, text in parameters.items() if name in types}
    try:
        return msgspec.convert(sent, query)
    except msgspec.ValidationError as fault:
        raise Invalid(*faults_of(query, sent)) from fault


def _typed(text: str, type_: Any) -> object:
    """`text` as an `int` or `bool` where that is expected, or as it is: then the conversion will refuse it."""
    if type_ is int and _INTEGER.fullmatch(text):
        return int(text)
    if type_ is bool:
        return _BOOLEANS.get(text, text)
    return text


def _parameters(query_string: bytes) -> Mapping[str, str]:
    """The query parameters by name.

    Raises:
        Invalid: they are not UTF-8, too many, or one is given twice.
    """
    try:
        pairs = parse_qsl(
            query_string.decode(), keep_blank_values=True, errors="strict", max_num_fields=QUERY_PARAMETERS_MAX
        )
    except ValueError as fault:
        raise Invalid(Fault("query", "is not readable: percent-encoded UTF-8 is expected", "malformed")) from fault
    parameters = dict(pairs)
    if len(parameters) < len(pairs):
        raise Invalid(_given_twice([name for name, _ in pairs]))
    return parameters


# ---- pages of lists

Limit = Annotated[int, Meta(ge=1, le=LIMIT_MAX, description="how many items at most")]
Cursor = Annotated[
    str, Meta(description="empty for the first page of a walk through everything; after that, as `next` has it")
]


class OffsetQuery(Struct, forbid_unknown_fields=True, kw_only=True):
    """`page` and `limit`, or `limit` and `offset`."""

    limit: Limit = LIMIT_DEFAULT
    page: Annotated[int, Meta(ge=1, le=OFFSET_MAX // LIMIT_MAX, description="from 1")] | UnsetType = UNSET
    offset: Annotated[int, Meta(ge=0, le=OFFSET_MAX, description="how many items to skip")] | UnsetType = UNSET

    def offset_request(self) -> OffsetRequest:
        """The page that is asked for.

        Raises:
            Invalid: both `page` and `offset` are given.
        """
        if self.page is UNSET:
            return OffsetRequest(self.limit, self.offset or 0)
        if self.offset is not UNSET:
            raise _exclusive("page", "offset")
        return OffsetRequest(self.limit, (self.page - 1) * self.limit)


class CursorQuery(Struct, forbid_unknown_fields=True, kw_only=True):
    """`cursor` and `limit`."""

    limit: Limit = LIMIT_DEFAULT
    cursor: Cursor = ""

    def cursor_request(self) -> CursorRequest:
        """The page that is asked for."""
        return CursorRequest(self.limit, self.cursor or None)


class ListQuery(OffsetQuery, forbid_unknown_fields=True, kw_only=True):
    """`page` and `limit`, or `limit` and `offset`, or `cursor` and `limit`."""

    cursor: Cursor | UnsetType = UNSET

    def page_request(self) -> PageRequest:
        """The page that is asked for.

        Raises:
            Invalid: two ways of paging are mixed.
        """
        if self.cursor is UNSET:
            return self.offset_request()
        for name in ("page", "offset"):
            if getattr(self, name) is not UNSET:
                raise _exclusive("cursor", name)
        return CursorRequest(self.limit, self.cursor or None)


def _exclusive(one: str, other: str) -> Invalid:
    return Invalid(Fault(other, f"cannot be combined with {one}: use one of them", "exclusive"))
