"""Products and categories in PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import psycopg
from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Connection,
    Select,
    Text,
    Uuid,
    any_,
    bindparam,
    cast,
    false,
    func,
    insert,
    literal,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import TSQUERY, TSVECTOR

from shop_adapters.listing import PRODUCTS
from shop_adapters.postgres.errors import FOREIGN_KEY, UNIQUE, failing_id, refusing
from shop_adapters.postgres.schema import categories, products, stock_levels
from shop_adapters.postgres.statements import AnyRow
from shop_core.catalog.model import (
    CatalogEntry,
    Category,
    CategoryEntry,
    Product,
    ProductQuery,
    ProductSort,
    search_words,
)
from shop_core.errors import CategoryNotFound, Refusal, SkuTaken, SlugTaken
from shop_core.money import Money
from shop_core.pagination import Key, Keyset, Numbered, Page, Piece
from shop_core.text import is_storable, same_letters

_PRODUCT = select(
    products.c.id,
    products.c.sku,
    products.c.name,
    products.c.price_minor,
    products.c.created_at,
    products.c.updated_at,
    products.c.description,
    products.c.category_id,
    products.c.image_urls,
    products.c.archived_at,
    products.c.version,
)
_AVAILABLE = func.greatest(0, stock_levels.c.on_hand - stock_levels.c.allocated - stock_levels.c.reserved)
_IN_CATALOG = products.c.archived_at.is_(None)
_WITH_STOCK = products.join(stock_levels, stock_levels.c.product_id == products.c.id)
_ENTRY = _PRODUCT.add_columns(_AVAILABLE.label("available")).select_from(_WITH_STOCK).where(_IN_CATALOG)
_BY_IDS = _PRODUCT.where(products.c.id == any_(bindparam("ids", type_=ARRAY(Uuid))))
_LOCK_BY_SKU = (
    _PRODUCT.where(products.c.sku == any_(bindparam("skus", type_=ARRAY(Text))))
    .order_by(products.c.id)
    .with_for_update(key_share=True)
)
_SEARCH = cast(bindparam("search", type_=Text), TSVECTOR)
_SORTED_BY: dict[ProductSort, tuple[ColumnElement[Any], ...]] = {
    ProductSort.NEWEST: (products.c.id,),
    ProductSort.NAME: (products.c.name_key, products.c.id),
    ProductSort.PRICE: (products.c.price_minor, products.c.id),
    ProductSort.PRICE_DESCENDING: (products.c.price_minor, products.c.id),
}
"""The columns behind the key of each list in `shop_adapters.listing`."""


class PostgresProducts:
    """See `shop_core.ports.Products`."""

    def __init__(self, connection: Connection, currency: str) -> None:
        self._connection = connection
        self._currency = currency

    def add_all(self, new: Sequence[Product]) -> None:
        if not new:
            return
        with refusing(_broken_product(new)):
            self._connection.execute(insert(products).values(search=_SEARCH), [_columns(p) for p in new])
        levels = [{"product_id": p.id, "on_hand": 0, "allocated": 0, "reserved": 0, "shortfall": 0} for p in new]
        self._connection.execute(insert(stock_levels), levels)

    def update_all(self, changed: Sequence[Product]) -> None:
        if not changed:
            return
        this = products.c.id == bindparam("this_id", type_=Uuid)
        rows = [{**_columns(product), "this_id": product.id} for product in changed]
        with refusing(_broken_product(changed)):
            self._connection.execute(update(products).where(this).values(search=_SEARCH), rows)

    def get(self, product_id: UUID) -> CatalogEntry | None:
        row = self._connection.execute(_ENTRY.where(products.c.id == product_id)).one_or_none()
        return self._entry(row) if row else None

    def get_all(self, product_ids: Iterable[UUID]) -> dict[UUID, Product]:
        rows = self._connection.execute(_BY_IDS, {"ids": list(product_ids)})
        return {row.id: self._product(row) for row in rows}

    def lock_by_sku(self, skus: Iterable[str]) -> dict[str, Product]:
        rows = self._connection.execute(_LOCK_BY_SKU, {"skus": list(filter(is_storable, skus))})
        return {row.sku: self._product(row) for row in rows}

    def page(self, query: ProductQuery, piece: Piece) -> Page[CatalogEntry]:
        listing, columns = PRODUCTS[query.sort], _SORTED_BY[query.sort]
        matching = _ENTRY.where(*self._filters(query))
        found = matching.order_by(*(column.desc() if listing.descending else column for column in columns))
        if isinstance(piece, Keyset):
            if piece.cursor is not None:
                found = found.where(_beyond(columns, listing.read(piece.cursor), listing.descending))
            rows = self._connection.execute(found.limit(piece.limit + 1))
            return listing.page([self._entry(row) for row in rows], piece.limit)
        rows = self._connection.execute(found.limit(piece.limit).offset(piece.offset))
        entries = tuple(self._entry(row) for row in rows)
        count = self._connection.execute(matching.with_only_columns(func.count())).scalar_one()
        return Page(entries, count)

    def _filters(self, query: ProductQuery) -> list[ColumnElement[bool]]:
        filters: list[ColumnElement[bool]] = []
        if query.words is not None:
            filters.append(_found_by(query.words) if query.words else false())
        if query.category_id is not None:
            filters.append(products.c.category_id.in_(_with_descendants(query.category_id)))
        if query.price_min is not None:
            filters.append(products.c.price_minor >= query.price_min)
        if query.price_max is not None:
            filters.append(products.c.price_minor <= query.price_max)
        if query.available_min is not None:
            filters.append(_AVAILABLE >= query.available_min)
        if query.available_max is not None:
            filters.append(_AVAILABLE <= query.available_max)
        return filters

    def _entry(self, row: AnyRow) -> CatalogEntry:
        return CatalogEntry(self._product(row), row.available)

    def _product(self, row: AnyRow) -> Product:
        return Product(
            row.id,
            row.sku,
            row.name,
            Money(row.price_minor, self._currency),
            row.created_at,
            row.updated_at,
            row.description,
            row.category_id,
            tuple(row.image_urls),
            row.archived_at,
            row.version,
        )


def _columns(product: Product) -> dict[str, Any]:
    return {
        "id": product.id,
        "sku": product.sku,
        "name": product.name,
        "name_key": same_letters(product.name),
        "description": product.description,
        "price_minor": product.price.minor,
        "category_id": product.category_id,
        "image_urls": list(product.image_urls),
        "search": _tsvector(product),
        "version": product.version,
        "created_at": product.created_at,
        "updated_at": product.updated_at,
        "archived_at": product.archived_at,
    }


def _tsvector(product: Product) -> str:
    """The words of a product as PostgreSQL reads a tsvector; words are letters and digits, nothing to escape."""
    titled = set(search_words(f"{product.name} {product.sku}"))
    described = set(search_words(product.description)) - titled
    return " ".join([f"'{word}':1A" for word in sorted(titled)] + [f"'{word}':1D" for word in sorted(described)])


def _found_by(words: Sequence[str]) -> ColumnElement[bool]:
    every_word = " & ".join(f"'{word}'" for word in words) + ":*"  # the last one as a prefix
    return products.c.search.op("@@", is_comparison=True)(cast(every_word, TSQUERY))


def _with_descendants(category_id: UUID) -> Select[Any]:
    tree = select(literal(category_id, Uuid).label("id")).cte("tree", recursive=True)
    below = select(categories.c.id).where(categories.c.parent_id == tree.c.id)
    return select(tree.union(below).c.id)


def _beyond(columns: Sequence[ColumnElement[Any]], key: Key, descending: bool) -> ColumnElement[bool]:
    """What comes after `key` in the sort; the id, always last in a key, travels as text."""
    *values, last_id = key
    after = tuple_(*(literal(value) for value in values), literal(UUID(str(last_id)), Uuid))
    return tuple_(*columns) < after if descending else tuple_(*columns) > after


def _broken_product(written: Sequence[Product]) -> Any:
    def refusal(state: str, diagnostic: psycopg.errors.Diagnostic) -> Refusal | None:
        if state == FOREIGN_KEY and (category_id := failing_id(diagnostic)):
            return CategoryNotFound(category_id)
        if state == UNIQUE:
            detail = diagnostic.message_detail or ""
            return SkuTaken(next((p.sku for p in written if f"=({p.sku})" in detail), written[0].sku))
        return None

    return refusal


class PostgresCategories:
    """See `shop_core.ports.Categories`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, category: Category) -> None:
        def broken(state: str, _: psycopg.errors.Diagnostic) -> Refusal | None:
            if state == FOREIGN_KEY and category.parent_id:
                return CategoryNotFound(category.parent_id)
            return SlugTaken(category.slug) if state == UNIQUE else None

        with refusing(broken):
            self._connection.execute(
                insert(categories),
                {
                    "id": category.id,
                    "name": category.name,
                    "slug": category.slug,
                    "parent_id": category.parent_id,
                },
            )

    def get(self, category_id: UUID) -> CategoryEntry | None:
        row = self._connection.execute(_CATEGORY.where(categories.c.id == category_id)).one_or_none()
        return _category_entry(row) if row else None

    def by_slug(self, slugs: Iterable[str]) -> dict[str, Category]:
        rows = self._connection.execute(_CATEGORY.where(categories.c.slug.in_(list(filter(is_storable, slugs)))))
        return {row.slug: _category_entry(row).category for row in rows}

    def page(self, piece: Numbered) -> Page[CategoryEntry]:
        rows = self._connection.execute(_CATEGORY.order_by(categories.c.slug).limit(piece.limit).offset(piece.offset))
        entries = tuple(_category_entry(row) for row in rows)
        count = self._connection.execute(select(func.count()).select_from(categories)).scalar_one()
        return Page(entries, count)


_CATEGORY = select(
    categories.c.id,
    categories.c.name,
    categories.c.slug,
    categories.c.parent_id,
    select(func.count())
    .select_from(products)
    .where(products.c.category_id == categories.c.id, _IN_CATALOG)
    .scalar_subquery()
    .label("product_count"),
)


def _category_entry(row: AnyRow) -> CategoryEntry:
    return CategoryEntry(Category(row.id, row.name, row.slug, row.parent_id), row.product_count)
