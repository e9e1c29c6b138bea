"""Idempotency keys, in memory."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from shop_adapters.memory.transaction import Transaction
from shop_core.errors import Busy
from shop_core.idempotency import CustomerKey, KeyClaim


class MemoryKeys:
    """`shop_core.ports.Keys`."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def claim(self, claims: Sequence[KeyClaim], *, wait: bool = True) -> dict[CustomerKey, KeyClaim]:
        """Store each claim whose key is free, waiting for others that claim it now; returns the earlier claims.

        Raises:
            Busy: others claim one of them, and did so for too long; or `wait` is False.
        """
        requested = {claim.customer_key: claim for claim in claims}
        keys = self._transaction.keys
        if not self._transaction.has_locked(keys.name, requested):
            self._transaction.lock_order.enter("keys", {customer_id for customer_id, _ in requested})
        with self._transaction.statement():
            if wait:
                self._transaction.claim(keys.name, requested)
            elif not all(self._transaction.try_claim(keys.name, customer_key) for customer_key in requested):
                raise Busy
            taken = keys.get_all(requested)
            keys.put_all(
                {customer_key: claim for customer_key, claim in requested.items() if customer_key not in taken}
            )
        return taken

    def erase_all(self, customer_id: UUID) -> None:
        """Delete every key of a customer."""
        keys = self._transaction.keys
        with self._transaction.statement():
            found = [key for key in keys.all() if key[0] == customer_id]
            self._transaction.claim(keys.name, found)
            for key in found:
                keys.remove(key)

    def forget(self, claims: Sequence[KeyClaim]) -> None:
        """Free keys that this unit of work claimed: their requests were refused."""
        keys = self._transaction.keys
        with self._transaction.statement():
            for claim in claims:
                if (
                    self._transaction.has_locked(keys.name, [claim.customer_key])
                    and keys.get(claim.customer_key) == claim
                ):
                    keys.remove(claim.customer_key)
