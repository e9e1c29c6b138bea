"""What happened, in PostgreSQL: the timelines of orders, and facts about stock; each with its letter in the outbox."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Insert, Integer, Table, Text, func, insert, literal, select

from shop_adapters.listing import order_events_of, seq_of
from shop_adapters.postgres.schema import Time, order_events, outbox, stock_events
from shop_adapters.postgres.statements import arrays, insert_many, rows_of
from shop_adapters.postgres.transaction import PreparedStatement, Transaction
from shop_core.accounts.model import Role
from shop_core.events import Event, OrderEvent, OrderEventKind, StockEvent, StockEventKind
from shop_core.money import Money
from shop_core.orders.model import OrderStatus
from shop_core.pagination import CursorRequest, Page, PageRequest

_AT_ONCE = datetime(1970, 1, 1, tzinfo=UTC)  # not the time of the event: no clock that is set back holds a letter up
ORDER_EVENT = list(order_events.c)
STOCK_EVENT = list(stock_events.c)


def _tell(table: Table, subject: str, seq: str | None) -> Insert:
    """One statement that writes events to `table`, and a letter for each to the outbox."""
    columns = list(table.c)
    new = select(rows_of("new", columns)).cte("new")
    told = insert(table).from_select([c.name for c in columns], select(*(new.c[c.name] for c in columns))).cte("told")
    letter = select(
        new.c.id,
        new.c[subject],
        new.c.customer_id,
        new.c[seq] if seq else literal(0, Integer),
        new.c.at,
        literal(_AT_ONCE, Time).label("due_at"),
        literal(0, Integer),
        literal("", Text),
        literal(False),
    )
    return insert(outbox).from_select(list(outbox.c.keys()), letter).add_cte(told)


_TELL_OF_ORDERS = (
    PreparedStatement(_tell(order_events, "order_id", "seq")),
    PreparedStatement(insert_many(order_events)),
)
_TELL_OF_STOCK = (
    PreparedStatement(_tell(stock_events, "subject_id", None)),
    PreparedStatement(insert_many(stock_events)),
)


class PostgresEvents:
    """See `shop_core.ports.Events`.

    Args:
        has_outbox: whether events are put into the outbox too.
    """

    def __init__(self, transaction: Transaction, currency: str, has_outbox: bool) -> None:
        self._transaction = transaction
        self._currency = currency
        self._which = 0 if has_outbox else 1

    def add_all(self, events: Sequence[Event]) -> None:
        if of_orders := [_order_row(event) for event in events if isinstance(event, OrderEvent)]:
            self._transaction.run(_TELL_OF_ORDERS[self._which], arrays("new", order_events.c.keys(), of_orders))
        if of_stock := [_stock_row(event) for event in events if isinstance(event, StockEvent)]:
            self._transaction.run(_TELL_OF_STOCK[self._which], arrays("new", stock_events.c.keys(), of_stock))

    def timeline(self, customer_id: UUID, order_id: UUID, page_request: PageRequest) -> Page[OrderEvent]:
        listing = order_events_of(order_id)
        of_order = (order_events.c.customer_id == customer_id, order_events.c.order_id == order_id)
        found = select(*ORDER_EVENT).where(*of_order).order_by(order_events.c.seq)
        if isinstance(page_request, CursorRequest):
            if page_request.cursor is not None:
                found = found.where(order_events.c.seq > seq_of(listing.read(page_request.cursor), order_id))
            rows = self._transaction.execute(found.limit(page_request.limit + 1))
            return listing.page([order_event(row, self._currency) for row in rows], page_request.limit)
        rows = self._transaction.execute(found.limit(page_request.limit).offset(page_request.offset))
        told = tuple(order_event(row, self._currency) for row in rows)
        counted = select(func.count()).select_from(order_events).where(*of_order)
        return Page(told, count=self._transaction.execute(counted).scalar_one())


def order_event(row: Sequence[Any], currency: str) -> OrderEvent:
    """The event in the columns `ORDER_EVENT`."""
    customer_id, order_id, seq, kind, status, total, at, actor_id, actor_role, before, form, event_id = row
    return OrderEvent(
        event_id,
        customer_id,
        order_id,
        seq,
        OrderEventKind(kind),
        OrderStatus(status),
        Money(total, currency),
        at,
        actor_id,
        Role(actor_role) if actor_role else None,
        None if before is None else Money(before, currency),
        form,
    )


def stock_event(row: Sequence[Any]) -> StockEvent:
    """The event in the columns `STOCK_EVENT`."""
    event_id, kind, *rest = row
    return StockEvent(event_id, StockEventKind(kind), *rest)


def _order_row(event: OrderEvent) -> tuple[object, ...]:
    before = event.total_before.minor if event.total_before else None
    return (
        *(event.customer_id, event.order_id, event.seq, event.kind, event.status, event.total.minor, event.at),
        *(event.actor_id, event.actor_role, before, event.format, event.id),
    )


def _stock_row(event: StockEvent) -> tuple[object, ...]:
    return (
        *(event.id, event.kind, event.subject_id, event.at, event.units),
        *(event.customer_id, event.actor_id, event.format),
    )
