"""The part of the machine that keeps and reads the catalog."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import initialize, rule

from shop_core.accounts.model import SYSTEM
from shop_core.catalog.model import CatalogEntry, CategoryEntry, ProductDetails, ProductQuery, ProductSort
from shop_core.catalog.service import ImportResult
from shop_core.errors import CategoryNotFound, Invalid, ProductNotFound, Refusal, SkuTaken, SlugTaken
from shop_core.inventory.model import StockLevel
from shop_core.money import Money
from shop_core.pagination import CursorRequest, OffsetRequest, Page
from shop_core.shop import Shop
from shop_core.text import search_words
from shop_testing.driver import Driver, is_one_of
from shop_testing.expectations import ExpectedProduct

UNKNOWN = UUID("01940000-0000-7000-8000-000000000000")

NOBODY_KNOWS = 9
picks = st.integers(0, NOBODY_KNOWS)
"""Which of those there are, counted from the newest and round and round; the last one stands for an unknown id."""

skus = st.sampled_from(["LAMP", "lamp", "CHAIR", "table", "a b", "50%", "真鍮", "x" * 64])
nasty_skus = st.sampled_from(["", " ", "x" * 65, "\x00", "\ud800", "a\u202eb"])
names = (
    st.sampled_from(["Lamp", "lamp", "LÁMPARA", "Straße sign", "STRASSE", "Ⅳ candles", "under_score", "真鍮 ランプ"])
    | st.text(max_size=6)
    | st.lists(st.sampled_from("red green lamp LAMPS holder t-light".split()), max_size=4).map(" ".join)
)
prices = st.sampled_from([0, 1, 999, 100_000_000_000]) | st.integers(-1, 5_000)
slugs = st.sampled_from(["home", "lamps", "oil-lamps", "Home", "--", "", "\x00"])
searches = st.sampled_from(["", "lamp", "LAM", "red lamp", "strasse", "50%", "_", "iv", "真", "under_s"]) | st.text(
    max_size=5
)


class CatalogRules(Driver):
    """Products and categories; a part of `ShopMachine`."""

    # ---- keeping

    @rule(slug=slugs, name=names, parent=st.none() | picks)
    def create_category(self, slug: str, name: str, parent: int | None) -> None:
        parent_id = None if parent is None else self.category(parent)
        entry = self.ask(lambda shop: shop.catalog.create_category(SYSTEM, name, slug, parent_id))
        if isinstance(entry, CategoryEntry):
            assert slug not in self.expected.categories
            self.expected.categories[slug] = entry.category.id
            self.expected.parents[entry.category.id] = parent_id
        else:
            assert is_one_of(entry, [Invalid, SlugTaken, CategoryNotFound])
            assert not isinstance(entry, SlugTaken) or slug in self.expected.categories
            assert not isinstance(entry, CategoryNotFound) or parent_id == UNKNOWN

    @rule(wanted=st.dictionaries(slugs, names, max_size=3))
    def ensure_categories(self, wanted: dict[str, str]) -> None:
        found = self.ask(lambda shop: shop.catalog.ensure_categories(SYSTEM, wanted))
        if isinstance(found, Refusal):
            assert isinstance(found, Invalid)
            return
        for slug, category in found.items():
            assert self.expected.categories.setdefault(slug, category.id) == category.id
            self.expected.parents.setdefault(category.id, None)

    @rule(sku=skus | nasty_skus, name=names, price=prices, category=st.none() | picks)
    def create_product(self, sku: str, name: str, price: int, category: int | None) -> None:
        self._create(sku, name, price, category)

    @initialize(stock=st.lists(st.integers(1, 30), min_size=2, max_size=4))
    def open_with_something_to_sell(self, stock: list[int]) -> None:
        for number, units in enumerate(stock):
            product_id = self._create(f"FIRST-{number}", f"First lamp {number}", 100 + number, None)
            assert product_id is not None
            self.ask(lambda shop, product_id=product_id, units=units: _receive(shop, product_id, units))  # type: ignore[misc]
            self.expected.products[product_id].on_hand += units
            self.expected.products[product_id].moved = True

    @rule(rows=st.lists(st.tuples(skus | nasty_skus, names, prices, st.none() | picks), max_size=4))
    def import_products(self, rows: list[tuple[str, str, int, int | None]]) -> None:
        details = [self._details(*row) for row in rows]
        imported = self.ask(lambda shop: shop.catalog.import_products(SYSTEM, details))
        if not isinstance(imported, ImportResult):
            assert is_one_of(imported, [Invalid, CategoryNotFound])
            return
        assert {product.sku for product in imported.all} == {row.sku for row in details}
        for product in imported.created:
            assert product.sku not in self.expected.skus()
            self.expected.products[product.id] = ExpectedProduct(product.sku, product.price.minor, product.category_id)
        for product in imported.updated:
            expected = self.expected.products[product.id]
            expected.price, expected.category = product.price.minor, product.category_id
            expected.version += 1
            assert product.version == expected.version
            assert not (expected.archived and product.category_id)

    # ---- reading

    @rule(pick=picks)
    def read_a_product(self, pick: int) -> None:
        product_id = self.product(pick)
        entry = self.ask(lambda shop: shop.catalog.product(product_id))
        product = self.expected.products.get(product_id)
        if isinstance(entry, CatalogEntry):
            assert product is not None
            assert (entry.available, entry.product.price.minor) == (product.available, product.price)
            assert not product.archived
        else:
            assert isinstance(entry, ProductNotFound)
            assert product is None or product.archived

    @rule(offset=st.integers(0, 2), limit=st.integers(1, 3))
    def read_categories(self, offset: int, limit: int) -> None:
        page = self.ask(lambda shop: shop.catalog.categories(OffsetRequest(limit, offset)))
        assert isinstance(page, Page)
        assert [entry.category.slug for entry in page.items] == sorted(self.expected.categories)[
            offset : offset + limit
        ]
        assert page.count == len(self.expected.categories)

    @rule(
        text=st.none() | searches,
        sort=st.sampled_from(ProductSort),
        shelf=st.none() | picks,
        price=st.tuples(st.none() | prices, st.none() | prices),
        units=st.tuples(st.none() | st.integers(0, 5), st.none() | st.integers(0, 5)),
        limit=st.integers(1, 4),
        offset=st.integers(0, 3),
    )
    def search(
        self,
        text: str | None,
        sort: ProductSort,
        shelf: int | None,
        price: tuple[int | None, int | None],
        units: tuple[int | None, int | None],
        limit: int,
        offset: int,
    ) -> None:
        category_id = None if shelf is None else self.category(shelf)
        query = ProductQuery(None if text is None else search_words(text), category_id, *price, *units, sort)
        page = self.ask(lambda shop: shop.catalog.products(query, OffsetRequest(limit, offset)))
        assert isinstance(page, Page)
        everything = self.ask(lambda shop: shop.catalog.products(query, OffsetRequest(200)))
        assert isinstance(everything, Page)
        assert page.items == everything.items[offset : offset + limit]
        walked: list[CatalogEntry] = []
        page_request: CursorRequest | None = CursorRequest(limit)
        while page_request:
            found = self.ask(lambda shop, page_request=page_request: shop.catalog.products(query, page_request))  # type: ignore[misc]
            assert isinstance(found, Page)
            walked += found.items
            page_request = CursorRequest(limit, found.cursor) if found.cursor else None
        assert tuple(walked) == everything.items
        if query == ProductQuery(sort=sort):
            on_sale = {key for key, product in self.expected.products.items() if not product.archived}
            assert {entry.product.id for entry in walked} == on_sale

    # ---- picking

    def product(self, pick: int) -> UUID:
        """One of the products, or an unknown one."""
        return picked(pick, list(self.expected.products))

    def category(self, pick: int) -> UUID:
        """One of the categories, or an unknown one."""
        return picked(pick, list(self.expected.categories.values()))

    def _details(self, sku: str, name: str, price: int, category: int | None) -> ProductDetails:
        category_id = None if category is None else self.category(category)
        return ProductDetails(sku, name, Money(price, self.currency), category_id=category_id)

    def _create(self, sku: str, name: str, price: int, category: int | None) -> UUID | None:
        details = self._details(sku, name, price, category)
        entry = self.ask(lambda shop: shop.catalog.create_product(SYSTEM, details))
        if not isinstance(entry, CatalogEntry):
            assert is_one_of(entry, [Invalid, SkuTaken, CategoryNotFound])
            assert not isinstance(entry, SkuTaken) or details.sku in self.expected.skus()
            assert not isinstance(entry, CategoryNotFound) or details.category_id == UNKNOWN
            return None
        assert details.sku not in self.expected.skus()
        self.expected.products[entry.product.id] = ExpectedProduct(details.sku, price, details.category_id)
        return entry.product.id


def picked(pick: int, oldest_first: Sequence[UUID]) -> UUID:
    """One of those, or an unknown id."""
    if pick == NOBODY_KNOWS or not oldest_first:
        return UNKNOWN
    return oldest_first[-1 - pick % len(oldest_first)]


def _receive(shop: Shop, product_id: UUID, units: int) -> StockLevel:
    return shop.inventory.receive(SYSTEM, product_id, units)
