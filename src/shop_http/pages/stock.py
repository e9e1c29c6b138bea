"""Stock: receiving as with a scanner, and counting what is there."""

from __future__ import annotations

from urllib.parse import urlencode
from uuid import UUID

import htpy as h
from msgspec import UNSET, Struct, UnsetType

from shop_core.errors import Invalid
from shop_http.pages.forms import SentForm, submit
from shop_http.pages.handlers import Redirect, StaffRequest, action, page
from shop_http.pages.layout import Screen
from shop_http.pages.product_details import show_product
from shop_http.pages.tables import NUMBER, page_links, table
from shop_http.requests import OffsetQuery
from shop_http.server.worker_pools import Pool


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
        h.p(".row")[
            h.a(".button.quiet", href="/staff/stock/count")["Count what is there"],
            h.a(".button.quiet", href="/staff/stock/low")["What is low"],
        ],
        form(
            form.field("sku", "SKU", autofocus=True, autocomplete="off", required=True),
            form.field("quantity", "Units", "1", type="number", min="1", css="narrow"),
            form.field("note", "Delivery note or order number", note, hint="It stays for the next SKU."),
            submit("Receive"),
            css="row",
        ),
    )


@action("/stock", refused=show_receiving)
def receive(request: StaffRequest) -> Redirect:
    """Units came in."""
    form, product, key = request.form, request.stored_product(request.form.text("sku")), request.form.key
    units, note = form.number("quantity"), form.text("note")
    level = request.shop.inventory.receive(request.actor, product.id, units, note, key=key)
    done = "were received before: nothing was added, there are" if key and key.is_replay else "received:"
    notice = f"{units} x {product.name} ({product.sku}) {done} {level.on_hand} on hand."
    return Redirect(f"/stock?{urlencode({'note': note})}" if note else "/stock", notice)


@page("/stock/low", pool=Pool.SLOW)
def list_low_stock(request: StaffRequest) -> Screen:
    """The products of which fewer can be sold than their level; the page of each product sets it."""
    page_request = request.query(OffsetQuery).offset_request()
    low = request.shop.catalog.low_stock(request.actor, page_request)
    levels = request.shop.inventory.low_stock_levels(request.actor, [entry.product.id for entry in low.items])
    rows = (
        (
            entry.product.sku,
            h.a(href=f"/staff/products/{entry.product.id}")[entry.product.name],
            str(entry.available),
            str(levels.get(entry.product.id, "")),
        )
        for entry in low.items
    )
    return Screen(
        "Low stock",
        h.p["The page of each product says below how many units it counts as low."],
        table("Low stock", ["SKU", "Name", ("Can be sold", NUMBER), ("Low below", NUMBER)], rows),
        page_links(request, low, page_request),
    )


@action("/products/{product_id:uuid}/low-stock", refused=show_product)
def set_low_stock_level(request: StaffRequest, product_id: UUID) -> Redirect:
    """Say below how many units a product counts as low, unless somebody else said otherwise meanwhile."""
    form = request.form
    level, seen = (form.number(name) if form.text(name) else None for name in ("low_stock_level", "seen"))
    request.shop.inventory.set_low_stock_level(request.actor, product_id, level, seen=seen, key=form.key)
    notice = f"It counts as low below {level} units." if level else "It never counts as low."
    return Redirect(f"/products/{product_id}", notice)


class CountQuery(Struct, forbid_unknown_fields=True, kw_only=True):
    """What was counted of which product."""

    sku: str = ""
    counted: int | UnsetType = UNSET


@page("/stock/count")
def show_count(request: StaffRequest) -> Screen:
    """What was counted beside what is recorded; nothing changes yet."""
    query = _refused_count(request.form) if request.refusal else request.query(CountQuery)
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
                h.input(
                    id="counted",
                    name="counted",
                    type="number",
                    min="0",
                    value="" if query.counted is UNSET else query.counted,
                    required=True,
                ),
            ],
            submit("Compare"),
        ],
        _difference(request, query.sku, query.counted) if query.sku and query.counted is not UNSET else None,
    )


def _refused_count(form: SentForm) -> CountQuery:
    """What was counted, so that it is compared again; of a count that cannot be compared only the SKU."""
    try:
        return CountQuery(sku=form.text("sku"), counted=form.number("counted"))
    except Invalid:
        return CountQuery(sku=form.text("sku"))


def _difference(request: StaffRequest, sku: str, counted: int) -> h.Node:
    product = request.stored_product(sku)
    level = request.shop.inventory.level(request.actor, product.id)
    change = counted - level.on_hand
    form = request.form_to("/stock/count")
    return h.section[
        h.h2[h.a(href=f"/staff/products/{product.id}")[product.name]],
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
    form, product = request.form, request.stored_product(request.form.text("sku"))
    counted, recorded = form.number("counted"), form.number("recorded")
    request.shop.inventory.count(
        request.actor, product.id, counted, form.text("reason"), recorded=recorded, key=form.key
    )
    return Redirect("/stock/count", f"{product.name}: {counted} on hand ({counted - recorded:+d}).")


ROUTES = (show_receiving, receive, list_low_stock, set_low_stock_level, show_count, count)
