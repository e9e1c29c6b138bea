"""The contract of families: products that differ by their options."""

from __future__ import annotations

from dataclasses import replace

import pytest

from shop_core.accounts.model import SYSTEM, Role
from shop_core.catalog.families import Family
from shop_core.catalog.model import ProductChanges, ProductDetails
from shop_core.catalog.search import ProductQuery
from shop_core.errors import FamilyInUse, FamilyNotFound, Invalid, OptionsTaken, Stale
from shop_core.idempotency import IdempotencyKey
from shop_core.inventory.model import LineRequest, MovementKind
from shop_core.orders.model import PlacementRequest
from shop_core.pagination import OffsetRequest
from shop_core.shop import Shop
from shop_testing.contract import Contract
from shop_testing.fixtures import Fixtures


class FamiliesContract(Contract):
    """Families, their options, and the products in them."""

    def test_the_products_of_a_family_differ_by_their_options(self, fixtures: Fixtures, shop: Shop) -> None:
        ada, lamp = fixtures.customer(), fixtures.product("Lamp")
        shirts = shop.families.create(SYSTEM, "T-shirt", ["colour", "size"], "Cotton")
        assert shop.families.get(shirts.id) == shirts

        def shirt(sku: str, **options: str) -> ProductDetails:
            named = tuple(options.items())
            return ProductDetails(sku, f"T-shirt {sku}", lamp.price, family_id=shirts.id, options=named)

        red = shop.catalog.create_product(SYSTEM, shirt("TS-R", size="M", colour="red")).product
        assert red.options == (("colour", "red"), ("size", "M"))
        assert shop.catalog.product(red.id).product == red
        with pytest.raises(OptionsTaken):
            shop.catalog.create_product(SYSTEM, shirt("TS-R2", colour="red", size="M"))
        for options in (
            {"colour": "red"},
            {"colour": "red", "size": "L", "sleeves": "long"},
            {"colour": "", "size": "L"},
        ):
            with pytest.raises(Invalid, match="options"):
                shop.catalog.create_product(SYSTEM, shirt("TS-X", **options))
        with pytest.raises(FamilyNotFound):
            shop.catalog.edit_product(SYSTEM, lamp.id, ProductChanges(family_id=fixtures.new_id()))
        with pytest.raises(Invalid, match="options"):
            shop.catalog.edit_product(SYSTEM, lamp.id, ProductChanges(options=(("colour", "red"),)))
        found = shop.catalog.products(ProductQuery(family_id=shirts.id), OffsetRequest())
        assert ([entry.product.id for entry in found.items], found.count) == ([red.id], 1)
        with pytest.raises(FamilyInUse):
            shop.families.remove(SYSTEM, shirts.id)

        fixtures.apply(fixtures.movement(red.id, MovementKind.RECEIVED, 2))
        order = shop.orders.place(PlacementRequest(ada.account_id, (LineRequest(red.id, 1),)))
        assert order.lines[0].options == red.options
        shop.catalog.remove_product(SYSTEM, red.id)
        assert shop.orders.get(ada, order.id) == order
        shop.catalog.create_product(SYSTEM, shirt("TS-R2", colour="red", size="M"))
        restored = shop.catalog.restore_product(SYSTEM, red.id).product
        assert (restored.family_id, restored.options) == (None, ())
        assert shop.catalog.product(red.id).product == restored

    def test_a_product_that_an_older_server_put_back_with_its_options_can_be_edited(
        self, fixtures: Fixtures, shop: Shop
    ) -> None:
        product = fixtures.product()
        with fixtures.begin() as uow:
            uow.products.lock_by_sku([product.sku])
            uow.products.update_all([replace(product, options=(("size", "L"),), version=2)])
        edited = shop.catalog.edit_product(SYSTEM, product.id, ProductChanges(name="Shirt")).product
        assert (edited.name, edited.options) == ("Shirt", ())

    def test_a_product_is_shown_with_its_family_also_by_a_replay_and_after_it_was_restored(
        self, fixtures: Fixtures, shop: Shop
    ) -> None:
        shirts, mugs = (
            shop.families.create(SYSTEM, "Shirts", ["size"]),
            shop.families.create(SYSTEM, "Mugs", ["colour"]),
        )
        product = fixtures.product()
        into = ProductChanges(family_id=shirts.id, options=(("size", "M"),))
        clerk = fixtures.account("clerk", role=Role.STAFF).actor
        shop.catalog.edit_product(clerk, product.id, into, key=IdempotencyKey("k"))
        elsewhere = ProductChanges(family_id=mugs.id, options=(("colour", "red"),))
        shop.catalog.edit_product(SYSTEM, product.id, elsewhere)
        shop.families.remove(SYSTEM, shirts.id)
        shown = shop.catalog.product(product.id)
        assert shown.family_name == "Mugs"
        assert shop.catalog.edit_product(clerk, product.id, into, key=IdempotencyKey("k")) == shown
        assert shop.catalog.restore_product(SYSTEM, product.id) == shown

    def test_a_family_is_edited_listed_and_removed(self, shop: Shop) -> None:
        shirts, mugs = (shop.families.create(SYSTEM, name) for name in ("Shirts", "Mugs"))
        edited = shop.families.edit(SYSTEM, shirts.id, "T-shirts", versions={1})
        assert edited == Family(shirts.id, "T-shirts", version=2)
        with pytest.raises(Stale):
            shop.families.edit(SYSTEM, shirts.id, description="Late", versions={1})
        assert shop.families.page(OffsetRequest()).items == (mugs, edited)
        shop.families.remove(SYSTEM, mugs.id)
        with pytest.raises(FamilyNotFound):
            shop.families.get(mugs.id)
