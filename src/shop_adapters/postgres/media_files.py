"""Which files of pictures there may be, in PostgreSQL."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime
from uuid import UUID

from sqlalchemy import text

from shop_adapters.postgres.arrays import Texts
from shop_adapters.postgres.database import Transaction
from shop_core.catalog.images import MediaKey

PAGE = 1_000

# Whoever deletes one has its row locked: this waits, and then adds a row anew.
_NOTE = text("""
INSERT INTO media_files (key, unused_since)
SELECT noted.key, coalesce(CAST(:now AS timestamptz), clock_timestamp())
FROM unnest(CAST(:keys AS text[])) AS noted (key)
ORDER BY noted.key
ON CONFLICT (key) DO UPDATE SET unused_since = excluded.unused_since
""")
_LOCK = text("""
SELECT key FROM media_files WHERE key = ANY (CAST(:keys AS text[])) ORDER BY key FOR UPDATE
""")
_USE = text("""
UPDATE media_files SET unused_since = NULL WHERE key = ANY (CAST(:keys AS text[]))
""")
_TAKE = text("""
SELECT key FROM media_files
WHERE unused_since < :before
ORDER BY unused_since, key
LIMIT :limit
FOR UPDATE SKIP LOCKED
""")
# After the locks: it sees the products of all who had used one of these before.
_NAMED = text("""
SELECT taken.key
FROM unnest(CAST(:keys AS text[])) AS taken (key)
WHERE EXISTS (SELECT FROM products WHERE image_keys @> ARRAY[taken.key])
""")
_FORGET = text("""
DELETE FROM media_files WHERE key = ANY (CAST(:keys AS text[]))
""")
_USED = text("""
SELECT id, image_keys FROM products WHERE image_keys IS NOT NULL AND id > :after ORDER BY id LIMIT :limit
""")


class PostgresMediaFiles:
    """See `shop_core.ports.MediaFiles`."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def note(self, keys: Collection[MediaKey]) -> None:
        noted = {"keys": Texts(sorted(set(keys))), "now": self._transaction.given_time()}
        self._transaction.run(_NOTE, noted)

    def use(self, keys: Collection[MediaKey], gone: Collection[MediaKey] = ()) -> bool:
        locked = {row.key for row in self._transaction.run(_LOCK, {"keys": Texts(sorted({*keys, *gone}))})}
        if not locked.issuperset(keys):
            return False
        if gone:
            self.note(gone)
        if keys:
            self._transaction.run(_USE, {"keys": Texts(sorted(set(keys)))})
        return True

    def take_unused(self, before: datetime, limit: int) -> list[MediaKey]:
        rows = self._transaction.run(_TAKE, {"before": before, "limit": limit})
        if not (taken := [row.key for row in rows]):
            return []
        named = {row.key for row in self._transaction.run(_NAMED, {"keys": Texts(taken)})}
        if named:
            self._transaction.run(_USE, {"keys": Texts(sorted(named))})
        return [key for key in taken if key not in named]

    def forget(self, keys: Collection[MediaKey]) -> None:
        self._transaction.run(_FORGET, {"keys": Texts(sorted(set(keys)))})

    def used(self) -> Iterator[tuple[UUID, MediaKey]]:
        after: UUID | None = UUID(int=0)
        while after:
            rows = list(self._transaction.run(_USED, {"after": after, "limit": PAGE}))
            yield from ((row.id, key) for row in rows for key in row.image_keys)
            after = rows[-1].id if len(rows) == PAGE else None
