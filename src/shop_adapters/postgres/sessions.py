"""Refresh tokens, and how often passwords were guessed, in PostgreSQL.

The first token of a session stands for all of it: trading or revoking any token of the session locks that row. To lock
only the token in hand would let a revocation miss the successor that is being written at that moment.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy import text

from shop_adapters.postgres.arrays import Uuids
from shop_adapters.postgres.database import Transaction
from shop_core.accounts.sessions import RefreshToken, Session

_ADD = text("""
INSERT INTO refresh_tokens (digest, family_id, account_id, began_at, issued_at, expires_at, spent_at, revoked_at,
                            is_remembered, device_name)
VALUES (:digest, :family_id, :account_id, :began_at, :issued_at, :expires_at, :spent_at, :revoked_at,
        :is_remembered, :device_name)
""")
_GET = text("""
SELECT digest, family_id, account_id, began_at, issued_at, expires_at, spent_at, revoked_at, is_remembered, device_name
FROM refresh_tokens
WHERE digest = :digest
""")
_UPDATE = text("""
UPDATE refresh_tokens
SET spent_at = :spent_at, revoked_at = :revoked_at, expires_at = :expires_at
WHERE digest = :digest
""")
_LOCK_SESSION_OF_TOKEN = text("""
SELECT digest
FROM refresh_tokens
WHERE family_id = (SELECT family_id FROM refresh_tokens WHERE digest = :digest)
ORDER BY issued_at, digest
LIMIT 1
FOR NO KEY UPDATE
""")
_LOCK_SESSION = text("""
SELECT digest
FROM refresh_tokens
WHERE family_id = :family_id
ORDER BY issued_at, digest
LIMIT 1
FOR NO KEY UPDATE
""")
_LOCK_SESSIONS_OF_ACCOUNT = text("""
SELECT token.digest
FROM refresh_tokens AS token
WHERE token.account_id = :account_id AND token.revoked_at IS NULL AND NOT EXISTS (
    SELECT FROM refresh_tokens AS earlier
    WHERE earlier.family_id = token.family_id
      AND (earlier.issued_at, earlier.digest) < (token.issued_at, token.digest)
)
ORDER BY token.family_id
FOR NO KEY UPDATE OF token
""")
_REVOKE_SESSION = text("""
UPDATE refresh_tokens SET revoked_at = :now WHERE family_id = :family_id AND revoked_at IS NULL
""")
_REVOKE_SESSIONS_OF_ACCOUNT = text("""
UPDATE refresh_tokens SET revoked_at = :now WHERE account_id = :account_id AND revoked_at IS NULL
""")
_ERASE_SESSIONS_OF_ACCOUNT = text("""
UPDATE refresh_tokens SET device_name = '', expires_at = least(expires_at, :now) WHERE account_id = :account_id
""")
_SESSIONS = text("""
SELECT family_id, began_at, issued_at, expires_at, is_remembered, device_name
FROM refresh_tokens
WHERE account_id = :account_id AND spent_at IS NULL AND revoked_at IS NULL AND expires_at > :now
ORDER BY issued_at DESC, family_id DESC
""")
_LAST_USED = text("""
SELECT account_id, max(issued_at) AS used_at
FROM refresh_tokens
WHERE account_id = ANY (CAST(:account_ids AS uuid[]))
GROUP BY account_id
""")
_SHORTEN = text("""
UPDATE refresh_tokens SET expires_at = :until
WHERE family_id = :family_id AND spent_at IS NOT NULL AND expires_at > :until
""")
_ACCOUNT_OF = text("""
SELECT account_id FROM refresh_tokens WHERE family_id = :family_id LIMIT 1
""")
# One token of each session: there is always one that is not spent.
_REVOKED_SINCE = text("""
SELECT family_id, revoked_at FROM refresh_tokens WHERE spent_at IS NULL AND revoked_at > :moment
""")
# The first token of a session that goes on stays: it is the lock of the session. A session of which every token has
# expired cannot go on, and nobody needs its lock any more.
_DELETE_EXPIRED = text("""
WITH ended AS MATERIALIZED (
    SELECT token.digest
    FROM refresh_tokens AS token
    WHERE token.expires_at < :before AND (
        EXISTS (
            SELECT FROM refresh_tokens AS earlier
            WHERE earlier.family_id = token.family_id
              AND (earlier.issued_at, earlier.digest) < (token.issued_at, token.digest)
        ) OR NOT EXISTS (
            SELECT FROM refresh_tokens AS other
            WHERE other.family_id = token.family_id AND other.expires_at >= :before
        )
    )
    ORDER BY token.expires_at
    LIMIT :limit
    FOR UPDATE OF token SKIP LOCKED
)
DELETE FROM refresh_tokens WHERE digest IN (SELECT digest FROM ended)
RETURNING digest
""")


class PostgresRefreshTokens:
    """See `shop_core.ports.RefreshTokens`."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def add(self, token: RefreshToken) -> None:
        self._transaction.run(
            _ADD,
            {
                "digest": token.digest,
                "family_id": token.family_id,
                "account_id": token.account_id,
                "began_at": token.began_at,
                "issued_at": token.issued_at,
                "expires_at": token.expires_at,
                "spent_at": token.rotated_at,
                "revoked_at": token.revoked_at,
                "is_remembered": token.is_remembered,
                "device_name": token.device_name,
            },
        )

    def lock(self, digest: bytes) -> RefreshToken | None:
        self._transaction.run(_LOCK_SESSION_OF_TOKEN, {"digest": digest})
        row = self._transaction.one(_GET, {"digest": digest})
        return RefreshToken(*row) if row else None

    def update(self, token: RefreshToken) -> None:
        self._transaction.run(
            _UPDATE,
            {
                "digest": token.digest,
                "spent_at": token.rotated_at,
                "revoked_at": token.revoked_at,
                "expires_at": token.expires_at,
            },
        )

    def revoke_family(self, family_id: UUID, now: datetime) -> None:
        # The UPDATE alone would wait for a successor that is being made, and then not see it: its snapshot is older.
        self._transaction.run(_LOCK_SESSION, {"family_id": family_id})
        self._transaction.run(_REVOKE_SESSION, {"family_id": family_id, "now": now})

    def revoke_all(self, account_id: UUID, now: datetime) -> None:
        self._transaction.run(_LOCK_SESSIONS_OF_ACCOUNT, {"account_id": account_id})
        self._transaction.run(_REVOKE_SESSIONS_OF_ACCOUNT, {"account_id": account_id, "now": now})

    def erase_all(self, account_id: UUID, now: datetime) -> None:
        self.revoke_all(account_id, now)
        self._transaction.run(_ERASE_SESSIONS_OF_ACCOUNT, {"account_id": account_id, "now": now})

    def sessions(self, account_id: UUID, now: datetime) -> list[Session]:
        return [Session(*row) for row in self._transaction.run(_SESSIONS, {"account_id": account_id, "now": now})]

    def last_used(self, account_ids: Collection[UUID]) -> dict[UUID, datetime]:
        rows = self._transaction.run(_LAST_USED, {"account_ids": Uuids(account_ids)})
        return {row.account_id: row.used_at for row in rows}

    def shorten(self, family_id: UUID, until: datetime) -> None:
        self._transaction.run(_SHORTEN, {"family_id": family_id, "until": until})

    def account_of(self, family_id: UUID) -> UUID | None:
        row = self._transaction.one(_ACCOUNT_OF, {"family_id": family_id})
        return row.account_id if row else None

    def revoked_since(self, moment: datetime) -> dict[UUID, datetime]:
        rows = self._transaction.run(_REVOKED_SINCE, {"moment": moment})
        return {row.family_id: row.revoked_at for row in rows}

    def delete_expired(self, before: datetime, limit: int) -> int:
        return len(self._transaction.run(_DELETE_EXPIRED, {"before": before, "limit": limit}))


_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
# One statement that makes the row if there is none, and locks it in any case: of two that come first at the same
# moment one waits for the other, and sees what it left.
_LOCK_ATTEMPTS = text("""
INSERT INTO attempts (key, full_at)
VALUES (:key, :long_ago)
ON CONFLICT (key) DO UPDATE SET full_at = attempts.full_at
RETURNING full_at
""")
_PUT_ATTEMPTS = text("""
UPDATE attempts SET full_at = :full_at WHERE key = :key
""")
_DELETE_FULL_ATTEMPTS = text("""
WITH expired AS MATERIALIZED (
    SELECT key FROM attempts WHERE full_at <= :now ORDER BY full_at LIMIT :limit FOR UPDATE SKIP LOCKED
)
DELETE FROM attempts WHERE key IN (SELECT key FROM expired)
RETURNING key
""")


class PostgresAttempts:
    """See `shop_core.ports.Attempts`: one count for all processes."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def lock(self, keys: Collection[bytes]) -> dict[bytes, datetime]:
        full_at = {
            key: self._transaction.value(_LOCK_ATTEMPTS, {"key": key, "long_ago": _LONG_AGO}) for key in sorted(keys)
        }
        return {key: moment for key, moment in full_at.items() if moment != _LONG_AGO}

    def put(self, full_at: Mapping[bytes, datetime]) -> None:
        for key, moment in full_at.items():
            self._transaction.run(_PUT_ATTEMPTS, {"key": key, "full_at": moment})

    def delete_full(self, now: datetime, limit: int) -> int:
        return len(self._transaction.run(_DELETE_FULL_ATTEMPTS, {"now": now, "limit": limit}))
