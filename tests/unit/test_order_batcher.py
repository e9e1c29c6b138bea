"""The order train: who rides together, who is answered when, and what happens when a train fails."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import CancelledError, Future, wait
from contextlib import contextmanager
from typing import cast

import pytest

from shop_adapters.memory import MemoryAdapters
from shop_adapters.order_batcher import OrderBatcher
from shop_core import Actor, LineRequest, OffsetRequest, PlacementRequest, Product, Shop
from shop_core.errors import InsufficientStock, KeyReused, Unavailable, UnknownProducts
from shop_core.ports import UnitOfWork
from shop_core.reservations.model import ReservationRequest
from shop_testing import Fixtures
from shop_testing.concurrency import TIMEOUT_S
from shop_testing.fixtures import request


class Gate(MemoryAdapters):
    """A store whose units of work begin only while it is open, and fail where they are told to.

    Args:
        fail_at: the call of a port, counted from 0 over all units of work, that fails; None: none does.
        failure: what it fails with.
        after_commit: it is the first commit that fails instead, after it was done.
    """

    def __init__(self) -> None:
        super().__init__()
        self.is_open = threading.Event()
        self.is_open.set()
        self.begun = 0
        self.calls = 0
        self.fail_at: int | None = None
        self.failure: Exception = Unavailable("The connection was lost.")
        self.after_commit = False

    @contextmanager
    def begin(self) -> Iterator[UnitOfWork]:
        assert self.is_open.wait(TIMEOUT_S)
        self.begun += 1
        with super().begin() as uow:
            yield cast(UnitOfWork, _Failing(uow, self))
        if self.after_commit:
            self.after_commit = False
            raise self.failure

    def count(self) -> None:
        """A port is called."""
        self.calls += 1
        if self.fail_at is not None and self.calls > self.fail_at:
            self.fail_at = None
            raise self.failure


class _Failing:
    """A unit of work, or a repository of it, whose methods can fail."""

    def __init__(self, of: object, gate: Gate) -> None:
        self._of = of
        self._gate = gate

    def __getattr__(self, name: str) -> object:
        found = getattr(self._of, name)
        if not callable(found):
            return _Failing(found, self._gate)

        def called(*arguments: object) -> object:
            self._gate.count()
            return found(*arguments)

        return called


@pytest.fixture
def gate() -> Gate:
    """The store."""
    return Gate()


@pytest.fixture
def shop(gate: Gate) -> Shop:
    """The shop."""
    return Shop(gate)


@pytest.fixture
def fixtures(gate: Gate) -> Fixtures:
    """What is in it."""
    return Fixtures(gate)


@pytest.fixture
def train(shop: Shop, gate: Gate) -> Iterator[OrderBatcher]:
    """The train."""
    with OrderBatcher(shop, gate.new_id) as train:
        yield train


def waiting(train: OrderBatcher, gate: Gate, requests: list[PlacementRequest]) -> list[Future]:  # type: ignore[type-arg]
    """Let all of them wait for the same train: one before them is held up at the gate until they all are there."""
    gate.is_open.clear()
    begun = gate.begun
    first = train.place(PlacementRequest(gate.new_id(), (LineRequest(gate.new_id(), 1),)))  # of an unknown product
    while not first.running():
        pass
    futures = [train.place(one) for one in requests]
    gate.is_open.set()
    assert isinstance(first.exception(TIMEOUT_S), UnknownProducts)
    assert gate.begun > begun
    return futures


def test_a_lone_order_leaves_at_once_and_is_answered_after_its_commit(
    train: OrderBatcher, shop: Shop, fixtures: Fixtures
) -> None:
    lamp, ada = fixtures.product(units=3), fixtures.customer()
    answer = train.place(request(ada, (lamp, 2))).result(TIMEOUT_S)
    assert shop.orders.get(ada, answer.value.id) == answer.value
    assert not answer.replayed
    assert (train.report.trains, train.report.riders) == (1, 1)


def test_all_who_wait_leave_together_up_to_a_cap(shop: Shop, fixtures: Fixtures, gate: Gate) -> None:
    lamp = fixtures.product(units=100)
    with OrderBatcher(shop, gate.new_id, batch_size_max=8) as train:
        futures = waiting(train, gate, [request(fixtures.customer(), (lamp, 1)) for _ in range(20)])
        assert len({future.result(TIMEOUT_S).value.id for future in futures}) == 20
    assert train.report.trains == 1 + 3
    assert fixtures.level(lamp.id).allocated == 20


def test_orders_and_reservations_ride_together(train: OrderBatcher, fixtures: Fixtures) -> None:
    lamp, ada = fixtures.product(units=3), fixtures.customer()
    held = train.reserve(ReservationRequest(ada.account_id, (LineRequest(lamp.id, 2),))).result(TIMEOUT_S).value
    with pytest.raises(InsufficientStock):
        train.place(request(ada, (lamp, 2))).result(TIMEOUT_S)
    order = train.place(PlacementRequest(ada.account_id, reservation_id=held.id)).result(TIMEOUT_S).value
    assert order.units == {lamp.id: 2}


def test_a_refusal_is_for_its_rider_alone(train: OrderBatcher, gate: Gate, fixtures: Fixtures) -> None:
    lamp = fixtures.product(units=2)
    futures = waiting(train, gate, [request(fixtures.customer(), (lamp, units)) for units in (1, 9, 1, 1)])
    outcomes = [future.exception(TIMEOUT_S) for future in futures]
    assert [type(outcome) for outcome in outcomes] == [type(None), InsufficientStock, type(None), InsufficientStock]


def test_twins_on_one_train_are_one_order(train: OrderBatcher, gate: Gate, fixtures: Fixtures, shop: Shop) -> None:
    lamp, ada = fixtures.product(units=9), fixtures.customer()
    twin = PlacementRequest(ada.account_id, (LineRequest(lamp.id, 1),), key="k")
    other = PlacementRequest(ada.account_id, (LineRequest(lamp.id, 2),), key="k")
    first, second, third = waiting(train, gate, [twin, twin, other])
    assert first.result(TIMEOUT_S).value == second.result(TIMEOUT_S).value
    assert (first.result().replayed, second.result().replayed) == (False, True)
    assert isinstance(third.exception(TIMEOUT_S), KeyReused)
    assert len(shop.orders.mine(ada, OffsetRequest()).items) == 1


@pytest.mark.parametrize("failure", [Unavailable("The connection was lost."), ValueError("a bug")])
def test_whatever_fails_every_rider_is_answered_and_every_order_placed_once(failure: Exception) -> None:
    """The store fails at each call of a port in turn; the whole train is replayed one by one."""
    fail_at = 0
    while True:
        gate = Gate()
        shop, fixtures = Shop(gate), Fixtures(gate)
        lamp, customers = fixtures.product(units=3), [fixtures.customer() for _ in range(5)]
        requests = [
            PlacementRequest(
                customer.account_id, (LineRequest(lamp.id, 1),), key=f"key {number}" if number % 2 else None
            )
            for number, customer in enumerate(customers)
        ]
        with OrderBatcher(shop, gate.new_id) as train:
            futures = waiting_then_fail(train, gate, requests, fail_at, failure)
            wait(futures, TIMEOUT_S)
            has_failed, gate.fail_at = gate.fail_at is None, None
            check_placed_once(shop, customers, futures, lamp, fixtures)
        if not has_failed:
            break
        fail_at += 1
    assert fail_at > 8, "every statement of a train was tried"


@pytest.mark.parametrize("failure", [Unavailable("The answer to the commit was lost."), OSError("likewise")])
def test_a_commit_whose_answer_was_lost_is_found_out(
    train: OrderBatcher, gate: Gate, shop: Shop, fixtures: Fixtures, failure: Exception
) -> None:
    lamp, customers = fixtures.product(units=3), [fixtures.customer() for _ in range(5)]
    gate.failure = failure
    futures = waiting_then_fail(train, gate, [request(customer, (lamp, 1)) for customer in customers], None, failure)
    check_placed_once(shop, customers, futures, lamp, fixtures)
    assert train.report.failed == 1
    assert fixtures.level(lamp.id).allocated == 3


def waiting_then_fail(  # type: ignore[no-untyped-def]
    train: OrderBatcher, gate: Gate, requests: list[PlacementRequest], fail_at: int | None, failure: Exception
):
    """One train of all requests, which fails at that call of a port; or, with None, after its commit."""
    hold = threading.Event()
    gate.is_open.clear()
    first = train.place(PlacementRequest(gate.new_id(), (LineRequest(gate.new_id(), 1),)))
    while not first.running():
        pass
    first.add_done_callback(lambda _: hold.wait(TIMEOUT_S))  # runs on the train: holds it up between two departures
    futures = [train.place(one) for one in requests]
    gate.is_open.set()
    first.exception(TIMEOUT_S)
    gate.failure = failure
    gate.calls, gate.fail_at, gate.after_commit = 0, fail_at, fail_at is None
    hold.set()
    return futures


def check_placed_once(
    shop: Shop,
    customers: list[Actor],
    futures: list[Future],
    lamp: Product,
    fixtures: Fixtures,  # type: ignore[type-arg]
) -> None:
    """Who was told of an order has that one, who was told of none has none; units were sold while there were any."""
    told = 0
    for customer, future in zip(customers, futures, strict=True):
        failure = future.exception(TIMEOUT_S)
        mine = shop.orders.mine(customer, OffsetRequest()).items
        if failure is None:
            assert [order.id for order in mine] == [future.result().value.id]
            told += 1
        else:
            assert isinstance(failure, InsufficientStock)
            assert mine == ()
    assert told == 3 == fixtures.level(lamp.id).allocated
    assert shop.audit() == []


def test_a_rider_that_breaks_the_train_breaks_only_his_own_ride(
    train: OrderBatcher, gate: Gate, fixtures: Fixtures, shop: Shop
) -> None:
    lamp, ada, bob = fixtures.product(units=9), fixtures.customer(), fixtures.customer()
    poison = PlacementRequest(ada.account_id, (LineRequest(lamp.id, 1),))
    object.__setattr__(poison, "units", {lamp.id: None})
    good, bad, fine = waiting(train, gate, [request(bob, (lamp, 1)), poison, request(bob, (lamp, 2))])
    assert isinstance(bad.exception(TIMEOUT_S), TypeError)
    assert {good.result(TIMEOUT_S).value.units[lamp.id], fine.result(TIMEOUT_S).value.units[lamp.id]} == {1, 2}
    assert fixtures.level(lamp.id).allocated == 3


def test_who_hangs_up_on_the_platform_is_left_behind_and_who_hangs_up_on_the_train_stops_nobody(
    train: OrderBatcher, gate: Gate, fixtures: Fixtures
) -> None:
    lamp = fixtures.product(units=9)
    gate.is_open.clear()
    aboard = train.place(request(fixtures.customer(), (lamp, 1)))
    while not aboard.running():
        pass
    left, rides = (train.place(request(fixtures.customer(), (lamp, units))) for units in (2, 4))
    assert not aboard.cancel()
    assert left.cancel()
    gate.is_open.set()
    assert rides.result(TIMEOUT_S).value.units == {lamp.id: 4}
    with pytest.raises(CancelledError):
        left.result(TIMEOUT_S)
    assert fixtures.level(lamp.id).allocated == 1 + 4


def test_who_would_wait_too_long_is_refused_at_once(shop: Shop, fixtures: Fixtures, gate: Gate) -> None:
    lamp = fixtures.product(units=99)
    with OrderBatcher(shop, gate.new_id, wait_max_s=0.0) as train:
        gate.is_open.clear()
        aboard = train.place(request(fixtures.customer(), (lamp, 1)))
        while not aboard.running():
            pass
        with pytest.raises(Unavailable, match="Nothing was done") as refused:
            train.place(request(fixtures.customer(), (lamp, 1)))
        assert refused.value.retry_after_s >= 1
        gate.is_open.set()
        aboard.result(TIMEOUT_S)
    assert train.report.refused == 1


def test_a_slow_train_keeps_nobody_out_who_fits_on_the_next(shop: Shop, fixtures: Fixtures, gate: Gate) -> None:
    """What counts is the number of trains: a full one hardly takes longer than one with a single rider."""
    lamp = fixtures.product(units=99)
    with OrderBatcher(shop, gate.new_id, wait_max_s=TIMEOUT_S) as train:
        futures = waiting(train, gate, [request(fixtures.customer(), (lamp, 1)) for _ in range(40)])
        assert all(future.exception(TIMEOUT_S) is None for future in futures)
    assert train.report.refused == 0


def test_the_last_train_arrives_and_nobody_boards_after_it(shop: Shop, fixtures: Fixtures, gate: Gate) -> None:
    lamp = fixtures.product(units=9)
    train = OrderBatcher(shop, gate.new_id)
    train.start()
    gate.is_open.clear()
    futures = [train.place(request(fixtures.customer(), (lamp, 1))) for _ in range(5)]
    stopping = threading.Thread(target=train.stop)
    stopping.start()
    gate.is_open.set()
    stopping.join(TIMEOUT_S)
    assert all(future.result(0).value.units == {lamp.id: 1} for future in futures)
    with pytest.raises(Unavailable, match="closing down"):
        train.place(request(fixtures.customer(), (lamp, 1)))


def test_many_threads_on_one_train_sell_what_there_is(train: OrderBatcher, shop: Shop, fixtures: Fixtures) -> None:
    lamp = fixtures.product(units=50)
    outcomes: list[object] = []

    def buy() -> None:
        for customer in (fixtures.customer() for _ in range(25)):
            outcomes.append(train.place(request(customer, (lamp, 1))).exception(TIMEOUT_S))  # noqa: PERF401

    threads = [threading.Thread(target=buy) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(TIMEOUT_S)
    assert outcomes.count(None) == 50
    assert len(outcomes) == 200
    assert shop.audit() == []
