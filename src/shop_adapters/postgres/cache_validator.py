"""Whether anything in the database has changed, asked cheaply."""

from __future__ import annotations

import threading
from typing import Any, cast

import psycopg
from sqlalchemy import Engine

_SNAPSHOT = b"SELECT pg_current_snapshot()::text"
# Through a PgBouncer our connection outlives the server's, and a crash of the server is not noticed by it.
_SNAPSHOT_AND_SESSION = b"SELECT pg_current_snapshot()::text || ' ' || pg_backend_pid()"


class CacheValidator:
    """The snapshot of the database: which transactions are visible. It has a connection for that alone.

    Two equal snapshots see the same rows: every transaction that either of them sees was over when it was taken, and
    one that was still running is listed in it. It changes with any commit in the whole cluster, so it may differ
    although nothing of the shop has changed, never the other way round.

    Args:
        engine: of the database.
        prepare_threshold: see `make_engine`.
    """

    def __init__(self, engine: Engine, *, prepare_threshold: int | None = 5) -> None:
        self._engine = engine
        self._is_prepared = prepare_threshold is not None
        self._lock = threading.Lock()
        self._connection: psycopg.Connection[Any] | None = None
        self._connected = 0

    def __call__(self) -> str:
        """The snapshot, as text.

        Raises:
            psycopg.Error, sqlalchemy.exc.SQLAlchemyError: the database does not answer; the next call connects anew.
        """
        with self._lock:
            if self._connection is None:
                self._connection = self._connect()
                self._connected += 1
            try:
                query = _SNAPSHOT if self._is_prepared else _SNAPSHOT_AND_SESSION
                row = self._connection.execute(query, prepare=self._is_prepared).fetchone()
            except BaseException:
                self._connection.close()
                self._connection = None
                raise
        assert row is not None
        # After a crash, numbers of lost transactions are given again: a snapshot from before it must not seem equal.
        return f"{self._connected} {row[0]}"

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _connect(self) -> psycopg.Connection[Any]:
        pooled = self._engine.raw_connection()
        connection = cast("psycopg.Connection[Any]", pooled.driver_connection)
        pooled.detach()  # from now on it is ours, and the pool makes another one
        connection.autocommit = True
        return connection
