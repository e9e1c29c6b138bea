"""Accounts, their roles, and the actor of each use case."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from shop_core.errors import Fault, Forbidden, Invalid, LastAdmin, Unauthenticated
from shop_core.text import (
    check_words,
    comparable,
    is_among,
    is_combining_mark,
    normalized,
    normalized_code,
    scripts_of,
    search_terms,
    text_faults,
)

USERNAME_LENGTHS = (3, 150)
EMAIL_LENGTH_MAX = 254
NAME_LENGTH_MAX = 150

# Letters (with their marks) and digits of any script, and the punctuation that Django made customary for usernames.
_USERNAME = re.compile(r"[\w.@+-]+")
# Hangul fillers: letters by their category, but invisible. Two names could differ by them alone.
_INVISIBLE = re.compile("[\u115f\u1160\u3164\uffa0]")
# Deliberately loose (RFC 5321 allows nearly anything): only a mail shows whether an address works.
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
    """Who acts. `id` is None for the shop itself (its background jobs and its operator), and for nobody.

    Args:
        id: the account, if an account acts.
        role: what it may do; None for somebody who is not logged in.
        session: in which session, if known; actors are equal whatever their session.

    Attributes:
        is_staff: whether this actor sees and handles everybody's orders.
    """

    id: UUID | None
    role: Role | None
    session: UUID | None = field(default=None, compare=False)
    is_staff: bool = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "is_staff", self.role is not None and self.role.includes(Role.STAFF))

    def require(self, role: Role) -> None:
        """Check that the actor has `role`.

        Raises:
            Unauthenticated: nobody is logged in.
            Forbidden: the actor has a lesser role.
        """
        if self.role is None:
            raise Unauthenticated
        if not self.role.includes(role):
            raise Forbidden(role)

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


class AccessToken(NamedTuple):
    """What an access token says. It is verified once and remembered: only the time has to be looked at again.

    Args:
        actor: who has it.
        valid_from: a little before it was issued, since the clocks of two servers may differ.
        expires_at: from then on it proves nothing.
    """

    actor: Actor
    valid_from: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Account:
    """A registered user. The password hash is no part of it, so that it cannot leak with it.

    Args:
        confirmed_email: the `comparable` form of the address that a mail reached; another `email` is unconfirmed.

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
    confirmed_email: str = ""

    def __post_init__(self) -> None:
        faults = _username_faults(self.username)
        for name in ("first_name", "last_name"):
            faults += text_faults(name, getattr(self, name), min_length=0, max_length=NAME_LENGTH_MAX)
        if self.email:
            faults += _email_faults(self.email)
        if faults:
            raise Invalid(*faults)

    @property
    def username_key(self) -> str:
        """What must be unique: `Ada`, `ada` and `ＡＤＡ` are one username."""
        return comparable(self.username)

    @property
    def email_confirmed(self) -> bool:
        """Whether a mail to `email` reached the owner of this account."""
        return bool(self.email) and self.confirmed_email == comparable(self.email)

    @property
    def actor(self) -> Actor:
        """The actor who uses this account."""
        return self.acting()

    def acting(self, session: UUID | None = None) -> Actor:
        """The actor who uses this account, in a session."""
        return Actor(self.id, self.role, session)

    @property
    def is_active_admin(self) -> bool:
        """Whether this is an active admin, of whom there must always be one."""
        return self.active and self.role is Role.ADMIN

    @property
    def words(self) -> frozenset[str]:
        """The words under which staff find this account."""
        return search_terms(self.username, self.email, self.first_name, self.last_name)

    def edited(self, change: ProfileChange, now: datetime) -> Account:
        """The account after its owner changed the profile; itself if nothing differs.

        Raises:
            Invalid: a new value breaks its rule.
        """
        return self._with(
            now,
            first_name=self.first_name if change.first_name is None else change.first_name,
            last_name=self.last_name if change.last_name is None else change.last_name,
            email=self.email if change.email is None else change.email,
        )

    def confirmed(self) -> Account:
        """The account after a mail reached its owner."""
        return replace(self, confirmed_email=comparable(self.email))

    def assigned(self, change: AccountStatusChange, now: datetime) -> Account:
        """The account after an admin changed its role or status; itself if nothing differs."""
        return self._with(
            now,
            role=self.role if change.role is None else change.role,
            active=self.active if change.active is None else change.active,
        )

    def _with(self, now: datetime, **values: object) -> Account:
        changed = replace(self, **values)  # type: ignore[arg-type]
        return self if changed == self else replace(changed, updated_at=now)


def check_email(email: str) -> None:
    """Check that this can be an address.

    Raises:
        Invalid
    """
    if faults := _email_faults(email):
        raise Invalid(*faults)


def _email_faults(email: str) -> list[Fault]:
    faults = text_faults("email", email, min_length=3, max_length=EMAIL_LENGTH_MAX)
    if not _EMAIL.fullmatch(email):
        faults.append(Fault("email", f"{email[:80]!r} is not an email address", "invalid_email"))
    return faults


def _username_faults(username: str) -> list[Fault]:
    min_length, max_length = USERNAME_LENGTHS
    faults = text_faults("username", username, min_length=min_length, max_length=max_length)
    if faults:
        return faults
    # The key must keep the rule too: one letter can stand for eighteen with spaces between them (U+FDFA).
    key = comparable(username)
    characters = "".join(char for char in username + key if not is_combining_mark(char))
    if not _USERNAME.fullmatch(characters) or is_combining_mark(username[0]) or _INVISIBLE.search(characters):
        faults.append(Fault("username", "may have letters, digits and . @ + - _ only", "invalid_username"))
    elif len(key) > max_length:
        rule = f"must have at most {max_length} characters in its plain form, this has {len(key)}"
        faults.append(Fault("username", rule, "too_long"))
    return faults


def check_new_username(username: str) -> None:
    """Check that a new username does not imitate another one with letters of another script (as Unicode's TR39) or
    with characters that nobody sees.

    Names that were given before stay good.

    Raises:
        Invalid: its letters are of several scripts, or it has invisible characters.
    """
    if normalized_code(username) != normalized(username):
        raise Invalid(Fault("username", "has characters that nobody sees", "invisible_character"))
    if len(scripts := sorted(scripts_of(comparable(username)))) > 1:
        rule = f"has letters of several scripts ({', '.join(scripts)}): use those of one, lest it imitates another name"
        raise Invalid(Fault("username", rule, "mixed_scripts"))


def check_admin_stays(admins: Collection[Account], changed: Account) -> None:
    """Check that a change leaves the shop an active admin, if it has one.

    Args:
        admins: all active admins as they are stored, locked, so that two changes cannot each count on the other.
        changed: one account, as it is going to be.

    Raises:
        LastAdmin: `changed` is the only one, and would no longer be one.
    """
    if not changed.is_active_admin and [admin.id for admin in admins] == [changed.id]:
        raise LastAdmin(changed.id)


@dataclass(frozen=True, slots=True)
class ProfileChange:
    """What a user changes of their own account; None keeps. Texts are normalized."""

    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None

    def __post_init__(self) -> None:
        for name in ("first_name", "last_name", "email"):
            if isinstance(value := getattr(self, name), str):
                object.__setattr__(self, name, normalized(value))


@dataclass(frozen=True, slots=True)
class AccountStatusChange:
    """What an admin changes of an account; None keeps.

    Args:
        role: what it may do from now on.
        active: whether it may log in; False ends its sessions.
    """

    role: Role | None = None
    active: bool | None = None


@dataclass(frozen=True, slots=True)
class AccountQuery:
    """Which accounts to list, by username. All conditions that are given must hold.

    Args:
        words: from `search_words`; a word of the username, the email address or the names must begin with each. A
            search without any word finds nothing.
        role: with this role exactly.
        active: whether they may log in.
    """

    words: tuple[str, ...] | None = None
    role: Role | None = None
    active: bool | None = None

    def __post_init__(self) -> None:
        check_words(self.words or ())

    def matches(self, account: Account) -> bool:
        """Whether `account` is one of them."""
        return (
            (self.role is None or account.role is self.role)
            and (self.active is None or account.active == self.active)
            and (self.words is None or _is_found(self.words, account.words))
        )


def _is_found(beginnings: Sequence[str], within: Collection[str]) -> bool:
    return bool(beginnings) and all(is_among(word, within, is_beginning=True) for word in beginnings)
