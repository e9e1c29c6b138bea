"""The part of the catalog's contract about products that are edited and removed, by many at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from shop_core.accounts.model import SYSTEM, Actor, Role
from shop_core.catalog.model import CatalogEntry, Product, ProductChanges, ProductDetails
from shop_core.errors import (
    CategoryNotFound,
    Invalid,
    ProductNotFound,
    SkuTaken,
    Stale,
    UnknownProducts,
)
from shop_core.idempotency import IdempotencyKey
from shop_core.inventory.model import StockLevel
from shop_core.money import Money
from shop_core.orders.model import Order
from shop_core.shop import Shop
from shop_testing.concurrency import together
from shop_testing.contract import Contract
from shop_testing.fixtures import Fixtures, request


class ProductEdits(Contract):
    """Products change and go; a part of `CatalogContract`."""

    def test_a_change_touches_only_what_it_names(self, fixtures: Fixtures, shop: Shop) -> None:
        lamps = fixtures.category("lamps")
        product = fixtures.product(units=3, description="Old", category_id=lamps.id, image_urls=("/1.jpg",))
        entry = shop.catalog.edit_product(
            SYSTEM, product.id, ProductChanges(name=" New name ", price=fixtures.money(7))
        )
        expected = replace(product, name="New name", price=fixtures.money(7), version=2)
        assert entry == CatalogEntry(replace(expected, updated_at=entry.product.updated_at), available=3)
        assert entry.product.updated_at >= product.updated_at
        assert shop.catalog.product(product.id) == entry

        cleared = shop.catalog.edit_product(SYSTEM, product.id, ProductChanges(category_id=None)).product
        assert (cleared.category_id, cleared.name, cleared.version) == (None, "New name", 3)

    def test_a_replacement_empties_what_it_does_not_name(self, fixtures: Fixtures, shop: Shop) -> None:
        product = fixtures.product(description="Old", category_id=fixtures.category("lamps").id, image_urls=("/1.jpg",))
        entry = shop.catalog.replace_product(SYSTEM, product.id, ProductDetails("NEW", "New", fixtures.money(1)))
        said = entry.product
        assert (said.sku, said.name, said.description, said.category_id, said.image_urls) == (
            "NEW",
            "New",
            "",
            None,
            (),
        )
        assert fixtures.product(sku=product.sku).sku == product.sku, "the old SKU is free"

    def test_an_edit_that_changes_nothing_is_no_new_version(self, fixtures: Fixtures, shop: Shop) -> None:
        product = fixtures.product()
        assert shop.catalog.edit_product(SYSTEM, product.id, ProductChanges()).product == product
        assert shop.catalog.edit_product(SYSTEM, product.id, ProductChanges(name=product.name)).product == product

    def test_an_edit_that_cannot_be_is_refused_and_nothing_is_written(self, fixtures: Fixtures, shop: Shop) -> None:
        product, other = fixtures.product(), fixtures.product("Other")
        foreign = Money(1, "XXX")
        for changes, refusal in (
            (ProductChanges(name="New", sku=other.sku), SkuTaken),
            (ProductChanges(name="New", category_id=fixtures.new_id()), CategoryNotFound),
            (ProductChanges(name="New", price=foreign), Invalid),
        ):
            with pytest.raises(refusal):
                shop.catalog.edit_product(SYSTEM, product.id, changes)
        assert shop.catalog.product(product.id).product == product

    def test_an_edit_of_something_stale_is_refused(self, fixtures: Fixtures, shop: Shop) -> None:
        product = fixtures.product(units=1)
        shop.catalog.edit_product(SYSTEM, product.id, ProductChanges(name="Second"), {1})
        details = ProductDetails("NEW", "New", fixtures.money(1))
        for use in (
            lambda: shop.catalog.edit_product(SYSTEM, product.id, ProductChanges(name="Third"), {1}),
            lambda: shop.catalog.replace_product(SYSTEM, product.id, details, {1, 3}),
            lambda: shop.catalog.remove_product(SYSTEM, product.id, set()),
        ):
            with pytest.raises(Stale):
                use()
        assert shop.catalog.product(product.id).product.name == "Second"
        shop.catalog.remove_product(SYSTEM, product.id, {2})

    # ---- leaving the catalog

    def test_a_product_that_was_never_stocked_is_gone_and_its_sku_is_free(self, fixtures: Fixtures, shop: Shop) -> None:
        product = fixtures.product()
        shop.catalog.remove_product(SYSTEM, product.id)
        with fixtures.begin() as uow:
            assert uow.products.get_all([product.id]) == {}
            assert uow.stock.get(product.id) is None
        assert fixtures.product(sku=product.sku).id != product.id
        for use in (
            lambda: shop.catalog.product(product.id),
            lambda: shop.catalog.remove_product(SYSTEM, product.id),
            lambda: shop.inventory.receive(SYSTEM, product.id, 1),
        ):
            with pytest.raises(ProductNotFound):
                use()

    def test_a_product_that_was_sold_is_archived_and_its_orders_keep_its_name(
        self, fixtures: Fixtures, shop: Shop
    ) -> None:
        product, ada = fixtures.product("Brass lamp", units=3), fixtures.customer()
        order = shop.orders.place(request(ada, (product, 2)))
        shop.catalog.remove_product(SYSTEM, product.id)
        assert shop.orders.get(ada, order.id).lines == order.lines
        assert shop.inventory.level(SYSTEM, product.id) == StockLevel(product.id, on_hand=3, allocated=2)
        with pytest.raises(SkuTaken):
            fixtures.product(sku=product.sku)
        with pytest.raises(UnknownProducts):
            shop.orders.place(request(ada, (product, 1)))
        with pytest.raises(ProductNotFound):
            shop.catalog.product(product.id)
        with pytest.raises(ProductNotFound):
            shop.catalog.edit_product(SYSTEM, product.id, ProductChanges(name="Back"))
        shop.catalog.remove_product(SYSTEM, product.id, {1})  # it is removed already: nothing to do
        assert shop.orders.cancel(ada, order.id).status == "cancelled"
        assert shop.audit() == []

    def test_a_product_that_was_archived_can_be_restored_and_whoever_wants_its_sku_learns_that(
        self, fixtures: Fixtures, shop: Shop
    ) -> None:
        home = fixtures.category("home")
        product = fixtures.product("Brass lamp", units=3, category_id=home.id)
        details = ProductDetails(product.sku, "Other", product.price)
        with pytest.raises(SkuTaken) as taken:
            shop.catalog.create_product(SYSTEM, details)
        assert taken.value.archived is None
        shop.catalog.remove_product(SYSTEM, product.id)
        other = fixtures.product("Other")
        uses: list[Callable[[], CatalogEntry]] = [
            lambda: shop.catalog.create_product(SYSTEM, details),
            lambda: shop.catalog.edit_product(SYSTEM, other.id, ProductChanges(sku=product.sku)),
        ]
        for use in uses:
            with pytest.raises(SkuTaken, match=f"{product.id}.*restore that product") as taken:
                use()
            assert taken.value.archived == product.id
        with pytest.raises(Stale):
            shop.catalog.restore_product(SYSTEM, product.id, {1})
        restored = shop.catalog.restore_product(SYSTEM, product.id, {2})
        assert (restored.product.name, restored.product.category_id, restored.available) == ("Brass lamp", None, 3)
        assert restored.product.version == 3
        assert shop.catalog.restore_product(SYSTEM, product.id) == restored == shop.catalog.product(product.id)
        shop.orders.place(request(fixtures.customer(), (product, 1)))
        with pytest.raises(ProductNotFound):
            shop.catalog.restore_product(SYSTEM, fixtures.new_id())

    def test_a_restore_that_is_repeated_does_not_undo_what_came_after_it(self, fixtures: Fixtures, shop: Shop) -> None:
        staff, product = Actor(fixtures.new_id(), Role.STAFF), fixtures.product(units=1)
        shop.catalog.remove_product(staff, product.id)
        for _ in range(2):
            shop.catalog.restore_product(staff, product.id, key=IdempotencyKey("restore-1"))
        shop.catalog.remove_product(staff, product.id)
        with pytest.raises(ProductNotFound):
            shop.catalog.restore_product(staff, product.id, key=IdempotencyKey("restore-1"))

    # ---- at the same time

    def test_of_those_who_edit_the_same_version_at_once_one_wins(self, fixtures: Fixtures, contended: Shop) -> None:
        product = fixtures.product()

        def edit(name: str) -> CatalogEntry:
            return contended.catalog.edit_product(SYSTEM, product.id, ProductChanges(name=name), {1})

        outcomes = together(*[lambda name=f"Name {number}": edit(name) for number in range(5)])
        (winner,) = [outcome for outcome in outcomes if isinstance(outcome, CatalogEntry)]
        assert sum(isinstance(outcome, Stale) for outcome in outcomes) == 4
        assert contended.catalog.product(product.id) == winner

    def test_edits_of_different_details_at_once_are_all_kept(self, fixtures: Fixtures, contended: Shop) -> None:
        product, lamps = fixtures.product(), fixtures.category("lamps")
        changes = [
            ProductChanges(name="New name"),
            ProductChanges(price=fixtures.money(1)),
            ProductChanges(description="New"),
            ProductChanges(category_id=lamps.id),
            ProductChanges(image_urls=("/new.jpg",)),
        ]
        together(*[lambda one=one: contended.catalog.edit_product(SYSTEM, product.id, one) for one in changes])
        said = contended.catalog.product(product.id).product
        assert (said.name, said.price.minor, said.description) == ("New name", 1, "New")
        assert (said.category_id, said.image_urls, said.version) == (lamps.id, ("/new.jpg",), 6)

    def test_two_products_that_want_each_others_sku_do_not_wait_for_each_other(
        self, fixtures: Fixtures, contended: Shop
    ) -> None:
        one, two = fixtures.product(sku="one"), fixtures.product(sku="two")

        def take(product: Product, sku: str) -> CatalogEntry:
            return contended.catalog.edit_product(SYSTEM, product.id, ProductChanges(sku=sku))

        outcomes = together(lambda: take(one, "two"), lambda: take(two, "one"))
        assert [type(outcome) for outcome in outcomes] == [SkuTaken, SkuTaken]

    def test_a_delivery_for_a_product_that_goes_at_the_same_moment_is_recorded_or_refused(
        self, fixtures: Fixtures, contended: Shop
    ) -> None:
        for _ in range(5):
            product = fixtures.product()
            received, removed = together(
                lambda: contended.inventory.receive(SYSTEM, product.id, 5),  # noqa: B023
                lambda: contended.catalog.remove_product(SYSTEM, product.id),  # noqa: B023
            )
            assert removed is None
            with fixtures.begin() as uow:
                kept = uow.products.get_all([product.id]).get(product.id)
            if isinstance(received, ProductNotFound):
                assert kept is None
                assert fixtures.ledger(product.id) == []
            else:
                assert kept is not None
                assert kept.archived_at is not None
                assert fixtures.level(product.id).on_hand == 5
            assert contended.audit() == []

    def test_placing_editing_and_removing_at_once_end_in_one_consistent_state(
        self, fixtures: Fixtures, contended: Shop
    ) -> None:
        for _ in range(4):
            product, other = fixtures.product("Before", units=10), fixtures.product("Other", units=10)
            ada = fixtures.customer()

            def place(product: Product = product, other: Product = other) -> Order:
                return contended.orders.place(request(ada, (other, 1), (product, 2)))  # noqa: B023

            def edit(product: Product = product) -> CatalogEntry:
                return contended.catalog.edit_product(SYSTEM, product.id, ProductChanges(name="After"))

            def remove(product: Product = product) -> None:
                return contended.catalog.remove_product(SYSTEM, product.id)

            outcomes = together(place, edit, place, remove, edit, place)
            assert outcomes[3] is None
            placed = [outcomes[index] for index in (0, 2, 5)]
            assert all(isinstance(outcome, Order | UnknownProducts) for outcome in placed), placed
            orders = [outcome for outcome in placed if isinstance(outcome, Order)]
            assert all(line.name in {"Before", "After", "Other"} for order in orders for line in order.lines)
            assert all(isinstance(outcomes[index], CatalogEntry | ProductNotFound) for index in (1, 4)), outcomes
            assert fixtures.level(product.id) == StockLevel(product.id, on_hand=10, allocated=2 * len(orders))
            assert fixtures.level(other.id).allocated == len(orders)
            assert contended.audit() == []
