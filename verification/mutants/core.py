"""Mistakes that somebody could make in the core: they are there on any adapters."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from shop_core import batching, idempotency
from shop_core.batching import Batch
from shop_core.errors import Refusal, ReservationResolved
from shop_core.idempotency import Result
from shop_core.inventory.model import LineRequest, MovementKind, StockLevel
from shop_core.orders import amendment, changes, placement, service
from shop_core.orders.service import OrderService
from shop_core.outbox import QueueService
from shop_core.ports import Undelivered
from shop_core.reservations import reserving
from shop_core.reservations import service as reservations
from shop_core.reservations.model import RESERVATION_LIFECYCLE, Reservation, ReservationStep
from shop_core.reservations.service import ReservationService
from verification.mutants.registry import Patch, mutant

# ---- locks


@mutant("a reservation is read, then the stock is locked, and it is not read again")
def reservation_read_before_the_lock() -> list[Patch]:
    def locked(self: ReservationService, uow: Any, actor: Any, reservation_id: UUID) -> Reservation:
        reservation = self._seen(uow, actor, reservation_id)
        uow.stock.lock(reservation.units)
        return reservation

    return [(ReservationService, "_locked", locked)]


@mutant("two sweeps run at once, and neither looks again after it has the locks")
def sweep_not_alone() -> list[Patch]:
    def sweep(self: ReservationService, limit: int = 200) -> int:
        with self._begin() as uow:
            due = uow.reservations.due(uow.now(), limit)
            uow.stock.lock({product_id for held in due for product_id in held.units})
            now = uow.now()
            ended = [reserving.give_back(held, ReservationStep.EXPIRE, None, now, self._new_id) for held in due]
            uow.reservations.update_all([after for after, _ in ended])
            uow.stock.apply([movement for _, movements in ended for movement in movements])
            uow.events.add_all([self._expired(after) for after, _ in ended])
        return len(due)

    return [(ReservationService, "sweep", sweep)]


# ---- keys


@mutant("keys are forgotten although their request made something")
def key_forgotten_on_success() -> list[Patch]:
    def settle_keys(self: Batch[Any, Any], keys: Any, kept: Any) -> None:
        keys.forget([claim for key, claim in self._first_claims.items() if key not in self._earlier])

    return [(Batch, "settle_keys", settle_keys)]


@mutant("keys of refused requests are kept")
def key_kept_on_refusal() -> list[Patch]:
    return [(Batch, "settle_keys", lambda self, keys, kept: None)]


@mutant("a key answers whatever was asked for")
def fingerprint_ignored() -> list[Patch]:
    right = idempotency.replay
    return [(batching, "replay", lambda claim, earlier, result: right(earlier, earlier, result))]


@mutant("twins in one batch get an order each")
def twin_gets_its_own_order() -> list[Patch]:
    right = Batch.decide_once

    def decide_once(self: Batch[Any, Any], draft: Any, levels: Any, *arguments: Any) -> Any:
        requests, decisions = self._requests, []
        for request in requests:  # each as if it were alone with its key
            self._requests = [request]
            decisions.append(right(self, draft, levels, *arguments))
            made = [outcome for outcome in decisions[-1].outcomes if isinstance(outcome, Result)]
            for product_id, units in request[0].units.items() if made and not made[0].replayed else ():
                levels = levels | {product_id: levels[product_id]._replace(on_hand=levels[product_id].on_hand - units)}
        self._requests = requests
        outcomes = tuple(outcome for decision in decisions for outcome in decision.outcomes)
        new_claims = {key: claim for decision in decisions for key, claim in decision.new_claims.items()}
        return replace(decisions[-1], outcomes=outcomes, new_claims=new_claims)

    return [(Batch, "decide_once", decide_once)]


@mutant("a replay is answered with what the last replay was answered with")
def replay_answers_another_order() -> list[Patch]:
    right, last = idempotency.replay, dict[type, Any]()

    def replay(claim: Any, earlier: Any, result: Any) -> Result[Any]:
        answer = right(claim, earlier, result)
        kind = type(answer.value)
        before: Result[Any] = last.get(kind, answer)
        last[kind] = answer
        return before

    return [(batching, "replay", replay)]


# ---- time


@mutant("nobody looks at the time of a reservation that is confirmed or released")
def expired_reservation_confirmed() -> list[Patch]:
    def check_step(self: Reservation, step: ReservationStep, now: Any) -> None:
        if step not in RESERVATION_LIFECYCLE[self.state]:
            raise ReservationResolved(self.id, self.state, self.order_id)

    return [(Reservation, "check_step", check_step)]


@mutant("an expired reservation can be extended")
def extension_revives() -> list[Patch]:
    def extended(self: Reservation, ttl: timedelta, now: Any) -> Reservation:
        return replace(self, expires_at=now + ttl)

    return [(Reservation, "extended", extended)]


@mutant("sold out is said although reservations are due")
def false_sold_out() -> list[Patch]:
    return [(module, "expire_due", lambda *_, **__: []) for module in (service, changes, reservations)]


# ---- stock


@mutant("nobody checks whether there is enough: the database has to")
def no_check() -> list[Patch]:
    return [(module, "shortages", lambda *_: []) for module in (placement, reserving, amendment)]


@mutant("what is reserved counts as available")
def reserved_is_available() -> list[Patch]:
    return [(StockLevel, "available", property(lambda level: max(0, level.on_hand - level.allocated)))]


@mutant("a cancelled order gives its units back twice")
def returned_twice() -> list[Patch]:
    right = placement.stock_movements

    def movements(order: Any, kind: MovementKind, *arguments: Any, **named: Any) -> Any:
        times = 2 if kind is MovementKind.DEALLOCATED else 1
        return [movement for _ in range(times) for movement in right(order, kind, *arguments, **named)]

    return [(amendment, "stock_movements", movements)]


@mutant("a cancelled order gives nothing back")
def cancel_returns_nothing() -> list[Patch]:
    return [(amendment, "stock_moved", lambda before, after: None)]


@mutant("an edit gives back all units of a line that shrinks")
def edit_returns_the_full_amount() -> list[Patch]:
    right = amendment.edit

    def edit(request: Any, *arguments: Any, **named: Any) -> Any:
        change = right(request, *arguments, **named)
        if change is None:
            return None
        wrong = (
            m._replace(quantity=request.order.units[m.product_id]) if m.kind is MovementKind.DEALLOCATED else m
            for m in change.movements
        )
        return replace(change, movements=tuple(wrong))

    return [(amendment, "edit", edit)]


@mutant("confirming releases first, and places then")
def confirm_frees_between() -> list[Patch]:
    right = OrderService.place_all

    def place_all(self: OrderService, requests: Any) -> Any:
        return tuple(outcome for request in requests for outcome in placed(self, request))

    def placed(self: OrderService, request: Any) -> Any:
        if request.reservation_id is None:
            return right(self, [request])
        with self._begin() as uow:
            (held,) = uow.reservations.get_all([request.reservation_id]).values()
            uow.stock.lock(held.units)
            now, new_id = uow.now(), self._new_id
            (held,) = uow.reservations.get_all([request.reservation_id]).values()
            try:
                after, movements = reserving.give_back(held, ReservationStep.RELEASE, None, now, new_id)
            except Refusal as refusal:
                return (refusal,)
            uow.reservations.update_all([after])
            uow.stock.apply(movements)
        lines = tuple(LineRequest(product_id, units) for product_id, units in held.units.items())
        return right(self, [replace(request, lines=lines, reservation_id=None)])

    return [(OrderService, "place_all", place_all)]


# ---- facts


@mutant("a message that did not arrive leaves the outbox")
def outbox_forgets_failures() -> list[Patch]:
    right = QueueService._publish
    return [(QueueService, "_publish", lambda *known: dict.fromkeys(right(*known)))]


@mutant("a message that did not arrive holds up nobody")
def outbox_out_of_order() -> list[Patch]:
    def publish(self: QueueService[Any], messages: Any, publisher: Any, *_: Any) -> dict[UUID, Undelivered | None]:
        tried: dict[UUID, Undelivered | None] = {}
        for message in messages:
            tried[message.event.id] = None
            try:
                publisher.publish(message.event)
            except Undelivered as undelivered:
                tried[message.event.id] = undelivered
        return tried

    return [(QueueService, "_publish", publish)]
