"""Exactly once: a request with an idempotency key is carried out once, however often it is sent.

A key belongs to its customer and never expires. It is claimed first, in the unit of work of the request itself, so a
duplicate that runs at the same time waits and then gets the result of the first. Only success is remembered: a request
that is refused leaves nothing, and its key stays free.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Generic, NamedTuple, TypeVar
from uuid import UUID

from shop_core.errors import Fault, Invalid, KeyReused

T = TypeVar("T")

KEY_LENGTH_MAX = 255
_KEY = re.compile(f"[ -~]{{1,{KEY_LENGTH_MAX}}}")

CustomerKey = tuple[UUID, str]
"""A customer and one of their idempotency keys: what there is at most one claim of."""


def check_key(key: str) -> None:
    """Check that an idempotency key is one.

    Raises:
        Invalid: it is not 1 to 255 printable ASCII characters.
    """
    if not _KEY.fullmatch(key):
        rule = f"must be 1 to {KEY_LENGTH_MAX} printable ASCII characters, this is {key[:40]!r} ({len(key)} characters)"
        raise Invalid(Fault("idempotency_key", rule, "invalid_idempotency_key"))


def fingerprint(*parts: str | int | UUID | None) -> bytes:
    """The SHA-256 of what was asked for, by value and not by spelling: it tells one request from another.

    Keys never expire, so the fingerprint of a request must never change.
    """
    return hashlib.sha256("\x1f".join(map(str, parts)).encode()).digest()


class Claim(NamedTuple):
    """A key that a request has, or asks for.

    Args:
        fingerprint: of the request.
        result_id: of the order or reservation that it makes.
    """

    customer_id: UUID
    key: str
    fingerprint: bytes
    result_id: UUID

    @property
    def customer_key(self) -> CustomerKey:
        """The key together with its customer."""
        return self.customer_id, self.key


class Result(NamedTuple, Generic[T]):
    """What a request made.

    Args:
        replayed: it was made before, by the same request with the same key.
    """

    value: T
    replayed: bool = False


class KeyedResults(Generic[T]):
    """What each key of a batch stands for, while the batch is decided.

    Args:
        earlier: the claims of earlier units of work.
        results: what they made, by id, where it still exists.
    """

    def __init__(self, earlier: Mapping[CustomerKey, Claim], results: Mapping[UUID, T]) -> None:
        self._results = {key: (claim, results.get(claim.result_id)) for key, claim in earlier.items()}
        self.new_claims: list[Claim] = []

    def find(self, claim: Claim | None) -> Result[T] | None:
        """What the same request made before; None if it has still to be decided.

        Raises:
            KeyReused: the key was used for another request.
        """
        found = self._results.get(claim.customer_key) if claim else None
        if claim is None or found is None:
            return None
        earlier, result = found
        if earlier.fingerprint != claim.fingerprint or result is None:
            raise KeyReused(claim.key)
        return Result(result, replayed=True)

    def record(self, claim: Claim | None, result: T) -> None:
        """From now on the key stands for `result`."""
        if claim is not None:
            self._results[claim.customer_key] = claim, result
            self.new_claims.append(claim)


def first_claims(claims: Iterable[Claim | None]) -> list[Claim]:
    """The first claim of each key: two requests of one batch may have the same key."""
    first: dict[CustomerKey, Claim] = {}
    for claim in claims:
        if claim is not None:
            first.setdefault(claim.customer_key, claim)
    return list(first.values())
