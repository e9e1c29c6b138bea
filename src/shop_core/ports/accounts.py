"""Storage of accounts, sessions and password guesses; password hashes and tokens."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from shop_core.accounts.model import AccessToken, Account, AccountQuery, Actor
from shop_core.accounts.sessions import RefreshToken, Session
from shop_core.pagination import Page, PageRequest


class Accounts(Protocol):
    """Registered users and their password hashes."""

    def add(self, account: Account, password_hash: str) -> None:
        """Store a new account. Raises UsernameTaken."""

    def get(self, account_id: UUID) -> Account | None: ...

    def credentials(self, username_key: str) -> tuple[Account, str] | None:
        """The account with that `username_key`, and its password hash."""

    def confirmed(self, email_key: str, limit: int) -> list[tuple[Account, str]]:
        """The active accounts whose present address, in its `comparable` form, is this one and is confirmed, by id."""

    def lock(self, account_id: UUID) -> tuple[Account, str] | None:
        """The account and its password hash, read after they were locked until the end of this unit of work.

        Starting a session and ending all sessions both take this lock, so that no session is missed.
        """

    def lock_with_admins(self, account_id: UUID) -> dict[UUID, Account]:
        """The account, if there is one, and every active admin, read after they were locked, by ascending id."""

    def update(self, account: Account) -> None:
        """Store a changed account; its username and password hash stay."""

    def set_password_hash(self, account_id: UUID, password_hash: str) -> None: ...

    def remove(self, account_id: UUID) -> None:
        """Take the account away, which is locked; its username is free again."""

    def page(self, query: AccountQuery, page_request: PageRequest) -> Page[Account]:
        """The accounts that match `query`, by `username_key`."""


class RefreshTokens(Protocol):
    """The refresh tokens of all sessions, by the digest of what the client has."""

    def add(self, token: RefreshToken) -> None: ...

    def lock(self, digest: bytes) -> RefreshToken | None:
        """The token, read after its whole session was locked until the end of this unit of work.

        So only one unit of work at a time rotates or revokes a session, and no revocation misses a new successor.
        """

    def update(self, token: RefreshToken) -> None: ...

    def revoke_family(self, family_id: UUID, now: datetime) -> None:
        """End a session: every token of it that is not revoked yet is, at `now`."""

    def revoke_all(self, account_id: UUID, now: datetime) -> None:
        """End every session of an account, after each was locked: no new successor is missed.

        A session that is just starting would be missed without the lock of the account: see `Accounts.lock`.
        """

    def erase_all(self, account_id: UUID, now: datetime) -> None:
        """End every session of an account, as `revoke_all`; all its tokens expire, and the names of devices are gone.

        Tokens stay until `delete_expired`, so that `revoked_since` tells all processes.
        """

    def sessions(self, account_id: UUID, now: datetime) -> list[Session]:
        """The sessions of an account that can be refreshed, the last used one first."""

    def last_used(self, account_ids: Collection[UUID]) -> dict[UUID, datetime]:
        """When each of these accounts last logged in or refreshed, as far as tokens of that session are still there."""

    def shorten(self, family_id: UUID, until: datetime) -> None:
        """Let tokens of a session that were rotated expire at `until` at the latest. One of them is locked."""

    def account_of(self, family_id: UUID) -> UUID | None:
        """Whose session it is or was; None once every token of it was deleted."""

    def revoked_since(self, moment: datetime) -> dict[UUID, datetime]:
        """The sessions that were revoked after that moment, of all accounts, each with the moment of its end."""

    def delete_expired(self, before: datetime, limit: int) -> int:
        """Delete tokens that expired before then, about `limit` at most; returns how many.

        The first token of a session that goes on stays: it says when that began, and an adapter may lock it for all.
        """


class Revocations(Protocol):
    """The sessions that ended while access tokens of theirs are still valid, as one process knows them."""

    @property
    def sessions(self) -> Mapping[UUID, datetime]:
        """Those that have ended, each with the moment."""

    def add(self, *session_ids: UUID, at: datetime) -> None:
        """Add sessions that this process has ended."""

    def since(self, now: datetime) -> datetime:
        """From when on to look for sessions that other processes have ended."""

    def update(self, ended: Mapping[UUID, datetime], now: datetime) -> None:
        """Add all sessions that ended since `since(now)`, each with the moment."""


class Attempts(Protocol):
    """How often passwords were guessed: for each key the moment at which its bucket is full again.

    See `shop_core.accounts.guess_limits`. Shared by all processes, and small: full buckets are deleted.
    """

    def lock(self, keys: Collection[bytes]) -> dict[bytes, datetime]:
        """The moment of each, read after all were locked. Unknown keys are locked too, and left out."""

    def put(self, full_at: Mapping[bytes, datetime]) -> None:
        """Store the moments of keys that were locked before."""

    def delete_full(self, now: datetime, limit: int) -> int:
        """Delete those that are full and not locked, no more than `limit`; returns how many."""


class PasswordHasher(Protocol):
    """Slow, salted, one-way."""

    def hash(self, password: str) -> str: ...

    def verify(self, password_hash: str | None, password: str) -> bool:
        """Whether the hash was made from `password`. With None: False, after as much work."""

    def is_outdated(self, password_hash: str) -> bool:
        """Whether the hash was made with weaker parameters than today's."""


class Tokens(Protocol):
    """Short-lived access tokens that need no look-up, refresh tokens, device tokens and reset codes."""

    def access(self, actor: Actor, issued_at: datetime, life: timedelta) -> str:
        """A token that names the actor and their session, valid for `life`."""

    def read_access(self, token: str) -> AccessToken:
        """What a token says, whatever the time is. Raises InvalidToken: nothing that `access` gave out."""

    def refresh(self) -> str:
        """A new random refresh token of at least 256 bits."""

    def successors(self, refresh: str) -> Sequence[str]:
        """The refresh tokens that may follow this one: always the same, and impossible to guess from it.

        The first is to be given out. The others were given out under previous secrets.
        """

    def device(self, username_key: str) -> str:
        """A new token that proves at later logins that a login with this username succeeded on that device."""

    def is_device(self, device: str, username_key: str) -> bool:
        """Whether `device` is such a token, for this username."""

    def reset_code(self, account_id: UUID, password_hash: str, until: datetime) -> str:
        """A code that allows to replace the present password of this account."""

    def account_of_reset(self, code: str) -> UUID | None:
        """The account that a code names, not yet proved; None if it is not a code."""

    def is_reset_code(self, code: str, password_hash: str, now: datetime) -> bool:
        """Whether it was given out for this account and password, and has not expired: so it is good once."""

    def digest(self, refresh: str) -> bytes:
        """The one-way hash under which a refresh token is stored."""
