"""Categories in PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

import psycopg
from sqlalchemy import text

from shop_adapters.postgres.arrays import Texts
from shop_adapters.postgres.catalog_version import CatalogVersion
from shop_adapters.postgres.database import FOREIGN_KEY, UNIQUE, RefusalOf, Row, Transaction
from shop_core.catalog.model import Category, CategoryEntry
from shop_core.errors import CategoryInUse, CategoryNotFound, Refusal, SlugTaken
from shop_core.pagination import OffsetRequest, Page
from shop_core.text import is_storable

# Archived products are in no category.
_GET = text("""
SELECT id, name, slug, parent_id,
       (SELECT count(*) FROM products WHERE products.category_id = categories.id) AS product_count
FROM categories
WHERE id = :category_id
""")
_ALL = text("""
SELECT id, name, slug, parent_id,
       (SELECT count(*) FROM products WHERE products.category_id = categories.id) AS product_count
FROM categories
ORDER BY slug
LIMIT :limit OFFSET :offset
""")
_COUNT = text("""
SELECT count(*) FROM categories
""")
_BY_SLUG = text("""
SELECT id, name, slug, parent_id FROM categories WHERE slug = ANY (CAST(:slugs AS text[]))
""")
_LOCK_ALL = text("""
SELECT id FROM categories ORDER BY id FOR NO KEY UPDATE
""")
# After the rows, as for families: it also keeps others from adding one. Readers and foreign keys do not wait for it.
_LOCK_TABLE = text("""
LOCK TABLE categories IN SHARE ROW EXCLUSIVE MODE
""")
_READ_ALL = text("""
SELECT id, name, slug, parent_id FROM categories
""")
_ADD = text("""
INSERT INTO categories (id, name, slug, parent_id) VALUES (:id, :name, :slug, :parent_id)
""")
_UPDATE = text("""
UPDATE categories SET name = :name, slug = :slug, parent_id = :parent_id WHERE id = :id
""")
# The one lock that foreign keys wait for: a product that is just put into the category comes before, and is counted.
_LOCK_TO_REMOVE = text("""
SELECT id FROM categories WHERE id = :category_id FOR UPDATE
""")
_COUNT_USES = text("""
SELECT (SELECT count(*) FROM products WHERE category_id = :category_id) AS products,
       (SELECT count(*) FROM categories WHERE parent_id = :category_id) AS children
""")
_REMOVE = text("""
DELETE FROM categories WHERE id = :category_id
""")


class PostgresCategories:
    """See `shop_core.ports.Categories`."""

    def __init__(self, transaction: Transaction, version: CatalogVersion) -> None:
        self._version = version
        self._transaction = transaction

    def add(self, category: Category) -> None:
        self._version.change(has_categories=True)
        self._transaction.run(_ADD, _columns(category), _refusal_of(category))

    def get(self, category_id: UUID) -> CategoryEntry | None:
        row = self._transaction.one(_GET, {"category_id": category_id})
        return _entry(row) if row else None

    def by_slug(self, slugs: Iterable[str]) -> dict[str, Category]:
        rows = self._transaction.run(_BY_SLUG, {"slugs": Texts([slug for slug in slugs if is_storable(slug)])})
        return {row.slug: Category(*row) for row in rows}

    def page(self, page_request: OffsetRequest) -> Page[CategoryEntry]:
        rows = self._transaction.run(_ALL, {"limit": page_request.limit, "offset": page_request.offset})
        return Page(tuple(map(_entry, rows)), self._transaction.value(_COUNT))

    def all(self) -> Sequence[CategoryEntry]:
        return [_entry(row) for row in self._transaction.run(_ALL, {"limit": None, "offset": 0})]

    def lock_all(self) -> dict[UUID, Category]:
        self._transaction.lock_order.enter("categories", [row.id for row in self._transaction.run(_LOCK_ALL)])
        self._transaction.run(_LOCK_TABLE)
        # Read again: what was added while this waited is part of the tree by now, and no cycle must go through it.
        return {row.id: Category(*row) for row in self._transaction.run(_READ_ALL)}

    def update(self, category: Category) -> None:
        self._version.change(has_categories=True)
        self._transaction.lock_order.enter("categories", [category.id])  # an UPDATE locks its row
        self._transaction.run(_UPDATE, _columns(category), _refusal_of(category))

    def remove(self, category_id: UUID) -> None:
        self._version.change(has_categories=True)
        self._transaction.lock_order.enter("categories", [category_id])
        category = {"category_id": category_id}
        if self._transaction.one(_LOCK_TO_REMOVE, category) is None:
            raise CategoryNotFound(category_id)
        (uses,) = self._transaction.run(_COUNT_USES, category)
        if uses.products or uses.children:
            raise CategoryInUse(category_id, uses.products, uses.children)
        self._transaction.run(_REMOVE, category)


def _refusal_of(category: Category) -> RefusalOf:
    def refusal(state: str, _: psycopg.errors.Diagnostic) -> Refusal | None:
        if state == FOREIGN_KEY and category.parent_id:
            return CategoryNotFound(category.parent_id)
        return SlugTaken(category.slug) if state == UNIQUE else None

    return refusal


def _columns(category: Category) -> dict[str, object]:
    return {"id": category.id, "name": category.name, "slug": category.slug, "parent_id": category.parent_id}


def _entry(row: Row) -> CategoryEntry:
    *category, product_count = row
    return CategoryEntry(Category(*category), product_count)
