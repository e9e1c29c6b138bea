"""How often passwords were guessed, in memory."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from itertools import islice

from shop_adapters.memory.transaction import Transaction


class MemoryAttempts:
    """`shop_core.ports.Attempts`."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def lock(self, keys: Collection[bytes]) -> dict[bytes, datetime]:
        """When each allowance is full again, read after it was locked; those that are full may be left out."""
        attempts = self._transaction.attempts
        with self._transaction.statement():
            self._transaction.claim(attempts.name, keys)
            return attempts.get_all(keys)

    def put(self, full_at: Mapping[bytes, datetime]) -> None:
        """Keep when each, locked before, is full again."""
        with self._transaction.statement():
            self._transaction.attempts.put_all(full_at)

    def delete_full(self, now: datetime, limit: int) -> int:
        """Forget those that are full; no more than `limit`."""
        attempts = self._transaction.attempts
        with self._transaction.statement():
            full = islice((key for key, full_at in attempts.all().items() if full_at <= now), limit)
            forgotten = [key for key in full if self._transaction.try_claim(attempts.name, key)]
            for key in forgotten:
                attempts.remove(key)
        return len(forgotten)
