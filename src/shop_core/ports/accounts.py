"""What remembers users, their sessions and guesses of passwords, and what proves a login."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

from shop_core.accounts.model import Account, AccountQuery, Actor
from shop_core.accounts.sessions import RefreshToken, Session
from shop_core.pagination import Page, PageRequest


class Accounts(Protocol):
    """Registered users and their password hashes."""

    def add(self, account: Account, password_hash: str) -> None:
        """Store a new account. Raises UsernameTaken."""

    def get(self, account_id: UUID) -> Account | None: ...

    def credentials(self, username_key: str) -> tuple[Account, str] | None:
        """The account with that `username_key`, and its password hash."""

    def lock(self, account_id: UUID) -> tuple[Account, str] | None:
        """The account and its password hash, read after they were locked until the end of this unit of work.

        Who starts a session holds this lock, and who ends them all: so no session is missed that begins just then.
        """

    def lock_with_admins(self, account_id: UUID) -> dict[UUID, Account]:
        """The account, if there is one, and every active admin, read after they were locked, by ascending id."""

    def update(self, account: Account) -> None:
        """Store what became of an account; its username and password hash stay."""

    def set_password_hash(self, account_id: UUID, password_hash: str) -> None: ...

    def page(self, query: AccountQuery, page_request: PageRequest) -> Page[Account]:
        """The accounts that match `query`, by `username_key`."""


class RefreshTokens(Protocol):
    """The links of all sessions, by the digest of what the client holds."""

    def add(self, token: RefreshToken) -> None: ...

    def lock(self, digest: bytes) -> RefreshToken | None:
        """The token, read after its whole session was locked until the end of this unit of work.

        So a session is traded or revoked by one at a time, and no revocation misses a successor in the making.
        """

    def update(self, token: RefreshToken) -> None: ...

    def revoke_family(self, family_id: UUID, now: datetime) -> None:
        """End a session: every token of it that is not revoked yet is, at `now`."""

    def revoke_all(self, account_id: UUID, now: datetime) -> None:
        """End every session of an account, after each was locked: no successor in the making is missed.

        A session that only just starts is missed, unless the account is locked on both sides: see `Accounts.lock`.
        """

    def sessions(self, account_id: UUID, now: datetime) -> list[Session]:
        """The sessions of an account that can be carried on, the last one that was used first."""

    def revoked_since(self, moment: datetime) -> dict[UUID, datetime]:
        """The sessions that were revoked after that moment, of all accounts, each with the moment of its end."""

    def delete_expired(self, before: datetime, limit: int) -> int:
        """Forget tokens that expired before then: so many, about `limit` at most.

        The first token of a session that goes on stays: it tells when that began, and an adapter may lock it for all.
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
    """How often passwords were guessed: for each key the moment at which its allowance is full again.

    See `shop_core.accounts.guess_limits`. Shared by all processes, and small: what is full is forgotten.
    """

    def lock(self, keys: Collection[bytes]) -> dict[bytes, datetime]:
        """The moment of each, read after all were locked, also those that were never heard of: these are left out."""

    def put(self, full_at: Mapping[bytes, datetime]) -> None:
        """Keep the moments of keys that were locked before."""

    def delete_full(self, now: datetime, limit: int) -> int:
        """Forget those whose moment has come, and that nobody has locked: so many, no more than `limit`."""


class PasswordHasher(Protocol):
    """Slow, salted, one-way."""

    def hash(self, password: str) -> str: ...

    def verify(self, password_hash: str | None, password: str) -> bool:
        """Whether `password` made the hash. With None: False, after as much work, so that time tells nothing."""

    def is_outdated(self, password_hash: str) -> bool:
        """Whether the hash was made with weaker parameters than today's."""


class Tokens(Protocol):
    """What proves a login: short-lived access tokens that need no look-up, and refresh tokens."""

    def access(self, actor: Actor, issued_at: datetime, life: timedelta) -> str:
        """A token that says who acts, and in which session, for as long as `life`."""

    def read_access(self, token: str, now: datetime) -> Actor:
        """Who acts. Raises InvalidToken."""

    def refresh(self) -> str:
        """A new random refresh token of at least 256 bits."""

    def successors(self, refresh: str) -> Sequence[str]:
        """The refresh tokens that may follow this one: always the same, and not to be guessed from it.

        The first is to be given out. The others are what servers gave out under an earlier secret.
        """

    def device(self, username_key: str) -> str:
        """A new token that proves, at later logins, that a login with this username succeeded on that device."""

    def is_device(self, device: str, username_key: str) -> bool:
        """Whether `device` is such a token, for this username."""

    def reset_code(self, account_id: UUID, password_hash: str, until: datetime) -> str:
        """A code with which somebody may set another password for this account, in the place of this one."""

    def account_of_reset(self, code: str) -> UUID | None:
        """Whose code it would be; None if it is none. Nothing is proved by that."""

    def is_reset_code(self, code: str, password_hash: str, now: datetime) -> bool:
        """Whether it was given out for this account and this password, and has not ended: so it is good once."""

    def digest(self, refresh: str) -> bytes:
        """The one-way hash under which a refresh token is stored."""
