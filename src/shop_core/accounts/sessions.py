"""Sessions: chains of refresh tokens. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from shop_core.errors import Invalid, LoginTooOld
from shop_core.text import text_faults

ACCESS_TOKEN_LIFE = timedelta(minutes=5)
REFRESH_TOKEN_LIFE = timedelta(days=1)
"""So long a session may be idle, unless its user wants to be remembered."""
REMEMBERED_TOKEN_LIFE = timedelta(days=60)
"""So long a session of a remembered device may be idle."""
REFRESH_GRACE = timedelta(seconds=20)
"""So long a rotated refresh token yields its one successor even if that was used: two requests may overtake."""
REUSE_NOTICED = timedelta(days=1)
"""So long a rotated token is kept after its successor was used, to notice that two parties have it."""
SESSION_LIFE = timedelta(days=180)
"""After this, a session cannot be refreshed any more, however busy it is. docs/operations.md says why so long."""
SESSIONS_MAX = 100
"""Of one account. Another login ends the session that was not used for longest."""
RECENT_LOGIN = timedelta(minutes=15)
"""An older session must log in again before it ends another one or gives a role: it may be a stolen one."""

DEVICE_NAME_LENGTH_MAX = 100


@dataclass(frozen=True, slots=True)
class SessionLives:
    """How long a session may be idle.

    Args:
        idle: usually.
        remembered: on a device whose user wants to be remembered.
    """

    idle: timedelta = REFRESH_TOKEN_LIFE
    remembered: timedelta = REMEMBERED_TOKEN_LIFE

    def of(self, is_remembered: bool) -> timedelta:
        """That of one session."""
        return self.remembered if is_remembered else self.idle


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """One link in the chain of a session: good for one new pair of tokens.

    Args:
        digest: a one-way hash of what the client has; the token itself is stored nowhere.
        family_id: the session; every successor has the same.
        began_at: when the session began, with a password.
        expires_at: when it stops working; once rotated, when its successor does, and a day after that was used at the
            latest.
        rotated_at: when it was exchanged for its successor.
        revoked_at: when the session was ended (log-out, password change, reuse).
        is_remembered: whether the session may be idle for longer.
        device_name: as the client calls the device; of every token of the session.
    """

    digest: bytes = field(repr=False)
    family_id: UUID
    account_id: UUID
    began_at: datetime
    issued_at: datetime
    expires_at: datetime
    rotated_at: datetime | None = None
    revoked_at: datetime | None = None
    is_remembered: bool = False
    device_name: str = ""

    @classmethod
    def first(
        cls,
        digest: bytes,
        family_id: UUID,
        account_id: UUID,
        now: datetime,
        life: timedelta = REFRESH_TOKEN_LIFE,
        *,
        is_remembered: bool = False,
        device_name: str = "",
    ) -> RefreshToken:
        """The first token of a session.

        Args:
            life: how long the session may be idle.

        Raises:
            Invalid: the name of the device breaks its rule.
        """
        if faults := text_faults("device_name", device_name, min_length=0, max_length=DEVICE_NAME_LENGTH_MAX):
            raise Invalid(*faults)
        expires_at = min(now + life, now + SESSION_LIFE)
        return cls(digest, family_id, account_id, now, now, expires_at, None, None, is_remembered, device_name)

    def successor(self, digest: bytes, now: datetime, life: timedelta = REFRESH_TOKEN_LIFE) -> RefreshToken:
        """The next token of the same session."""
        expires_at = min(now + life, self.began_at + SESSION_LIFE)
        return replace(self, digest=digest, issued_at=now, expires_at=expires_at, rotated_at=None, revoked_at=None)

    def is_good(self, now: datetime) -> bool:
        """Whether the session can be carried on: not revoked and not expired. A rotated one may yet be a reuse."""
        return self.revoked_at is None and now < self.expires_at

    def is_reuse(self, successor: RefreshToken | None, now: datetime) -> bool:
        """Whether exchanging it now means that two parties have it: its successor was used, and not just now.

        Args:
            successor: of this token; None if it was not rotated, or the successor is not known any more.
        """
        was_used = successor is None or successor.rotated_at is not None
        return self.rotated_at is not None and was_used and now > self.rotated_at + REFRESH_GRACE

    def rotated(self, successor: RefreshToken) -> RefreshToken:
        """The same token after it was exchanged. It can be exchanged again until its successor is used or expires."""
        return replace(self, rotated_at=successor.issued_at, expires_at=successor.expires_at)


@dataclass(frozen=True, slots=True)
class Session:
    """A session, as its owner sees it.

    Args:
        id: of the family of its refresh tokens; it is no secret.
        created_at: when the owner logged in.
        used_at: when it was last refreshed.
        expires_at: when it expires if it is not refreshed.
        is_remembered: whether it may be idle for longer.
        device_name: as the client calls the device; empty if it gave no name.
    """

    id: UUID
    created_at: datetime
    used_at: datetime
    expires_at: datetime
    is_remembered: bool = False
    device_name: str = ""


def check_recent_login(session_id: UUID | None, sessions: Iterable[Session], now: datetime) -> None:
    """Check that a session began lately.

    Args:
        sessions: all of the account.

    Raises:
        LoginTooOld: it began longer ago than `RECENT_LOGIN`, or has ended.
    """
    if not any(session.id == session_id and now <= session.created_at + RECENT_LOGIN for session in sessions):
        raise LoginTooOld(RECENT_LOGIN)
