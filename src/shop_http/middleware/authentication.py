"""Who may come in: nobody without an access token, except where an operation says otherwise."""

from __future__ import annotations

from typing import cast

from litestar.types import Scope

from shop_core import NOBODY, Actor, Shop
from shop_core.errors import InvalidToken, Unauthenticated
from shop_http.routing import Access, headers, operation_of


def know_the_actor(scope: Scope) -> None:
    """The check that finds out who acts, and turns away who must log in first.

    A public operation does not look at the token at all, so that a stale one cannot lock anybody out of it. This
    runs on the loop and asks no store: what a token says of staff is confirmed in the worker thread (`routing`).
    """
    state, handler = scope["litestar_app"].state, scope["route_handler"]
    operation = operation_of(handler)
    access = operation.access if operation else handler.opt.get("access", Access.LOGIN)
    if access.needs_login(state.public_catalog):
        scope["user"] = actor_of(cast(Shop, state.shop), headers(scope, b"authorization"))
    else:
        scope["user"] = NOBODY


def actor_of(shop: Shop, authorization: list[str]) -> Actor:
    """Who acts, as the Authorization headers say.

    Raises:
        Unauthenticated, InvalidToken: nobody that we know.
    """
    match authorization:
        case []:
            raise Unauthenticated
        case [credentials]:
            scheme, _, token = credentials.partition(" ")
            if scheme.lower() != "bearer":
                raise Unauthenticated("Send the access token as: Authorization: Bearer <token>.")
            return shop.sessions.identify(token.strip())
        case _:
            raise InvalidToken("Send one Authorization header only.")
