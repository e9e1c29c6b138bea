"""Events and mails that could not be delivered: what their receiver answered, and another try."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import htpy as h
from litestar.handlers import HTTPRouteHandler

from shop_core import Shop
from shop_core.mail.model import Mail
from shop_core.outbox import QueueService
from shop_core.ports import Queued
from shop_http.pages.forms import submit
from shop_http.pages.handlers import Redirect, StaffRequest, action, page
from shop_http.pages.layout import Screen
from shop_http.pages.tables import NUMBER, moment, page_links, table
from shop_http.requests import OffsetQuery

HINTS = {
    "event": "Later events of the same order may have arrived before. Mend the receiver first.",
    "mail": "The answer says what is wrong: mend that first. A code for a password is no good after an hour.",
}


def queue_of(shop: Shop, what: str) -> QueueService[Any]:
    """The queue of events, or of mails."""
    return shop.outbox if what == "event" else shop.mails


def _routes(what: str) -> Iterator[HTTPRouteHandler]:
    """The screen of one queue, and its action."""
    path = f"/{what}s"

    def show(request: StaffRequest) -> Screen:
        page_request, queue = request.query(OffsetQuery).offset_request(), queue_of(request.shop, what)
        waiting, oldest = queue.waiting(request.actor)
        dead = queue.dead(request.actor, page_request)
        form = request.form_to(path)
        headings: list[str | tuple[str, str]] = ["Select", what.capitalize(), "When", ("Tries", NUMBER), "Answer"]
        listed = table("Could not be delivered", headings, (_cells(message, what) for message in dead.items))
        return Screen(
            f"{what.capitalize()}s",
            h.p[f"{waiting} wait to be sent", ["; the oldest is of ", moment(oldest)] if oldest else None, "."],
            form(listed, h.p[HINTS[what]], submit("Send the selected again")) if dead.items else listed,
            page_links(request, dead, page_request),
        )

    def send_again(request: StaffRequest) -> Redirect:
        """To say so twice is the same as once."""
        sent = queue_of(request.shop, what).requeue(request.actor, request.form.ids(what))
        return Redirect(path, f"{sent} {what if sent == 1 else f'{what}s'} will be sent again.")

    show.__name__, send_again.__name__ = f"list_dead_{what}s", f"send_{what}s_again"
    shown = page(path)(show)
    yield shown
    yield action(path, refused=shown)(send_again)


def _cells(message: Queued[Any], what: str) -> list[h.Node]:
    sent = message.event
    return [
        h.input(type="checkbox", name=what, value=str(sent.id), aria_label=f"Select {sent.type} {sent.id}"),
        [sent.type, _about(sent) if isinstance(sent, Mail) else None],
        moment(sent.at),
        str(message.attempts),
        message.error,
    ]


def _about(mail: Mail) -> h.Node:
    """Whose mail it is and about which order; never its address, which may be anybody's."""
    return [
        [" ", h.a(href=f"/staff/users/{mail.account_id}")["user"]] if mail.account_id else None,
        [" ", h.a(href=f"/staff/orders/{mail.order_id}")["order"]] if mail.order_id else None,
    ]


ROUTES = (*_routes("event"), *_routes("mail"))
