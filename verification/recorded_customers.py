"""Customers in threads: each call is written down with what was asked, when, and what was answered."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from shop_core.accounts.model import Actor, Role
from shop_core.errors import InsufficientStock, Refusal, Unavailable
from shop_core.idempotency import Result
from shop_core.inventory.model import LineRequest
from shop_core.orders.model import Order, PlacementRequest
from shop_core.reservations.model import Reservation, ReservationRequest
from shop_core.shop import Shop
from verification.history import Op, Outcome, Verb

EXPECTED = {
    "place": {"insufficient_stock", "idempotency_key_reused"},
    "reserve": {"insufficient_stock", "idempotency_key_reused", "too_much_reserved"},
    "confirm": {"reservation_expired", "reservation_resolved", "idempotency_key_reused"},
    "release": {"reservation_expired", "reservation_resolved"},
    "extend": {"reservation_expired", "reservation_resolved"},
    "cancel": {"illegal_order_step"},
    "edit": {"illegal_order_step", "insufficient_stock"},
}
"""The refusals that a customer may get who asks for nothing wrong; of any other one the shop is to blame."""


@dataclass
class UnexpectedAnswers:
    """What should never have been answered."""

    found: list[str] = field(default_factory=list)
    deadlocks: int = 0

    def note(self, op: Op, refusal: Refusal | None) -> None:
        """Look at an answer."""
        if op.outcome == "refused" and op.code not in EXPECTED[op.op]:
            self.found.append(f"answer: {op.op} refused with {op.code}")
        if _state(refusal) == "40P01":
            self.deadlocks += 1
            self.found.append(f"deadlock: in {op.op}")

    def crash(self, error: BaseException) -> None:
        """Look at an exception that is no refusal."""
        self.found.append(f"error: {type(error).__name__}: {' '.join(str(error).split())[:160]}")


def _state(refusal: Refusal | None) -> str | None:
    """The SQLSTATE behind a refusal."""
    cause = getattr(refusal, "__cause__", None)
    return getattr(getattr(cause, "orig", cause), "sqlstate", None)  # `orig`: SQLAlchemy's error around that of psycopg


@dataclass
class Customers:
    """The shop as its customers see it. Threads may share one.

    Args:
        actors: the buyers; the client of an operation is an index into this.
        log: all calls.
    """

    shop: Shop
    actors: Sequence[Actor]
    log: list[Op] = field(default_factory=list)
    unexpected: UnexpectedAnswers = field(default_factory=UnexpectedAnswers)

    def place(self, *asked: tuple[int, PlacementRequest]) -> list[Op]:
        """Place orders, several as a batch; of lines or of reservations."""
        ops = [self._placement(client, request) for client, request in asked]
        requests = [request for _, request in asked]
        return self._batch(ops, lambda: self.shop.orders.place_all(requests))

    def reserve(self, *asked: tuple[int, ReservationRequest]) -> list[Op]:
        """Reserve, several as a batch."""
        ops = [
            _started(client, "reserve", request.key, _units(request.units), {"request": repr(request.lines)})
            for client, request in asked
        ]
        requests = [request for _, request in asked]
        return self._batch(ops, lambda: self.shop.reservations.reserve_all(requests))

    def release(self, client: int, reservation_id: str) -> Op:
        """Give a reservation back."""
        op = _started(client, "release", None, {}, {"reservation_id": reservation_id})
        return self._one(op, lambda: self.shop.reservations.release(self.actors[client], UUID(reservation_id)))

    def extend(self, client: int, reservation_id: str, ttl: timedelta) -> Op:
        """Hold a reservation for longer."""
        op = _started(client, "extend", None, {}, {"reservation_id": reservation_id})
        return self._one(op, lambda: self.shop.reservations.extend(self.actors[client], UUID(reservation_id), ttl))

    def cancel(self, client: int, order_id: str) -> Op:
        """Call an order off."""
        op = _started(client, "cancel", None, {}, {"order_id": order_id})
        return self._one(op, lambda: self.shop.orders.cancel(self.actors[client], UUID(order_id)))

    def edit(self, client: int, order_id: str, lines: Sequence[LineRequest]) -> Op:
        """Give an order other lines."""
        requested: dict[str, int] = {}
        for line in lines:
            requested[str(line.product_id)] = requested.get(str(line.product_id), 0) + line.quantity
        op = _started(client, "edit", None, requested, {"order_id": order_id})
        return self._one(op, lambda: self.shop.orders.edit(self.actors[client], UUID(order_id), lines))

    def _placement(self, client: int, request: PlacementRequest) -> Op:
        if request.reservation_id is not None:
            return _started(client, "confirm", request.key, {}, {"reservation_id": str(request.reservation_id)})
        return _started(client, "place", request.key, _units(request.units), {"request": repr(request.lines)})

    def _one(self, op: Op, call: Callable[[], Order | Reservation]) -> Op:
        def as_batch() -> Sequence[Result[Order] | Result[Reservation] | Refusal]:
            answer: Result[Any] = Result(call())
            return [answer]

        return self._batch([op], as_batch)[0]

    def _batch(
        self, ops: list[Op], call: Callable[[], Sequence[Result[Order] | Result[Reservation] | Refusal]]
    ) -> list[Op]:
        """Carry it out, and write down what was seen."""
        start = time.time_ns()
        outcomes: Sequence[Result[Order] | Result[Reservation] | Refusal | None]
        try:
            outcomes = call()
        except Refusal as refusal:
            outcomes = [refusal] * len(ops)
        except Exception as error:
            self.unexpected.crash(error)
            outcomes = [None] * len(ops)
        end = time.time_ns()
        for op, outcome in zip(ops, outcomes, strict=True):
            op.start_ns, op.end_ns = start, end
            _answered(op, outcome)
            self.unexpected.note(op, outcome if isinstance(outcome, Refusal) else None)
        self.log += ops
        return ops


def _started(client: int, verb: Verb, key: str | None, requested: dict[str, int], detail: dict[str, Any]) -> Op:
    return Op(client, verb, key, requested, 0, 0, "unknown", detail=detail)


def _units(requested: Any) -> dict[str, int]:
    return {str(product_id): units for product_id, units in requested.items()}


def _answered(op: Op, outcome: Result[Order] | Result[Reservation] | Refusal | None) -> None:
    said: Outcome = "ok"
    if outcome is None or isinstance(outcome, Unavailable):
        said = "unknown"
    elif isinstance(outcome, Refusal):
        said, op.code = "refused", outcome.code
        if isinstance(outcome, InsufficientStock):
            op.available = {str(shortage.product_id): shortage.available for shortage in outcome.shortages}
            op.detail["requested"] = {str(shortage.product_id): shortage.requested for shortage in outcome.shortages}
    else:
        if op.op in ("place", "confirm", "reserve"):
            op.result_id, op.detail["replayed"] = str(outcome.value.id), outcome.replayed
        if isinstance(outcome.value, Reservation) and op.op != "release":
            op.detail["expires_ns"] = nanoseconds(outcome.value.expires_at)
    op.outcome = said


def nanoseconds(time: datetime) -> int:
    """A time as the history writes it."""
    return int(time.timestamp()) * 10**9 + time.microsecond * 1_000


def new_actors(new_id: Callable[[], UUID], count: int) -> list[Actor]:
    """Customers who have nothing yet."""
    return [Actor(new_id(), Role.CUSTOMER) for _ in range(count)]
