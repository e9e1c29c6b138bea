"""The outbox in PostgreSQL: a queue whose messages go out in order for each subject.

The first message of a subject stands for all of them: a taker that locks its row takes the messages of the subject.
Takers skip first messages that are locked. `delivered` and `release` wait for locked rows: a taker that looked just
before may hold a row that it does not take, and a message whose note was skipped would be published twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Engine, text

from shop_adapters.postgres.arrays import Integers, Uuids
from shop_adapters.postgres.database import Row, Transaction
from shop_adapters.postgres.events import order_event, stock_event
from shop_adapters.postgres.queue_table import QueueTable, statements_about
from shop_core.events import Event
from shop_core.pagination import OffsetRequest, Page
from shop_core.ports import OutboxMessage

# `first`: the first message of each subject that may be published now. `of_subject`: the messages of those subjects.
# A message that has to wait holds up those after it, also where an earlier one was requeued in between: `is_free`.
_TAKE = text("""
WITH first AS (
    SELECT outbox.subject_id, outbox.event_id, outbox.due_at
    FROM outbox
    WHERE NOT outbox.is_dead AND outbox.due_at <= :now AND NOT EXISTS (
        SELECT FROM outbox AS earlier
        WHERE earlier.subject_id = outbox.subject_id AND NOT earlier.is_dead
          AND (earlier.seq, earlier.event_id) < (outbox.seq, outbox.event_id)
    )
    ORDER BY outbox.due_at, outbox.event_id
    LIMIT :limit
    FOR UPDATE OF outbox SKIP LOCKED
),
candidate AS (
    SELECT of_subject.event_id, of_subject.seq, first.due_at, first.event_id AS first_id,
           bool_and(of_subject.due_at <= :now) OVER (
               PARTITION BY first.subject_id ORDER BY of_subject.seq, of_subject.event_id
           ) AS is_free
    FROM first CROSS JOIN LATERAL (
        SELECT later.event_id, later.seq, later.due_at
        FROM outbox AS later
        WHERE later.subject_id = first.subject_id AND NOT later.is_dead
        ORDER BY later.seq, later.event_id
        LIMIT :limit
    ) AS of_subject
),
taken AS (
    SELECT event_id
    FROM candidate
    WHERE is_free
    ORDER BY due_at, first_id, seq, event_id
    LIMIT :limit
)
UPDATE outbox
SET due_at = :hidden_until
FROM taken
WHERE outbox.event_id = taken.event_id
RETURNING outbox.event_id, outbox.subject_id, outbox.customer_id, outbox.seq, outbox.attempts, outbox.error
""")
_DEAD = text("""
SELECT event_id, subject_id, customer_id, seq, attempts, error
FROM outbox
WHERE is_dead
ORDER BY event_id
LIMIT :limit OFFSET :offset
""")
_ORDER_EVENTS = text("""
SELECT event.customer_id, event.order_id, event.seq, event.kind, event.status, event.total_minor, event.at,
       event.actor_id, event.actor_role, event.total_before_minor, event.format, event.id, event.reason
FROM unnest(CAST(:customer_ids AS uuid[]), CAST(:order_ids AS uuid[]), CAST(:seqs AS integer[]))
     AS message (customer_id, order_id, seq)
JOIN order_events AS event
  ON event.customer_id = message.customer_id AND event.order_id = message.order_id AND event.seq = message.seq
""")
_STOCK_EVENTS = text("""
SELECT id, kind, subject_id, at, units, customer_id, actor_id, format
FROM stock_events
WHERE id = ANY (CAST(:ids AS uuid[]))
""")
_STATEMENTS = statements_about("outbox", "event_id")
_HAS_RELAY = text("SELECT count(*) FROM tasks WHERE name = 'relay'")
_ADD_RELAY = text("INSERT INTO tasks (name) VALUES ('relay') ON CONFLICT DO NOTHING")
_REMOVE_RELAY = text("DELETE FROM tasks WHERE name = 'relay'")


def has_relay(engine: Engine) -> bool:
    """Whether the server that was started last publishes events: then commands queue theirs, as well."""
    with engine.begin() as connection:
        return bool(connection.execute(_HAS_RELAY).scalar_one())


def note_relay(engine: Engine, *, is_there: bool) -> None:
    """Note whether the server that starts publishes events. Nothing is written if that is noted already."""
    if has_relay(engine) != is_there:
        with engine.begin() as connection:
            connection.execute(_ADD_RELAY if is_there else _REMOVE_RELAY)


class PostgresOutbox(QueueTable):
    """See `shop_core.ports.Outbox`."""

    def __init__(self, transaction: Transaction, currency: str) -> None:
        super().__init__(transaction, _STATEMENTS)
        self._currency = currency

    def take(self, now: datetime, limit: int, hidden_for: timedelta) -> list[OutboxMessage]:
        rows = self._transaction.run(_TAKE, {"now": now, "limit": limit, "hidden_until": now + hidden_for})
        return self._messages(sorted(rows, key=lambda row: (row.subject_id.int, row.seq, row.event_id.int)))

    def dead(self, page_request: OffsetRequest) -> Page[OutboxMessage]:
        rows = self._transaction.run(_DEAD, {"limit": page_request.limit, "offset": page_request.offset})
        return Page(tuple(self._messages(rows)), count=self.count_all_dead())

    def _messages(self, rows: Sequence[Row]) -> list[OutboxMessage]:
        """The messages of these rows, each with its event: of an order (`seq` from 1), or about stock (`seq` 0).

        The events are read in statements of their own: an engine that distributes orders by customers joins them with
        no other table.
        """
        events: dict[UUID, Event] = {}
        if of_orders := [row for row in rows if row.seq > 0]:
            keys = {
                "customer_ids": Uuids([row.customer_id for row in of_orders]),
                "order_ids": Uuids([row.subject_id for row in of_orders]),
                "seqs": Integers([row.seq for row in of_orders]),
            }
            for row in self._transaction.run(_ORDER_EVENTS, keys):
                events[row.id] = order_event(row, self._currency)
        if about_stock := [row.event_id for row in rows if row.seq == 0]:
            for row in self._transaction.run(_STOCK_EVENTS, {"ids": Uuids(about_stock)}):
                events[row.id] = stock_event(row)
        return [OutboxMessage(events[row.event_id], row.attempts, row.error) for row in rows]
