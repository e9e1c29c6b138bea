"""Idempotency keys in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import text

from shop_adapters.lock_order import LockOrder
from shop_adapters.postgres.arrays import Blobs, Texts, Uuids
from shop_adapters.postgres.database import Transaction
from shop_core.idempotency import Claim, CustomerKey

# It waits for a transaction that has put in one of the keys and has not committed yet; the rows come sorted, so that
# two units of work cannot wait for each other.
_CLAIM = text("""
INSERT INTO idempotency_keys (customer_id, key, fingerprint, result_id)
SELECT * FROM unnest(
    CAST(:customer_ids AS uuid[]), CAST(:keys AS text[]), CAST(:fingerprints AS bytea[]), CAST(:result_ids AS uuid[])
)
ON CONFLICT DO NOTHING
RETURNING customer_id, key
""")
_TAKEN = text("""
SELECT taken.customer_id, taken.key, taken.fingerprint, taken.result_id
FROM unnest(CAST(:customer_ids AS uuid[]), CAST(:keys AS text[])) AS wanted (customer_id, key)
JOIN idempotency_keys AS taken ON taken.customer_id = wanted.customer_id AND taken.key = wanted.key
""")
_FORGET = text("""
DELETE FROM idempotency_keys AS taken
USING unnest(CAST(:customer_ids AS uuid[]), CAST(:keys AS text[])) AS refused (customer_id, key)
WHERE taken.customer_id = refused.customer_id AND taken.key = refused.key
""")


class PostgresKeys:
    """See `shop_core.ports.Keys`."""

    def __init__(self, transaction: Transaction, order: LockOrder) -> None:
        self._transaction = transaction
        self._lock_order = order
        self._claimed: set[CustomerKey] = set()

    def claim(self, claims: Sequence[Claim]) -> dict[CustomerKey, Claim]:
        if not claims:
            return {}
        sorted_claims = sorted(claims, key=lambda claim: (claim.customer_id.int, claim.key))
        keys = {claim.customer_key for claim in claims}
        # Nobody else can have got a key in between that this unit of work claimed and forgot.
        if new := keys - self._claimed:
            self._lock_order.check("keys", {customer_id for customer_id, _ in new})
        rows = self._transaction.run(
            _CLAIM,
            {
                "customer_ids": Uuids([claim.customer_id for claim in sorted_claims]),
                "keys": Texts([claim.key for claim in sorted_claims]),
                "fingerprints": Blobs([claim.fingerprint for claim in sorted_claims]),
                "result_ids": Uuids([claim.result_id for claim in sorted_claims]),
            },
        )
        claimed = {(row.customer_id, row.key) for row in rows}
        self._claimed |= claimed
        if not (lost := keys - claimed):
            return {}
        # In a statement of its own: the one before does not see what was committed while it waited.
        return {(row.customer_id, row.key): Claim(*row) for row in self._transaction.run(_TAKEN, _columns(lost))}

    def forget(self, claims: Sequence[Claim]) -> None:
        if claims:
            self._transaction.run(_FORGET, _columns({claim.customer_key for claim in claims}))


def _columns(keys: set[CustomerKey]) -> dict[str, object]:
    return {
        "customer_ids": Uuids([customer_id for customer_id, _ in keys]),
        "keys": Texts([key for _, key in keys]),
    }
