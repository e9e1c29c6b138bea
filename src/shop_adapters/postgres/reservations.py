"""Reservations in PostgreSQL."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import groupby
from operator import attrgetter
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Integer,
    Select,
    Uuid,
    any_,
    bindparam,
    column,
    false,
    func,
    literal_column,
    select,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from shop_adapters.lock_order import LockOrder
from shop_adapters.postgres.packed import PackedArray
from shop_adapters.postgres.schema import Time, holders, reservation_lines, reservations
from shop_adapters.postgres.statements import arrays, insert_many, rows_of
from shop_adapters.postgres.store_clock import TIME, StoreClock
from shop_adapters.postgres.transaction import PreparedStatement, Transaction
from shop_core.reservations.model import ExpiredLine, Reservation, ReservationState, ReservationUsage, ReservedLine

_IDS = bindparam("ids", type_=PackedArray(Uuid))
_IS_ACTIVE = reservations.c.state == literal_column("'active'")  # said, not bound: the partial indexes are chosen by it
_of_line = (reservation_lines.c.customer_id == reservations.c.customer_id) & (
    reservation_lines.c.reservation_id == reservations.c.id
)


def _lock_holders() -> Any:
    """Put in who never held anything, and lock the others, one after the other as they come: sorted.

    DO UPDATE locks the row before it looks at its WHERE, and then writes nothing. To lock those who are there first and
    to put in the others after would be against the order.
    """
    wanted = func.unnest(_IDS).table_valued(column("customer_id", Uuid), name="wanted").render_derived()
    put = insert(holders).from_select(["customer_id"], select(wanted.c.customer_id))
    return put.on_conflict_do_update(
        index_elements=["customer_id"], set_={"customer_id": put.excluded.customer_id}, where=false()
    )


def _holdings() -> Select[Any]:
    """What each customer holds, and until when; a time after the lock with each row, of which there is at least one."""
    held = (
        select(
            reservations.c.customer_id, reservations.c.expires_at, func.sum(reservation_lines.c.quantity).label("units")
        )
        .select_from(reservations.join(reservation_lines, _of_line))
        .where(reservations.c.customer_id == any_(_IDS), _IS_ACTIVE)
        .group_by(reservations.c.customer_id, reservations.c.id)
        .subquery("held")
    )
    time = select(TIME.label("time")).subquery("clock")
    return select(time.c.time, *held.c).select_from(time.join(held, true(), isouter=True))


def _whole(heads: Any) -> Select[Any]:
    """Reservations with their lines, in one statement: they are seen at one moment."""
    same = (reservation_lines.c.customer_id == heads.c.customer_id) & (reservation_lines.c.reservation_id == heads.c.id)
    line = reservation_lines.c.product_id, reservation_lines.c.quantity, reservation_lines.c.is_held
    head = heads.c.id, heads.c.customer_id, heads.c.state, heads.c.created_at, heads.c.expires_at, heads.c.order_id
    return select(*head, *line).select_from(heads.join(reservation_lines, same))


_LOCK_HOLDERS = PreparedStatement(_lock_holders())
_HOLDINGS = PreparedStatement(_holdings())
_ADD = PreparedStatement(insert_many(reservations))
_ADD_LINES = PreparedStatement(insert_many(reservation_lines))
_GET = PreparedStatement(
    _whole(reservations).where(reservations.c.id == any_(_IDS)).order_by(reservations.c.id, reservation_lines.c.line_no)
)
_due = (
    select(*reservations.c)
    .where(_IS_ACTIVE, reservations.c.expires_at <= bindparam("now", type_=Time))
    .order_by(reservations.c.expires_at, reservations.c.id)
    .limit(bindparam("limit", type_=Integer))
    .subquery("due")
)
_DUE = PreparedStatement(_whole(_due).order_by(_due.c.expires_at, _due.c.id, reservation_lines.c.line_no))
_DUE_LINES = PreparedStatement(
    select(
        reservation_lines.c.reservation_id,
        reservation_lines.c.customer_id,
        reservation_lines.c.product_id,
        reservation_lines.c.quantity,
    )
    .where(
        reservation_lines.c.is_held,
        reservation_lines.c.product_id == any_(_IDS),
        reservation_lines.c.expires_at <= bindparam("now", type_=Time),
    )
    .order_by(reservation_lines.c.product_id, reservation_lines.c.expires_at, reservation_lines.c.reservation_id)
)
_HEAD = [reservations.c[name] for name in ("customer_id", "id", "state", "expires_at", "order_id")]
_head = rows_of("head", _HEAD)
_UPDATE = PreparedStatement(
    update(reservations)
    .where(reservations.c.customer_id == _head.c.customer_id, reservations.c.id == _head.c.id)
    .values(state=_head.c.state, expires_at=_head.c.expires_at, order_id=_head.c.order_id)
)
_LINE = [reservation_lines.c[name] for name in ("customer_id", "reservation_id", "line_no", "is_held", "expires_at")]
_line = rows_of("line", _LINE)
_UPDATE_LINES = PreparedStatement(
    update(reservation_lines)
    .where(
        reservation_lines.c.customer_id == _line.c.customer_id,
        reservation_lines.c.reservation_id == _line.c.reservation_id,
        reservation_lines.c.line_no == _line.c.line_no,
    )
    .values(is_held=_line.c.is_held, expires_at=_line.c.expires_at)
)
_LET_GO_OF = [reservation_lines.c[name] for name in ("customer_id", "reservation_id", "product_id")]
_gone = rows_of("gone", _LET_GO_OF)
_LET_GO = PreparedStatement(
    update(reservation_lines)
    .where(
        reservation_lines.c.customer_id == _gone.c.customer_id,
        reservation_lines.c.reservation_id == _gone.c.reservation_id,
        reservation_lines.c.product_id == _gone.c.product_id,
    )
    .values(is_held=False)
)


class PostgresReservations:
    """See `shop_core.ports.Reservations`."""

    def __init__(self, transaction: Transaction, order: LockOrder, clock: StoreClock) -> None:
        self._transaction = transaction
        self._order = order
        self._clock = clock

    def lock_customers(self, customer_ids: Iterable[UUID], now: Callable[[], datetime]) -> dict[UUID, ReservationUsage]:
        ids = self._order.check("holders", customer_ids)
        if not ids:
            return {}
        self._transaction.run(_LOCK_HOLDERS, {"ids": ids})
        rows = self._transaction.run(_HOLDINGS, {"ids": ids})
        self._clock.note(rows[0].time)
        holdings: defaultdict[UUID, ReservationUsage] = defaultdict(ReservationUsage)
        time = now()
        for row in rows:
            if row.customer_id is not None and row.expires_at > time:
                holdings[row.customer_id] = holdings[row.customer_id].adding(row.units)
        return {customer_id: holdings[customer_id] for customer_id in ids}

    def add_all(self, fresh: Sequence[Reservation]) -> None:
        if not fresh:
            return
        heads = ((r.customer_id, r.id, r.state, r.created_at, r.expires_at, r.order_id) for r in fresh)
        self._transaction.run(_ADD, arrays("new", reservations.c.keys(), heads))
        lines = (
            (r.customer_id, r.id, no, line.product_id, line.quantity, line.is_held, r.expires_at)
            for r in fresh
            for no, line in enumerate(r.lines, start=1)
        )
        self._transaction.run(_ADD_LINES, arrays("new", reservation_lines.c.keys(), lines))

    def get_all(self, reservation_ids: Iterable[UUID]) -> dict[UUID, Reservation]:
        ids = list(set(reservation_ids))
        if not ids:
            return {}
        return {found.id: found for found in self._found(_GET, {"ids": ids})}

    def update_all(self, changed: Sequence[Reservation]) -> None:
        if not changed:
            return
        self._order.require("stock", {line.product_id for r in changed for line in r.lines})
        heads = ((r.customer_id, r.id, r.state, r.expires_at, r.order_id) for r in changed)
        self._transaction.run(_UPDATE, arrays("head", [c.name for c in _HEAD], heads))
        lines = (
            (r.customer_id, r.id, no, line.is_held, r.expires_at)
            for r in changed
            for no, line in enumerate(r.lines, start=1)
        )
        self._transaction.run(_UPDATE_LINES, arrays("line", [c.name for c in _LINE], lines))

    def due_lines(self, product_ids: Iterable[UUID], now: datetime) -> list[ExpiredLine]:
        ids = list(set(product_ids))
        if not ids:
            return []
        return [ExpiredLine(*row) for row in self._transaction.run(_DUE_LINES, {"ids": ids, "now": now})]

    def release_lines(self, lines: Sequence[ExpiredLine]) -> None:
        if not lines:
            return
        self._order.require("stock", {line.product_id for line in lines})
        rows = ((line.customer_id, line.reservation_id, line.product_id) for line in lines)
        self._transaction.run(_LET_GO, arrays("gone", [c.name for c in _LET_GO_OF], rows))

    def due(self, now: datetime, limit: int) -> list[Reservation]:
        return list(self._found(_DUE, {"now": now, "limit": limit}))

    def _found(self, statement: PreparedStatement, parameters: dict[str, Any]) -> Iterator[Reservation]:
        for _, rows in groupby(self._transaction.run(statement, parameters), key=attrgetter("id")):
            lines = list(rows)
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
