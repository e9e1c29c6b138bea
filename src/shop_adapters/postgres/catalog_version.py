"""The version of the catalog, and what is known about its long lists for as long as it stays the same.

To count a list, or to skip its first hundred thousand products, is to read all of them. But neither depends on stock,
and the catalog changes seldom. So it has a version, which every change of it raises as the last thing before its
commit; a count, or the product at which a page begins, is right as long as the version is the same.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from threading import Lock
from typing import Generic, TypeVar

from sqlalchemy import text

from shop_adapters.postgres.database import Transaction
from shop_core.catalog.model import ProductQuery
from shop_core.pagination import Key

V = TypeVar("V")

_ENTRIES_MAX = 2_000
_READ = text("""
SELECT version FROM catalog_version WHERE id = 1
""")
_RAISE = text("""
UPDATE catalog_version SET version = version + 1 WHERE id = 1
""")


class CatalogVersion:
    """The version as one unit of work reads and raises it."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._is_changed = False

    def change(self) -> None:
        """Note that this unit of work writes something of the catalog."""
        self._is_changed = True

    def read(self) -> int | None:
        """The committed version; None for a unit of work that changed something, and sees what nobody else does."""
        return None if self._is_changed else self._transaction.value(_READ)

    def write(self) -> None:
        """Raise it if something changed: last, so that changes wait for each other no longer than a commit takes."""
        if self._is_changed:
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
        self._values: OrderedDict[Hashable, V] = OrderedDict()

    def get(self, version: int | None, query: ProductQuery, offset: int = 0) -> V | None:
        """The value, if it is known for that version."""
        if version is None:
            return None
        with self._lock:
            self._turn_to(version)
            return self._values.get((query, offset))

    def put(self, version: int | None, query: ProductQuery, value: V, offset: int = 0) -> None:
        """Remember a value that was found after that version was read."""
        if version is None:
            return
        with self._lock:
            self._turn_to(version)
            self._values[query, offset] = value
            if len(self._values) > _ENTRIES_MAX:
                self._values.popitem(last=False)

    def _turn_to(self, version: int) -> None:
        if version != self._version:
            self._values.clear()
            self._version = version
