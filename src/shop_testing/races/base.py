"""What a race is, what it starts from, and how its outcomes are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from shop_core.accounts.model import Actor
from shop_core.catalog.model import Product
from shop_core.events import Event
from shop_core.inventory.model import LineRequest
from shop_core.orders.model import Order
from shop_core.ports import Adapters
from shop_core.reservations.model import Reservation, ReservationLimits
from shop_core.shop import Shop
from shop_testing.determinism import MovableClock
from shop_testing.fixtures import Fixtures, request, to_hold

LIFE = timedelta(minutes=10)
TIME_PASSES = "time passes"

Outcomes = Mapping[str, Any]
"""What each job returned, or the refusal that it got."""


@dataclass(frozen=True)
class Race:
    """What happens at the same time, and what must be so afterwards.

    Args:
        jobs: the use cases, by name.
        check: is given their outcomes; raises AssertionError.
    """

    jobs: Mapping[str, Callable[[], object]]
    check: Callable[[Outcomes], None]


class RaceFixtures(Fixtures):
    """What a race starts from: a shop whose time stands still, two customers, and a lamp of which there is one.

    Args:
        clock: of the adapters.
        make_shop: makes the shop in which the jobs race, with what a customer may have reserved.
    """

    def __init__(
        self, adapters: Adapters, clock: MovableClock, make_shop: Callable[[ReservationLimits | None], Shop]
    ) -> None:
        super().__init__(adapters)
        self.time = clock
        self.make_shop = make_shop
        self.shop = make_shop(None)
        self.lamp = self.product("Lamp", units=1)
        self.ada, self.bob = self.customer(), self.customer()

    def time_passes(self) -> datetime:
        """A job: from now on, what was reserved before has expired."""
        self.step(TIME_PASSES)
        return self.time.move(LIFE)

    def step(self, label: str) -> None:
        """A point at which others may come in between, for who runs the jobs step by step."""

    def time_passed_before(self, job: int, label: str) -> bool:
        """Whether time certainly passed before that job made that call."""
        return False

    def buys(self, customer: Actor, *lines: tuple[Product, int], **details: Any) -> Callable[[], Order]:
        """A job: a customer places an order."""
        requested = request(customer, *lines, **details)
        return lambda: self.shop.orders.place(requested)

    def reserves(
        self, customer: Actor, *lines: tuple[Product, int], key: str | None = None
    ) -> Callable[[], Reservation]:
        """A job: a customer reserves units."""
        requested = to_hold(customer, *lines, seconds=LIFE.total_seconds(), key=key)
        return lambda: self.shop.reservations.reserve(requested)

    def edits(self, order: Order, *lines: tuple[Product, int], version: int | None = None) -> Callable[[], Order]:
        """A job: the owner gives the order other lines."""
        owner = self.owner(order)
        requested = [LineRequest(product.id, units) for product, units in lines]
        return lambda: self.shop.orders.edit(owner, order.id, requested, None if version is None else [version])

    def counters(self, product: Product) -> tuple[int, int, int]:
        """On hand, allocated, reserved."""
        level = self.level(product.id)
        return level.on_hand, level.allocated, level.reserved

    def unpublished(self) -> list[Event]:
        """What the outbox has still to publish."""
        with self.begin() as uow:
            messages = uow.outbox.take(self.time() + timedelta(days=1), 999, timedelta(0))
        return [message.event for message in messages]

    def check(self) -> None:
        """What must be so after everything."""
        assert self.shop.audit() == []


Scenario = Callable[[RaceFixtures], Race]
"""Sets a new scene, always the same one."""


def split(outcomes: Outcomes, *refusals: type[Exception]) -> tuple[list[Any], list[BaseException]]:
    """What the jobs got that were not refused, and the refusals; no others than these will do."""
    refused = [outcome for outcome in outcomes.values() if isinstance(outcome, BaseException)]
    for refusal in refused:
        assert isinstance(refusal, refusals), f"{type(refusal).__name__}: {refusal}"
    return [outcome for outcome in outcomes.values() if not isinstance(outcome, BaseException)], refused
