"""Registering, logging in, and one's own profile."""

from __future__ import annotations

from litestar.params import RawBody

from shop_core.errors import AccountNotFound, InvalidToken, UsernameTaken, WrongCredentials
from shop_http.intake import read_body
from shop_http.routing import Access, Operation, Reply, ShopRequest, get, post, reply
from shop_http.wire import accounts as wire
from shop_http.wire.accounts import CredentialsForm, RefreshForm, RegistrationForm, TokensBody, UserBody

TAG = "Accounts"
_NO_STORE = {"Cache-Control": "no-store"}  # RFC 6749, 5.1: tokens stay out of every cache


@post(
    "/register",
    Operation(
        id="register",
        summary="Open an account",
        tag=TAG,
        access=Access.PUBLIC,
        takes=wire.REGISTRATION,
        gives=wire.USER,
        status=201,
        refuses=(UsernameTaken,),
    ),
)
def register(request: ShopRequest, body: RawBody) -> Reply:
    """Open an account as a customer."""
    form = read_body(RegistrationForm, body)
    return reply(UserBody.of(request.shop.accounts.register(form.registration())), location="/users/me")


@post(
    "/token",
    Operation(
        id="log_in",
        summary="Log in: trade username and password for a pair of tokens",
        tag=TAG,
        access=Access.PUBLIC,
        takes=wire.CREDENTIALS,
        gives=wire.TOKENS,
        refuses=(WrongCredentials,),
        more="Send the access token with every request, as `Authorization: Bearer <access>`.",
    ),
)
def log_in(request: ShopRequest, body: RawBody) -> Reply:
    """Start a session."""
    form = read_body(CredentialsForm, body)
    return reply(TokensBody.of(request.shop.accounts.log_in(form.username, form.password)), more=_NO_STORE)


@post(
    "/token/refresh",
    Operation(
        id="refresh_tokens",
        summary="Trade a refresh token for a new pair",
        tag=TAG,
        access=Access.PUBLIC,
        takes=wire.REFRESH,
        gives=wire.TOKENS,
        refuses=(InvalidToken,),
        more="The old refresh token is spent. A retry within 20 seconds gets the same successor; later use of a "
        "spent token ends the session.",
    ),
)
def refresh_tokens(request: ShopRequest, body: RawBody) -> Reply:
    """Carry a session on."""
    form = read_body(RefreshForm, body)
    return reply(TokensBody.of(request.shop.accounts.refresh(form.refresh)), more=_NO_STORE)


@get(
    "/users/me",
    Operation(id="get_me", summary="One's own profile", tag=TAG, gives=wire.USER, refuses=(AccountNotFound,)),
)
def get_me(request: ShopRequest) -> Reply:
    """The account that is logged in."""
    return reply(UserBody.of(request.shop.accounts.me(request.actor)))


AUTH_ROUTES = (register, log_in, refresh_tokens)
ROUTES = (get_me,)
