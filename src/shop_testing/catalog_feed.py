"""The contract of the feed of catalog changes: whoever follows it has a copy of the catalog."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import ClassVar
from uuid import UUID

import pytest

from shop_core.accounts.model import SYSTEM, Actor, Role
from shop_core.catalog.changes import KEPT, CatalogChanges, FeedPosition
from shop_core.catalog.model import CatalogEntry, Category, CategoryChanges, Product, ProductChanges, ProductDetails
from shop_core.catalog.search import ProductQuery
from shop_core.errors import CursorExpired, Forbidden, Invalid, InvalidCursor
from shop_core.inventory.model import LineRequest, MovementKind
from shop_core.orders.model import PlacementRequest
from shop_core.pagination import LIMIT_MAX, CursorRequest, OffsetRequest
from shop_core.pricing.taxes import TaxRate
from shop_core.shop import Shop
from shop_testing.contract import Contract
from shop_testing.determinism import MovableClock
from shop_testing.fixtures import Fixtures

Shown = tuple[Product, str]
"""A product as it is shown, but for its units: with the name of its family."""


@dataclass
class CatalogCopy:
    """A copy of the catalog that somebody keeps, e.g. on a phone.

    Attributes:
        starts: how often it had to begin anew.
    """

    shop: Shop
    limit: int = LIMIT_MAX
    cursor: str | None = None
    products: dict[UUID, Shown] = field(default_factory=dict)
    categories: dict[UUID, Category] = field(default_factory=dict)
    starts: int = 0

    def pull(self) -> CatalogChanges:
        """Ask once."""
        try:
            changes = self.shop.catalog.changes(self.cursor, self.limit)
        except CursorExpired:
            self.cursor, self.products, self.categories = None, {}, {}
            self.starts += 1
            changes = self.shop.catalog.changes(None, self.limit)
        self.cursor = changes.cursor
        self.products = self.products | {entry.product.id: _shown(entry) for entry in changes.products}
        for product_id in changes.gone:
            self.products.pop(product_id, None)
        if changes.categories is not None:
            self.categories = {category.id: category for category in changes.categories}
        return changes

    def update(self) -> int:
        """Ask until it is complete; returns how often."""
        pulls = 1
        while self.pull().has_more:
            pulls += 1
        return pulls

    @property
    def difference(self) -> tuple[object, object]:
        """What it has, and what the shop has, of products and categories that are not the same; nothing else must
        happen meanwhile."""
        products, categories = shown_by(self.shop)
        mine, theirs = self.products | self.categories, products | categories
        return (
            {key: each for key, each in mine.items() if theirs.get(key) != each},
            {key: each for key, each in theirs.items() if mine.get(key) != each},
        )


def shown_by(shop: Shop) -> tuple[dict[UUID, Shown], dict[UUID, Category]]:
    """The whole catalog, by its lists."""
    products: dict[UUID, Shown] = {}
    request: CursorRequest | None = CursorRequest(LIMIT_MAX)
    while request:
        page = shop.catalog.products(ProductQuery(), request)
        products |= {entry.product.id: _shown(entry) for entry in page.items}
        request = CursorRequest(LIMIT_MAX, page.cursor) if page.cursor else None
    categories = shop.catalog.categories(OffsetRequest(LIMIT_MAX)).items
    return products, {entry.category.id: entry.category for entry in categories}


def _shown(entry: CatalogEntry) -> Shown:
    return entry.product, entry.family_name


class CatalogFeedContract(Contract):
    """What changed in the catalog."""

    moves_time: ClassVar[bool] = True

    @pytest.fixture
    def copy(self, shop: Shop) -> CatalogCopy:
        """A copy of the empty catalog."""
        copy = CatalogCopy(shop)
        copy.update()
        return copy

    def test_every_change_is_told_once_with_the_products_as_they_are_now(
        self, shop: Shop, fixtures: Fixtures, copy: CatalogCopy
    ) -> None:
        lamp, chair, table = (fixtures.product(name, units=1) for name in ("Lamp", "Chair", "Table"))
        never_stocked = fixtures.product("Never stocked")
        first = copy.pull()
        assert {each.product for each in first.products} == {lamp, chair, table, never_stocked}
        assert ({each.available for each in first.products}, first.gone, first.has_more) == ({0, 1}, (), False)

        named = shop.catalog.edit_product(SYSTEM, lamp.id, ProductChanges(name="Brass lamp"))
        shop.catalog.remove_product(SYSTEM, chair.id)
        shop.catalog.remove_product(SYSTEM, never_stocked.id)
        second = copy.pull()
        assert [each.product for each in second.products] == [named.product]
        assert sorted(second.gone) == sorted([chair.id, never_stocked.id])

        shop.catalog.restore_product(SYSTEM, chair.id)
        third = copy.pull()
        assert [each.product.id for each in third.products] == [chair.id]
        nothing = copy.pull()
        assert (nothing.products, nothing.gone, nothing.categories) == ((), (), None)
        assert nothing.cursor == third.cursor
        assert copy.difference == ({}, {})

    def test_categories_are_told_all_if_one_changed(self, shop: Shop, fixtures: Fixtures, copy: CatalogCopy) -> None:
        assert copy.pull().categories is None
        home = fixtures.category("home")
        lamps = fixtures.category("lamps", home)
        assert set(copy.pull().categories or ()) == {home, lamps}
        fixtures.product(category_id=lamps.id)
        assert copy.pull().categories is None
        shop.catalog.edit_category(SYSTEM, lamps.id, CategoryChanges(name="Lights"))
        assert copy.pull().categories is not None
        shop.catalog.remove_category(SYSTEM, shop.catalog.create_category(SYSTEM, "Empty").category.id)
        assert copy.pull().categories is not None
        assert copy.difference == ({}, {})

    def test_a_family_that_is_renamed_tells_its_products(
        self, shop: Shop, fixtures: Fixtures, copy: CatalogCopy
    ) -> None:
        family = shop.families.create(SYSTEM, "Shirt", ["colour"])
        red = fixtures.product("Red shirt", family_id=family.id, options=(("colour", "red"),))
        fixtures.product("Lamp")
        copy.update()
        shop.families.edit(SYSTEM, family.id, "Polo shirt")
        changes = copy.pull()
        assert [(each.product.id, each.family_name) for each in changes.products] == [(red.id, "Polo shirt")]
        assert copy.difference == ({}, {})

    def test_what_changes_nothing_is_not_told(self, shop: Shop, fixtures: Fixtures, copy: CatalogCopy) -> None:
        lamp, category = fixtures.product("Lamp", units=5), fixtures.category("lamps")
        archived = fixtures.archive(fixtures.product("Chair", units=1))
        rates = [TaxRate("standard", 1_900)]
        shop.prices.set_tax_rates(SYSTEM, rates)
        details = ProductDetails(lamp.sku, lamp.name, lamp.price)
        copy.update()
        before = copy.cursor

        shop.catalog.edit_product(SYSTEM, lamp.id, ProductChanges())
        shop.catalog.replace_product(SYSTEM, lamp.id, details)
        shop.catalog.import_products(SYSTEM, [details])
        shop.catalog.restore_product(SYSTEM, lamp.id)
        shop.catalog.remove_product(SYSTEM, archived.id)
        shop.catalog.edit_category(SYSTEM, category.id, CategoryChanges())
        shop.catalog.ensure_categories(SYSTEM, {"lamps": "Lamps"})
        shop.prices.set_tax_rates(SYSTEM, rates)
        shop.orders.place(PlacementRequest(fixtures.new_id(), (LineRequest(lamp.id, 2),)))
        with suppress(ZeroDivisionError), fixtures.begin() as uow:
            uow.products.update_all([replace(lamp, name="Never", version=2)])
            raise ZeroDivisionError

        copy.update()
        assert copy.cursor == before

    def test_a_change_that_is_committed_late_is_not_missed(self, fixtures: Fixtures, copy: CatalogCopy) -> None:
        early, late = fixtures.product("Early"), fixtures.product("Late")
        with fixtures.begin() as slow:
            slow.products.update_all([replace(late, name="Late, edited", version=2)])
            with fixtures.begin() as fast:
                fast.products.update_all([replace(early, name="Early, edited", version=2)])
            copy.update()
            assert copy.difference == ({}, {})
        copy.update()
        assert copy.difference == ({}, {})
        assert copy.products[late.id][0].name == "Late, edited"

    def test_many_products_of_one_version_are_told_page_by_page(self, fixtures: Fixtures, copy: CatalogCopy) -> None:
        copy.limit = 3
        products = fixtures.products(10, units=1)
        assert copy.update() == 4
        assert copy.difference == ({}, {})
        with fixtures.begin() as uow:
            uow.products.update_all([replace(each, name="Edited", version=2) for each in products])
        assert copy.pull().has_more
        fixtures.archive(products[0])
        with fixtures.begin() as uow:
            uow.products.update_all([replace(products[9], name="Edited again", version=3)])
        copy.update()
        assert copy.difference == ({}, {})

    def test_whoever_begins_is_not_told_what_left_before(self, shop: Shop, fixtures: Fixtures) -> None:
        fixtures.archive(fixtures.product("Old"))
        lamp = fixtures.product("Lamp")
        changes = shop.catalog.changes()
        assert ([each.product for each in changes.products], changes.gone) == ([lamp], ())

    def test_what_left_is_told_for_ninety_days(
        self, shop: Shop, fixtures: Fixtures, copy: CatalogCopy, clock: MovableClock
    ) -> None:
        old, young, lamp = fixtures.product("Old"), fixtures.product("Young"), fixtures.product("Lamp")
        copy.update()
        current = replace(copy)
        fixtures.archive(old)
        current.update()
        clock.move(KEPT - timedelta(days=1))
        shop.catalog.purge_changes()
        assert replace(copy, products={}).pull().gone == (old.id,)
        fixtures.archive(young)
        clock.move(timedelta(days=2))
        shop.catalog.purge_changes()
        shop.catalog.purge_changes()

        assert copy.pull().products[0].product == lamp
        assert (copy.starts, set(copy.products)) == (1, {lamp.id})
        assert (current.pull().gone, current.starts) == ((young.id,), 0)
        assert current.difference == ({}, {})

    def test_whoever_begins_is_not_held_up_by_what_was_forgotten(
        self, shop: Shop, fixtures: Fixtures, clock: MovableClock
    ) -> None:
        """Long ago something changed, and something left: a first copy begins behind that, however long it takes."""
        fixtures.products(5, units=1)
        fixtures.archive(fixtures.product("Old"))
        clock.move(KEPT + timedelta(days=1))
        fixtures.product("New")
        shop.catalog.purge_changes()
        copy = CatalogCopy(shop, limit=2)
        assert (copy.update(), copy.starts, copy.difference) == (3, 0, ({}, {}))

    def test_the_newest_version_is_never_forgotten(
        self, shop: Shop, fixtures: Fixtures, copy: CatalogCopy, clock: MovableClock
    ) -> None:
        fixtures.product("Lamp")
        copy.update()
        clock.move(KEPT * 3)
        shop.catalog.purge_changes()
        copy.update()
        assert (copy.starts, copy.difference) == (0, ({}, {}))

    def test_a_touched_catalog_is_copied_anew(self, shop: Shop, fixtures: Fixtures, copy: CatalogCopy) -> None:
        fixtures.product("Lamp")
        fixtures.category("lamps")
        copy.update()
        with pytest.raises(Forbidden):
            shop.catalog.touch(Actor(fixtures.new_id(), Role.STAFF))
        copy.update()
        assert copy.starts == 0
        shop.catalog.touch(Actor(fixtures.new_id(), Role.ADMIN))
        copy.update()
        assert (copy.starts, len(copy.products), len(copy.categories), copy.difference) == (1, 1, 1, ({}, {}))

    def test_a_cursor_of_a_version_that_never_was_has_ended(self, shop: Shop, fixtures: Fixtures) -> None:
        """As after a restore from a backup: the version is the same, its stamp is not."""
        fixtures.product("Lamp")
        position = FeedPosition.of(shop.catalog.changes().cursor)
        for lost in (replace(position, stamp=position.stamp ^ 1), replace(position, seen=position.seen + 1)):
            with pytest.raises(CursorExpired):
                shop.catalog.changes(lost.cursor)

    @pytest.mark.parametrize("nonsense", ["x", "", "=", "é", "\x00", "\ud800", "A" * 5_000])
    def test_what_is_no_cursor_is_refused(self, shop: Shop, nonsense: str) -> None:
        with pytest.raises(InvalidCursor) as refused:
            shop.catalog.changes(nonsense)
        assert refused.value.faults[0].field == "after"

    def test_a_forged_cursor_is_refused(self, shop: Shop) -> None:
        position = FeedPosition.of(shop.catalog.changes().cursor)
        for name in ("version", "base", "seen", "stamp"):
            for value in (-1, 2**63, 10**30):
                with pytest.raises(InvalidCursor):
                    shop.catalog.changes(replace(position, **{name: value}).cursor)  # type: ignore[arg-type]

    @pytest.mark.parametrize("limit", [0, -1, LIMIT_MAX + 1])
    def test_a_limit_has_limits(self, shop: Shop, limit: int) -> None:
        with pytest.raises(Invalid):
            shop.catalog.changes(limit=limit)

    def test_the_time_is_that_of_the_store(self, shop: Shop, fixtures: Fixtures, clock: MovableClock) -> None:
        fixtures.apply(fixtures.movement(fixtures.product("Lamp").id, MovementKind.RECEIVED, 3))
        assert shop.catalog.changes().at == clock()
