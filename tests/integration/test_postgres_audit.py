"""The audit finds every difference in reservations and keys, and does not slow placing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text

from shop_adapters.postgres import PostgresAdapters
from shop_core import LineRequest, PlacementRequest, Shop
from shop_core.catalog.model import Product
from shop_core.ports import Discrepancy
from shop_core.reservations.model import Reservation, ReservationRequest
from shop_testing import Fixtures
from shop_testing.concurrency import TIMEOUT_S, in_background


@pytest.fixture
def shop(postgres_adapters: PostgresAdapters) -> Shop:
    return Shop(postgres_adapters)


@pytest.fixture
def lamp(postgres_adapters: PostgresAdapters) -> Product:
    """A product with 10 units."""
    return Fixtures(postgres_adapters).product("Lamp", units=10)


@pytest.fixture
def held(postgres_adapters: PostgresAdapters, shop: Shop, lamp: Product) -> Reservation:
    """Three of them, held under a key."""
    lines = (LineRequest(lamp.id, 3),)
    return shop.reservations.reserve(ReservationRequest(Fixtures(postgres_adapters).new_id(), lines, key="123"))


def _plant(adapters: PostgresAdapters, statement: str, **values: object) -> None:
    with adapters.engine.begin() as connection:
        assert connection.execute(text(statement), values).rowcount == 1


def test_it_is_silent_while_reservations_are_held_confirmed_released_and_expire(
    postgres_adapters: PostgresAdapters, shop: Shop, lamp: Product, held: Reservation
) -> None:
    assert shop.audit() == []
    shop.orders.place(PlacementRequest(held.customer_id, reservation_id=held.id, key="order"))
    assert shop.audit() == []
    due = shop.reservations.reserve(ReservationRequest(held.customer_id, (LineRequest(lamp.id, 7),)))
    past = due.created_at - timedelta(seconds=1)
    _plant(postgres_adapters, "UPDATE reservations SET expires_at = :at WHERE id = :id", at=past, id=due.id)
    _plant(
        postgres_adapters,
        "UPDATE reservation_lines SET expires_at = :at WHERE reservation_id = :id",
        at=past,
        id=due.id,
    )
    shop.orders.place(PlacementRequest(held.customer_id, (LineRequest(lamp.id, 7),)))  # takes the units of the due one
    assert shop.audit() == []
    assert shop.reservations.sweep() == 1
    assert shop.audit() == []


def test_units_that_are_reserved_for_nobody_are_found(
    postgres_adapters: PostgresAdapters, shop: Shop, lamp: Product, held: Reservation
) -> None:
    _plant(postgres_adapters, "UPDATE reservation_lines SET is_held = false")
    assert shop.audit() == [Discrepancy("reserved by reservations", lamp.id, stored=3, expected=0)]


def test_a_reservation_that_ended_and_still_holds_units_is_found(
    postgres_adapters: PostgresAdapters, shop: Shop, held: Reservation
) -> None:
    _plant(postgres_adapters, "UPDATE reservations SET state = 'released'")
    assert shop.audit() == [Discrepancy("held lines", held.id, stored=1, expected=0)]


def test_a_line_that_expires_at_another_time_than_its_reservation_is_found(
    postgres_adapters: PostgresAdapters, shop: Shop, held: Reservation
) -> None:
    _plant(postgres_adapters, "UPDATE reservation_lines SET expires_at = expires_at + interval '1 second'")
    assert shop.audit() == [Discrepancy("expiry of lines", held.id, stored=1, expected=0)]


def test_a_confirmed_reservation_without_its_order_is_found(
    postgres_adapters: PostgresAdapters, shop: Shop, held: Reservation
) -> None:
    order = shop.orders.place(PlacementRequest(held.customer_id, reservation_id=held.id))
    other = Fixtures(postgres_adapters).new_id()
    _plant(postgres_adapters, "UPDATE reservations SET order_id = :other", other=other)
    assert order.id != other
    assert shop.audit() == [
        Discrepancy("reservation order", held.id, stored=str(other), expected="an order of its customer")
    ]


def test_a_key_that_stands_for_nothing_is_found_also_if_it_looks_like_a_number(
    postgres_adapters: PostgresAdapters, shop: Shop, held: Reservation
) -> None:
    nothing = Fixtures(postgres_adapters).new_id()
    _plant(postgres_adapters, "UPDATE idempotency_keys SET result_id = :nothing", nothing=nothing)
    assert shop.audit() == [Discrepancy("key", nothing, stored="123", expected="")]


def test_orders_are_placed_while_an_audit_is_open(
    postgres_adapters: PostgresAdapters, shop: Shop, lamp: Product
) -> None:
    def place() -> object:
        return shop.orders.place(PlacementRequest(Fixtures(postgres_adapters).new_id(), (LineRequest(lamp.id, 1),)))

    with postgres_adapters.begin() as uow:
        assert uow.audit() == []
        in_background(place).result(TIMEOUT_S)
    assert shop.audit() == []
