"""The form with which staff log in. It stands at the address that they asked for, and leads back to it."""

from __future__ import annotations

import htpy as h

from shop_core import Refusal
from shop_http.pages.forms import HtmlForm, SentForm, submit
from shop_http.pages.layout import Screen, html_response
from shop_http.pages.session import Cookies, is_safe_from_listeners
from shop_http.problems import STATUS, headers_of
from shop_http.requests import ShopRequest
from shop_http.responses import Response


def login_response(
    http: ShopRequest, cookies: Cookies, refusal: Refusal | None = None, *, after: str = "", username: str = ""
) -> Response:
    """The page with the form.

    Args:
        refusal: why one has to log in; None: one wants to.
        after: where to go after it, below `/staff`; empty: to the address that was asked for.
        username: what was typed.
    """
    is_read = http.scope["method"] in ("GET", "HEAD")
    after = after or (str(http.scope["path"]).removeprefix("/staff") if is_read else "") or "/"
    screen = _screen(cookies.login_token(), after, username, refusal, is_safe_from_listeners(http))
    status, code = (STATUS[refusal.kind], refusal.code) if refusal else (200, None)
    headers = headers_of(refusal) if refusal else ()
    return html_response(screen, status, cookies, code=code, headers=headers)


def _screen(token: str, after: str, username: str, refusal: Refusal | None, is_safe: bool) -> Screen:
    if not is_safe:
        return Screen(
            "Log in",
            h.p(".refusal", role="alert")[
                "The panel can only be used over HTTPS, or on the machine where the shop runs: between here and there "
                "others could read your password. Whoever runs the shop sets SHOP_BASE_URL to its address with https."
            ],
        )
    form = HtmlForm("/login", token, sent=SentForm({"username": [username]}), refusal=refusal)
    return Screen(
        "Log in",
        h.p(".refusal", role="alert")[refusal.message] if refusal else None,
        form(
            h.input(type="hidden", name="after", value=after),
            form.field(
                "username", "Username", username, autocomplete="username", required=True, autofocus=not username
            ),
            form.field(
                "password",
                "Password",
                type="password",
                autocomplete="current-password",
                required=True,
                autofocus=bool(username),
            ),
            submit("Log in"),
            css="narrow",
        ),
    )
