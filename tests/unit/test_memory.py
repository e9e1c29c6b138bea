"""The isolation of PostgreSQL, which the adapter in memory promises. The contract suite holds it to the rest."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from shop_adapters.memory import MemoryAdapters
from shop_core import (
    SYSTEM,
    Money,
    MovementKind,
    Order,
    OrderStatus,
    Product,
    Shop,
    StockMovement,
)
from shop_core.errors import SkuTaken, Unavailable
from shop_core.ports import LockOrderError, UnitOfWork
from shop_testing import MovableClock, SeededIds
from shop_testing.concurrency import TIMEOUT_S

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
ADA = UUID("019a5f3e-7c00-7000-8000-00000000000a")
FIRST, SECOND, THIRD = (UUID(f"019a5f3e-7c00-7000-8000-00000000000{n}") for n in (1, 2, 3))


def product(product_id: UUID = FIRST, sku: str = "85123A") -> Product:
    return Product(product_id, sku, "Hanging heart T-light holder", Money(295, "EUR"), NOW, NOW)


def received(product_id: UUID, quantity: int, movement_id: UUID = FIRST) -> StockMovement:
    return StockMovement(movement_id, product_id, MovementKind.RECEIVED, quantity, NOW)


def order(order_id: UUID, total_minor: int = 0) -> Order:
    return Order(order_id, ADA, OrderStatus.PLACED, (), Money(total_minor, "EUR"), NOW, NOW)


@pytest.fixture
def memory() -> MemoryAdapters:
    """Three products, ten units of each; nobody waits for a lock."""
    return stocked(MemoryAdapters(clock=MovableClock(NOW), new_id=SeededIds(), lock_timeout_s=0))


@pytest.fixture
def patient() -> MemoryAdapters:
    """The same, with locks that are waited for."""
    return stocked(MemoryAdapters(clock=MovableClock(NOW), new_id=SeededIds(), lock_timeout_s=TIMEOUT_S))


def stocked(adapters: MemoryAdapters) -> MemoryAdapters:
    with adapters.begin() as uow:
        uow.products.add_all([product(FIRST, "A"), product(SECOND, "B"), product(THIRD, "C")])
        uow.stock.apply([received(each, 10, each) for each in (FIRST, SECOND, THIRD)])
    return adapters


@contextmanager
def threads() -> Iterator[Callable[..., Future[Any]]]:
    with ThreadPoolExecutor(8) as pool:
        yield pool.submit


@contextmanager
def rolled_back(adapters: MemoryAdapters) -> Iterator[UnitOfWork]:
    """A unit of work that comes to nothing."""
    with suppress(ZeroDivisionError), adapters.begin() as uow:
        yield uow
        raise ZeroDivisionError


def until_waiting(adapters: MemoryAdapters, count: int = 1) -> None:
    """Return once so many units of work wait for a lock: the moment in which a race is decided."""
    give_up_at = time.monotonic() + TIMEOUT_S
    while len(adapters._store.locks._queue) < count:
        assert time.monotonic() < give_up_at, f"fewer than {count} wait for a lock"
        time.sleep(0)  # let the others run


class TestWhatWasWritten:
    def test_nothing_counts_after_a_statement_that_failed(self, memory: MemoryAdapters) -> None:
        def go_on_regardless() -> None:
            with memory.begin() as uow:
                uow.stock.apply([received(FIRST, 5)])
                with pytest.raises(SkuTaken):
                    uow.products.add_all([product(ADA, "A")])
                with pytest.raises(RuntimeError, match="failed"):
                    uow.stock.get(FIRST)

        with pytest.raises(RuntimeError, match="failed"):
            go_on_regardless()
        with memory.begin() as uow:
            level = uow.stock.get(FIRST)
        assert level is not None
        assert level.on_hand == 10

    def test_an_id_cannot_be_added_twice(self, memory: MemoryAdapters) -> None:
        with memory.begin() as uow:
            uow.orders.add_all([order(FIRST)])
        with pytest.raises(ValueError, match="already"), memory.begin() as uow:
            uow.orders.add_all([order(FIRST)])


class TestRowLocks:
    def test_changes_of_two_who_write_at_once_add_up(self, patient: MemoryAdapters) -> None:
        def receive() -> None:
            with patient.begin() as uow:
                uow.stock.apply([received(FIRST, 7, THIRD)])

        with threads() as run:
            with patient.begin() as uow:
                uow.stock.apply([received(FIRST, 5, SECOND)])
                waiting = run(receive)
                until_waiting(patient)
            waiting.result()
        assert Shop(patient).inventory.level(SYSTEM, FIRST).on_hand == 22

    @pytest.mark.parametrize(
        "use",
        [
            lambda uow: uow.stock.lock([FIRST, SECOND]),
            lambda uow: uow.stock.apply([received(SECOND, 1)]),
            lambda uow: uow.orders.lock(FIRST),
            lambda uow: uow.orders.update(order(FIRST)),
            lambda uow: uow.products.lock_by_sku(["A"]),
            lambda uow: uow.products.update_all([product(FIRST, "Z")]),
        ],
        ids=["lock stock", "apply", "lock order", "update order", "lock SKU", "update product"],
    )
    def test_a_row_that_others_keep_locked_is_unavailable(
        self, memory: MemoryAdapters, use: Callable[[UnitOfWork], object]
    ) -> None:
        with memory.begin() as uow:
            uow.orders.add_all([order(FIRST)])
        with memory.begin() as holder:
            holder.orders.lock(FIRST)
            holder.stock.lock([SECOND])
            holder.products.lock_by_sku(["A"])
            with pytest.raises(Unavailable), memory.begin() as uow:
                use(uow)
        with memory.begin() as uow:
            use(uow)

    def test_an_unknown_id_locks_nothing(self, memory: MemoryAdapters) -> None:
        with memory.begin() as one, memory.begin() as other:
            assert one.orders.lock(ADA, ADA) is other.orders.lock(ADA, ADA) is None
            assert one.stock.lock([ADA]) == other.stock.lock([ADA]) == {}

    def test_another_customers_order_is_not_locked(self, memory: MemoryAdapters) -> None:
        with memory.begin() as uow:
            uow.orders.add_all([order(FIRST)])
        with memory.begin() as other:
            assert other.orders.lock(FIRST, SECOND) is None
            with memory.begin() as owner:
                assert owner.orders.lock(FIRST, ADA) == order(FIRST)

    def test_waiting_for_many_rows_is_not_overtaken_by_waiting_for_one_of_them(self, patient: MemoryAdapters) -> None:
        done: list[str] = []

        def lock(name: str, *product_ids: UUID) -> None:
            with patient.begin() as uow:
                uow.stock.lock(product_ids)
                done.append(name)

        with threads() as run, patient.begin() as uow:
            uow.stock.lock([FIRST])
            many = run(lock, "many", FIRST, SECOND)
            until_waiting(patient, 1)
            one = run(lock, "one", SECOND)
            until_waiting(patient, 2)  # though nobody holds the second row
        many.result()
        one.result()
        assert done == ["many", "one"]

    def test_the_holder_of_a_lock_never_waits_for_those_behind_it(self, patient: MemoryAdapters) -> None:
        def lock_both() -> None:
            with patient.begin() as uow:
                uow.stock.lock([FIRST, SECOND])

        with threads() as run:
            with patient.begin() as uow:
                uow.stock.lock([FIRST])
                waiting = run(lock_both)
                until_waiting(patient)
                uow.stock.lock([SECOND])
            waiting.result()


class TestLockOrder:
    @pytest.mark.parametrize(
        "against",
        [
            lambda uow: (uow.stock.lock([FIRST]), uow.orders.update(order(FIRST))),
            lambda uow: (uow.stock.lock([FIRST, THIRD]), uow.stock.apply([received(SECOND, 1)])),
        ],
        ids=["update after stock", "id between"],
    )
    def test_locking_against_the_order_is_a_programming_error(
        self, memory: MemoryAdapters, against: Callable[[UnitOfWork], object]
    ) -> None:
        with pytest.raises(LockOrderError), memory.begin() as uow:
            against(uow)

    def test_locking_along_the_order_is_fine_in_any_number_of_calls(self, memory: MemoryAdapters) -> None:
        with memory.begin() as uow:
            uow.orders.lock(FIRST)
            uow.orders.lock(SECOND)
            uow.stock.lock([SECOND, FIRST])
            uow.orders.lock(FIRST)
            uow.stock.lock([FIRST])
            uow.stock.lock([THIRD, FIRST])
            uow.stock.apply([received(SECOND, 1)])


def test_two_imports_that_name_the_same_skus_in_another_order_never_wait_for_each_other() -> None:
    adapters = stocked(MemoryAdapters(lock_timeout_s=TIMEOUT_S))

    def add(*skus: str) -> None:
        with adapters.begin() as uow:
            uow.products.add_all([product(adapters.new_id(), sku) for sku in skus])

    with threads() as run:
        with rolled_back(adapters) as uow:
            uow.products.add_all([product(ADA, "MIDDLE")])
            first = run(add, "LEFT", "MIDDLE", "RIGHT")
            until_waiting(adapters, 1)
            second = run(add, "RIGHT", "LEFT")
            until_waiting(adapters, 2)
        first.result()
        with pytest.raises(SkuTaken):
            second.result()


def test_a_sku_that_a_product_gave_up_can_be_taken_but_not_before_that_is_committed(memory: MemoryAdapters) -> None:
    with memory.begin() as editor:
        editor.products.update_all([product(FIRST, "NEW")])
        with pytest.raises(Unavailable), memory.begin() as uow:
            uow.products.add_all([product(ADA, "A")])
    with memory.begin() as uow:
        uow.products.add_all([product(ADA, "A")])
        assert uow.products.lock_by_sku(["A", "NEW"]).keys() == {"A", "NEW"}


def test_a_product_whose_sku_changed_during_the_wait_is_not_found_by_the_old_one(patient: MemoryAdapters) -> None:
    def found() -> set[str]:
        with patient.begin() as uow:
            return set(uow.products.lock_by_sku(["A", "B"]))

    with threads() as run:
        with patient.begin() as uow:
            uow.products.update_all([product(FIRST, "NEW")])
            waiting = run(found)
            until_waiting(patient)
        assert waiting.result() == {"B"}
