"""Products in PostgreSQL."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import psycopg
from sqlalchemy import text

from shop_adapters.postgres.arrays import Texts, Uuids
from shop_adapters.postgres.database import FOREIGN_KEY, UNIQUE, RefusalOf, failing_id
from shop_adapters.postgres.product_lists import ProductLists, entry_of, product_of
from shop_adapters.postgres.search import product_columns
from shop_core.catalog.images import keys_of
from shop_core.catalog.model import CatalogEntry, Product
from shop_core.errors import CategoryNotFound, FamilyNotFound, OptionsTaken, Refusal, SkuTaken
from shop_core.text import is_storable

_ADD = text("""
INSERT INTO products (id, sku, name, name_key, sort_key, description, price_minor, category_id, image_urls, search,
                      version, created_at, updated_at, archived_at, tax_class, family_id, options, images,
                      image_keys)
VALUES (:id, :sku, :name, :name_key, :sort_key, :description, :price, :category_id, CAST(:image_urls AS text[]),
        CAST(:search AS tsvector), :version, :created_at, :updated_at, :archived_at, :tax_class, :family_id,
        CAST(:options AS jsonb), CAST(:images AS jsonb), CAST(:image_keys AS text[]))
""")
_ADD_LEVELS = text("""
INSERT INTO stock_levels (product_id, on_hand, allocated, reserved, shortfall)
SELECT new.id, 0, 0, 0, 0 FROM unnest(CAST(:ids AS uuid[])) AS new (id)
""")
_UPDATE = text("""
UPDATE products
SET sku = :sku, name = :name, name_key = :name_key, sort_key = :sort_key, description = :description,
    price_minor = :price, category_id = :category_id, image_urls = CAST(:image_urls AS text[]),
    search = CAST(:search AS tsvector), version = :version,
    created_at = :created_at, updated_at = :updated_at, archived_at = :archived_at,
    tax_class = :tax_class, family_id = :family_id, options = CAST(:options AS jsonb),
    images = CAST(:images AS jsonb), image_keys = CAST(:image_keys AS text[])
WHERE id = :id
""")
_REMOVE = text("""
DELETE FROM products WHERE id = :product_id
""")
_GET = text("""
SELECT id, sku, name, price_minor, created_at, updated_at, description, category_id, image_urls, archived_at, version,
       tax_class, family_id, options, images,
       (SELECT greatest(0, on_hand - allocated - reserved)
        FROM stock_levels WHERE stock_levels.product_id = products.id) AS available,
       (SELECT families.name FROM families WHERE families.id = products.family_id) AS family_name
FROM products
WHERE id = :product_id AND archived_at IS NULL
""")
_GET_ALL = text("""
SELECT id, sku, name, price_minor, created_at, updated_at, description, category_id, image_urls, archived_at, version,
       tax_class, family_id, options, images
FROM products
WHERE id = ANY (CAST(:ids AS uuid[]))
""")
_IN_FAMILIES = text("""
SELECT id, sku, name, price_minor, created_at, updated_at, description, category_id, image_urls, archived_at, version,
       tax_class, family_id, options, images
FROM products
WHERE family_id = ANY (CAST(:ids AS uuid[])) AND archived_at IS NULL
""")
_LOCK = text("""
SELECT id, sku, name, price_minor, created_at, updated_at, description, category_id, image_urls, archived_at, version,
       tax_class, family_id, options, images
FROM products
WHERE id = :product_id
FOR NO KEY UPDATE
""")
_LOCK_BY_SKU = text("""
SELECT id, sku, name, price_minor, created_at, updated_at, description, category_id, image_urls, archived_at, version,
       tax_class, family_id, options, images
FROM products
WHERE sku = ANY (CAST(:skus AS text[]))
ORDER BY id
FOR NO KEY UPDATE
""")
_SKUS_OF_OTHERS = text("""
SELECT sku
FROM products
WHERE sku = ANY (CAST(:skus AS text[])) AND NOT id = ANY (CAST(:ids AS uuid[]))
""")


_OF_FAMILY, _BY_OPTIONS = "products_family_id_fkey", "products_of_family_idx"


class PostgresProducts(ProductLists):
    """See `shop_core.ports.Products`."""

    def add_all(self, products: Sequence[Product]) -> None:
        if not products:
            return
        self._version.change(product.id for product in products)
        # By SKU: two imports that wait for each other's SKUs, in different orders, would wait for ever.
        rows = [_columns(product) for product in sorted(products, key=lambda product: product.sku)]
        self._transaction.run_each(_ADD, rows, _refusal_of(products))
        self._transaction.run(_ADD_LEVELS, {"ids": Uuids([product.id for product in products])})

    def update_all(self, products: Sequence[Product]) -> None:
        if not products:
            return
        self._version.change(product.id for product in products)
        self._transaction.lock_order.enter("products", [product.id for product in products])  # an UPDATE locks its row
        self._check_skus(products)
        self._transaction.run_each(_UPDATE, [_columns(product) for product in products], _refusal_of(products))

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
        self._version.change([product_id])
        self._transaction.lock_order.enter("products", [product_id])
        self._transaction.run(_REMOVE, {"product_id": product_id})  # its stock level goes with it

    def get(self, product_id: UUID) -> CatalogEntry | None:
        row = self._transaction.one(_GET, {"product_id": product_id})
        return entry_of(row, self._currency) if row else None

    def get_all(self, product_ids: Iterable[UUID]) -> dict[UUID, Product]:
        rows = self._transaction.run(_GET_ALL, {"ids": Uuids(product_ids)})
        return {row.id: product_of(row, self._currency) for row in rows}

    def in_families(self, family_ids: Iterable[UUID]) -> Sequence[Product]:
        rows = self._transaction.run(_IN_FAMILIES, {"ids": Uuids(family_ids)})
        return [product_of(row, self._currency) for row in rows]

    def lock_by_sku(self, skus: Iterable[str]) -> dict[str, Product]:
        rows = self._transaction.run(_LOCK_BY_SKU, {"skus": Texts([sku for sku in skus if is_storable(sku)])})
        locked = {row.sku: product_of(row, self._currency) for row in rows}
        self._transaction.lock_order.enter("products", [product.id for product in locked.values()])
        return locked

    def lock(self, product_id: UUID) -> Product | None:
        self._transaction.lock_order.enter("products", [product_id])
        row = self._transaction.one(_LOCK, {"product_id": product_id})
        return product_of(row, self._currency) if row else None


def _columns(product: Product) -> dict[str, Any]:
    return {
        "id": product.id,
        "sku": product.sku,
        "name": product.name,
        "description": product.description,
        "price": product.price.minor,
        "category_id": product.category_id,
        "image_urls": list(product.image_urls),
        "version": product.version,
        "created_at": product.created_at,
        "updated_at": product.updated_at,
        "archived_at": product.archived_at,
        "tax_class": product.tax_class,
        "family_id": product.family_id,
        "options": json.dumps(product.options) if product.options else None,
        "images": json.dumps([(str(image.id), image.alt, image.sizes) for image in product.images])
        if product.images
        else None,
        "image_keys": keys_of(product.images) or None,
        **product_columns(product.sku, product.name, product.description),
    }


def _refusal_of(written: Sequence[Product]) -> RefusalOf:
    def refusal(state: str, diagnostic: psycopg.errors.Diagnostic) -> Refusal | None:
        name = diagnostic.constraint_name
        if state == FOREIGN_KEY and (missing_id := failing_id(diagnostic)):
            return FamilyNotFound(missing_id) if name == _OF_FAMILY else CategoryNotFound(missing_id)
        if state == UNIQUE and name == _BY_OPTIONS and (family_id := failing_id(diagnostic)):
            return OptionsTaken(family_id)
        if state == UNIQUE:
            detail = diagnostic.message_detail or ""
            return SkuTaken(next((p.sku for p in written if f"=({p.sku})" in detail), written[0].sku))
        return None

    return refusal
