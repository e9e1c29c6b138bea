"""What only PostgreSQL can get wrong: when its clock is read, who waits for whom, and in which order."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from random import Random
from uuid import UUID

import pytest
from sqlalchemy import text

from plans import statements
from shop_adapters.postgres import PostgresAdapters
from shop_core import LineRequest, Shop
from shop_core.reservations.model import Reservation, ReservationRequest
from shop_testing import Fixtures
from shop_testing.concurrency import TIMEOUT_S, in_background, still_waits, together


@pytest.fixture
def shop(postgres_adapters: PostgresAdapters) -> Shop:
    return Shop(postgres_adapters)


@pytest.fixture
def fixtures(postgres_adapters: PostgresAdapters) -> Fixtures:
    return Fixtures(postgres_adapters)


def _held(shop: Shop, fixtures: Fixtures, *product_ids: UUID, ttl: timedelta = timedelta(minutes=10)) -> Reservation:
    lines = tuple(LineRequest(product_id, 1) for product_id in product_ids)
    return shop.reservations.reserve(ReservationRequest(fixtures.new_id(), lines, ttl))


# ---- the clock


@pytest.mark.parametrize("waits_for", [0, 1])
def test_after_waiting_for_a_lock_the_time_is_read_again(
    postgres_adapters: PostgresAdapters, fixtures: Fixtures, waits_for: int
) -> None:
    """Told beside the columns of the locking SELECT, it was the time before the wait: this test failed so."""
    products = sorted(fixtures.product(f"Lamp {number}", units=1).id for number in range(2))

    def wait() -> object:
        with postgres_adapters.begin() as uow:
            uow.stock.lock(products)
            return uow.now()

    with postgres_adapters.begin() as holder:
        holder.stock.lock([products[waits_for]])
        waiter = in_background(wait)
        assert still_waits(waiter)
        with postgres_adapters.begin() as other:
            before_release = other.now()
    assert waiter.result(TIMEOUT_S) > before_release  # type: ignore[operator]


def test_the_time_is_read_again_after_another_lock(postgres_adapters: PostgresAdapters, fixtures: Fixtures) -> None:
    first, second = sorted(fixtures.product(f"Lamp {number}", units=1).id for number in range(2))
    with postgres_adapters.begin() as uow:
        uow.stock.lock([first])
        before = uow.now()
        assert uow.now() == before
        uow.stock.lock([second])
        assert uow.now() > before


def test_the_clock_of_the_process_is_not_asked(
    postgres_adapters: PostgresAdapters, shop: Shop, fixtures: Fixtures
) -> None:
    with postgres_adapters.engine.connect() as connection:
        before = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
        held = _held(shop, fixtures, fixtures.product(units=1).id)
        after = connection.execute(text("SELECT clock_timestamp()")).scalar_one()
    assert before < held.created_at < after


# ---- customers


def test_customers_who_reserve_for_the_first_time_in_one_batch_never_wait_for_each_other(
    postgres_adapters: PostgresAdapters, fixtures: Fixtures
) -> None:
    """Some are there and some are not, in batches that overlap: 40P01 as soon as the two kinds are locked apart."""
    random = Random(4)

    def lock(customers: list[UUID]) -> Callable[[], None]:
        def job() -> None:
            with postgres_adapters.begin() as uow:
                held = uow.reservations.lock_customers(customers, uow.now)
                assert set(held) == set(customers)

        return job

    for _ in range(30):
        crowd = [UUID(int=random.getrandbits(128)) for _ in range(8)]
        lock(random.sample(crowd, 3))()
        jobs = [lock(random.sample(crowd, 6)) for _ in range(6)]
        assert together(*jobs) == [None] * 6


def test_a_customers_holdings_are_counted_by_one_at_a_time(
    postgres_adapters: PostgresAdapters, fixtures: Fixtures
) -> None:
    ada = fixtures.new_id()

    def lock() -> None:
        with postgres_adapters.begin() as uow:
            uow.reservations.lock_customers([ada], uow.now)

    for _ in range(2):  # the first time, and when her row is there
        with postgres_adapters.begin() as uow:
            uow.reservations.lock_customers([ada], uow.now)
            other = in_background(lock)
            assert still_waits(other)
        other.result(TIMEOUT_S)


def test_nothing_is_sent_for_nothing(postgres_adapters: PostgresAdapters) -> None:
    with statements(postgres_adapters.engine) as sent, postgres_adapters.begin() as uow:
        uow.keys.claim([])
        uow.keys.forget([])
        uow.reservations.lock_customers([], uow.now)
        uow.reservations.add_all([])
        uow.reservations.get_all([])
        uow.reservations.update_all([])
        uow.reservations.due_lines([], uow.now(), 1)
        uow.reservations.release_lines([])
        uow.stock.lock([])
        uow.events.add_all([])
        uow.outbox.delivered([])
        uow.outbox.release([], uow.now())
        uow.outbox.requeue([], uow.now())
    assert [statement for statement, _ in sent if "clock_timestamp" not in statement] == []
