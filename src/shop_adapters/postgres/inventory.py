"""Stock levels and the ledger in PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any
from uuid import UUID

import psycopg
from sqlalchemy import text

from shop_adapters.listing import MOVEMENTS
from shop_adapters.postgres.arrays import Uuids, columns
from shop_adapters.postgres.database import CHECK, Transaction, failing_id
from shop_core.errors import Oversold, ProductNotFound, Refusal, StockBelowZero
from shop_core.inventory.model import COUNTED, EFFECTS, MovementKind, StockLevel, StockMovement
from shop_core.pagination import CursorRequest, Page

_GET = text("""
SELECT product_id, on_hand, allocated, reserved, shortfall
FROM stock_levels
WHERE product_id = ANY (CAST(:ids AS uuid[]))
""")
_SHORT = text("""
SELECT product_id, on_hand, allocated, reserved, shortfall
FROM stock_levels
WHERE shortfall > 0
ORDER BY shortfall DESC, product_id
LIMIT :limit
""")
_LOW_STOCK_LEVELS = text("""
SELECT product_id, low_stock_level
FROM stock_levels
WHERE product_id = ANY (CAST(:ids AS uuid[])) AND low_stock_level IS NOT NULL
""")
_SET_LOW_STOCK_LEVEL = text("""
UPDATE stock_levels SET low_stock_level = CAST(:level AS integer) WHERE product_id = :product_id
""")
# The time is read outside: inside it would be read before the wait for the lock. So each row has a time after its own
# lock, and the last row a time after all of them.
_LOCK = text("""
WITH locked AS (
    SELECT product_id, on_hand, allocated, reserved, shortfall
    FROM stock_levels
    WHERE product_id = ANY (CAST(:ids AS uuid[]))
    ORDER BY product_id
    FOR NO KEY UPDATE
)
SELECT product_id, on_hand, allocated, reserved, shortfall, clock_timestamp() AS time
FROM locked
""")
# The locks come first: what others have locked then is left out, and of the rows of `known` those that exist are found.
_TRY_LOCK = text("""
WITH locked AS MATERIALIZED (
    SELECT product_id, on_hand, allocated, reserved, shortfall
    FROM stock_levels
    WHERE product_id = ANY (CAST(:ids AS uuid[]))
    ORDER BY product_id
    FOR NO KEY UPDATE SKIP LOCKED
)
SELECT known.product_id, locked.on_hand, locked.allocated, locked.reserved, locked.shortfall,
       clock_timestamp() AS time
FROM stock_levels AS known
LEFT JOIN locked USING (product_id)
WHERE known.product_id = ANY (CAST(:ids AS uuid[]))
""")
# The counters change by sums, so that a lost lock cannot lose an update. Only a correction may raise the shortfall
# (`least` ignores NULL); anything else keeps or lowers it, and then the CHECK `stock_levels_not_oversold` refuses to
# promise more than there is.
_CHANGE_LEVELS = text("""
UPDATE stock_levels AS level
SET on_hand = level.on_hand + change.on_hand,
    allocated = level.allocated + change.allocated,
    reserved = level.reserved + change.reserved,
    shortfall = least(
        CASE WHEN :is_correction THEN NULL ELSE level.shortfall END,
        greatest(0, level.allocated + change.allocated + level.reserved + change.reserved
                    - level.on_hand - change.on_hand)
    )
FROM unnest(
    CAST(:changed_ids AS uuid[]), CAST(:on_hand AS integer[]), CAST(:allocated AS integer[]),
    CAST(:reserved AS integer[])
) AS change (product_id, on_hand, allocated, reserved)
WHERE level.product_id = change.product_id
""")
_ADD_MOVEMENTS = text("""
INSERT INTO stock_movements (id, product_id, kind, quantity, at, actor_id, order_id, reason, reservation_id)
SELECT unnest(CAST(:ids AS uuid[])), unnest(CAST(:product_ids AS uuid[])), unnest(CAST(:kinds AS text[])),
       unnest(CAST(:quantities AS integer[])), unnest(CAST(:times AS timestamptz[])),
       unnest(CAST(:actor_ids AS uuid[])), unnest(CAST(:order_ids AS uuid[])), unnest(CAST(:reasons AS text[])),
       unnest(CAST(:reservation_ids AS uuid[]))
""")
_APPLY = text(f"""
WITH changed AS ({_CHANGE_LEVELS.text} RETURNING 1), added AS ({_ADD_MOVEMENTS.text})
SELECT count(*) FROM changed
""")
_ON_HAND = " ".join(f"WHEN '{kind}' THEN {effect.on_hand}" for kind, effect in EFFECTS.items() if effect.on_hand)
# The ledger is read from its newest line back to one of before the moment. Its lines are in the order of time, but for
# some seconds, as hosts with different clocks make the ids, and for counts, which have the time of the count.
_CHANGES_SINCE = text(f"""
SELECT since.product_id, later.units
FROM unnest(CAST(:product_ids AS uuid[]), CAST(:moments AS timestamptz[])) AS since (product_id, moment),
LATERAL (
    SELECT coalesce(sum(quantity * CASE kind {_ON_HAND} ELSE 0 END), 0) AS units,
           coalesce(bool_or(kind = '{MovementKind.ADJUSTED}' AND starts_with(reason, '{COUNTED}')), false) AS is_counted
    FROM stock_movements AS movement
    WHERE movement.product_id = since.product_id AND movement.at > since.moment AND movement.id > coalesce((
        SELECT before.id
        FROM stock_movements AS before
        WHERE before.product_id = since.product_id AND before.at < since.moment - interval '1 minute'
          AND before.kind <> '{MovementKind.ADJUSTED}'
        ORDER BY before.id DESC
        LIMIT 1
    ), '{UUID(int=0)}')
) AS later
WHERE NOT later.is_counted
""")
_FIRST_MOVEMENTS = text("""
SELECT id, product_id, kind, quantity, at, actor_id, order_id, reason, reservation_id
FROM stock_movements
WHERE product_id = :product_id
ORDER BY id DESC
LIMIT :limit
""")
_NEXT_MOVEMENTS = text("""
SELECT id, product_id, kind, quantity, at, actor_id, order_id, reason, reservation_id
FROM stock_movements
WHERE product_id = :product_id AND id < :after
ORDER BY id DESC
LIMIT :limit
""")


class PostgresStock:
    """See `shop_core.ports.Stock`."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def get(self, product_id: UUID) -> StockLevel | None:
        return self.get_all([product_id]).get(product_id)

    def get_all(self, product_ids: Iterable[UUID]) -> dict[UUID, StockLevel]:
        return {row.product_id: StockLevel(*row) for row in self._transaction.run(_GET, {"ids": Uuids(product_ids)})}

    def lock(self, product_ids: Iterable[UUID]) -> dict[UUID, StockLevel]:
        ids = self._transaction.lock_order.enter("stock", product_ids)
        rows = self._transaction.run(_LOCK, {"ids": Uuids(ids)}) if ids else []
        if rows:
            self._transaction.note_time(rows[-1].time)
        given = {id_.int: id_ for id_ in ids}  # as keys, since equal UUIDs are compared in Python
        return {given[row[0].int]: StockLevel(*row[:5]) for row in rows}

    def try_lock(self, product_ids: Iterable[UUID]) -> tuple[dict[UUID, StockLevel], set[UUID]]:
        ids = Uuids(set(product_ids))
        rows = self._transaction.run(_TRY_LOCK, {"ids": ids}) if ids else []
        levels = {row.product_id: StockLevel(*row[:-1]) for row in rows if row.on_hand is not None}
        self._transaction.lock_order.enter("stock", levels)
        if rows:
            self._transaction.note_time(rows[-1].time)
        return levels, {row.product_id for row in rows} - levels.keys()

    def apply(self, movements: Sequence[StockMovement]) -> None:
        # An UPDATE of many rows locks them in no order of its own: so they are locked before, sorted.
        if unlocked := self._transaction.lock_order.unlocked("stock", [m.product_id for m in movements]):
            self.lock(unlocked)
        for is_correction, run in groupby(movements, key=lambda m: m.kind is MovementKind.ADJUSTED):
            self._apply(list(run), is_correction)

    def _apply(self, movements: Sequence[StockMovement], is_correction: bool) -> None:
        changes = _changes(movements)
        arrays = columns(_CHANGE_LEVELS, changes) | columns(_ADD_MOVEMENTS, movements)
        ((changed,),) = self._transaction.run(_APPLY, {"is_correction": is_correction, **arrays}, _broken_level)
        if changed < len(changes):
            found = self.get_all([movement.product_id for movement in movements])
            raise ProductNotFound(next(m.product_id for m in movements if m.product_id not in found))

    def short(self, limit: int) -> list[StockLevel]:
        return [StockLevel(*row) for row in self._transaction.run(_SHORT, {"limit": limit})]

    def low_stock_levels(self, product_ids: Iterable[UUID]) -> dict[UUID, int]:
        rows = self._transaction.run(_LOW_STOCK_LEVELS, {"ids": Uuids(product_ids)})
        return {row.product_id: row.low_stock_level for row in rows}

    def set_low_stock_level(self, product_id: UUID, level: int | None) -> None:
        self._transaction.lock_order.enter("stock", [product_id])
        self._transaction.run(_SET_LOW_STOCK_LEVEL, {"product_id": product_id, "level": level})

    def changes_since(self, moments: Mapping[UUID, datetime]) -> dict[UUID, int]:
        rows = self._transaction.run(_CHANGES_SINCE, columns(_CHANGES_SINCE, moments.items())) if moments else []
        return {row.product_id: row.units for row in rows}

    def movements(self, product_id: UUID, page_request: CursorRequest) -> Page[StockMovement]:
        values: dict[str, object] = {"product_id": product_id, "limit": page_request.limit + 1}
        statement = _FIRST_MOVEMENTS
        if page_request.cursor is not None:
            (last,) = MOVEMENTS.read(page_request.cursor)
            statement, values["after"] = _NEXT_MOVEMENTS, UUID(str(last))
        rows = self._transaction.run(statement, values)
        return MOVEMENTS.page(
            [StockMovement(row[0], row[1], MovementKind(row[2]), *row[3:]) for row in rows], page_request.limit
        )


def _changes(movements: Iterable[StockMovement]) -> list[list[Any]]:
    """What changes: each product's id, and the sums of its three counters."""
    changes: dict[int, list[Any]] = {}
    for _, product_id, kind, quantity, *_ in movements:
        change = changes.setdefault(product_id.int, [product_id, 0, 0, 0])
        on_hand, allocated, reserved = EFFECTS[kind]
        change[1] += on_hand * quantity
        change[2] += allocated * quantity
        change[3] += reserved * quantity
    return list(changes.values())


def _broken_level(state: str, diagnostic: psycopg.errors.Diagnostic) -> Refusal | None:
    product_id = failing_id(diagnostic)
    if state != CHECK or product_id is None or diagnostic.table_name != "stock_levels":
        return None
    oversold = (diagnostic.constraint_name or "").endswith("not_oversold")
    return Oversold(product_id) if oversold else StockBelowZero(product_id)
