"""Idempotency keys, in memory."""

from __future__ import annotations

from collections.abc import Sequence

from shop_adapters.memory.transaction import Transaction
from shop_core.idempotency import Claim, Slot


class MemoryKeys:
    """`shop_core.ports.Keys`."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def claim(self, claims: Sequence[Claim]) -> dict[Slot, Claim]:
        """Make each key its claim's, waiting for whoever is about to; returns those that were taken before."""
        wanted = {claim.slot: claim for claim in claims}
        keys = self._transaction.keys
        if not self._transaction.holds(keys.name, wanted):
            self._transaction.lock_order.check("keys", {customer_id for customer_id, _ in wanted})
        with self._transaction.statement():
            self._transaction.claim(keys.name, wanted)
            taken = keys.get_all(wanted)
            keys.put_all({slot: claim for slot, claim in wanted.items() if slot not in taken})
        return taken

    def forget(self, claims: Sequence[Claim]) -> None:
        """Free keys that this unit of work claimed: what they were for was refused."""
        keys = self._transaction.keys
        with self._transaction.statement():
            for claim in claims:
                if self._transaction.holds(keys.name, [claim.slot]) and keys.get(claim.slot) == claim:
                    keys.remove(claim.slot)
