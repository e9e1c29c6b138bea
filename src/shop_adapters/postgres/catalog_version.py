"""Raises the version of the catalog, within the transaction that changes it. `current_catalog` reads it for readers.

A raise is one statement, under the lock of the one row of `catalog_version`, last before the commit. It draws a stamp
for the new version, and notes it beside each product that changed. `recorded` counts these raises: a server from before
migration 0017 raises `version` alone, so a difference says that something changed, and nobody knows what.
"""

from __future__ import annotations

from collections.abc import Iterable
from secrets import randbits
from typing import cast
from uuid import UUID

from sqlalchemy import text

from shop_adapters.postgres.arrays import Uuids
from shop_adapters.postgres.database import Transaction

READ_VERSION = text("""
SELECT version FROM catalog_version WHERE id = 1
""")
READ_WITH_STAMP = text("""
SELECT current.version, stamped.stamp
FROM catalog_version AS current
LEFT JOIN catalog_stamps AS stamped ON stamped.version = current.version
WHERE current.id = 1
""")
_LOCK = text("""
SELECT version FROM catalog_version WHERE id = 1 FOR NO KEY UPDATE
""")
# Whoever waits for the row sees the newest one: PostgreSQL reads a row again once it has its lock.
_RAISE = text("""
WITH raised AS (
    UPDATE catalog_version
    SET version = version + 1, recorded = recorded + 1,
        categories_version = CASE WHEN CAST(:categories AS boolean) THEN version + 1 ELSE categories_version END
    WHERE id = 1
    RETURNING version, version - recorded AS unrecorded
), stamped AS (
    INSERT INTO catalog_stamps (version, stamp, at)
    SELECT version, CAST(:stamp AS bigint), coalesce(CAST(:now AS timestamptz), clock_timestamp()) FROM raised
), noted AS (
    INSERT INTO catalog_changes (product_id, version)
    SELECT changed.id, raised.version FROM raised, unnest(CAST(:product_ids AS uuid[])) AS changed (id)
    ON CONFLICT (product_id) DO UPDATE SET version = excluded.version
)
SELECT unrecorded FROM raised
""")
_RENEW = text("""
UPDATE catalog_version
SET version = version + 1, recorded = version + 1, categories_version = version + 1
WHERE id = 1
      AND (CAST(:is_forced AS boolean) OR recorded <> version
           OR NOT EXISTS (SELECT FROM catalog_stamps WHERE catalog_stamps.version = catalog_version.version))
RETURNING version
""")
_STAMP = text("""
INSERT INTO catalog_stamps (version, stamp, at)
VALUES (:version, :stamp, coalesce(CAST(:now AS timestamptz), clock_timestamp()))
""")
_NOTE_MISSING = text("""
INSERT INTO catalog_changes (product_id, version)
SELECT id, CAST(:version AS bigint)
FROM products
WHERE archived_at IS NULL AND NOT EXISTS (SELECT FROM catalog_changes WHERE product_id = products.id)
""")
FORGET_STAMPS = text("""
DELETE FROM catalog_stamps WHERE version < :version
""")

StampedVersion = tuple[int, int | None]
"""A version and its stamp, by which it differs from the same version before a restore from a backup."""


class CatalogVersion:
    """The version as one unit of work reads and raises it.

    Attributes:
        is_changed: whether this unit of work writes something of the catalog.
        seen: the committed version when offers were read.
    """

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self._product_ids: set[UUID] = set()
        self._has_categories = False
        self.is_changed = False
        self.seen: StampedVersion | None = None

    def change(self, product_ids: Iterable[UUID] = (), *, has_categories: bool = False) -> None:
        """Note that this unit of work writes something of the catalog.

        Args:
            product_ids: those that are shown in another way than before.
            has_categories: whether categories are.
        """
        self.is_changed = True
        self._product_ids.update(product_ids)
        self._has_categories |= has_categories

    def lock(self) -> None:
        """Let nobody else change the catalog until this unit of work ends: it locks no other row after this."""
        self._transaction.run(_LOCK)

    def read_with_stamp(self) -> StampedVersion:
        """The committed version, and its stamp."""
        return cast("StampedVersion", self._transaction.run(READ_WITH_STAMP)[0])

    def write(self) -> None:
        """Raise it if something changed: last, so that changes wait for each other no longer than a commit takes."""
        if not self.is_changed:
            return
        changed = {"product_ids": Uuids(self._product_ids), "categories": self._has_categories}
        if self._transaction.value(_RAISE, {**changed, **_new_stamp(self._transaction)}):
            renew(self._transaction, is_forced=True)


def renew(transaction: Transaction, *, is_forced: bool) -> None:
    """See `shop_core.ports.CatalogFeed`."""
    for (version,) in transaction.run(_RENEW, {"is_forced": is_forced}):
        transaction.run(_STAMP, {"version": version, **_new_stamp(transaction)})
        transaction.run(_NOTE_MISSING, {"version": version})
        transaction.run(FORGET_STAMPS, {"version": version})


def _new_stamp(transaction: Transaction) -> dict[str, object]:
    return {"stamp": randbits(63), "now": transaction.given_time()}
