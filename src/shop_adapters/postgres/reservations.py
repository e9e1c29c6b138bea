"""Reservations in PostgreSQL. Each statement that changes them names the customer, who leads every key."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from itertools import groupby
from typing import Any
from uuid import UUID

from sqlalchemy import Integer, Select, Uuid, bindparam, literal_column, select, text

from shop_adapters.listing import RESERVATIONS
from shop_adapters.postgres.arrays import Uuids, columns
from shop_adapters.postgres.database import Row, Transaction
from shop_adapters.postgres.line_pages import heads_of, with_lines
from shop_adapters.postgres.schema import Time, reservation_lines, reservations
from shop_core.inventory.model import LINES_MAX
from shop_core.pagination import CursorRequest, Page
from shop_core.reservations.model import (
    ExpiredLine,
    Reservation,
    ReservationQuery,
    ReservationState,
    ReservationUsage,
    ReservedLine,
)

# A customer is locked by their row in `holders`. This puts in customers who never reserved, and locks the others, one
# after the other as they come: sorted. DO UPDATE locks the row before it looks at its WHERE, and then writes nothing.
_LOCK_CUSTOMERS = text("""
INSERT INTO holders (customer_id)
SELECT unnest(CAST(:customer_ids AS uuid[]))
ON CONFLICT (customer_id) DO UPDATE SET customer_id = excluded.customer_id WHERE false
""")
_ADD_CUSTOMERS = text("""
INSERT INTO holders (customer_id)
SELECT unnest(CAST(:customer_ids AS uuid[]))
ON CONFLICT (customer_id) DO NOTHING
""")
_TRY_LOCK_CUSTOMERS = text("""
SELECT customer_id
FROM holders
WHERE customer_id = ANY (CAST(:customer_ids AS uuid[]))
ORDER BY customer_id
FOR NO KEY UPDATE SKIP LOCKED
""")
# The time is after the lock; there is a row with it also when nobody holds anything.
_USAGE = text("""
SELECT clock.time, held.customer_id, held.expires_at, held.units
FROM (SELECT clock_timestamp() AS time) AS clock
LEFT JOIN (
    SELECT head.customer_id, head.expires_at, sum(line.quantity) AS units
    FROM reservations AS head
    JOIN reservation_lines AS line ON line.customer_id = head.customer_id AND line.reservation_id = head.id
    WHERE head.customer_id = ANY (CAST(:customer_ids AS uuid[])) AND head.state = 'active'
    GROUP BY head.customer_id, head.id
) AS held ON true
""")
_ADD = text("""
INSERT INTO reservations (customer_id, id, state, created_at, expires_at, order_id)
SELECT * FROM unnest(
    CAST(:customer_ids AS uuid[]), CAST(:ids AS uuid[]), CAST(:states AS text[]), CAST(:created_at AS timestamptz[]),
    CAST(:expires_at AS timestamptz[]), CAST(:order_ids AS uuid[])
)
""")
_ADD_LINES = text("""
INSERT INTO reservation_lines (customer_id, reservation_id, line_no, product_id, quantity, is_held, expires_at)
SELECT * FROM unnest(
    CAST(:customer_ids AS uuid[]), CAST(:reservation_ids AS uuid[]), CAST(:line_nos AS smallint[]),
    CAST(:product_ids AS uuid[]), CAST(:quantities AS integer[]), CAST(:are_held AS boolean[]),
    CAST(:expires_at AS timestamptz[])
)
""")
_LINE_COUNTS = text("""
SELECT found.id, (
    SELECT max(line.line_no)
    FROM reservation_lines AS line
    WHERE line.customer_id = found.customer_id AND line.reservation_id = found.id
) AS lines
FROM unnest(CAST(:customer_ids AS uuid[]), CAST(:reservation_ids AS uuid[])) AS found (customer_id, id)
""")
_FIND_CUSTOMERS = text("""
SELECT customer_id, id FROM reservations WHERE id = ANY (CAST(:reservation_ids AS uuid[]))
""")
# Head and lines in one statement, which sees one moment.
_GET_ALL = text("""
SELECT head.id, head.customer_id, head.state, head.created_at, head.expires_at, head.order_id,
       line.product_id, line.quantity, line.is_held
FROM unnest(CAST(:customer_ids AS uuid[]), CAST(:reservation_ids AS uuid[])) AS found (customer_id, id)
JOIN reservations AS head ON head.customer_id = found.customer_id AND head.id = found.id
JOIN reservation_lines AS line ON line.customer_id = head.customer_id AND line.reservation_id = head.id
ORDER BY head.id, line.line_no
""")
_LAST_MADE = text("""
SELECT customer_id, max(created_at) AS made_at
FROM reservations
WHERE customer_id = ANY (CAST(:customer_ids AS uuid[]))
GROUP BY customer_id
""")
_DUE = text("""
WITH oldest AS (
    SELECT id, customer_id, state, created_at, expires_at, order_id, (
        SELECT max(line_no)
        FROM reservation_lines AS line
        WHERE line.customer_id = head.customer_id AND line.reservation_id = head.id
    ) AS lines
    FROM reservations AS head
    WHERE state = 'active' AND expires_at <= :now
      AND (expires_at, id) > (CAST(:after_time AS timestamptz), CAST(:after_id AS uuid))
    ORDER BY expires_at, id
    LIMIT :limit
), due AS (
    SELECT *
    FROM (SELECT *, sum(lines) OVER (ORDER BY expires_at, id) AS lines_so_far FROM oldest) AS summed
    WHERE lines_so_far <= :lines_max
)
SELECT due.id, due.customer_id, due.state, due.created_at, due.expires_at, due.order_id,
       line.product_id, line.quantity, line.is_held
FROM due
JOIN reservation_lines AS line ON line.customer_id = due.customer_id AND line.reservation_id = due.id
ORDER BY due.expires_at, due.id, line.line_no
""")
_BEFORE_ALL = datetime.min.replace(tzinfo=UTC), UUID(int=0)
_DUE_LINES = text("""
SELECT reservation_id, customer_id, product_id, quantity
FROM reservation_lines
WHERE is_held AND product_id = ANY (CAST(:product_ids AS uuid[])) AND expires_at <= :now
ORDER BY product_id, expires_at, reservation_id
LIMIT :limit
""")
_UPDATE = text("""
UPDATE reservations AS head
SET state = changed.state, expires_at = changed.expires_at, order_id = changed.order_id
FROM unnest(
    CAST(:customer_ids AS uuid[]), CAST(:ids AS uuid[]), CAST(:states AS text[]), CAST(:expires_at AS timestamptz[]),
    CAST(:order_ids AS uuid[])
) AS changed (customer_id, id, state, expires_at, order_id)
WHERE head.customer_id = changed.customer_id AND head.id = changed.id
""")
_UPDATE_LINES = text("""
UPDATE reservation_lines AS line
SET is_held = changed.is_held, expires_at = changed.expires_at
FROM unnest(
    CAST(:customer_ids AS uuid[]), CAST(:reservation_ids AS uuid[]), CAST(:line_nos AS smallint[]),
    CAST(:are_held AS boolean[]), CAST(:expires_at AS timestamptz[])
) AS changed (customer_id, reservation_id, line_no, is_held, expires_at)
WHERE line.customer_id = changed.customer_id AND line.reservation_id = changed.reservation_id
  AND line.line_no = changed.line_no
""")
_RELEASE_LINES = text("""
UPDATE reservation_lines AS line
SET is_held = false
FROM unnest(
    CAST(:customer_ids AS uuid[]), CAST(:reservation_ids AS uuid[]), CAST(:product_ids AS uuid[])
) AS released (customer_id, reservation_id, product_id)
WHERE line.customer_id = released.customer_id AND line.reservation_id = released.reservation_id
  AND line.product_id = released.product_id
""")


class PostgresReservations:
    """See `shop_core.ports.Reservations`."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def lock_customers(self, customer_ids: Iterable[UUID], now: Callable[[], datetime]) -> dict[UUID, ReservationUsage]:
        ids = self._transaction.lock_order.enter("customers", customer_ids)
        if not ids:
            return {}
        self._transaction.run(_LOCK_CUSTOMERS, {"customer_ids": Uuids(ids)})
        return self._usage(ids, now)

    def try_lock_customers(
        self, customer_ids: Iterable[UUID], now: Callable[[], datetime]
    ) -> tuple[dict[UUID, ReservationUsage], set[UUID]]:
        if not (ids := set(customer_ids)):
            return {}, set()
        self._transaction.run(_ADD_CUSTOMERS, {"customer_ids": Uuids(sorted(ids))})
        rows = self._transaction.run(_TRY_LOCK_CUSTOMERS, {"customer_ids": Uuids(ids)})
        free = self._transaction.lock_order.enter("customers", [row.customer_id for row in rows])
        return self._usage(free, now), ids.difference(free)

    def _usage(self, ids: Iterable[UUID], now: Callable[[], datetime]) -> dict[UUID, ReservationUsage]:
        rows = self._transaction.run(_USAGE, {"customer_ids": Uuids(ids)})
        self._transaction.note_time(rows[0].time)
        usage: defaultdict[UUID, ReservationUsage] = defaultdict(ReservationUsage)
        time = now()
        for row in rows:
            if row.customer_id is not None and row.expires_at > time:
                usage[row.customer_id] = usage[row.customer_id].adding(row.units)
        return {customer_id: usage[customer_id] for customer_id in ids}

    def add_all(self, reservations: Sequence[Reservation]) -> None:
        if not reservations:
            return
        heads = [(r.customer_id, r.id, r.state, r.created_at, r.expires_at, r.order_id) for r in reservations]
        self._transaction.run(_ADD, columns(_ADD, heads))
        lines = [
            (r.customer_id, r.id, line_no, line.product_id, line.quantity, line.is_held, r.expires_at)
            for r, line_no, line in _numbered_lines(reservations)
        ]
        self._transaction.run(_ADD_LINES, columns(_ADD_LINES, lines))

    def get_all(self, reservation_ids: Iterable[UUID]) -> dict[UUID, Reservation]:
        if not (keys := self._find_customers(reservation_ids)):
            return {}
        return {found.id: found for found in _reservations(self._transaction.run(_GET_ALL, keys))}

    def _find_customers(self, reservation_ids: Iterable[UUID]) -> dict[str, object]:
        """The keys of those that exist; empty if none does."""
        ids = Uuids(set(reservation_ids))
        rows = self._transaction.run(_FIND_CUSTOMERS, {"reservation_ids": ids}) if ids else []
        keys = {"customer_ids": [row.customer_id for row in rows], "reservation_ids": [row.id for row in rows]}
        return {name: Uuids(values) for name, values in keys.items()} if rows else {}

    def update_all(self, reservations: Sequence[Reservation]) -> None:
        if not reservations:
            return
        product_ids = {line.product_id for reservation in reservations for line in reservation.lines}
        self._transaction.lock_order.require("stock", product_ids)
        heads = [(r.customer_id, r.id, r.state, r.expires_at, r.order_id) for r in reservations]
        self._transaction.run(_UPDATE, columns(_UPDATE, heads))
        lines = [
            (r.customer_id, r.id, line_no, line.is_held, r.expires_at)
            for r, line_no, line in _numbered_lines(reservations)
        ]
        self._transaction.run(_UPDATE_LINES, columns(_UPDATE_LINES, lines))

    def line_counts(self, reservation_ids: Iterable[UUID]) -> dict[UUID, int]:
        keys = self._find_customers(reservation_ids)
        return {row.id: row.lines for row in self._transaction.run(_LINE_COUNTS, keys)} if keys else {}

    def due_lines(self, product_ids: Iterable[UUID], now: datetime, limit: int) -> list[ExpiredLine]:
        if not (ids := Uuids(set(product_ids))):
            return []
        values = {"product_ids": ids, "now": now, "limit": limit}
        return [ExpiredLine(*row) for row in self._transaction.run(_DUE_LINES, values)]

    def release_lines(self, lines: Sequence[ExpiredLine]) -> None:
        if not lines:
            return
        self._transaction.lock_order.require("stock", {line.product_id for line in lines})
        rows = [(line.customer_id, line.reservation_id, line.product_id) for line in lines]
        self._transaction.run(_RELEASE_LINES, columns(_RELEASE_LINES, rows))

    def page(self, query: ReservationQuery, now: datetime, page_request: CursorRequest) -> Page[Reservation]:
        values: dict[str, object] = {"customer_id": query.customer_id, "now": now, "limit": page_request.limit + 1}
        if page_request.cursor is not None:
            (last,) = RESERVATIONS.read(page_request.cursor)
            values["after"] = UUID(str(last))
        statement = reservation_list(query.customer_id is not None, query.is_active, is_after="after" in values)
        rows = self._transaction.run(statement, values)
        return RESERVATIONS.page(list(_reservations(rows)), page_request.limit, heads_of(rows))

    def last_made(self, customer_ids: Collection[UUID]) -> dict[UUID, datetime]:
        rows = self._transaction.run(_LAST_MADE, {"customer_ids": Uuids(customer_ids)})
        return {row.customer_id: row.made_at for row in rows}

    def due(self, now: datetime, limit: int, after: Reservation | None = None) -> list[Reservation]:
        after_time, after_id = (after.expires_at, after.id) if after else _BEFORE_ALL
        values = {"now": now, "limit": limit, "lines_max": LINES_MAX, "after_time": after_time, "after_id": after_id}
        return list(_reservations(self._transaction.run(_DUE, values)))


@lru_cache
def reservation_list(of_customer: bool, is_active: bool, *, is_after: bool) -> Select[Any]:
    """A page of reservations with their lines, newest first."""
    heads = select(reservations)
    if of_customer:
        heads = heads.where(reservations.c.customer_id == bindparam("customer_id", type_=Uuid))
    if is_active:
        due_after = reservations.c.expires_at > bindparam("now", type_=Time)
        heads = heads.where(reservations.c.state == literal_column("'active'"), due_after)
        # OFFSET 0: found by the index of active ones, never by reading all that there ever were, by id.
        heads = select(heads.offset(literal_column("0")).subquery("active"))
    id_ = heads.selected_columns.id
    if is_after:
        heads = heads.where(id_ < bindparam("after", type_=Uuid))
    heads = heads.order_by(id_.desc()).limit(bindparam("limit", type_=Integer))
    lines = [reservation_lines.c[name] for name in ("product_id", "quantity", "is_held")]
    return with_lines(heads, reservation_lines, "reservation_id", lines)


def _numbered_lines(of: Sequence[Reservation]) -> list[tuple[Reservation, int, ReservedLine]]:
    return [
        (reservation, line_no, line) for reservation in of for line_no, line in enumerate(reservation.lines, start=1)
    ]


def _reservations(rows: Iterable[Row]) -> Iterator[Reservation]:
    """The reservations of rows that have a head and a line each."""
    for _, of_reservation in groupby(rows, key=lambda row: row.id):
        lines = list(of_reservation)
        head = lines[0]
        yield Reservation(
            head.id,
            head.customer_id,
            ReservationState(head.state),
            tuple(ReservedLine(line.product_id, line.quantity, line.is_held) for line in lines),
            head.created_at,
            head.expires_at,
            head.order_id,
        )
