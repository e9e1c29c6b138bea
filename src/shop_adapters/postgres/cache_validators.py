"""Whether what is cached still holds: the version of the catalog, and the snapshot of the whole database.

To count a list, or to skip its first hundred thousand products, is to read all of them. But neither depends on stock,
and the catalog changes seldom. So it has a version, which every change of it raises as the last thing before its
commit; a count, or the product at which a page begins, is right as long as the version is the same. A whole response
depends on stock, too: it is right as long as nothing at all was committed.
"""

from __future__ import annotations

import sys
import threading
from collections import OrderedDict
from collections.abc import Hashable
from threading import Lock
from typing import Any, Generic, TypeVar, cast

import psycopg
from sqlalchemy import Engine, text

from shop_adapters.postgres.database import Transaction
from shop_adapters.postgres.watchdog import watched
from shop_core.catalog.search import ProductQuery
from shop_core.pagination import Key

V = TypeVar("V")

ANSWER_S = 2.0
"""How long the snapshot may take: it takes a tenth of a millisecond."""
CACHED_BYTES_MAX = 2 * 1024 * 1024
"""Of counts, and of keys: values, and the queries that they answer."""
_ENTRY_BYTES = 1_000  # what an entry takes at most beside the words of its query and the texts of its key
_READ = text("""
SELECT version FROM catalog_version WHERE id = 1
""")
_RAISE = text("""
UPDATE catalog_version SET version = version + 1 WHERE id = 1
""")
_SNAPSHOT = b"SELECT pg_current_snapshot()::text"
# Through a PgBouncer our connection outlives the server's, and a crash of the server is not noticed by it.
_SNAPSHOT_AND_SESSION = b"SELECT pg_current_snapshot()::text || ' ' || pg_backend_pid()"
_UNKNOWN = (None, 0)


class CatalogVersion:
    """The version as one unit of work reads and raises it.

    Attributes:
        is_changed: whether this unit of work writes something of the catalog.
    """

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self.is_changed = False

    def change(self) -> None:
        """Note that this unit of work writes something of the catalog."""
        self.is_changed = True

    def read(self) -> int | None:
        """The committed version; None for a unit of work that changed something, and sees what nobody else does."""
        return None if self.is_changed else self._transaction.value(_READ)

    def write(self) -> None:
        """Raise it if something changed: last, so that changes wait for each other no longer than a commit takes."""
        if self.is_changed:
            self._transaction.run(_RAISE)


class PageIndexCache:
    """The counts of lists, and the keys at which their pages begin, in this process. Threads share one."""

    def __init__(self) -> None:
        self.counts: _OfOneVersion[int] = _OfOneVersion()
        self.starts: _OfOneVersion[Key] = _OfOneVersion()


class _OfOneVersion(Generic[V]):
    """Values of the version that was asked for last, the newest of them.

    The version is compared for equality alone, and another one, also a lower one, empties the cache: after a restore
    from a backup the version falls, and rises again to numbers that then stand for another catalog.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._version: int | None = None
        self._values: OrderedDict[Hashable, tuple[V, int]] = OrderedDict()
        self._bytes = 0

    def get(self, version: int | None, query: ProductQuery, offset: int = 0) -> V | None:
        """The value, if it is known for that version."""
        if version is None:
            return None
        with self._lock:
            self._turn_to(version)
            return self._values.get((query, offset), _UNKNOWN)[0]

    def put(self, version: int | None, query: ProductQuery, value: V, offset: int = 0) -> None:
        """Remember a value that was found after that version was read."""
        if version is None:
            return
        texts = (*(query.words or ()), *(value if isinstance(value, tuple) else ()))
        size = sum(map(sys.getsizeof, texts), _ENTRY_BYTES)
        with self._lock:
            self._turn_to(version)
            self._bytes += size - self._values.get((query, offset), _UNKNOWN)[1]
            self._values[query, offset] = value, size
            while self._bytes > CACHED_BYTES_MAX:
                self._bytes -= self._values.popitem(last=False)[1][1]

    def _turn_to(self, version: int) -> None:
        if version != self._version:
            self._values.clear()
            self._version, self._bytes = version, 0


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
        """The snapshot. Raises what psycopg or SQLAlchemy do: there is no answer, and the next call connects anew."""
        with self._lock:
            if self._connection is None:
                self._connection = self._connect()
                self._connected += 1
            try:
                query = _SNAPSHOT if self._is_prepared else _SNAPSHOT_AND_SESSION
                with watched(self._connection, ANSWER_S):
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
