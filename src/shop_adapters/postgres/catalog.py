"""Products in PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

import psycopg
from sqlalchemy import (
    Text,
    Uuid,
    any_,
    bindparam,
    cast,
    delete,
    insert,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import TSVECTOR

from shop_adapters import listing
from shop_adapters.lock_order import LockOrder
from shop_adapters.postgres import product_lists
from shop_adapters.postgres.errors import FOREIGN_KEY, UNIQUE, failing_id, refusing
from shop_adapters.postgres.packed import PackedArray
from shop_adapters.postgres.page_index_cache import CatalogVersion, PageIndexCache
from shop_adapters.postgres.product_lists import ENTRY, PRODUCT, Form, Start, key_values, values_of
from shop_adapters.postgres.schema import categories, products, stock_levels
from shop_adapters.postgres.statements import about_how_many
from shop_adapters.postgres.transaction import AnyRow, PreparedStatement, Transaction
from shop_core.catalog.model import CatalogEntry, Offer, Product, ProductQuery, ProductSort, name_key
from shop_core.errors import CategoryNotFound, Refusal, SkuTaken
from shop_core.money import Money
from shop_core.pagination import CursorRequest, OffsetRequest, Page, PageRequest
from shop_core.stored import as_stored
from shop_core.text import is_storable, search_words

_OFFERS = PreparedStatement(
    select(products.c.id, products.c.sku, products.c.name, products.c.price_minor).where(
        products.c.id == any_(bindparam("ids", type_=PackedArray(Uuid))), products.c.archived_at.is_(None)
    )
)
_BY_ID = PreparedStatement(ENTRY.where(products.c.id == bindparam("product_id")))
_LOCK = PreparedStatement(PRODUCT.where(products.c.id == bindparam("product_id")).with_for_update(key_share=True))
_BY_IDS = PreparedStatement(PRODUCT.where(products.c.id == any_(bindparam("ids", type_=PackedArray(Uuid)))))
_LOCK_BY_SKU = PreparedStatement(
    PRODUCT.where(products.c.sku == any_(bindparam("skus", type_=PackedArray(Text))))
    .order_by(products.c.id)
    .with_for_update(key_share=True)
)
_SEARCH = cast(bindparam("search", type_=Text), TSVECTOR)
_TREE = select(bindparam("category_id", type_=Uuid).label("id")).cte("tree", recursive=True)
_BELOW = select(categories.c.id).where(categories.c.parent_id == _TREE.c.id)
_WITH_THOSE_BELOW = PreparedStatement(select(_TREE.union(_BELOW).c.id))
_SKUS_OF_OTHERS = PreparedStatement(
    select(products.c.sku).where(
        products.c.sku == any_(bindparam("skus", type_=PackedArray(Text))),
        ~(products.c.id == any_(bindparam("ids", type_=PackedArray(Uuid)))),
    )
)


class PostgresProducts:
    """See `shop_core.ports.Products`."""

    def __init__(
        self,
        transaction: Transaction,
        order: LockOrder,
        currency: str,
        version: CatalogVersion,
        landmarks: PageIndexCache,
    ) -> None:
        self._version = version
        self._landmarks = landmarks
        self._transaction = transaction
        self._order = order
        self._currency = currency

    def add_all(self, new: Sequence[Product]) -> None:
        if not new:
            return
        self._version.change()
        with refusing(_broken_product(new)):
            # By SKU: two imports that wait for each other's SKUs, in different orders, would wait for ever.
            rows = [_columns(product) for product in sorted(new, key=lambda product: product.sku)]
            self._transaction.execute(insert(products).values(search=_SEARCH), rows)
        levels = [{"product_id": p.id, "on_hand": 0, "allocated": 0, "reserved": 0, "shortfall": 0} for p in new]
        self._transaction.execute(insert(stock_levels), levels)

    def update_all(self, changed: Sequence[Product]) -> None:
        if not changed:
            return
        self._version.change()
        self._order.check("products", [product.id for product in changed])  # an UPDATE locks its row
        self._check_skus(changed)
        this = products.c.id == bindparam("this_id", type_=Uuid)
        rows = [{**_columns(product), "this_id": product.id} for product in changed]
        with refusing(_broken_product(changed)):
            self._transaction.execute(update(products).where(this).values(search=_SEARCH), rows)

    def _check_skus(self, changed: Sequence[Product]) -> None:
        """Refuse what is taken before the unique index does: it would wait for an edit that is about to give the SKU
        up, and two that want each other's would wait for ever."""
        wanted = {"skus": [product.sku for product in changed], "ids": [product.id for product in changed]}
        if taken := {sku for (sku,) in self._transaction.run(_SKUS_OF_OTHERS, wanted)}:
            raise SkuTaken(next(product.sku for product in changed if product.sku in taken))

    def remove(self, product_id: UUID) -> None:
        self._version.change()
        self._order.check("products", [product_id])
        self._transaction.execute(delete(products).where(products.c.id == product_id))  # its stock level goes with it

    def get(self, product_id: UUID) -> CatalogEntry | None:
        row = self._transaction.one(_BY_ID, {"product_id": product_id})
        return self._entry(row) if row else None

    def get_all(self, product_ids: Iterable[UUID]) -> dict[UUID, Product]:
        rows = self._transaction.run(_BY_IDS, {"ids": list(product_ids)})
        return {row.id: self._product(row) for row in rows}

    def offers(self, product_ids: Iterable[UUID]) -> dict[UUID, Offer]:
        currency = self._currency
        rows = self._transaction.run(_OFFERS, {"ids": list(product_ids)})
        return {id_: Offer(id_, sku, name, Money(minor, currency)) for id_, sku, name, minor in rows}

    def lock_by_sku(self, skus: Iterable[str]) -> dict[str, Product]:
        rows = self._transaction.run(_LOCK_BY_SKU, {"skus": list(filter(is_storable, skus))})
        locked = {row.sku: self._product(row) for row in rows}
        self._order.check("products", [product.id for product in locked.values()])
        return locked

    def lock(self, product_id: UUID) -> Product | None:
        self._order.check("products", [product_id])
        row = self._transaction.one(_LOCK, {"product_id": product_id})
        return self._product(row) if row else None

    def page(self, query: ProductQuery, page_request: PageRequest) -> Page[CatalogEntry]:
        form = Form.of(query)
        version = None if form.by_units or isinstance(page_request, CursorRequest) else self._version.read()
        values = values_of(query, self._shelves(query.category_id) if query.category_id else ())
        if isinstance(page_request, CursorRequest):
            return self._walk(query, form, values, page_request)
        entries = self._entries(query, form, values, page_request, version)
        if (known := self._landmarks.counts.get(version, query)) is not None:
            return Page(entries, known)
        if form.by_units:
            return Page(entries, *about_how_many(self._transaction, product_lists.to_count(form), values))
        counted: int = self._transaction.value(product_lists.count(form), values)
        self._landmarks.counts.put(version, query, counted)
        return Page(entries, counted)

    def _entries(
        self, query: ProductQuery, form: Form, values: dict[str, Any], page_request: OffsetRequest, version: int | None
    ) -> tuple[CatalogEntry, ...]:
        """A numbered page; from where it is known to start, or else by skipping what comes before."""
        listed, starts = listing.products(query), self._landmarks.starts
        by_tiers = form.sort is ProductSort.RELEVANCE
        window = {"limit": page_request.limit, "offset": page_request.offset}
        if not page_request.offset or by_tiers:
            entries = self._found(product_lists.page(form, Start.HERE), values | window)
        elif (key := starts.get(version, query, page_request.offset)) is not None:
            entries = self._found(product_lists.page(form, Start.AFTER), values | window | key_values(key))
        else:  # with the one before, so that the way need not be gone again
            window = {"limit": page_request.limit + 1, "offset": page_request.offset - 1}
            with_one_before = self._found(product_lists.page(form, Start.SKIPPING), values | window)
            entries = with_one_before[1:]
            if with_one_before:
                starts.put(version, query, listed.key(with_one_before[0]), page_request.offset)
        if len(entries) == page_request.limit and not by_tiers:
            starts.put(version, query, listed.key(entries[-1]), page_request.offset + page_request.limit)
        return tuple(entries)

    def _walk(
        self, query: ProductQuery, form: Form, values: dict[str, Any], page_request: CursorRequest
    ) -> Page[CatalogEntry]:
        """A page by key. By relevance it is read tier after tier, so that each is read off an index: see `listing`."""
        listed = listing.products(query)
        tiers: list[int | None] = [None]
        key = None if page_request.cursor is None else listed.read(page_request.cursor)
        if form.sort is ProductSort.RELEVANCE:
            tiers = [0, 1]
            if key is not None:
                tier_no = int(key[0])  # anybody can make a cursor: a tier before the first is the start
                tiers, key = tiers[max(0, tier_no) :], key[1:] if tier_no >= 0 else None
        entries: list[CatalogEntry] = []
        for tier in tiers:
            if (missing := page_request.limit + 1 - len(entries)) > 0:
                start, after = (Start.HERE, {"offset": 0}) if key is None else (Start.AFTER, key_values(key))
                entries += self._found(product_lists.page(form, start, tier), {**values, **after, "limit": missing})
                key = None
        return listed.page(entries, page_request.limit)

    def _found(self, statement: PreparedStatement, values: dict[str, Any]) -> list[CatalogEntry]:
        return [self._entry(row) for row in self._transaction.run(statement, values)]

    def _shelves(self, category_id: UUID) -> list[UUID]:
        """The category and those below it. Looked up first: the planner must know how many products it is about."""
        return [id_ for (id_,) in self._transaction.run(_WITH_THOSE_BELOW, {"category_id": category_id})]

    def _entry(self, row: AnyRow) -> CatalogEntry:
        return CatalogEntry(self._product(row), row.available)

    def _product(self, row: AnyRow) -> Product:
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


def _broken_product(written: Sequence[Product]) -> Any:
    def refusal(state: str, diagnostic: psycopg.errors.Diagnostic) -> Refusal | None:
        if state == FOREIGN_KEY and (category_id := failing_id(diagnostic)):
            return CategoryNotFound(category_id)
        if state == UNIQUE:
            detail = diagnostic.message_detail or ""
            return SkuTaken(next((p.sku for p in written if f"=({p.sku})" in detail), written[0].sku))
        return None

    return refusal
