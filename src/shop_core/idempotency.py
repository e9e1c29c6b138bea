"""Exactly once: a request with an idempotency key is carried out once, however often it is sent.

A key belongs to the account that sends it and never expires. It is claimed first, in the unit of work of the request
itself, so a duplicate that runs at the same time waits and then gets the result of the first. Only success is
remembered: a request that is refused leaves nothing, and its key stays free. Orders and reservations are made in
batches, which claim the keys of all their requests at once (`batching`); everything else claims an `IdempotencyKey`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import Any, Generic, NamedTuple, TypeVar
from uuid import UUID

from shop_core.errors import Fault, Invalid, KeyReused

T = TypeVar("T")

KEY_LENGTH_MAX = 255
_KEY = re.compile(f"[ -~]{{1,{KEY_LENGTH_MAX}}}")

CustomerKey = tuple[UUID, str]
"""A customer and one of their idempotency keys: what there is at most one claim of."""

NO_RESULT = UUID(int=0)
"""The result of a request whose result is not looked up by an id of its own, such as an edit."""


def check_key(key: str) -> None:
    """Raise Invalid unless an idempotency key is 1 to 255 printable ASCII characters."""
    if not _KEY.fullmatch(key):
        rule = f"must be 1 to {KEY_LENGTH_MAX} printable ASCII characters, this is {key[:40]!r} ({len(key)} characters)"
        raise Invalid(Fault("idempotency_key", rule, "invalid_idempotency_key"))


def fingerprint(*parts: str | int | UUID | None) -> bytes:
    """The SHA-256 of what was asked for, by value and not by spelling: it tells one request from another.

    Keys never expire, so the fingerprint of a request must never change.
    """
    return hashlib.sha256("\x1f".join(map(str, parts)).encode(errors="surrogatepass")).digest()


class KeyClaim(NamedTuple):
    """A key that a request has, or asks for.

    Args:
        fingerprint: of the request.
        result_id: of what it makes, or `NO_RESULT`.
        removable_id: of what it makes, if that may be deleted; then `result_id` is `NO_RESULT`.
    """

    customer_id: UUID
    key: str
    fingerprint: bytes
    result_id: UUID
    removable_id: UUID | None = None

    @property
    def customer_key(self) -> CustomerKey:
        """The key together with its customer."""
        return self.customer_id, self.key


class IdempotencyKey:
    """The key of one request to change something. The client makes it before the first try and keeps it for retries.

    Args:
        text: 1 to 255 printable ASCII characters.

    Attributes:
        is_replay: whether the request had been carried out before; then it changed nothing this time, and its result
            is shown as it is now.
        result_id: of what the request made.

    Raises:
        Invalid: `text` is not a key.
    """

    __slots__ = ("is_replay", "result_id", "text")

    def __init__(self, text: str) -> None:
        check_key(text)
        self.text = text
        self.is_replay = False
        self.result_id = NO_RESULT

    def claim(
        self,
        claim_all: Callable[[Sequence[KeyClaim]], Mapping[CustomerKey, KeyClaim]],
        account_id: UUID,
        *request: str | int | UUID | None,
        result_id: UUID = NO_RESULT,
        removable_id: UUID | None = None,
    ) -> bool:
        """Claim the key for a request, in the unit of work of that request and before anything is locked.

        Args:
            claim_all: of the unit of work: `uow.keys.claim`.
            account_id: whose key it is.
            request: what tells the request from others; see `fingerprint`.
            result_id: of what it would make, if that can be looked up by its id.
            removable_id: the same, if it may be deleted: the audit does not look for it.

        Returns:
            Whether the same request was carried out before with this key.

        Raises:
            KeyReused: the key was used for another request.
        """
        asked = KeyClaim(account_id, self.text, fingerprint(*request), result_id, removable_id)
        earlier = claim_all([asked]).get(asked.customer_key)
        if earlier is not None and earlier.fingerprint != asked.fingerprint:
            raise KeyReused(self.text)
        self.is_replay = earlier is not None
        made = earlier or asked
        self.result_id = made.removable_id or made.result_id
        return self.is_replay


Key = IdempotencyKey | None
"""Of a change that may come without one: then a retry is another change."""


def fields_of(value: Any) -> Iterator[str]:
    """The fields of a dataclass for a fingerprint: those that were given, so that a new field with a default does not
    change the fingerprint of requests that do not give it. What is nested in them is whole: a new field there must be
    left out while it has its default, see `test_idempotency.py`.
    """
    return (
        f"{field.name}={_text(given)}"
        for field in fields(value)
        if (given := getattr(value, field.name)) != field.default
    )


def _text(value: Any) -> str:
    """Its `repr`, but sets are sorted: their `repr` depends on the order in which they were filled."""
    if isinstance(value, frozenset) and len(value) > 1:
        return f"frozenset({{{', '.join(sorted(map(repr, value)))}}})"
    if is_dataclass(value):
        inner = [f"{field.name}={_text(getattr(value, field.name))}" for field in fields(value) if field.repr]
        return f"{type(value).__qualname__}({', '.join(inner)})"
    return repr(value)


def made_before(entry: T | None, key: IdempotencyKey) -> T:
    """What an earlier request with this key made, as it is now.

    Raises:
        KeyReused: it is not there any more.
    """
    if entry is None:
        raise KeyReused(key.text)
    return entry


class Result(NamedTuple, Generic[T]):
    """What a request made.

    Args:
        replayed: it was made before, by the same request with the same key.
    """

    value: T
    replayed: bool = False


def replay(claim: KeyClaim, earlier: KeyClaim, result: T | None) -> Result[T]:
    """What the same request made before.

    Args:
        claim: of the request.
        earlier: the claim of its key by an earlier request.
        result: what that one made; None if it is gone.

    Raises:
        KeyReused: the key was used for another request.
    """
    if earlier.fingerprint != claim.fingerprint or result is None:
        raise KeyReused(claim.key)
    return Result(result, replayed=True)
