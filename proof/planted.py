"""Bugs to be planted in the running process, one at a time. The proof has to find each; the product knows none of it.

Each is a mistake that somebody could make: it replaces a few functions of the core or of the PostgreSQL adapter.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from random import Random
from threading import Thread, get_ident
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, any_, bindparam

import shop_core.orders.changing as changing
import shop_core.orders.placing as placing
import shop_core.orders.service as orders_service
import shop_core.reservations.holding as holding
import shop_core.reservations.service as reservations_service
from shop_adapters.postgres import PostgresAdapters, inventory
from shop_adapters.postgres.events import PostgresEvents
from shop_adapters.postgres.inventory import PostgresStock
from shop_adapters.postgres.keys import PostgresKeys
from shop_adapters.postgres.orders import PostgresOrders
from shop_adapters.postgres.reservations import PostgresReservations
from shop_adapters.postgres.schema import stock_levels
from shop_adapters.postgres.store_clock import TIME, StoreClock
from shop_adapters.postgres.work import PostgresUnitOfWork
from shop_core.errors import Refusal, ReservationResolved
from shop_core.events import OrderEvent, OrderEventKind
from shop_core.idempotency import Answer, Answers
from shop_core.inventory.model import MovementKind, StockLevel
from shop_core.inventory.wanted import LineRequest
from shop_core.orders.service import OrderService
from shop_core.outbox import OutboxService
from shop_core.ports import Undelivered
from shop_core.reservations.model import RESERVATION_LIFECYCLE, Reservation, ReservationStep
from shop_core.reservations.service import ReservationService

Patch = tuple[Any, str, Any]
"""Where, which name, and what stands there instead."""

BUGS: dict[str, Bug] = {}


@dataclass(frozen=True)
class Bug:
    """A mistake: its name, what it is in words, and the patches that make it."""

    name: str
    says: str
    patches: Callable[[], list[Patch]]

    @contextmanager
    def planted(self) -> Iterator[None]:
        """The process makes this mistake until the end of the `with`."""
        patches = self.patches()
        right = [(owner, name, vars(owner)[name]) for owner, name, _ in patches]
        try:
            for owner, name, wrong in patches:
                setattr(owner, name, wrong)
            yield
        finally:
            for owner, name, value in right:
                setattr(owner, name, value)


def bug(says: str) -> Callable[[Callable[[], list[Patch]]], Callable[[], list[Patch]]]:
    """Enter a bug in the list."""

    def enter(patches: Callable[[], list[Patch]]) -> Callable[[], list[Patch]]:
        name = patches.__name__.replace("_", "-")
        BUGS[name] = Bug(name, says, patches)
        return patches

    return enter


# ---- locks


@bug("stock is read, and not locked")
def missing_stock_lock() -> list[Patch]:
    ids = bindparam("ids", type_=ARRAY(Uuid))
    unlocked = inventory._LEVEL.add_columns(TIME.label("time")).where(stock_levels.c.product_id == any_(ids))
    return [(inventory, "_LOCK", unlocked)]


@bug("stock is read, then locked, and what was read before is believed")
def check_before_lock() -> list[Patch]:
    right = PostgresStock.lock

    def lock(self: PostgresStock, product_ids: Any) -> dict[UUID, StockLevel]:
        ids = set(product_ids)
        seen = {product_id: level for product_id in ids if (level := self.get(product_id))}
        right(self, ids)
        return seen

    return [(PostgresStock, "lock", lock)]


@bug("stock is locked in the order in which it comes")
def unsorted_locks() -> list[Patch]:
    random = Random(7)

    def lock(self: PostgresStock, product_ids: Any) -> dict[UUID, StockLevel]:
        ids = self._order.check("stock", product_ids)
        self._locked.update(ids)
        random.shuffle(ids)
        levels: dict[UUID, StockLevel] = {}
        for product_id in ids:
            for *level, said in self._connection.execute(inventory._LOCK, {"ids": [product_id]}):
                levels[level[0]] = StockLevel(*level)
                self._clock.note(said)
        return levels

    return [(PostgresStock, "lock", lock)]


@bug("a reservation is read, then the stock is locked, and it is not read again")
def reservation_read_before_the_lock() -> list[Patch]:
    def locked(self: ReservationService, work: Any, actor: Any, reservation_id: UUID) -> Reservation:
        reservation = self._seen(work, actor, reservation_id)
        work.stock.lock(reservation.units)
        return reservation

    return [(ReservationService, "_locked", locked)]


@bug("two sweeps run at once, and neither looks again after it has the locks")
def sweep_not_alone() -> list[Patch]:
    def sweep(self: ReservationService, limit: int = 200) -> int:
        with self._begin() as work:
            due = work.reservations.due(work.now(), limit)
            work.stock.lock({product_id for held in due for product_id in held.units})
            now = work.now()
            ended = [holding.give_back(held, ReservationStep.EXPIRE, None, now, self._new_id) for held in due]
            work.reservations.update_all([after for after, _ in ended])
            work.stock.apply([movement for _, movements in ended for movement in movements])
            work.events.add_all([self._expired(after) for after, _ in ended])
        return len(due)

    return [(ReservationService, "sweep", sweep)]


# ---- commits


@bug("the answer goes out, and the commit comes a moment later")
def answer_before_commit() -> list[Patch]:
    right = PostgresAdapters.begin

    @contextmanager
    def begin(self: PostgresAdapters) -> Iterator[PostgresUnitOfWork]:
        unit = right(self)
        work = unit.__enter__()
        try:
            yield work
        except BaseException as error:
            unit.__exit__(type(error), error, error.__traceback__)
            raise

        def commit() -> None:
            time.sleep(0.02)
            unit.__exit__(None, None, None)

        Thread(target=commit, daemon=True).start()

    return [(PostgresAdapters, "begin", begin)]


@bug("one commit in fifty fails, and nobody looks")
def commit_lost() -> list[Patch]:
    right, random = PostgresAdapters.begin, Random(7)

    @contextmanager
    def begin(self: PostgresAdapters) -> Iterator[PostgresUnitOfWork]:
        class Lost(Exception): ...

        try:
            with right(self) as work:
                yield work
                if random.random() < 0.02:
                    raise Lost
        except Lost:
            pass

    return [(PostgresAdapters, "begin", begin)]


@bug("every statement commits on its own")
def no_transaction() -> list[Patch]:
    right = PostgresAdapters.begin

    @contextmanager
    def begin(self: PostgresAdapters) -> Iterator[PostgresUnitOfWork]:
        bare = PostgresAdapters(
            self.engine.execution_options(isolation_level="AUTOCOMMIT"),
            b"-" * 32,
            clock=self._store_clock,
            passwords=self.passwords,
            tokens=self.tokens,
        )
        with right(bare) as work:
            yield work

    return [(PostgresAdapters, "begin", begin)]


# ---- keys


def _in_both_services(name: str, wrong: Any) -> list[Patch]:
    return [(orders_service, name, wrong), (reservations_service, name, wrong)]


@bug("keys are not written")
def key_not_written() -> list[Patch]:
    return [(PostgresKeys, "claim", lambda self, claims: {})]


@bug("keys are forgotten although their request made something")
def key_forgotten_on_success() -> list[Patch]:
    def settle(keys: Any, claims: Any, taken: Any, won: Any) -> None:
        keys.forget([claim for claim in claims if claim.slot not in taken])

    return _in_both_services("settle", settle)


@bug("keys of refused requests are kept")
def key_kept_on_refusal() -> list[Patch]:
    return _in_both_services("settle", lambda keys, claims, taken, won: None)


@bug("a key is anybody's")
def key_without_customer() -> list[Patch]:
    claim_right, forget_right, nobody = PostgresKeys.claim, PostgresKeys.forget, UUID(int=0)

    def claim(self: PostgresKeys, claims: Any) -> Any:
        taken = claim_right(self, [replace(claim, customer_id=nobody) for claim in claims])
        return {claim.slot: taken[nobody, claim.key] for claim in claims if (nobody, claim.key) in taken}

    def forget(self: PostgresKeys, claims: Any) -> None:
        forget_right(self, [replace(claim, customer_id=nobody) for claim in claims])

    return [(PostgresKeys, "claim", claim), (PostgresKeys, "forget", forget)]


@bug("a key answers whatever was asked for")
def fingerprint_ignored() -> list[Patch]:
    right = Answers.to

    def to(self: Answers[Any], claim: Any) -> Answer[Any] | None:
        made = self._made.get(claim.slot) if claim else None
        return right(self, replace(claim, fingerprint=made[0].fingerprint)) if made else None

    return [(Answers, "to", to)]


@bug("twins in one batch get an order each")
def twin_gets_its_own_order() -> list[Patch]:
    return [(Answers, "note", lambda self, claim, result: self.won.append(claim) if claim else None)]


@bug("a replay is answered with what the last replay was answered with")
def replay_answers_another_order() -> list[Patch]:
    right, last = Answers.to, dict[type, Any]()

    def to(self: Answers[Any], claim: Any) -> Answer[Any] | None:
        answer = right(self, claim)
        if answer is None:
            return None
        kind = type(answer.value)
        before: Answer[Any] = last.get(kind, answer)
        last[kind] = answer
        return before

    return [(Answers, "to", to)]


# ---- time


@bug("each thread has its own clock, up to half a second wrong, and expiry goes by it")
def wrong_clock() -> list[Patch]:
    right = StoreClock.__call__

    def wrong(self: StoreClock) -> Any:
        return right(self) + timedelta(milliseconds=Random(get_ident()).uniform(-500, 500))

    return [(StoreClock, "__call__", wrong)]


@bug("whoever needs units takes those of reservations whose time is not up")
def expiry_without_due_check() -> list[Patch]:
    right = PostgresReservations.due_lines
    return [(PostgresReservations, "due_lines", lambda self, ids, now: right(self, ids, now + timedelta(hours=1)))]


@bug("nobody looks at the time of a reservation that is confirmed or released")
def expired_reservation_confirmed() -> list[Patch]:
    def check_step(self: Reservation, step: ReservationStep, now: Any) -> None:
        if step not in RESERVATION_LIFECYCLE[self.state]:
            raise ReservationResolved(self.id, self.state, self.order_id)

    return [(Reservation, "check_step", check_step)]


@bug("an expired reservation can be extended")
def extension_revives() -> list[Patch]:
    def extended(self: Reservation, ttl: timedelta, now: Any) -> Reservation:
        return replace(self, expires_at=now + ttl)

    return [(Reservation, "extended", extended)]


@bug("sold out is said although reservations are due")
def false_sold_out() -> list[Patch]:
    return _in_both_services("expire_due", lambda *_: [])


@bug("lines that were let go are not marked, and go again")
def let_go_twice() -> list[Patch]:
    return [(PostgresReservations, "let_go", lambda self, lines: None)]


# ---- stock


@bug("nobody checks whether there is enough: the database has to")
def no_check() -> list[Patch]:
    return [(module, "check_stock", lambda wanted, left: None) for module in (placing, holding, changing)]


@bug("what is reserved counts as available")
def reserved_is_available() -> list[Patch]:
    return [(StockLevel, "available", property(lambda level: max(0, level.on_hand - level.allocated)))]


@bug("a cancelled order gives its units back twice")
def returned_twice() -> list[Patch]:
    right = placing.stock_movements

    def movements(order: Any, kind: MovementKind, *more: Any, **named: Any) -> Any:
        times = 2 if kind is MovementKind.DEALLOCATED else 1
        return [movement for _ in range(times) for movement in right(order, kind, *more, **named)]

    return [(changing, "stock_movements", movements)]


@bug("a cancelled order gives nothing back")
def cancel_returns_nothing() -> list[Patch]:
    return [(changing, "stock_moved", lambda before, after: None)]


@bug("an edit gives back all units of a line that shrinks")
def edit_returns_the_full_amount() -> list[Patch]:
    right = changing.edit

    def edit(order: Any, *more: Any, **named: Any) -> Any:
        change = right(order, *more, **named)
        if change is None:
            return None
        wrong = (
            replace(m, quantity=order.units[m.product_id]) if m.kind is MovementKind.DEALLOCATED else m
            for m in change.movements
        )
        return replace(change, movements=tuple(wrong))

    return [(orders_service, "edit", edit)]


@bug("confirming releases first, and places then")
def confirm_frees_between() -> list[Patch]:
    right = OrderService.place_all

    def place_all(self: OrderService, requests: Any) -> Any:
        return tuple(outcome for request in requests for outcome in placed(self, request))

    def placed(self: OrderService, request: Any) -> Any:
        if request.reservation_id is None:
            return right(self, [request])
        with self._begin() as work:
            (held,) = work.reservations.get_all([request.reservation_id]).values()
            work.stock.lock(held.units)
            now, new_id = work.now(), self._new_id
            (held,) = work.reservations.get_all([request.reservation_id]).values()
            try:
                after, movements = holding.give_back(held, ReservationStep.RELEASE, None, now, new_id)
            except Refusal as refusal:
                return (refusal,)
            work.reservations.update_all([after])
            work.stock.apply(movements)
        lines = tuple(LineRequest(product_id, units) for product_id, units in held.units.items())
        return right(self, [replace(request, lines=lines, reservation_id=None)])

    return [(OrderService, "place_all", place_all)]


@bug("an order of several lines is stored without the last one")
def half_an_order() -> list[Patch]:
    right = PostgresOrders.add_all

    def add_all(self: PostgresOrders, orders: Any) -> None:
        right(self, [replace(order, lines=order.lines[:-1] or order.lines) for order in orders])

    return [(PostgresOrders, "add_all", add_all)]


@bug("units given back by orders are not written to the ledger")
def ledger_line_missing() -> list[Patch]:
    right = PostgresStock.apply

    def apply(self: PostgresStock, movements: Any) -> None:
        right(self, [movement for movement in movements if movement.kind is not MovementKind.DEALLOCATED])
        if lost := [movement for movement in movements if movement.kind is MovementKind.DEALLOCATED]:
            self._change_levels(lost, False)

    return [(PostgresStock, "apply", apply)]


@bug("released units are written to the ledger, and to no counter")
def counter_left_behind() -> list[Patch]:
    right = PostgresStock._change_levels

    def change(self: PostgresStock, movements: Any, is_correction: bool) -> None:
        if counted := [movement for movement in movements if movement.kind is not MovementKind.RELEASED]:
            right(self, counted, is_correction)

    return [(PostgresStock, "_change_levels", change)]


# ---- facts


@bug("nobody writes down that an order was cancelled")
def event_missing() -> list[Patch]:
    right = PostgresEvents.add_all

    def is_lost(event: Any) -> bool:
        return isinstance(event, OrderEvent) and event.kind is OrderEventKind.CANCELLED

    return [(PostgresEvents, "add_all", lambda self, events: right(self, [e for e in events if not is_lost(e)]))]


@bug("nobody is told that a reservation expired")
def expiry_not_told() -> list[Patch]:
    right = PostgresEvents.add_all
    orders = OrderEvent
    return [(PostgresEvents, "add_all", lambda self, events: right(self, [e for e in events if isinstance(e, orders)]))]


@bug("a letter that did not arrive leaves the outbox")
def outbox_forgets_failures() -> list[Patch]:
    right = OutboxService._publish
    return [(OutboxService, "_publish", lambda *known: dict.fromkeys(right(*known)))]


@bug("a letter that did not arrive holds up nobody")
def outbox_out_of_order() -> list[Patch]:
    def publish(self: OutboxService, letters: Any, publisher: Any) -> dict[UUID, Undelivered | None]:
        tried: dict[UUID, Undelivered | None] = {}
        for letter in letters:
            tried[letter.event.id] = None
            try:
                publisher.publish(letter.event)
            except Undelivered as undelivered:
                tried[letter.event.id] = undelivered
        return tried

    return [(OutboxService, "_publish", publish)]
