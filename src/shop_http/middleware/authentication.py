"""Authentication: finds out who acts, and refuses requests without a valid access token where a login is needed."""

from __future__ import annotations

from litestar.types import ASGIApp, Receive, Scope, Send

from shop_core import NOBODY
from shop_http.requests import request_of
from shop_http.routing import access_of


def authentication(app: ASGIApp) -> ASGIApp:
    """Stands inside Litestar's routing, since it must know the route.

    A public operation does not look at the token at all, so that an expired one locks nobody out of it. No database is
    asked here: staff tokens are re-checked in the worker thread, see `shop_http.routing`.
    """

    async def authenticated(scope: Scope, receive: Receive, send: Send) -> None:
        request = request_of(scope)
        needs_login = access_of(scope["route_handler"]).needs_login(request.state.public_catalog)
        request.actor = request.sender() if needs_login else NOBODY
        await app(scope, receive, send)

    return authenticated
