"""The outbox in PostgreSQL: a queue whose letters go out in order for each subject.

The first letter of a subject stands for all of it: who holds its row takes the subject's letters. Takers pass over
first letters that are locked. Who notes what became of a letter waits instead: a taker that looked just before may
hold a row that it then does not take, and a note that is passed over would be a letter told twice.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Integer,
    Select,
    Uuid,
    and_,
    any_,
    bindparam,
    delete,
    exists,
    func,
    select,
    true,
    tuple_,
    update,
)

from shop_adapters.postgres.events import ORDER_EVENT, STOCK_EVENT, order_event, stock_event
from shop_adapters.postgres.packed import PackedArray
from shop_adapters.postgres.schema import Time, order_events, outbox, stock_events
from shop_adapters.postgres.transaction import AnyRow, PreparedStatement, Transaction
from shop_core.pagination import OffsetRequest, Page
from shop_core.ports import OutboxMessage

_LETTER = (outbox.c.event_id, outbox.c.subject_id, outbox.c.seq, outbox.c.attempts, outbox.c.error)
_NOW = bindparam("now", type_=Time)
_IDS = any_(bindparam("ids", type_=PackedArray(Uuid)))


def _take() -> Any:
    """Hide the letters that may be tried now, and read them."""
    limit = bindparam("limit", type_=Integer)
    earlier, later = outbox.alias("earlier"), outbox.alias("later")
    is_first = ~exists().where(
        earlier.c.subject_id == outbox.c.subject_id,
        ~earlier.c.is_dead,
        tuple_(earlier.c.seq, earlier.c.event_id) < tuple_(outbox.c.seq, outbox.c.event_id),
    )
    first = (
        select(outbox.c.subject_id, outbox.c.event_id, outbox.c.due_at)
        .where(~outbox.c.is_dead, outbox.c.due_at <= _NOW, is_first)
        .order_by(outbox.c.due_at, outbox.c.event_id)
        .limit(limit)
        .with_for_update(skip_locked=True, of=outbox)
        .cte("first")
    )
    of_subject = (
        select(later.c.event_id, later.c.seq, later.c.due_at)
        .where(later.c.subject_id == first.c.subject_id, ~later.c.is_dead)
        .order_by(later.c.seq, later.c.event_id)
        .limit(limit)
        .lateral("of_subject")
    )
    # A letter that has to wait holds up those after it, also where an earlier one was sent again in between.
    in_order = (of_subject.c.seq, of_subject.c.event_id)
    is_free = func.bool_and(of_subject.c.due_at <= _NOW).over(partition_by=first.c.subject_id, order_by=in_order)
    row = (
        select(of_subject.c.event_id, of_subject.c.seq, first.c.due_at, first.c.event_id.label("first_id"))
        .add_columns(is_free.label("is_free"))
        .select_from(first.join(of_subject, true()))
        .subquery("row")
    )
    mine = (
        select(row.c.event_id)
        .where(row.c.is_free)
        .order_by(row.c.due_at, row.c.first_id, row.c.seq, row.c.event_id)
        .limit(limit)
        .cte("mine")
    )
    return (
        update(outbox)
        .where(outbox.c.event_id == mine.c.event_id)
        .values(due_at=bindparam("until", type_=Time))
        .returning(*_LETTER, outbox.c.customer_id)
    )


def _with_event(letter: Any) -> Select[Any]:
    """Letters with the events that they tell, of orders or about stock."""
    of_order = and_(
        letter.c.seq > 0,
        order_events.c.customer_id == letter.c.customer_id,
        order_events.c.order_id == letter.c.subject_id,
        order_events.c.seq == letter.c.seq,
    )
    about_stock = and_(letter.c.seq == 0, stock_events.c.id == letter.c.event_id)
    joined = letter.join(order_events, of_order, isouter=True).join(stock_events, about_stock, isouter=True)
    heads = letter.c.event_id, letter.c.attempts, letter.c.error
    return select(*heads, *ORDER_EVENT, *STOCK_EVENT).select_from(joined)


_taken = _take().cte("taken")
_TAKE = PreparedStatement(_with_event(_taken).order_by(_taken.c.subject_id, _taken.c.seq, _taken.c.event_id))
_dead = (
    select(*_LETTER, outbox.c.customer_id)
    .where(outbox.c.is_dead)
    .order_by(outbox.c.event_id)
    .limit(bindparam("limit", type_=Integer))
    .offset(bindparam("offset", type_=Integer))
    .subquery("dead")
)
_DEAD = PreparedStatement(_with_event(_dead).order_by(_dead.c.event_id))
_COUNT_DEAD = PreparedStatement(select(func.count()).where(outbox.c.is_dead))
_WAITING = PreparedStatement(select(func.count(), func.min(outbox.c.at)).where(~outbox.c.is_dead))
_noted = select(outbox.c.event_id).where(outbox.c.event_id == _IDS).order_by(outbox.c.event_id)
_IS_NOTED = outbox.c.event_id.in_(select(_noted.with_for_update().cte("noted").c.event_id))
_DELIVERED = PreparedStatement(delete(outbox).where(_IS_NOTED))
_RELEASE = PreparedStatement(update(outbox).where(_IS_NOTED, ~outbox.c.is_dead).values(due_at=_NOW))
_FAILED = update(outbox).where(_IS_NOTED).values(attempts=outbox.c.attempts + 1, error=bindparam("why"))
_POSTPONE = PreparedStatement(_FAILED.values(due_at=bindparam("until", type_=Time)))
_GIVE_UP = PreparedStatement(_FAILED.values(is_dead=True))
_REVIVE = update(outbox).where(_IS_NOTED, outbox.c.is_dead).values(is_dead=False, attempts=0, error="", due_at=_NOW)


class PostgresOutbox:
    """See `shop_core.ports.Outbox`."""

    def __init__(self, transaction: Transaction, currency: str) -> None:
        self._transaction = transaction
        self._currency = currency

    def take(self, now: datetime, limit: int, hidden_for: timedelta) -> list[OutboxMessage]:
        rows = self._transaction.run(_TAKE, {"now": now, "limit": limit, "until": now + hidden_for})
        return [self._letter(row) for row in rows]

    def delivered(self, event_ids: Collection[UUID]) -> None:
        if event_ids:
            self._transaction.run(_DELIVERED, {"ids": list(event_ids)})

    def postpone(self, event_id: UUID, until: datetime, error: str) -> None:
        self._transaction.run(_POSTPONE, {"ids": [event_id], "until": until, "why": error})

    def give_up(self, event_id: UUID, error: str) -> None:
        self._transaction.run(_GIVE_UP, {"ids": [event_id], "why": error})

    def release(self, event_ids: Collection[UUID], now: datetime) -> None:
        if event_ids:
            self._transaction.run(_RELEASE, {"ids": list(event_ids), "now": now})

    def dead(self, page_request: OffsetRequest) -> Page[OutboxMessage]:
        rows = self._transaction.run(_DEAD, {"limit": page_request.limit, "offset": page_request.offset})
        letters = tuple(self._letter(row) for row in rows)
        return Page(letters, count=self._transaction.value(_COUNT_DEAD))

    def requeue(self, event_ids: Collection[UUID], now: datetime) -> int:
        if not event_ids:
            return 0
        return self._transaction.execute(_REVIVE, {"ids": list(event_ids), "now": now}).rowcount

    def waiting(self) -> tuple[int, datetime | None]:
        ((count, oldest),) = self._transaction.run(_WAITING)
        return count, oldest

    def _letter(self, row: AnyRow) -> OutboxMessage:
        _, attempts, error, *columns = row
        of_order, about_stock = columns[: len(ORDER_EVENT)], columns[len(ORDER_EVENT) :]
        if of_order[0] is not None:
            return OutboxMessage(order_event(of_order, self._currency), attempts, error)
        return OutboxMessage(stock_event(about_stock), attempts, error)
