"""Orders and their lines in PostgreSQL. Each statement names the customer, who leads every key."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import groupby
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Integer, Select, Text, Uuid, any_, bindparam, select, text

from shop_adapters.listing import ORDERS
from shop_adapters.lock_order import LockOrder
from shop_adapters.postgres.arrays import Integers, Texts, Times, Uuids
from shop_adapters.postgres.database import Row, StoreClock, Transaction
from shop_adapters.postgres.schema import Time, order_lines, orders
from shop_core.money import Money
from shop_core.orders.model import Order, OrderLine, OrderQuery, OrderStatus
from shop_core.pagination import CursorRequest, Page, PageRequest

_ADD = text("""
INSERT INTO orders (customer_id, id, status, total_minor, version, created_at, updated_at, number, deleted_at)
SELECT * FROM unnest(
    CAST(:customer_ids AS uuid[]), CAST(:ids AS uuid[]), CAST(:statuses AS text[]), CAST(:totals AS bigint[]),
    CAST(:versions AS integer[]), CAST(:created_at AS timestamptz[]), CAST(:updated_at AS timestamptz[]),
    CAST(:numbers AS text[]), CAST(:deleted_at AS timestamptz[])
)
""")
_ADD_LINES = text("""
INSERT INTO order_lines (customer_id, order_id, line_no, product_id, sku, name, unit_price_minor, quantity)
SELECT * FROM unnest(
    CAST(:customer_ids AS uuid[]), CAST(:order_ids AS uuid[]), CAST(:line_nos AS smallint[]),
    CAST(:product_ids AS uuid[]), CAST(:skus AS text[]), CAST(:names AS text[]), CAST(:unit_prices AS bigint[]),
    CAST(:quantities AS integer[])
)
""")
_FIND_CUSTOMERS = text("""
SELECT customer_id, id FROM orders WHERE id = ANY (CAST(:order_ids AS uuid[]))
""")
# Head and lines in one statement, which sees one moment: no order is seen with its old total and its new lines.
_GET = text("""
SELECT head.customer_id, head.id, head.status, head.total_minor, head.version, head.created_at, head.updated_at,
       head.deleted_at, line.product_id, line.sku, line.name, line.unit_price_minor, line.quantity
FROM orders AS head
JOIN order_lines AS line ON line.customer_id = head.customer_id AND line.order_id = head.id
WHERE head.customer_id = :customer_id AND head.id = :order_id AND head.deleted_at IS NULL
ORDER BY line.line_no
""")
_GET_ALL = text("""
SELECT head.customer_id, head.id, head.status, head.total_minor, head.version, head.created_at, head.updated_at,
       head.deleted_at, line.product_id, line.sku, line.name, line.unit_price_minor, line.quantity
FROM unnest(CAST(:customer_ids AS uuid[]), CAST(:order_ids AS uuid[])) AS found (customer_id, id)
JOIN orders AS head ON head.customer_id = found.customer_id AND head.id = found.id
JOIN order_lines AS line ON line.customer_id = head.customer_id AND line.order_id = head.id
ORDER BY head.id, line.line_no
""")
_LOCK = text("""
SELECT customer_id, id, status, total_minor, version, created_at, updated_at, deleted_at
FROM orders
WHERE customer_id = :customer_id AND id = :order_id AND (deleted_at IS NULL OR :with_deleted)
FOR NO KEY UPDATE
""")
_LINES = text("""
SELECT product_id, sku, name, unit_price_minor, quantity, clock_timestamp() AS time
FROM order_lines
WHERE customer_id = :customer_id AND order_id = :order_id
ORDER BY line_no
""")
_UPDATE = text("""
UPDATE orders
SET status = :status, total_minor = :total, version = :version, updated_at = :updated_at, deleted_at = :deleted_at
WHERE customer_id = :customer_id AND id = :order_id
""")
_DELETE_LINES = text("""
DELETE FROM order_lines
WHERE customer_id = :customer_id AND order_id = :order_id
""")


class PostgresOrders:
    """See `shop_core.ports.Orders`."""

    def __init__(self, transaction: Transaction, order: LockOrder, clock: StoreClock, currency: str) -> None:
        self._transaction = transaction
        self._lock_order = order
        self._clock = clock
        self._currency = currency

    def add_all(self, placed: Sequence[Order]) -> None:
        if not placed:
            return
        self._transaction.run(
            _ADD,
            {
                "customer_ids": Uuids([order.customer_id for order in placed]),
                "ids": Uuids([order.id for order in placed]),
                "statuses": Texts([order.status for order in placed]),
                "totals": Integers([order.total.minor for order in placed]),
                "versions": Integers([order.version for order in placed]),
                "created_at": Times([order.created_at for order in placed]),
                "updated_at": Times([order.updated_at for order in placed]),
                "numbers": Texts([order.number for order in placed]),
                "deleted_at": Times([order.deleted_at for order in placed]),
            },
        )
        self._add_lines(placed)

    def get(self, order_id: UUID, customer_id: UUID | None = None) -> Order | None:
        if customer_id is None:
            return self.get_all([order_id]).get(order_id)
        rows = self._transaction.run(_GET, {"customer_id": customer_id, "order_id": order_id})
        return next(self._found(rows), None)

    def get_all(self, order_ids: Iterable[UUID]) -> dict[UUID, Order]:
        if not (keys := self._find_customers(order_ids)):
            return {}
        columns = {
            "customer_ids": Uuids([customer_id for customer_id, _ in keys]),
            "order_ids": Uuids([order_id for _, order_id in keys]),
        }
        return {order.id: order for order in self._found(self._transaction.run(_GET_ALL, columns))}

    def lock(self, order_id: UUID, customer_id: UUID | None = None) -> Order | None:
        self._lock_order.check("orders", [order_id])
        key: dict[str, object] = {"customer_id": customer_id, "order_id": order_id, "with_deleted": False}
        if customer_id is None:
            if not (keys := self._find_customers([order_id])):
                return None
            key |= {"customer_id": keys[0][0], "with_deleted": True}
        head = self._transaction.one(_LOCK, key)
        if head is None:
            return None
        # In a statement of their own: the one that waited for the lock would show the lines as they were before.
        lines = self._transaction.run(_LINES, key)
        self._clock.note(lines[0].time)
        return self._order_of(head, (line[:-1] for line in lines))

    def _find_customers(self, order_ids: Iterable[UUID]) -> list[tuple[UUID, UUID]]:
        """The customers of these orders, to look for the orders by. A customer of an order never changes.

        No statement locks or joins orders by their ids alone: an engine that distributes them by customers cannot.
        """
        ids = Uuids(set(order_ids))
        return (
            [(row.customer_id, row.id) for row in self._transaction.run(_FIND_CUSTOMERS, {"order_ids": ids})]
            if ids
            else []
        )

    def update(self, order: Order) -> None:
        self._lock_order.check("orders", [order.id])  # an UPDATE locks its row
        self._transaction.run(
            _UPDATE,
            {
                "customer_id": order.customer_id,
                "order_id": order.id,
                "status": order.status,
                "total": order.total.minor,
                "version": order.version,
                "updated_at": order.updated_at,
                "deleted_at": order.deleted_at,
            },
        )

    def replace_lines(self, order: Order) -> None:
        self._lock_order.check("orders", [order.id])
        self._transaction.run(_DELETE_LINES, {"customer_id": order.customer_id, "order_id": order.id})
        self._add_lines([order])

    def page(self, query: OrderQuery, page_request: PageRequest) -> Page[Order]:
        filters, values = _filters_of(query), _values_of(query)
        if isinstance(page_request, CursorRequest):
            values |= {"limit": page_request.limit + 1, "offset": 0}
            if page_request.cursor is not None:
                (last,) = ORDERS.read(page_request.cursor)
                values["after"] = UUID(str(last))
            rows = self._transaction.run(order_list(filters, is_after="after" in values), values)
            return ORDERS.page(list(self._found(rows)), page_request.limit)
        values |= {"limit": page_request.limit, "offset": page_request.offset}
        rows = self._transaction.run(order_list(filters, is_after=False), values)
        return Page(tuple(self._found(rows)), *self._transaction.count_or_estimate(matching_orders(filters), values))

    def _add_lines(self, of: Sequence[Order]) -> None:
        lines = [(order, line_no, line) for order in of for line_no, line in enumerate(order.lines, start=1)]
        self._transaction.run(
            _ADD_LINES,
            {
                "customer_ids": Uuids([order.customer_id for order, _, _ in lines]),
                "order_ids": Uuids([order.id for order, _, _ in lines]),
                "line_nos": Integers([line_no for _, line_no, _ in lines]),
                "product_ids": Uuids([line.product_id for _, _, line in lines]),
                "skus": Texts([line.sku for _, _, line in lines]),
                "names": Texts([line.name for _, _, line in lines]),
                "unit_prices": Integers([line.unit_price.minor for _, _, line in lines]),
                "quantities": Integers([line.quantity for _, _, line in lines]),
            },
        )

    def _found(self, rows: Iterable[Row]) -> Iterator[Order]:
        """The orders of rows that have a head and a line each."""
        for _, of_order in groupby(rows, key=lambda row: row.id):
            lines = list(of_order)
            yield self._order_of(lines[0], (line[-_LINE_COLUMNS:] for line in lines))

    def _order_of(self, head: Row, lines: Iterable[Sequence[Any]]) -> Order:
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


# ---- lists, composed by what they filter

_HEAD = select(
    *(orders.c.customer_id, orders.c.id, orders.c.status, orders.c.total_minor, orders.c.version),
    *(orders.c.created_at, orders.c.updated_at, orders.c.deleted_at),
)
_LINE = [order_lines.c[name] for name in ("product_id", "sku", "name", "unit_price_minor", "quantity")]
_LINE_COLUMNS = len(_LINE)

FILTERS: Mapping[str, ColumnElement[bool]] = {
    "customer_id": orders.c.customer_id == any_(bindparam("customers", type_=ARRAY(Uuid))),
    "status": orders.c.status == bindparam("status", type_=Text),
    "status of all": orders.c.status == any_(bindparam("statuses", type_=ARRAY(Text))),
    "placed_from": orders.c.created_at >= bindparam("placed_from", type_=Time),
    "placed_before": orders.c.created_at < bindparam("placed_before", type_=Time),
    "number": orders.c.number == bindparam("number", type_=Text),
    "not deleted": orders.c.deleted_at.is_(None),
}
"""The conditions that a list of orders can have, by name."""


def _filters_of(query: OrderQuery) -> frozenset[str]:
    names = ("customer_id", "status", "placed_from", "placed_before", "number")
    given = {name for name in names if getattr(query, name) is not None}
    if "status" in given and "customer_id" not in given:
        given = given - {"status"} | {"status of all"}
    return frozenset(given if query.with_deleted else {*given, "not deleted"})


def _values_of(query: OrderQuery) -> dict[str, Any]:
    return {
        "customers": Uuids([query.customer_id]),
        "status": query.status,
        "statuses": Texts([query.status]),
        "placed_from": query.placed_from,
        "placed_before": query.placed_before,
        "number": query.number,
    }


def _newest_first(filters: frozenset[str]) -> list[ColumnElement[Any]]:
    """By id, written so that the planner has to use the index by customer or by status.

    Where the planner knows that a column has one value, it may read everybody's orders by id, and throw away what does
    not match: it expects to find a page of them soon, and is wrong for a customer who has not ordered for long. So the
    condition is a list of values, with one in it, and the list is sorted by that column first.
    """
    if "customer_id" in filters:
        return [orders.c.customer_id.desc(), orders.c.id.desc()]
    if "status of all" in filters:
        return [orders.c.status.desc(), orders.c.id.desc()]
    return [orders.c.id.desc()]


@lru_cache(256)
def order_list(filters: frozenset[str], *, is_after: bool) -> Select[Any]:
    """A page of orders with their lines, newest first; by number, or by key if it `is_after` one.

    Args:
        filters: names in `FILTERS`.
        is_after: whether it starts after a key, instead of behind a number of orders.
    """
    heads = _HEAD.where(*(FILTERS[name] for name in sorted(filters))).order_by(*_newest_first(filters))
    heads = heads.limit(bindparam("limit", type_=Integer))
    if is_after:
        heads = heads.where(orders.c.id < bindparam("after", type_=Uuid))
    else:
        heads = heads.offset(bindparam("offset", type_=Integer))
    head = heads.subquery("head")
    of_head = (order_lines.c.customer_id == head.c.customer_id) & (order_lines.c.order_id == head.c.id)
    lines = select(*head.c, *_LINE).select_from(head.join(order_lines, of_head))
    return lines.order_by(head.c.id.desc(), order_lines.c.line_no)


@lru_cache(256)
def matching_orders(filters: frozenset[str]) -> Select[Any]:
    """A row for each order that matches, to be counted."""
    return select(orders.c.id).where(*(FILTERS[name] for name in sorted(filters)))
