"""Facts and how they leave: their types, the waits between attempts, and a relay that dies."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shop_adapters.ids import SequentialIds
from shop_adapters.memory import MemoryAdapters
from shop_core.accounts.model import SYSTEM, Actor, Role
from shop_core.events import EVENT_OF, Event, OrderEvent, OrderEventKind, StockEvent, StockEventKind
from shop_core.money import Money
from shop_core.orders.model import Order, OrderLine, OrderStatus, Step
from shop_core.outbox import ATTEMPTS_MAX, PUBLISH_TIME_MAX, VISIBILITY_TIMEOUT, retry_delay
from shop_core.shop import Shop
from shop_testing import Fixtures, MovableClock
from shop_testing.determinism import START
from shop_testing.fixtures import request

ADA = Actor(UUID(int=0xADA), Role.CUSTOMER)


# ---- waiting


@given(st.integers(1, 10_000))
def test_waits_double_from_a_second_to_an_hour(attempts: int) -> None:
    assert retry_delay(attempts) == min(timedelta(seconds=2 ** min(attempts - 1, 40)), timedelta(hours=1))


def test_waits_never_get_shorter_and_all_attempts_take_more_than_half_an_hour() -> None:
    waits = [retry_delay(attempts) for attempts in range(1, ATTEMPTS_MAX)]
    assert all(earlier < later for earlier, later in pairwise(waits))
    assert timedelta(minutes=30) < sum(waits, timedelta(0)) < timedelta(minutes=40)


def test_a_relay_stops_trying_long_before_others_may_take_its_letters() -> None:
    """A letter may take 15 seconds: the last one that is begun must be over before it is hidden no more."""
    assert PUBLISH_TIME_MAX + timedelta(seconds=15) < VISIBILITY_TIMEOUT


# ---- facts


def test_every_step_leaves_a_fact_behind() -> None:
    assert EVENT_OF.keys() == set(Step)
    assert {*EVENT_OF.values(), OrderEventKind.PLACED} == set(OrderEventKind)


def test_a_fact_about_an_order_says_what_the_order_is_now() -> None:
    line = OrderLine(UUID(int=1), "SKU", "Lamp", Money(295, "EUR"), 2)
    order = Order(UUID(int=7), ADA.account_id, OrderStatus.PLACED, (line,), Money(590, "EUR"), START, START)
    event = OrderEvent.of(UUID(int=9), OrderEventKind.PLACED, order, ADA)
    assert (event.subject_id, event.seq, event.status, event.total) == (order.id, 1, OrderStatus.PLACED, order.total)
    assert (event.type, event.actor_id, event.actor_role) == ("order.placed", ADA.id, Role.CUSTOMER)
    by_the_shop = OrderEvent.of(UUID(int=9), OrderEventKind.CANCELLED, order, SYSTEM)
    assert (by_the_shop.actor_id, by_the_shop.actor_role) == (None, None)


@pytest.mark.parametrize(
    ("kind", "known_by"),
    [(StockEventKind.RESERVATION_EXPIRED, "reservation.expired"), (StockEventKind.STOCK_SHORT, "stock.short")],
)
def test_a_fact_about_stock_has_no_number(kind: StockEventKind, known_by: str) -> None:
    event = StockEvent(UUID(int=9), kind, UUID(int=1), START, 3)
    assert (event.seq, event.type, event.subject_id) == (0, known_by, UUID(int=1))


# ---- a relay


class Killed(BaseException):
    """The process ends here."""


class DiesAtThe:
    """A publisher whose process is killed at its n-th letter, before or after that arrived."""

    def __init__(self, number: int, *, arrives: bool) -> None:
        self.heard: list[Event] = []
        self._number, self._arrives = number, arrives

    def publish(self, event: Event) -> None:
        is_the_end = len(self.heard) + 1 == self._number
        if self._arrives or not is_the_end:
            self.heard.append(event)
        if is_the_end:
            self._number = 0
            raise Killed


@pytest.mark.parametrize("arrives", [True, False])
@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_relay_that_is_killed_loses_nothing_and_the_next_one_tells_it_in_order(number: int, arrives: bool) -> None:
    clock = MovableClock()
    adapters = MemoryAdapters(clock=clock, new_id=SequentialIds())
    shop, fixtures = Shop(adapters), Fixtures(adapters)
    order = shop.orders.place(request(ADA, (fixtures.product(units=1), 1)))
    shop.orders.confirm(SYSTEM, order.id)
    shop.orders.ship(SYSTEM, order.id)
    publisher = DiesAtThe(number, arrives=arrives)
    with pytest.raises(Killed):
        shop.outbox.relay(publisher)
    assert shop.outbox.relay(publisher) == 0, "its letters are hidden for a while"
    heard = len(publisher.heard)
    clock.move(VISIBILITY_TIMEOUT)
    assert shop.outbox.relay(publisher) == 3
    assert [event.seq for event in publisher.heard[heard:]] == [1, 2, 3], "at least once, in order"
    assert shop.outbox.relay(publisher) == 0


class Slow:
    """A publisher that takes its time."""

    def __init__(self, clock: MovableClock) -> None:
        self.heard: list[Event] = []
        self._clock = clock

    def publish(self, event: Event) -> None:
        self._clock.move(PUBLISH_TIME_MAX / 2)
        self.heard.append(event)


def test_a_slow_publisher_is_not_kept_busy_longer_than_letters_are_hidden() -> None:
    clock = MovableClock()
    adapters = MemoryAdapters(clock=clock, new_id=SequentialIds())
    shop, fixtures = Shop(adapters), Fixtures(adapters)
    lamp = fixtures.product(units=9)
    orders = [shop.orders.place(request(ADA, (lamp, 1))) for _ in range(5)]
    publisher = Slow(clock)
    assert shop.outbox.relay(publisher) == 5
    assert len(publisher.heard) == 2
    while shop.outbox.relay(publisher):
        pass
    assert sorted(event.subject_id for event in publisher.heard) == [order.id for order in orders]
