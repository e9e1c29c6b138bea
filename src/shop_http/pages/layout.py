"""What all pages have: head, navigation, notices; and the pages that say why there is no other one."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import htpy as h

from shop_core import Refusal
from shop_core.errors import Invalid, Stale
from shop_http.pages.assets import address_of
from shop_http.responses import Header, Response

if TYPE_CHECKING:
    from shop_http.pages.handlers import StaffRequest
    from shop_http.pages.session import Cookies

NAVIGATION = (
    ("/", "Today"),
    ("/orders", "Orders"),
    ("/products", "Products"),
    ("/stock", "Stock"),
    ("/promotions", "Promotions"),
    ("/users", "Users"),
    ("/events", "Events"),
    ("/mails", "Mails"),
)
"""What the navigation leads to, below `/staff`, in order."""

POLICY = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    b"base-uri 'none'; frame-ancestors 'none'"
)
"""Of every page: nothing of others, nothing inline; it can send forms to us only."""
# htmx would put styles and code into the page, which the policy forbids.
# A page that refuses what was asked for, or asks for a login, takes the place of the whole page.
_HTMX = {
    "includeIndicatorStyles": False,
    "allowEval": False,
    "selfRequestsOnly": True,
    "historyCacheSize": 0,
    "responseHandling": [
        {"code": "[23]..", "swap": True},
        {"code": "40[013]", "swap": True, "target": "#main", "select": "#main"},
        {"code": "...", "swap": False, "error": True},
    ],
}


class Screen:
    """A page of the panel.

    Args:
        title: its heading.
        content: what is below that.
    """

    def __init__(self, title: str, *content: h.Node) -> None:
        self.title = title
        self.content = content


def html_response(
    screen: Screen,
    status: int,
    cookies: Cookies,
    *,
    request: StaffRequest | None = None,
    code: str | None = None,
    headers: tuple[Header, ...] = (),
) -> Response:
    """The response with a screen.

    Args:
        request: of whom is logged in; None: nobody is.
        code: of the refusal that it shows, for the log.
        headers: further ones.
    """
    html = str(document(screen, request, cookies.notice if request else ""))
    return Response(
        html.encode(),
        status,
        media_type=b"text/html; charset=utf-8",
        headers=(*headers, *cookies.headers),
        code=code,
        policy=POLICY,
    )


def foreign_form_screen() -> Screen:
    """What is shown when a form was not made by us, for this session."""
    return Screen(
        "This form is not from here",
        h.p["It was made by another page, or for another session. Nothing was done."],
        h.p[h.a(href="/staff")["Go to the panel"], " and try again there."],
    )


def document(screen: Screen, request: StaffRequest | None = None, notice: str = "") -> h.Element:
    """The whole page.

    Args:
        request: of whom is logged in; None: nobody is.
        notice: what it says about what was done before.
    """
    refusal = request.refusal if request else None
    return h.html(lang="en")[
        h.head[
            h.meta(charset="utf-8"),
            h.meta(name="viewport", content="width=device-width, initial-scale=1"),
            # With the referrer policy of the API, browsers would send forms with `Origin: null`.
            h.meta(name="referrer", content="same-origin"),
            h.meta(name="htmx-config", content=json.dumps(_HTMX)),
            h.title[f"{screen.title} - Shop"],
            h.link(rel="stylesheet", href=address_of("panel.css")),
            h.link(rel="icon", href=address_of("icon.svg"), type="image/svg+xml"),
            h.script(src=address_of("htmx.min.js"), defer=True),
        ],
        h.body[
            h.a(".skip", href="#main")["Skip to the content"],
            _header(request) if request else None,
            h.main(id="main", tabindex="-1")[
                h.h1[screen.title],
                h.div(id="notice", role="status")[notice and h.p(".notice")[notice]],
                _refusal(refusal, screen.title) if refusal else None,
                screen.content,
            ],
        ],
    ]


def _header(request: StaffRequest) -> h.Element:
    here = request.path
    log_out = request.form_to("/logout")
    return h.header[
        h.nav(aria_label="Panel")[
            (
                h.a(href=f"/staff{'' if path == '/' else path}", aria_current="page" if _is_in(here, path) else None)[
                    text
                ]
                for path, text in NAVIGATION
            )
        ],
        log_out(h.button(".quiet", type="submit")["Log out"]),
    ]


def _is_in(here: str, section: str) -> bool:
    return here == section or (section != "/" and here.startswith(f"{section}/"))


def _refusal(refusal: Refusal, screen_title: str) -> h.Element:
    """Why something was refused. What is wrong with a field stands at the field too."""
    return h.div(".refusal", role="alert", tabindex="-1", autofocus=True)[
        h.h2[refusal.title] if refusal.title != screen_title else None,
        _lines(refusal),
    ]


def _lines(refusal: Refusal) -> h.Node:
    if isinstance(refusal, Stale):
        return h.p[
            "Somebody changed this while you worked on it, so nothing was done. Below is what is stored by now. If "
            "your change is still possible, its form has what you entered: send it again if yours is right."
        ]
    if isinstance(refusal, Invalid):
        return h.ul[(h.li[f"{_field_name(fault.field)}: {fault.message}"] for fault in refusal.faults)]
    return h.p[refusal.message]


def _field_name(field: str) -> str:
    """Without the id that the field of a product has at its end."""
    return re.sub(r"-[0-9a-f-]{36}$", "", field).replace("_", " ").capitalize()
