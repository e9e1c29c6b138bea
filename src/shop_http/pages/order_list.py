"""The queue of orders, and steps that many of them take at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Annotated
from urllib.parse import parse_qsl, urlencode
from uuid import UUID

import htpy as h
from msgspec import Meta

from shop_core import AccountQuery, OffsetRequest, Order, OrderStatus, Refusal
from shop_core.accounts.model import Account
from shop_core.idempotency import IdempotencyKey
from shop_core.orders.model import LIFECYCLE, Step
from shop_core.text import search_words
from shop_http.pages.forms import submit
from shop_http.pages.handlers import Redirect, StaffRequest, action, page
from shop_http.pages.layout import Screen
from shop_http.pages.tables import NUMBER, amount, moment, page_links, status_label, table
from shop_http.routes.orders import OrdersQuery
from shop_http.server.worker_pools import Pool

AT_ONCE_MAX = 200
REASONS_MAX = 5
"""Of so many refused orders the next page says why, and of the others which: it learns that by a cookie."""
BUYERS_MAX = 20
IN_WORK = (OrderStatus.PLACED, OrderStatus.CONFIRMED)
DONE = {Step.CONFIRM: "confirmed", Step.SHIP: "shipped", Step.DELIVER: "delivered"}


class QueueQuery(OrdersQuery, forbid_unknown_fields=True, kw_only=True):
    """The filters of the API, and a customer by name."""

    buyer: Annotated[str, Meta(max_length=200)] = ""


@page("/orders", pool=Pool.SLOW)
def list_orders(request: StaffRequest) -> Screen:
    """The orders that match: the oldest first of those that somebody has to work on, else the newest."""
    query = request.query(QueueQuery)
    buyers = _buyers(request, query.buyer) if query.buyer else []
    if query.buyer and len(buyers) != 1:
        return Screen("Orders", _filters(query), _choice(query.buyer, buyers))
    customer_id = buyers[0].id if buyers else query.customer or None
    if request.refusal and not request.form:
        return Screen("Orders", _filters(query))
    conditions = replace(query.conditions(), customer_id=customer_id, oldest_first=query.status in IN_WORK)
    page_request = query.offset_request()
    orders = request.shop.orders.find(request.actor, conditions, page_request)
    return Screen(
        "Orders",
        _filters(query),
        h.section(id="list")[
            _whose(request, customer_id) if customer_id else None,
            _queue(request, query.status or None, orders.items),
            page_links(request, orders, page_request, "/orders"),
        ],
    )


@action("/orders", refused=list_orders)
def step_many(request: StaffRequest) -> Redirect:
    """Confirm, ship or deliver the orders that are ticked; each by itself, so that one does not hold up others."""
    step, listed, done, refused = request.form.choice("step", DONE), request.form.text("listed"), 0, []
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
        notice += f" {len(refused)} {'is' if len(refused) == 1 else 'are'} not. {' '.join(refused[:REASONS_MAX])}"
    if len(refused) > REASONS_MAX:
        notice += f" Also not: {', '.join(each.partition(':')[0] for each in refused[REASONS_MAX:])}."
    return Redirect(f"/orders?{urlencode(parse_qsl(listed))}", notice)


def _buyers(request: StaffRequest, words: str) -> Sequence[Account]:
    query = AccountQuery(search_words(words))
    return request.shop.accounts.accounts(request.actor, query, OffsetRequest(BUYERS_MAX)).items


def _choice(words: str, buyers: Sequence[Account]) -> h.Node:
    """Several customers have such a name, or none."""
    rows = (
        (
            h.a(href=f"/staff/orders?customer={buyer.id}")[buyer.username],
            f"{buyer.first_name} {buyer.last_name}".strip(),
            buyer.email,
        )
        for buyer in buyers
    )
    return table(f"Customers like {words!r}, {BUYERS_MAX} at most", ["Username", "Name", "Email"], rows)


def _whose(request: StaffRequest, customer_id: UUID) -> h.Node:
    customer = request.customer(customer_id)
    name = customer.username if customer else "a customer who is gone"
    return h.p["Orders of ", h.strong[name], ". ", h.a(href="/staff/orders")["All orders"]]


def _filters(query: QueueQuery) -> h.Element:
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
        h.div(".field")[
            h.label(for_="buyer")["Customer"],
            h.input(id="buyer", name="buyer", type="search", value=query.buyer, autocomplete="off"),
            h.input(type="hidden", name="customer", value=str(query.customer)) if query.customer else None,
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
        h.input(type="hidden", name="listed", value=request.query_string),
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
