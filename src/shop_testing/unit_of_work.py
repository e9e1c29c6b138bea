"""The contract of the unit of work: all or nothing, alone, and in line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from threading import Event
from typing import TypeVar
from uuid import UUID

import pytest

from shop_core.accounts.model import SYSTEM, Account, Role
from shop_core.catalog.model import Category
from shop_core.errors import Refusal, SkuTaken, SlugTaken, Unavailable, UsernameTaken
from shop_core.idempotency import KeyClaim
from shop_core.inventory.model import MovementKind, StockLevel
from shop_core.orders.model import Step
from shop_core.ports import LockOrderError, UnitOfWork
from shop_testing.concurrency import TIMEOUT_S, Rendezvous, in_background, second_in_line, still_waits, together
from shop_testing.contract import Contract
from shop_testing.fixtures import Fixtures

T = TypeVar("T")


def _takes(name: str) -> Callable[[Fixtures, UnitOfWork], None]:
    """Writes something that takes a name which is given once."""

    def take(fixtures: Fixtures, uow: UnitOfWork) -> None:
        now = fixtures.clock()
        match name:
            case "username":
                uow.accounts.add(Account(fixtures.new_id(), "ada", Role.CUSTOMER, now, now), "hash")
            case "SKU":
                uow.products.add_all([fixtures.new_product(sku="wanted")])
            case "SKU by an edit":
                uow.products.update_all([replace(fixtures.product(), sku="wanted", version=2)])
            case "slug":
                uow.categories.add(Category(fixtures.new_id(), "Lamps", "lamps"))

    return take


NAMES = [
    pytest.param(_takes(name), taken, id=name)
    for name, taken in {
        "username": UsernameTaken,
        "SKU": SkuTaken,
        "SKU by an edit": SkuTaken,
        "slug": SlugTaken,
    }.items()
]
Take = Callable[[Fixtures, UnitOfWork], None]


OUT_OF_ORDER = [
    ("stock 0", "keys"),
    ("stock 0", "order 0"),
    ("order 1", "order 0"),
    ("stock 1", "stock 0"),
    ("product 0", "stock 0"),
    ("product 1", "product 0"),
    ("categories", "product 0"),
]


class UnitOfWorkContract(Contract):
    """Commit, rollback, isolation (READ COMMITTED) and locks."""

    # ---- all or nothing

    def test_what_it_wrote_is_there_after_it_ended(self, fixtures: Fixtures) -> None:
        product = fixtures.new_product()
        with fixtures.begin() as uow:
            uow.products.add_all([product])

        with fixtures.begin() as uow:
            assert uow.products.get_all([product.id]) == {product.id: product}

    @pytest.mark.parametrize("exception", [Unavailable("no"), ValueError("a bug"), KeyboardInterrupt("Ctrl-C")])
    def test_any_exception_rolls_everything_back_and_passes_through(
        self, fixtures: Fixtures, exception: BaseException
    ) -> None:
        old = fixtures.product(units=5)
        order = fixtures.order({old: 1})
        new, new_order = fixtures.new_product(), fixtures.new_order()

        with pytest.raises(type(exception)) as caught, fixtures.begin() as uow:
            locked = uow.orders.lock(order.id)
            assert locked is not None
            uow.orders.update(locked.after(Step.CONFIRM, SYSTEM, fixtures.clock()))
            uow.products.add_all([new])
            uow.orders.add_all([new_order])
            uow.stock.lock([old.id])
            uow.stock.apply([fixtures.movement(old.id, MovementKind.RECEIVED, 7)])
            raise exception

        assert caught.value is exception
        assert fixtures.level(old.id) == StockLevel(old.id, on_hand=5)
        assert len(fixtures.ledger(old.id)) == 1
        with fixtures.begin() as uow:
            assert uow.products.get_all([new.id]) == {}
            assert uow.stock.get(new.id) is None
            assert uow.orders.get(order.id) == order
            assert uow.orders.get(new_order.id) is None

    def test_it_is_of_no_use_after_its_end(self, fixtures: Fixtures) -> None:
        product = fixtures.product(units=5)
        with fixtures.begin() as ended:
            pass

        for late in (
            lambda: ended.products.add_all([fixtures.new_product()]),
            lambda: ended.stock.lock([product.id]),
            lambda: ended.stock.get(product.id),
            lambda: ended.orders.add_all([fixtures.new_order()]),
        ):
            assert _is_refused_as_a_bug(late), "a unit of work went on after its end"
        assert fixtures.level(product.id).on_hand == 5

    # ---- isolation

    def test_it_sees_what_it_wrote_itself(self, fixtures: Fixtures) -> None:
        product, order = fixtures.new_product(), fixtures.new_order()
        with fixtures.begin() as uow:
            uow.products.add_all([product])
            uow.stock.lock([product.id])
            uow.stock.apply([fixtures.movement(product.id, MovementKind.RECEIVED, 3)])
            uow.orders.add_all([order])

            entry = uow.products.get(product.id)
            assert entry is not None
            assert (entry.product, entry.available) == (product, 3)
            assert uow.stock.get(product.id) == StockLevel(product.id, on_hand=3)
            assert uow.orders.get(order.id) == order

    def test_nobody_else_sees_what_is_not_committed(self, fixtures: Fixtures) -> None:
        old, new = fixtures.product(units=5), fixtures.new_product()
        with fixtures.begin() as uow:
            uow.products.add_all([new])
            uow.stock.lock([old.id])
            uow.stock.apply([fixtures.movement(old.id, MovementKind.RECEIVED, 7)])

            seen_by_another = in_background(lambda: _what_is_there(fixtures, old.id, new.id)).result(TIMEOUT_S)
        assert seen_by_another == (5, False)
        assert _what_is_there(fixtures, old.id, new.id) == (12, True)

    def test_what_others_commit_is_visible_to_one_that_is_already_open(self, fixtures: Fixtures) -> None:
        product = fixtures.product(units=5)
        receipt = fixtures.movement(product.id, MovementKind.RECEIVED, 7)
        with fixtures.begin() as uow:
            assert uow.stock.get(product.id) == StockLevel(product.id, on_hand=5)

            in_background(lambda: fixtures.apply(receipt)).result(TIMEOUT_S)

            assert uow.stock.get(product.id) == StockLevel(product.id, on_hand=12)
            assert uow.stock.lock([product.id])[product.id].on_hand == 12

    # ---- locks

    @pytest.mark.parametrize("table", ["stock", "orders", "products"])
    def test_a_lock_makes_others_wait_and_then_see_what_was_committed(self, fixtures: Fixtures, table: str) -> None:
        product = fixtures.product(units=5)
        order = fixtures.order({product: 1})
        confirmed, archived = order.after(Step.CONFIRM, SYSTEM, fixtures.clock()), product.archived(fixtures.clock())

        def lock(uow: UnitOfWork) -> object:
            match table:
                case "stock":
                    return uow.stock.lock([product.id])[product.id].on_hand
                case "orders":
                    return uow.orders.lock(order.id)
                case _:
                    return uow.products.lock_by_sku([product.sku])[product.sku]

        def change(uow: UnitOfWork) -> None:
            lock(uow)
            match table:
                case "stock":
                    uow.stock.apply([fixtures.movement(product.id, MovementKind.RECEIVED, 7)])
                case "orders":
                    uow.orders.update(confirmed)
                case _:
                    uow.products.update_all([archived])

        seen = {"stock": 12, "orders": confirmed, "products": archived}
        assert second_in_line(fixtures.begin, change, lock) == seen[table]

    def test_a_rollback_lets_its_locks_go(self, fixtures: Fixtures) -> None:
        product = fixtures.product(units=5)
        with pytest.raises(ValueError, match="off"), fixtures.begin() as uow:
            uow.stock.lock([product.id])
            raise ValueError("off")

        scene_of_another = in_background(
            lambda: fixtures.apply(fixtures.movement(product.id, MovementKind.RECEIVED, 1))
        )
        scene_of_another.result(TIMEOUT_S)
        assert fixtures.level(product.id).on_hand == 6

    def test_reading_waits_for_no_lock(self, fixtures: Fixtures) -> None:
        product = fixtures.product(units=5)
        with fixtures.begin() as uow:
            uow.stock.lock([product.id])
            assert in_background(lambda: fixtures.level(product.id)).result(TIMEOUT_S).on_hand == 5

    def test_locks_on_different_products_do_not_wait_for_each_other(self, fixtures: Fixtures) -> None:
        lamp, chair = fixtures.product(units=5), fixtures.product("Chair", units=5)
        with fixtures.begin() as uow:
            uow.stock.lock([lamp.id])
            in_background(lambda: fixtures.apply(fixtures.movement(chair.id, MovementKind.RECEIVED, 1))).result(
                TIMEOUT_S
            )
        assert fixtures.level(chair.id).on_hand == 6

    def test_locks_asked_for_in_opposite_orders_do_not_block_each_other(self, fixtures: Fixtures) -> None:
        ids = [fixtures.product(units=5).id for _ in range(2)]

        def take_both(order_of_ids: list[UUID]) -> None:
            for _ in range(20):
                with fixtures.begin() as uow:
                    uow.stock.lock(order_of_ids)

        assert together(lambda: take_both(ids), lambda: take_both(ids[::-1])) == [None, None]

    # ---- names that are given once

    @pytest.mark.parametrize(("take", "taken"), NAMES)
    def test_of_those_who_take_one_name_at_the_same_moment_one_gets_it(
        self, fixtures: Fixtures, take: Take, taken: type[Refusal]
    ) -> None:
        meeting = Rendezvous(fixtures.clock)

        def try_to() -> None:
            with fixtures.begin() as uow:
                take(fixtures, uow)
                meeting()  # written, and not committed yet

        results = together(*[try_to] * 4)
        assert results.count(None) == 1
        assert sum(isinstance(result, taken) for result in results) == 3

    @pytest.mark.parametrize(("take", "taken"), NAMES)
    def test_a_name_that_was_never_committed_is_free(
        self, fixtures: Fixtures, take: Take, taken: type[Refusal]
    ) -> None:
        arrived = Event()

        def take_too() -> None:
            with fixtures.begin() as uow:
                arrived.set()
                take(fixtures, uow)

        with pytest.raises(ValueError, match="changed my mind"), fixtures.begin() as uow:
            take(fixtures, uow)
            second = in_background(take_too)
            assert arrived.wait(TIMEOUT_S)
            assert still_waits(second), "whether the name is free is not known yet"
            raise ValueError("changed my mind")
        second.result(TIMEOUT_S)
        with pytest.raises(taken), fixtures.begin() as uow:
            take(fixtures, uow)

    # ---- the order of locks

    @pytest.mark.parametrize(("first", "second"), OUT_OF_ORDER)
    def test_locks_are_taken_in_one_order_and_by_id(self, fixtures: Fixtures, first: str, second: str) -> None:
        products = sorted([fixtures.product(), fixtures.product()], key=lambda product: product.id)
        orders = sorted(fixtures.order().id for _ in range(2))
        fixtures.category("home")

        def lock(uow: UnitOfWork, what: str) -> object:
            table, _, number = what.partition(" ")
            match table:
                case "keys":
                    return uow.keys.claim([KeyClaim(fixtures.new_id(), "k", b"1" * 32, fixtures.new_id())])
                case "order":
                    return uow.orders.lock(orders[int(number)])
                case "stock":
                    return uow.stock.lock([products[int(number)].id]).keys() == {products[int(number)].id}
                case "product":
                    return uow.products.lock(products[int(number)].id) == products[int(number)]
                case _:
                    return uow.categories.lock_all()

        with pytest.raises(LockOrderError), fixtures.begin() as uow:
            lock(uow, first)
            lock(uow, second)
        with fixtures.begin() as uow:  # and the right way round nothing is in the way
            assert lock(uow, second) is not False
            assert lock(uow, first) is not False


def _what_is_there(fixtures: Fixtures, stocked: UUID, product: UUID) -> tuple[int, bool]:
    with fixtures.begin() as uow:
        level = uow.stock.get(stocked)
        return level.on_hand if level else 0, uow.products.get(product) is not None


def _is_refused_as_a_bug(use: Callable[[], object]) -> bool:
    """Whether it raises, and not a Refusal: that would be an answer to a user."""
    try:
        use()
    except Refusal:
        return False
    except Exception:
        return True
    return False
