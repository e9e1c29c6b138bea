"""Categories and products that come, change and go."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from shop_core.accounts.model import SYSTEM
from shop_core.catalog.importing import ImportResult
from shop_core.catalog.model import (
    UNCHANGED,
    CatalogEntry,
    CategoryChanges,
    CategoryEntry,
    ProductChanges,
    ProductDetails,
)
from shop_core.catalog.search import ProductQuery, ProductSort
from shop_core.errors import Refusal
from shop_core.money import Money
from shop_core.pagination import CursorRequest, OffsetRequest, Page
from shop_core.text import search_words
from shop_testing.machine.driver import Driver, page_requests, picked, picks, versions

skus = st.sampled_from(["LAMP", "lamp", "CHAIR", "table", "a b", "50%", "真鍮", "x" * 64])
bad_skus = st.sampled_from(["", " ", "x" * 65, "\x00", "\ud800", "a\u202eb"])
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
same = st.just(UNCHANGED)
limits = st.none() | st.integers(0, 5)


class CatalogRules(Driver):
    """A part of `ShopMachine`."""

    @rule(slug=slugs, name=names, parent=st.none() | picks)
    def create_category(self, slug: str, name: str, parent: int | None) -> None:
        parent_id = None if parent is None else picked(parent, self.categories)
        entry = self.ask(lambda shop: shop.catalog.create_category(SYSTEM, name, slug, parent_id))
        if isinstance(entry, CategoryEntry):
            self.categories.append(entry.category.id)

    @rule(given=st.dictionaries(slugs, names, max_size=3))
    def ensure_categories(self, given: dict[str, str]) -> None:
        found = self.ask(lambda shop: shop.catalog.ensure_categories(SYSTEM, given))
        if not isinstance(found, Refusal):
            ids = (category.id for category in found.values())
            self.categories += [id_ for id_ in ids if id_ not in self.categories]

    @rule(pick=picks, name=same | names, slug=same | slugs, parent=same | st.none() | picks)
    def edit_category(self, pick: int, name: object, slug: object, parent: object) -> None:
        category_id = picked(pick, self.categories)
        parent_id = picked(parent, self.categories) if isinstance(parent, int) else parent
        changes = CategoryChanges(name, slug, parent_id)  # type: ignore[arg-type]
        self.ask(lambda shop: shop.catalog.edit_category(SYSTEM, category_id, changes))

    @rule(pick=picks)
    def remove_category(self, pick: int) -> None:
        category_id = picked(pick, self.categories)
        if not isinstance(self.ask(lambda shop: shop.catalog.remove_category(SYSTEM, category_id)), Refusal):
            self.categories.remove(category_id)

    @rule(sku=skus | bad_skus, name=names, price=prices, category=st.none() | picks)
    def create_product(self, sku: str, name: str, price: int, category: int | None) -> None:
        details = self._details(sku, name, price, category)
        entry = self.ask(lambda shop: shop.catalog.create_product(SYSTEM, details))
        if isinstance(entry, CatalogEntry):
            self.products.append(entry.product.id)

    @rule(rows=st.lists(st.tuples(skus | bad_skus, names, prices, st.none() | picks), max_size=4))
    def import_products(self, rows: list[tuple[str, str, int, int | None]]) -> None:
        details = [self._details(*row) for row in rows]
        imported = self.ask(lambda shop: shop.catalog.import_products(SYSTEM, details))
        if isinstance(imported, ImportResult):
            self.products += [product.id for product in imported.created]

    @rule(
        pick=picks,
        sku=same | skus | bad_skus,
        name=same | names,
        price=same | prices,
        category=same | st.none() | picks,
        versions=versions,
    )
    def edit_product(
        self, pick: int, sku: object, name: object, price: object, category: object, versions: set[int] | None
    ) -> None:
        product_id = picked(pick, self.products)
        category_id = picked(category, self.categories) if isinstance(category, int) else category
        money = Money(price, self.currency) if isinstance(price, int) else UNCHANGED
        changes = ProductChanges(sku, name, money, category_id=category_id)  # type: ignore[arg-type]
        self.ask(lambda shop: shop.catalog.edit_product(SYSTEM, product_id, changes, versions))

    @rule(pick=picks, sku=skus, name=names, price=prices, category=st.none() | picks, versions=versions)
    def replace_product(
        self, pick: int, sku: str, name: str, price: int, category: int | None, versions: set[int] | None
    ) -> None:
        product_id, details = picked(pick, self.products), self._details(sku, name, price, category)
        self.ask(lambda shop: shop.catalog.replace_product(SYSTEM, product_id, details, versions))

    @rule(pick=picks, versions=versions)
    def remove_product(self, pick: int, versions: set[int] | None) -> None:
        product_id = picked(pick, self.products)
        self.ask(lambda shop: shop.catalog.remove_product(SYSTEM, product_id, versions))

    @rule(pick=picks)
    def read_a_product(self, pick: int) -> None:
        product_id = picked(pick, self.products)
        self.ask(lambda shop: shop.catalog.product(product_id))

    @rule(page_request=st.builds(OffsetRequest, st.integers(1, 3), st.integers(0, 2)))
    def list_categories(self, page_request: OffsetRequest) -> None:
        self.ask(lambda shop: shop.catalog.categories(page_request))

    @rule(
        text=st.none() | searches,
        sort=st.sampled_from(ProductSort),
        category=st.none() | picks,
        price=st.tuples(st.none() | prices, st.none() | prices),
        units=st.tuples(limits, limits),
        page_request=page_requests,
    )
    def search(
        self,
        text: str | None,
        sort: ProductSort,
        category: int | None,
        price: tuple[int | None, int | None],
        units: tuple[int | None, int | None],
        page_request: OffsetRequest | CursorRequest,
    ) -> None:
        """The first page, and by cursor all that follow it."""
        category_id = None if category is None else picked(category, self.categories)
        query = ProductQuery(None if text is None else search_words(text), category_id, *price, *units, sort)
        following: OffsetRequest | CursorRequest | None = page_request
        while following:
            page = self.ask(lambda shop, it=following: shop.catalog.products(query, it))  # type: ignore[misc]
            cursor = page.cursor if isinstance(page, Page) else None
            following = CursorRequest(page_request.limit, cursor) if cursor else None

    @invariant()
    def every_category_is_in_the_tree_once(self) -> None:
        page = self.ask(lambda shop: shop.catalog.category_tree(OffsetRequest(200)))
        assert isinstance(page, Page)
        ahead, shown = list(page.items), []
        while ahead:
            node = ahead.pop()
            shown.append(node.entry.category.id)
            ahead += node.children
        assert sorted(shown) == sorted(self.categories)

    def _details(self, sku: str, name: str, price: int, category: int | None) -> ProductDetails:
        category_id = None if category is None else picked(category, self.categories)
        return ProductDetails(sku, name, Money(price, self.currency), category_id=category_id)
