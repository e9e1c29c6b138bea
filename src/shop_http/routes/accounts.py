"""Registering, logging in and out, and one's own profile."""

from __future__ import annotations

from functools import partial
from uuid import UUID

from shop_core.errors import (
    AccountNotFound,
    InvalidResetCode,
    InvalidToken,
    LoginTooOld,
    SessionNotFound,
    TooManyAttempts,
    UsernameTaken,
    WrongCredentials,
    WrongPassword,
)
from shop_http.requests import read_body
from shop_http.routing import Access, Operation, Reply, ShopRequest, delete, done, get, patch, post, reply
from shop_http.schemas import accounts as wire
from shop_http.schemas.accounts import (
    CredentialsForm,
    PasswordForm,
    ProfileForm,
    RefreshForm,
    RegistrationForm,
    ResetForm,
    SessionBody,
    SessionsBody,
    TokensBody,
    UserBody,
)
from shop_http.server.worker_pools import Pool

TAG = "Accounts"
NO_STORE = {"Cache-Control": "no-store"}  # RFC 6749, 5.1: tokens stay out of every cache


@post(
    "/register",
    Operation(
        id="register",
        lane=Pool.HASHING,
        summary="Open an account",
        tag=TAG,
        access=Access.PUBLIC,
        takes=wire.REGISTRATION,
        gives=wire.USER,
        status=201,
        refuses=(UsernameTaken,),
        more="A username has 3 to 150 letters, digits and . @ + - _, and is given once whatever its case. A password "
        "has 8 to 256 characters of any kind; the most common ones, and username or email address, are refused.",
    ),
)
async def register(request: ShopRequest, body: bytes) -> Reply:
    """Open an account as a customer."""
    form = read_body(RegistrationForm, body)
    with request.gate.stranger(request.client_key):
        account = await request.lanes.run(Pool.HASHING, lambda: request.shop.accounts.register(form.registration()))
    return reply(UserBody.of(account), location="/users/me")


@post(
    "/token",
    Operation(
        id="log_in",
        lane=Pool.HASHING,
        summary="Log in: trade username and password for a pair of tokens",
        tag=TAG,
        access=Access.PUBLIC,
        takes=wire.CREDENTIALS,
        gives=wire.TOKENS,
        refuses=(WrongCredentials, TooManyAttempts),
        more="Send the access token with every request, as `Authorization: Bearer <access>`. Guesses of a password are "
        "counted. Keep `device` and send it with the next login from the same device: then guesses of others never "
        "make you wait.",
    ),
)
async def log_in(request: ShopRequest, body: bytes) -> Reply:
    """Start a session. Strangers are counted first, on the loop: what is refused takes no place in the lane."""
    form, sessions, client = read_body(CredentialsForm, body), request.shop.sessions, request.client_key
    attempt = partial(sessions.log_in, form.username, form.password, client=client, device=form.device)
    if sessions.is_known_device(form.username, form.device):
        login = await request.lanes.run(Pool.HASHING, attempt)
    else:
        with request.gate.stranger(client):
            login = await request.lanes.run(Pool.HASHING, attempt)
        request.gate.logged_in(client)
    return reply(TokensBody.of(login), more=NO_STORE)


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
def refresh_tokens(request: ShopRequest, body: bytes) -> Reply:
    """Carry a session on."""
    form = read_body(RefreshForm, body)
    return reply(TokensBody.of(request.shop.sessions.refresh(form.refresh)), more=NO_STORE)


@post(
    "/logout",
    Operation(
        id="log_out",
        summary="Log out: end the session of a refresh token",
        tag=TAG,
        access=Access.PUBLIC,
        takes=wire.REFRESH,
        gives=None,
        status=204,
        more="Whatever the token is: unknown, spent or of a session that has ended, the answer is the same. The access "
        "tokens of the session are good no more, with any server of the shop within about a second.",
    ),
)
def log_out(request: ShopRequest, body: bytes) -> Reply:
    """End a session."""
    request.shop.sessions.log_out(read_body(RefreshForm, body).refresh)
    return done()


@post(
    "/password-reset",
    Operation(
        id="reset_password",
        lane=Pool.HASHING,
        summary="Set another password with a code from an admin",
        tag=TAG,
        access=Access.PUBLIC,
        takes=wire.RESET,
        gives=None,
        status=204,
        refuses=(InvalidResetCode,),
        more="For who forgot his. The code is good once, for an hour. Every session of the account ends.",
    ),
)
async def reset_password(request: ShopRequest, body: bytes) -> Reply:
    """Give an account another password, without the old one."""
    form = read_body(ResetForm, body)
    reset = partial(request.shop.accounts.reset_password, form.code, form.new_password)
    with request.gate.stranger(request.client_key):
        await request.lanes.run(Pool.HASHING, reset)
    return done()


@get(
    "/users/me",
    Operation(id="get_me", summary="One's own profile", tag=TAG, gives=wire.USER, refuses=(AccountNotFound,)),
)
def get_me(request: ShopRequest) -> Reply:
    """The account that is logged in."""
    return reply(UserBody.of(request.shop.accounts.me(request.actor)))


@patch(
    "/users/me",
    Operation(
        id="edit_me",
        summary="Change one's own names or email address",
        tag=TAG,
        takes=wire.PROFILE,
        gives=wire.USER,
        refuses=(AccountNotFound,),
        more="What is left out stays. The username and the role are not for oneself to change.",
    ),
)
def edit_me(request: ShopRequest, body: bytes) -> Reply:
    """Change the profile of the account that is logged in."""
    return reply(UserBody.of(request.shop.accounts.edit_me(request.actor, read_body(ProfileForm, body).change())))


@post(
    "/users/me/password",
    Operation(
        id="change_password",
        lane=Pool.HASHING,
        summary="Change one's own password, and log out everywhere",
        tag=TAG,
        takes=wire.PASSWORDS,
        gives=None,
        status=204,
        refuses=(AccountNotFound, TooManyAttempts, WrongPassword),
        more="Every session ends, this one too: log in again with the new password. A wrong `old_password` is 400 "
        "`wrong_password`, not 401: the login itself is fine.",
    ),
)
def change_password(request: ShopRequest, body: bytes) -> Reply:
    """Give the account that is logged in another password."""
    form = read_body(PasswordForm, body)
    request.shop.accounts.change_password(request.actor, form.old_password, form.new_password)
    return done()


@get(
    "/users/me/sessions",
    Operation(
        id="list_sessions",
        summary="Where one is logged in",
        tag=TAG,
        gives=wire.SESSIONS,
        more="The session that was used last comes first. A session that is not carried on ends by itself, and any of "
        "them after 180 days. Who logs in a hundred times is logged out where he was not for longest.",
    ),
)
def list_sessions(request: ShopRequest) -> Reply:
    """The sessions of the account that is logged in."""
    actor = request.actor
    sessions = request.shop.sessions.sessions(actor)
    return reply(SessionsBody(results=tuple(SessionBody.of(session, actor) for session in sessions)))


@delete(
    "/users/me/sessions/{session_id:uuid}",
    Operation(
        id="end_session",
        summary="End one of one's own sessions",
        tag=TAG,
        gives=None,
        status=204,
        refuses=(SessionNotFound, LoginTooOld),
        more="That is: the current one, or any other within 15 minutes of the login with which the current one began, "
        "so that whoever finds a phone cannot log its owner out elsewhere. Its access tokens are good no more, with "
        "any server of the shop within about a second.",
    ),
)
def end_session(request: ShopRequest, session_id: UUID) -> Reply:
    """End a session of the account that is logged in."""
    request.shop.sessions.end(request.actor, session_id)
    return done()


AUTH_ROUTES = (register, log_in, refresh_tokens, log_out, reset_password)
ROUTES = (get_me, edit_me, change_password, list_sessions, end_session)
