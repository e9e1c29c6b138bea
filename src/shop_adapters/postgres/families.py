"""Families of products in PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import text

from shop_adapters.postgres.arrays import Uuids
from shop_adapters.postgres.catalog_version import CatalogVersion
from shop_adapters.postgres.database import Row, Transaction
from shop_core.catalog.families import Family
from shop_core.errors import FamilyInUse, FamilyNotFound
from shop_core.pagination import OffsetRequest, Page

_ADD = text("""
INSERT INTO families (id, name, option_names, description, version)
VALUES (:id, :name, CAST(:option_names AS text[]), :description, :version)
""")
_GET_ALL = text("""
SELECT id, name, option_names, description, version FROM families WHERE id = ANY (CAST(:ids AS uuid[]))
""")
_PAGE = text("""
SELECT id, name, option_names, description, version FROM families ORDER BY id DESC LIMIT :limit OFFSET :offset
""")
_COUNT = text("""
SELECT count(*) FROM families
""")
_LOCK_ROWS = text("""
SELECT id FROM families ORDER BY id FOR NO KEY UPDATE
""")
# After the rows: who has one locked is about to change it, and waits for this. Foreign keys do not.
_LOCK_TABLE = text("""
LOCK TABLE families IN SHARE ROW EXCLUSIVE MODE
""")
# The one lock that foreign keys wait for, as for a category that is removed.
_LOCK = text("""
SELECT id FROM families WHERE id = :id FOR UPDATE
""")
_UPDATE = text("""
UPDATE families SET name = :name, description = :description, version = :version WHERE id = :id
""")
_PRODUCTS = text("""
SELECT id FROM products WHERE family_id = :id
""")
_COUNT_PRODUCTS = text("""
SELECT count(*) FROM products WHERE family_id = :id
""")
_REMOVE = text("""
DELETE FROM families WHERE id = :id
""")


class PostgresFamilies:
    """See `shop_core.ports.Families`."""

    def __init__(self, transaction: Transaction, version: CatalogVersion) -> None:
        self._transaction = transaction
        self._version = version

    def add(self, family: Family) -> None:
        self._version.change()  # the list of families is kept by it
        self._transaction.run(_ADD, _columns(family))

    def get(self, family_id: UUID) -> Family | None:
        return self.get_all([family_id]).get(family_id)

    def get_all(self, family_ids: Iterable[UUID]) -> dict[UUID, Family]:
        return {row.id: _family(row) for row in self._transaction.run(_GET_ALL, {"ids": Uuids(family_ids)})}

    def page(self, page_request: OffsetRequest) -> Page[Family]:
        rows = self._transaction.run(_PAGE, {"limit": page_request.limit, "offset": page_request.offset})
        return Page(tuple(map(_family, rows)), self._transaction.value(_COUNT))

    def all(self) -> Sequence[Family]:
        return [_family(row) for row in self._transaction.run(_PAGE, {"limit": None, "offset": 0})]

    def lock_all(self) -> dict[UUID, Family]:
        self._transaction.lock_order.enter("families", [row.id for row in self._transaction.run(_LOCK_ROWS)])
        self._transaction.run(_LOCK_TABLE)
        return {family.id: family for family in self.all()}

    def lock(self, family_id: UUID) -> Family | None:
        self._transaction.lock_order.enter("families", [family_id])
        self._transaction.run(_LOCK, {"id": family_id})
        return self.get(family_id)

    def update(self, family: Family) -> None:
        self._transaction.run(_UPDATE, _columns(family))
        self._version.change(row.id for row in self._transaction.run(_PRODUCTS, {"id": family.id}))

    def remove(self, family_id: UUID) -> None:
        self._version.change()
        if self.lock(family_id) is None:
            raise FamilyNotFound(family_id)
        if members := self._transaction.value(_COUNT_PRODUCTS, {"id": family_id}):
            raise FamilyInUse(family_id, members)
        self._transaction.run(_REMOVE, {"id": family_id})


def _columns(family: Family) -> dict[str, Any]:
    names = ("id", "name", "description", "version")
    return {name: getattr(family, name) for name in names} | {"option_names": list(family.option_names)}


def _family(row: Row) -> Family:
    return Family(row.id, row.name, tuple(row.option_names), row.description, row.version)
