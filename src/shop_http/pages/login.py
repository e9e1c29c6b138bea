"""Logging in and out: the same accounts, limits and sessions as those of the API."""

from __future__ import annotations

import re
from functools import partial

from shop_core import Actor, Login, Refusal, Role
from shop_core.errors import InvalidToken
from shop_http.pages.forms import SentForm
from shop_http.pages.handlers import PageEndpoint, Redirect, StaffRequest, action
from shop_http.pages.layout import foreign_form_screen, html_response
from shop_http.pages.login_form import login_response
from shop_http.pages.sent_form import read_form
from shop_http.pages.session import BrowserSession, Cookies, is_from_here, is_safe_from_listeners
from shop_http.requests import ShopRequest
from shop_http.responses import Response
from shop_http.routing import route_to
from shop_http.server.worker_pools import Pool

_LOGIN_SIZE_MAX = 4 * 1024
_PATH = re.compile(r"/[\w/.-]*", re.ASCII)


async def show_login(request: ShopRequest) -> Response:
    """The form."""
    return login_response(request, Cookies(request), after="/")


async def log_in(request: ShopRequest) -> Response:
    """Begin a session, if the account is one of the staff."""
    cookies, form = Cookies(request), SentForm()
    if is_from_here(request) and is_safe_from_listeners(request):
        form = await read_form(request, _LOGIN_SIZE_MAX)
    if not cookies.made_login(form.text("token")):
        return html_response(foreign_form_screen(), 403, cookies, code="foreign_form")
    username = form.text("username")
    sessions, client, pools = request.shop.sessions, request.client_key, request.state.pools
    attempt = partial(
        sessions.log_in,
        *(username, form.values.get("password", [""])[0]),
        client=client,
        device=cookies.device,
        device_name="Staff panel",
    )
    after = form.text("after") if _PATH.fullmatch(form.text("after")) else "/"
    try:
        async with request.state.login_limiter.login(
            client, is_recognised=sessions.is_known_device(username, cookies.device)
        ):
            login = await pools.run(Pool.HASHING, attempt)
        return await pools.run(Pool.FAST, partial(_begin, request, cookies, login, after))
    except Refusal as refusal:
        return login_response(request, cookies, refusal, after=after, username=username)


def _begin(request: ShopRequest, cookies: Cookies, login: Login, after: str) -> Response:
    """Put the new session in the place of the one before. Raises Forbidden: the account is no staff."""
    request.actor = request.shop.sessions.identify(login.access)
    if not request.actor.is_staff:
        request.shop.sessions.log_out(login.refresh)
        request.actor.require(Role.STAFF)
    session = BrowserSession.new(login)
    if before := cookies.session:
        if _has_account(request, before, request.actor):
            session = before.renewed(login)
        request.shop.sessions.log_out(before.refresh)
    cookies.keep(session)
    if login.device:
        cookies.keep_device(login.device)
    return Response(b"", 303, headers=((b"location", f"/staff{after}".encode()), *cookies.headers))


def _has_account(request: ShopRequest, session: BrowserSession, actor: Actor) -> bool:
    """Whether it was the same person who was logged in before: then forms that are open elsewhere stay good."""
    try:
        return request.shop.sessions.account_of(session.access) == actor.account_id
    except InvalidToken:
        return False


@action("/logout")
def log_out(request: StaffRequest) -> Redirect:
    """End the session."""
    request.shop.sessions.log_out(request.session.refresh)
    request.cookies.forget_session()
    return Redirect("/login")


ROUTES = (
    route_to(PageEndpoint(show_login), ["GET", "HEAD"], "/login"),
    route_to(PageEndpoint(log_in), ["POST"], "/login"),
    log_out,
)
