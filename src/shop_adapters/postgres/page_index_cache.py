"""What is known of long lists of the catalog, for as long as the catalog stays as it is.

To count a list, or to skip its first hundred thousand products, is to look at all of them. But neither depends on
stock, and the catalog changes seldom. So it has a version, which every change of it raises as the last thing before its
commit; a count, or the product at which a page begins, holds as long as the version is the same.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from threading import Lock
from typing import Generic, TypeVar

from sqlalchemy import select, update

from shop_adapters.postgres.schema import catalog_version
from shop_adapters.postgres.transaction import PreparedStatement, Transaction
from shop_core.catalog.model import ProductQuery
from shop_core.pagination import Key

V = TypeVar("V")

_KEPT_MAX = 2_000
_READ = PreparedStatement(select(catalog_version.c.version))
_RAISE = PreparedStatement(update(catalog_version).values(version=catalog_version.c.version + 1))


class CatalogVersion:
    """The version as one unit of work reads and raises it."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._is_changed = False

    def change(self) -> None:
        """Something of the catalog was written."""
        self._is_changed = True

    def read(self) -> int | None:
        """The version that is committed; None for who changed something himself and sees what nobody else does."""
        return None if self._is_changed else self._transaction.value(_READ)

    def settle(self) -> None:
        """Raise it if need be: last, so that changes wait for each other no longer than their commits take."""
        if self._is_changed:
            self._transaction.run(_RAISE)


class PageIndexCache:
    """What this process found out, under the version of the catalog that it read before. Threads share one."""

    def __init__(self) -> None:
        self.counts: _Kept[int] = _Kept()
        self.starts: _Kept[Key] = _Kept()


class _Kept(Generic[V]):
    """The values found last, and only for the newest version."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._version = 0
        self._values: OrderedDict[Hashable, V] = OrderedDict()

    def get(self, version: int | None, query: ProductQuery, place: int = 0) -> V | None:
        """What is known, if it is of that version."""
        with self._lock:
            return self._values.get((query, place)) if version == self._version else None

    def put(self, version: int | None, query: ProductQuery, value: V, place: int = 0) -> None:
        """Remember what was found after that version was read."""
        if version is None:
            return
        with self._lock:
            if version > self._version:
                self._values.clear()
                self._version = version
            if version == self._version:
                self._values[query, place] = value
                if len(self._values) > _KEPT_MAX:
                    self._values.popitem(last=False)
