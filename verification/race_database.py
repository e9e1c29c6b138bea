"""Where races are run: a shop on PostgreSQL, its customers, and a sweep."""

from __future__ import annotations

import time
from datetime import timedelta
from threading import Event as Signal
from uuid import UUID

from sqlalchemy import Engine, text

from shop_core.inventory.model import LineRequest
from shop_core.orders.model import PlacementRequest
from shop_core.reservations.model import ReservationRequest
from shop_core.shop import Shop
from shop_testing.fixtures import Fixtures
from verification.databases import adapters_on
from verification.history import Op
from verification.history_checker import check
from verification.recorded_customers import Customers, new_actors


class RaceDatabase:
    """A shop on PostgreSQL with customers, and a sweep that goes round all the time."""

    def __init__(self, engine: Engine, customers: int, units: list[int]) -> None:
        self.engine = engine
        self.adapters = adapters_on(engine)
        fixtures = Fixtures(self.adapters)
        self.products = [fixtures.product(units=count).id for count in units]
        self.stock = {str(product_id): count for product_id, count in zip(self.products, units, strict=True)}
        self.customers = Customers(Shop(self.adapters), new_actors(self.adapters.new_id, customers))

    def add_product(self, units: int) -> UUID:
        """One more to be raced for."""
        product_id = Fixtures(self.adapters).product(units=units).id
        self.stock[str(product_id)] = units
        return product_id

    def sweep_until(self, stop: Signal) -> None:
        """Sweep, and sweep again, and once more in the end."""
        while not stop.wait(0.004):
            self.sweep()
        while self.sweep():
            pass

    def sweep(self) -> int:
        """Sweep; how many reservations were due."""
        try:
            return self.customers.shop.reservations.sweep()
        except Exception as error:
            self.customers.trouble.crash(error)
            return 0

    def reserve(self, client: int, wanted: dict[UUID, int], until_ns: int) -> tuple[int, ReservationRequest]:
        """What to ask for to hold units until about then."""
        lines = tuple(LineRequest(product_id, units) for product_id, units in wanted.items())
        ttl = timedelta(microseconds=max(1_000_000, (until_ns - time.time_ns()) // 1_000))
        return client, ReservationRequest(self.customers.actors[client].account_id, lines, ttl)

    def place(self, client: int, lines: tuple[LineRequest, ...] = (), reservation_id: str | None = None) -> Op:
        """Place an order, of lines or of a reservation."""
        reservation = UUID(reservation_id) if reservation_id else None
        actor = self.customers.actors[client]
        return self.customers.place((client, PlacementRequest(actor.account_id, lines, reservation_id=reservation)))[0]

    def faults(self) -> list[str]:
        """What answers, audit and history have to say."""
        found = list(self.customers.trouble.found)
        found += [f"audit: {d.what} of {d.of}: {d.stored}, not {d.expected}" for d in self.customers.shop.audit()]
        log = [*self.customers.log, *self.expired()]
        return found + [f"history: {a.rule}: {a.of}: {a.says}" for a in check(log, self.stock)]

    def expired(self) -> list[Op]:
        """That reservations expired, as those are told who listen to events."""
        clients = {actor.id: client for client, actor in enumerate(self.customers.actors)}
        now = time.time_ns()
        with self.engine.connect() as connection:
            rows = connection.execute(text("SELECT id, subject_id, customer_id FROM stock_events")).all()
        of_ours = [row for row in rows if row.customer_id in clients]
        return [_expire(clients[row.customer_id], str(row.subject_id), str(row.id), now) for row in of_ours]


def _expire(client: int, reservation_id: str, event_id: str, now: int) -> Op:
    detail = {"reservation_id": reservation_id, "event_id": event_id}
    return Op(client, "expire", None, {}, now, now, "ok", detail=detail)
