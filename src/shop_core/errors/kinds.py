"""The kinds of refusals, and refusals that belong to no feature."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar


class Kind(StrEnum):
    """The kind of a refusal. A transport has one status for each."""

    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    STALE = "stale"
    GONE = "gone"
    INVALID = "invalid"
    MISMATCH = "mismatch"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    TOO_MANY = "too_many"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class Fault:
    """One broken rule of an input.

    Args:
        field: the path in the input, e.g. `lines.2.quantity`.
        message: the value and the rule, in words.
        code: stable, snake_case, e.g. `too_long`.
    """

    field: str
    message: str
    code: str


class Refusal(Exception):
    """The shop refuses. Catch this to catch every refusal."""

    kind: ClassVar[Kind]
    code: ClassVar[str]
    title: ClassVar[str]

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    def __reduce__(self) -> tuple[object, ...]:
        """As it is, and not by `__init__`, which makes the message anew: so it comes whole out of another process."""
        return _restored, (type(self), self.args, self.__dict__)


def _restored(refusal: type[Refusal], args: tuple[object, ...], attributes: dict[str, object]) -> Refusal:
    restored = refusal.__new__(refusal, *args)
    restored.__dict__.update(attributes)
    return restored


class NotFound(Refusal):
    """It does not exist, or it belongs to somebody else; the message never tells which."""

    kind = Kind.NOT_FOUND
    code = "not_found"
    title = "Not found"


class Conflict(Refusal):
    """The request is valid, but the present state does not allow it."""

    kind = Kind.CONFLICT
    code = "conflict"
    title = "Conflict"


class Stale(Refusal):
    """The client's copy is outdated: the request names a version, and there is a later one."""

    kind = Kind.STALE
    code = "stale_version"
    title = "Changed in the meantime"

    def __init__(self, expected: Collection[int], version: int) -> None:
        had = " or ".join(map(str, sorted(expected))) or "none of ours"
        super().__init__(f"You have version {had}, but this is at version {version} now. Read it again, then decide.")
        self.version = version


Versions = Collection[int] | None
"""A change is refused unless one of these versions is the newest; None: any."""


def check_version(version: int, expected: Versions) -> None:
    """Check that the client knows the newest version.

    Args:
        version: the stored one, read under its lock.
        expected: the versions that the client accepts as the newest; None for any.

    Raises:
        Stale: `version` is none of them.
    """
    if expected is not None and version not in expected:
        raise Stale(expected, version)


class Invalid(Refusal):
    """The input breaks a rule. Each such field is named, with its rule."""

    kind = Kind.INVALID
    code = "invalid_input"
    title = "Invalid input"

    def __init__(self, *faults: Fault) -> None:
        super().__init__("; ".join(f"{fault.field}: {fault.message}" for fault in faults))
        self.faults = faults


def check_seen(field: str, seen: object, stored: object, asked: object) -> None:
    """Check that a value without a version is still the one that somebody saw, or what they ask for already.

    Raises:
        Invalid: it is another one by now; for `field`.
    """
    if stored not in (seen, asked):
        rule = f"was {seen or 'nothing'} when you saw it, and is {stored or 'nothing'} now: send it again"
        raise Invalid(Fault(field, rule, "changed_meanwhile"))


class InvalidCursor(Invalid):
    """The cursor comes from another list, or it was changed."""

    code = "invalid_cursor"
    title = "Invalid cursor"

    def __init__(self, field: str = "cursor") -> None:
        super().__init__(Fault(field, "is not a cursor of this list: start again without one", "invalid_cursor"))


class CursorExpired(Refusal):
    """The cursor was good once, and cannot be followed any more."""

    kind = Kind.GONE
    code = "cursor_expired"
    title = "Cursor expired"

    def __init__(self) -> None:
        super().__init__(
            "This cursor is too old, or the shop was restored from a backup since: start again without one, and drop"
            " what you have."
        )


class Unauthenticated(Refusal):
    """A login is required."""

    kind = Kind.UNAUTHENTICATED
    code = "unauthenticated"
    title = "Login required"

    def __init__(
        self, message: str = "You are not logged in: log in and send the access token with each request."
    ) -> None:
        super().__init__(message)


class Forbidden(Refusal):
    """The actor's role does not allow this."""

    kind = Kind.FORBIDDEN
    code = "forbidden"
    title = "Not allowed"

    def __init__(self, needed: str) -> None:
        super().__init__(f"This needs the role {needed}.")
        self.needed = needed


class TooMany(Refusal):
    """This client sends more requests than it may. Nothing was done.

    Args:
        message: what there were too many of.
        retry_after_s: seconds after which it may try again.
    """

    kind = Kind.TOO_MANY
    code = "too_many_requests"
    title = "Too many requests"

    def __init__(self, message: str, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = max(1, retry_after_s)


class Unavailable(Refusal):
    """The shop cannot answer at the moment; the same request may succeed later. Whether a change was made is unknown if
    the database went away during its commit: the same request with the same key is safe.

    Args:
        message: what is unavailable.
        retry_after_s: seconds after which trying again makes sense.
    """

    kind = Kind.UNAVAILABLE
    code = "unavailable"
    title = "Temporarily unavailable"

    def __init__(self, message: str, retry_after_s: int = 1) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class Busy(Unavailable):
    """Others work on the same products or reservations, or there is more to do first than one step may take."""

    def __init__(
        self, message: str = "Somebody else works on the same rows. Nothing was done: try again shortly."
    ) -> None:
        super().__init__(message)
