"""Who is registered: for staff to look up, for admins to change."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from shop_core import AccountQuery, Role
from shop_core.errors import AccountNotFound, InvalidCursor, KeyReused, LastAdmin, LoginTooOld
from shop_core.idempotency import IdempotencyKey
from shop_core.text import search_words
from shop_http.documentation import examples
from shop_http.requests import ListQuery, ShopRequest
from shop_http.responses import Response, json_response, page_response
from shop_http.routes import accounts
from shop_http.routing import Access, Operation, get, patch, post
from shop_http.schemas.accounts import AccountBody, AccountPage, AccountStatusForm, ResetBody
from shop_http.server.worker_pools import Pool

TAG = accounts.TAG


class UsersQuery(ListQuery, forbid_unknown_fields=True, kw_only=True):
    """The filters of the list of users; all that are given must hold."""

    search: Annotated[
        str, Meta(max_length=200, description="beginnings of words of the username, email address or names")
    ] = ""
    role: Role | UnsetType = UNSET
    active: Annotated[bool, Meta(description="true: may log in; false: deactivated")] | UnsetType = UNSET

    def conditions(self) -> AccountQuery:
        """The same for the core."""
        return AccountQuery(
            words=search_words(self.search) if self.search.strip() else None,
            role=self.role or None,
            active=None if self.active is UNSET else self.active,
        )


@get(
    "/users",
    Operation(
        pool=Pool.SLOW,
        access=Access.STAFF,
        has_etag=True,
        query=UsersQuery,
        gives=examples.ACCOUNTS,
        refuses=(InvalidCursor,),
    ),
)
def list_users(request: ShopRequest, query: UsersQuery) -> Response:
    """Registered users, by username.

    `search` takes words. Each must be the beginning of a word of the username, the email address or a name, in any
    case. No character is special.
    """
    page_request = query.page_request()
    page = request.shop.accounts.accounts(request.actor, query.conditions(), page_request)
    return page_response(AccountPage, page, page_request, AccountBody.of, request)


@get("/users/{user_id:uuid}", Operation(access=Access.STAFF, gives=examples.ACCOUNT, refuses=(AccountNotFound,)))
def get_user(request: ShopRequest, user_id: UUID) -> Response:
    """A registered user."""
    return json_response(AccountBody.of(request.shop.accounts.account(request.actor, user_id)))


@patch(
    "/users/{user_id:uuid}",
    Operation(
        access=Access.STAFF,
        takes=examples.STANDING,
        gives=examples.ACCOUNT,
        refuses=(AccountNotFound, LoginTooOld, LastAdmin, KeyReused),
    ),
)
def assign_user(request: ShopRequest, user_id: UUID, form: AccountStatusForm, key: IdempotencyKey | None) -> Response:
    """Give a user another role, or deactivate or reactivate them.

    For admins, within 15 minutes of their login. Fields that you leave out stay as they are. A deactivated user cannot
    log in, and all their sessions end within about a second. The last active admin cannot be changed.
    """
    change = form.change()
    return json_response(AccountBody.of(request.shop.accounts.assign(request.actor, user_id, change, key=key)))


@post(
    "/users/{user_id:uuid}/password-reset",
    Operation(access=Access.STAFF, gives=examples.RESET_CODE, refuses=(AccountNotFound, LoginTooOld)),
)
def offer_password_reset(request: ShopRequest, user_id: UUID) -> Response:
    """A code for a user who forgot their password.

    For admins, within 15 minutes of their login, who hand the code over. With `POST /auth/password-reset/confirm` the
    user sets a password that nobody else learns. A code works once, within an hour.
    """
    offered = request.shop.accounts.offer_reset(request.actor, user_id)
    return json_response(ResetBody(code=offered.code, expires_at=offered.expires_at))


ROUTES = (list_users, get_user, assign_user, offer_password_reset)
