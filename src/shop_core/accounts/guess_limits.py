"""How often a password may be guessed. Pure.

Each login takes a token of one or two buckets, before the password is looked at:
- with a device token of the account (an earlier login from that device succeeded), of a bucket of this device alone.
  Others cannot empty it, so an attack never locks the owner out of the devices that they use;
- otherwise of the bucket that all unrecognised devices share for this account, and of a small one for each address.

A right password returns the tokens, so logging in never uses up the limit; but they are taken first, so simultaneous
guesses cannot slip through together. Unknown usernames are limited like all others, so that a refusal does not tell
which usernames exist.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from math import ceil
from typing import NamedTuple
from uuid import UUID

from shop_core.errors import TooManyAttempts
from shop_core.token_bucket import TokenBucket

# In 10 minutes at most 30 + 30 guesses from unrecognised devices, 10 + 10 from a stolen device and 10 + 10 with a
# stolen access token: 100 for one account, as SECURITY.md promises.
UNRECOGNISED_DEVICES = TokenBucket(30, refill_s=20)
ONE_ADDRESS = TokenBucket(10, refill_s=60)
ONE_DEVICE = TokenBucket(10, refill_s=60)
PASSWORD_CHANGE = TokenBucket(10, refill_s=60)

MAIL_TO_ADDRESS = TokenBucket(5, refill_s=600)
MAIL_FROM_CLIENT = TokenBucket(20, refill_s=60)


class Guess(NamedTuple):
    """A bucket of which one guess takes a token.

    Args:
        key: of the bucket; a hash, since people type their password where the username belongs.
    """

    key: bytes
    bucket: TokenBucket


def guesses_of_login(username_key: str, client: str, device: str | None) -> list[Guess]:
    """The buckets of a login.

    Args:
        username_key: of an account, or of none.
        client: where the login comes from, e.g. a network address; empty if unknown.
        device: a valid device token of this account, if one was sent.
    """
    if device is not None:
        return [Guess(_key("device", username_key, device), ONE_DEVICE)]
    account = Guess(_key("account", username_key), UNRECOGNISED_DEVICES)
    return [account, Guess(_key("address", username_key, client), ONE_ADDRESS)] if client else [account]


def guesses_of_change(account_id: UUID) -> list[Guess]:
    """The bucket of a password change, which asks for the present password."""
    return [Guess(_key("change", account_id.hex), PASSWORD_CHANGE)]


def mail_guesses(kind: str, address: str, client: str) -> list[Guess]:
    """The buckets of a mail that somebody asks for.

    Args:
        kind: of mail.
        address: to which it goes, whether an account has it or not.
        client: who asks; empty if unknown.
    """
    to_address = Guess(_key("mail to", kind, address), MAIL_TO_ADDRESS)
    return [to_address, Guess(_key("mail from", kind, client), MAIL_FROM_CLIENT)] if client else [to_address]


def take_tokens(guesses: Sequence[Guess], full_at: Mapping[bytes, datetime], now: datetime) -> dict[bytes, datetime]:
    """Take one token of each bucket: when each will be full after that.

    Args:
        full_at: when each would be full without; a bucket that is left out is full.

    Raises:
        TooManyAttempts: a bucket is empty; nothing is taken.
    """
    after: dict[bytes, datetime] = {}
    missing_s = 0.0
    for key, bucket in guesses:
        full_in_s, of_this = bucket.after_taking((full_at.get(key, now) - now).total_seconds())
        missing_s = max(missing_s, of_this)
        after[key] = now + timedelta(seconds=full_in_s)
    if missing_s:
        raise TooManyAttempts(ceil(missing_s))
    return after


def return_tokens(guesses: Sequence[Guess], full_at: Mapping[bytes, datetime]) -> dict[bytes, datetime]:
    """Return one token to each bucket: when each will be full after that."""
    return {key: full_at[key] - timedelta(seconds=bucket.refill_s) for key, bucket in guesses if key in full_at}


def _key(*parts: str) -> bytes:
    """Each part is hashed by itself, so that different parts never look alike when joined."""
    return hashlib.sha256(b"".join(map(_hash, parts))).digest()


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
