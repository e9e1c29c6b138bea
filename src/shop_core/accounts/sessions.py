"""Logins that last: chains of refresh tokens, and which of them have ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from threading import Lock
from uuid import UUID

ACCESS_TOKEN_LIFE = timedelta(minutes=5)
REFRESH_TOKEN_LIFE = timedelta(days=1)
REFRESH_GRACE = timedelta(seconds=20)
"""How long a spent refresh token still yields its one successor: phones lose answers."""
SESSION_LIFE = timedelta(days=180)
"""After which a session is not carried on any more, however busy it is. docs/operations.md says why so long."""
SESSIONS_MAX = 100
"""Of one account. Another login ends the one that was not used for longest."""
RECENT_LOGIN = timedelta(minutes=15)
"""A session that is older has to log in again before it ends another one: it may be a stolen one."""
COMMITTED_WITHIN = timedelta(minutes=1)
"""Between the moment that somebody writes down and the one in which others see it; also what clocks may differ by."""


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """One link in the chain of a session: good for one new pair of tokens, then spent.

    Args:
        digest: a one-way hash of what the client holds; the token itself is stored nowhere.
        family_id: the session; every successor has the same.
        account_id: whose session.
        began_at: when the session began, with a password.
        expires_at: when the token ends if it is never used.
        spent_at: when it was traded for its successor.
        revoked_at: when the session was ended (log-out, password change, reuse).
    """

    digest: bytes = field(repr=False)
    family_id: UUID
    account_id: UUID
    began_at: datetime
    issued_at: datetime
    expires_at: datetime
    spent_at: datetime | None = None
    revoked_at: datetime | None = None

    @classmethod
    def first(cls, digest: bytes, family_id: UUID, account_id: UUID, now: datetime) -> RefreshToken:
        """The one with which a session begins."""
        return cls(digest, family_id, account_id, now, now, now + REFRESH_TOKEN_LIFE)

    def successor(self, digest: bytes, now: datetime) -> RefreshToken:
        """The next link of the same session."""
        expires_at = min(now + REFRESH_TOKEN_LIFE, self.began_at + SESSION_LIFE)
        return RefreshToken(digest, self.family_id, self.account_id, self.began_at, now, expires_at)

    def is_good(self, now: datetime) -> bool:
        """Whether it can be traded: not revoked, not expired, and not spent longer ago than the grace."""
        return self.revoked_at is None and now < self.expires_at and not self.is_reuse(now)

    def is_reuse(self, now: datetime) -> bool:
        """Whether trading it now means that two parties hold it: it was spent, and not just now."""
        return self.spent_at is not None and now > self.spent_at + REFRESH_GRACE

    def spent(self, now: datetime) -> RefreshToken:
        """The same token after it was traded."""
        return replace(self, spent_at=now)


@dataclass(frozen=True, slots=True)
class Session:
    """A login that lasts, as its owner sees it.

    Args:
        id: of the family of its refresh tokens; it opens nothing.
        created_at: when he gave his password.
        used_at: when it was last carried on.
        expires_at: when it ends if it is not carried on.
    """

    id: UUID
    created_at: datetime
    used_at: datetime
    expires_at: datetime


class Revocations:
    """The sessions that ended while access tokens of theirs may still be about. For any number of threads.

    Access tokens are not looked up, so each process keeps this list, and brings it up to date about each second.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._ended: dict[UUID, datetime] = {}
        self._looked_at: datetime | None = None

    def __contains__(self, session_id: UUID | None) -> bool:
        return session_id in self._ended

    def add(self, *session_ids: UUID, at: datetime) -> None:
        """Add sessions that this process has ended."""
        if session_ids:
            self._merge(dict.fromkeys(session_ids, at), at)

    def since(self, now: datetime) -> datetime:
        """From when on to look for sessions that others have ended."""
        return max(self._looked_at or _still_counts(now), _still_counts(now)) - COMMITTED_WITHIN

    def learn(self, ended: Mapping[UUID, datetime], now: datetime) -> None:
        """Add all sessions that ended since `since(now)`, each with the moment."""
        self._merge(ended, now)
        self._looked_at = now

    def _merge(self, ended: Mapping[UUID, datetime], now: datetime) -> None:
        """Add these, and forget those that count no more."""
        oldest = _still_counts(now) - COMMITTED_WITHIN
        with self._lock:
            self._ended = {each: at for each, at in {**self._ended, **ended}.items() if at > oldest}


def _still_counts(now: datetime) -> datetime:
    return now - ACCESS_TOKEN_LIFE
