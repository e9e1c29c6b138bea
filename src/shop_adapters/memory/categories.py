"""Categories, in memory.

Where PostgreSQL locks the row that a foreign key refers to, this looks again when it commits: nobody else can commit
then, so what refers to a category and what removes it never both get through.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import partial
from uuid import UUID

from shop_adapters.memory.transaction import Transaction
from shop_core.catalog.model import Category, CategoryEntry, Product
from shop_core.errors import CategoryInUse, CategoryNotFound, SlugTaken
from shop_core.pagination import OffsetRequest, Page

_ADDING = "adding"
"""Locked by whoever adds one, and with all rows by whoever locks the tree."""


class MemoryCategories:
    """`shop_core.ports.Categories`."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def add(self, category: Category) -> None:
        """Store a new category. Raises SlugTaken; CategoryNotFound when its parent is not there."""
        transaction = self._transaction
        with transaction.statement():
            transaction.claim(transaction.categories.name, (_ADDING,))
            self._take_slug(category)
            transaction.insert(transaction.categories, {category.id: category})
            transaction.change_catalog(has_categories=True)
            self._refer_to_parent(category.id)

    def get(self, category_id: UUID) -> CategoryEntry | None:
        """The category as the catalog shows it."""
        with self._transaction.statement():
            category = self._transaction.categories.get(category_id)
            products = self._transaction.products.all().values() if category else ()
        return CategoryEntry(category, _counted(products)[category_id]) if category else None

    def by_slug(self, slugs: Iterable[str]) -> dict[str, Category]:
        """Those of `slugs` that exist."""
        requested = list(slugs)
        with self._transaction.statement():
            ids = self._transaction.slugs.get_all(requested)
            categories = self._transaction.categories.get_all(ids.values())
        return {slug: categories[category_id] for slug, category_id in ids.items()}

    def page(self, page_request: OffsetRequest) -> Page[CategoryEntry]:
        """All categories by slug."""
        everything = self.all()
        return Page(
            tuple(everything[page_request.offset : page_request.offset + page_request.limit]), count=len(everything)
        )

    def all(self) -> Sequence[CategoryEntry]:
        """All categories by slug, in one piece."""
        with self._transaction.statement():
            categories = self._transaction.categories.all().values()
            products = self._transaction.products.all().values()
        counts = _counted(products)
        by_slug = sorted(categories, key=lambda category: category.slug)
        return [CategoryEntry(category, counts[category.id]) for category in by_slug]

    def lock_all(self) -> dict[UUID, Category]:
        """The whole tree, read after it was locked until the end of this unit of work. Nobody adds to it meanwhile."""
        transaction, categories = self._transaction, self._transaction.categories
        with transaction.statement():
            ids = transaction.lock_order.enter("categories", categories.all())
            transaction.claim(categories.name, (_ADDING, *ids))
            return categories.all()

    def update(self, category: Category) -> None:
        """Store a category that changed. Raises SlugTaken; CategoryNotFound when its parent is not there."""
        transaction = self._transaction
        transaction.lock_order.enter("categories", [category.id])
        with transaction.statement():
            transaction.claim(transaction.categories.name, (category.id,))
            stored = transaction.categories.get(category.id)
            if stored is None:
                return
            if stored.slug != category.slug:
                transaction.claim(transaction.slugs.name, {stored.slug, category.slug})
                self._take_slug(category)
                transaction.slugs.remove(stored.slug)
            transaction.categories.put(category.id, category)
            transaction.change_catalog(has_categories=True)
            self._refer_to_parent(category.id)

    def remove(self, category_id: UUID) -> None:
        """Forget a category. Raises CategoryInUse, also if somebody puts something in meanwhile; CategoryNotFound."""
        transaction = self._transaction
        transaction.lock_order.enter("categories", [category_id])
        with transaction.statement():
            transaction.claim(transaction.categories.name, (category_id,))
            category = transaction.categories.get(category_id)
            if category is None:
                raise CategoryNotFound(category_id)
            self._check_unused(category_id)
            transaction.claim(transaction.slugs.name, (category.slug,))
            transaction.slugs.remove(category.slug)
            transaction.categories.remove(category_id)
            transaction.change_catalog(has_categories=True)
            transaction.at_commit(partial(self._check_unused, category_id))

    def _take_slug(self, category: Category) -> None:
        slug = category.slug
        self._transaction.take_name(self._transaction.slugs, slug, category.id, partial(SlugTaken, slug))

    def _refer_to_parent(self, category_id: UUID) -> None:
        def check() -> None:
            if category := self._transaction.categories.get(category_id):
                check_category(self._transaction, category.parent_id)

        check()
        self._transaction.at_commit(check)

    def _check_unused(self, category_id: UUID) -> None:
        products = _counted(self._transaction.products.all().values())[category_id]
        children = sum(other.parent_id == category_id for other in self._transaction.categories.all().values())
        if products or children:
            raise CategoryInUse(category_id, products, children)


def check_category(transaction: Transaction, category_id: UUID | None) -> None:
    """Let only a category pass that is there, or none at all. Raises CategoryNotFound."""
    if category_id is not None and transaction.categories.get(category_id) is None:
        raise CategoryNotFound(category_id)


def _counted(products: Iterable[Product]) -> Counter[UUID | None]:
    """How many products of the catalog are directly in each category."""
    return Counter(product.category_id for product in products if product.archived_at is None)
