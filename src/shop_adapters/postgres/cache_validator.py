"""Whether anything has changed, asked cheaply."""

from __future__ import annotations

import threading
from typing import Any

import psycopg
from sqlalchemy import Engine

from shop_adapters.postgres.circuit_breaker import CircuitBreaker

_ASK = "SELECT pg_current_snapshot()::text"
# Through a PgBouncer our connection outlives the server's, and with it the crash that `__call__` speaks of.
_ASK_ANYONE = "SELECT pg_current_snapshot()::text || ' ' || pg_backend_pid()"


class CacheValidator:
    """The database's own account of which transactions are visible, on a connection kept for that alone.

    Two equal snapshots see the same rows: every transaction that either of them sees was over when it was taken, and
    one that was still running is listed in it. It changes with any commit in the whole cluster, so it may differ
    although nothing of the shop has changed, never the other way round.

    Args:
        engine: of the database.
        prepare_threshold: see `make_engine`.
    """

    def __init__(self, engine: Engine, *, prepare_threshold: int | None = 5) -> None:
        self._engine = engine
        self._prepare_threshold = prepare_threshold
        self._knock = CircuitBreaker()
        self._lock = threading.Lock()
        self._connection: psycopg.Connection | None = None
        self._connected = 0

    def __call__(self) -> str:
        """The snapshot, as text.

        Raises:
            psycopg.Error, sqlalchemy.exc.DBAPIError: the database does not answer; the next call connects anew.
        """
        with self._lock:
            if self._connection is None:
                self._connection = self._connect()
                self._connected += 1
            try:
                row = self._ask(self._connection)
            except BaseException:
                self._connection.close()
                self._connection = None
                raise
        assert row is not None
        # After a crash numbers of lost transactions are given again: what was seen before it counts for nothing.
        return f"{self._connected} {row[0]}"

    def close(self) -> None:
        """Give the connection up."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _ask(self, connection: psycopg.Connection) -> tuple[Any, ...] | None:
        if self._prepare_threshold is None:
            return connection.execute(_ASK_ANYONE, prepare=False).fetchone()
        return connection.execute(_ASK, prepare=True).fetchone()

    def _connect(self) -> psycopg.Connection:
        made = self._engine.dialect.create_connect_args(self._engine.url)
        more: dict[str, Any] = {"prepare_threshold": self._prepare_threshold, "autocommit": True, "connect_timeout": 5}
        return self._knock(*made[0], **made[1], **more)
