"""The isolation of PostgreSQL, which the adapter in memory promises. The contract suite holds it to the rest."""

import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from threading import Barrier
from uuid import UUID

import pytest

from shop_adapters.clock import ManualClock
from shop_adapters.ids import SequentialIds
from shop_adapters.memory import MemoryAdapters
from shop_core import (
    SYSTEM,
    Account,
    Category,
    LineRequest,
    Money,
    MovementKind,
    Order,
    OrderStatus,
    PlacementRequest,
    Product,
    ProductDetails,
    Registration,
    Role,
    Shop,
    StockMovement,
)
from shop_core.accounts.sessions import RefreshToken
from shop_core.errors import InsufficientStock, InvalidToken, SkuTaken, SlugTaken, Unavailable, UsernameTaken
from shop_core.idempotency import Result
from shop_core.ports import Discrepancy, LockOrderError
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
def memory():
    """Three products, ten units of each; nobody waits for a lock."""
    return stocked(MemoryAdapters(clock=ManualClock(NOW), new_id=SequentialIds(), lock_timeout_s=0))


@pytest.fixture
def patient():
    """The same, with locks that are waited for."""
    return stocked(MemoryAdapters(clock=ManualClock(NOW), new_id=SequentialIds(), lock_timeout_s=TIMEOUT_S))


def stocked(adapters: MemoryAdapters) -> MemoryAdapters:
    with adapters.begin() as uow:
        uow.products.add_all([product(FIRST, "A"), product(SECOND, "B"), product(THIRD, "C")])
        uow.stock.apply([received(each, 10, each) for each in (FIRST, SECOND, THIRD)])
    return adapters


@contextmanager
def threads():
    with ThreadPoolExecutor(8) as pool:
        yield pool.submit


@contextmanager
def rolled_back(adapters: MemoryAdapters):
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


class TestIsolation:
    def test_nobody_sees_what_is_not_committed_but_who_wrote_it(self, memory):
        with memory.begin() as writer:
            writer.stock.apply([received(FIRST, 5)])
            writer.orders.add_all([order(FIRST)])
            with memory.begin() as reader:
                assert reader.stock.get(FIRST).on_hand == 10
                assert reader.orders.get(FIRST) is None
            assert writer.stock.get(FIRST).on_hand == 15
            assert writer.orders.get(FIRST) == order(FIRST)

    def test_each_statement_sees_what_was_committed_before_it(self, memory):
        with memory.begin() as reader:
            assert reader.stock.get(FIRST).on_hand == 10
            with memory.begin() as writer:
                writer.stock.apply([received(FIRST, 5)])
            assert reader.stock.get(FIRST).on_hand == 15

    def test_an_exception_leaves_nothing_behind(self, memory):
        with rolled_back(memory) as uow:
            uow.stock.apply([received(FIRST, 5)])
            uow.products.add_all([product(ADA, "D")])
            uow.orders.add_all([order(FIRST)])
        with memory.begin() as uow:
            assert uow.stock.lock([FIRST])[FIRST].on_hand == 10  # and it is not locked any more
            assert uow.products.get(ADA) is None
            assert uow.products.lock_by_sku(["D"]) == {}
            assert uow.orders.get(FIRST) is None
        with memory.begin() as uow:
            uow.products.add_all([product(ADA, "D")])

    def test_a_unit_of_work_that_ended_cannot_be_used(self, memory):
        with memory.begin() as uow:
            pass
        with pytest.raises(RuntimeError, match="has ended"):
            uow.stock.get(FIRST)
        with pytest.raises(RuntimeError, match="has ended"):
            uow.stock.apply([received(FIRST, 5)])

    def test_nothing_counts_after_a_statement_that_failed(self, memory):
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
            assert uow.stock.get(FIRST).on_hand == 10

    def test_an_id_cannot_be_added_twice(self, memory):
        with memory.begin() as uow:
            uow.orders.add_all([order(FIRST)])
        with pytest.raises(ValueError, match="already"), memory.begin() as uow:
            uow.orders.add_all([order(FIRST)])


class TestRowLocks:
    def test_a_locked_row_is_read_freshly_after_the_wait(self, patient):
        def locked_units() -> int:
            with patient.begin() as uow:
                assert uow.stock.get(FIRST).on_hand == 10
                return uow.stock.lock([FIRST])[FIRST].on_hand

        with threads() as run:
            with patient.begin() as uow:
                uow.stock.apply([received(FIRST, 5)])
                waiting = run(locked_units)
                until_waiting(patient)
            assert waiting.result() == 15

    def test_changes_of_two_who_write_at_once_add_up(self, patient):
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
    def test_a_row_that_others_keep_locked_is_unavailable(self, memory, use):
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

    def test_what_does_not_exist_is_not_locked(self, memory):
        with memory.begin() as one, memory.begin() as other:
            assert one.orders.lock(ADA, ADA) is other.orders.lock(ADA, ADA) is None
            assert one.stock.lock([ADA]) == other.stock.lock([ADA]) == {}

    def test_another_customers_order_is_not_locked(self, memory):
        with memory.begin() as uow:
            uow.orders.add_all([order(FIRST)])
        with memory.begin() as stranger:
            assert stranger.orders.lock(FIRST, SECOND) is None
            with memory.begin() as owner:
                assert owner.orders.lock(FIRST, ADA) == order(FIRST)

    def test_who_waits_for_many_rows_is_not_overtaken_by_who_wants_one_of_them(self, patient):
        done = []

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

    def test_who_is_waited_for_never_waits_for_those_behind_him(self, patient):
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
            lambda uow: (uow.stock.lock([FIRST]), uow.orders.lock(FIRST)),
            lambda uow: (uow.stock.lock([FIRST]), uow.orders.update(order(FIRST))),
            lambda uow: (uow.stock.lock([SECOND]), uow.stock.lock([FIRST])),
            lambda uow: (uow.stock.lock([FIRST, THIRD]), uow.stock.apply([received(SECOND, 1)])),
            lambda uow: (uow.orders.lock(SECOND), uow.orders.lock(FIRST)),
        ],
        ids=["order after stock", "update after stock", "lesser id", "id between", "lesser order"],
    )
    def test_locking_against_the_order_is_a_programming_error(self, memory, against):
        with pytest.raises(LockOrderError), memory.begin() as uow:
            against(uow)

    def test_locking_along_the_order_is_fine_in_any_number_of_calls(self, memory):
        with memory.begin() as uow:
            uow.orders.lock(FIRST)
            uow.orders.lock(SECOND)
            uow.stock.lock([SECOND, FIRST])
            uow.orders.lock(FIRST)
            uow.stock.lock([FIRST])
            uow.stock.lock([THIRD, FIRST])
            uow.stock.apply([received(SECOND, 1)])


NAMES = {
    "username": (
        lambda uow, row_id: uow.accounts.add(Account(row_id, "ada", Role.CUSTOMER, NOW, NOW), "hash"),
        UsernameTaken,
    ),
    "sku": (lambda uow, row_id: uow.products.add_all([product(row_id, "NEW")]), SkuTaken),
    "edited sku": (
        lambda uow, row_id: uow.products.update_all([product({ADA: FIRST}.get(row_id, SECOND), "NEW")]),
        SkuTaken,
    ),
    "slug": (lambda uow, row_id: uow.categories.add(Category(row_id, "Lights", "lights")), SlugTaken),
}
BOB = UUID("019a5f3e-7c00-7000-8000-00000000000b")


@pytest.mark.parametrize(("add", "taken"), NAMES.values(), ids=NAMES.keys())
class TestUniqueNames:
    def test_who_wants_a_name_that_another_is_taking_waits_and_is_refused(self, patient, add, taken):
        def add_too() -> None:
            with patient.begin() as uow:
                add(uow, BOB)

        with threads() as run:
            with patient.begin() as uow:
                add(uow, ADA)
                waiting = run(add_too)
                until_waiting(patient)
            with pytest.raises(taken):
                waiting.result()

    def test_and_gets_it_if_the_other_rolls_back(self, patient, add, taken):
        def add_too() -> None:
            with patient.begin() as uow:
                add(uow, BOB)

        with threads() as run:
            with rolled_back(patient) as uow:
                add(uow, ADA)
                waiting = run(add_too)
                until_waiting(patient)
            waiting.result()

    def test_a_name_that_is_taken_is_refused_at_once(self, memory, add, taken):
        with memory.begin() as uow:
            add(uow, ADA)
        with pytest.raises(taken), memory.begin() as uow:
            add(uow, BOB)


def test_two_imports_that_name_the_same_skus_in_another_order_never_wait_for_each_other():
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


def test_a_sku_that_a_product_gave_up_can_be_taken_but_not_before_that_is_committed(memory):
    with memory.begin() as editor:
        editor.products.update_all([product(FIRST, "NEW")])
        with pytest.raises(Unavailable), memory.begin() as uow:
            uow.products.add_all([product(ADA, "A")])
    with memory.begin() as uow:
        uow.products.add_all([product(ADA, "A")])
        assert uow.products.lock_by_sku(["A", "NEW"]).keys() == {"A", "NEW"}


def test_a_product_whose_sku_changed_during_the_wait_is_not_found_by_the_old_one(patient):
    def found() -> set[str]:
        with patient.begin() as uow:
            return set(uow.products.lock_by_sku(["A", "B"]))

    with threads() as run:
        with patient.begin() as uow:
            uow.products.update_all([product(FIRST, "NEW")])
            waiting = run(found)
            until_waiting(patient)
        assert waiting.result() == {"B"}


def test_two_buyers_cannot_take_the_last_unit():
    """The first decides only once the second is at the lock: the worst moment there is."""

    class Clock(ManualClock):
        is_armed = False

        def __call__(self) -> datetime:
            if self.is_armed:
                self.is_armed = False
                until_waiting(adapters)
            return super().__call__()

    clock = Clock(NOW)
    adapters = MemoryAdapters(clock=clock, new_id=SequentialIds(), lock_timeout_s=TIMEOUT_S)
    shop = Shop(adapters)
    lamp = shop.catalog.create_product(SYSTEM, ProductDetails("A", "Lamp", Money(295, "EUR"))).product.id
    shop.inventory.receive(SYSTEM, lamp, 1)
    clock.is_armed = True
    request = PlacementRequest(ADA, (LineRequest(lamp, 1),))
    with threads() as run:
        buyers = [run(shop.orders.place_all, [request]) for _ in range(2)]
    outcomes = [outcome for buyer in buyers for outcome in buyer.result()]
    assert {type(outcome) for outcome in outcomes} == {Result, InsufficientStock}
    assert shop.audit() == []


def test_a_crowd_buys_exactly_what_there_is():
    shop = Shop(MemoryAdapters(lock_timeout_s=TIMEOUT_S))
    made = shop.catalog.import_products(SYSTEM, [ProductDetails(s, s, Money(1, "EUR")) for s in "ABCD"]).created
    shop.inventory.count_all(SYSTEM, {each.id: 25 for each in made}, "stock-take")
    start = Barrier(8)

    def buy(buyer: int) -> int:
        start.wait(TIMEOUT_S)
        ids = [each.id for each in (made if buyer % 2 else made[::-1])]  # baskets in opposite orders
        request = PlacementRequest(ADA, tuple(LineRequest(each, 1) for each in ids))
        return sum(isinstance(shop.orders.place_all([request])[0], Result) for _ in range(10))

    with threads() as run:
        bought = [run(buy, buyer) for buyer in range(8)]
    assert sum(each.result() for each in bought) == 25
    assert shop.audit() == []


def test_a_session_ends_whole_while_a_successor_is_being_added(patient):
    """A thief reuses a spent token while its owner trades the next one: the one after that must not survive."""
    spent = RefreshToken.first(b"1", ADA, ADA, NOW).spent(NOW)
    with patient.begin() as uow:
        uow.refresh_tokens.add(spent)
        uow.refresh_tokens.add(spent.successor(b"2", NOW))

    def reuse() -> None:
        with patient.begin() as uow:
            uow.refresh_tokens.lock(b"1")
            uow.refresh_tokens.revoke_family(ADA, NOW)

    with threads() as run:
        with patient.begin() as uow:
            token = uow.refresh_tokens.lock(b"2")
            thief = run(reuse)
            until_waiting(patient)
            uow.refresh_tokens.update(token.spent(NOW))
            uow.refresh_tokens.add(token.successor(b"3", NOW))
        thief.result()
    with patient.begin() as uow:
        assert [uow.refresh_tokens.lock(digest).revoked_at for digest in (b"1", b"2", b"3")] == [NOW] * 3


def test_a_stolen_refresh_token_ends_the_session(memory):
    shop = Shop(memory)
    shop.accounts.register(Registration("ada", "correct horse"))
    first = shop.sessions.log_in("ada", "correct horse")
    second = shop.sessions.refresh(first.refresh)
    memory.clock.advance(timedelta(seconds=21))
    for refresh in (first.refresh, second.refresh):
        with pytest.raises(InvalidToken):
            shop.sessions.refresh(refresh)


def test_the_audit_names_what_does_not_add_up(memory):
    """An order that took no stock, and whose total is not that of its lines."""
    with memory.begin() as uow:
        uow.orders.add_all([order(FIRST, total_minor=100)])
        assert Discrepancy("order total", FIRST, stored=100, expected=0) in uow.audit()
    placed = Shop(memory).orders.place(PlacementRequest(ADA, (LineRequest(FIRST, 2),)))
    with memory.begin() as uow:
        uow.orders.update(placed.after("cancel", NOW))  # without giving its units back
    assert Discrepancy("allocated to orders", FIRST, stored=2, expected=0) in Shop(memory).audit()
