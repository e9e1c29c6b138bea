"""Orders and their lines in PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Connection,
    Select,
    Text,
    Uuid,
    any_,
    bindparam,
    delete,
    literal,
    select,
    update,
)
from sqlalchemy.types import TypeEngine

from shop_adapters.listing import ORDERS
from shop_adapters.locking import LockOrder
from shop_adapters.postgres.schema import order_lines, orders
from shop_adapters.postgres.statements import AnyRow, about_how_many, arrays, insert_many
from shop_adapters.postgres.store_clock import TIME, StoreClock
from shop_core.money import Money
from shop_core.orders.model import Order, OrderLine, OrderQuery, OrderStatus
from shop_core.pagination import Keyset, Page, Piece

_ORDER = select(
    orders.c.customer_id,
    orders.c.id,
    orders.c.status,
    orders.c.total_minor,
    orders.c.version,
    orders.c.created_at,
    orders.c.updated_at,
    orders.c.deleted_at,
)
_LINE = (
    order_lines.c.product_id,
    order_lines.c.sku,
    order_lines.c.name,
    order_lines.c.unit_price_minor,
    order_lines.c.quantity,
)
_OF_ORDER = (
    order_lines.c.customer_id == bindparam("this_customer_id", type_=Uuid),
    order_lines.c.order_id == bindparam("this_order_id", type_=Uuid),
)
_LINES = select(*_LINE, TIME.label("time")).where(*_OF_ORDER).order_by(order_lines.c.line_no)
_DELETE_LINES = delete(order_lines).where(*_OF_ORDER)
_ADD_ORDERS = insert_many(orders)
_ADD_LINES = insert_many(order_lines)


class PostgresOrders:
    """See `shop_core.ports.Orders`."""

    def __init__(self, connection: Connection, order: LockOrder, clock: StoreClock, currency: str) -> None:
        self._connection = connection
        self._order = order
        self._clock = clock
        self._currency = currency

    def add_all(self, placed: Sequence[Order]) -> None:
        if not placed:
            return
        heads = (
            (
                *(o.customer_id, o.id, o.status, o.total.minor, o.version),
                *(o.created_at, o.updated_at, o.number, o.deleted_at),
            )
            for o in placed
        )
        self._connection.execute(_ADD_ORDERS, arrays("new", orders.c.keys(), heads))
        self._add_lines(placed)

    def get(self, order_id: UUID, customer_id: UUID | None = None) -> Order | None:
        return next(self._whole(_found(order_id, customer_id)), None)

    def lock(self, order_id: UUID, customer_id: UUID | None = None) -> Order | None:
        self._order.check("orders", [order_id])
        # The lines in a statement of their own: one that waits for its lock would show them as they were before.
        head = self._connection.execute(_found(order_id, customer_id).with_for_update(key_share=True)).one_or_none()
        if head is None:
            return None
        this = {"this_customer_id": head.customer_id, "this_order_id": head.id}
        lines = self._connection.execute(_LINES, this).all()
        self._clock.note(lines[0].time)
        return self._order_of(head, (line[: len(_LINE)] for line in lines))

    def update(self, order: Order) -> None:
        self._order.check("orders", [order.id])  # an UPDATE locks its row
        self._connection.execute(
            update(orders)
            .where(orders.c.customer_id == order.customer_id, orders.c.id == order.id)
            .values(
                status=order.status,
                total_minor=order.total.minor,
                version=order.version,
                updated_at=order.updated_at,
                deleted_at=order.deleted_at,
            )
        )

    def replace_lines(self, order: Order) -> None:
        self._order.check("orders", [order.id])
        self._connection.execute(_DELETE_LINES, {"this_customer_id": order.customer_id, "this_order_id": order.id})
        self._add_lines([order])

    def page(self, query: OrderQuery, piece: Piece) -> Page[Order]:
        filters = _filters(query)
        matching = _ORDER.where(*filters).order_by(*_newest_first(query))
        if isinstance(piece, Keyset):
            if piece.cursor is not None:
                (last,) = ORDERS.read(piece.cursor)
                matching = matching.where(orders.c.id < UUID(str(last)))
            return ORDERS.page(list(self._whole(matching.limit(piece.limit + 1))), piece.limit)
        found = tuple(self._whole(matching.limit(piece.limit).offset(piece.offset)))
        return Page(found, *about_how_many(self._connection, select(orders.c.id).where(*filters)))

    def _add_lines(self, of: Sequence[Order]) -> None:
        lines = (
            (o.customer_id, o.id, no, line.product_id, line.sku, line.name, line.unit_price.minor, line.quantity)
            for o in of
            for no, line in enumerate(o.lines, start=1)
        )
        self._connection.execute(_ADD_LINES, arrays("new", order_lines.c.keys(), lines))

    def _whole(self, heads: Select[Any]) -> Iterator[Order]:
        """The orders that `heads` finds, newest first, each with its lines.

        One statement, which sees one moment: no order is seen with its old total and its new lines.
        """
        head = heads.subquery("head")
        same = (order_lines.c.customer_id == head.c.customer_id) & (order_lines.c.order_id == head.c.id)
        found = (
            select(*head.c, *_LINE)
            .select_from(head.join(order_lines, same))
            .order_by(head.c.id.desc(), order_lines.c.line_no)
        )
        for _, rows in groupby(self._connection.execute(found), key=attrgetter("id")):
            lines = list(rows)
            yield self._order_of(lines[0], (line[-len(_LINE) :] for line in lines))

    def _order_of(self, head: AnyRow, lines: Iterable[Sequence[Any]]) -> Order:
        return Order(
            head.id,
            head.customer_id,
            OrderStatus(head.status),
            tuple(
                OrderLine(product_id, sku, name, Money(unit_price_minor, self._currency), quantity)
                for product_id, sku, name, unit_price_minor, quantity in lines
            ),
            Money(head.total_minor, self._currency),
            head.created_at,
            head.updated_at,
            head.version,
            head.deleted_at,
        )


def _found(order_id: UUID, customer_id: UUID | None) -> Select[Any]:
    found = _ORDER.where(orders.c.id == order_id)
    if customer_id is None:
        return found
    return found.where(orders.c.customer_id == customer_id, orders.c.deleted_at.is_(None))


def _filters(query: OrderQuery) -> list[ColumnElement[bool]]:
    filters: list[ColumnElement[bool]] = []
    if query.customer_id is not None:
        filters.append(orders.c.customer_id == _one_of(query.customer_id, Uuid()))
    if query.status is not None:
        of_all = query.customer_id is None
        filters.append(orders.c.status == (_one_of(query.status, Text()) if of_all else query.status))
    if query.placed_from is not None:
        filters.append(orders.c.created_at >= query.placed_from)
    if query.placed_before is not None:
        filters.append(orders.c.created_at < query.placed_before)
    if query.number is not None:
        filters.append(orders.c.number == query.number)
    if not query.with_deleted:
        filters.append(orders.c.deleted_at.is_(None))
    return filters


def _newest_first(query: OrderQuery) -> list[ColumnElement[Any]]:
    """By id, in words that only the right index can follow.

    Where the planner knows that a column has one value, it may as well read everybody's orders by id, and throw away
    what does not match: it counts on finding a page of them soon, and is wrong for whom has not ordered for long. So it
    is told of a list of values, with one in it, and to sort by that column first.
    """
    if query.customer_id is not None:
        return [orders.c.customer_id.desc(), orders.c.id.desc()]
    if query.status is not None:
        return [orders.c.status.desc(), orders.c.id.desc()]
    return [orders.c.id.desc()]


def _one_of(value: object, kind: TypeEngine[Any]) -> ColumnElement[Any]:
    return any_(literal([value], ARRAY(kind)))
