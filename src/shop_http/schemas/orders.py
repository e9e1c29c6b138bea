"""Orders."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from shop_core import (
    Actor,
    LineRequest,
    Money,
    Order,
    OrderEvent,
    OrderEventKind,
    OrderLine,
    OrderStatus,
    PlacementRequest,
    Role,
)
from shop_core.errors import Fault, Invalid
from shop_core.inventory.model import LINES_MAX
from shop_core.money import decimals, format_minor
from shop_http.schemas.common import (
    EVENT_ID,
    ORDER_ID,
    PRODUCT_ID,
    RESERVATION_ID,
    THEN,
    USER_ID,
    Amount,
    PageBody,
    Quantity,
)


class LineForm(Struct, forbid_unknown_fields=True, kw_only=True):
    """A product, and how many units of it are requested."""

    product_id: UUID
    quantity: Quantity


LineForms = Annotated[tuple[LineForm, ...], Meta(min_length=1, max_length=LINES_MAX)]


def line_requests(lines: Iterable[LineForm]) -> tuple[LineRequest, ...]:
    """The lines as the core takes them."""
    return tuple([LineRequest(line.product_id, line.quantity) for line in lines])


class OrderForm(Struct, forbid_unknown_fields=True, kw_only=True):
    """The lines of an order. A product may stand in several: its quantities are summed.

    With `expected_total` it is edited only if the total is then the same: prices may have changed.
    """

    lines: LineForms
    expected_total: Amount | UnsetType = UNSET

    def requested(self) -> tuple[LineRequest, ...]:
        """The lines as the core takes them."""
        return line_requests(self.lines)

    def total(self, currency: str) -> Money | None:
        """The expected total as the core takes it.

        Raises:
            Invalid: it is no amount of money.
        """
        expected = self.expected_total
        return None if expected is UNSET else Money.parse(expected, currency, field="expected_total")


class PlacementForm(Struct, forbid_unknown_fields=True, kw_only=True):
    """An order to place: give `lines` or `reservation_id`, not both.

    With `expected_total` it is placed only if the total is the same: prices may have changed since they were shown.
    """

    lines: LineForms | UnsetType = UNSET
    reservation_id: UUID | UnsetType = UNSET
    expected_total: Amount | UnsetType = UNSET

    def request(self, customer: Actor, key: str | None, currency: str) -> PlacementRequest:
        """The order to place for the core.

        Raises:
            Invalid: not exactly one of lines and reservation is given, or the total is no amount of money.
        """
        if (self.lines is UNSET) is (self.reservation_id is UNSET):
            rule = f"give exactly one of lines and reservation_id, here {'are both' if self.lines else 'is none'}"
            raise Invalid(*(Fault(field, rule, "exactly_one") for field in ("lines", "reservation_id")))
        expected = self.expected_total
        assert customer.id is not None, "placing an order needs a login"
        return PlacementRequest(
            customer.id,
            line_requests(self.lines or ()),
            customer.role or Role.CUSTOMER,
            reservation_id=self.reservation_id or None,
            key=key,
            expected_total=None if expected is UNSET else Money.parse(expected, currency, field="expected_total"),
        )


class OrderLineBody(Struct, kw_only=True, gc=False):
    """A line of an order, with SKU, name and unit price as they were when it was placed."""

    product_id: UUID
    sku: str
    product_name: str
    unit_price: Amount
    quantity: int
    total: Amount


class OrderBody(Struct, kw_only=True):
    """An order. `subtotal` is the sum of its lines, `total` is the amount to pay.

    `deleted_at` is there for staff only, on an order that its customer deleted from their history.
    """

    id: UUID
    number: str
    status: OrderStatus
    lines: tuple[OrderLineBody, ...]
    subtotal: Amount
    discounts: tuple[dict[str, str], ...] = ()
    total: Amount
    currency: str
    customer_id: UUID
    version: int
    created_at: datetime
    updated_at: datetime
    deleted_at: datetime | UnsetType = UNSET

    @classmethod
    def of(cls, order: Order) -> OrderBody:
        """The schema of `order`. Amounts are written from minor units: to make a `Money` of each costs 8 us more."""
        currency = order.total.currency
        places, total = decimals(currency), str(order.total)
        return cls(
            id=order.id,
            number=order.number,
            status=order.status,
            lines=tuple([_line(line, places) for line in order.lines]),
            subtotal=total,
            total=total,
            currency=currency,
            customer_id=order.customer_id,
            version=order.version,
            created_at=order.created_at,
            updated_at=order.updated_at,
            deleted_at=order.deleted_at or UNSET,
        )


def _line(line: OrderLine, places: int) -> OrderLineBody:
    price, quantity = line.unit_price.minor, line.quantity
    return OrderLineBody(
        product_id=line.product_id,
        sku=line.sku,
        product_name=line.name,
        unit_price=format_minor(price, places),
        quantity=quantity,
        total=format_minor(price * quantity, places),
    )


class OrderPage(PageBody[OrderBody], kw_only=True):
    """A page of the list of orders."""


class OrderEventBody(Struct, kw_only=True):
    """One change of an order. `seq` is the order's version after it, `status` and `total` are what they became.

    `actor_id` and `actor_role` say who did it; they are missing if the shop did it. `total_before` is there on edits.
    `format` is the version of this schema. `id` is the id under which the event is also published.
    """

    id: UUID
    seq: int
    kind: OrderEventKind
    at: datetime
    status: OrderStatus
    total: Amount
    total_before: Amount | UnsetType = UNSET
    actor_id: UUID | UnsetType = UNSET
    actor_role: Role | UnsetType = UNSET
    format: int

    @classmethod
    def of(cls, event: OrderEvent) -> OrderEventBody:
        """The schema of `event`."""
        return cls(
            id=event.id,
            seq=event.seq,
            kind=event.kind,
            at=event.at,
            status=event.status,
            total=str(event.total),
            total_before=str(event.total_before) if event.total_before else UNSET,
            actor_id=event.actor_id or UNSET,
            actor_role=event.actor_role or UNSET,
            format=event.format,
        )


class OrderEventPage(PageBody[OrderEventBody], kw_only=True):
    """A page of the timeline of an order."""


ORDER_FORM = OrderForm(lines=(LineForm(product_id=PRODUCT_ID, quantity=3),), expected_total="6.60")
PLACEMENT_FORM = PlacementForm(lines=(LineForm(product_id=PRODUCT_ID, quantity=3),), expected_total="6.60")
PLACEMENT_OF_A_RESERVATION = PlacementForm(reservation_id=RESERVATION_ID)
ORDER = OrderBody(
    id=ORDER_ID,
    number="261121-7K3M9QX2",
    status=OrderStatus.PLACED,
    lines=(
        OrderLineBody(
            product_id=PRODUCT_ID,
            sku="85123A",
            product_name="White hanging heart T-light holder",
            unit_price="2.20",
            quantity=3,
            total="6.60",
        ),
    ),
    subtotal="6.60",
    total="6.60",
    currency="EUR",
    customer_id=USER_ID,
    version=1,
    created_at=THEN,
    updated_at=THEN,
)
ORDERS = OrderPage(count=1, next=None, previous=None, results=(ORDER,))
ORDER_EVENT = OrderEventBody(
    id=EVENT_ID,
    seq=2,
    kind=OrderEventKind.EDITED,
    at=THEN,
    status=OrderStatus.PLACED,
    total="6.60",
    total_before="4.40",
    actor_id=USER_ID,
    actor_role=Role.CUSTOMER,
    format=1,
)
ORDER_EVENTS = OrderEventPage(count=1, next=None, previous=None, results=(ORDER_EVENT,))
