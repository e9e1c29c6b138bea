"""The queue of orders, and steps that many of them take at once."""

from __future__ import annotations

from collections.abc import Callable

import htpy as h

from shop_core import Order, OrderStatus, Refusal
from shop_core.idempotency import IdempotencyKey
from shop_core.orders.model import LIFECYCLE, Step
from shop_http.pages.forms import submit
from shop_http.pages.handlers import Redirect, StaffRequest, action, page
from shop_http.pages.layout import Screen
from shop_http.pages.tables import NUMBER, amount, moment, page_links, status_label, table
from shop_http.routes.orders import OrdersQuery
from shop_http.server.worker_pools import Pool

AT_ONCE_MAX = 200
DONE = {Step.CONFIRM: "confirmed", Step.SHIP: "shipped", Step.DELIVER: "delivered"}


@page("/orders", pool=Pool.SLOW)
def list_orders(request: StaffRequest) -> Screen:
    """The orders that match."""
    query = request.query(OrdersQuery)
    page_request = query.offset_request()
    orders = request.shop.orders.find(request.actor, query.conditions(), page_request)
    return Screen(
        "Orders",
        _filters(query),
        h.section(id="list")[
            _queue(request, query.status or None, orders.items), page_links(request, orders, page_request)
        ],
    )


@action("/orders", refused=list_orders)
def step_many(request: StaffRequest) -> Redirect:
    """Confirm, ship or deliver the orders that are ticked; each by itself, so that one does not hold up others."""
    step, status, done, refused = Step(request.form.text("step")), request.form.text("status"), 0, []
    take: Callable[..., Order] = getattr(request.shop.orders, step)
    for order_id in request.form.ids("order")[:AT_ONCE_MAX]:
        version, key = request.form.number(f"version-{order_id}"), f"{request.form.text('key')}-{order_id}"
        try:
            take(request.actor, order_id, (version,), key=IdempotencyKey(key))
            done += 1
        except Refusal as refusal:
            refused.append(f"{request.form.text(f'number-{order_id}')}: {refusal.message}")
    notice = f"{done} {'order is' if done == 1 else 'orders are'} {DONE[step]}."
    if refused:
        notice += f" {len(refused)} {'is' if len(refused) == 1 else 'are'} not. {' '.join(refused)}"
    return Redirect(f"/orders?status={status}" if status else "/orders", notice)


def _filters(query: OrdersQuery) -> h.Element:
    statuses = [("", "All"), *((status, status.capitalize()) for status in OrderStatus)]
    return h.form(".row", method="get", action="/staff/orders", role="search")[
        h.div(".field")[
            h.label(for_="status")["Status"],
            h.select(id="status", name="status")[
                (h.option(value=value, selected=value == (query.status or ""))[text] for value, text in statuses)
            ],
        ],
        h.div(".field")[
            h.label(for_="number")["Order number"],
            h.input(id="number", name="number", value=query.number or "", autocomplete="off"),
        ],
        h.button(type="submit")["Search"],
    ]


def _queue(request: StaffRequest, status: OrderStatus | None, orders: tuple[Order, ...]) -> h.Node:
    """The orders, with a box to tick where they can all take the same step."""
    steps = [step for step in LIFECYCLE[status] if step in DONE] if status else []
    listed = table(
        "Orders",
        [*([("Select", "")] if steps else []), "Order", "Status", "Placed", ("Units", NUMBER), ("Total", NUMBER)],
        ([*([_tick(order)] if steps else []), *_cells(order)] for order in orders),
    )
    if not steps or not orders:
        return listed
    form = request.form_to("/orders")
    return form(
        h.input(type="hidden", name="status", value=status),
        listed,
        (submit(f"{step.capitalize()} the selected", name="step", value=step) for step in steps),
    )


def _tick(order: Order) -> h.Node:
    return [
        h.input(type="checkbox", name="order", value=str(order.id), aria_label=f"Select {order.number}"),
        h.input(type="hidden", name=f"version-{order.id}", value=str(order.version)),
        h.input(type="hidden", name=f"number-{order.id}", value=order.number),
    ]


def _cells(order: Order) -> list[h.Node]:
    return [
        h.a(href=f"/staff/orders/{order.id}")[order.number],
        status_label(order.status),
        moment(order.created_at),
        str(sum(order.units.values())),
        amount(order.total),
    ]


ROUTES = (list_orders, step_many)
