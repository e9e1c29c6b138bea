"""Categories in PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from uuid import UUID

import psycopg
from sqlalchemy import delete, func, insert, select, update

from shop_adapters.lock_order import LockOrder
from shop_adapters.postgres.errors import FOREIGN_KEY, UNIQUE, refusing
from shop_adapters.postgres.page_index_cache import CatalogVersion
from shop_adapters.postgres.schema import categories, products
from shop_adapters.postgres.transaction import AnyRow, Transaction
from shop_core.catalog.model import Category, CategoryEntry
from shop_core.errors import CategoryInUse, CategoryNotFound, Refusal, SlugTaken
from shop_core.pagination import OffsetRequest, Page
from shop_core.text import is_storable

_CATEGORY = select(categories.c.id, categories.c.name, categories.c.slug, categories.c.parent_id)
_ENTRY = _CATEGORY.add_columns(
    select(func.count())
    .select_from(products)
    .where(products.c.category_id == categories.c.id)  # archived products are in none
    .scalar_subquery()
    .label("product_count"),
)


class PostgresCategories:
    """See `shop_core.ports.Categories`."""

    def __init__(self, transaction: Transaction, order: LockOrder, version: CatalogVersion) -> None:
        self._version = version
        self._transaction = transaction
        self._order = order

    def add(self, category: Category) -> None:
        self._version.change()
        with refusing(_broken(category)):
            self._transaction.execute(insert(categories), _columns(category))

    def get(self, category_id: UUID) -> CategoryEntry | None:
        row = self._transaction.execute(_ENTRY.where(categories.c.id == category_id)).one_or_none()
        return _entry(row) if row else None

    def by_slug(self, slugs: Iterable[str]) -> dict[str, Category]:
        rows = self._transaction.execute(_CATEGORY.where(categories.c.slug.in_(list(filter(is_storable, slugs)))))
        return {row.slug: _category(row) for row in rows}

    def page(self, page_request: OffsetRequest) -> Page[CategoryEntry]:
        rows = self._transaction.execute(
            _ENTRY.order_by(categories.c.slug).limit(page_request.limit).offset(page_request.offset)
        )
        entries = tuple(_entry(row) for row in rows)
        count = self._transaction.execute(select(func.count()).select_from(categories)).scalar_one()
        return Page(entries, count)

    def all(self) -> Sequence[CategoryEntry]:
        return [_entry(row) for row in self._transaction.execute(_ENTRY.order_by(categories.c.slug))]

    def lock_all(self) -> dict[UUID, Category]:
        by_id = select(categories.c.id).order_by(categories.c.id)
        self._order.check("categories", self._transaction.execute(by_id.with_for_update(key_share=True)).scalars())
        # Read anew: what was added while this waited is part of the tree by now, and no cycle must go through it.
        return {row.id: _category(row) for row in self._transaction.execute(_CATEGORY)}

    def update(self, category: Category) -> None:
        self._version.change()
        self._order.check("categories", [category.id])  # an UPDATE locks its row
        with refusing(_broken(category)):
            this = update(categories).where(categories.c.id == category.id)
            self._transaction.execute(this, _columns(category))

    def remove(self, category_id: UUID) -> None:
        self._version.change()
        self._order.check("categories", [category_id])
        this = categories.c.id == category_id
        # The one lock that foreign keys wait for: whoever is putting something in comes before, and is counted.
        if self._transaction.execute(select(categories.c.id).where(this).with_for_update()).one_or_none() is None:
            raise CategoryNotFound(category_id)
        in_it = select(func.count()).where(products.c.category_id == category_id).scalar_subquery()
        below = select(func.count()).where(categories.c.parent_id == category_id).scalar_subquery()
        counted, children = self._transaction.execute(select(in_it, below)).one()
        if counted or children:
            raise CategoryInUse(category_id, counted, children)
        self._transaction.execute(delete(categories).where(this))


def _broken(category: Category) -> Callable[[str, psycopg.errors.Diagnostic], Refusal | None]:
    def refusal(state: str, _: psycopg.errors.Diagnostic) -> Refusal | None:
        if state == FOREIGN_KEY and category.parent_id:
            return CategoryNotFound(category.parent_id)
        return SlugTaken(category.slug) if state == UNIQUE else None

    return refusal


def _columns(category: Category) -> dict[str, object]:
    return {"id": category.id, "name": category.name, "slug": category.slug, "parent_id": category.parent_id}


def _category(row: AnyRow) -> Category:
    return Category(row.id, row.name, row.slug, row.parent_id)


def _entry(row: AnyRow) -> CategoryEntry:
    return CategoryEntry(_category(row), row.product_count)
