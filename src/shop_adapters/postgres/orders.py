"""Orders and their lines in PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import groupby
from operator import attrgetter
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    Text,
    Uuid,
    any_,
    bindparam,
    delete,
    select,
    update,
)

from shop_adapters.listing import ORDERS
from shop_adapters.lock_order import LockOrder
from shop_adapters.postgres.packed import PackedArray
from shop_adapters.postgres.schema import Time, order_lines, orders
from shop_adapters.postgres.statements import about_how_many, arrays, insert_many
from shop_adapters.postgres.store_clock import TIME, StoreClock
from shop_adapters.postgres.transaction import AnyRow, PreparedStatement, Transaction
from shop_core.money import Money
from shop_core.orders.model import Order, OrderLine, OrderQuery, OrderStatus
from shop_core.pagination import CursorRequest, Page, PageRequest

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
_LINES = PreparedStatement(select(*_LINE, TIME.label("time")).where(*_OF_ORDER).order_by(order_lines.c.line_no))
_DELETE_LINES = PreparedStatement(delete(order_lines).where(*_OF_ORDER))
_UPDATE = PreparedStatement(
    update(orders)
    .where(
        orders.c.customer_id == bindparam("this_customer_id", type_=Uuid),
        orders.c.id == bindparam("this_order_id", type_=Uuid),
    )
    .values({name: bindparam(name) for name in ("status", "total_minor", "version", "updated_at", "deleted_at")})
)
_ADD_ORDERS = PreparedStatement(insert_many(orders))
_ADD_LINES = PreparedStatement(insert_many(order_lines))


class PostgresOrders:
    """See `shop_core.ports.Orders`."""

    def __init__(self, transaction: Transaction, order: LockOrder, clock: StoreClock, currency: str) -> None:
        self._transaction = transaction
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
        self._transaction.run(_ADD_ORDERS, arrays("new", orders.c.keys(), heads))
        self._add_lines(placed)

    def get(self, order_id: UUID, customer_id: UUID | None = None) -> Order | None:
        this = {"order_id": order_id, "customer_id": customer_id}
        return next(self._found(_GET[customer_id is not None], this), None)

    def lock(self, order_id: UUID, customer_id: UUID | None = None) -> Order | None:
        self._order.check("orders", [order_id])
        # The lines in a statement of their own: one that waits for its lock would show them as they were before.
        this = {"order_id": order_id, "customer_id": customer_id}
        head = self._transaction.one(_LOCK[customer_id is not None], this)
        if head is None:
            return None
        its_lines = {"this_customer_id": head.customer_id, "this_order_id": head.id}
        lines = self._transaction.run(_LINES, its_lines)
        self._clock.note(lines[0].time)
        return self._order_of(head, (line[: len(_LINE)] for line in lines))

    def update(self, order: Order) -> None:
        self._order.check("orders", [order.id])  # an UPDATE locks its row
        self._transaction.run(
            _UPDATE,
            {
                "this_customer_id": order.customer_id,
                "this_order_id": order.id,
                "status": order.status,
                "total_minor": order.total.minor,
                "version": order.version,
                "updated_at": order.updated_at,
                "deleted_at": order.deleted_at,
            },
        )

    def replace_lines(self, order: Order) -> None:
        self._order.check("orders", [order.id])
        self._transaction.run(_DELETE_LINES, {"this_customer_id": order.customer_id, "this_order_id": order.id})
        self._add_lines([order])

    def page(self, query: OrderQuery, page_request: PageRequest) -> Page[Order]:
        form, values = _form_of(query), _values_of(query)
        if isinstance(page_request, CursorRequest):
            window: dict[str, Any] = {"limit": page_request.limit + 1, "offset": 0}
            if page_request.cursor is not None:
                (last,) = ORDERS.read(page_request.cursor)
                window["after"] = UUID(str(last))
            return ORDERS.page(list(self._found(_page(form, "after" in window), values | window)), page_request.limit)
        found = self._found(_page(form, False), values | {"limit": page_request.limit, "offset": page_request.offset})
        matching = select(orders.c.id).where(*_matching(form))
        return Page(tuple(found), *about_how_many(self._transaction, matching, values))

    def _add_lines(self, of: Sequence[Order]) -> None:
        lines = (
            (o.customer_id, o.id, no, line.product_id, line.sku, line.name, line.unit_price.minor, line.quantity)
            for o in of
            for no, line in enumerate(o.lines, start=1)
        )
        self._transaction.run(_ADD_LINES, arrays("new", order_lines.c.keys(), lines))

    def _found(self, statement: PreparedStatement, values: Mapping[str, Any]) -> Iterator[Order]:
        for _, rows in groupby(self._transaction.run(statement, values), key=attrgetter("id")):
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


def _whole(heads: Select[Any]) -> PreparedStatement:
    """The orders that `heads` finds, newest first, each with its lines.

    One statement, which sees one moment: no order is seen with its old total and its new lines.
    """
    head = heads.subquery("head")
    same = (order_lines.c.customer_id == head.c.customer_id) & (order_lines.c.order_id == head.c.id)
    lines = select(*head.c, *_LINE).select_from(head.join(order_lines, same))
    return PreparedStatement(lines.order_by(head.c.id.desc(), order_lines.c.line_no))


_ANYBODYS = _ORDER.where(orders.c.id == bindparam("order_id", type_=Uuid))
_ONES_OWN = _ANYBODYS.where(orders.c.customer_id == bindparam("customer_id", type_=Uuid), orders.c.deleted_at.is_(None))
_GET = {False: _whole(_ANYBODYS), True: _whole(_ONES_OWN)}
_LOCK = {
    False: PreparedStatement(_ANYBODYS.with_for_update(key_share=True)),
    True: PreparedStatement(_ONES_OWN.with_for_update(key_share=True)),
}
"""By whether it must be of a certain customer, who does not see what he deleted."""

_Form = frozenset[str]
"""The names of `_FILTERS` that a list has."""


def _form_of(query: OrderQuery) -> _Form:
    names = ("customer_id", "status", "placed_from", "placed_before", "number")
    given = {name for name in names if getattr(query, name) is not None}
    if "status" in given and "customer_id" not in given:
        given = given - {"status"} | {"status of all"}
    return frozenset(given if query.with_deleted else {*given, "not deleted"})


def _values_of(query: OrderQuery) -> dict[str, Any]:
    return {
        "customers": [query.customer_id],
        "status": query.status,
        "statuses": [query.status],
        "placed_from": query.placed_from,
        "placed_before": query.placed_before,
        "number": query.number,
    }


_FILTERS: dict[str, ColumnElement[bool]] = {
    "customer_id": orders.c.customer_id == any_(bindparam("customers", type_=PackedArray(Uuid))),
    "status": orders.c.status == bindparam("status", type_=Text),
    "status of all": orders.c.status == any_(bindparam("statuses", type_=PackedArray(Text))),
    "placed_from": orders.c.created_at >= bindparam("placed_from", type_=Time),
    "placed_before": orders.c.created_at < bindparam("placed_before", type_=Time),
    "number": orders.c.number == bindparam("number", type_=Text),
    "not deleted": orders.c.deleted_at.is_(None),
}


def _matching(form: _Form) -> list[ColumnElement[bool]]:
    return [condition for name, condition in _FILTERS.items() if name in form]


def _newest_first(form: _Form) -> list[ColumnElement[Any]]:
    """By id, in words that only the right index can follow.

    Where the planner knows that a column has one value, it may as well read everybody's orders by id, and throw away
    what does not match: it counts on finding a page of them soon, and is wrong for whom has not ordered for long. So it
    is told of a list of values, with one in it, and to sort by that column first.
    """
    if "customer_id" in form:
        return [orders.c.customer_id.desc(), orders.c.id.desc()]
    if "status of all" in form:
        return [orders.c.status.desc(), orders.c.id.desc()]
    return [orders.c.id.desc()]


@lru_cache(256)
def _page(form: _Form, is_after: bool) -> PreparedStatement:
    """A page of a list; by number, or by key if it `is_after` one."""
    found = _ORDER.where(*_matching(form)).order_by(*_newest_first(form)).limit(bindparam("limit", type_=Integer))
    if is_after:
        return _whole(found.where(orders.c.id < bindparam("after", type_=Uuid)))
    return _whole(found.offset(bindparam("offset", type_=Integer)))
