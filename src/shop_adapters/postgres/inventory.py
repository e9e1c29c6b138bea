"""Stock levels and the ledger in PostgreSQL."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import groupby
from uuid import UUID

import psycopg
from sqlalchemy import Boolean, Update, Uuid, any_, bindparam, case, func, select, update

from shop_adapters.listing import MOVEMENTS
from shop_adapters.lock_order import LockOrder
from shop_adapters.postgres.errors import CHECK, failing_id, refusing
from shop_adapters.postgres.packed import PackedArray
from shop_adapters.postgres.schema import stock_levels, stock_movements
from shop_adapters.postgres.statements import arrays, insert_many, rows_of
from shop_adapters.postgres.store_clock import TIME, StoreClock
from shop_adapters.postgres.transaction import AnyRow, PreparedStatement, Transaction
from shop_core.errors import Oversold, ProductNotFound, Refusal, StockBelowZero
from shop_core.inventory.model import EFFECTS, MovementKind, StockLevel, StockMovement
from shop_core.pagination import CursorRequest, Page

_LEVEL = select(
    stock_levels.c.product_id,
    stock_levels.c.on_hand,
    stock_levels.c.allocated,
    stock_levels.c.reserved,
    stock_levels.c.shortfall,
)
_GET = PreparedStatement(_LEVEL.where(stock_levels.c.product_id == bindparam("product_id")))
_LOCKED = (
    _LEVEL.where(stock_levels.c.product_id == any_(bindparam("ids", type_=PackedArray(Uuid))))
    .order_by(stock_levels.c.product_id)
    .with_for_update(key_share=True)
    .cte("locked")
)
# The time is told outside: beside the columns of the locking SELECT it would be told before the wait for the lock.
# So each row comes with a time after its own lock, and the last one with a time after all of them.
_LOCK = PreparedStatement(select(*_LOCKED.c, TIME.label("time")))
_MOVEMENT = select(
    stock_movements.c.id,
    stock_movements.c.product_id,
    stock_movements.c.kind,
    stock_movements.c.quantity,
    stock_movements.c.at,
    stock_movements.c.actor_id,
    stock_movements.c.order_id,
    stock_movements.c.reason,
    stock_movements.c.reservation_id,
)
_ADD_MOVEMENTS = PreparedStatement(insert_many(stock_movements))


def _change_levels() -> Update:
    """Counters changed by the sum of a run of movements, so that a lost lock cannot lose an update.

    Only a correction may raise the shortfall; anything else keeps or lowers it, and then the CHECK
    `stock_levels_not_oversold` refuses what would promise more than there is.
    """
    level = stock_levels.c
    change = rows_of("change", [level.product_id, level.on_hand, level.allocated, level.reserved])
    on_hand = level.on_hand + change.c.on_hand
    allocated = level.allocated + change.c.allocated
    reserved = level.reserved + change.c.reserved
    missing = func.greatest(0, allocated + reserved - on_hand)
    is_correction = bindparam("is_correction", type_=Boolean)
    return (
        update(stock_levels)
        .where(level.product_id == change.c.product_id)
        .values(
            on_hand=on_hand,
            allocated=allocated,
            reserved=reserved,
            shortfall=case((is_correction, missing), else_=func.least(level.shortfall, missing)),
        )
        .returning(level.product_id)
    )


_CHANGE_LEVELS = PreparedStatement(_change_levels())


class PostgresStock:
    """See `shop_core.ports.Stock`."""

    def __init__(self, transaction: Transaction, order: LockOrder, clock: StoreClock) -> None:
        self._transaction = transaction
        self._order = order
        self._clock = clock
        self._locked: set[UUID] = set()

    def get(self, product_id: UUID) -> StockLevel | None:
        row = self._transaction.one(_GET, {"product_id": product_id})
        return StockLevel(*row) if row else None

    def lock(self, product_ids: Iterable[UUID]) -> dict[UUID, StockLevel]:
        ids = self._order.check("stock", product_ids)
        self._locked.update(ids)
        if not ids:
            return {}
        levels: dict[UUID, StockLevel] = {}
        for *level, time in self._transaction.run(_LOCK, {"ids": ids}):
            levels[level[0]] = StockLevel(*level)
            self._clock.note(time)
        return levels

    def apply(self, movements: Sequence[StockMovement]) -> None:
        if not movements:
            return
        # An UPDATE of many rows locks them in no order of its own: that is done before, sorted.
        if unlocked := {movement.product_id for movement in movements} - self._locked:
            self.lock(unlocked)
        for is_correction, run in groupby(movements, key=lambda m: m.kind is MovementKind.ADJUSTED):
            self._change_levels(list(run), is_correction)
        rows = (
            (m.product_id, m.id, m.kind, m.quantity, m.at, m.actor_id, m.order_id, m.reason, m.reservation_id)
            for m in movements
        )
        self._transaction.run(_ADD_MOVEMENTS, arrays("new", stock_movements.c.keys(), rows))

    def _change_levels(self, movements: Sequence[StockMovement], is_correction: bool) -> None:
        changes: dict[UUID, list[int]] = defaultdict(lambda: [0, 0, 0])
        for movement in movements:
            change = changes[movement.product_id]
            for counter, unit in enumerate(EFFECTS[movement.kind]):
                change[counter] += unit * movement.quantity
        rows = ((product_id, *change) for product_id, change in changes.items())
        columns = arrays("change", ("product_id", "on_hand", "allocated", "reserved"), rows)
        with refusing(_broken_level):
            changed = self._transaction.run(_CHANGE_LEVELS, {**columns, "is_correction": is_correction})
        if missing := changes.keys() - {product_id for (product_id,) in changed}:
            raise ProductNotFound(next(m.product_id for m in movements if m.product_id in missing))

    def movements(self, product_id: UUID, page_request: CursorRequest) -> Page[StockMovement]:
        wanted = _MOVEMENT.where(stock_movements.c.product_id == product_id)
        if page_request.cursor is not None:
            (last,) = MOVEMENTS.read(page_request.cursor)
            wanted = wanted.where(stock_movements.c.id < UUID(str(last)))
        rows = self._transaction.execute(wanted.order_by(stock_movements.c.id.desc()).limit(page_request.limit + 1))
        return MOVEMENTS.page([_movement(row) for row in rows], page_request.limit)


def _broken_level(state: str, diagnostic: psycopg.errors.Diagnostic) -> Refusal | None:
    product_id = failing_id(diagnostic)
    if state != CHECK or product_id is None:
        return None
    oversold = (diagnostic.constraint_name or "").endswith("not_oversold")
    return Oversold(product_id) if oversold else StockBelowZero(product_id)


def _movement(row: AnyRow) -> StockMovement:
    return StockMovement(
        row.id,
        row.product_id,
        MovementKind(row.kind),
        row.quantity,
        row.at,
        row.actor_id,
        row.order_id,
        row.reason,
        row.reservation_id,
    )
