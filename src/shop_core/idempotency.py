"""Exactly once: a request that bears a key is carried out once, however often it is sent.

A key belongs to its customer and never expires. It is claimed first, in the unit of work of the request itself, so a
twin of the request that runs at the same time waits and then gets the answer of the first. Only success is
remembered: a request that was refused leaves nothing, and its key is free.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar
from uuid import UUID

from shop_core.errors import Fault, Invalid, KeyReused

T = TypeVar("T")

KEY_LENGTH_MAX = 255
_KEY = re.compile(f"[ -~]{{1,{KEY_LENGTH_MAX}}}")

Slot = tuple[UUID, str]
"""A customer and a key of his."""


def check_key(key: str) -> None:
    """Let only keys pass that are keys.

    Raises:
        Invalid: it is not 1 to 255 printable ASCII characters.
    """
    if not _KEY.fullmatch(key):
        rule = f"must be 1 to {KEY_LENGTH_MAX} printable ASCII characters, this is {key[:40]!r} ({len(key)} characters)"
        raise Invalid(Fault("idempotency_key", rule, "invalid_idempotency_key"))


def fingerprint(*parts: str | int | UUID | None) -> bytes:
    """What tells one request from another: the SHA-256 of what was asked for, by value and not by spelling.

    Keys never expire, so what this makes of a request must never change.
    """
    return hashlib.sha256("\x1f".join(map(str, parts)).encode()).digest()


@dataclass(frozen=True, slots=True)
class Claim:
    """A key that a request has, or wants to have.

    Args:
        fingerprint: of the request.
        result_id: of what it makes: an order or a reservation.
    """

    customer_id: UUID
    key: str
    fingerprint: bytes
    result_id: UUID

    @property
    def slot(self) -> Slot:
        """What there can be one claim of."""
        return self.customer_id, self.key


@dataclass(frozen=True, slots=True)
class Result(Generic[T]):
    """What a request made.

    Args:
        replayed: it was made before, by the same request with the same key.
    """

    value: T
    replayed: bool = False


class KeyedResults(Generic[T]):
    """What the keys of a batch stand for, while it is decided.

    Args:
        taken: the keys that earlier units of work took.
        results: what they made, by id, as far as it answers a request of this batch.
    """

    def __init__(self, taken: Mapping[Slot, Claim], results: Mapping[UUID, T]) -> None:
        self._made = {slot: (claim, results.get(claim.result_id)) for slot, claim in taken.items()}
        self.won: list[Claim] = []

    def to(self, claim: Claim | None) -> Result[T] | None:
        """The answer that the request got before; None if it has still to be decided.

        Raises:
            KeyReused: its key was used for another request.
        """
        made = self._made.get(claim.slot) if claim else None
        if claim is None or made is None:
            return None
        before, result = made
        if before.fingerprint != claim.fingerprint or result is None:
            raise KeyReused(claim.key)
        return Result(result, replayed=True)

    def note(self, claim: Claim | None, result: T) -> None:
        """From now on the key stands for what its request made."""
        if claim is not None:
            self._made[claim.slot] = claim, result
            self.won.append(claim)


def first_of_each(claims: Iterable[Claim | None]) -> list[Claim]:
    """The first claim of each key: twins on one batch want the same one."""
    first: dict[Slot, Claim] = {}
    for claim in claims:
        if claim is not None:
            first.setdefault(claim.slot, claim)
    return list(first.values())
