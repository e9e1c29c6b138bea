"""A round of everything at once: many threads on few products, and a look at all that must hold afterwards."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random
from threading import Event as Signal
from threading import Thread
from uuid import UUID

from shop_core.events import Event, StockEvent
from shop_core.inventory.model import LineRequest
from shop_core.orders.model import OrderQuery, OrderStatus, PlacementRequest
from shop_core.outbox import OutboxService
from shop_core.pagination import OffsetRequest
from shop_core.ports import Adapters, Undelivered
from shop_core.reservations.model import ReservationRequest, ReservationState
from shop_core.shop import Shop
from shop_testing.concurrency import SWITCH_INTERVAL_S
from shop_testing.fixtures import Fixtures
from verification.history import Op
from verification.history_checker import Kept, check
from verification.recorded_customers import Customers, new_actors

CLIENTS = 6
PRODUCTS = 4
UNITS = 12
THREADS = 7
_TTL = timedelta(seconds=1)


@dataclass
class Round:
    """What one round brought.

    Args:
        found: what is wrong, and who noticed: `history`, `audit`, `answer`, `error`, `deadlock`, `ledger`, `outbox`.
    """

    operations: int
    seconds: float
    found: list[str]


class ShiftedClock:
    """The real time, and as much more as it was told to go on by."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    def advance(self, by: timedelta) -> None:
        """Let time pass at once."""
        self._ahead += by


@dataclass
class Workload:
    """Customers, sweepers and relays on one shop, from a seed.

    Args:
        adapters: of the shop, by the real clock.
        later: the same store by a clock that can be moved, so that no test waits for a message that waits; the same
            adapters will do.
    """

    adapters: Adapters
    later: Adapters
    clock: ShiftedClock
    seed: str
    products: list[UUID] = field(init=False)
    customers: Customers = field(init=False)
    published: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._numbers = [count() for _ in range(CLIENTS)]
        self._requests: list[tuple[int, PlacementRequest | ReservationRequest]] = []
        self._orders: list[tuple[int, str]] = []
        self._reservations: list[tuple[int, str]] = []
        fixtures = Fixtures(self.adapters)
        self.products = [fixtures.product(units=UNITS).id for _ in range(PRODUCTS)]

    def run(self, seconds: float) -> Round:
        """Let them work for so long, and look at everything then."""
        self.customers = Customers(Shop(self.adapters), new_actors(self.adapters.new_id, CLIENTS))
        started, stop = time.monotonic(), Signal()
        threads = [Thread(target=self._work, args=(Random(f"{self.seed}/{n}"), stop)) for n in range(THREADS)]
        threads += [Thread(target=self._sweep, args=(stop,)) for _ in range(2)]
        interval = sys.getswitchinterval()
        sys.setswitchinterval(SWITCH_INTERVAL_S * 50)
        try:
            for thread in threads:
                thread.start()
            stop.wait(seconds)
        finally:
            stop.set()
            for thread in threads:
                thread.join(60)
            sys.setswitchinterval(interval)
        found = self.look()
        return Round(len(self.customers.log), time.monotonic() - started, found)

    # ---- while it runs

    def _sweep(self, stop: Signal) -> None:
        while not stop.wait(0.35):  # seldom, so that others need units that are due, and both at once
            try:
                self.customers.shop.reservations.sweep()
            except Exception as error:
                self.customers.unexpected.crash(error)

    def _work(self, random: Random, stop: Signal) -> None:
        acts = [self._place, self._place, self._reserve, self._reserve, self._reserve, self._reserve, self._retry]
        acts += [self._confirm, self._confirm, self._end, self._change, self._change, self._change, self._batch]
        while not stop.is_set():
            random.choice(acts)(random)

    def _key(self, client: int) -> str:
        return f"k{next(self._numbers[client])}"  # several customers have the same ones

    def _lines(self, random: Random) -> tuple[LineRequest, ...]:
        chosen = random.sample(self.products, random.choice([1, 1, 2, 3]))
        random.shuffle(chosen)
        return tuple(LineRequest(product_id, random.randint(1, 3)) for product_id in chosen)

    def _placement(self, random: Random) -> tuple[int, PlacementRequest]:
        client = random.randrange(CLIENTS)
        actor = self.customers.actors[client]
        request = PlacementRequest(actor.account_id, self._lines(random), key=self._key(client))
        self._requests.append((client, request))
        return client, request

    def _place(self, random: Random) -> None:
        self._note(self.customers.place(self._placement(random)))

    def _batch(self, random: Random) -> None:
        asked = [self._placement(random) for _ in range(random.randint(2, 4))]
        self._note(self.customers.place(*asked, *random.sample(asked, 2)))  # two of them twice

    def _reserve(self, random: Random) -> None:
        client = random.randrange(CLIENTS)
        actor = self.customers.actors[client]
        ttl = _TTL + timedelta(milliseconds=random.randrange(100))
        request = ReservationRequest(actor.account_id, self._lines(random), ttl, key=self._key(client))
        self._requests.append((client, request))
        self._note(self.customers.reserve((client, request)))

    def _retry(self, random: Random) -> None:
        if not self._requests:
            return
        client, request = random.choice(self._requests[-40:])
        if random.random() < 0.3 and isinstance(request, PlacementRequest) and request.lines:
            request = PlacementRequest(request.customer_id, self._lines(random), key=request.key)
        if isinstance(request, PlacementRequest):
            self._note(self.customers.place((client, request)))
        else:
            self._note(self.customers.reserve((client, request)))

    def _confirm(self, random: Random) -> None:
        if not self._reservations:
            return
        client, reservation_id = random.choice(self._reservations[-random.choice([3, 60, 1_000]) :])
        actor = self.customers.actors[client]
        request = PlacementRequest(actor.account_id, reservation_id=UUID(reservation_id), key=self._key(client))
        self._requests.append((client, request))
        self._note(self.customers.place((client, request)))

    def _end(self, random: Random) -> None:
        if not self._reservations:
            return
        client, reservation_id = random.choice(self._reservations[-40:])
        if random.random() < 0.3:
            self.customers.release(client, reservation_id)
        else:
            self.customers.extend(client, reservation_id, _TTL)

    def _change(self, random: Random) -> None:
        if not self._orders:
            return
        client, order_id = random.choice(self._orders[-12:])
        if random.random() < 0.6:
            if self.customers.cancel(client, order_id).outcome == "ok":
                with suppress(ValueError):  # somebody else cancelled it, too
                    self._orders.remove((client, order_id))
        else:
            self.customers.edit(client, order_id, self._lines(random))

    def _note(self, ops: Sequence[Op]) -> None:
        for op in ops:
            if op.result_id is not None and not op.detail.get("replayed"):
                (self._reservations if op.op == "reserve" else self._orders).append((op.client, op.result_id))

    # ---- afterwards

    def look(self) -> list[str]:
        """Everything that is wrong: answers, audit, outbox, ledger, history."""
        found = list(self.customers.unexpected.found)
        found += [f"audit: {d.what} of {d.of}: {d.stored}, not {d.expected}" for d in self.customers.shop.audit()]
        found += self._publish_all()
        log = [*self.customers.log, *self._expiries()]
        stock = {str(product_id): UNITS for product_id in self.products}
        found += [f"history: {anomaly.rule}: {anomaly.says}" for anomaly in check(log, stock, self._kept())]
        return found

    def _publish_all(self) -> list[str]:
        """Let two relays tell everything to somebody who often does not listen; everything must come, in order."""
        refused: set[UUID] = set()

        class Listener:
            def publish(_, event: Event) -> None:  # noqa: N805
                if event.id.int % 7 == 0 and event.id not in refused:
                    refused.add(event.id)
                    raise Undelivered("not now")
                self.published.append(event)

        service = OutboxService(self.later.begin, self.later.clock)
        self.clock.advance(timedelta(minutes=1))
        for _ in range(6):
            while service.relay(Listener()):
                pass
            self.clock.advance(timedelta(hours=2))
        return self._wrongly_published()

    def _wrongly_published(self) -> list[str]:
        found: list[str] = []
        versions: dict[UUID, int] = {}
        for event in self.published:
            before = versions.get(event.subject_id, 0)
            if not isinstance(event, StockEvent) and event.seq > before + 1:
                found.append(f"outbox: {event.type} {event.seq} was told after {before}")
            versions[event.subject_id] = max(before, event.seq)
        self._all_orders()
        found += [
            f"outbox: told up to {versions.get(order_id, 0)} of {version} of order {order_id}"
            for order_id, version in self._versions.items()
            if versions.get(order_id, 0) != version
        ]
        with self.adapters.begin() as uow:
            stored = uow.reservations.get_all(UUID(held) for _, held in self._reservations).values()
        expired = Counter(event.subject_id for event in self.published if isinstance(event, StockEvent))
        found += [
            f"outbox: told {expired[held.id]} times that a reservation expired which is {held.state}"
            for held in stored
            if expired[held.id] != (held.state is ReservationState.EXPIRED)
        ]
        return found

    def _all_orders(self) -> dict[UUID, dict[str, int]]:
        """The units of every order of these customers; none of cancelled ones."""
        orders: dict[UUID, dict[str, int]] = {}
        self._versions: dict[UUID, int] = {}
        with self.adapters.begin() as uow:
            for actor in self.customers.actors:
                query = OrderQuery(customer_id=actor.id, with_deleted=True)
                for offset in range(0, 10**6, 200):
                    page = uow.orders.page(query, OffsetRequest(200, offset)).items
                    for order in page:
                        units = {} if order.status is OrderStatus.CANCELLED else order.units
                        orders[order.id] = {str(product_id): number for product_id, number in units.items()}
                        self._versions[order.id] = order.version
                    if len(page) < 200:
                        break
        return orders

    def _kept(self) -> Kept:
        with self.adapters.begin() as uow:
            stored = uow.reservations.get_all(UUID(held) for _, held in self._reservations)
        held = {str(reservation.id): str(reservation.state) for reservation in stored.values()}
        return Kept({str(order_id): units for order_id, units in self._all_orders().items()}, held)

    def _expiries(self) -> list[Op]:
        """That somebody was told of expired reservations, as operations of the history."""
        clients = {actor.id: client for client, actor in enumerate(self.customers.actors)}
        now = time.time_ns()
        return [
            Op(clients[event.customer_id], "expire", None, {}, now, now, "ok",
               detail={"reservation_id": str(event.subject_id), "event_id": str(event.id)})
            for event in self.published
            if isinstance(event, StockEvent) and event.customer_id in clients
        ]  # fmt: skip
