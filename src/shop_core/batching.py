"""Deciding many requests in one unit of work: what placing, reserving and editing have in common.

Each kind of request brings an `Attempt`: how one request is granted or refused. Everything else is here, once:
idempotency keys, what requests take from one another, and units whose reservation has expired.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID

from shop_core.errors import InsufficientStock, Refusal
from shop_core.idempotency import Claim, CustomerKey, KeyedResults, Result, first_claims
from shop_core.inventory.model import NewId, StockLevel, StockMovement, levels_after
from shop_core.ports import Keys, UnitOfWork
from shop_core.reservations.allocation import expiry_of


class Request(Protocol):
    """What a batch can decide."""

    @property
    def units(self) -> Mapping[UUID, int]:
        """The units of each product that it takes from what is available."""

    def claim(self, result_id: UUID, /) -> Claim | None:
        """The claim of its idempotency key for what it may make; None without a key."""


class Attempt(Protocol):
    """One attempt to decide a batch: grants its requests one by one, and collects what is to be written."""

    def grant(self, request: Any, result_id: UUID, available: Mapping[UUID, int], /) -> Any:
        """What the request makes. It gets everything it asks for, or is refused and takes nothing.

        Args:
            result_id: of what it makes.
            available: units that can be sold, less what the requests before it took.

        Raises:
            Refusal
        """


Q = TypeVar("Q", bound=Request)
A = TypeVar("A", bound=Attempt)
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class BatchDecision(Generic[R, A]):
    """What is to be answered and written for a batch.

    Args:
        outcomes: one for each request, in their order: what it made, or the refusal that it would have got alone.
        attempt: what is to be written.
        expired: ledger lines of expired reservations, to be applied before those of the attempt.
        new_claims: the keys that stand for something new.
    """

    outcomes: tuple[Result[R] | Refusal, ...]
    attempt: A
    expired: list[StockMovement]
    new_claims: list[Claim]


class Batch(Generic[Q, R]):
    """Requests that are decided together, first come, first served.

    Args:
        ids: of what each request may make.
    """

    def __init__(self, requests: Sequence[Q], ids: Sequence[UUID]) -> None:
        self._requests, self._ids = requests, ids
        self._claims = [request.claim(id_) for request, id_ in zip(requests, ids, strict=True)]
        self._first_claims = first_claims(self._claims)
        self._earlier: Mapping[CustomerKey, Claim] = {}

    def claim_keys(self, keys: Keys) -> list[UUID]:
        """Claim the keys of all requests; returns the ids of what earlier requests with these keys made."""
        self._earlier = keys.claim(self._first_claims)
        return [claim.result_id for claim in self._earlier.values()]

    def decide(
        self,
        uow: UnitOfWork,
        levels: Mapping[UUID, StockLevel],
        start: Callable[[], A],
        results: Mapping[UUID, R],
        *,
        now: datetime,
        new_id: NewId,
    ) -> BatchDecision[R, A]:
        """Decide; if stock is short, take back units whose reservation has expired, and decide again.

        Args:
            levels: the stock of all products that may be needed, locked.
            start: begins an attempt.
            results: what earlier requests with the same keys made, by id.
            now: on the clock of the store, read after the locks.
        """
        decision = self.attempt(start(), levels, results)
        is_short = any(isinstance(outcome, InsufficientStock) for outcome in decision.outcomes)
        if is_short and (expired := expire_due(uow, levels, now, new_id)):
            return self.attempt(start(), levels_after(levels, expired), results, expired)
        return decision

    def attempt(
        self,
        attempt: A,
        levels: Mapping[UUID, StockLevel],
        results: Mapping[UUID, R],
        expired: Sequence[StockMovement] = (),
    ) -> BatchDecision[R, A]:
        """Decide request by request, each seeing what the ones before it left. Pure; see `decide`."""
        available = {product_id: level.available for product_id, level in levels.items()}
        keyed = KeyedResults(self._earlier, results)
        outcomes: list[Result[R] | Refusal] = []
        for request, result_id, claim in zip(self._requests, self._ids, self._claims, strict=True):
            try:
                outcome = keyed.find(claim) if claim else None
                if outcome is None:
                    outcome = Result(attempt.grant(request, result_id, available))
                    if claim:
                        keyed.record(claim, outcome.value)
                    for product_id, quantity in request.units.items():
                        available[product_id] -= quantity
                outcomes.append(outcome)
            except Refusal as refusal:
                outcomes.append(refusal)
        return BatchDecision(tuple(outcomes), attempt, list(expired), keyed.new_claims)

    def settle_keys(self, keys: Keys, new_claims: Sequence[Claim]) -> None:
        """Free the keys of refused requests.

        If two requests share a key and the first was refused, the key goes to the one that succeeded.
        """
        kept = {claim.customer_key: claim for claim in new_claims}
        mine = {claim.customer_key: claim for claim in self._first_claims if claim.customer_key not in self._earlier}
        if unused := [claim for key, claim in mine.items() if kept.get(key) != claim]:
            keys.forget(unused)
        if late := [claim for key, claim in kept.items() if mine[key] != claim]:
            keys.claim(late)


def expire_due(uow: UnitOfWork, product_ids: Iterable[UUID], now: datetime, new_id: NewId) -> list[StockMovement]:
    """Take back what expired reservations hold of these products, before anyone is refused for lack of stock.

    Args:
        product_ids: their stock is locked.
        now: on the clock of the store, read after the locks.

    Returns:
        The ledger lines, to be applied.
    """
    lines = uow.reservations.due_lines(product_ids, now)
    if lines:
        uow.reservations.release_lines(lines)
    return expiry_of(lines, now, new_id)


def product_ids_of(requests: Iterable[Request]) -> set[UUID]:
    """The products whose stock these requests ask for."""
    product_ids: set[UUID] = set()
    for request in requests:
        product_ids.update(request.units)
    return product_ids


def result_of(outcomes: Sequence[Result[R] | Refusal]) -> R:
    """What the one request of a batch made.

    Raises:
        Refusal: it was refused.
    """
    (outcome,) = outcomes
    if isinstance(outcome, Refusal):
        raise outcome
    return outcome.value
