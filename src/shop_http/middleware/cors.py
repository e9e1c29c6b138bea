"""Cross-origin resource sharing: which web pages of other origins may read responses.

Only the origins that the settings list may. The API knows no cookies, the staff panel has some of its own: so no
credentials are ever allowed along.
"""

from __future__ import annotations

from collections.abc import Collection

from litestar.types import ASGIApp, Receive, Scope, Send

from shop_http.middleware import Middleware
from shop_http.requests import ShopRequest, request_of
from shop_http.responses import Header

_VARY = (b"vary", b"Origin")
_EXPOSED = (
    b"access-control-expose-headers",
    b"ETag, Idempotency-Replayed, Location, RateLimit, RateLimit-Policy, Retry-After, X-Request-ID",
)
_PREFLIGHT = (
    (b"access-control-allow-methods", b"GET, HEAD, POST, PUT, PATCH, DELETE"),
    (
        b"access-control-allow-headers",
        b"Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, X-Request-ID, Traceparent",
    ),
    (b"access-control-max-age", b"600"),
)


def cors(origins: Collection[str]) -> Middleware:
    """Adds the headers of CORS to every response.

    Args:
        origins: of the web pages that may read responses, e.g. `https://shop.example`; empty: this does nothing.
    """
    allowed = frozenset(origin.encode() for origin in origins)

    def middleware(app: ASGIApp) -> ASGIApp:
        async def shared(scope: Scope, receive: Receive, send: Send) -> None:
            request = request_of(scope)
            request.response_headers += _headers(request, allowed)
            await app(scope, receive, send)

        return shared if allowed else app

    return middleware


def _headers(request: ShopRequest, allowed: Collection[bytes]) -> tuple[Header, ...]:
    origin = request.headers.get(b"origin")
    if origin is None or origin not in allowed:
        return (_VARY,)
    allow = (_VARY, (b"access-control-allow-origin", origin))
    if request.scope["method"] == "OPTIONS" and b"access-control-request-method" in request.headers:
        return (*allow, *_PREFLIGHT)
    return (*allow, _EXPOSED)
