"""The order batcher: what is decided together, when it is answered, and what happens when a batch fails."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, Future, wait
from contextlib import contextmanager
from typing import Any, cast

import pytest

from shop_adapters import order_batcher
from shop_adapters.memory import MemoryAdapters
from shop_adapters.order_batcher import GATHERED_MIN, LIGHT_LINES_MAX, OrderBatcher
from shop_core import Actor, LineRequest, OffsetRequest, PlacementRequest, Product, Shop
from shop_core.errors import InsufficientStock, KeyReused, Unavailable, UnknownProducts
from shop_core.idempotency import KeyClaim
from shop_core.inventory.model import LINES_MAX
from shop_core.ports import UnitOfWork
from shop_core.reservations.model import ReservationRequest
from shop_testing import Fixtures
from shop_testing.concurrency import TIMEOUT_S
from shop_testing.fixtures import request, to_hold


class Latch(MemoryAdapters):
    """A store whose units of work begin only while it is open, and fail where they are told to.

    Args:
        fail_at: the call of a port, counted from 0 over all units of work, that fails; None: none does.
        failure: what it fails with.
        after_commit: it is the first commit that fails instead, after it was done.
    """

    def __init__(self, **options: float) -> None:
        super().__init__(**options)  # type: ignore[arg-type]
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

    def __init__(self, of: object, gate: Latch) -> None:
        self._of = of
        self._gate = gate

    def __getattr__(self, name: str) -> object:
        found = getattr(self._of, name)
        if not callable(found):
            return _Failing(found, self._gate)

        def called(*arguments: object, **named: object) -> object:
            self._gate.count()
            return found(*arguments, **named)

        return called


@pytest.fixture
def gate() -> Latch:
    """The store."""
    return Latch()


@pytest.fixture
def shop(gate: Latch) -> Shop:
    """The shop."""
    return Shop(gate)


@pytest.fixture
def fixtures(gate: Latch) -> Fixtures:
    """What is in it."""
    return Fixtures(gate)


@pytest.fixture
def batcher(shop: Shop, gate: Latch) -> Iterator[OrderBatcher]:
    """The batcher."""
    with OrderBatcher(shop, gate.new_id) as batcher:
        yield batcher


@contextmanager
def held_up(batcher: OrderBatcher, gate: Latch) -> Iterator[Future[Any]]:
    """An order of an unknown product is held up at the gate; what is placed meanwhile waits for the next batch."""
    gate.is_open.clear()
    begun = gate.begun
    first = batcher.place(PlacementRequest(gate.new_id(), (LineRequest(gate.new_id(), 1),)))
    while not first.running():
        pass
    yield first
    gate.is_open.set()
    assert isinstance(first.exception(TIMEOUT_S), UnknownProducts)
    assert gate.begun > begun


def waiting(batcher: OrderBatcher, gate: Latch, requests: list[PlacementRequest]) -> list[Future[Any]]:
    """All requests, in one batch."""
    with held_up(batcher, gate):
        return [batcher.place(one) for one in requests]


def test_a_lone_order_is_placed_at_once_and_answered_after_its_commit(
    batcher: OrderBatcher, shop: Shop, fixtures: Fixtures
) -> None:
    lamp, ada = fixtures.product(units=3), fixtures.customer()
    answer = batcher.place(request(ada, (lamp, 2))).result(TIMEOUT_S)
    assert shop.orders.get(ada, answer.value.id) == answer.value
    assert not answer.replayed
    batcher.stop()  # which counts its batch after the answer
    assert (batcher.report.batches, batcher.report.requests) == (1, 1)


def test_queued_requests_are_decided_together_up_to_a_maximum(shop: Shop, fixtures: Fixtures, gate: Latch) -> None:
    lamp = fixtures.product(units=100)
    with OrderBatcher(shop, gate.new_id, batch_size_max=8) as batcher:
        futures = waiting(batcher, gate, [request(fixtures.customer(), (lamp, 1)) for _ in range(20)])
        assert len({future.result(TIMEOUT_S).value.id for future in futures}) == 20
    assert batcher.report.batches == 1 + 3
    assert fixtures.level(lamp.id).allocated == 20


def test_after_a_large_batch_the_next_one_waits_for_company(
    batcher: OrderBatcher, gate: Latch, fixtures: Fixtures, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(order_batcher, "GATHER_S", 0.5)
    lamp, ada = fixtures.product(units=100), fixtures.customer()
    for future in waiting(batcher, gate, [request(ada, (lamp, 1)) for _ in range(GATHERED_MIN)]):
        future.result(TIMEOUT_S)
    company = [batcher.place(request(ada, (lamp, 1))) for _ in range(3)]
    for future in company:
        future.result(TIMEOUT_S)
    batcher.stop()
    assert batcher.report.batches == 1 + 1 + 1, "the order that held up the others, the large batch, and the company"


def test_it_waits_no_longer_than_until_as_many_are_queued(
    batcher: OrderBatcher, gate: Latch, fixtures: Fixtures, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(order_batcher, "GATHER_S", 10 * TIMEOUT_S)
    lamp, ada = fixtures.product(units=100), fixtures.customer()
    for future in waiting(batcher, gate, [request(ada, (lamp, 1)) for _ in range(GATHERED_MIN)]):
        future.result(TIMEOUT_S)
    for future in [batcher.place(request(ada, (lamp, 1))) for _ in range(GATHERED_MIN)]:
        future.result(TIMEOUT_S)
    batcher.stop()
    assert batcher.report.batches == 1 + 1 + 1, "the order that held up the others, and two batches of as many"


def test_orders_and_reservations_share_a_batch(batcher: OrderBatcher, fixtures: Fixtures) -> None:
    lamp, ada = fixtures.product(units=3), fixtures.customer()
    held = batcher.reserve(ReservationRequest(ada.account_id, (LineRequest(lamp.id, 2),))).result(TIMEOUT_S).value
    with pytest.raises(InsufficientStock):
        batcher.place(request(ada, (lamp, 2))).result(TIMEOUT_S)
    order = batcher.place(PlacementRequest(ada.account_id, reservation_id=held.id)).result(TIMEOUT_S).value
    assert order.units == {lamp.id: 2}


def test_a_refused_request_refuses_no_other(batcher: OrderBatcher, gate: Latch, fixtures: Fixtures) -> None:
    lamp = fixtures.product(units=2)
    futures = waiting(batcher, gate, [request(fixtures.customer(), (lamp, units)) for units in (1, 9, 1, 1)])
    outcomes = [future.exception(TIMEOUT_S) for future in futures]
    assert [type(outcome) for outcome in outcomes] == [type(None), InsufficientStock, type(None), InsufficientStock]


def test_duplicates_in_one_batch_are_one_order(
    batcher: OrderBatcher, gate: Latch, fixtures: Fixtures, shop: Shop
) -> None:
    lamp, ada = fixtures.product(units=9), fixtures.customer()
    twin = PlacementRequest(ada.account_id, (LineRequest(lamp.id, 1),), key="k")
    other = PlacementRequest(ada.account_id, (LineRequest(lamp.id, 2),), key="k")
    first, second, third = waiting(batcher, gate, [twin, twin, other])
    assert first.result(TIMEOUT_S).value == second.result(TIMEOUT_S).value
    assert (first.result().replayed, second.result().replayed) == (False, True)
    assert isinstance(third.exception(TIMEOUT_S), KeyReused)
    assert len(shop.orders.mine(ada, OffsetRequest()).items) == 1


@pytest.mark.parametrize("failure", [Unavailable("The connection was lost."), ValueError("a bug")])
def test_whatever_fails_every_request_is_answered_and_every_order_placed_once(failure: Exception) -> None:
    """The store fails at each call of a port in turn; the whole batch is retried one by one."""
    fail_at = 0
    while True:
        gate = Latch()
        shop, fixtures = Shop(gate), Fixtures(gate)
        lamp, customers = fixtures.product(units=3), [fixtures.customer() for _ in range(5)]
        requests = [
            PlacementRequest(
                customer.account_id, (LineRequest(lamp.id, 1),), key=f"key {number}" if number % 2 else None
            )
            for number, customer in enumerate(customers)
        ]
        with OrderBatcher(shop, gate.new_id) as batcher:
            futures = waiting_then_fail(batcher, gate, requests, fail_at, failure)
            wait(futures, TIMEOUT_S)
            has_failed, gate.fail_at = gate.fail_at is None, None
            check_placed_once(shop, customers, futures, lamp, fixtures)
        if not has_failed:
            break
        fail_at += 1
    assert fail_at > 8, "every statement of a batch was tried"


@pytest.mark.parametrize("failure", [Unavailable("The answer to the commit was lost."), OSError("likewise")])
def test_a_commit_whose_answer_was_lost_is_found_out(
    batcher: OrderBatcher, gate: Latch, shop: Shop, fixtures: Fixtures, failure: Exception
) -> None:
    lamp, customers = fixtures.product(units=3), [fixtures.customer() for _ in range(5)]
    gate.failure = failure
    futures = waiting_then_fail(batcher, gate, [request(customer, (lamp, 1)) for customer in customers], None, failure)
    check_placed_once(shop, customers, futures, lamp, fixtures)
    assert batcher.report.failed == 1
    assert fixtures.level(lamp.id).allocated == 3


class Noting:
    """An observer that notes of each batch its requests, by number, its lines, and whether it failed as a whole."""

    def __init__(self) -> None:
        self.requests = 0
        self.batches: list[tuple[list[object], int, bool]] = []

    def request(self) -> object:
        self.requests += 1
        return self.requests

    @contextmanager
    def batch(self, requests: Sequence[object], lines: int) -> Iterator[Callable[[], None]]:
        failures: list[None] = []
        yield lambda: failures.append(None)
        self.batches.append((list(requests), lines, bool(failures)))


@pytest.mark.parametrize("fails", [False, True])
def test_an_observer_sees_of_each_batch_its_requests_its_lines_and_whether_it_failed(
    shop: Shop, gate: Latch, fixtures: Fixtures, fails: bool
) -> None:
    lamp, chair, observer = fixtures.product(units=9), fixtures.product(units=9), Noting()
    with OrderBatcher(shop, gate.new_id, observer=observer) as batcher:
        requests = [request(fixtures.customer(), (lamp, 1)), request(fixtures.customer(), (lamp, 1), (chair, 2))]
        if fails:
            waiting_then_fail(batcher, gate, requests, 0, OSError("once"))
        else:
            waiting(batcher, gate, requests)
    assert observer.batches == [([1], 1, False), ([2, 3], 3, fails)]


def waiting_then_fail(
    batcher: OrderBatcher, gate: Latch, requests: list[PlacementRequest], fail_at: int | None, failure: Exception
) -> list[Future[Any]]:
    """One batch of all requests, which fails at that call of a port; or, with None, after its commit."""
    hold = threading.Event()
    with held_up(batcher, gate) as first:
        first.add_done_callback(lambda _: hold.wait(TIMEOUT_S))  # holds up its thread between two batches
        futures = [batcher.place(one) for one in requests]
    gate.failure = failure
    gate.calls, gate.fail_at, gate.after_commit = 0, fail_at, fail_at is None
    hold.set()
    return futures


def check_placed_once(
    shop: Shop, customers: list[Actor], futures: list[Future[Any]], lamp: Product, fixtures: Fixtures
) -> None:
    """Every customer has exactly the order that they were answered with; units were sold while there were any."""
    answered = 0
    for customer, future in zip(customers, futures, strict=True):
        failure = future.exception(TIMEOUT_S)
        mine = shop.orders.mine(customer, OffsetRequest()).items
        if failure is None:
            assert [order.id for order in mine] == [future.result().value.id]
            answered += 1
        else:
            assert isinstance(failure, InsufficientStock)
            assert mine == ()
    assert answered == 3 == fixtures.level(lamp.id).allocated
    assert shop.audit() == []


def test_a_request_that_breaks_its_batch_fails_alone(
    batcher: OrderBatcher, gate: Latch, fixtures: Fixtures, shop: Shop
) -> None:
    lamp, ada, bob = fixtures.product(units=9), fixtures.customer(), fixtures.customer()
    poison = PlacementRequest(ada.account_id, (LineRequest(lamp.id, 1),))
    object.__setattr__(poison, "units", {lamp.id: None})
    good, bad, fine = waiting(batcher, gate, [request(bob, (lamp, 1)), poison, request(bob, (lamp, 2))])
    assert isinstance(bad.exception(TIMEOUT_S), TypeError)
    assert {good.result(TIMEOUT_S).value.units[lamp.id], fine.result(TIMEOUT_S).value.units[lamp.id]} == {1, 2}
    assert fixtures.level(lamp.id).allocated == 3


def test_a_queued_request_can_be_cancelled_and_one_in_a_batch_cannot(
    batcher: OrderBatcher, gate: Latch, fixtures: Fixtures
) -> None:
    lamp = fixtures.product(units=9)
    with held_up(batcher, gate) as first:
        cancelled, last = (batcher.place(request(fixtures.customer(), (lamp, units))) for units in (2, 4))
        assert not first.cancel()
        assert cancelled.cancel()
    assert last.result(TIMEOUT_S).value.units == {lamp.id: 4}
    with pytest.raises(CancelledError):
        cancelled.result(TIMEOUT_S)
    assert fixtures.level(lamp.id).allocated == 4


def test_a_request_that_would_wait_too_long_is_refused_at_once(shop: Shop, fixtures: Fixtures, gate: Latch) -> None:
    lamp = fixtures.product(units=99)
    with OrderBatcher(shop, gate.new_id, wait_max_s=0.0) as batcher, held_up(batcher, gate):
        with pytest.raises(Unavailable, match="Nothing was done") as refused:
            batcher.place(request(fixtures.customer(), (lamp, 1)))
        assert refused.value.retry_after_s >= 1
    assert batcher.report.refused == 1


def test_a_locked_product_holds_up_only_those_who_want_it_and_not_for_longer_than_a_request_may_wait() -> None:
    gate = Latch(lock_timeout_s=0.05)
    shop, fixtures = Shop(gate), Fixtures(gate)
    lamp, chair, ada = fixtures.product(units=9), fixtures.product(units=9), fixtures.customer()
    held = shop.reservations.reserve(to_hold(ada, (lamp, 1)))
    with OrderBatcher(shop, gate.new_id, wait_max_s=1.0) as batcher:
        with fixtures.begin() as uow:
            uow.stock.lock([lamp.id])
            requests = [
                request(ada, (lamp, 1)),
                request(ada, (chair, 1)),
                request(ada, of=held),
                request(ada, (chair, 1)),
            ]
            of_lamp, of_chair, of_held, of_chair_too = waiting(batcher, gate, requests)
            for future in (of_chair, of_chair_too):
                assert future.result(TIMEOUT_S).value.units == {chair.id: 1}
            assert not of_lamp.done()
            for future in (of_lamp, of_held):
                assert isinstance(future.exception(TIMEOUT_S), Unavailable)
            for_later = batcher.place(request(ada, (lamp, 2)))
            while batcher.report.waiting == 0 and not for_later.done():  # it is set aside, and tried again
                pass
        assert for_later.result(TIMEOUT_S).value.units == {lamp.id: 2}
        assert batcher.place(request(ada, of=held)).result(TIMEOUT_S).value.units == {lamp.id: 1}
    assert shop.audit() == []


def test_a_key_that_somebody_else_holds_holds_up_only_its_own_request() -> None:
    gate = Latch(lock_timeout_s=0.05)
    shop, fixtures = Shop(gate), Fixtures(gate)
    lamp, ada, bob = fixtures.product(units=9), fixtures.customer(), fixtures.customer()
    claim, begun_before_bob = KeyClaim(ada.account_id, "k", b"", gate.new_id()), list[int]()
    with OrderBatcher(shop, gate.new_id, wait_max_s=TIMEOUT_S) as batcher:
        with fixtures.begin() as uow:
            uow.keys.claim([claim])
            begun = gate.begun
            with held_up(batcher, gate):
                held = batcher.place(PlacementRequest(ada.account_id, (LineRequest(lamp.id, 1),), key="k"))
                free = batcher.place(request(bob, (lamp, 2)))
                free.add_done_callback(lambda _: begun_before_bob.append(gate.begun - begun))
            assert free.result(TIMEOUT_S).value.units == {lamp.id: 2}
            assert not held.done()
            uow.keys.forget([claim])
        # What held them up, the batch, the batch without waiting, and each alone: nobody looked for lost commits.
        assert begun_before_bob == [1 + 1 + 1 + 2]
        assert held.result(TIMEOUT_S).value.units == {lamp.id: 1}


def test_large_orders_take_turns_with_small_ones(shop: Shop, fixtures: Fixtures, gate: Latch) -> None:
    products, customer = fixtures.products(LINES_MAX, units=9), fixtures.customer()
    large = request(customer, *((product, 1) for product in products))
    small = request(customer, (products[0], 1))
    done: list[str] = []
    with OrderBatcher(shop, gate.new_id, wait_max_s=TIMEOUT_S) as batcher, held_up(batcher, gate):
        for name in "LLLSS":
            future = batcher.place(large if name == "L" else small)
            future.add_done_callback(lambda _, name=name: done.append(name))  # type: ignore[misc]
    assert "".join(done) in {"LSSLL", "SSLLL"}
    assert batcher.report.batches == 1 + 3 + 1


def test_large_orders_that_wait_too_long_refuse_no_small_one(shop: Shop, fixtures: Fixtures, gate: Latch) -> None:
    products, customer = fixtures.products(LINES_MAX, units=9), fixtures.customer()
    large = request(customer, *((product, 1) for product in products))
    with OrderBatcher(shop, gate.new_id, wait_max_s=TIMEOUT_S) as batcher:
        batcher.place(large).result(TIMEOUT_S)
        while batcher.report.batches == 0:  # it counts its batch after the answer
            pass
        batcher.report.batch_s = TIMEOUT_S / 2
        with pytest.raises(Unavailable, match="Too many"):
            waiting(batcher, gate, [large] * 5)
        gate.is_open.set()
        assert batcher.place(request(customer, (products[0], 1))).result(TIMEOUT_S)


def test_the_queue_is_bounded_by_lines_too(
    shop: Shop, fixtures: Fixtures, gate: Latch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(order_batcher, "QUEUE_LINES_MAX", 2 * LIGHT_LINES_MAX)
    products, customer = fixtures.products(LIGHT_LINES_MAX, units=9), fixtures.customer()
    order = request(customer, *((product, 1) for product in products))
    with OrderBatcher(shop, gate.new_id, wait_max_s=TIMEOUT_S) as batcher, held_up(batcher, gate):
        queued = [batcher.place(order) for _ in range(2)]
        with pytest.raises(Unavailable, match="Too many"):
            batcher.place(order)
    assert all(future.result(TIMEOUT_S) for future in queued)


def test_a_slow_batch_refuses_no_request_that_fits_into_the_next(shop: Shop, fixtures: Fixtures, gate: Latch) -> None:
    """Batches are counted: a full one hardly takes longer than one with a single request."""
    lamp = fixtures.product(units=99)
    with OrderBatcher(shop, gate.new_id, wait_max_s=TIMEOUT_S) as batcher:
        futures = waiting(batcher, gate, [request(fixtures.customer(), (lamp, 1)) for _ in range(40)])
        assert all(future.exception(TIMEOUT_S) is None for future in futures)
    assert batcher.report.refused == 0


def test_stopping_answers_what_is_queued_and_refuses_what_comes_after(
    shop: Shop, fixtures: Fixtures, gate: Latch
) -> None:
    lamp = fixtures.product(units=9)
    batcher = OrderBatcher(shop, gate.new_id)
    batcher.start()
    gate.is_open.clear()
    futures = [batcher.place(request(fixtures.customer(), (lamp, 1))) for _ in range(5)]
    stopping = threading.Thread(target=batcher.stop)
    stopping.start()
    gate.is_open.set()
    stopping.join(TIMEOUT_S)
    assert all(future.result(0).value.units == {lamp.id: 1} for future in futures)
    with pytest.raises(Unavailable, match="closing down"):
        batcher.place(request(fixtures.customer(), (lamp, 1)))


def test_many_threads_on_one_batcher_sell_what_there_is(batcher: OrderBatcher, shop: Shop, fixtures: Fixtures) -> None:
    lamp = fixtures.product(units=50)
    outcomes: list[object] = []

    def buy() -> None:
        for customer in (fixtures.customer() for _ in range(25)):
            outcomes.append(batcher.place(request(customer, (lamp, 1))).exception(TIMEOUT_S))  # noqa: PERF401

    threads = [threading.Thread(target=buy) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(TIMEOUT_S)
    assert outcomes.count(None) == 50
    assert len(outcomes) == 200
    assert shop.audit() == []
