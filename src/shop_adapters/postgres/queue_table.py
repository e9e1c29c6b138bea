"""What the tables of queues have in common, the outbox and the mails: what becomes of their messages."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import TextClause, text

from shop_adapters.postgres.arrays import Uuids
from shop_adapters.postgres.database import Transaction


class Statements(NamedTuple):
    """The statements about one table."""

    delivered: TextClause
    release: TextClause
    postpone: TextClause
    give_up: TextClause
    requeue: TextClause
    count_dead: TextClause
    count_dead_before: TextClause
    delete_dead: TextClause
    waiting: TextClause


def statements_about(table: str, key: str) -> Statements:
    """The statements about a table.

    An UPDATE or DELETE of many rows locks them in no order of its own: so they are locked before, sorted.

    Args:
        table: with the columns `at`, `due_at`, `attempts`, `error` and `is_dead`.
        key: its primary key.
    """
    locked = f"SELECT {key} FROM {table} WHERE {key} = ANY (CAST(:ids AS uuid[])) ORDER BY {key} FOR UPDATE"
    return Statements(
        text(f"WITH found AS ({locked}) DELETE FROM {table} USING found WHERE {table}.{key} = found.{key}"),
        text(
            f"WITH found AS ({locked}) UPDATE {table} SET due_at = :now FROM found"
            f" WHERE {table}.{key} = found.{key} AND NOT {table}.is_dead"
        ),
        text(f"UPDATE {table} SET attempts = attempts + 1, error = :error, due_at = :until WHERE {key} = :id"),
        text(f"UPDATE {table} SET attempts = attempts + 1, error = :error, is_dead = true WHERE {key} = :id"),
        text(
            f"WITH found AS ({locked}) UPDATE {table} SET is_dead = false, attempts = 0, error = '', due_at = :now"
            f" FROM found WHERE {table}.{key} = found.{key} AND {table}.is_dead RETURNING {table}.{key}"
        ),
        text(f"SELECT count(*) FROM {table} WHERE is_dead"),
        text(f"SELECT count(*), min(at) FROM {table} WHERE is_dead AND at < :before"),
        text(
            f"WITH found AS (SELECT {key} FROM {table} WHERE is_dead AND at < :before ORDER BY {key} LIMIT :limit"
            f" FOR UPDATE) DELETE FROM {table} USING found WHERE {table}.{key} = found.{key} RETURNING {table}.{key}"
        ),
        text(f"SELECT count(*), min(at) FROM {table} WHERE NOT is_dead"),
    )


class QueueTable:
    """The part of `shop_core.ports.Queue` that is the same for every queue."""

    def __init__(self, transaction: Transaction, statements: Statements) -> None:
        self._transaction = transaction
        self._statements = statements

    def delivered(self, event_ids: Collection[UUID]) -> None:
        if event_ids:
            self._transaction.run(self._statements.delivered, {"ids": Uuids(event_ids)})

    def postpone(self, event_id: UUID, until: datetime, error: str) -> None:
        self._transaction.run(self._statements.postpone, {"id": event_id, "until": until, "error": error})

    def give_up(self, event_id: UUID, error: str) -> None:
        self._transaction.run(self._statements.give_up, {"id": event_id, "error": error})

    def release(self, event_ids: Collection[UUID], now: datetime) -> None:
        if event_ids:
            self._transaction.run(self._statements.release, {"ids": Uuids(event_ids), "now": now})

    def requeue(self, event_ids: Collection[UUID], now: datetime) -> int:
        if not event_ids:
            return 0
        return len(self._transaction.run(self._statements.requeue, {"ids": Uuids(event_ids), "now": now}))

    def count_all_dead(self) -> int:
        """How many were given up."""
        count: int = self._transaction.value(self._statements.count_dead)
        return count

    def count_dead(self, before: datetime) -> tuple[int, datetime | None]:
        ((count, oldest),) = self._transaction.run(self._statements.count_dead_before, {"before": before})
        return count, oldest

    def delete_dead(self, before: datetime, limit: int) -> int:
        return len(self._transaction.run(self._statements.delete_dead, {"before": before, "limit": limit}))

    def waiting(self) -> tuple[int, datetime | None]:
        ((count, oldest),) = self._transaction.run(self._statements.waiting)
        return count, oldest
