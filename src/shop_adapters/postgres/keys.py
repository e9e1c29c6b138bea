"""Idempotency keys in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from shop_adapters.lock_order import LockOrder
from shop_adapters.postgres.schema import idempotency_keys
from shop_adapters.postgres.statements import arrays, rows_of
from shop_adapters.postgres.transaction import PreparedStatement, Transaction
from shop_core.idempotency import Claim, CustomerKey

_COLUMNS = list(idempotency_keys.c)
_SLOT = [idempotency_keys.c.customer_id, idempotency_keys.c.key]
_new = rows_of("new", _COLUMNS)
# It waits for whoever has put in one of the keys and has not committed yet; the rows come sorted, so that two units
# of work cannot wait for each other.
_CLAIM = PreparedStatement(
    insert(idempotency_keys)
    .from_select([c.name for c in _COLUMNS], select(*(_new.c[c.name] for c in _COLUMNS)))
    .on_conflict_do_nothing()
    .returning(*_SLOT)
)
_these = rows_of("these", _SLOT)
_SAME = (idempotency_keys.c.customer_id == _these.c.customer_id, idempotency_keys.c.key == _these.c.key)
_TAKEN = PreparedStatement(select(*_COLUMNS).select_from(_these.join(idempotency_keys, _SAME[0] & _SAME[1])))
_FORGET = PreparedStatement(delete(idempotency_keys).where(*_SAME))


class PostgresKeys:
    """See `shop_core.ports.Keys`."""

    def __init__(self, transaction: Transaction, order: LockOrder) -> None:
        self._transaction = transaction
        self._order = order
        self._claimed: set[CustomerKey] = set()

    def claim(self, claims: Sequence[Claim]) -> dict[CustomerKey, Claim]:
        if not claims:
            return {}
        wanted = sorted(claims, key=lambda claim: (claim.customer_id.int, claim.key))
        slots = {claim.customer_key for claim in claims}
        # Nobody can have got a key in between that this unit of work claimed and forgot.
        if fresh := slots - self._claimed:
            self._order.check("keys", {customer_id for customer_id, _ in fresh})
        rows = ((claim.customer_id, claim.key, claim.fingerprint, claim.result_id) for claim in wanted)
        won = self._transaction.run(_CLAIM, arrays("new", [c.name for c in _COLUMNS], rows))
        mine = {(row.customer_id, row.key) for row in won}
        self._claimed |= mine
        if not (lost := slots - mine):
            return {}
        # In a statement of its own: the one before does not see what was committed while it waited.
        taken = self._transaction.run(_TAKEN, arrays("these", ("customer_id", "key"), lost))
        return {(row.customer_id, row.key): Claim(*row) for row in taken}

    def forget(self, claims: Sequence[Claim]) -> None:
        if claims:
            slots = (claim.customer_key for claim in claims)
            self._transaction.run(_FORGET, arrays("these", ("customer_id", "key"), slots))
