"""The part of the catalog's contract about the tree of categories: moved, renamed, removed, by many at once."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest

from shop_core.accounts.model import SYSTEM
from shop_core.catalog.model import Category, CategoryChanges, CategoryEntry
from shop_core.catalog.tree import LEVELS_MAX, CategoryNode, check_place
from shop_core.errors import CategoryCycle, CategoryInUse, CategoryNotFound, Invalid, SlugTaken
from shop_core.pagination import OffsetRequest, Page
from shop_core.ports import UnitOfWork
from shop_core.shop import Shop
from shop_testing.concurrency import Rendezvous, second_in_line, together
from shop_testing.contract import Contract
from shop_testing.fixtures import Fixtures


class CategoryTree(Contract):
    """Categories change and go; a part of `CatalogContract`."""

    def test_a_category_is_renamed_and_moved_with_what_is_below_it(self, fixtures: Fixtures, shop: Shop) -> None:
        home, garden = fixtures.category("home"), fixtures.category("garden")
        lamps = fixtures.category("lamps", home)
        fixtures.category("oil-lamps", lamps)
        fixtures.product(category_id=lamps.id)

        entry = shop.catalog.edit_category(SYSTEM, lamps.id, CategoryChanges("Lights", "lights", garden.id))
        assert entry == CategoryEntry(Category(lamps.id, "Lights", "lights", garden.id), product_count=1)
        with fixtures.begin() as uow:
            assert uow.categories.by_slug(["lamps", "lights"]) == {"lights": entry.category}
        again = shop.catalog.edit_category(SYSTEM, lamps.id, CategoryChanges(parent_id=None))
        assert again.category == replace(entry.category, parent_id=None)

    def test_the_tree_is_shown_from_the_top_by_slug(self, fixtures: Fixtures, shop: Shop) -> None:
        home, garden = fixtures.category("home"), fixtures.category("garden")
        lamps, chairs = fixtures.category("lamps", home), fixtures.category("chairs", home)
        fixtures.product(category_id=lamps.id)

        def node(category: Category, *children: CategoryNode, products: int = 0) -> CategoryNode:
            return CategoryNode(CategoryEntry(category, products), children)

        home_node = node(home, node(chairs), node(lamps, products=1))
        assert shop.catalog.category_tree(OffsetRequest()) == Page((node(garden), home_node), count=2)
        assert shop.catalog.category_tree(OffsetRequest(limit=1, offset=1)) == Page((home_node,), count=2)

    def test_an_offer_names_the_category_of_its_product_and_all_above_it(self, fixtures: Fixtures, shop: Shop) -> None:
        home, garden = fixtures.category("home"), fixtures.category("garden")
        lamps = fixtures.category("lamps", home)
        lamp, chair = fixtures.product("Lamp", category_id=lamps.id), fixtures.product("Chair")

        def categories() -> list[tuple[UUID, ...]]:
            with fixtures.begin() as uow:
                offers = uow.products.offers([lamp.id, chair.id])
            return [offers[product.id].category_ids for product in (lamp, chair)]

        assert categories() == [(lamps.id, home.id), ()]
        shop.catalog.edit_category(SYSTEM, lamps.id, CategoryChanges(parent_id=garden.id))
        assert categories() == [(lamps.id, garden.id), ()]

    def test_the_categories_of_an_offer_have_an_end_even_if_somebody_damaged_the_tree(self, fixtures: Fixtures) -> None:
        home = fixtures.category("home")
        lamps = fixtures.category("lamps", home)
        lamp = fixtures.product(category_id=lamps.id)
        with fixtures.begin() as uow:
            uow.categories.lock_all()
            uow.categories.update(replace(home, parent_id=lamps.id))
        with fixtures.begin() as uow:
            assert uow.products.offers([lamp.id])[lamp.id].category_ids == (lamps.id, home.id)

    def test_a_category_is_never_below_itself(self, fixtures: Fixtures, shop: Shop) -> None:
        home = fixtures.category("home")
        lamps = fixtures.category("lamps", home)
        oil_lamps = fixtures.category("oil-lamps", lamps)
        for parent in (home, lamps, oil_lamps):
            with pytest.raises(CategoryCycle):
                shop.catalog.edit_category(SYSTEM, home.id, CategoryChanges(parent_id=parent.id))
        with fixtures.begin() as uow:
            assert uow.categories.lock_all() == {category.id: category for category in (home, lamps, oil_lamps)}

    def test_the_tree_has_ten_levels_at_most(self, fixtures: Fixtures, shop: Shop) -> None:
        parent = None
        for level in range(LEVELS_MAX):
            parent = fixtures.category(f"level-{level}", parent)
        assert parent is not None
        with pytest.raises(Invalid, match="10 levels"):
            shop.catalog.create_category(SYSTEM, "Too deep", "too-deep", parent.id)
        tower = fixtures.category("tower")
        fixtures.category("room", tower)
        with pytest.raises(Invalid, match="10 levels"):
            shop.catalog.edit_category(SYSTEM, tower.id, CategoryChanges(parent_id=parent.parent_id))

    def test_a_change_that_cannot_be_is_refused_and_nothing_is_written(self, fixtures: Fixtures, shop: Shop) -> None:
        home, lamps = fixtures.category("home"), fixtures.category("lamps")
        for changes, refusal in (
            (CategoryChanges(name="Other", slug="home"), SlugTaken),
            (CategoryChanges(name="Other", parent_id=fixtures.new_id()), CategoryNotFound),
            (CategoryChanges(name="\x00"), Invalid),
            (CategoryChanges(slug="No Slug"), Invalid),
        ):
            with pytest.raises(refusal):
                shop.catalog.edit_category(SYSTEM, lamps.id, changes)
        with pytest.raises(CategoryNotFound):
            shop.catalog.edit_category(SYSTEM, fixtures.new_id(), CategoryChanges(name="Other"))
        with fixtures.begin() as uow:
            assert uow.categories.lock_all() == {home.id: home, lamps.id: lamps}

    def test_the_store_itself_refuses_a_slug_that_is_taken_and_a_parent_that_is_not_there(
        self, fixtures: Fixtures
    ) -> None:
        fixtures.category("home")
        lamps = fixtures.category("lamps")
        with pytest.raises(SlugTaken), fixtures.begin() as uow:
            uow.categories.update(replace(lamps, slug="home"))
        with pytest.raises(CategoryNotFound), fixtures.begin() as uow:
            uow.categories.update(replace(lamps, parent_id=fixtures.new_id()))

    def test_an_empty_category_goes_and_its_slug_is_free(self, fixtures: Fixtures, shop: Shop) -> None:
        home = fixtures.category("home")
        shop.catalog.remove_category(SYSTEM, home.id)
        with pytest.raises(CategoryNotFound):
            shop.catalog.category(home.id)
        with pytest.raises(CategoryNotFound):
            shop.catalog.remove_category(SYSTEM, home.id)
        assert fixtures.category("home").id != home.id

    def test_a_category_in_use_stays_and_says_what_is_in_it(self, fixtures: Fixtures, shop: Shop) -> None:
        home = fixtures.category("home")
        fixtures.category("lamps", home)
        fixtures.category("chairs", home)
        fixtures.product(category_id=home.id)
        with pytest.raises(CategoryInUse) as refused:
            shop.catalog.remove_category(SYSTEM, home.id)
        assert (refused.value.category_id, refused.value.products, refused.value.children) == (home.id, 1, 2)
        assert shop.catalog.category(home.id).product_count == 1

    def test_an_archived_product_is_in_no_category_and_keeps_none_from_going(
        self, fixtures: Fixtures, shop: Shop
    ) -> None:
        home = fixtures.category("home")
        product = fixtures.product(units=1, category_id=home.id)
        shop.catalog.remove_product(SYSTEM, product.id)
        shop.catalog.remove_category(SYSTEM, home.id)
        with fixtures.begin() as uow:
            assert uow.products.get_all([product.id])[product.id].category_id is None

    # ---- at the same time

    def test_nobody_adds_a_category_while_all_are_locked_not_even_the_first(self, fixtures: Fixtures) -> None:
        first, second = (Category(fixtures.new_id(), slug.title(), slug) for slug in ("home", "garden"))

        def lock_and_add(uow: UnitOfWork) -> None:
            assert uow.categories.lock_all() == {}
            uow.categories.add(first)

        seen = second_in_line(fixtures.begin, lock_and_add, lambda uow: uow.categories.lock_all())
        assert seen == {first.id: first}
        second_in_line(fixtures.begin, lambda uow: uow.categories.lock_all(), lambda uow: uow.categories.add(second))

    def test_all_who_make_the_first_category_at_once_get_it(self, fixtures: Fixtures, shop: Shop) -> None:
        found = together(*[lambda: shop.catalog.ensure_categories(SYSTEM, {"home": "Home", "garden": "Garden"})] * 4)
        assert found == [found[0]] * 4
        made = together(*[lambda: shop.catalog.create_category(SYSTEM, "Tea")] * 4)
        slugs = sorted(each.category.slug for each in made if isinstance(each, CategoryEntry))
        assert slugs == ["tea", "tea-2", "tea-3", "tea-4"], made

    def test_two_moves_at_once_never_close_a_cycle(self, fixtures: Fixtures) -> None:
        meeting = Rendezvous(fixtures.clock)
        for round_ in range(5):
            one, two = fixtures.category(f"one-{round_}"), fixtures.category(f"two-{round_}")

            def move(category: Category, parent: Category) -> str:
                moved = replace(category, parent_id=parent.id)
                with fixtures.begin() as uow:
                    check_place(moved, uow.categories.lock_all())
                    meeting()  # checked, and not moved yet
                    uow.categories.update(moved)
                return "moved"

            outcomes = together(lambda: move(one, two), lambda: move(two, one))  # noqa: B023
            assert sorted(type(outcome).__name__ for outcome in outcomes) == ["CategoryCycle", "str"]

    def test_many_moves_at_once_leave_a_tree(self, fixtures: Fixtures, shop: Shop) -> None:
        shelves = [fixtures.category(f"shelf-{number}") for number in range(6)]

        def moves(start: int) -> None:
            for step in range(1, 6):
                child, parent = shelves[start], shelves[(start + step) % 6]
                try:
                    shop.catalog.edit_category(SYSTEM, child.id, CategoryChanges(parent_id=parent.id))
                except CategoryCycle:
                    continue

        assert together(*[lambda start=start: moves(start) for start in range(6)]) == [None] * 6
        shown, ahead = 0, list(shop.catalog.category_tree(OffsetRequest()).items)
        while ahead:
            shown += 1
            ahead += ahead.pop().children
        assert shown == 6, "what is in a cycle hangs on nothing"

    def test_what_is_put_into_a_category_that_goes_at_the_same_moment_is_not_lost(self, fixtures: Fixtures) -> None:
        """Either it is there and the category stays, or the category went and it was refused."""
        meeting = Rendezvous(fixtures.clock)
        for round_ in range(6):
            shelf, other = fixtures.category(f"shelf-{round_}"), fixtures.category(f"other-{round_}")
            product = fixtures.new_product(category_id=shelf.id)

            def put(shelf: Category = shelf, other: Category = other, round_: int = round_) -> None:
                with fixtures.begin() as uow:
                    if round_ % 2:
                        uow.products.add_all([product])  # noqa: B023
                    else:
                        uow.categories.update(replace(other, parent_id=shelf.id))
                    meeting()

            def remove(shelf: Category = shelf) -> None:
                with fixtures.begin() as uow:
                    uow.categories.remove(shelf.id)
                    meeting()

            put_in, removed = together(put, remove)
            with fixtures.begin() as uow:
                entry = uow.categories.get(shelf.id)
            if removed is None:
                assert isinstance(put_in, CategoryNotFound)
                assert entry is None
            else:
                assert put_in is None
                assert isinstance(removed, CategoryInUse)
                assert entry is not None
