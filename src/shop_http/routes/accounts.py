"""Registering, logging in and out, and one's own profile."""

from __future__ import annotations

from functools import partial
from uuid import UUID

from shop_core.errors import (
    AccountNotFound,
    InvalidConfirmationCode,
    InvalidResetCode,
    InvalidToken,
    KeyReused,
    LoginTooOld,
    NoMail,
    SessionNotFound,
    TooManyAttempts,
    TooManyMails,
    UsernameTaken,
    WrongCredentials,
    WrongPassword,
)
from shop_core.idempotency import IdempotencyKey
from shop_http.documentation import examples
from shop_http.requests import ShopRequest
from shop_http.responses import Response, json_response
from shop_http.routing import Access, Operation, delete, get, patch, post
from shop_http.schemas.accounts import (
    CredentialsForm,
    EmailCodeForm,
    EmailForm,
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
_CREDENTIALS_SIZE_MAX = 4 * 1024


@post(
    "/auth/register",
    Operation(
        body_size_max=_CREDENTIALS_SIZE_MAX,
        pool=Pool.HASHING,
        access=Access.PUBLIC,
        takes=examples.REGISTRATION,
        gives=examples.USER,
        status=201,
        refuses=(UsernameTaken, KeyReused),
    ),
)
async def register(request: ShopRequest, form: RegistrationForm) -> Response:
    """Open an account.

    A username has 3 to 150 letters, digits and . @ + - _; two usernames may not differ in case only. A password has 8
    to 256 characters of any kind; the most common passwords, and the username or email address, are refused. If the
    response is lost, send the same again with the same `Idempotency-Key`: you get the account, not `username_taken`.
    """
    sent = request.idempotency_key()
    key = IdempotencyKey(sent) if sent is not None else None
    register = partial(request.shop.accounts.register, form.registration(), key=key)
    async with request.state.login_limiter.unrecognised_device(request.client_key):
        account = await request.state.pools.run(Pool.HASHING, register)
    is_replay = key is not None and key.is_replay
    return json_response(UserBody.of(account), location="/users/me", is_replay=is_replay)


@post(
    "/auth/token",
    Operation(
        body_size_max=_CREDENTIALS_SIZE_MAX,
        pool=Pool.HASHING,
        access=Access.PUBLIC,
        takes=examples.CREDENTIALS,
        gives=examples.TOKENS,
        refuses=(WrongCredentials, TooManyAttempts),
    ),
)
async def log_in(request: ShopRequest, form: CredentialsForm) -> Response:
    """Log in: get a pair of tokens for a username and a password.

    Send the access token with every request, as `Authorization: Bearer <access>`. Wrong passwords are counted. Keep
    `device` and send it with the next login from the same device: then wrong guesses of others never make you wait. A
    session ends when it is not refreshed for a day; with `remember`, for 60 days (the shop may choose others).
    `device_name` shows it in the list of sessions.
    """
    sessions, client = request.shop.sessions, request.client_key
    is_recognised = sessions.is_known_device(form.username, form.device)
    attempt = partial(
        sessions.log_in,
        *(form.username, form.password),
        client=client,
        device=form.device,
        remember=form.remember,
        device_name=form.device_name,
    )
    async with request.state.login_limiter.login(client, is_recognised=is_recognised):
        return json_response(TokensBody.of(await request.state.pools.run(Pool.HASHING, attempt)))


@post(
    "/auth/token/refresh",
    Operation(
        body_size_max=_CREDENTIALS_SIZE_MAX,
        access=Access.PUBLIC,
        takes=examples.REFRESH,
        gives=examples.TOKENS,
        refuses=(InvalidToken,),
    ),
)
def refresh_tokens(request: ShopRequest, form: RefreshForm) -> Response:
    """Get a new pair of tokens for a refresh token.

    The old refresh token is then used up. If the response is lost, retry, however much later: you get the same new
    refresh token, as long as that was not used. Using the old one after that ends the session.
    """
    return json_response(TokensBody.of(request.shop.sessions.refresh(form.refresh)))


@post(
    "/auth/logout",
    Operation(body_size_max=_CREDENTIALS_SIZE_MAX, access=Access.PUBLIC, takes=examples.REFRESH, status=204),
)
def log_out(request: ShopRequest, form: RefreshForm) -> None:
    """Log out: end the session of a refresh token, or of an access token that is sent as `refresh`.

    The response is the same for a token that is unknown, used up, or of a session that has ended. The access tokens of
    the session stop working, with every server of the shop, within about a second.
    """
    request.shop.sessions.log_out(form.refresh)


@post(
    "/auth/password-reset",
    Operation(
        body_size_max=_CREDENTIALS_SIZE_MAX,
        access=Access.PUBLIC,
        takes=examples.FORGOTTEN,
        status=202,
        refuses=(NoMail, TooManyMails),
    ),
)
def ask_for_password_reset(request: ShopRequest, form: EmailForm) -> None:
    """Get a code for another password by mail.

    For users who forgot theirs and have confirmed their address. The answer is the same for every address, and takes
    the same time: nobody learns who has an account. A code works once, within an hour. After 5 mails to one address, or
    20 requests from one client, wait. Shops that send no mails answer 409 `no_mail`: their admins hand codes over.
    """
    request.shop.mails.ask_for_reset(form.email, client=request.client_key)


@post(
    "/auth/password-reset/confirm",
    Operation(
        body_size_max=_CREDENTIALS_SIZE_MAX,
        pool=Pool.HASHING,
        access=Access.PUBLIC,
        takes=examples.RESET,
        status=204,
        refuses=(InvalidResetCode,),
    ),
)
async def reset_password(request: ShopRequest, form: ResetForm) -> None:
    """Set a new password with a code from a mail or an admin.

    For users who forgot their password. A code works once, within an hour. Every session of the account ends.
    """
    reset = partial(request.shop.accounts.reset_password, form.code, form.new_password)
    async with request.state.login_limiter.unrecognised_device(request.client_key):
        await request.state.pools.run(Pool.HASHING, reset)


@post(
    "/auth/email-confirmation",
    Operation(
        body_size_max=_CREDENTIALS_SIZE_MAX,
        access=Access.PUBLIC,
        takes=examples.EMAIL_CODE,
        status=204,
        refuses=(InvalidConfirmationCode,),
    ),
)
def confirm_email(request: ShopRequest, form: EmailCodeForm) -> None:
    """Confirm an email address with the code that was sent there.

    A mail goes to each address with which somebody registers, or to which they change. It can be confirmed for a week.
    """
    request.shop.mails.confirm(form.code)


@post("/users/me/email-confirmation", Operation(status=202, refuses=(NoMail, TooManyMails)))
def ask_for_email_confirmation(request: ShopRequest) -> None:
    """Get another code to confirm your email address.

    Nothing is sent if it is confirmed, or if you have none.
    """
    request.shop.mails.ask_for_confirmation(request.actor)


@get("/users/me", Operation(gives=examples.USER, refuses=(AccountNotFound,)))
def get_me(request: ShopRequest) -> Response:
    """Your own profile."""
    return json_response(UserBody.of(request.shop.accounts.me(request.actor)))


@patch(
    "/users/me",
    Operation(takes=examples.PROFILE, gives=examples.USER, refuses=(AccountNotFound, LoginTooOld, KeyReused)),
)
def edit_me(request: ShopRequest, form: ProfileForm, key: IdempotencyKey | None) -> Response:
    """Change your names or your email address.

    Fields that you leave out stay as they are. Username and role cannot be changed here. Where the shop sends mail, you
    can give another address within 15 minutes of your login.
    """
    change = form.change()
    return json_response(UserBody.of(request.shop.accounts.edit_me(request.actor, change, key=key)))


@post(
    "/users/me/password",
    Operation(
        pool=Pool.HASHING,
        takes=examples.PASSWORDS,
        status=204,
        refuses=(AccountNotFound, TooManyAttempts, WrongPassword),
    ),
)
def change_password(request: ShopRequest, form: PasswordForm) -> None:
    """Change your password, and log out everywhere.

    Every session ends, this one too: log in again with the new password. A wrong `old_password` is 400
    `wrong_password`, not 401: the login itself is fine.
    """
    request.shop.accounts.change_password(request.actor, form.old_password, form.new_password)


@get("/users/me/sessions", Operation(gives=examples.SESSIONS))
def list_sessions(request: ShopRequest) -> Response:
    """Where you are logged in.

    The session that was used last comes first. A session ends when it is not refreshed until `expires_at`, and after
    180 days at the latest. The hundred-and-first login ends the session that was unused for longest.
    """
    actor = request.actor
    sessions = request.shop.sessions.sessions(actor)
    return json_response(SessionsBody(results=tuple(SessionBody.of(session, actor) for session in sessions)))


@delete(
    "/users/me/sessions/{session_id:uuid}",
    Operation(status=204, refuses=(SessionNotFound, LoginTooOld, KeyReused)),
)
def end_session(request: ShopRequest, session_id: UUID, key: IdempotencyKey | None) -> None:
    """End one of your sessions.

    You can end the current session, and any other one within 15 minutes of the login that began the current one: so
    whoever finds a phone cannot log its owner out elsewhere. The session's access tokens stop working, with every
    server of the shop, within about a second. To end it again changes nothing and gets the same response.
    """
    request.shop.sessions.end(request.actor, session_id, key=key)


ROUTES = (
    register,
    log_in,
    refresh_tokens,
    log_out,
    ask_for_password_reset,
    reset_password,
    confirm_email,
    ask_for_email_confirmation,
    get_me,
    edit_me,
    change_password,
    list_sessions,
    end_session,
)
