"""Which files of pictures there may be, in memory."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime
from itertools import islice
from uuid import UUID

from shop_adapters.memory.transaction import Transaction
from shop_core.catalog.images import MediaKey, keys_of


class MemoryMediaFiles:
    """`shop_core.ports.MediaFiles`. A row is since when nothing uses the file, in a tuple: empty if something does."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def note(self, keys: Collection[MediaKey]) -> None:
        """Note that these may be there, and may be used by nothing. Waits while one is being deleted."""
        transaction = self._transaction
        now = transaction.now()
        with transaction.statement():
            transaction.claim(transaction.media_files.name, sorted(keys))
            transaction.media_files.put_all(dict.fromkeys(keys, (now,)))

    def use(self, keys: Collection[MediaKey], gone: Collection[MediaKey] = ()) -> bool:
        """Note that something uses these, and that it uses `gone` no more; False: one of `keys` is not noted."""
        transaction = self._transaction
        now = transaction.now()
        with transaction.statement():
            transaction.claim(transaction.media_files.name, sorted({*keys, *gone}))
            are_there = len(transaction.media_files.get_all(keys)) == len(set(keys))
            if are_there:
                transaction.media_files.put_all(dict.fromkeys(gone, (now,)))
                transaction.media_files.put_all(dict.fromkeys(keys, ()))
            return are_there

    def take_unused(self, before: datetime, limit: int) -> list[MediaKey]:
        """Lock up to `limit` of those that nothing has used since then; those that are used after all are noted so."""
        transaction = self._transaction
        with transaction.statement():
            files = transaction.media_files
            due = sorted(key for key, since in files.all().items() if since and since[0] < before)
            taken = list(islice((key for key in due if transaction.try_claim(files.name, key)), limit))
            named = {key for product in transaction.products.all().values() for key in keys_of(product.images)}
            files.put_all({key: () for key in taken if key in named})
            return [key for key in taken if key not in named]

    def forget(self, keys: Collection[MediaKey]) -> None:
        """Remove the notes of files that were deleted."""
        with self._transaction.statement():
            for key in keys:
                self._transaction.media_files.remove(key)

    def used(self) -> Iterator[tuple[UUID, MediaKey]]:
        """Every product and the key of each file that it names."""
        with self._transaction.statement():
            products = self._transaction.products.all().values()
        return iter([(product.id, key) for product in products for key in keys_of(product.images)])
