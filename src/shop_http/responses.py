"""Responses: JSON, pages of lists, and the head that all of them have.

Every response of the application is a `Response`, and its `__call__` is the only place where one is sent. What browsers
and caches may do with it is in `Response.policy` and `cache_control`: nothing, unless the handler says otherwise.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import parse_qsl, urlencode

from litestar.types import Receive, Scope, Send
from msgspec import UNSET, Struct
from msgspec.json import Encoder

from shop_core import CursorRequest, OffsetRequest, Page
from shop_core.pagination import OFFSET_MAX, PAGE_MAX, PageRequest
from shop_http.compression import COMPRESSED_BYTES_MIN, encoding_for
from shop_http.requests import ShopRequest, request_of
from shop_http.schemas.common import PageBody

if TYPE_CHECKING:
    from shop_http.read_model import CatalogText

T = TypeVar("T")
B = TypeVar("B", bound=PageBody[Any])
Header = tuple[bytes, bytes]

API = "/api/v1"
REPLAYED = "Idempotency-Replayed"

JSON = b"application/json"
NO_STORE = b"no-store"
NO_CACHE = b"no-cache"  # keep it, but ask each time whether it is still good

_NOTHING_ALLOWED = b"default-src 'none'; frame-ancestors 'none'"
_SECURITY_HEADERS: tuple[Header, ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),  # for browsers that do not know Content-Security-Policy
    (b"cross-origin-resource-policy", b"same-origin"),
)
_HTTPS_ONLY: Header = (b"strict-transport-security", b"max-age=31536000")
_WITHOUT_BODY = (204, 304)
_READS = ("GET", "HEAD")
_NO_HEADERS: tuple[Header, ...] = ()
_VARY: tuple[Header, ...] = ((b"vary", b"Accept-Encoding"),)
_encode = Encoder().encode


class Response(Struct):
    """A response that is rendered already and only has to be sent. It can be sent several times.

    Args:
        body: empty where the status allows none.
        status: None: the one that the operation declares.
        media_type: of the body.
        headers: further ones.
        etag: identifies this version of the body; a client that has it already gets 304 instead.
        code: of the problem, if this is one; for the log.
        cache_control: what caches may do with it.
        policy: the Content-Security-Policy.
        is_replay: whether an earlier request with the same Idempotency-Key made it.
        is_for_all_origins: whether pages of others may show it.
        text: of the catalog, from which the same response can be made again; see `read_model`.
    """

    body: bytes = b""
    status: int | None = None
    media_type: bytes = JSON
    headers: tuple[Header, ...] = ()
    etag: str | None = None
    code: str | None = None
    cache_control: bytes = NO_STORE
    policy: bytes = _NOTHING_ALLOWED
    is_replay: bool = False
    is_for_all_origins: bool = False
    text: CatalogText | None = None

    def marked_as_replay(self) -> Response:
        """The response, which says that an earlier request with the same Idempotency-Key did what was asked for."""
        self.headers += ((REPLAYED.lower().encode(), b"true"),)
        self.is_replay = True
        return self

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it; or 304, to a client that has it already. HEAD gets no body."""
        request = request_of(scope)
        if request.scope["method"] in _READS:
            await self._send_to_reader(request, send)
        else:
            await self._send(request, send, self.body, self.etag)

    async def _send_to_reader(self, request: ShopRequest, send: Send) -> None:
        """Send it, compressed if it may be and the client takes that, see `compression`; or 304."""
        response, body, etag, headers, encoding = self, self.body, self.etag, _NO_HEADERS, None
        if self.media_type == JSON and len(body) >= COMPRESSED_BYTES_MIN and request.state.compression:
            headers, encoding = _VARY, encoding_for(request.headers.get(b"accept-encoding", b""))
        if etag and encoding:
            etag = f"W/{etag}"  # weak, as other bytes stand for the same
        if self.etag and request.knows(self.etag):
            response, body = self._not_modified(), b""
        elif encoding:
            body, headers = await encoding.encoded(body), (*headers, (b"content-encoding", encoding.name))
        await response._send(request, send, body, etag, headers)

    def _not_modified(self) -> Response:
        """For a client that has it already. A cache takes over what this head says."""
        known = Response(b"", 304, cache_control=self.cache_control, policy=self.policy)
        known.is_for_all_origins = self.is_for_all_origins
        return known

    async def _send(
        self, request: ShopRequest, send: Send, body: bytes, etag: str | None, vary: tuple[Header, ...] = _NO_HEADERS
    ) -> None:
        state, status, is_head = request.state, self.status or 200, request.scope["method"] == "HEAD"
        request.response = self
        head = [
            *self.headers,
            *vary,
            *request.response_headers,
            *(state.security_headers if not self.is_for_all_origins else _for_all_origins(state.security_headers)),
            (b"content-security-policy", self.policy),
            (b"cache-control", self.cache_control),
            (b"x-request-id", request.id.encode()),
        ]
        if etag is not None:
            head.append((b"etag", etag.encode()))
        if status not in _WITHOUT_BODY:
            head += (b"content-type", self.media_type), (b"content-length", b"%d" % len(body))
        if not (request.has_whole_body or await request.discard_body()) or state.shutdown.has_begun:
            head.append((b"connection", b"close"))
        await send({"type": "http.response.start", "status": status, "headers": head})
        await send({"type": "http.response.body", "body": b"" if is_head else body, "more_body": False})


def security_headers(base_url: str) -> tuple[Header, ...]:
    """What every response says to browsers: more where clients are known to reach the shop by HTTPS."""
    return (*_SECURITY_HEADERS, _HTTPS_ONLY) if base_url.startswith("https:") else _SECURITY_HEADERS


def _for_all_origins(headers: tuple[Header, ...]) -> tuple[Header, ...]:
    policy = b"cross-origin-resource-policy"
    return tuple((name, b"cross-origin" if name == policy else value) for name, value in headers)


def json_response(
    body: Struct, *, etag: tuple[int, ...] = (), location: str | None = None, is_replay: bool = False
) -> Response:
    """A response with `body` as JSON.

    Args:
        etag: the version of what was read, and any other value whose change must change the ETag.
        location: the path, within the API, of what was created.
    """
    headers: tuple[Header, ...] = () if location is None else ((b"location", f"{API}{location}".encode()),)
    response = Response(_encode(body), headers=headers, etag=f'"{".".join(map(str, etag))}"' if etag else None)
    return response.marked_as_replay() if is_replay else response


def page_response(
    body: Callable[..., B], page: Page[T], page_request: PageRequest, render: Callable[[T], Any], request: ShopRequest
) -> Response:
    """A page of a list, with an ETag.

    Args:
        body: the schema of the page.
        page: what was found.
        page_request: what was asked for.
        render: makes the schema of one item.
        request: the links to the pages beside this one keep its other parameters.
    """
    if isinstance(page_request, CursorRequest):
        fields = _by_cursor(page, request)
    else:
        fields = _by_offset(page, page_request, request)
    content = _encode(body(results=tuple(map(render, page.items)), **fields))
    return Response(content, etag=f'"{sha256(content).hexdigest()[:24]}"')


def _by_cursor(page: Page[Any], request: ShopRequest) -> dict[str, Any]:
    """What a page of a walk says beside its items."""
    following = link(request, cursor=page.cursor) if page.cursor else None
    return {"next": following, "next_cursor": page.cursor or UNSET, "previous": None}


def _by_offset(page: Page[Any], page_request: OffsetRequest, request: ShopRequest) -> dict[str, Any]:
    """What a numbered page says beside its items."""
    count, shown = page.count or 0, len(page.items)
    after = page_request.offset + (shown if page.is_cut else page_request.limit)
    before = page_request.offset - page_request.limit
    goes_on = page.is_cut or (shown == page_request.limit if page.count_is_estimate else after < count)
    return {
        "count": count,
        "count_is_estimate": page.count_is_estimate or UNSET,
        "next": _link_at(request, page_request, after) if goes_on and after <= OFFSET_MAX else None,
        "previous": _link_at(request, page_request, max(0, before)) if page_request.offset else None,
    }


def _link_at(request: ShopRequest, page_request: OffsetRequest, offset: int) -> str:
    """The link to the same list from `offset` on, counted in pages or in items as the client does."""
    page, is_between = divmod(offset, page_request.limit)
    if is_between or page >= PAGE_MAX or "offset" in _sent(request):
        return link(request, page=None, offset=str(offset))
    return link(request, page=str(page + 1))


def link(request: ShopRequest, **changed: str | None) -> str:
    """The link to what is asked for, with other query parameters; those that are None are left out."""
    parameters = _sent(request) | changed
    query = urlencode({name: text for name, text in parameters.items() if text is not None})
    return f"{request.state.base_url}{request.scope['path']}?{query}"


def _sent(request: ShopRequest) -> dict[str, str]:
    return dict(parse_qsl(request.scope["query_string"].decode(), keep_blank_values=True))
