"""What needs hands today. A fixed number of short lists, however much the shop has."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import htpy as h

from shop_core import (
    CatalogEntry,
    CursorRequest,
    Money,
    OffsetRequest,
    Order,
    OrderQuery,
    OrderStatus,
    Page,
    ProductQuery,
)
from shop_core.inventory.model import StockLevel
from shop_core.orders.sales import DaySales
from shop_core.reservations.model import Reservation, ReservationQuery
from shop_http.pages.handlers import StaffRequest, page
from shop_http.pages.layout import Screen
from shop_http.pages.messages import queue_of
from shop_http.pages.tables import NUMBER, amount, moment, table
from shop_http.server.worker_pools import Pool

SHOWN = 5
DAYS = 14
WIDTH, HEIGHT = 700, 160
"""Of the chart, in units of its own: it is as wide as the page."""


@page("/", pool=Pool.SLOW)
def show_today(request: StaffRequest) -> Screen:
    """Orders by age, what is low, sold out or missing, what could not be delivered, and what was sold."""
    shop, actor = request.shop, request.actor
    sold_out = shop.catalog.products(ProductQuery(available_max=0), OffsetRequest(SHOWN))
    low = shop.catalog.low_stock(actor, OffsetRequest(SHOWN))
    active = shop.reservations.find(actor, ReservationQuery(is_active=True), CursorRequest(SHOWN))
    return Screen(
        "Today",
        h.div(".cards")[
            _waiting(request, OrderStatus.PLACED, "Orders to confirm"),
            _waiting(request, OrderStatus.CONFIRMED, "Orders to ship"),
            _products("Low stock", low, "/stock/low", "All that is low"),
            _products("Products sold out", sold_out, "/products?in_stock=false", "All products sold out"),
            _short(shop.inventory.short(actor, SHOWN)),
            _reserved(active),
            _undelivered(request, "event"),
            _undelivered(request, "mail"),
        ],
        h.h2[f"Sales of the last {DAYS} days"],
        _sales(shop.orders.sales(actor, DAYS), shop.currency),
    )


def _card(heading: str, figure: str, *content: h.Node) -> h.Element:
    return h.section(".card")[h.h2[heading], h.p(".figure")[figure], content]


def _waiting(request: StaffRequest, status: OrderStatus, heading: str) -> h.Element:
    query = OrderQuery(status=status, oldest_first=True)
    orders: Page[Order] = request.shop.orders.find(request.actor, query, OffsetRequest(SHOWN))
    return _card(
        heading,
        f"{'about ' if orders.count_is_estimate else ''}{orders.count}",
        h.ol[
            (
                h.li[h.a(href=f"/staff/orders/{order.id}")[order.number], ", ", moment(order.created_at)]
                for order in orders.items
            )
        ]
        if orders.items
        else None,
        h.a(href=f"/staff/orders?status={status}")[f"All {heading.lower()}"] if orders.items else None,
    )


def _products(heading: str, products: Page[CatalogEntry], path: str, all_of_them: str) -> h.Element:
    rows = [
        h.p[h.a(href=f"/staff/products/{each.product.id}")[each.product.name], f", {each.available} left"]
        for each in products.items
    ]
    return _card(
        heading,
        f"{'about ' if products.count_is_estimate else ''}{products.count}",
        rows,
        h.a(href=f"/staff{path}")[all_of_them] if rows else None,
    )


def _short(levels: Sequence[StockLevel]) -> h.Element:
    """Products of which units are promised that are not there."""
    rows = [
        h.p[h.a(href=f"/staff/products/{level.product_id}")[f"{_units(level.shortfall)} missing"]] for level in levels
    ]
    count = f"{len(levels)} or more" if len(levels) == SHOWN else str(len(levels))
    return _card("Promised, but missing", count, rows)


def _reserved(active: Page[Reservation]) -> h.Element:
    """Units that wait in the carts of customers."""
    rows = [
        h.p[_units(sum(each.units.values())), " of ", _customer(each.customer_id), ", until ", moment(each.expires_at)]
        for each in active.items
    ]
    return _card("Reservations", f"{len(rows)} or more" if active.cursor else str(len(rows)), rows)


def _units(count: int) -> str:
    return f"{count} unit" if count == 1 else f"{count} units"


def _customer(customer_id: UUID) -> h.Element:
    return h.a(href=f"/staff/users/{customer_id}")["a customer"]


def _undelivered(request: StaffRequest, what: str) -> h.Element:
    count = queue_of(request.shop, what).dead(request.actor, OffsetRequest(1)).count or 0
    link = h.a(href=f"/staff/{what}s")["Show them"] if count else None
    return _card(f"{what.capitalize()}s that could not be delivered", str(count), link)


def _sales(sales: Sequence[DaySales], currency: str) -> h.Node:
    """A bar for each day with its figure in words below, so that nobody needs to see colours or heights."""
    highest = max([*(each.total for each in sales), 1])
    step = WIDTH / len(sales)
    bars = [
        h.Element("rect")(
            x=f"{index * step + 4:.0f}",
            y=f"{HEIGHT - each.total * HEIGHT / highest:.0f}",
            width=f"{step - 8:.0f}",
            height=f"{each.total * HEIGHT / highest:.0f}",
        )
        for index, each in enumerate(sales)
    ]
    rows = [(f"{each.day:%a %d %b}", str(each.orders), amount(Money(each.total, currency))) for each in reversed(sales)]
    return [
        h.svg(
            ".chart",
            viewBox=f"0 0 {WIDTH} {HEIGHT + 2}",
            preserveAspectRatio="none",
            role="img",
            aria_label=_summary(sales, currency),
        )[bars, h.Element("rect")(y=str(HEIGHT), width=str(WIDTH), height="2")],
        h.details[
            h.summary["The same in figures"],
            table("Sales by day", ["Day (UTC)", ("Orders", NUMBER), ("Total", NUMBER)], rows),
        ],
    ]


def _summary(sales: Sequence[DaySales], currency: str) -> str:
    total = amount(Money(sum(each.total for each in sales), currency))
    return f"{sum(each.orders for each in sales)} orders in {len(sales)} days, {total} together"


ROUTES = (show_today,)
