"""Who uses the shop: accounts, their roles, and the sessions in which they stay logged in."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from shop_core.errors import Fault, Forbidden, Invalid, Unauthenticated
from shop_core.text import same_letters, text_faults

USERNAME_LENGTHS = (3, 150)
PASSWORD_LENGTHS = (8, 256)
EMAIL_LENGTH_MAX = 254
NAME_LENGTH_MAX = 150

ACCESS_TOKEN_LIFE = timedelta(minutes=5)
REFRESH_TOKEN_LIFE = timedelta(days=1)
REFRESH_GRACE = timedelta(seconds=20)
"""How long a spent refresh token still yields its one successor: phones lose answers."""

# Letters and digits of any script, and the punctuation that Django made customary for usernames.
_USERNAME = re.compile(r"[\w.@+-]+")
# Deliberately loose (RFC 5321 allows nearly anything): whether an address works only a mail to it can tell.
_EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(?:\.[^@\s.]+)+")


class Role(StrEnum):
    """What an account may do. Each role includes the ones before it."""

    CUSTOMER = "customer"
    STAFF = "staff"
    ADMIN = "admin"

    def includes(self, other: Role) -> bool:
        """Whether this role may do what `other` may do."""
        ranks = list(Role)
        return ranks.index(self) >= ranks.index(other)


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts. `id` is None for the shop itself (command line, sweepers), which may do everything, and for nobody.

    Args:
        id: the account, if an account acts.
        role: what it may do; None for somebody who is not logged in.
    """

    id: UUID | None
    role: Role | None

    def require(self, role: Role) -> None:
        """Let only actors pass who have `role`.

        Raises:
            Unauthenticated: nobody is logged in.
            Forbidden: somebody is, with a lesser role.
        """
        if self.role is None:
            raise Unauthenticated
        if not self.role.includes(role):
            raise Forbidden(role)

    @property
    def is_staff(self) -> bool:
        """Whether this actor sees and handles everybody's orders."""
        return self.role is not None and self.role.includes(Role.STAFF)

    @property
    def account_id(self) -> UUID:
        """The account that acts.

        Raises:
            Unauthenticated: no account acts.
        """
        if self.id is None:
            raise Unauthenticated
        return self.id


NOBODY = Actor(None, None)
SYSTEM = Actor(None, Role.ADMIN)


@dataclass(frozen=True, slots=True)
class Account:
    """A registered user. The password hash is no part of it, so that it cannot leak with it.

    Raises:
        Invalid: username, email or a name breaks its rule; all broken rules are named at once.
    """

    id: UUID
    username: str
    role: Role
    created_at: datetime
    updated_at: datetime
    email: str = ""
    first_name: str = ""
    last_name: str = ""
    active: bool = True

    def __post_init__(self) -> None:
        faults = _username_faults(self.username)
        for name in ("first_name", "last_name"):
            faults += text_faults(name, getattr(self, name), least=0, most=NAME_LENGTH_MAX)
        if self.email:
            faults += text_faults("email", self.email, least=3, most=EMAIL_LENGTH_MAX)
            if not _EMAIL.fullmatch(self.email):
                faults.append(Fault("email", f"{self.email[:80]!r} is not an email address", "invalid_email"))
        if faults:
            raise Invalid(*faults)

    @property
    def username_key(self) -> str:
        """What must be unique: `Ada`, `ada` and `ＡＤＡ` are one username."""
        return same_letters(self.username)

    @property
    def actor(self) -> Actor:
        """This account as the one who acts."""
        return Actor(self.id, self.role)


def _username_faults(username: str) -> list[Fault]:
    least, most = USERNAME_LENGTHS
    faults = text_faults("username", username, least=least, most=most)
    if not faults and not _USERNAME.fullmatch(username):
        faults.append(Fault("username", "may have letters, digits and . @ + - _ only", "invalid_username"))
    return faults


def check_password(password: str, *, field: str = "password") -> None:
    """Let only passwords pass that may be set: length alone counts (NIST SP 800-63B, 3.1.1.2).

    Raises:
        Invalid: it is shorter than 8 or longer than 256 characters.
    """
    least, most = PASSWORD_LENGTHS
    if not least <= len(password) <= most:
        rule = f"must have from {least} to {most} characters, this has {len(password)}"
        raise Invalid(Fault(field, rule, "too_short" if len(password) < least else "too_long"))


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """One link in the chain of a session: good for one new pair of tokens, then spent.

    Args:
        digest: a one-way hash of what the client holds; the token itself is stored nowhere.
        family_id: the session; every successor has the same.
        account_id: whose session.
        expires_at: when the token ends if it is never used.
        spent_at: when it was traded for its successor.
        revoked_at: when the session was ended (log-out, password change, reuse).
    """

    digest: bytes = field(repr=False)
    family_id: UUID
    account_id: UUID
    issued_at: datetime
    expires_at: datetime
    spent_at: datetime | None = None
    revoked_at: datetime | None = None

    def is_good(self, now: datetime) -> bool:
        """Whether it can be traded: not revoked, not expired, and not spent longer ago than the grace."""
        return self.revoked_at is None and now < self.expires_at and not self.is_reused(now)

    def is_reused(self, now: datetime) -> bool:
        """Whether trading it now means that two parties hold it: it was spent, and not just now."""
        return self.spent_at is not None and now > self.spent_at + REFRESH_GRACE

    def spent(self, now: datetime) -> RefreshToken:
        """The same token after it was traded."""
        return replace(self, spent_at=now)

    def successor(self, digest: bytes, now: datetime) -> RefreshToken:
        """The next link of the same session."""
        return RefreshToken(digest, self.family_id, self.account_id, now, now + REFRESH_TOKEN_LIFE)
