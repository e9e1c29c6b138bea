"""The scene of `encounters`: a shop whose units of work go by a schedule, and whose time stands still."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Condition
from typing import Any

from shop_core.accounts.model import Actor
from shop_core.catalog.model import Product
from shop_core.events import Event
from shop_core.inventory.model import LineRequest, StockLevel
from shop_core.orders.model import Order, PlacementRequest
from shop_core.ports import Adapters, Begin, Clock, NewId
from shop_core.reservations.model import Reservation, ReservationLimits, ReservationRequest
from shop_core.shop import Shop
from shop_testing.determinism import MovableClock, SeededIds
from shop_testing.fixtures import Fixtures
from verification.schedule import Schedule

OpenAdapters = Callable[[Condition, Clock, NewId], Adapters]
"""Opens empty adapters that wait on that condition, with that clock and those ids."""

Spoil = Callable[[Begin], Begin]
"""Plants a fault into units of work."""

LIFE = timedelta(minutes=10)
TIME_PASSES = "time passes"


class Stage:
    """A shop whose units of work go by the schedule, and whose time stands still.

    Args:
        schedule: only jobs of it are interrupted; setting the scene and checking are not.
        open_adapters: opens them.
        spoil: plants a fault.
    """

    def __init__(self, schedule: Schedule, open_adapters: OpenAdapters, spoil: Spoil | None = None) -> None:
        self.schedule = schedule
        self.clock = MovableClock()
        self.adapters = open_adapters(schedule.mutex, self.clock, SeededIds())
        self.fixtures = Fixtures(self.adapters)
        self._begin = schedule.opens(self.adapters.begin)
        if spoil:
            self._begin = spoil(self._begin)
        self.shop = self.shop_with(ReservationLimits())
        self.lamp = self.fixtures.product("Lamp", units=1)
        self.ada, self.bob = self.fixtures.customer(), self.fixtures.customer()

    def shop_with(self, limits: ReservationLimits) -> Shop:
        """A shop that goes by the schedule."""
        return Shop(_With(self.adapters, self._begin), limits)

    def time_passes(self) -> datetime:
        """A job: from now on, reservations have expired."""
        self.schedule.step(TIME_PASSES)
        return self.clock.move(LIFE)

    def buys(self, customer: Actor, *lines: tuple[Product, int], **details: Any) -> Callable[[], Order]:
        """A job: a customer places an order."""
        wanted = PlacementRequest(
            customer.account_id, tuple(LineRequest(product.id, units) for product, units in lines), **details
        )
        return lambda: self.shop.orders.place(wanted)

    def reserved(self, customer: Actor, *lines: tuple[Product, int], key: str | None = None) -> Reservation:
        """A customer has units held for him."""
        wanted = tuple(LineRequest(product.id, units) for product, units in lines)
        return self.shop.reservations.reserve(ReservationRequest(customer.account_id, wanted, LIFE, key))

    def level(self, product: Product) -> tuple[int, int, int]:
        """On hand, allocated, reserved."""
        level: StockLevel = self.fixtures.level(product.id)
        return level.on_hand, level.allocated, level.reserved

    def told(self) -> list[Event]:
        """What the outbox has still to tell."""
        with self.adapters.begin() as uow:
            return [letter.event for letter in uow.outbox.take(self.clock() + timedelta(days=1), 99, timedelta(0))]

    def came_before(self, label: str, task: int) -> bool:
        """Whether time passed before that job asked for that."""
        labels = [(step.task, step.label) for step in self.schedule.steps]
        passed = next(place for place, (_, its) in enumerate(labels) if its == TIME_PASSES)
        return (task, label) not in labels[:passed]

    def check(self) -> None:
        """What must be so after everything."""
        assert self.shop.audit() == []


class _With:
    """The same adapters, but for how a unit of work begins."""

    def __init__(self, adapters: Adapters, begin: Begin) -> None:
        self.begin = begin
        self.clock, self.new_id, self.currency = adapters.clock, adapters.new_id, adapters.currency
        self.passwords, self.tokens = adapters.passwords, adapters.tokens
