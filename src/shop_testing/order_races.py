"""The contract of orders that several people change at once: one wins where one must, and stock stays exact."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial
from random import Random

import pytest

from shop_core.accounts.model import SYSTEM, Actor
from shop_core.catalog.model import Product
from shop_core.errors import IllegalStep, InsufficientStock, OrderNotFound, Refusal, Stale, Unavailable
from shop_core.inventory.model import StockLevel
from shop_core.orders.model import HOLDS_STOCK, Order, OrderStatus
from shop_core.shop import Shop
from shop_testing.concurrency import together
from shop_testing.contract import Contract
from shop_testing.fixtures import Fixtures, request
from shop_testing.order_amendment import lines, timeline

ROUNDS = 4


class OrderRacesContract(Contract):
    """Edit, cancel, confirm, ship, delete and place at the same moment."""

    @pytest.mark.parametrize(
        ("one", "other", "confirmed"),
        [
            ("edit", "cancel", False),
            ("edit", "confirm", False),
            ("edit", "delete", False),
            ("cancel", "delete", False),
            ("cancel", "ship", True),
            ("delete", "ship", True),
            ("ship", "ship", True),
            ("delete", "delete", True),
        ],
    )
    def test_two_changes_of_one_order_happen_one_after_the_other(
        self, fixtures: Fixtures, contended: Shop, one: str, other: str, confirmed: bool
    ) -> None:
        for _ in range(ROUNDS):
            lamp, chair, ada = (
                fixtures.product("Lamp", units=9),
                fixtures.product("Chair", units=9),
                fixtures.customer(),
            )
            order = contended.orders.place(request(ada, (lamp, 2)))
            if confirmed:
                contended.orders.confirm(SYSTEM, order.id)
            changes = _changes(contended, ada, order, lamp, chair)

            outcomes = together(changes[one], changes[other])

            won = [outcome for outcome in outcomes if isinstance(outcome, Order)]
            lost = [outcome for outcome in outcomes if isinstance(outcome, Refusal)]
            assert all(isinstance(refusal, IllegalStep | OrderNotFound) for refusal in lost)
            kept = max(won, key=lambda outcome: outcome.version)
            assert len({outcome.version for outcome in won}) == len(won), "both changed the same version"
            assert contended.orders.get(SYSTEM, order.id) == kept
            assert [event.seq for event in timeline(contended, SYSTEM, order)] == list(range(1, kept.version + 1))
            if confirmed:
                assert len(won) == 1, "both steps won, and they exclude each other"
            _check_stock(fixtures, kept, lamp, chair)
            assert contended.audit() == []

    def test_of_ten_edits_of_the_same_version_one_wins_and_the_others_are_stale(
        self, fixtures: Fixtures, contended: Shop
    ) -> None:
        lamp, ada = fixtures.product("Lamp", units=99), fixtures.customer()
        order = contended.orders.place(request(ada, (lamp, 1)))
        edits = [partial(contended.orders.edit, ada, order.id, lines((lamp, units)), [1]) for units in range(2, 12)]
        outcomes = together(*edits)
        assert Counter(type(outcome) for outcome in outcomes) == {Order: 1, Stale: 9}
        (winner,) = (outcome for outcome in outcomes if isinstance(outcome, Order))
        assert fixtures.level(lamp.id).allocated == winner.units[lamp.id]

    def test_ten_edits_that_do_not_care_all_happen_and_each_sees_the_one_before(
        self, fixtures: Fixtures, contended: Shop
    ) -> None:
        lamp, chair, ada = fixtures.product("Lamp", units=99), fixtures.product("Chair", units=99), fixtures.customer()
        order = contended.orders.place(request(ada, (lamp, 1)))
        outcomes = together(
            *[
                lambda units=units: contended.orders.edit(ada, order.id, lines((lamp, units), (chair, 20 - units)))
                for units in range(2, 12)
            ]
        )
        assert sorted(outcome.version for outcome in outcomes if isinstance(outcome, Order)) == list(range(2, 12))
        kept = contended.orders.get(ada, order.id)
        assert (fixtures.level(lamp.id).allocated, fixtures.level(chair.id).allocated) == tuple(
            kept.units[product.id] for product in (lamp, chair)
        )
        told = timeline(contended, ada, order)
        assert [later.total_before for later in told[1:]] == [earlier.total for earlier in told[:-1]]
        assert contended.audit() == []

    def test_edits_and_new_orders_that_want_the_last_units_never_get_more_than_there_are(
        self, fixtures: Fixtures, contended: Shop
    ) -> None:
        for _ in range(ROUNDS):
            lamp, chair = fixtures.product("Lamp", units=3), fixtures.product("Chair", units=20)
            owners = [fixtures.customer() for _ in range(6)]
            orders = [contended.orders.place(request(owner, (chair, 1))) for owner in owners]
            wanted = lines((chair, 1), (lamp, 1))
            grow = [
                partial(contended.orders.edit, owner, order.id, wanted)
                for owner, order in zip(owners, orders, strict=True)
            ]
            buy = [partial(contended.orders.place, request(fixtures.customer(), (lamp, 1)))] * 6

            outcomes = together(*grow, *buy)

            assert Counter(type(outcome) for outcome in outcomes) == {Order: 3, InsufficientStock: 9}
            assert fixtures.level(lamp.id) == StockLevel(lamp.id, on_hand=3, allocated=3)
            assert contended.audit() == []

    def test_units_that_an_edit_or_a_deletion_gives_back_are_sold_once(
        self, fixtures: Fixtures, contended: Shop
    ) -> None:
        lamp, chair, ada, grace = (
            *(fixtures.product("Lamp", units=4), fixtures.product("Chair", units=4)),
            *(fixtures.customer(), fixtures.customer()),
        )
        edited = contended.orders.place(request(ada, (lamp, 2), (chair, 1)))
        deleted = contended.orders.place(request(grace, (lamp, 2)))
        buy: list[Callable[[], Order]] = [lambda: contended.orders.place(request(fixtures.customer(), (lamp, 1)))] * 8
        together(
            lambda: contended.orders.edit(ada, edited.id, lines((chair, 1))),
            lambda: contended.orders.delete(grace, deleted.id),
            *buy,
        )
        late = [_outcome(buy[0]) for _ in range(5)]
        assert isinstance(late[-1], InsufficientStock)
        assert fixtures.level(lamp.id) == StockLevel(lamp.id, on_hand=4, allocated=4)
        assert contended.audit() == []

    def test_edits_of_overlapping_orders_in_any_direction_never_wait_for_each_other_in_a_ring(
        self, fixtures: Fixtures, contended: Shop
    ) -> None:
        """Each swaps what its order has for what another one has, while others buy the same in any order."""
        products = [fixtures.product(f"Product {number}", units=1_000) for number in range(6)]

        def swap(seed: int) -> list[Refusal]:
            random, owner = Random(seed), fixtures.customer()
            order = contended.orders.place(request(owner, (products[seed % 6], 1)))
            refused = []
            for _ in range(3):
                chosen = random.sample(products, k=random.randint(1, 6))
                wanted = lines(*((product, random.randint(1, 3)) for product in chosen))
                outcome = _outcome(partial(contended.orders.edit, owner, order.id, wanted))
                refused += [outcome] if isinstance(outcome, Refusal) else []
            return refused

        refused = together(*[partial(swap, seed) for seed in range(12)])
        assert refused == [[]] * 12, "a deadlock would show as Unavailable"
        assert not [refusal for refusal in refused if isinstance(refusal, Unavailable)]
        assert contended.audit() == []

    def test_an_order_is_never_seen_with_an_old_total_and_new_lines(self, fixtures: Fixtures, shop: Shop) -> None:
        lamp, chair, ada = fixtures.product("Lamp", units=99), fixtures.product("Chair", units=99), fixtures.customer()
        order = shop.orders.place(request(ada, (lamp, 1)))

        def edit() -> int:
            for number in range(30):
                shop.orders.edit(ada, order.id, lines((lamp, 1 + number % 2), (chair, 1 + number % 3)))
            return 0

        def read() -> int:
            torn = 0
            for _ in range(60):
                seen = shop.orders.get(ada, order.id)
                torn += seen.total.minor != sum(line.total.minor for line in seen.lines)
            return torn

        assert together(edit, read, read) == [0, 0, 0]


def _changes(shop: Shop, owner: Actor, order: Order, lamp: Product, chair: Product) -> dict[str, Callable[[], Order]]:
    return {
        "edit": lambda: shop.orders.edit(owner, order.id, lines((lamp, 1), (chair, 3))),
        "cancel": lambda: shop.orders.cancel(owner, order.id),
        "delete": lambda: shop.orders.delete(owner, order.id),
        "confirm": lambda: shop.orders.confirm(SYSTEM, order.id),
        "ship": lambda: shop.orders.ship(SYSTEM, order.id),
    }


def _check_stock(fixtures: Fixtures, order: Order, *products: Product) -> None:
    for product in products:
        units = order.units.get(product.id, 0)
        shipped = units if order.status is OrderStatus.SHIPPED else 0
        held = units if order.status in HOLDS_STOCK else 0
        assert fixtures.level(product.id) == StockLevel(product.id, on_hand=9 - shipped, allocated=held)


def _outcome(job: Callable[[], Order]) -> Order | Refusal:
    try:
        return job()
    except Refusal as refusal:
        return refusal
