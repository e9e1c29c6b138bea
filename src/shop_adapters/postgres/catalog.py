"""Products in PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import psycopg
from sqlalchemy import Select, text

from shop_adapters import listing
from shop_adapters.lock_order import LockOrder
from shop_adapters.postgres import product_lists
from shop_adapters.postgres.arrays import Texts, Uuids
from shop_adapters.postgres.catalog_version import CatalogVersion, PageIndexCache
from shop_adapters.postgres.database import FOREIGN_KEY, UNIQUE, Refuse, Row, Transaction, failing_id, refusing
from shop_adapters.postgres.product_lists import QueryShape, Start, key_values, values_of
from shop_adapters.postgres.stored_values import as_stored
from shop_core.catalog.model import CatalogEntry, Offer, Product, ProductQuery, ProductSort, name_key
from shop_core.errors import CategoryNotFound, Refusal, SkuTaken
from shop_core.money import Money
from shop_core.pagination import CursorRequest, OffsetRequest, Page, PageRequest
from shop_core.text import is_storable, search_words

_ADD = text("""
INSERT INTO products (id, sku, name, name_key, description, price_minor, category_id, image_urls, search, version,
                      created_at, updated_at, archived_at)
VALUES (:id, :sku, :name, :name_key, :description, :price, :category_id, CAST(:image_urls AS text[]),
        CAST(:search AS tsvector), :version, :created_at, :updated_at, :archived_at)
""")
_ADD_LEVELS = text("""
INSERT INTO stock_levels (product_id, on_hand, allocated, reserved, shortfall)
SELECT new.id, 0, 0, 0, 0 FROM unnest(CAST(:ids AS uuid[])) AS new (id)
""")
_UPDATE = text("""
UPDATE products
SET sku = :sku, name = :name, name_key = :name_key, description = :description, price_minor = :price,
    category_id = :category_id, image_urls = CAST(:image_urls AS text[]), search = CAST(:search AS tsvector),
    version = :version, created_at = :created_at, updated_at = :updated_at, archived_at = :archived_at
WHERE id = :id
""")
_REMOVE = text("""
DELETE FROM products WHERE id = :product_id
""")
_GET = text("""
SELECT id, sku, name, price_minor, created_at, updated_at, description, category_id, image_urls, archived_at, version,
       (SELECT greatest(0, on_hand - allocated - reserved)
        FROM stock_levels WHERE stock_levels.product_id = products.id) AS available
FROM products
WHERE id = :product_id AND archived_at IS NULL
""")
_GET_ALL = text("""
SELECT id, sku, name, price_minor, created_at, updated_at, description, category_id, image_urls, archived_at, version
FROM products
WHERE id = ANY (CAST(:ids AS uuid[]))
""")
_LOCK = text("""
SELECT id, sku, name, price_minor, created_at, updated_at, description, category_id, image_urls, archived_at, version
FROM products
WHERE id = :product_id
FOR NO KEY UPDATE
""")
_LOCK_BY_SKU = text("""
SELECT id, sku, name, price_minor, created_at, updated_at, description, category_id, image_urls, archived_at, version
FROM products
WHERE sku = ANY (CAST(:skus AS text[]))
ORDER BY id
FOR NO KEY UPDATE
""")
_OFFERS = text("""
SELECT id, sku, name, price_minor
FROM products
WHERE id = ANY (CAST(:ids AS uuid[])) AND archived_at IS NULL
""")
_SKUS_OF_OTHERS = text("""
SELECT sku
FROM products
WHERE sku = ANY (CAST(:skus AS text[])) AND NOT id = ANY (CAST(:ids AS uuid[]))
""")
_CATEGORY_AND_THOSE_BELOW = text("""
WITH RECURSIVE tree (id) AS (
    SELECT CAST(:category_id AS uuid)
    UNION
    SELECT categories.id FROM categories JOIN tree ON categories.parent_id = tree.id
)
SELECT id FROM tree
""")


class PostgresProducts:
    """See `shop_core.ports.Products`."""

    def __init__(
        self,
        transaction: Transaction,
        order: LockOrder,
        currency: str,
        version: CatalogVersion,
        cache: PageIndexCache,
    ) -> None:
        self._version = version
        self._cache = cache
        self._transaction = transaction
        self._lock_order = order
        self._currency = currency

    def add_all(self, new: Sequence[Product]) -> None:
        if not new:
            return
        self._version.change()
        with refusing(_refusal_of(new)):
            # By SKU: two imports that wait for each other's SKUs, in different orders, would wait for ever.
            rows = [_columns(product) for product in sorted(new, key=lambda product: product.sku)]
            self._transaction.run_each(_ADD, rows)
        self._transaction.run(_ADD_LEVELS, {"ids": Uuids([product.id for product in new])})

    def update_all(self, changed: Sequence[Product]) -> None:
        if not changed:
            return
        self._version.change()
        self._lock_order.check("products", [product.id for product in changed])  # an UPDATE locks its row
        self._check_skus(changed)
        with refusing(_refusal_of(changed)):
            self._transaction.run_each(_UPDATE, [_columns(product) for product in changed])

    def _check_skus(self, changed: Sequence[Product]) -> None:
        """Refuse SKUs that are taken before the unique index does. The index would wait for an edit that is about to
        give the SKU up, and two edits that want each other's SKU would wait for ever."""
        requested = {
            "skus": Texts([product.sku for product in changed]),
            "ids": Uuids([product.id for product in changed]),
        }
        if taken := {row.sku for row in self._transaction.run(_SKUS_OF_OTHERS, requested)}:
            raise SkuTaken(next(product.sku for product in changed if product.sku in taken))

    def remove(self, product_id: UUID) -> None:
        self._version.change()
        self._lock_order.check("products", [product_id])
        self._transaction.run(_REMOVE, {"product_id": product_id})  # its stock level goes with it

    def get(self, product_id: UUID) -> CatalogEntry | None:
        row = self._transaction.one(_GET, {"product_id": product_id})
        return self._entry(row) if row else None

    def get_all(self, product_ids: Iterable[UUID]) -> dict[UUID, Product]:
        rows = self._transaction.run(_GET_ALL, {"ids": Uuids(product_ids)})
        return {row.id: self._product(row) for row in rows}

    def offers(self, product_ids: Iterable[UUID]) -> dict[UUID, Offer]:
        currency = self._currency
        rows = self._transaction.run(_OFFERS, {"ids": Uuids(product_ids)})
        return {id_: Offer(id_, sku, name, Money(minor, currency)) for id_, sku, name, minor in rows}

    def lock_by_sku(self, skus: Iterable[str]) -> dict[str, Product]:
        rows = self._transaction.run(_LOCK_BY_SKU, {"skus": Texts([sku for sku in skus if is_storable(sku)])})
        locked = {row.sku: self._product(row) for row in rows}
        self._lock_order.check("products", [product.id for product in locked.values()])
        return locked

    def lock(self, product_id: UUID) -> Product | None:
        self._lock_order.check("products", [product_id])
        row = self._transaction.one(_LOCK, {"product_id": product_id})
        return self._product(row) if row else None

    def page(self, query: ProductQuery, page_request: PageRequest) -> Page[CatalogEntry]:
        shape = QueryShape.of(query)
        version = None if shape.is_by_stock or isinstance(page_request, CursorRequest) else self._version.read()
        values = values_of(query, self._with_those_below(query.category_id) if query.category_id else ())
        if isinstance(page_request, CursorRequest):
            return self._walk(query, shape, values, page_request)
        entries = self._entries(query, shape, values, page_request, version)
        if (known := self._cache.counts.get(version, query)) is not None:
            return Page(entries, known)
        if shape.is_by_stock:
            return Page(entries, *self._transaction.count_or_estimate(product_lists.to_count(shape), values))
        counted: int = self._transaction.value(product_lists.count(shape), values)
        self._cache.counts.put(version, query, counted)
        return Page(entries, counted)

    def _entries(
        self,
        query: ProductQuery,
        shape: QueryShape,
        values: dict[str, Any],
        page_request: OffsetRequest,
        version: int | None,
    ) -> tuple[CatalogEntry, ...]:
        """A numbered page; from where it is known to start, or else by skipping what comes before."""
        listed, starts = listing.products(query), self._cache.starts
        by_tiers = shape.sort is ProductSort.RELEVANCE
        window = {"limit": page_request.limit, "offset": page_request.offset}
        if not page_request.offset or by_tiers:
            entries = self._found(product_lists.page(shape, Start.HERE), values | window)
        elif (key := starts.get(version, query, page_request.offset)) is not None:
            entries = self._found(product_lists.page(shape, Start.AFTER), values | window | key_values(key))
        else:  # with the row before the page: its key is cached, so that the next request can seek instead of skip
            window = {"limit": page_request.limit + 1, "offset": page_request.offset - 1}
            with_one_before = self._found(product_lists.page(shape, Start.SKIPPING), values | window)
            entries = with_one_before[1:]
            if with_one_before:
                starts.put(version, query, listed.key(with_one_before[0]), page_request.offset)
        if len(entries) == page_request.limit and not by_tiers:
            starts.put(version, query, listed.key(entries[-1]), page_request.offset + page_request.limit)
        return tuple(entries)

    def _walk(
        self, query: ProductQuery, shape: QueryShape, values: dict[str, Any], page_request: CursorRequest
    ) -> Page[CatalogEntry]:
        """A page by key. By relevance it is read tier after tier, so that each is read off an index: see `listing`."""
        listed = listing.products(query)
        tiers: list[int | None] = [None]
        key = None if page_request.cursor is None else listed.read(page_request.cursor)
        if shape.sort is ProductSort.RELEVANCE:
            tiers = [0, 1]
            if key is not None:
                tier_no = int(key[0])  # anybody can make a cursor: a tier before the first is the start
                tiers, key = tiers[max(0, tier_no) :], key[1:] if tier_no >= 0 else None
        entries: list[CatalogEntry] = []
        for tier in tiers:
            if (missing := page_request.limit + 1 - len(entries)) > 0:
                start, after = (Start.HERE, {"offset": 0}) if key is None else (Start.AFTER, key_values(key))
                entries += self._found(product_lists.page(shape, start, tier), {**values, **after, "limit": missing})
                key = None
        return listed.page(entries, page_request.limit)

    def _found(self, statement: Select[Any], values: dict[str, Any]) -> list[CatalogEntry]:
        return [self._entry(row) for row in self._transaction.run(statement, values)]

    def _with_those_below(self, category_id: UUID) -> list[UUID]:
        """The category and those below it. Looked up first: the planner must know how many products it is about."""
        return [id_ for (id_,) in self._transaction.run(_CATEGORY_AND_THOSE_BELOW, {"category_id": category_id})]

    def _entry(self, row: Row) -> CatalogEntry:
        return CatalogEntry(self._product(row), row.available)

    def _product(self, row: Row) -> Product:
        return as_stored(
            Product,
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
        "name_key": name_key(product),
        "description": product.description,
        "price": product.price.minor,
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


def _refusal_of(written: Sequence[Product]) -> Refuse:
    def refusal(state: str, diagnostic: psycopg.errors.Diagnostic) -> Refusal | None:
        if state == FOREIGN_KEY and (category_id := failing_id(diagnostic)):
            return CategoryNotFound(category_id)
        if state == UNIQUE:
            detail = diagnostic.message_detail or ""
            return SkuTaken(next((p.sku for p in written if f"=({p.sku})" in detail), written[0].sku))
        return None

    return refusal
