"""How often a password may be guessed: by whom, of which account. Pure; `AccountService` loads, asks and stores.

An allowance is a bucket of tries that fills up again, one each time that some seconds have passed. All that has to be
kept of one is the moment at which it will be full (the generic cell rate algorithm): no row at all means full.

Who stands in front of an account is told apart by what he can show:
- a device token of this account: a login from that device succeeded before. It has an allowance of its own, which no
  stranger can use up, so whoever attacks an account never locks its owner out of the devices that he uses;
- nothing: all strangers share the allowance of the account, and each address has a small part of it.

A try is taken before the password is looked at, and given back if it was right: guesses at the same moment cannot slip
through together, and logging in with the right password is never used up. Usernames that nobody has are counted
like all others, so refusals do not tell who is registered.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from shop_core.errors import TooManyAttempts


@dataclass(frozen=True, slots=True)
class Allowance:
    """So many tries at once, and one more each time that `every` has passed.

    In any time `t` at most `tries + t / every` are had.
    """

    tries: int
    every: timedelta


# Together at most 30 + 30 by strangers, 10 + 10 from a stolen device and 10 + 10 with a stolen access token are had
# in 10 minutes: 100 for one account, as promised.
BY_STRANGERS = Allowance(30, timedelta(seconds=20))
FROM_ONE_ADDRESS = Allowance(10, timedelta(seconds=60))
FROM_A_DEVICE = Allowance(10, timedelta(seconds=60))
OF_THE_OLD_PASSWORD = Allowance(10, timedelta(seconds=60))


@dataclass(frozen=True, slots=True)
class Guess:
    """What one guess takes a try of.

    Args:
        key: under which the allowance is kept; a hash, since people type their password where the username belongs.
        allowance: which.
    """

    key: bytes
    allowance: Allowance


def guesses_of_login(username_key: str, client: str, device: str | None) -> list[Guess]:
    """What a login takes tries of.

    Args:
        username_key: whose account, or nobody's.
        client: where it comes from, e.g. a network address; empty if that is not known.
        device: a device token of this account, if one was shown.
    """
    if device is not None:
        return [Guess(_key("device", username_key, device), FROM_A_DEVICE)]
    account = Guess(_key("account", username_key), BY_STRANGERS)
    return [account, Guess(_key("address", username_key, client), FROM_ONE_ADDRESS)] if client else [account]


def guesses_of_change(account_id: UUID) -> list[Guess]:
    """What a change of the password takes tries of, as it asks for the present one."""
    return [Guess(_key("change", account_id.hex), OF_THE_OLD_PASSWORD)]


def taken(guesses: Sequence[Guess], full_at: Mapping[bytes, datetime], now: datetime) -> dict[bytes, datetime]:
    """When each allowance is full again, after a try was taken of all.

    Args:
        full_at: when each would be without; one that is left out is full.

    Raises:
        TooManyAttempts: one is used up; nothing counts as taken.
    """
    after = {guess.key: max(full_at.get(guess.key, now), now) + guess.allowance.every for guess in guesses}
    waits = [after[guess.key] - now - guess.allowance.tries * guess.allowance.every for guess in guesses]
    if (wait := max(waits)) > timedelta(0):
        raise TooManyAttempts(-int(-wait.total_seconds() // 1))
    return after


def given_back(guesses: Sequence[Guess], full_at: Mapping[bytes, datetime]) -> dict[bytes, datetime]:
    """When each is full again, after the try was given back."""
    return {guess.key: full_at[guess.key] - guess.allowance.every for guess in guesses if guess.key in full_at}


def _key(*parts: str) -> bytes:
    """Each part is hashed by itself, so that no two choices of them look alike put together."""
    return hashlib.sha256(b"".join(map(_hash, parts))).digest()


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
