"""Accounts and their sessions, in memory."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from shop_adapters.listing import ACCOUNTS
from shop_adapters.memory.listing import cut
from shop_adapters.memory.transaction import Transaction
from shop_core.accounts.model import Account, AccountQuery
from shop_core.accounts.sessions import RefreshToken, Session
from shop_core.errors import UsernameTaken
from shop_core.pagination import Page, PageRequest


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

    def confirmed(self, email_key: str, limit: int) -> list[tuple[Account, str]]:
        """The active accounts whose present address is this one and is confirmed, by id."""
        with self._transaction.statement():
            rows = sorted(self._transaction.accounts.all().items())
        found = [row for _, row in rows if row[0].active and row[0].email_confirmed]
        return [row for row in found if row[0].confirmed_email == email_key][:limit]

    def lock(self, account_id: UUID) -> tuple[Account, str] | None:
        """The account and its password hash, read after they were locked until the end of this unit of work."""
        accounts = self._transaction.accounts
        with self._transaction.statement():
            if accounts.get(account_id) is None:
                return None  # what is not there is not locked either
            self._transaction.claim(accounts.name, (account_id,))
            return accounts.get(account_id)

    def lock_with_admins(self, account_id: UUID) -> dict[UUID, Account]:
        """The account, if there is one, and every active admin, read after they were locked, by ascending id."""
        accounts = self._transaction.accounts
        with self._transaction.statement():
            usernames = [
                key for key, (account, _) in accounts.all().items() if key == account_id or account.is_active_admin
            ]
            self._transaction.claim(accounts.name, usernames)
            found = ((key, row[0]) for key, row in sorted(accounts.get_all(usernames).items()))
            return {key: account for key, account in found if key == account_id or account.is_active_admin}

    def update(self, account: Account) -> None:
        """Store what became of an account; nothing happens if it is not there."""
        accounts = self._transaction.accounts
        with self._transaction.statement():
            self._transaction.claim(accounts.name, (account.id,))
            if row := accounts.get(account.id):
                accounts.put(account.id, (replace(account, username=row[0].username), row[1]))

    def page(self, query: AccountQuery, page_request: PageRequest) -> Page[Account]:
        """The accounts that match `query`, by `username_key`."""
        with self._transaction.statement():
            everybody = self._transaction.accounts.all().values()
        return cut(ACCOUNTS, (account for account, _ in everybody if query.matches(account)), page_request)

    def set_password_hash(self, account_id: UUID, password_hash: str) -> None:
        """Replace the password hash; nothing happens if the account is not there."""
        accounts = self._transaction.accounts
        with self._transaction.statement():
            self._transaction.claim(accounts.name, (account_id,))
            if row := accounts.get(account_id):
                accounts.put(account_id, (row[0], password_hash))

    def remove(self, account_id: UUID) -> None:
        """Take the account away; its username is free again."""
        transaction = self._transaction
        with transaction.statement():
            transaction.claim(transaction.accounts.name, (account_id,))
            if row := transaction.accounts.get(account_id):
                transaction.claim(transaction.usernames.name, (row[0].username_key,))
                transaction.usernames.remove(row[0].username_key)
                transaction.accounts.remove(account_id)


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

    def revoke_all(self, account_id: UUID, now: datetime) -> None:
        """End every session of an account, after each was locked: no successor in the making is missed."""
        transaction = self._transaction
        with transaction.statement():
            tokens = transaction.tokens.all().values()
            families = {t.family_id for t in tokens if t.account_id == account_id and t.revoked_at is None}
            transaction.claim("sessions", families)
        for family_id in families:
            self.revoke_family(family_id, now)

    def erase_all(self, account_id: UUID, now: datetime) -> None:
        """End every session of an account; all its tokens expire, and the names of devices are gone."""
        self.revoke_all(account_id, now)
        tokens = self._transaction.tokens
        with self._transaction.statement():
            for digest, token in tokens.all().items():
                if token.account_id == account_id:
                    tokens.put(digest, replace(token, expires_at=min(token.expires_at, now), device_name=""))

    def sessions(self, account_id: UUID, now: datetime) -> list[Session]:
        """The sessions of an account that can be carried on, the last one that was used first."""
        with self._transaction.statement():
            good = [
                Session(
                    *(token.family_id, token.began_at, token.issued_at, token.expires_at),
                    *(token.is_remembered, token.device_name),
                )
                for token in self._transaction.tokens.all().values()
                if token.account_id == account_id and token.rotated_at is None and token.is_good(now)
            ]
        return sorted(good, key=lambda session: (session.used_at, session.id), reverse=True)

    def last_used(self, account_ids: Collection[UUID]) -> dict[UUID, datetime]:
        """When each of these accounts last logged in or refreshed, as far as its tokens are still there."""
        with self._transaction.statement():
            tokens = self._transaction.tokens.all().values()
        used_at: dict[UUID, datetime] = {}
        for token in tokens:
            if token.account_id in account_ids:
                used_at[token.account_id] = max(token.issued_at, used_at.get(token.account_id, token.issued_at))
        return used_at

    def shorten(self, family_id: UUID, until: datetime) -> None:
        """Let tokens of a session that were rotated expire at `until` at the latest. One of them is locked."""
        tokens = self._transaction.tokens
        with self._transaction.statement():
            for digest in self._transaction.sessions.of(family_id):
                token = tokens.get(digest)
                if token is not None and token.rotated_at is not None and token.expires_at > until:
                    tokens.put(digest, replace(token, expires_at=until))

    def account_of(self, family_id: UUID) -> UUID | None:
        """Whose session it is or was; None once every token of it was deleted."""
        with self._transaction.statement():
            tokens = self._transaction.tokens.all().values()
        return next((token.account_id for token in tokens if token.family_id == family_id), None)

    def revoked_since(self, moment: datetime) -> dict[UUID, datetime]:
        """The sessions that were revoked after that moment, of all accounts, each with the moment of its end."""
        with self._transaction.statement():
            tokens = self._transaction.tokens.all().values()
            return {t.family_id: t.revoked_at for t in tokens if t.revoked_at is not None and t.revoked_at > moment}

    def delete_expired(self, before: datetime, limit: int) -> int:
        """Forget tokens that expired before then, but the first one of a session that goes on."""
        tokens, sessions = self._transaction.tokens, self._transaction.sessions
        with self._transaction.statement():
            ended = [token for token in tokens.all().values() if token.expires_at < before]
            firsts = {token.digest for token in ended if sessions.of(token.family_id)[0] == token.digest}
            going_on = {token.family_id for token in tokens.all().values() if token.expires_at >= before}
            gone = [t for t in ended if t.digest not in firsts or t.family_id not in going_on][:limit]
            for token in gone:
                tokens.remove(token.digest)
        return len(gone)

    def _lock_session(self, family_id: UUID) -> None:
        self._transaction.claim("sessions", (family_id,))
