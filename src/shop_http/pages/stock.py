"""Stock: receiving as with a scanner, and counting what is there."""

from __future__ import annotations

from urllib.parse import urlencode

import htpy as h
from msgspec import UNSET, Struct, UnsetType

from shop_core.errors import Fault, Invalid
from shop_http.pages.forms import submit
from shop_http.pages.handlers import Redirect, StaffRequest, action, page
from shop_http.pages.layout import Screen


class NoteQuery(Struct, forbid_unknown_fields=True, kw_only=True):
    """What the receiving screen remembers from one scan to the next."""

    note: str = ""


@page("/stock")
def show_receiving(request: StaffRequest) -> Screen:
    """A form that is sent with Enter, and is ready for the next SKU."""
    form = request.form_to("/stock")
    note = "" if request.refusal else request.query(NoteQuery).note
    return Screen(
        "Receive stock",
        h.p[h.a(href="/staff/stock/count")["Count what is there"]],
        form(
            form.field("sku", "SKU", autofocus=True, autocomplete="off", required=True),
            form.field("quantity", "Units", "1", type="number", min="1", css="narrow"),
            form.field("note", "Delivery note", note, hint="It stays for the next SKU."),
            submit("Receive"),
            css="row",
        ),
    )


@action("/stock", refused=show_receiving)
def receive(request: StaffRequest) -> Redirect:
    """Units came in."""
    form, entry = request.form, request.product(request.form.text("sku"))
    units, note = form.number("quantity"), form.text("note")
    level = request.shop.inventory.receive(request.actor, entry.product.id, units, note, key=form.key)
    notice = f"{units} x {entry.product.name} ({entry.product.sku}) received: {level.on_hand} on hand."
    return Redirect(f"/stock?{urlencode({'note': note})}" if note else "/stock", notice)


class CountQuery(Struct, forbid_unknown_fields=True, kw_only=True):
    """What was counted of which product."""

    sku: str = ""
    counted: int | UnsetType = UNSET


@page("/stock/count")
def show_count(request: StaffRequest) -> Screen:
    """What was counted beside what is recorded; nothing changes yet."""
    query = CountQuery() if request.refusal else request.query(CountQuery)
    return Screen(
        "Count stock",
        h.form(".row", method="get", action="/staff/stock/count")[
            h.div(".field")[
                h.label(for_="sku")["SKU"],
                h.input(
                    id="sku", name="sku", value=query.sku, autofocus=not query.sku, autocomplete="off", required=True
                ),
            ],
            h.div(".field.narrow")[
                h.label(for_="counted")["Counted"],
                h.input(id="counted", name="counted", type="number", min="0", value=query.counted or "", required=True),
            ],
            submit("Compare"),
        ],
        _difference(request, query.sku, query.counted) if query.sku and query.counted is not UNSET else None,
    )


def _difference(request: StaffRequest, sku: str, counted: int) -> h.Node:
    entry = request.product(sku)
    level = request.shop.inventory.level(request.actor, entry.product.id)
    change = counted - level.on_hand
    form = request.form_to("/stock/count")
    return h.section[
        h.h2[entry.product.name],
        h.dl(".facts")[
            h.dt["Recorded on hand"],
            h.dd[str(level.on_hand)],
            h.dt["Counted"],
            h.dd[str(counted)],
            h.dt["Difference"],
            h.dd[h.strong["none" if not change else f"{change:+d}"]],
        ],
        form(
            [
                h.input(type="hidden", name=name, value=str(value))
                for name, value in (("sku", sku), ("counted", counted))
            ],
            [h.input(type="hidden", name="recorded", value=str(level.on_hand))],
            form.field("reason", "Why", "Stock-take", required=True, autofocus=True),
            submit("Correct the stock" if change else "It is right"),
        ),
    ]


@action("/stock/count", refused=show_count)
def count(request: StaffRequest) -> Redirect:
    """Bring what is recorded to what was counted, unless it moved since the two were compared."""
    form, entry = request.form, request.product(request.form.text("sku"))
    counted, recorded = form.number("counted"), form.number("recorded")
    if change := counted - recorded:
        level = request.shop.inventory.level(request.actor, entry.product.id)
        if level.on_hand not in (recorded, counted):
            rule = f"was {recorded} when you compared, and is {level.on_hand} now: count again"
            raise Invalid(Fault("on_hand", rule, "moved_meanwhile"))
        request.shop.inventory.adjust(request.actor, entry.product.id, change, form.text("reason"), key=form.key)
    return Redirect("/stock/count", f"{entry.product.name}: {counted} on hand ({change:+d}).")


ROUTES = (show_receiving, receive, show_count, count)
