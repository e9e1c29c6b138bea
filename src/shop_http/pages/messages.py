"""Events that nobody took: what their receiver answered, and another try."""

from __future__ import annotations

import htpy as h

from shop_core.ports import OutboxMessage
from shop_http.pages.forms import submit
from shop_http.pages.handlers import Redirect, StaffRequest, action, page
from shop_http.pages.layout import Screen
from shop_http.pages.tables import NUMBER, moment, page_links, table
from shop_http.requests import OffsetQuery


@page("/events")
def list_dead_events(request: StaffRequest) -> Screen:
    """How many events wait, and those that were given up."""
    page_request = request.query(OffsetQuery).offset_request()
    waiting, oldest = request.shop.outbox.waiting(request.actor)
    dead = request.shop.outbox.dead(request.actor, page_request)
    form = request.form_to("/events")
    listed = table("Given up", ["Select", "Event", "When", ("Tries", NUMBER), "Answer"], map(_cells, dead.items))
    return Screen(
        "Events",
        h.p[f"{waiting} wait to be sent", ["; the oldest is of ", moment(oldest)] if oldest else None, "."],
        form(
            listed,
            h.p["Later events of the same order may have arrived before. Mend the receiver first."],
            submit("Send the selected again"),
        )
        if dead.items
        else listed,
        page_links(request, dead, page_request),
    )


@action("/events", refused=list_dead_events)
def send_again(request: StaffRequest) -> Redirect:
    """Try the selected events again. To say so twice is the same as once."""
    sent = request.shop.outbox.requeue(request.actor, request.form.ids("event"))
    return Redirect("/events", f"{sent} {'event' if sent == 1 else 'events'} will be sent again.")


def _cells(message: OutboxMessage) -> list[h.Node]:
    event = message.event
    return [
        h.input(type="checkbox", name="event", value=str(event.id), aria_label=f"Select {event.type} {event.id}"),
        event.type,
        moment(event.at),
        str(message.attempts),
        message.error,
    ]


ROUTES = (list_dead_events, send_again)
