"""The part of the catalog's contract about lists: words, filters, sorts, and the two ways of paging."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shop_core.catalog.model import CatalogEntry, Category, Product
from shop_core.catalog.search import ProductQuery, ProductSort, is_found, relevance, terms_of
from shop_core.inventory.model import MovementKind
from shop_core.pagination import CursorRequest, OffsetRequest, Page, PageRequest
from shop_core.text import folded, search_words
from shop_testing.contract import Contract
from shop_testing.fixtures import Fixtures

NAMES = (
    "WHITE HANGING HEART T-LIGHT HOLDER|RED HANGING HEART|KNITTED UNION FLAG HOT WATER BOTTLE|BOTTLE OPENER 50%|"
    "Café Crème 12-Pack|CAFE AU LAIT BOWL|Straße sign|STRASSE SIGN BIG|ﬁne china cup|FINE CHINA SAUCER|真鍮 ランプ|"
    "Lámpara de latón|under_score|back\\slash 'quote' \"double\"|naïve art|Ⅳ candles|lamp|lamps|LAMPSHADE|Hot"
).split("|")
SEARCHES = (
    "heart|HEART hang|t light|hot wat|hot|50%|%|_|50|cafe|café|strasse|straße|fine c|FINE|真鍮|ランプ|ラン|lampara|"
    "lám|under|score|under_score|back slash|'quote'|iv|lamp|lamps|lampsh|shade|o|zzz|heart zzz|"
).split("|")

SORT_KEYS: dict[ProductSort, Callable[[Product], Any]] = {
    ProductSort.NEWEST: lambda product: product.id,  # UUIDv7s sort by the time they were made in
    ProductSort.NAME: lambda product: (folded(product.name), product.id),
    ProductSort.PRICE: lambda product: (product.price.minor, product.id),
    ProductSort.PRICE_DESCENDING: lambda product: (product.price.minor, product.id),
    ProductSort.RELEVANCE: lambda product: (folded(product.name), product.id),
}
DESCENDING = {ProductSort.NEWEST, ProductSort.PRICE_DESCENDING}


@dataclass(repr=False)  # else a failing test shows every product
class Stocked:
    """A catalog to search in."""

    products: dict[UUID, tuple[Product, int]]
    categories: list[Category]

    def expected(self, query: ProductQuery) -> list[Product]:
        """What `query` must find, by the plain rules: every product looked at, one by one."""
        found = [product for product, units in self.products.values() if self._matches(query, product, units)]
        found.sort(key=SORT_KEYS[query.sorted_by], reverse=query.sorted_by in DESCENDING)
        if query.sorted_by is ProductSort.RELEVANCE and query.words:  # a stable sort: within, the order stays
            found.sort(key=lambda product: relevance(query.words or (), product))
        return found

    def _matches(self, query: ProductQuery, product: Product, units: int) -> bool:
        return (
            (query.words is None or is_found(query.words, terms_of(product)))
            and (query.category_id is None or query.category_id in self._shelves_above(product.category_id))
            and (query.ids is None or product.id in query.ids)
            and query.sku in (None, product.sku)
            and (query.price_min is None or product.price.minor >= query.price_min)
            and (query.price_max is None or product.price.minor <= query.price_max)
            and (query.available_min is None or units >= query.available_min)
            and (query.available_max is None or units <= query.available_max)
        )

    def _shelves_above(self, category_id: UUID | None) -> set[UUID]:
        parents = {category.id: category.parent_id for category in self.categories}
        above = set()
        while category_id is not None:
            above.add(category_id)
            category_id = parents[category_id]
        return above


class CatalogListing(Contract):
    """Search, filters, sorts and pages; a part of `CatalogContract`."""

    @pytest.fixture
    def stocked(self, fixtures: Fixtures) -> Stocked:
        """Twenty products with nasty names on four shelves, and one that was archived."""
        home = fixtures.category("home")
        lamps = fixtures.category("lamps", home)
        shelves = [home, lamps, fixtures.category("oil-lamps", lamps), fixtures.category("garden")]
        random, products = Random(7), {}
        for number, name in enumerate(NAMES):
            shelf, units = random.choice([None, *shelves]), random.choice([0, 0, 1, 5, 30])
            details = {"description": f"Number {number}\nof the heart", "category_id": shelf.id if shelf else None}
            on_hand = units + 3 if number % 2 else units
            product = fixtures.product(name, price=random.choice([0, 100, 100, 250, 999]), units=on_hand, **details)
            if on_hand > units:
                fixtures.promise(product, allocated=2, reserved=1)
            products[product.id] = (product, units)
        fixtures.archive(fixtures.product("Archived heart", units=3))
        return Stocked(products, shelves)

    @pytest.mark.parametrize("text", SEARCHES)
    def test_a_search_finds_what_has_every_word_the_last_as_a_beginning(
        self, fixtures: Fixtures, stocked: Stocked, text: str
    ) -> None:
        query = ProductQuery(words=search_words(text), sort=ProductSort.NAME)
        with fixtures.begin() as uow:
            page = uow.products.page(query, OffsetRequest(limit=200))
        expected = stocked.expected(query)
        assert [entry.product.name for entry in page.items] == [product.name for product in expected]
        assert page.count == len(expected)

    @settings(
        max_examples=60,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
    )
    @given(data=st.data())
    def test_every_query_is_answered_as_the_plain_rules_say_in_either_way_of_paging(
        self, fixtures: Fixtures, stocked: Stocked, data: st.DataObject
    ) -> None:
        first = next(iter(stocked.products.values()))[0]
        amount = st.none() | st.sampled_from([0, 1, 5, 30, 100, 250, 10**11])
        query = ProductQuery(
            words=search_words(data.draw(st.sampled_from(SEARCHES), "words")) if data.draw(st.booleans()) else None,
            category_id=data.draw(st.none() | st.sampled_from([shelf.id for shelf in stocked.categories]), "category"),
            price_min=data.draw(amount, "price_min"),
            price_max=data.draw(amount, "price_max"),
            available_min=data.draw(amount, "available_min"),
            available_max=data.draw(amount, "available_max"),
            sort=data.draw(st.sampled_from(ProductSort), "sort"),
            ids=data.draw(st.none() | st.lists(st.sampled_from([*stocked.products, UUID(int=1)])).map(tuple), "ids"),
            sku=data.draw(st.none() | st.sampled_from([first.sku, "missing"]), "sku"),
        )
        limit, offset = data.draw(st.integers(1, 9), "limit"), data.draw(st.integers(0, 12), "offset")
        expected = [CatalogEntry(*stocked.products[product.id]) for product in stocked.expected(query)]

        with fixtures.begin() as uow:
            page = uow.products.page(query, OffsetRequest(limit, offset))
        assert page == Page(tuple(expected[offset : offset + limit]), count=len(expected))
        assert _walk(fixtures, query, limit) == expected

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("Müller", "muller"),
            ("L'Oréal", "loreal"),
            ("L'Oréal", "L\u2019OREAL"),
            ("T-Shirt", "tshirt"),
            ("T-Shirts", "t-shirt"),
            ("tshirt", "t-shirts"),
            ("Łódź", "lodz"),
            ("Smørrebrød", "smorrebrod"),
            ("so\u00adft\u200b", "soft"),
        ],
    )
    def test_a_word_is_found_however_people_write_it(self, fixtures: Fixtures, one: str, other: str) -> None:
        for name, keyword in ((one, other), (other, one)):
            product = fixtures.product(f"Old {name} green")
            fixtures.product(f"New {name[:-2]} thing")
            for text in (keyword, f"{keyword} gree", f"old {keyword}"):
                assert product.id in self.found(fixtures, text), (name, text)
            fixtures.archive(product)

    @pytest.mark.parametrize("keyword", ["茶杯", "杯", "漂亮的茶", "茶杯 漂亮"])
    def test_words_without_spaces_between_them_are_found_inside_a_sentence(
        self, fixtures: Fixtures, keyword: str
    ) -> None:
        cup = fixtures.product("礼物", description="这是一个漂亮的茶杯，适合喝茶。")
        fixtures.product("茶")
        assert self.found(fixtures, keyword) == [cup.id]

    def test_an_exact_sku_comes_first_and_then_an_exact_name(self, fixtures: Fixtures) -> None:
        for number in range(60):
            fixtures.product(f"A {number}", sku=f"QX-1{number:02}")
        by_name, by_sku = fixtures.product("qx/1", sku="N"), fixtures.product("Zoo", sku="QX-1")
        by_both = fixtures.product("QX-100", description="qx 1")
        for text in ("QX-1", "qx-1", "qx1", "QX 1"):
            found = self.found(fixtures, text)
            assert found[:2] == [by_sku.id, by_name.id], text
            assert len(found) == 63
        assert self.found(fixtures, "qx-100")[1] == by_both.id
        assert [entry.product.id for entry in _walk(fixtures, ProductQuery(search_words("QX-1")), 7)] == found

    def test_a_keyword_and_a_sku_must_both_fit(self, fixtures: Fixtures) -> None:
        lamp = fixtures.product("Brass lamp", sku="LAMP-1")
        fixtures.product("Brass lamp", sku="LAMP-2")
        for keyword, sku, expected in (("brass", "LAMP-1", [lamp.id]), ("glass", "LAMP-1", []), ("brass", "X", [])):
            for sort in (None, ProductSort.NAME):
                query = ProductQuery(search_words(keyword), sku=sku, sort=sort)
                assert [entry.product.id for entry in _walk(fixtures, query, 5)] == expected

    def test_names_are_sorted_by_their_letters_and_not_by_their_accents(self, fixtures: Fixtures) -> None:
        names = ["zoo", "Äpfel", "apple", "Ångström", "Éclair", "eddy", "Öl", "oak"]
        for name in names:
            fixtures.product(name)
        listed = [entry.product.name for entry in _walk(fixtures, ProductQuery(sort=ProductSort.NAME), 3)]
        assert listed == ["Ångström", "Äpfel", "apple", "Éclair", "eddy", "oak", "Öl", "zoo"]

    @staticmethod
    def found(fixtures: Fixtures, text: str) -> list[UUID]:
        """The products that a keyword finds, the best first."""
        with fixtures.begin() as uow:
            page = uow.products.page(ProductQuery(search_words(text)), OffsetRequest(200))
        return [entry.product.id for entry in page.items]

    def test_units_that_are_promised_count_as_available_in_no_list(self, fixtures: Fixtures) -> None:
        lamp, chair, table = (fixtures.product(name, units=units) for name, units in (("L", 9), ("C", 3), ("T", 2)))
        fixtures.promise(lamp, allocated=3, reserved=2)
        fixtures.promise(chair, allocated=2, reserved=1)
        fixtures.promise(table, allocated=1, reserved=1)
        fixtures.apply(fixtures.movement(table.id, MovementKind.ADJUSTED, -1))  # found missing: a shortfall
        expected = {lamp.id: 4, chair.id: 0, table.id: 0}
        requests: list[PageRequest] = [OffsetRequest(), CursorRequest()]
        for page_request in requests:
            for available_min, found in ((None, expected), (1, {lamp.id: 4}), (5, {})):
                query = ProductQuery(available_min=available_min)
                with fixtures.begin() as uow:
                    items = uow.products.page(query, page_request).items
                assert {entry.product.id: entry.available for entry in items} == found
            with fixtures.begin() as uow:
                sold_out = uow.products.page(ProductQuery(available_max=0), page_request).items
            assert {entry.product.id for entry in sold_out} == {chair.id, table.id}
        for product_id, available in expected.items():
            with fixtures.begin() as uow:
                entry = uow.products.get(product_id)
            assert entry is not None
            assert entry.available == available

    def test_a_category_that_is_not_there_has_no_products(self, fixtures: Fixtures, stocked: Stocked) -> None:
        with fixtures.begin() as uow:
            page = uow.products.page(ProductQuery(category_id=fixtures.new_id()), OffsetRequest())
        assert page == Page((), count=0)

    @pytest.mark.parametrize("sort", ProductSort)
    def test_a_walk_sees_everything_that_stays_exactly_once_while_others_add_edit_and_archive(
        self, fixtures: Fixtures, stocked: Stocked, sort: ProductSort
    ) -> None:
        """What is edited meanwhile may be met twice or not at all: it stood in two places."""
        words = search_words("heart") if sort is ProductSort.RELEVANCE else None  # every description has it
        query, random = ProductQuery(words=words, sort=sort), Random(sort)
        stays = set(stocked.products)
        steps = iter(range(7))  # before, after and between the pages; and what was just listed, and what was not yet

        def others_are_at_work() -> None:
            if next(steps, None) is None:
                return
            name = random.choice(["AAA", "lamp", "zzz", "真", "AAA heart", "zzz heart"])
            price = random.choice([0, 100, 250, 10_000])
            fixtures.product(name, price=price, description="of the heart")
            leaver, edited = random.sample(sorted(stays, key=str), 2)
            stays.difference_update({leaver, edited})
            fixtures.archive(stocked.products[leaver][0])
            changed = replace(stocked.products[edited][0], name=name, price=fixtures.money(price))
            with fixtures.begin() as uow:
                uow.products.update_all([changed])

        seen = [entry.product.id for entry in _walk(fixtures, query, 3, others_are_at_work)]
        assert len(stays) >= 5
        listed = Counter(seen)
        assert {product_id: listed[product_id] for product_id in stays} == dict.fromkeys(stays, 1)


def _walk(
    fixtures: Fixtures, query: ProductQuery, limit: int, between: Callable[[], object] = lambda: None
) -> list[CatalogEntry]:
    return fixtures.walk(lambda uow, page_request: uow.products.page(query, page_request), limit, between)
