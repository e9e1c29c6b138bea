"""The contract of the catalog: what is kept, how it is found (`listing`), how it changes (`editing`, `shelves`)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from shop_core.catalog.model import CategoryEntry, Product
from shop_core.errors import CategoryNotFound, SkuTaken, SlugTaken
from shop_core.inventory.model import StockLevel
from shop_core.money import Money
from shop_core.pagination import OffsetRequest
from shop_testing.catalog_categories import CategoryTree
from shop_testing.catalog_imports import ProductImports
from shop_testing.catalog_lists import CatalogListing
from shop_testing.catalog_products import ProductEdits
from shop_testing.fixtures import Fixtures


class CatalogContract(CatalogListing, ProductEdits, ProductImports, CategoryTree):
    """Categories and products: kept, changed, removed, searched, filtered, sorted and listed."""

    # ---- categories

    def test_a_category_comes_back_as_it_was_added(self, fixtures: Fixtures) -> None:
        home = fixtures.category("home")
        lamps = fixtures.category("lamps", home)
        with fixtures.begin() as uow:
            assert uow.categories.get(lamps.id) == CategoryEntry(lamps, product_count=0)
            assert uow.categories.get(home.id) == CategoryEntry(home, product_count=0)
            assert uow.categories.get(fixtures.new_id()) is None

    def test_a_slug_is_given_once(self, fixtures: Fixtures) -> None:
        home = fixtures.category("home")
        with pytest.raises(SlugTaken) as refused:
            fixtures.category("home")
        assert refused.value.slug == "home"
        with fixtures.begin() as uow:
            assert uow.categories.by_slug(["home"]) == {"home": home}

    def test_a_category_needs_its_parent(self, fixtures: Fixtures) -> None:
        nowhere = replace(fixtures.category("home"), id=fixtures.new_id())
        with pytest.raises(CategoryNotFound) as refused:
            fixtures.category("lamps", nowhere)
        assert refused.value.category_id == nowhere.id

    def test_categories_are_found_by_slug(self, fixtures: Fixtures) -> None:
        home, lamps = fixtures.category("home"), fixtures.category("lamps")
        fixtures.category("garden")
        with fixtures.begin() as uow:
            found = uow.categories.by_slug(["lamps", "home", "nowhere", "Home", "lamps"])
            assert found == {"home": home, "lamps": lamps}
            assert uow.categories.by_slug([]) == {}
            assert uow.categories.by_slug(["\x00", "\ud800", "", "x" * 10_000]) == {}

    def test_categories_are_listed_by_slug_with_the_number_of_products_directly_in_them(
        self, fixtures: Fixtures
    ) -> None:
        home = fixtures.category("home")
        lamps = fixtures.category("lamps", home)
        garden = fixtures.category("garden")
        fixtures.product("Brass lamp", category_id=lamps.id)
        fixtures.product("Steel lamp", category_id=lamps.id)
        fixtures.product("Doormat", category_id=home.id)
        fixtures.archive(fixtures.product("Broken lamp", category_id=lamps.id))
        with fixtures.begin() as uow:
            page = uow.categories.page(OffsetRequest(limit=2))
            rest = uow.categories.page(OffsetRequest(limit=2, offset=2))
            beyond = uow.categories.page(OffsetRequest(limit=2, offset=10))
        assert page.items == (CategoryEntry(garden, 0), CategoryEntry(home, 1))
        assert rest.items == (CategoryEntry(lamps, 2),)
        assert (page.count, rest.count, beyond.count) == (3, 3, 3)
        assert beyond.items == ()

    # ---- products

    def test_a_product_comes_back_as_it_was_added(self, fixtures: Fixtures) -> None:
        lamps = fixtures.category("lamps")
        product = fixtures.product(
            "Lámpara — 真鍮 🪔",
            sku="LAMP/01 a",
            price=99_999_999_999,
            description="Two lines,\n\tone tab; 100% \\ _ ' \"",
            category_id=lamps.id,
            image_urls=("https://example.com/1.jpg", "/2.jpg"),
        )
        with fixtures.begin() as uow:
            entry = uow.products.get(product.id)
            assert entry is not None
            assert (entry.product, entry.available) == (product, 0)
            assert entry.product.created_at.utcoffset() == timedelta(0)
            assert uow.stock.get(product.id) == StockLevel(product.id)  # adding it opened its stock level
            assert uow.products.get(fixtures.new_id()) is None

    def test_an_archived_product_leaves_the_catalog_but_is_not_forgotten(self, fixtures: Fixtures) -> None:
        product = fixtures.product(units=7)
        archived = fixtures.archive(product)
        with fixtures.begin() as uow:
            assert uow.products.get(product.id) is None
            assert uow.products.get_all([product.id]) == {product.id: archived}
            assert uow.products.lock_by_sku([product.sku]) == {product.sku: archived}
            assert uow.stock.get(product.id) == StockLevel(product.id, on_hand=7)
        with pytest.raises(SkuTaken):
            fixtures.product(sku=product.sku)

    def test_products_are_found_by_id_and_by_sku(self, fixtures: Fixtures) -> None:
        lamp, chair = fixtures.product("Lamp", sku="lamp"), fixtures.product("Chair", sku="chair")
        fixtures.product("Table", sku="LAMP")  # upper and lower case differ
        with fixtures.begin() as uow:
            assert uow.products.get_all([chair.id, lamp.id, fixtures.new_id(), lamp.id]) == {
                lamp.id: lamp,
                chair.id: chair,
            }
            assert uow.products.get_all([]) == {}
            assert uow.products.lock_by_sku(["chair", "lamp", "none", "lamp"]) == {"lamp": lamp, "chair": chair}
            assert uow.products.lock_by_sku([]) == {}
            assert uow.products.lock_by_sku(["\x00", "\ud800", "", "x" * 10_000]) == {}

    def test_a_sku_is_given_once_and_a_refused_batch_leaves_nothing(self, fixtures: Fixtures) -> None:
        fixtures.product("Lamp", sku="lamp")
        other, twin = fixtures.new_product("Chair"), fixtures.new_product("Twin", sku="lamp")
        with pytest.raises(SkuTaken) as refused, fixtures.begin() as uow:
            uow.products.add_all([other, twin])
        assert refused.value.sku == "lamp"
        with fixtures.begin() as uow:
            assert uow.products.get_all([other.id, twin.id]) == {}

    def test_one_batch_cannot_use_a_sku_twice(self, fixtures: Fixtures) -> None:
        with pytest.raises(SkuTaken), fixtures.begin() as uow:
            uow.products.add_all([fixtures.new_product("One", sku="same"), fixtures.new_product("Two", sku="same")])

    def test_a_product_needs_its_category(self, fixtures: Fixtures) -> None:
        nowhere = fixtures.new_id()
        with pytest.raises(CategoryNotFound) as refused:
            fixtures.product(category_id=nowhere)
        assert refused.value.category_id == nowhere

    def test_an_edit_is_stored_and_leaves_the_stock_alone(self, fixtures: Fixtures) -> None:
        lamps, product, other = fixtures.category("lamps"), fixtures.product(units=3), fixtures.product("Other")
        edited = _edited(fixtures, product, category_id=lamps.id)
        with fixtures.begin() as uow:
            uow.products.update_all([edited])

        with fixtures.begin() as uow:
            assert uow.products.get_all([product.id, other.id]) == {product.id: edited, other.id: other}
            assert uow.stock.get(product.id) == StockLevel(product.id, on_hand=3)

    def test_an_edit_cannot_take_a_sku_or_a_category_that_it_may_not(self, fixtures: Fixtures) -> None:
        lamp, chair = fixtures.product("Lamp", sku="lamp"), fixtures.product("Chair", sku="chair")
        nowhere = fixtures.new_id()
        with pytest.raises(SkuTaken) as taken, fixtures.begin() as uow:
            uow.products.update_all([_edited(fixtures, chair, sku="lamp")])
        with pytest.raises(CategoryNotFound) as missing, fixtures.begin() as uow:
            uow.products.update_all([_edited(fixtures, lamp), _edited(fixtures, chair, category_id=nowhere)])

        assert (taken.value.sku, missing.value.category_id) == ("lamp", nowhere)
        with fixtures.begin() as uow:
            assert uow.products.get_all([lamp.id, chair.id]) == {lamp.id: lamp, chair.id: chair}

    def test_many_products_are_added_and_changed_at_once(self, fixtures: Fixtures) -> None:
        products = [fixtures.new_product(f"Product {number}") for number in range(500)]
        with fixtures.begin() as uow:
            uow.products.add_all(products)
            uow.products.update_all([_edited(fixtures, product) for product in products[:250]])
        with fixtures.begin() as uow:
            found = uow.products.get_all(product.id for product in products)
            assert [found[product.id].version for product in products] == [2] * 250 + [1] * 250
            uow.products.add_all([])
            uow.products.update_all([])


def _edited(fixtures: Fixtures, product: Product, **changes: object) -> Product:
    changed = {"name": "Edited", "price": Money(77, product.price.currency), "image_urls": ("/new.jpg",)} | changes
    return replace(product, updated_at=fixtures.clock(), version=product.version + 1, **changed)  # type: ignore[arg-type]
