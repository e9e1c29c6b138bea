"""Orders and their lines in PostgreSQL."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Connection, Select, Uuid, any_, bindparam, func, select, update

from shop_adapters.listing import ORDERS
from shop_adapters.locking import LockOrder
from shop_adapters.postgres.schema import order_lines, orders
from shop_adapters.postgres.statements import AnyRow, arrays, insert_many
from shop_core.money import Money
from shop_core.orders.model import Order, OrderLine, OrderStatus
from shop_core.pagination import Keyset, Page, Piece

_ORDER = select(
    orders.c.customer_id,
    orders.c.id,
    orders.c.status,
    orders.c.total_minor,
    orders.c.version,
    orders.c.created_at,
    orders.c.updated_at,
)
_LINES = (
    select(
        order_lines.c.order_id,
        order_lines.c.product_id,
        order_lines.c.sku,
        order_lines.c.name,
        order_lines.c.unit_price_minor,
        order_lines.c.quantity,
    )
    .where(
        order_lines.c.customer_id == bindparam("customer_id", type_=Uuid),
        order_lines.c.order_id == any_(bindparam("order_ids", type_=ARRAY(Uuid))),
    )
    .order_by(order_lines.c.order_id, order_lines.c.line_no)
)
_ADD_ORDERS = insert_many(orders)
_ADD_LINES = insert_many(order_lines)


class PostgresOrders:
    """See `shop_core.ports.Orders`."""

    def __init__(self, connection: Connection, order: LockOrder, currency: str) -> None:
        self._connection = connection
        self._order = order
        self._currency = currency

    def add_all(self, placed: Sequence[Order]) -> None:
        if not placed:
            return
        heads = ((o.customer_id, o.id, o.status, o.total.minor, o.version, o.created_at, o.updated_at) for o in placed)
        self._connection.execute(_ADD_ORDERS, arrays("new", orders.c.keys(), heads))
        lines = (
            (o.customer_id, o.id, no, line.product_id, line.sku, line.name, line.unit_price.minor, line.quantity)
            for o in placed
            for no, line in enumerate(o.lines, start=1)
        )
        self._connection.execute(_ADD_LINES, arrays("new", order_lines.c.keys(), lines))

    def get(self, order_id: UUID, customer_id: UUID | None = None) -> Order | None:
        return self._one(_found(order_id, customer_id))

    def lock(self, order_id: UUID, customer_id: UUID | None = None) -> Order | None:
        self._order.check("orders", [order_id])
        return self._one(_found(order_id, customer_id).with_for_update(key_share=True))

    def update(self, order: Order) -> None:
        self._order.check("orders", [order.id])  # an UPDATE locks its row
        self._connection.execute(
            update(orders)
            .where(orders.c.customer_id == order.customer_id, orders.c.id == order.id)
            .values(status=order.status, version=order.version, updated_at=order.updated_at)
        )

    def page(self, customer_id: UUID, piece: Piece) -> Page[Order]:
        mine = _ORDER.where(orders.c.customer_id == customer_id).order_by(orders.c.id.desc())
        if isinstance(piece, Keyset):
            if piece.cursor is not None:
                (last,) = ORDERS.read(piece.cursor)
                mine = mine.where(orders.c.id < UUID(str(last)))
            found = self._whole(customer_id, self._connection.execute(mine.limit(piece.limit + 1)).all())
            return ORDERS.page(found, piece.limit)
        found = self._whole(customer_id, self._connection.execute(mine.limit(piece.limit).offset(piece.offset)).all())
        counted = select(func.count()).select_from(orders).where(orders.c.customer_id == customer_id)
        return Page(tuple(found), count=self._connection.execute(counted).scalar_one())

    def _one(self, found: Select[Any]) -> Order | None:
        row = self._connection.execute(found).one_or_none()
        return self._whole(row.customer_id, [row])[0] if row else None

    def _whole(self, customer_id: UUID, heads: Sequence[AnyRow]) -> list[Order]:
        """Orders of one customer with their lines: one statement more, however many orders."""
        if not heads:
            return []
        lines: dict[UUID, list[OrderLine]] = defaultdict(list)
        found = self._connection.execute(_LINES, {"customer_id": customer_id, "order_ids": [head.id for head in heads]})
        for order_id, product_id, sku, name, unit_price_minor, quantity in found:
            price = Money(unit_price_minor, self._currency)
            lines[order_id].append(OrderLine(product_id, sku, name, price, quantity))
        return [self._order_of(head, lines[head.id]) for head in heads]

    def _order_of(self, head: AnyRow, lines: Iterable[OrderLine]) -> Order:
        return Order(
            head.id,
            head.customer_id,
            OrderStatus(head.status),
            tuple(lines),
            Money(head.total_minor, self._currency),
            head.created_at,
            head.updated_at,
            head.version,
        )


def _found(order_id: UUID, customer_id: UUID | None) -> Select[Any]:
    found = _ORDER.where(orders.c.id == order_id)
    return found if customer_id is None else found.where(orders.c.customer_id == customer_id)
