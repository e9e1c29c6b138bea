"""The audit in memory finds every difference in reservations and keys, as on PostgreSQL."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from shop_adapters.memory import MemoryAdapters
from shop_core import Shop
from shop_core.catalog.model import Product
from shop_core.ports import Discrepancy
from shop_core.reservations.model import Reservation, ReservationState
from shop_testing import Fixtures, MovableClock
from shop_testing.fixtures import request, to_hold


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock()


@pytest.fixture
def adapters(clock: MovableClock) -> MemoryAdapters:
    return MemoryAdapters(clock=clock)


@pytest.fixture
def shop(adapters: MemoryAdapters) -> Shop:
    return Shop(adapters)


@pytest.fixture
def lamp(adapters: MemoryAdapters) -> Product:
    """A product with 10 units."""
    return Fixtures(adapters).product("Lamp", units=10)


@pytest.fixture
def held(adapters: MemoryAdapters, shop: Shop, lamp: Product) -> Reservation:
    """Three of them, held under a key."""
    return shop.reservations.reserve(to_hold(Fixtures(adapters).customer(), (lamp, 3), key="123"))


def _plant(adapters: MemoryAdapters, held: Reservation, **wrong: object) -> None:
    stored = adapters._store.reservations
    stored[held.id] = replace(stored[held.id], **wrong)


def test_it_is_silent_while_units_are_let_go_and_swept(
    adapters: MemoryAdapters, shop: Shop, clock: MovableClock, lamp: Product, held: Reservation
) -> None:
    assert shop.audit() == []
    clock.move(timedelta(days=1))
    shop.orders.place(request(Fixtures(adapters).customer(), (lamp, 10)))
    assert shop.audit() == []
    assert shop.reservations.sweep() == 1
    assert shop.audit() == []


def test_units_that_are_reserved_for_nobody_are_found(
    adapters: MemoryAdapters, shop: Shop, lamp: Product, held: Reservation
) -> None:
    _plant(adapters, held, lines=tuple(line._replace(is_held=False) for line in held.lines))
    assert shop.audit() == [Discrepancy("reserved by reservations", lamp.id, stored=3, expected=0)]


def test_a_reservation_that_ended_and_still_holds_units_is_found(
    adapters: MemoryAdapters, shop: Shop, held: Reservation
) -> None:
    _plant(adapters, held, state=ReservationState.RELEASED)
    assert shop.audit() == [Discrepancy("held lines", held.id, stored=1, expected=0)]


def test_a_confirmed_reservation_without_its_order_is_found(
    adapters: MemoryAdapters, shop: Shop, held: Reservation
) -> None:
    fixtures = Fixtures(adapters)
    shop.orders.place(replace(request(fixtures.customer(), of=held), customer_id=held.customer_id))
    other, somebody_elses = fixtures.new_id(), fixtures.order().id
    for wrong in (other, somebody_elses, None):
        _plant(adapters, held, order_id=wrong)
        expected = Discrepancy("reservation order", held.id, str(wrong or ""), "an order of its customer")
        assert expected in shop.audit()


def test_an_order_of_a_reservation_that_was_not_confirmed_is_found(
    adapters: MemoryAdapters, shop: Shop, held: Reservation
) -> None:
    order_id = Fixtures(adapters).new_id()
    _plant(adapters, held, order_id=order_id)
    assert shop.audit() == [Discrepancy("reservation order", held.id, str(order_id), "")]


def test_a_key_that_stands_for_nothing_or_for_somebody_elses_is_found(
    adapters: MemoryAdapters, shop: Shop, held: Reservation, lamp: Product
) -> None:
    fixtures, keys = Fixtures(adapters), adapters._store.keys
    claim = keys[held.customer_id, "123"]
    other = shop.reservations.reserve(to_hold(fixtures.customer(), (lamp, 1)))
    for wrong in (fixtures.new_id(), other.id):
        keys[claim.customer_key] = claim._replace(result_id=wrong)
        assert shop.audit() == [Discrepancy("key", wrong, stored="123", expected="")]
