"""The contract of stock: the counters are the fold of the ledger, and no movement makes them impossible."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shop_core.accounts.model import SYSTEM
from shop_core.errors import Forbidden, Invalid, Oversold, ProductNotFound, Refusal, StockBelowZero
from shop_core.inventory.model import ON_HAND_MAX, LineRequest, MovementKind, StockLevel, StockMovement, fold
from shop_core.orders.model import PlacementRequest
from shop_core.pagination import CursorRequest, OffsetRequest
from shop_core.shop import Shop
from shop_testing.concurrency import TIMEOUT_S, Rendezvous, in_background, still_waits, together
from shop_testing.contract import Contract
from shop_testing.fixtures import Fixtures

RECEIVED, ADJUSTED = MovementKind.RECEIVED, MovementKind.ADJUSTED
ALLOCATED, DEALLOCATED = MovementKind.ALLOCATED, MovementKind.DEALLOCATED
SHIPPED, RETURNED = MovementKind.SHIPPED, MovementKind.RETURNED


class StockContract(Contract):
    """Counters, the ledger behind them, and the last line of defence against an oversell."""

    def test_a_new_product_has_nothing_in_stock_and_an_empty_ledger(self, fixtures: Fixtures) -> None:
        product = fixtures.product()
        assert fixtures.level(product.id) == StockLevel(product.id)
        assert fixtures.ledger(product.id) == []

    def test_a_movement_comes_back_as_it_was_written(self, fixtures: Fixtures) -> None:
        product = fixtures.product()
        now = fixtures.clock()
        received = StockMovement(
            fixtures.new_id(), product.id, RECEIVED, 9, now, fixtures.new_id(), None, "Lieferung № 7 🚚"
        )
        allocated = StockMovement(fixtures.new_id(), product.id, ALLOCATED, 2, now, None, fixtures.new_id())
        fixtures.apply(received, allocated)

        assert fixtures.ledger(product.id) == [received, allocated]
        assert fixtures.ledger(product.id)[0].at.utcoffset() == timedelta(0)

    @settings(
        max_examples=15,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
    )
    @given(data=st.data())
    def test_the_counters_are_the_fold_of_the_ledger_whatever_is_applied(
        self, fixtures: Fixtures, shop: Shop, data: st.DataObject
    ) -> None:
        product, other = fixtures.product(), fixtures.product("Other", units=10)
        kinds, quantities = st.sampled_from(MovementKind), st.integers(1, 6)
        for kind, quantity in data.draw(st.lists(st.tuples(kinds, quantities), max_size=12)):
            sign = data.draw(st.sampled_from([1, -1])) if kind is ADJUSTED else 1
            movement = fixtures.movement(product.id, kind, quantity * sign)
            before = fixtures.level(product.id)
            assert _outcome(fixtures, movement) == _by_the_model(before, movement)
        assert fixtures.level(product.id) == fold(product.id, fixtures.ledger(product.id))
        assert fixtures.level(other.id) == StockLevel(other.id, on_hand=10)
        # Movements past the services: no orders, no reservations stand behind them; an audit may find only that.
        assert {found.what for found in shop.audit()} <= {"allocated to orders", "reserved by reservations"}

    def test_a_product_is_low_while_fewer_can_be_sold_than_its_level(self, fixtures: Fixtures, shop: Shop) -> None:
        product, other = fixtures.product(units=5), fixtures.product("Other", units=1)
        stock, customer = shop.inventory, fixtures.customer()

        def low() -> list[UUID]:
            return [entry.product.id for entry in shop.catalog.low_stock(SYSTEM, OffsetRequest()).items]

        assert stock.set_low_stock_level(SYSTEM, product.id, 5) == StockLevel(product.id, on_hand=5)
        assert (low(), shop.catalog.low_stock(SYSTEM, OffsetRequest()).count) == ([], 0)
        order = shop.orders.place(PlacementRequest(customer.account_id, (LineRequest(product.id, 1),)))
        assert (low(), shop.catalog.low_stock(SYSTEM, OffsetRequest()).count) == ([product.id], 1)
        assert stock.low_stock_levels(SYSTEM, [product.id, other.id]) == {product.id: 5}
        assert [entry.product.id for entry in shop.catalog.low_stock(SYSTEM, CursorRequest(5)).items] == [product.id]
        stock.set_low_stock_level(SYSTEM, other.id, 2)
        assert low() == [other.id, product.id]
        stock.set_low_stock_level(SYSTEM, other.id, None)
        stock.set_low_stock_level(SYSTEM, other.id, None)
        assert low() == [product.id]
        shop.orders.cancel(SYSTEM, order.id)
        assert low() == []
        stock.set_low_stock_level(SYSTEM, product.id, 6)
        shop.catalog.remove_product(SYSTEM, product.id)
        assert low() == []
        assert shop.audit() == []

    def test_of_two_who_replace_one_low_stock_level_the_second_is_refused(
        self, fixtures: Fixtures, contended: Shop
    ) -> None:
        product, change = fixtures.product(), contended.inventory.set_low_stock_level
        outcomes = together(*[partial(change, SYSTEM, product.id, level, seen=None) for level in (3, 4)])
        assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Invalid", "StockLevel"]
        (kept,) = contended.inventory.low_stock_levels(SYSTEM, [product.id]).values()
        assert change(SYSTEM, product.id, kept, seen=9), "it is there already"
        assert change(SYSTEM, product.id, None, seen=kept)

    def test_a_low_stock_level_is_for_staff_and_keeps_to_its_rule(self, fixtures: Fixtures, shop: Shop) -> None:
        product, customer = fixtures.product(), fixtures.customer()
        for level in (0, -1, 1_000_001):
            with pytest.raises(Invalid, match=f"this is {level}"):
                shop.inventory.set_low_stock_level(SYSTEM, product.id, level)
        with pytest.raises(ProductNotFound):
            shop.inventory.set_low_stock_level(SYSTEM, fixtures.new_id(), 1)
        with pytest.raises(Forbidden):
            shop.inventory.set_low_stock_level(customer, product.id, 1)
        with pytest.raises(Forbidden):
            shop.inventory.low_stock_levels(customer, [product.id])
        with pytest.raises(Forbidden):
            shop.catalog.low_stock(customer, OffsetRequest())

    # ---- what cannot be

    @pytest.mark.parametrize(
        ("kind", "quantity", "refusal"),
        [
            (ALLOCATED, 8, Oversold),
            (ALLOCATED, 1_000_000, Oversold),
            (DEALLOCATED, 4, StockBelowZero),
            (SHIPPED, 4, StockBelowZero),
            (ADJUSTED, -11, StockBelowZero),
        ],
    )
    def test_an_impossible_movement_is_refused_by_the_store_itself_and_nothing_is_written(
        self, fixtures: Fixtures, kind: MovementKind, quantity: int, refusal: type[Refusal]
    ) -> None:
        fine, product = fixtures.product("Fine", units=10), fixtures.product(units=10)
        fixtures.apply(fixtures.movement(product.id, ALLOCATED, 3))

        with pytest.raises(refusal) as refused:
            fixtures.apply(fixtures.movement(fine.id, RECEIVED, 5), fixtures.movement(product.id, kind, quantity))

        assert vars(refused.value)["product_id"] == product.id
        assert fixtures.level(product.id) == StockLevel(product.id, on_hand=10, allocated=3)
        assert fixtures.level(fine.id) == StockLevel(fine.id, on_hand=10)
        assert (len(fixtures.ledger(product.id)), len(fixtures.ledger(fine.id))) == (2, 1)

    def test_several_movements_of_one_product_count_together(self, fixtures: Fixtures) -> None:
        product = fixtures.product(units=5)
        fixtures.apply(*(fixtures.movement(product.id, ALLOCATED, 1) for _ in range(5)))
        assert fixtures.level(product.id) == StockLevel(product.id, on_hand=5, allocated=5)

        other = fixtures.product(units=5)
        with pytest.raises(Oversold):
            fixtures.apply(*(fixtures.movement(other.id, ALLOCATED, 2) for _ in range(3)))
        assert fixtures.level(other.id) == StockLevel(other.id, on_hand=5)

    def test_stock_of_an_unknown_product_cannot_move(self, fixtures: Fixtures) -> None:
        product, unknown = fixtures.product(units=5), fixtures.new_id()
        with pytest.raises(ProductNotFound) as refused:
            fixtures.apply(fixtures.movement(product.id, RECEIVED, 1), fixtures.movement(unknown, RECEIVED, 1))
        assert refused.value.product_id == unknown
        assert fixtures.level(product.id).on_hand == 5
        with fixtures.begin() as uow:
            assert uow.stock.get(unknown) is None
            assert uow.stock.lock([product.id, unknown]).keys() == {product.id}
            assert uow.stock.lock([]) == {}
            uow.stock.apply([])

    def test_swallowing_the_refusal_does_not_save_the_unit_of_work(self, fixtures: Fixtures) -> None:
        product = fixtures.product(units=5)
        with suppress(Exception), fixtures.begin() as uow:  # whether its end raises is the adapter's choice
            uow.stock.lock([product.id])
            uow.stock.apply([fixtures.movement(product.id, RECEIVED, 1)])
            with suppress(Oversold):
                uow.stock.apply([fixtures.movement(product.id, ALLOCATED, 100)])
        assert fixtures.level(product.id) == StockLevel(product.id, on_hand=5)
        assert len(fixtures.ledger(product.id)) == 1

    # ---- shortfall

    @pytest.mark.parametrize(
        ("kind", "quantity", "expected"),
        [
            (DEALLOCATED, 1, {"on_hand": 2, "allocated": 3, "shortfall": 1}),
            (DEALLOCATED, 4, {"on_hand": 2, "allocated": 0, "shortfall": 0}),
            (RECEIVED, 1, {"on_hand": 3, "allocated": 4, "shortfall": 1}),
            (RECEIVED, 9, {"on_hand": 11, "allocated": 4, "shortfall": 0}),
            (SHIPPED, 2, {"on_hand": 0, "allocated": 2, "shortfall": 2}),
            (ADJUSTED, -2, {"on_hand": 0, "allocated": 4, "shortfall": 4}),
            (ADJUSTED, 1, {"on_hand": 3, "allocated": 4, "shortfall": 1}),
        ],
    )
    def test_while_short_the_shortfall_follows_the_counters(
        self, fixtures: Fixtures, kind: MovementKind, quantity: int, expected: dict[str, int]
    ) -> None:
        product = _short_by_two(fixtures)
        fixtures.apply(fixtures.movement(product, kind, quantity))
        assert fixtures.level(product) == StockLevel(product, **expected)

    @pytest.mark.parametrize(("kind", "quantity", "refusal"), [(ALLOCATED, 1, Oversold), (SHIPPED, 3, StockBelowZero)])
    def test_while_short_nothing_can_be_promised_and_no_more_be_shipped_than_is_there(
        self, fixtures: Fixtures, kind: MovementKind, quantity: int, refusal: type[Refusal]
    ) -> None:
        product = _short_by_two(fixtures)
        with pytest.raises(refusal):
            fixtures.apply(fixtures.movement(product, kind, quantity))
        assert fixtures.level(product) == StockLevel(product, on_hand=2, allocated=4, shortfall=2)

    # ---- the ledger, page by page

    def test_the_ledger_is_listed_newest_first_and_walked_without_a_gap(self, fixtures: Fixtures) -> None:
        product, other = fixtures.product(), fixtures.product("Other", units=1)
        written = [fixtures.movement(product.id, RECEIVED, number + 1) for number in range(7)]
        fixtures.apply(*written[:4])
        fixtures.apply(*written[4:])
        with fixtures.begin() as uow:
            first = uow.stock.movements(product.id, CursorRequest(3))
            second = uow.stock.movements(product.id, CursorRequest(3, first.cursor))
        fixtures.apply(fixtures.movement(product.id, RECEIVED, 99))  # newer than everything that is still to come
        with fixtures.begin() as uow:
            third = uow.stock.movements(product.id, CursorRequest(3, second.cursor))
        assert first.items + second.items + third.items == tuple(written[::-1])
        assert (first.count, third.cursor) == (None, None)
        assert len(fixtures.ledger(other.id)) == 1

    # ---- at the same time

    def test_movements_at_the_same_time_are_all_counted(self, fixtures: Fixtures) -> None:
        product, meeting = fixtures.product(units=1), Rendezvous(fixtures.clock)

        def receive() -> None:
            for _ in range(3):
                movement = fixtures.movement(product.id, RECEIVED, 1)
                with fixtures.begin() as uow:
                    uow.stock.lock([product.id])
                    uow.stock.apply([movement])
                    meeting()  # written, and not committed yet

        assert together(*[receive] * 6) == [None] * 6
        assert fixtures.level(product.id) == StockLevel(product.id, on_hand=19)
        assert fold(product.id, fixtures.ledger(product.id)) == fixtures.level(product.id)

    def test_clerks_who_report_the_same_loss_at_once_cannot_lose_more_than_there_is(
        self, fixtures: Fixtures, contended: Shop
    ) -> None:
        product = fixtures.product(units=5)
        outcomes = together(*[lambda: contended.inventory.adjust(SYSTEM, product.id, -3, "broken")] * 4)
        assert sorted(type(outcome).__name__ for outcome in outcomes) == ["StockBelowZero"] * 3 + ["StockLevel"]
        assert fixtures.level(product.id).on_hand == 2

    def test_of_two_who_counted_the_same_shelf_one_corrects_it(self, fixtures: Fixtures, contended: Shop) -> None:
        product = fixtures.product(units=10)
        correct = partial(contended.inventory.count, SYSTEM, product.id, 7, "stock-take", recorded=10)
        outcomes = together(correct, correct)
        assert sorted(type(outcome).__name__ for outcome in outcomes) == ["Invalid", "StockLevel"]
        assert fixtures.level(product.id).on_hand == 7

    def test_a_count_is_reached_whatever_was_recorded(self, fixtures: Fixtures, shop: Shop) -> None:
        product = fixtures.product()
        for counted, lines in ((2_500_000, 3), (2_500_000, 3), (1, 6)):
            assert shop.inventory.count(SYSTEM, product.id, counted, "stock-take").on_hand == counted
            assert len(fixtures.ledger(product.id)) == lines
        with pytest.raises(Invalid, match="must be from 0 to"):
            shop.inventory.count(SYSTEM, product.id, -1, "stock-take")
        with pytest.raises(ProductNotFound):
            shop.inventory.count(SYSTEM, fixtures.new_id(), 1, "stock-take")
        with pytest.raises(Forbidden):
            shop.inventory.count(fixtures.customer(), product.id, 1, "stock-take")
        assert shop.audit() == []

    def test_a_count_of_an_earlier_moment_leaves_what_came_and_went_since(self, fixtures: Fixtures, shop: Shop) -> None:
        product = fixtures.product(units=5)
        counted_at = fixtures.ledger(product.id)[-1].at
        shop.inventory.receive(SYSTEM, product.id, 4)
        shop.inventory.adjust(SYSTEM, product.id, -1, "broken")
        for _ in range(2):  # the second time it says nothing new
            shop.inventory.count_all(SYSTEM, {product.id: 3}, "list A", as_of={product.id: counted_at})
            assert fixtures.level(product.id).on_hand == 3 + 4 - 1
        shop.inventory.count_all(SYSTEM, {product.id: 2}, "list A", as_of={product.id: fixtures.clock()})
        shop.inventory.count_all(SYSTEM, {product.id: 9}, "list A", as_of={product.id: counted_at})
        assert fixtures.level(product.id).on_hand == 2, "an older list says nothing after a newer one"
        shop.inventory.count(SYSTEM, product.id, 4, "list B")
        shop.inventory.count_all(SYSTEM, {product.id: 9}, "list A", as_of={product.id: counted_at})
        assert fixtures.level(product.id).on_hand == 4, "nor after another one"
        assert shop.audit() == []

    @pytest.mark.parametrize("counted", [-3, ON_HAND_MAX + 1, 2.5, True])
    def test_a_count_of_an_earlier_moment_that_cannot_be_on_hand_is_refused_whatever_came_since(
        self, fixtures: Fixtures, shop: Shop, counted: Any
    ) -> None:
        product, recounted = fixtures.product(units=5), fixtures.product(units=5)
        counted_at = fixtures.clock()
        shop.inventory.receive(SYSTEM, product.id, 10)
        shop.inventory.adjust(SYSTEM, product.id, -2, "broken")
        shop.inventory.count(SYSTEM, recounted.id, 4, "list B")
        for each in (product, recounted):
            with pytest.raises(Invalid, match="must be from 0"):
                shop.inventory.count_all(SYSTEM, {each.id: counted}, "list A", as_of={each.id: counted_at})
        assert [fixtures.level(each.id).on_hand for each in (product, recounted)] == [13, 4]

    def test_what_changed_since_a_moment_is_what_came_and_went_and_no_count(
        self, fixtures: Fixtures, shop: Shop
    ) -> None:
        product, other = fixtures.product(units=9), fixtures.product("Other", units=7)
        moments = {product.id: fixtures.ledger(product.id)[-1].at, other.id: fixtures.clock() - timedelta(days=1)}
        fixtures.apply(*(fixtures.movement(product.id, kind, 2) for kind in (ALLOCATED, SHIPPED, RETURNED, RECEIVED)))
        fixtures.apply(fixtures.movement(product.id, ADJUSTED, -1))

        def changes(moments: dict[UUID, datetime]) -> dict[UUID, int]:
            with fixtures.begin() as uow:
                return uow.stock.changes_since(moments)

        assert changes(moments) == {product.id: -2 + 2 + 2 - 1, other.id: 7}
        assert changes({product.id: fixtures.clock() + timedelta(days=1)}) == {product.id: 0}
        shop.inventory.count(SYSTEM, product.id, 3, "counted: by hand")
        count = fixtures.ledger(product.id)[-1]
        assert count.is_count
        assert count.reason == "counted: by hand"
        assert changes(moments) == {other.id: 7}, "the later count has the last word"
        assert changes({product.id: count.at}) == {product.id: 0}
        assert changes({}) == {}

    def test_levels_come_with_a_time_between_what_they_have_and_what_comes_later(
        self, fixtures: Fixtures, shop: Shop
    ) -> None:
        first, second = sorted(product.id for product in fixtures.products(2, units=1))
        with fixtures.begin() as uow:
            uow.stock.lock([first])
            asked = in_background(lambda: shop.inventory.levels_with_time(SYSTEM, [first, second]))
            assert still_waits(asked), "the lock kept nobody out"
            uow.stock.lock([second])
            uow.stock.apply([fixtures.movement(second, RECEIVED, 4)._replace(at=uow.now())])
        levels, time = asked.result(TIMEOUT_S)
        shop.inventory.receive(SYSTEM, second, 1)
        assert levels[second].on_hand == 1 + 4
        assert fixtures.ledger(second)[-2].at <= time <= fixtures.ledger(second)[-1].at
        with pytest.raises(Forbidden):
            shop.inventory.levels_with_time(fixtures.customer(), [first])

    def test_what_is_short_is_listed_with_the_greatest_shortfall_first(self, fixtures: Fixtures, shop: Shop) -> None:
        fixtures.product(units=5)
        short = [_short_by_two(fixtures) for _ in range(2)]
        shop.inventory.adjust(SYSTEM, short[1], -1, "broken")
        assert [(level.product_id, level.shortfall) for level in shop.inventory.short(SYSTEM, 9)] == [
            *((short[1], 3), (short[0], 2))
        ]
        assert len(shop.inventory.short(SYSTEM, 1)) == 1

    def test_counts_at_the_same_time_end_at_what_was_counted(self, fixtures: Fixtures, contended: Shop) -> None:
        product = fixtures.product(units=5)
        together(*[lambda: contended.inventory.count_all(SYSTEM, {product.id: 9}, "stock-take")] * 4)
        assert fixtures.level(product.id).on_hand == 9


def _short_by_two(fixtures: Fixtures) -> UUID:
    """A product with 2 units on hand and 4 promised."""
    product = fixtures.product(units=5)
    fixtures.apply(fixtures.movement(product.id, ALLOCATED, 4))
    fixtures.apply(fixtures.movement(product.id, ADJUSTED, -3))
    return product.id


def _outcome(fixtures: Fixtures, movement: StockMovement) -> StockLevel | type[Refusal]:
    try:
        fixtures.apply(movement)
    except Refusal as refusal:
        return type(refusal)
    return fixtures.level(movement.product_id)


def _by_the_model(before: StockLevel, movement: StockMovement) -> StockLevel | type[Refusal]:
    try:
        return before.after(movement)
    except Refusal as refusal:
        return type(refusal)
