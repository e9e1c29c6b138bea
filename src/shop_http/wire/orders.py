"""Orders on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from shop_core import (
    Actor,
    LineRequest,
    Order,
    OrderEvent,
    OrderEventKind,
    OrderLine,
    OrderStatus,
    PlacementRequest,
    Role,
)
from shop_core.inventory.wanted import LINES_MAX
from shop_http.wire.common import ORDER_ID, PRODUCT_ID, THEN, USER_ID, Amount, PageBody, Quantity


class OrderLineForm(Struct, forbid_unknown_fields=True, kw_only=True):
    """So many units of a product, wanted."""

    product_id: UUID
    quantity: Quantity


class OrderForm(Struct, forbid_unknown_fields=True, kw_only=True):
    """The lines of an order. A product may stand in several: its quantities are summed."""

    lines: Annotated[tuple[OrderLineForm, ...], Meta(min_length=1, max_length=LINES_MAX)]

    def wanted(self) -> tuple[LineRequest, ...]:
        """The lines for the core."""
        return tuple(LineRequest(line.product_id, line.quantity) for line in self.lines)

    def request(self, customer: Actor) -> PlacementRequest:
        """The order to place for the core."""
        return PlacementRequest(customer.account_id, self.wanted(), customer.role or Role.CUSTOMER)


class OrderLineBody(Struct, kw_only=True):
    """A line of an order: SKU, name and unit price are those of the moment in which it was placed."""

    product_id: UUID
    sku: str
    product_name: str
    unit_price: Amount
    quantity: int
    total: Amount

    @classmethod
    def of(cls, line: OrderLine) -> OrderLineBody:
        """The wire form of `line`."""
        return cls(
            product_id=line.product_id,
            sku=line.sku,
            product_name=line.name,
            unit_price=str(line.unit_price),
            quantity=line.quantity,
            total=str(line.total),
        )


class OrderBody(Struct, kw_only=True):
    """An order: subtotal is the sum of its lines, total what is to be paid.

    `deleted_at` is there for staff only, on an order that its customer took out of his history.
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
        """The wire form of `order`."""
        return cls(
            id=order.id,
            number=order.number,
            status=order.status,
            lines=tuple(map(OrderLineBody.of, order.lines)),
            subtotal=str(order.total),
            total=str(order.total),
            currency=order.total.currency,
            customer_id=order.customer_id,
            version=order.version,
            created_at=order.created_at,
            updated_at=order.updated_at,
            deleted_at=order.deleted_at or UNSET,
        )


class OrderPage(PageBody[OrderBody], kw_only=True):
    """A piece of the list of orders."""


class OrderEventBody(Struct, kw_only=True):
    """One change of an order. `seq` is the order's version after it, `status` and `total` are what they became.

    `actor_id` and `actor_role` say who did it; the shop itself has none. `total_before` is there on edits. `format`
    tells later forms of events apart.
    """

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
        """The wire form of `event`."""
        return cls(
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
    """A piece of the timeline of an order."""


ORDER_FORM = OrderForm(lines=(OrderLineForm(product_id=PRODUCT_ID, quantity=3),))
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
