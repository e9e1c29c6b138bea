"""The feed of what changed in the catalog, in memory."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from shop_adapters.memory.catalog import entry_of
from shop_adapters.memory.transaction import Transaction
from shop_core.catalog.changes import FeedPosition, FeedView


class MemoryCatalogFeed:
    """`shop_core.ports.CatalogFeed`."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def read(self, position: FeedPosition | None, limit: int) -> FeedView:
        """What changed behind a position. In memory, every change is recorded."""
        transaction = self._transaction
        now = transaction.now()
        with transaction.statement():
            feed = transaction.feed
            stamp, _ = feed.stamps[feed.version]
            knows = position is None or feed.stamps.get(position.seen, (None,))[0] == position.stamp
            after = (position.version, position.product_id) if position else (0, UUID(int=0))
            base = position.base if position else feed.version
            families, changed, entries = transaction.families.all(), [], {}
            for version, product_id in feed.behind(*after) if knows else ():
                product, level = transaction.products.get(product_id), transaction.stock.get(product_id)
                if product is not None and level is not None and product.archived_at is None:
                    entries[product_id] = entry_of(product, level, families)
                elif version <= base:
                    continue  # it had left already
                changed.append((version, product_id))
                if len(changed) > limit:
                    break
            has_categories = position is None or (knows and feed.categories_version > position.seen)
            categories = sorted(transaction.categories.all().values(), key=lambda category: category.slug)
            return FeedView(
                feed.version, stamp, feed.purged, knows, changed, entries, categories if has_categories else None, now
            )

    def renew(self, *, is_forced: bool) -> None:
        """End every position that was given out, if that is forced: every change is recorded."""
        if is_forced:
            now = self._transaction.now()
            self._transaction.at_commit(lambda: self._transaction.feed.renew(now))

    def purge(self, before: datetime) -> None:
        """Forget what left the catalog before then."""
        with self._transaction.statement():
            products = self._transaction.products.all().values()
        present = [each.id for each in products if each.archived_at is None]
        self._transaction.at_commit(lambda: self._transaction.feed.forget(before, present))
