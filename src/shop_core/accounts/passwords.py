"""Which passwords may be set: long ones of any composition that nobody guesses first (NIST SP 800-63B, 3.1.1.2)."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

from shop_core.accounts.common_passwords import COMMON_PASSWORDS
from shop_core.errors import Fault, Invalid
from shop_core.text import comparable, is_storable

PASSWORD_LENGTHS = (8, 256)

IsBreached = Callable[[str], bool]
"""Whether a password is known to have leaked somewhere."""

# Rows of keyboards, and the alphabet. Each counts in both directions, and digits wrap around.
_ROWS = ("1234567890" * 2, "qwertyuiop", "asdfghjkl", "qwertzuiop", "azertyuiop", "abcdefghijklmnopqrstuvwxyz")
_RUNS = ("0123456789" * 2, "9876543210" * 2, *_ROWS, *(row[::-1] for row in _ROWS))


def password_length(password: str) -> int:
    """In characters as they are hashed: composed (NFC), however a keyboard sends them."""
    return len(unicodedata.normalize("NFC", password))


def never_breached(_: str) -> bool:
    """For a shop without a list of leaked passwords."""
    return False


def check_password(
    password: str,
    is_breached: IsBreached = never_breached,
    *,
    field: str = "password",
    username: str = "",
    email: str = "",
) -> None:
    """Check that a password may be set.

    Args:
        password: the new one.
        is_breached: asked last.
        field: the name to report.
        username, email: of the account: attackers try these first.

    Raises:
        Invalid: it is shorter than 8 or longer than 256 characters (`too_short`, `too_long`), has characters that no
            login can send (`forbidden_character`), is easy to guess (`common_password`), or has leaked
            (`breached_password`). The message never repeats the password.
    """
    min_length, max_length = PASSWORD_LENGTHS
    length = password_length(password)
    if not min_length <= length <= max_length:
        rule = f"must have from {min_length} to {max_length} characters, this has {length}"
        raise Invalid(Fault(field, rule, "too_short" if length < min_length else "too_long"))
    if not is_storable(password):
        rule = "has a NUL or half of a character, which no login can send"
        raise Invalid(Fault(field, rule, "forbidden_character"))
    if reason := _why_guessed(comparable(password), comparable(username), comparable(email)):
        raise Invalid(Fault(field, f"is too easy to guess: {reason}. Choose another one", "common_password"))
    if is_breached(unicodedata.normalize("NFC", password)):  # as it is hashed
        rule = "is in a list of passwords that have leaked elsewhere. Choose another one"
        raise Invalid(Fault(field, rule, "breached_password"))


def _why_guessed(password: str, username: str, email: str) -> str:
    """Why `password` is easy to guess; empty if it is not. All arguments are in the form of `comparable`."""
    if password in COMMON_PASSWORDS:
        return "it is one of the most common passwords"
    if len(set(password)) == 1:
        return "it is one character over and over"
    if any(password in run for run in _RUNS):
        return "it is a run of neighbouring keys or letters"
    names = {username, email, email.partition("@")[0]} - {""}
    if password in names or password[::-1] in names:
        return "it is the username or the email address"
    return ""
