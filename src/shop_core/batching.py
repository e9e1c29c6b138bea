"""Deciding many requests in one unit of work: what placing, reserving and editing have in common.

Each kind of request brings a `Draft`: how one request is granted or refused. Everything else is here, once:
idempotency keys, what requests take from one another, and units whose reservation has expired.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import compress
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID

from shop_core.errors import Busy, InsufficientStock, Refusal
from shop_core.idempotency import CustomerKey, KeyClaim, Result, replay
from shop_core.inventory.model import LINES_MAX, NewId, StockLevel, StockMovement, levels_after
from shop_core.ports import Keys, UnitOfWork
from shop_core.reservations.reserving import expiry_of


class NeedsStock(Protocol):
    """What needs units: a request, or a reservation that is named in one."""

    @property
    def units(self) -> Mapping[UUID, int]:
        """The units of each product that it takes from what is available, or holds."""


class Request(NeedsStock, Protocol):
    """What a batch can decide."""

    def key_claim(self, result_id: UUID, /) -> KeyClaim | None:
        """The claim of its idempotency key for what it may make; None without a key."""


class Draft(Protocol):
    """What a batch is going to write: grants its requests one by one, and collects what each makes."""

    def grant(self, request: Any, result_id: UUID, available: Mapping[UUID, int], /) -> Any:
        """What the request makes. It gets everything it asks for, or is refused and takes nothing.

        Args:
            result_id: of what it makes.
            available: units that can be sold, less what the requests before it took.

        Raises:
            Refusal
        """


Q = TypeVar("Q", bound=Request)
D = TypeVar("D", bound=Draft)
R = TypeVar("R")

Levels = Mapping[UUID, StockLevel]
Expire = Callable[[Iterable[UUID], int], list[StockMovement]]


@dataclass(frozen=True, slots=True)
class BatchDecision(Generic[R, D]):
    """What is to be answered and written for a batch.

    Args:
        outcomes: one for each request, in their order: what it made, or the refusal that it would have got alone.
        draft: what is to be written.
        new_claims: the keys that stand for something new.
        expired: ledger lines of expired reservations, to be applied before those of the draft.
    """

    outcomes: tuple[Result[R] | Refusal, ...]
    draft: D
    new_claims: Mapping[CustomerKey, KeyClaim]
    expired: Sequence[StockMovement] = ()


class Batch(Generic[Q, R]):
    """Requests that are decided together, first come, first served. Two of them may have the same key.

    Args:
        ids: of what each request may make.
    """

    def __init__(self, requests: Sequence[Q], ids: Sequence[UUID]) -> None:
        self._requests = [(request, id_, request.key_claim(id_)) for request, id_ in zip(requests, ids, strict=True)]
        last_to_first = [claim for _, _, claim in reversed(self._requests) if claim is not None]
        self._first_claims = {claim.customer_key: claim for claim in last_to_first}
        self._earlier: Mapping[CustomerKey, KeyClaim] = {}
        self._postponed: set[UUID] = set()

    def postpone(self, are_busy: Iterable[bool]) -> None:
        """Say for each request, in their order, whether it cannot be decided now: it is refused as `Busy`."""
        self._postponed.update(id_ for (_, id_, _), is_busy in zip(self._requests, are_busy, strict=True) if is_busy)

    def claim_keys(self, keys: Keys, *, wait: bool = True) -> list[UUID]:
        """Claim the keys of all requests; returns the ids of what earlier requests with these keys made."""
        self._earlier = keys.claim(list(self._first_claims.values()), wait=wait)
        return [claim.result_id for claim in self._earlier.values()]

    def decide(
        self, levels: Levels, new_draft: Callable[[], D], results: Mapping[UUID, R], expire: Expire
    ) -> BatchDecision[R, D]:
        """Decide; while stock is short, take back units whose reservation has expired, and decide again.

        Args:
            levels: the stock of all products that may be needed, locked.
            new_draft: begins a draft.
            results: what earlier requests with the same keys made, by id.
            expire: `expire_due` in the unit of work.
        """
        decision = self.decide_once(new_draft(), levels, results)
        if any(isinstance(outcome, InsufficientStock) for outcome in decision.outcomes):
            return self._decide_again(decision, levels, new_draft, results, expire)
        return decision

    def _decide_again(
        self,
        decision: BatchDecision[R, D],
        levels: Levels,
        new_draft: Callable[[], D],
        results: Mapping[UUID, R],
        expire: Expire,
    ) -> BatchDecision[R, D]:
        """Decide again until no request lacks what could be taken back. Whoever is granted then may take units that
        others got before: so products may be short that were not.
        """
        expired, seen = list[StockMovement](), set[UUID]()
        while len(expired) < LINES_MAX:
            are_short = [isinstance(outcome, InsufficientStock) for outcome in decision.outcomes]
            short = [request for request, _, _ in compress(self._requests, are_short)]
            product_ids = (product_ids_of(short) & levels.keys()) - seen
            if not (taken_back := expire(product_ids, LINES_MAX - len(expired))):
                return decision
            seen |= product_ids
            expired += taken_back
            levels = levels_after(levels, taken_back)
            decision = replace(self.decide_once(new_draft(), levels, results), expired=expired)
        return _with_rest_due(decision)

    def decide_once(self, draft: D, levels: Levels, results: Mapping[UUID, R]) -> BatchDecision[R, D]:
        """Decide request by request, each seeing what the ones before it left. No I/O; see `decide`."""
        available = {product_id: level.available for product_id, level in levels.items()}
        made = {key: (claim, results.get(claim.result_id)) for key, claim in self._earlier.items()}
        new_claims: dict[CustomerKey, KeyClaim] = {}
        outcomes: list[Result[R] | Refusal] = []
        for request, result_id, claim in self._requests:
            try:
                if claim is not None and (before := made.get(claim.customer_key)) is not None:
                    outcomes.append(replay(claim, *before))
                    continue
                if result_id in self._postponed:
                    raise Busy
                result = draft.grant(request, result_id, available)
                for product_id, quantity in request.units.items():
                    available[product_id] -= quantity
                if claim is not None:
                    made[claim.customer_key], new_claims[claim.customer_key] = (claim, result), claim
                outcomes.append(Result(result))
            except Refusal as refusal:
                outcomes.append(refusal)
        return BatchDecision(tuple(outcomes), draft, new_claims)

    def settle_keys(self, keys: Keys, kept: Mapping[CustomerKey, KeyClaim]) -> None:
        """Free the keys of requests that were refused; `kept` are those of requests that made something new.

        If two requests share a key and the first was refused, the key goes to the one that succeeded.
        """
        claimed = {key: claim for key, claim in self._first_claims.items() if key not in self._earlier}
        if claimed != kept:
            keys.forget([claim for key, claim in claimed.items() if kept.get(key) != claim])
            keys.claim([claim for key, claim in kept.items() if claimed[key] != claim])


def _with_rest_due(decision: BatchDecision[R, D]) -> BatchDecision[R, D]:
    """More units may be due than were taken back: a request that lacks some is not refused, but `Busy`."""
    busy = Busy("Expired reservations are being ended. Nothing was done: try again shortly.")
    outcomes = (busy if isinstance(outcome, InsufficientStock) else outcome for outcome in decision.outcomes)
    return replace(decision, outcomes=tuple(outcomes))


def expire_due(
    uow: UnitOfWork, product_ids: Iterable[UUID], limit: int, now: datetime, new_id: NewId
) -> list[StockMovement]:
    """Take back what expired reservations hold of these products, before anyone is refused for lack of stock.

    Args:
        product_ids: their stock is locked.
        limit: how many lines of reservations at most.
        now: on the clock of the store, read after the locks.

    Returns:
        The ledger lines, to be applied.
    """
    lines = uow.reservations.due_lines(product_ids, now, limit)
    if lines:
        uow.reservations.release_lines(lines)
    return expiry_of(lines, now, new_id)


def product_ids_of(needs: Iterable[NeedsStock]) -> set[UUID]:
    """The products whose stock these need."""
    return set[UUID]().union(*[each.units for each in needs])


def result_of(outcomes: Sequence[Result[R] | Refusal]) -> Result[R]:
    """The result of the one request of a batch.

    Raises:
        Refusal: it was refused.
    """
    (outcome,) = outcomes
    if isinstance(outcome, Refusal):
        raise outcome
    return outcome
