"""Accounts and their sessions, in memory."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from shop_adapters.memory.transaction import Transaction
from shop_core.accounts.model import Account, RefreshToken
from shop_core.errors import UsernameTaken


class MemoryAccounts:
    """`shop_core.ports.Accounts`."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def add(self, account: Account, password_hash: str) -> None:
        """Store a new account. Raises UsernameTaken."""
        transaction = self._transaction
        with transaction.statement():
            transaction.take_name(
                transaction.usernames, account.username_key, account.id, lambda: UsernameTaken(account.username)
            )
            transaction.insert(transaction.accounts, {account.id: (account, password_hash)})

    def get(self, account_id: UUID) -> Account | None:
        """The account, if there is one."""
        with self._transaction.statement():
            row = self._transaction.accounts.get(account_id)
        return row[0] if row else None

    def credentials(self, username_key: str) -> tuple[Account, str] | None:
        """The account with that `username_key`, and its password hash."""
        with self._transaction.statement():
            account_id = self._transaction.usernames.get(username_key)
            return self._transaction.accounts.get(account_id) if account_id else None

    def set_password_hash(self, account_id: UUID, password_hash: str) -> None:
        """Replace the password hash; nothing happens if the account is not there."""
        accounts = self._transaction.accounts
        with self._transaction.statement():
            self._transaction.claim(accounts.name, (account_id,))
            if row := accounts.get(account_id):
                accounts.put(account_id, (row[0], password_hash))


class MemoryRefreshTokens:
    """`shop_core.ports.RefreshTokens`.

    What is locked is not one token but its session: else the thief of a spent token could have the session ended while
    a successor, that nobody sees yet, is being added; and two reuses could wait for each other's tokens.
    """

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def add(self, token: RefreshToken) -> None:
        """Store a new token."""
        transaction = self._transaction
        with transaction.statement():
            transaction.insert(transaction.tokens, {token.digest: token})
            transaction.sessions.extend(token.family_id, [token.digest])

    def lock(self, digest: bytes) -> RefreshToken | None:
        """The token, locked until the end of this unit of work, so that it is traded by one at a time."""
        tokens = self._transaction.tokens
        with self._transaction.statement():
            token = tokens.get(digest)
            if token is None:
                return None
            self._lock_session(token.family_id)
            return tokens.get(digest)

    def update(self, token: RefreshToken) -> None:
        """Store what became of a token; nothing happens if it is not there."""
        tokens = self._transaction.tokens
        with self._transaction.statement():
            self._lock_session(token.family_id)
            if tokens.get(token.digest) is not None:
                tokens.put(token.digest, token)

    def revoke_family(self, family_id: UUID, now: datetime) -> None:
        """End a session: every token of it that is not revoked yet is, at `now`."""
        tokens = self._transaction.tokens
        with self._transaction.statement():
            self._lock_session(family_id)
            for digest in self._transaction.sessions.of(family_id):
                token = tokens.get(digest)
                if token is not None and token.revoked_at is None:
                    tokens.put(digest, replace(token, revoked_at=now))

    def _lock_session(self, family_id: UUID) -> None:
        self._transaction.claim("sessions", (family_id,))
