"""The feed of what changed in the catalog, in PostgreSQL."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, Integer, Uuid, bindparam, or_, text, tuple_

from shop_adapters.postgres.catalog_version import FORGET_STAMPS, renew
from shop_adapters.postgres.database import Transaction
from shop_adapters.postgres.product_lists import entry_of
from shop_adapters.postgres.product_statements import SHOWN
from shop_adapters.postgres.schema import catalog_changes, products
from shop_core.catalog.changes import FeedPosition, FeedView
from shop_core.catalog.model import Category

_ONE_MOMENT = text("""
SET TRANSACTION ISOLATION LEVEL REPEATABLE READ
""")
_HEAD = text("""
SELECT version, recorded, purged, categories_version, clock_timestamp() AS time,
       (SELECT stamp FROM catalog_stamps WHERE catalog_stamps.version = catalog_version.version) AS stamp,
       EXISTS (
           SELECT FROM catalog_stamps
           WHERE catalog_stamps.version = :seen AND catalog_stamps.stamp = :seen_stamp
       ) AS knows_position
FROM catalog_version
WHERE id = 1
""")
_AFTER = tuple_(bindparam("after_version", type_=BigInteger), bindparam("after_id", type_=Uuid))
FEED = (
    SHOWN.add_columns(catalog_changes.c.product_id.label("changed_id"), catalog_changes.c.version.label("changed_in"))
    .select_from(
        catalog_changes.outerjoin(
            products, (products.c.id == catalog_changes.c.product_id) & products.c.archived_at.is_(None)
        )
    )
    .where(
        tuple_(catalog_changes.c.version, catalog_changes.c.product_id) > _AFTER,
        or_(products.c.id.is_not(None), catalog_changes.c.version > bindparam("base", type_=BigInteger)),
    )
    .order_by(catalog_changes.c.version, catalog_changes.c.product_id)
    .limit(bindparam("limit", type_=Integer))
)
"""Products by the version at which they changed last; without columns of `SHOWN` if they are not in the catalog."""
_CATEGORIES = text("""
SELECT id, name, slug, parent_id FROM categories ORDER BY slug
""")

# The newest version of that time: it was the version of the catalog until later, so its stamp is kept.
_OLD = text("""
SELECT max(version) AS version FROM catalog_stamps WHERE at < :before
""")
_PURGED = text("""
UPDATE catalog_version SET purged = :version WHERE id = 1 AND purged < :version RETURNING purged
""")
_PURGE_GONE = text("""
DELETE FROM catalog_changes
WHERE version <= :version
      AND NOT EXISTS (SELECT FROM products WHERE id = catalog_changes.product_id AND archived_at IS NULL)
""")
_BEGIN = FeedPosition(0, UUID(int=0), 2**63 - 1, 0, 0)


class PostgresCatalogFeed:
    """See `shop_core.ports.CatalogFeed`."""

    def __init__(self, transaction: Transaction, currency: str) -> None:
        self._transaction, self._currency = transaction, currency

    def read(self, position: FeedPosition | None, limit: int) -> FeedView | None:
        after, run = position or _BEGIN, self._transaction.run
        run(_ONE_MOMENT)
        (head,) = run(_HEAD, {"seen": after.seen, "seen_stamp": after.stamp})
        if head.recorded != head.version or head.stamp is None:
            return None
        self._transaction.note_time(head.time)
        knows_position = position is None or head.knows_position
        where = {"after_version": after.version, "after_id": after.product_id, "base": after.base, "limit": limit + 1}
        rows = run(FEED, where) if knows_position else ()
        has_categories = knows_position and head.categories_version > after.seen
        return FeedView(
            head.version,
            head.stamp,
            head.purged,
            knows_position,
            [(row.changed_in, row.changed_id) for row in rows],
            {row.id: entry_of(row, self._currency) for row in rows if row.id},
            [Category(*row) for row in run(_CATEGORIES)] if has_categories else None,
            self._transaction.now(),
        )

    def renew(self, *, is_forced: bool) -> None:
        renew(self._transaction, is_forced=is_forced)

    def purge(self, before: datetime) -> None:
        (old,) = self._transaction.run(_OLD, {"before": before})
        if old.version is None or not self._transaction.run(_PURGED, {"version": old.version}):
            return
        self._transaction.run(_PURGE_GONE, {"version": old.version})
        self._transaction.run(FORGET_STAMPS, {"version": old.version})
