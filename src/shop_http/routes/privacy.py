"""What is stored about a person, and how they leave."""

from __future__ import annotations

import logging
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from shop_core.errors import (
    AccountNotFound,
    InvalidCursor,
    KeyReused,
    LastAdmin,
    LoginTooOld,
    OrdersOpen,
    TooManyAttempts,
    WrongPassword,
)
from shop_core.idempotency import IdempotencyKey
from shop_core.privacy import PersonalData
from shop_http.documentation import examples
from shop_http.requests import ShopRequest
from shop_http.responses import Response, json_response, link
from shop_http.routes import accounts
from shop_http.routing import Access, Operation, delete, get
from shop_http.schemas.privacy import ErasureForm, PersonalDataBody
from shop_http.server.worker_pools import Pool

TAG = accounts.TAG

_logger = logging.getLogger("shop_http")


class DataQuery(Struct, forbid_unknown_fields=True, kw_only=True):
    """Which page."""

    cursor: Annotated[str, Meta(max_length=1_000, description="as `next` has it; empty for the first page")] = ""


@get(
    "/users/me/data",
    Operation(pool=Pool.SLOW, query=DataQuery, gives=examples.PERSONAL_DATA, refuses=(AccountNotFound, InvalidCursor)),
)
def get_my_data(request: ShopRequest, query: DataQuery) -> Response:
    """Everything that is stored about you.

    Your account, your sessions, your orders with their lines, timelines and uses of promotions, also deleted ones, and
    your reservations. A page has up to 20 orders and 20 reservations: follow `next` to the end.
    """
    return _data(request, request.shop.privacy.my_data(request.actor, query.cursor or None))


@delete(
    "/users/me",
    Operation(
        erases=True,
        pool=Pool.HASHING,
        takes=examples.ERASURE,
        status=204,
        refuses=(TooManyAttempts, WrongPassword, OrdersOpen, LastAdmin, KeyReused),
    ),
)
def erase_me(request: ShopRequest, form: ErasureForm, key: IdempotencyKey | None) -> None:
    """Erase your account, for good.

    Your names, email address, username, password and sessions are erased at once, and your reservations are released.
    Orders stay for the books, without a person. Cancel orders that are not shipped yet, or wait. The username is free
    again. If the response is lost, send the same again with the same access token: it is 204, even if the token has
    expired. A wrong `password` is 400 `wrong_password`.
    """
    request.shop.privacy.erase_me(request.actor, form.password, key=key)
    _log_erasure(request.actor.account_id)


@get(
    "/users/{user_id:uuid}/data",
    Operation(
        access=Access.STAFF,
        pool=Pool.SLOW,
        query=DataQuery,
        gives=examples.PERSONAL_DATA,
        refuses=(AccountNotFound, LoginTooOld, InvalidCursor),
    ),
)
def get_user_data(request: ShopRequest, user_id: UUID, query: DataQuery) -> Response:
    """Everything that is stored about a user, as they get it themselves.

    For admins, within 15 minutes of their login.
    """
    return _data(request, request.shop.privacy.data(request.actor, user_id, query.cursor or None))


@delete(
    "/users/{user_id:uuid}",
    Operation(
        access=Access.STAFF,
        status=204,
        refuses=(AccountNotFound, LoginTooOld, OrdersOpen, LastAdmin, KeyReused),
    ),
)
def erase_user(request: ShopRequest, user_id: UUID, key: IdempotencyKey | None) -> None:
    """Erase the account of a user, as they can themselves.

    For admins, within 15 minutes of their login.
    """
    request.shop.privacy.erase(request.actor, user_id, key=key)
    _log_erasure(user_id)


def _log_erasure(account_id: UUID) -> None:
    """For whoever restores a backup. It is no line that SHOP_LOG_LEVEL=warning leaves out."""
    _logger.warning("account erased: %s", account_id)


def _data(request: ShopRequest, data: PersonalData) -> Response:
    following = link(request, cursor=data.cursor) if data.cursor else None
    return json_response(PersonalDataBody.of(data, request.actor, following))


ROUTES = (get_my_data, erase_me, get_user_data, erase_user)
