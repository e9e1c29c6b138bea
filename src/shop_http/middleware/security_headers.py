"""What every answer says to browsers and caches, and which other sites' pages may ask at all.

The shop answers programs. So a browser may neither sniff, nor frame, nor run anything that it sends, except for the
documentation, which brings a policy of its own; and caches keep nothing but the public catalog, which they must ask
about each time. Pages of other origins may read answers only if they are listed; there are no cookies, so no
credentials are ever allowed along.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from shop_http.routing import headers

_ALWAYS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"x-frame-options", b"DENY"),  # for browsers that do not know the policy
    (b"cross-origin-resource-policy", b"same-origin"),
)
_TLS_ONLY = (b"strict-transport-security", b"max-age=31536000")
_METHODS = b"GET, HEAD, POST, PUT, PATCH, DELETE"
_MAY_SEND = b"Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, X-Request-ID, Traceparent"
_MAY_SEE = b"ETag, Idempotency-Replayed, Location, RateLimit, RateLimit-Policy, Retry-After, X-Request-ID"
_PREFLIGHT = (
    (b"access-control-allow-methods", _METHODS),
    (b"access-control-allow-headers", _MAY_SEND),
    (b"access-control-max-age", b"600"),
)


class SecurityHeaders:
    """Wraps the application.

    Args:
        app: the application.
        is_public: whether the answer at a path is the same for everybody.
        https: whether clients reach the shop by HTTPS, so that they can be told to use nothing else.
        origins: of the pages that may ask, e.g. `https://shop.example`.
    """

    def __init__(
        self, app: ASGIApp, is_public: Callable[[str], object], *, https: bool, origins: Collection[str] = ()
    ) -> None:
        self._app = app
        self._is_public = is_public
        self._always = (*_ALWAYS, _TLS_ONLY) if https else _ALWAYS
        self._origins = frozenset(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        more = (*self._always, *self._sharing(scope))
        reads_public = scope["method"] in {"GET", "HEAD"} and bool(self._is_public(scope["path"]))

        async def armoured(message: Message) -> None:
            if message["type"] == "http.response.start":
                kept = reads_public and message["status"] in {200, 304}
                wanted = (*more, (b"cache-control", b"no-cache" if kept else b"no-store"))
                there = {name.lower() for name, _ in message["headers"]}
                message["headers"] = [*message["headers"], *(one for one in wanted if one[0] not in there)]
            await send(message)

        await self._app(scope, receive, armoured)

    def _sharing(self, scope: HTTPScope) -> tuple[tuple[bytes, bytes], ...]:
        """What tells a browser that the page which asks may see the answer; nothing for others."""
        if not self._origins:
            return ()
        varies = (b"vary", b"Origin")
        match headers(scope, b"origin"):
            case [origin] if origin in self._origins:
                said = (varies, (b"access-control-allow-origin", origin.encode()))
                if scope["method"] == "OPTIONS" and headers(scope, b"access-control-request-method"):
                    return (*said, *_PREFLIGHT)
                return (*said, (b"access-control-expose-headers", _MAY_SEE))
        return (varies,)
