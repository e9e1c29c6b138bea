"""How often passwords were guessed, in PostgreSQL: one count for all processes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime

from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.dialects.postgresql import insert

from shop_adapters.postgres.schema import attempts
from shop_adapters.postgres.transaction import PreparedStatement, Transaction

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_NEW = insert(attempts)
# One statement that makes the row if need be and locks it in any case: of two who come first at the same moment one
# waits for the other, and sees what he left.
_LOCK = PreparedStatement(
    _NEW.on_conflict_do_update(index_elements=[attempts.c.key], set_={"full_at": attempts.c.full_at}).returning(
        attempts.c.full_at
    )
)
_PUT = PreparedStatement(
    update(attempts).where(attempts.c.key == bindparam("its_key")).values(full_at=bindparam("moment"))
)
_FULL = (
    select(attempts.c.key)
    .where(attempts.c.full_at <= bindparam("now"))
    .order_by(attempts.c.full_at)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
    .cte("fullest")  # looked for once, and not for each row that it is compared with
)
_FORGET = delete(attempts).where(attempts.c.key.in_(select(_FULL.c.key)))


class PostgresAttempts:
    """See `shop_core.ports.Attempts`."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def lock(self, keys: Collection[bytes]) -> dict[bytes, datetime]:
        rows = {}
        for key in sorted(keys):
            rows[key] = self._transaction.value(_LOCK, {"key": key, "full_at": _LONG_AGO})
        return {key: full_at for key, full_at in rows.items() if full_at != _LONG_AGO}

    def put(self, full_at: Mapping[bytes, datetime]) -> None:
        for key, moment in full_at.items():
            self._transaction.run(_PUT, {"its_key": key, "moment": moment})

    def delete_full(self, now: datetime, limit: int) -> int:
        return self._transaction.execute(_FORGET, {"now": now, "most": limit}).rowcount
