"""Every request is counted before anything is done for it."""

from __future__ import annotations

import math
from collections.abc import Hashable
from typing import cast

from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send
from msgspec.json import encode

from shop_core import Shop
from shop_core.errors import Refusal, TooMany
from shop_http import responses as problems
from shop_http.client_address import client_of
from shop_http.limits import Buckets, Limits


class RateLimit:
    """Wraps the application: finds out from where each request comes, counts it, and refuses what is too much.

    What it allows, and how much of that is left, it says in the headers of draft-ietf-httpapi-ratelimit-headers.
    """

    def __init__(self, app: ASGIApp, shop: Shop, limits: Limits) -> None:
        self._app = app
        self._shop = shop
        self._addresses = limits.addresses
        self._buckets = Buckets(limits.requests) if limits.requests else None
        if rate := limits.requests:
            self._policy = (b"ratelimit-policy", b'"client";q=%d;w=%d' % (rate.count, rate.per_s))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        state = scope["state"]
        state["address"] = address = self._addresses.of(scope)
        state["client"] = client_of(address)
        if self._buckets is None or scope["path"].startswith("/health/"):
            await self._app(scope, receive, send)
            return
        left, seconds = self._buckets.take(self._who(scope))
        more = [self._policy, (b"ratelimit", b'"client";r=%d;t=%d' % (max(0, left), math.ceil(seconds)))]
        if left < 0:
            await _refuse(scope, send, math.ceil(seconds), more)
            return

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *more]
            await send(message)

        await self._app(scope, receive, answer)

    def _who(self, scope: HTTPScope) -> Hashable:
        """The account whose token it is, else the client's network: a token that is none hides nobody."""
        for name, value in scope["headers"]:
            if name == b"authorization":
                try:
                    return self._shop.sessions.identify(value[7:].decode("latin-1").strip()).id
                except Refusal:
                    break
        return cast(str, scope["state"]["client"])


async def _refuse(scope: Scope, send: Send, wait_s: int, more: list[tuple[bytes, bytes]]) -> None:
    refusal = TooMany(f"You ask more often than you may: wait {wait_s} seconds.", wait_s)
    body = encode(problems.of_refusal(refusal, **problems.where(scope)))
    headers = [
        (b"content-type", problems.MEDIA_TYPE.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"retry-after", str(refusal.retry_after_s).encode()),
        *more,
    ]
    await send({"type": "http.response.start", "status": 429, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
