"""The contract of the audit: it finds nothing after normal use, and every difference that was put in."""

from __future__ import annotations

from uuid import UUID

import pytest

from shop_core.accounts.model import SYSTEM
from shop_core.catalog.model import Product
from shop_core.orders.model import Order, OrderStatus
from shop_core.ports import Adapters, Discrepancy
from shop_core.shop import Shop
from shop_testing.contract import Contract
from shop_testing.fixtures import Fixtures, request


class AuditContract(Contract):
    """`UnitOfWork.audit`. Give the `corrupt_*` methods, so that there is something to find."""

    def corrupt_counter(self, adapters: Adapters, product_id: UUID, counter: str, change: int) -> None:
        """Add `change` to the stored `on_hand`, `allocated`, `reserved` or `shortfall`, past every check."""
        pytest.skip("this adapter gives no corrupt_counter")

    def corrupt_ledger(self, adapters: Adapters, product_id: UUID) -> None:
        """Take the newest line of the product's ledger away, and leave the counters alone."""
        pytest.skip("this adapter gives no corrupt_ledger")

    def corrupt_order_total(self, adapters: Adapters, order: Order, change: int) -> None:
        """Add `change` minor units to the stored total of the order."""
        pytest.skip("this adapter gives no corrupt_order_total")

    def corrupt_order_status(self, adapters: Adapters, order: Order, status: OrderStatus) -> None:
        """Store another status, and leave the stock alone."""
        pytest.skip("this adapter gives no corrupt_order_status")

    def corrupt_order_version(self, adapters: Adapters, order: Order, change: int) -> None:
        """Add `change` to the stored version of the order, and leave its timeline alone."""
        pytest.skip("this adapter gives no corrupt_order_version")

    def corrupt_timeline(self, adapters: Adapters, order: Order) -> None:
        """Take the newest event of the order away."""
        pytest.skip("this adapter gives no corrupt_timeline")

    @pytest.fixture
    def lamp(self, fixtures: Fixtures) -> Product:
        """A product with 10 units."""
        return fixtures.product("Lamp", units=10)

    @pytest.fixture
    def order(self, fixtures: Fixtures, shop: Shop, lamp: Product) -> Order:
        """An order of 3 of them."""
        return shop.orders.place(request(fixtures.customer(), (lamp, 3)))

    def test_after_honest_work_it_finds_nothing(
        self, fixtures: Fixtures, shop: Shop, lamp: Product, order: Order
    ) -> None:
        assert shop.audit() == []
        shipped, cancelled, open_order = (shop.orders.place(request(fixtures.customer(), (lamp, 2))) for _ in range(3))
        for step in (shop.orders.confirm, shop.orders.ship, shop.orders.deliver):
            step(SYSTEM, shipped.id)
            assert shop.audit() == []
        shop.orders.cancel(SYSTEM, cancelled.id)
        shop.inventory.receive(SYSTEM, lamp.id, 5)
        shop.inventory.adjust(SYSTEM, lamp.id, -10, "a fire")
        assert fixtures.level(lamp.id).shortfall == 2
        assert shop.audit() == []
        shop.orders.cancel(SYSTEM, open_order.id)
        shop.inventory.count_all(SYSTEM, {lamp.id: 4}, "stock-take")
        assert shop.audit() == []

    @pytest.mark.parametrize("change", [1, -1])
    def test_a_wrong_on_hand_is_found(
        self, adapters: Adapters, shop: Shop, lamp: Product, order: Order, change: int
    ) -> None:
        self.corrupt_counter(adapters, lamp.id, "on_hand", change)
        assert Discrepancy("on_hand", lamp.id, stored=10 + change, expected=10) in shop.audit()

    @pytest.mark.parametrize("change", [1, -1])
    def test_a_wrong_allocated_is_found(
        self, adapters: Adapters, shop: Shop, lamp: Product, order: Order, change: int
    ) -> None:
        self.corrupt_counter(adapters, lamp.id, "allocated", change)
        assert Discrepancy("allocated", lamp.id, stored=3 + change, expected=3) in shop.audit()

    def test_a_wrong_reserved_is_found(self, adapters: Adapters, shop: Shop, lamp: Product, order: Order) -> None:
        self.corrupt_counter(adapters, lamp.id, "reserved", 1)
        assert Discrepancy("reserved", lamp.id, stored=1, expected=0) in shop.audit()

    def test_a_wrong_shortfall_is_found(self, adapters: Adapters, shop: Shop, lamp: Product, order: Order) -> None:
        self.corrupt_counter(adapters, lamp.id, "shortfall", 1)
        assert Discrepancy("shortfall", lamp.id, stored=1, expected=0) in shop.audit()

    def test_a_lost_ledger_line_is_found(self, adapters: Adapters, shop: Shop, lamp: Product, order: Order) -> None:
        self.corrupt_ledger(adapters, lamp.id)
        assert Discrepancy("allocated", lamp.id, stored=3, expected=0) in shop.audit()

    def test_a_wrong_order_total_is_found(self, adapters: Adapters, shop: Shop, order: Order) -> None:
        self.corrupt_order_total(adapters, order, 1)
        assert [(found.of, found.stored, found.expected) for found in shop.audit()] == [
            (order.id, order.total.minor + 1, order.total.minor)
        ]

    def test_an_order_that_holds_units_that_its_product_does_not_know_of_is_found(
        self, adapters: Adapters, shop: Shop, lamp: Product, order: Order
    ) -> None:
        self.corrupt_order_status(adapters, order, OrderStatus.CANCELLED)
        assert shop.audit() == [
            Discrepancy("allocated to orders", lamp.id, stored=3, expected=0),
            Discrepancy("order status", order.id, stored="cancelled", expected="placed"),
        ]

    def test_a_version_that_is_not_the_last_events_is_found(self, adapters: Adapters, shop: Shop, order: Order) -> None:
        self.corrupt_order_version(adapters, order, 1)
        assert shop.audit() == [
            Discrepancy("order events", order.id, stored=1, expected=2),
            Discrepancy("order version", order.id, stored=2, expected=1),
        ]

    def test_a_lost_event_is_found(self, adapters: Adapters, shop: Shop, order: Order) -> None:
        self.corrupt_timeline(adapters, order)
        assert shop.audit() == [
            Discrepancy("order events", order.id, stored=0, expected=1),
            Discrepancy("order status", order.id, stored="placed", expected=""),
            Discrepancy("order version", order.id, stored=1, expected=0),
        ]

    def test_it_repairs_nothing(self, adapters: Adapters, shop: Shop, lamp: Product, order: Order) -> None:
        self.corrupt_counter(adapters, lamp.id, "on_hand", 1)
        assert shop.audit() == shop.audit() != []

    def test_a_sound_neighbour_is_not_accused(
        self, adapters: Adapters, fixtures: Fixtures, shop: Shop, lamp: Product, order: Order
    ) -> None:
        neighbour = fixtures.product("Chair", units=4)
        self.corrupt_counter(adapters, lamp.id, "on_hand", 1)
        assert neighbour.id not in {found.of for found in shop.audit()}
