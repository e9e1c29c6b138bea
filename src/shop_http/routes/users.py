"""Who is registered: for staff to look up, for admins to change."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from shop_core import AccountQuery, Role
from shop_core.errors import AccountNotFound, InvalidCursor, KeyReused, LastAdmin
from shop_core.idempotency import IdempotencyKey
from shop_core.text import search_words
from shop_http.requests import ListQuery, ShopRequest
from shop_http.responses import Response, json_response, page_response
from shop_http.routes.accounts import TAG
from shop_http.routing import Access, Operation, get, patch, post
from shop_http.schemas import accounts as schemas
from shop_http.schemas.accounts import AccountBody, AccountPage, AccountStatusForm, ResetBody
from shop_http.server.worker_pools import Pool


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
        id="list_users",
        pool=Pool.SLOW,
        summary="Registered users, by username",
        tag=TAG,
        access=Access.STAFF,
        query=UsersQuery,
        gives=schemas.ACCOUNTS,
        refuses=(InvalidCursor,),
        description="`search` takes words. Each must be the beginning of a word of the username, the email address "
        "or a name, in any case. No character is special.",
    ),
)
def list_users(request: ShopRequest, query: UsersQuery) -> Response:
    """Registered users, a piece at a time, for staff."""
    page_request = query.page_request()
    page = request.shop.accounts.accounts(request.actor, query.conditions(), page_request)
    return page_response(AccountPage, page, page_request, AccountBody.of, request)


@get(
    "/users/{user_id:uuid}",
    Operation(
        id="get_user",
        summary="A registered user",
        tag=TAG,
        access=Access.STAFF,
        gives=schemas.ACCOUNT,
        refuses=(AccountNotFound,),
    ),
)
def get_user(request: ShopRequest, user_id: UUID) -> Response:
    """One registered user, for staff."""
    return json_response(AccountBody.of(request.shop.accounts.account(request.actor, user_id)))


@patch(
    "/users/{user_id:uuid}",
    Operation(
        id="assign_user",
        summary="Give a user another role, or deactivate or reactivate them",
        tag=TAG,
        access=Access.STAFF,
        takes=schemas.STANDING,
        gives=schemas.ACCOUNT,
        refuses=(AccountNotFound, LastAdmin, KeyReused),
        description="For admins. Fields that you leave out stay as they are. A deactivated user cannot log in, and "
        "all their sessions end within about a second. The last active admin cannot be changed.",
    ),
)
def assign_user(request: ShopRequest, user_id: UUID, form: AccountStatusForm, key: IdempotencyKey | None) -> Response:
    """Change role or standing, for admins."""
    change = form.change()
    return json_response(AccountBody.of(request.shop.accounts.assign(request.actor, user_id, change, key=key)))


@post(
    "/users/{user_id:uuid}/password-reset",
    Operation(
        id="offer_password_reset",
        summary="A code for a user who forgot their password",
        tag=TAG,
        access=Access.STAFF,
        gives=schemas.RESET_CODE,
        refuses=(AccountNotFound,),
        description="For admins, who hand the code over. With `POST /auth/password-reset` the user sets a password "
        "that nobody else learns. A code works once, within an hour.",
    ),
)
def offer_password_reset(request: ShopRequest, user_id: UUID) -> Response:
    """Make a code for another password, for admins."""
    offered = request.shop.accounts.offer_reset(request.actor, user_id)
    return json_response(ResetBody(code=offered.code, expires_at=offered.expires_at))


ROUTES = (list_users, get_user, assign_user, offer_password_reset)
