"""The part of the machine that changes the catalog: edits, moves, removals."""

from __future__ import annotations

from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from shop_core.accounts.model import SYSTEM
from shop_core.catalog.model import (
    UNCHANGED,
    CatalogEntry,
    CategoryChanges,
    CategoryEntry,
    ProductChanges,
    ProductDetails,
)
from shop_core.errors import (
    CategoryCycle,
    CategoryInUse,
    CategoryNotFound,
    Invalid,
    ProductNotFound,
    Refusal,
    SkuTaken,
    SlugTaken,
    Stale,
)
from shop_core.money import Money
from shop_core.pagination import OffsetRequest, Page
from shop_testing.catalog_rules import UNKNOWN, names, nasty_skus, picked, picks, prices, skus, slugs
from shop_testing.driver import Driver, is_one_of

versions_known = st.none() | st.sets(st.integers(1, 3), max_size=2)
same = st.just(UNCHANGED)


class CatalogChangeRules(Driver):
    """Products and categories that change and go; a part of `ShopMachine`."""

    @rule(
        pick=picks,
        sku=same | skus | nasty_skus,
        name=same | names,
        price=same | prices,
        category=same | st.none() | picks,
        versions=versions_known,
    )
    def edit_product(
        self, pick: int, sku: object, name: object, price: object, category: object, versions: set[int] | None
    ) -> None:
        product_id = picked(pick, list(self.expected.products))
        category_id = self._shelf(category) if isinstance(category, int) else category
        money = Money(price, self.currency) if isinstance(price, int) else UNCHANGED
        changes = ProductChanges(sku, name, money, category_id=category_id)  # type: ignore[arg-type]
        entry = self.ask(lambda shop: shop.catalog.edit_product(SYSTEM, product_id, changes, versions))
        self._check_edit(entry, product_id, versions)

    @rule(pick=picks, sku=skus, name=names, price=prices, category=st.none() | picks, versions=versions_known)
    def replace_product(
        self, pick: int, sku: str, name: str, price: int, category: int | None, versions: set[int] | None
    ) -> None:
        product_id = picked(pick, list(self.expected.products))
        category_id = None if category is None else self._shelf(category)
        details = ProductDetails(sku, name, Money(price, self.currency), category_id=category_id)
        entry = self.ask(lambda shop: shop.catalog.replace_product(SYSTEM, product_id, details, versions))
        self._check_edit(entry, product_id, versions)

    def _check_edit(self, entry: object, product_id: UUID, versions: set[int] | None) -> None:
        if not isinstance(entry, CatalogEntry):
            self._check_refusal(entry, product_id, versions, [SkuTaken, CategoryNotFound, Invalid])
            return
        product, expected = entry.product, self.expected.products[product_id]
        assert not expected.archived
        assert versions is None or expected.version in versions
        assert product.sku not in {other.sku for key, other in self.expected.products.items() if key != product_id}
        assert product.version in {expected.version, expected.version + 1}
        assert entry.available == expected.available
        expected.sku, expected.price, expected.category = product.sku, product.price.minor, product.category_id
        expected.version = product.version

    @rule(pick=picks, versions=versions_known)
    def remove_product(self, pick: int, versions: set[int] | None) -> None:
        product_id = picked(pick, list(self.expected.products))
        answer = self.ask(lambda shop: shop.catalog.remove_product(SYSTEM, product_id, versions))
        if isinstance(answer, Refusal):
            self._check_refusal(answer, product_id, versions, [])
            return
        self.expected.removed(product_id)

    @rule(pick=picks, name=same | names, slug=same | slugs, parent=same | st.none() | picks)
    def edit_category(self, pick: int, name: object, slug: object, parent: object) -> None:
        category_id = self._shelf(pick)
        parent_id = self._shelf(parent) if isinstance(parent, int) else parent
        changes = CategoryChanges(name, slug, parent_id)  # type: ignore[arg-type]
        entry = self.ask(lambda shop: shop.catalog.edit_category(SYSTEM, category_id, changes))
        is_known = UNKNOWN not in {parent_id, category_id}
        is_cycle = isinstance(parent_id, UUID) and is_known and self.expected.is_below(parent_id, category_id)
        if isinstance(entry, CategoryEntry):
            assert not is_cycle
            slugs = {key: slug for slug, key in self.expected.categories.items()}
            slugs[category_id] = entry.category.slug
            self.expected.categories = {slug: key for key, slug in slugs.items()}
            self.expected.parents[category_id] = entry.category.parent_id
            assert entry.product_count == self.expected.in_category(category_id)[0]
            return
        assert is_one_of(entry, [Invalid, SlugTaken, CategoryNotFound])
        assert not isinstance(entry, CategoryCycle) or is_cycle
        assert not isinstance(entry, SlugTaken) or slug in self.expected.categories
        assert not isinstance(entry, CategoryNotFound) or not is_known

    @rule(pick=picks)
    def remove_category(self, pick: int) -> None:
        category_id = self._shelf(pick)
        answer = self.ask(lambda shop: shop.catalog.remove_category(SYSTEM, category_id))
        if isinstance(answer, CategoryInUse):
            assert (answer.products, answer.children) == self.expected.in_category(category_id)
        elif isinstance(answer, Refusal):
            assert isinstance(answer, CategoryNotFound)
            assert category_id == UNKNOWN
        else:
            assert self.expected.in_category(category_id) == (0, 0)
            known = self.expected.categories
            self.expected.categories = {slug: key for slug, key in known.items() if key != category_id}
            del self.expected.parents[category_id]

    @invariant()
    def the_tree_shows_every_category_once(self) -> None:
        page = self.ask(lambda shop: shop.catalog.category_tree(OffsetRequest(200)))
        assert isinstance(page, Page)
        ahead, shown = list(page.items), {}
        while ahead:
            node = ahead.pop()
            shown[node.entry.category.id] = node.entry.category.parent_id
            assert node.entry.product_count == self.expected.in_category(node.entry.category.id)[0]
            ahead += node.children
        assert shown == self.expected.parents

    def _shelf(self, pick: int) -> UUID:
        return picked(pick, list(self.expected.categories.values()))

    def _check_refusal(
        self, answer: object, product_id: UUID, versions: set[int] | None, others: list[type[Refusal]]
    ) -> None:
        assert is_one_of(answer, [ProductNotFound, Stale, *others])
        expected = self.expected.products.get(product_id)
        is_there = expected is not None and not expected.archived
        assert isinstance(answer, ProductNotFound) is not is_there
        if expected is not None and is_there:
            assert isinstance(answer, Stale) is (versions is not None and expected.version not in versions)
