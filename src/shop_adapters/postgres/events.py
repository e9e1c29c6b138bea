"""What happened, in PostgreSQL: the timelines of orders, and what happened without one; with messages in the outbox."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from shop_adapters.listing import order_events_of, seq_of
from shop_adapters.postgres.arrays import columns
from shop_adapters.postgres.database import Row, Transaction
from shop_core.accounts.model import Role
from shop_core.events import Event, OrderEvent, OrderEventKind, StockEvent, StockEventKind
from shop_core.mail.model import mails_about
from shop_core.money import Money
from shop_core.orders.model import OrderStatus
from shop_core.pagination import CursorRequest, Page, PageRequest
from shop_core.ports import Mails

_ADD_ORDER_EVENTS = text("""
INSERT INTO order_events (customer_id, order_id, seq, kind, status, total_minor, at, actor_id, actor_role,
                          total_before_minor, format, id, reason)
SELECT unnest(CAST(:customer_ids AS uuid[])), unnest(CAST(:order_ids AS uuid[])), unnest(CAST(:seqs AS integer[])),
       unnest(CAST(:kinds AS text[])), unnest(CAST(:statuses AS text[])), unnest(CAST(:totals AS bigint[])),
       unnest(CAST(:times AS timestamptz[])), unnest(CAST(:actor_ids AS uuid[])),
       unnest(CAST(:actor_roles AS text[])), unnest(CAST(:totals_before AS bigint[])),
       unnest(CAST(:formats AS smallint[])), unnest(CAST(:ids AS uuid[])), unnest(CAST(:reasons AS text[]))
""")
# A message is due at once: not at the time of its event, so that no clock that is set back holds it up.
_ADD_ORDER_EVENTS_AND_MESSAGES = text(f"""
WITH event AS (
    {_ADD_ORDER_EVENTS.text}
    RETURNING customer_id, order_id, seq, at, id
)
INSERT INTO outbox (event_id, subject_id, customer_id, seq, at, due_at, attempts, error, is_dead)
SELECT id, order_id, customer_id, seq, at, 'epoch', 0, '', false
FROM event
""")
_ADD_STOCK_EVENTS = text("""
INSERT INTO stock_events (id, kind, subject_id, at, units, customer_id, actor_id, format)
SELECT * FROM unnest(
    CAST(:ids AS uuid[]), CAST(:kinds AS text[]), CAST(:subject_ids AS uuid[]), CAST(:times AS timestamptz[]),
    CAST(:units AS bigint[]), CAST(:customer_ids AS uuid[]), CAST(:actor_ids AS uuid[]), CAST(:formats AS smallint[])
)
""")
_ADD_STOCK_EVENTS_AND_MESSAGES = text(f"""
WITH event AS (
    {_ADD_STOCK_EVENTS.text}
    RETURNING id, subject_id, customer_id, at
)
INSERT INTO outbox (event_id, subject_id, customer_id, seq, at, due_at, attempts, error, is_dead)
SELECT id, subject_id, customer_id, 0, at, 'epoch', 0, '', false
FROM event
""")
_TIMELINE = text("""
SELECT customer_id, order_id, seq, kind, status, total_minor, at, actor_id, actor_role, total_before_minor, format, id,
       reason
FROM order_events
WHERE customer_id = :customer_id AND order_id = :order_id AND seq > :after
ORDER BY seq
LIMIT :limit OFFSET :offset
""")
_COUNT_TIMELINE = text("""
SELECT count(*)
FROM order_events
WHERE customer_id = :customer_id AND order_id = :order_id
""")

_REASONS = text("""
SELECT customer_id, count(*) AS events, min(at) AS first_at
FROM order_events
WHERE reason IS NOT NULL AND at < :before
GROUP BY customer_id
""")
_ERASE_REASONS = text("""
UPDATE order_events SET reason = NULL
WHERE customer_id = :customer_id AND reason IS NOT NULL AND at < coalesce(CAST(:before AS timestamptz), 'infinity')
""")


class PostgresEvents:
    """See `shop_core.ports.Events`.

    Args:
        has_outbox: whether each event also gets a message in the outbox.
        mails: where customers are told of their orders; None: nowhere.
    """

    def __init__(self, transaction: Transaction, currency: str, has_outbox: bool, mails: Mails | None = None) -> None:
        self._transaction, self._currency, self._has_outbox = transaction, currency, has_outbox
        self._mails = mails

    def add_all(self, events: Sequence[Event]) -> None:
        if order_events := [event for event in events if isinstance(event, OrderEvent)]:
            statement = _ADD_ORDER_EVENTS_AND_MESSAGES if self._has_outbox else _ADD_ORDER_EVENTS
            self._transaction.run(statement, columns(statement, map(_order_event_row, order_events)))
            if self._mails is not None:
                self._mails.add_all(mails_about(order_events))
        if stock_events := [event for event in events if isinstance(event, StockEvent)]:
            statement = _ADD_STOCK_EVENTS_AND_MESSAGES if self._has_outbox else _ADD_STOCK_EVENTS
            self._transaction.run(statement, columns(statement, map(_stock_event_row, stock_events)))

    def reasons(self, before: datetime) -> dict[UUID, tuple[int, datetime]]:
        rows = self._transaction.run(_REASONS, {"before": before})
        return {row.customer_id: (row.events, row.first_at) for row in rows}

    def erase_reasons(self, customer_id: UUID, before: datetime | None = None) -> None:
        self._transaction.run(_ERASE_REASONS, {"customer_id": customer_id, "before": before})

    def timeline(self, customer_id: UUID, order_id: UUID, page_request: PageRequest) -> Page[OrderEvent]:
        listing = order_events_of(order_id)
        order = {"customer_id": customer_id, "order_id": order_id}
        if isinstance(page_request, CursorRequest):
            after = 0 if page_request.cursor is None else seq_of(listing.read(page_request.cursor), order_id)
            rows = self._transaction.run(
                _TIMELINE, {**order, "after": after, "limit": page_request.limit + 1, "offset": 0}
            )
            return listing.page([order_event(row, self._currency) for row in rows], page_request.limit)
        window = {"after": 0, "limit": page_request.limit, "offset": page_request.offset}
        rows = self._transaction.run(_TIMELINE, {**order, **window})
        events = tuple(order_event(row, self._currency) for row in rows)
        return Page(events, count=self._transaction.value(_COUNT_TIMELINE, order))


def order_event(row: Row, currency: str) -> OrderEvent:
    """The event in a row of `order_events`."""
    return OrderEvent(
        row.id,
        row.customer_id,
        row.order_id,
        row.seq,
        OrderEventKind(row.kind),
        OrderStatus(row.status),
        Money(row.total_minor, currency),
        row.at,
        row.actor_id,
        Role(row.actor_role) if row.actor_role else None,
        None if row.total_before_minor is None else Money(row.total_before_minor, currency),
        row.format,
        row.reason or "",
    )


def stock_event(row: Row) -> StockEvent:
    """The event in a row of `stock_events`."""
    event_id, kind, *rest = row
    return StockEvent(event_id, StockEventKind(kind), *rest)


def _order_event_row(event: OrderEvent) -> tuple[object, ...]:
    total_before = event.total_before.minor if event.total_before else None
    return (
        *(event.customer_id, event.order_id, event.seq, event.kind, event.status, event.total.minor, event.at),
        *(event.actor_id, event.actor_role, total_before, event.format, event.id, event.reason or None),
    )


def _stock_event_row(event: StockEvent) -> tuple[object, ...]:
    actors = event.customer_id, event.actor_id
    return event.id, event.kind, event.subject_id, event.at, event.units, *actors, event.format
