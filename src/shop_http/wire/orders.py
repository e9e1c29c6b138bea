"""Orders on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from shop_core import LineRequest, Order, OrderLine, OrderStatus, PlacementRequest
from shop_core.orders.model import LINES_MAX
from shop_http.wire.common import ORDER_ID, PRODUCT_ID, THEN, USER_ID, Amount, PageBody, Quantity


class OrderLineForm(Struct, forbid_unknown_fields=True, kw_only=True):
    """So many units of a product, wanted."""

    product_id: UUID
    quantity: Quantity


class OrderForm(Struct, forbid_unknown_fields=True, kw_only=True):
    """An order to place. A product may stand in several lines: its quantities are summed."""

    lines: Annotated[tuple[OrderLineForm, ...], Meta(min_length=1, max_length=LINES_MAX)]

    def request(self, customer_id: UUID) -> PlacementRequest:
        """The same for the core."""
        return PlacementRequest(customer_id, tuple(LineRequest(line.product_id, line.quantity) for line in self.lines))


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
    """An order: subtotal is the sum of its lines, total what is to be paid."""

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
        )


class OrderPage(PageBody[OrderBody], kw_only=True):
    """A piece of the list of orders."""


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
