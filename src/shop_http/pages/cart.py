"""What a cart would cost: by the same quote that customers get, with why each promotion applies or not."""

from __future__ import annotations

import htpy as h
from msgspec import Struct

from shop_core import LineRequest, Money, OrderLine, Quote
from shop_core.errors import Invalid
from shop_http.pages.forms import submit
from shop_http.pages.handlers import StaffRequest, page
from shop_http.pages.layout import Screen
from shop_http.pages.tables import NUMBER, amount, table


class CartQuery(Struct, forbid_unknown_fields=True, kw_only=True):
    """A cart, as it is typed."""

    lines: str = ""
    coupons: str = ""


@page("/cart")
def show_cart(request: StaffRequest) -> Screen:
    """The form, and the quote of what is in it. Nothing is written."""
    query = request.query(CartQuery)
    return Screen(
        "What would a cart cost?",
        h.form(method="get", action="/staff/cart")[
            h.div(".field")[
                h.label(for_="lines")["SKUs"],
                h.textarea(id="lines", name="lines", rows="4", aria_describedby="lines-hint")["\n" + query.lines],
                h.small(id="lines-hint")["One in each line, with the number of units behind it: MUG-RED 3"],
            ],
            h.div(".field")[
                h.label(for_="coupons")["Coupons"],
                h.input(id="coupons", name="coupons", value=query.coupons, autocomplete="off"),
            ],
            submit("Ask"),
        ],
        _quoted(request, query) if query.lines.strip() and not request.refusal else None,
    )


def _quoted(request: StaffRequest, query: CartQuery) -> h.Node:
    lines = [_line(request, text) for text in query.lines.splitlines() if text.strip()]
    try:
        quote = request.shop.orders.quote(request.actor, lines, query.coupons.split())
    except Invalid as refusal:
        request.name_products(refusal, lines, "lines")
        raise
    return h.section(aria_label="Quote")[_lines(quote), _sums(quote), _why(quote)]


def _line(request: StaffRequest, text: str) -> LineRequest:
    sku, _, units = text.strip().rpartition(" ")
    if not units.isdecimal():
        sku, units = text.strip(), "1"
    return LineRequest(request.product(sku.strip(), field="lines").product.id, int(units[:9]))


def _lines(quote: Quote) -> h.Node:
    currency = quote.total.currency
    short = {shortage.product_id: shortage.available for shortage in quote.shortages}
    return table(
        "Lines",
        ["SKU", "Product", ("Units", NUMBER), ("Price", NUMBER), ("Discount", NUMBER), ("Total", NUMBER)],
        (
            [
                line.sku,
                _product(line, short.get(line.product_id)),
                str(line.quantity),
                str(line.unit_price),
                f"-{Money(line.discount, currency)}" if line.discount else "",
                str(line.total),
            ]
            for line in quote.lines
        ),
    )


def _product(line: OrderLine, available: int | None) -> h.Node:
    return [line.name, available is not None and h.p(".fault")[f"Only {available} can be sold."]]


def _sums(quote: Quote) -> h.Element:
    taxes = [(f"Tax, {rate / 100:.2f} %", Money(tax, quote.total.currency)) for rate, _, tax in quote.taxes]
    sums = [("Subtotal", quote.subtotal), *taxes]
    return h.dl(".facts")[
        ([h.dt[name], h.dd[amount(money)]] for name, money in sums),
        h.dt[h.strong["Total"]],
        h.dd[h.strong[amount(quote.total)]],
    ]


def _why(quote: Quote) -> h.Node:
    if not quote.promotions:
        return h.p["No promotion runs, or none without a coupon."]
    return [
        h.h2["Promotions"],
        h.ul[(h.li[explanation.sentence(quote.total.currency)] for explanation in quote.promotions)],
        not quote.is_best_price and h.p["Not every combination of these was compared: another one may be cheaper."],
    ]


ROUTES = (show_cart,)
