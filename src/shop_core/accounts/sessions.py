"""Sessions: chains of refresh tokens. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

ACCESS_TOKEN_LIFE = timedelta(minutes=5)
REFRESH_TOKEN_LIFE = timedelta(days=1)
REFRESH_GRACE = timedelta(seconds=20)
"""How long a rotated refresh token still yields its one successor: phones lose answers."""
SESSION_LIFE = timedelta(days=180)
"""After this, a session cannot be refreshed any more, however busy it is. docs/operations.md says why so long."""
SESSIONS_MAX = 100
"""Of one account. Another login ends the session that was not used for longest."""
RECENT_LOGIN = timedelta(minutes=15)
"""An older session must log in again before it ends another one: it may be a stolen one."""


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """One link in the chain of a session: good for one new pair of tokens.

    Args:
        digest: a one-way hash of what the client has; the token itself is stored nowhere.
        family_id: the session; every successor has the same.
        began_at: when the session began, with a password.
        expires_at: when the token expires if it is never used.
        rotated_at: when it was exchanged for its successor.
        revoked_at: when the session was ended (log-out, password change, reuse).
    """

    digest: bytes = field(repr=False)
    family_id: UUID
    account_id: UUID
    began_at: datetime
    issued_at: datetime
    expires_at: datetime
    rotated_at: datetime | None = None
    revoked_at: datetime | None = None

    @classmethod
    def first(cls, digest: bytes, family_id: UUID, account_id: UUID, now: datetime) -> RefreshToken:
        """The first token of a session."""
        return cls(digest, family_id, account_id, now, now, now + REFRESH_TOKEN_LIFE)

    def successor(self, digest: bytes, now: datetime) -> RefreshToken:
        """The next token of the same session."""
        expires_at = min(now + REFRESH_TOKEN_LIFE, self.began_at + SESSION_LIFE)
        return RefreshToken(digest, self.family_id, self.account_id, self.began_at, now, expires_at)

    def is_good(self, now: datetime) -> bool:
        """Whether it can be exchanged: not revoked, not expired, and not rotated longer ago than the grace period."""
        return self.revoked_at is None and now < self.expires_at and not self.is_reuse(now)

    def is_reuse(self, now: datetime) -> bool:
        """Whether exchanging it now means that two parties have it: it was rotated, and not just now."""
        return self.rotated_at is not None and now > self.rotated_at + REFRESH_GRACE

    def rotated(self, now: datetime) -> RefreshToken:
        """The same token after it was exchanged."""
        return replace(self, rotated_at=now)


@dataclass(frozen=True, slots=True)
class Session:
    """A session, as its owner sees it.

    Args:
        id: of the family of its refresh tokens; it is no secret.
        created_at: when the owner logged in.
        used_at: when it was last refreshed.
        expires_at: when it expires if it is not refreshed.
    """

    id: UUID
    created_at: datetime
    used_at: datetime
    expires_at: datetime
