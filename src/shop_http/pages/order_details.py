"""One order: what was agreed, what happened, and what can be done with it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from uuid import UUID

import htpy as h

from shop_core import LineRequest, Money, Order, OrderEvent, OrderLine
from shop_core.accounts.model import Account
from shop_core.errors import Fault, Invalid, Stale
from shop_core.orders.model import LIFECYCLE, OrderStatus, Step
from shop_core.pagination import everything
from shop_core.pricing.benefits import percent_text
from shop_http.pages.forms import submit
from shop_http.pages.handlers import Redirect, StaffRequest, action, page
from shop_http.pages.layout import Screen
from shop_http.pages.tables import NUMBER, amount, moment, status_label, table

UNITS = "units-"
"""Before the id of a product, in the name of the field with its units."""

BUTTONS = {
    Step.CONFIRM: ("Confirm", "The order is confirmed."),
    Step.SHIP: ("Ship", "The order is shipped."),
    Step.DELIVER: ("Mark as delivered", "The order is delivered."),
}
"""Of each step that is one click: its text, and what is said after it."""

SENT = (OrderStatus.SHIPPED, OrderStatus.DELIVERED)
"""Of an order with one of these, goods may come back."""


@page("/orders/{order_id:uuid}")
def show_order(request: StaffRequest, order_id: UUID) -> Screen:
    """The order as it is now."""
    order = request.shop.orders.get(request.actor, order_id)
    events = list(everything(partial(request.shop.orders.events, request.actor, order_id)))
    steps = LIFECYCLE[order.status] if order.deleted_at is None else {}
    return Screen(
        f"Order {order.number}",
        _overtaken(request, order, events),
        _facts(order, request.customer(order.customer_id)),
        h.div(".row")[
            (_button(request, order, step) for step in steps if step in BUTTONS),
            h.a(".button.quiet", href=f"/staff/orders/{order_id}/slip")["Packing slip"],
            order.status in SENT
            and h.a(".button.quiet", href=f"/staff/stock?note={order.number}")["Receive what came back"],
        ],
        h.h2["Lines"],
        _lines(order),
        h.h2["What happened"],
        _timeline(events),
        _edit_form(request, order) if Step.EDIT in steps else None,
        _cancel_form(request, order) if Step.CANCEL in steps else None,
    )


@action("/orders/{order_id:uuid}/edit", refused=show_order)
def edit_order(request: StaffRequest, order_id: UUID) -> Redirect:
    """Have other lines, for the customer: what changes is taken from the stock or given back."""
    form = request.form
    names = [name for name in form.values if name.startswith(UNITS)]
    units = {form.uuid(name, name.removeprefix(UNITS)): form.number(name) for name in names}
    if form.text("sku"):
        product_id = request.product(form.text("sku")).product.id
        if product_id in units:
            raise Invalid(Fault("sku", "is on the order already: change its units above", "already_there"))
        units[product_id] = form.number("quantity")
    lines = [LineRequest(product_id, quantity) for product_id, quantity in units.items() if quantity]
    if not lines:
        raise Invalid(Fault("lines", "an order keeps one line at least: cancel it instead", "empty"))
    try:
        edited = request.shop.orders.edit(request.actor, order_id, lines, form.versions, key=form.key)
    except Invalid as refusal:
        request.name_products(refusal, lines, UNITS + "{}")
        raise
    return Redirect(f"/orders/{order_id}", f"The order comes to {amount(edited.total)} now.")


@action("/orders/{order_id:uuid}/cancel", refused=show_order)
def cancel_order(request: StaffRequest, order_id: UUID) -> Redirect:
    """Cancel it, and say why."""
    form = request.form
    request.shop.orders.cancel(request.actor, order_id, form.versions, form.text("reason"), key=form.key)
    return Redirect(f"/orders/{order_id}", "The order is cancelled; its units can be sold again.")


@page("/orders/{order_id:uuid}/slip")
def show_slip(request: StaffRequest, order_id: UUID) -> Screen:
    """What goes into the parcel, to be printed: no prices."""
    order = request.shop.orders.get(request.actor, order_id)
    customer = request.customer(order.customer_id)
    return Screen(
        f"Packing slip {order.number}",
        h.p[_name_of(customer), ", placed ", moment(order.created_at)],
        order.status is OrderStatus.CANCELLED and h.p[h.strong["The order is cancelled: nothing is to be packed."]],
        table(
            "To be packed",
            ["SKU", "Product", ("Units", NUMBER), "Packed"],
            ((line.sku, _product(line), str(line.quantity), "\u2610") for line in order.lines),
        ),
        h.p(".no-print")[h.a(href=f"/staff/orders/{order_id}")["Back to the order"]],
    )


def _taking(step: Step) -> Callable[[StaffRequest, UUID], Redirect]:
    def take(request: StaffRequest, order_id: UUID) -> Redirect:
        take_step: Callable[..., Order] = getattr(request.shop.orders, step)
        take_step(request.actor, order_id, request.form.versions, key=request.form.key)
        return Redirect(f"/orders/{order_id}", BUTTONS[step][1])

    take.__name__ = f"{step}_order"
    return take


def _overtaken(request: StaffRequest, order: Order, events: Sequence[OrderEvent]) -> h.Node:
    """Both states of an order that changed under somebody's hands: what they saw, and what it is now."""
    if not isinstance(request.refusal, Stale):
        return None
    seen = [event for event in events if event.seq in (request.form.versions or ())]
    return h.p[
        (f"You saw: {event.status.capitalize()}, {amount(event.total)}. " for event in seen),
        f"It is now: {order.status.capitalize()}, {amount(order.total)}.",
    ]


def _facts(order: Order, customer: Account | None) -> h.Element:
    return h.dl(".facts")[
        h.dt["Status"],
        h.dd[status_label(order.status), " deleted by the customer" if order.deleted_at else None],
        h.dt["Customer"],
        h.dd[
            h.a(href=f"/staff/orders?customer={order.customer_id}")[customer.username if customer else "unknown"],
            f", {_name_of(customer)}",
        ],
        h.dt["Placed"],
        h.dd[moment(order.created_at)],
    ]


def _name_of(customer: Account | None) -> str:
    return (f"{customer.first_name} {customer.last_name}".strip() or customer.username) if customer else "unknown"


def _product(line: OrderLine) -> h.Node:
    options = ", ".join(f"{name}: {value}" for name, value in line.options)
    return [line.name, h.small[f" {options}"] if options else None]


def _button(request: StaffRequest, order: Order, step: Step) -> h.Element:
    return request.form_to(f"/orders/{order.id}/{step}", version=order.version)(submit(BUTTONS[step][0]))


def _edit_form(request: StaffRequest, order: Order) -> h.Element:
    path = f"/orders/{order.id}/edit"
    form = request.form_to(path, version=order.version)
    return h.details(open=_is_refused(request, path))[
        h.summary["Change the lines"],
        form(
            h.p["Lines with as many units or fewer keep their price; others get today's. 0 takes a line away."],
            (
                form.field(
                    f"{UNITS}{line.product_id}",
                    f"Units of {line.name} ({line.sku})",
                    str(line.quantity),
                    type="number",
                    min="0",
                    css="narrow",
                )
                for line in order.lines
            ),
            h.fieldset[
                h.legend["Another product"],
                form.field("sku", "SKU", autocomplete="off", css="narrow", is_stored=False),
                form.field("quantity", "Units", "1", type="number", min="1", css="narrow", is_stored=False),
            ],
            submit("Change the order"),
        ),
    ]


def _cancel_form(request: StaffRequest, order: Order) -> h.Element:
    path = f"/orders/{order.id}/cancel"
    form = request.form_to(path, version=order.version)
    return h.details(open=_is_refused(request, path))[
        h.summary["Cancel the order"],
        form(
            form.field("reason", "Why", hint="Customers can read it.", is_stored=False),
            submit("Cancel it", "danger"),
            css="narrow",
        ),
    ]


def _is_refused(request: StaffRequest, path: str) -> bool:
    return request.refusal is not None and request.path == path


def _lines(order: Order) -> h.Node:
    lines = (
        (
            line.sku,
            _product(line),
            str(line.quantity),
            str(line.unit_price),
            f"-{Money(line.discount, order.total.currency)}" if line.discount else "",
            str(line.total),
        )
        for line in order.lines
    )
    return [
        table(
            "Lines of the order",
            ["SKU", "Product", ("Units", NUMBER), ("Price", NUMBER), ("Discount", NUMBER), ("Total", NUMBER)],
            lines,
        ),
        h.dl(".facts")[_sums(order)],
    ]


def _sums(order: Order) -> Iterable[h.Node]:
    currency = order.total.currency
    yield [h.dt["Subtotal"], h.dd[amount(order.subtotal)]]
    for discount in order.discounts:
        yield [h.dt[discount.label], h.dd[f"-{amount(Money(discount.amount, currency))}"]]
    for code, _ in order.coupons:
        yield [h.dt["Coupon"], h.dd[code]]
    for rate, net, tax in order.taxes:
        included = "included" if order.includes_tax else "added"
        yield [
            h.dt[f"Tax, {percent_text(rate)} %"],
            h.dd[f"{amount(Money(tax, currency))} {included}, on {amount(Money(net, currency))}"],
        ]
    yield [h.dt[h.strong["Total"]], h.dd[h.strong[amount(order.total)]]]


def _timeline(events: Iterable[OrderEvent]) -> h.Element:
    return h.ol(".timeline")[
        (
            h.li[
                h.strong[event.kind.capitalize()],
                event.actor_role and f" by {event.actor_role}",
                ", ",
                moment(event.at),
                f": {amount(event.total_before)} became {amount(event.total)}" if event.total_before else None,
                f": {event.reason}" if event.reason else None,
            ]
            for event in events
        )
    ]


ROUTES = (
    show_order,
    show_slip,
    edit_order,
    cancel_order,
    *(action(f"/orders/{{order_id:uuid}}/{step}", refused=show_order)(_taking(step)) for step in BUTTONS),
)
