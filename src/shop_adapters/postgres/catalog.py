"""Products in PostgreSQL."""

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
    case,
    cast,
    delete,
    false,
    func,
    insert,
    literal,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import TSQUERY, TSVECTOR

from shop_adapters import listing
from shop_adapters.locking import LockOrder
from shop_adapters.postgres.errors import FOREIGN_KEY, UNIQUE, failing_id, refusing
from shop_adapters.postgres.landmarks import CatalogVersion, Landmarks
from shop_adapters.postgres.packed import PackedArray
from shop_adapters.postgres.schema import categories, products, stock_levels
from shop_adapters.postgres.statements import AnyRow, about_how_many
from shop_core.catalog.model import CatalogEntry, Offer, Product, ProductQuery, ProductSort, name_key
from shop_core.errors import CategoryNotFound, Refusal, SkuTaken
from shop_core.money import Money
from shop_core.pagination import Key, Keyset, Numbered, Page, Piece
from shop_core.text import is_storable, search_words

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
_UNITS = func.greatest(0, stock_levels.c.on_hand - stock_levels.c.allocated - stock_levels.c.reserved)
# Looked up for each product that is shown, never joined: a merge join would read all stock up to a deep page first.
_AVAILABLE = select(_UNITS).where(stock_levels.c.product_id == products.c.id).scalar_subquery()
_IN_CATALOG = products.c.archived_at.is_(None)
_WITH_STOCK = products.join(stock_levels, stock_levels.c.product_id == products.c.id)
_ENTRY = _PRODUCT.add_columns(_AVAILABLE.label("available")).where(_IN_CATALOG)
_OFFERS = select(products.c.id, products.c.sku, products.c.name, products.c.price_minor).where(
    products.c.id == any_(bindparam("ids", type_=PackedArray(Uuid))), products.c.archived_at.is_(None)
)
_BY_IDS = _PRODUCT.where(products.c.id == any_(bindparam("ids", type_=PackedArray(Uuid))))
_LOCK_BY_SKU = (
    _PRODUCT.where(products.c.sku == any_(bindparam("skus", type_=PackedArray(Text))))
    .order_by(products.c.id)
    .with_for_update(key_share=True)
)
_SEARCH = cast(bindparam("search", type_=Text), TSVECTOR)
_SORTED_BY: dict[ProductSort, tuple[ColumnElement[Any], ...]] = {
    ProductSort.NEWEST: (products.c.id,),
    ProductSort.NAME: (products.c.name_key, products.c.id),
    ProductSort.PRICE: (products.c.price_minor, products.c.id),
    ProductSort.PRICE_DESCENDING: (products.c.price_minor, products.c.id),
    ProductSort.RELEVANCE: (products.c.name_key, products.c.id),  # behind the tier
}
"""The columns behind the key of each list in `shop_adapters.listing`."""

_TREE = select(bindparam("category_id", type_=Uuid).label("id")).cte("tree", recursive=True)
_BELOW = select(categories.c.id).where(categories.c.parent_id == _TREE.c.id)
_WITH_THOSE_BELOW = select(_TREE.union(_BELOW).c.id)
_SKUS_OF_OTHERS = select(products.c.sku).where(
    products.c.sku == any_(bindparam("skus", type_=PackedArray(Text))),
    ~(products.c.id == any_(bindparam("ids", type_=PackedArray(Uuid)))),
)


class PostgresProducts:
    """See `shop_core.ports.Products`."""

    def __init__(
        self, connection: Connection, order: LockOrder, currency: str, version: CatalogVersion, landmarks: Landmarks
    ) -> None:
        self._version = version
        self._landmarks = landmarks
        self._connection = connection
        self._order = order
        self._currency = currency

    def add_all(self, new: Sequence[Product]) -> None:
        if not new:
            return
        self._version.change()
        with refusing(_broken_product(new)):
            # By SKU: two imports that wait for each other's SKUs, in different orders, would wait for ever.
            rows = [_columns(product) for product in sorted(new, key=lambda product: product.sku)]
            self._connection.execute(insert(products).values(search=_SEARCH), rows)
        levels = [{"product_id": p.id, "on_hand": 0, "allocated": 0, "reserved": 0, "shortfall": 0} for p in new]
        self._connection.execute(insert(stock_levels), levels)

    def update_all(self, changed: Sequence[Product]) -> None:
        if not changed:
            return
        self._version.change()
        self._order.check("products", [product.id for product in changed])  # an UPDATE locks its row
        self._check_skus(changed)
        this = products.c.id == bindparam("this_id", type_=Uuid)
        rows = [{**_columns(product), "this_id": product.id} for product in changed]
        with refusing(_broken_product(changed)):
            self._connection.execute(update(products).where(this).values(search=_SEARCH), rows)

    def _check_skus(self, changed: Sequence[Product]) -> None:
        """Refuse what is taken before the unique index does: it would wait for an edit that is about to give the SKU
        up, and two that want each other's would wait for ever."""
        wanted = {"skus": [product.sku for product in changed], "ids": [product.id for product in changed]}
        if taken := set(self._connection.execute(_SKUS_OF_OTHERS, wanted).scalars()):
            raise SkuTaken(next(product.sku for product in changed if product.sku in taken))

    def remove(self, product_id: UUID) -> None:
        self._version.change()
        self._order.check("products", [product_id])
        self._connection.execute(delete(products).where(products.c.id == product_id))  # its stock level goes with it

    def get(self, product_id: UUID) -> CatalogEntry | None:
        row = self._connection.execute(_ENTRY.where(products.c.id == product_id)).one_or_none()
        return self._entry(row) if row else None

    def get_all(self, product_ids: Iterable[UUID]) -> dict[UUID, Product]:
        rows = self._connection.execute(_BY_IDS, {"ids": list(product_ids)})
        return {row.id: self._product(row) for row in rows}

    def offers(self, product_ids: Iterable[UUID]) -> dict[UUID, Offer]:
        currency = self._currency
        rows = self._connection.execute(_OFFERS, {"ids": list(product_ids)})
        return {id_: Offer(id_, sku, name, Money(minor, currency)) for id_, sku, name, minor in rows}

    def lock_by_sku(self, skus: Iterable[str]) -> dict[str, Product]:
        rows = self._connection.execute(_LOCK_BY_SKU, {"skus": list(filter(is_storable, skus))})
        locked = {row.sku: self._product(row) for row in rows}
        self._order.check("products", [product.id for product in locked.values()])
        return locked

    def lock(self, product_id: UUID) -> Product | None:
        self._order.check("products", [product_id])
        found = _PRODUCT.where(products.c.id == product_id).with_for_update(key_share=True)
        row = self._connection.execute(found).one_or_none()
        return self._product(row) if row else None

    def page(self, query: ProductQuery, piece: Piece) -> Page[CatalogEntry]:
        by_units = query.available_min is not None or query.available_max is not None
        version = None if by_units or isinstance(piece, Keyset) else self._version.read()
        filters = self._filters(query)
        found = _ENTRY.where(*filters, *_units(query, _AVAILABLE))
        if isinstance(piece, Keyset):
            return self._walk(found, query, piece)
        entries = self._entries(found, query, piece, version)
        if (count := self._landmarks.counts.get(version, query)) is not None:
            return Page(entries, count)
        counted = _counting(query).where(*filters, *_units(query, _UNITS))
        if by_units:
            return Page(entries, *about_how_many(self._connection, counted))
        count = self._connection.execute(select(func.count()).select_from(counted.subquery())).scalar_one()
        self._landmarks.counts.put(version, query, count)
        return Page(entries, count)

    def _entries(
        self, found: Select[Any], query: ProductQuery, piece: Numbered, version: int | None
    ) -> tuple[CatalogEntry, ...]:
        """A numbered page; from where it is known to start, or else by skipping what comes before."""
        listed, starts, columns = listing.products(query), self._landmarks.starts, _SORTED_BY[query.sorted_by]
        by_tiers = query.sorted_by is ProductSort.RELEVANCE
        ordered = found.order_by(*_order(query))
        if not piece.offset or by_tiers:
            rows = self._connection.execute(ordered.limit(piece.limit).offset(piece.offset))
            entries = [self._entry(row) for row in rows]
        elif (start := starts.get(version, query, piece.offset)) is not None:
            rows = self._connection.execute(
                ordered.where(_beyond(columns, start, listed.descending)).limit(piece.limit)
            )
            entries = [self._entry(row) for row in rows]
        else:  # with the one before, so that the way need not be gone again; ids first, which an index has
            ids = ordered.with_only_columns(products.c.id).limit(piece.limit + 1).offset(piece.offset - 1)
            rows = self._connection.execute(_ENTRY.where(products.c.id.in_(ids)).order_by(*_order(query)))
            found_entries = [self._entry(row) for row in rows]
            entries = found_entries[1:]
            if found_entries:
                starts.put(version, query, listed.key(found_entries[0]), piece.offset)
        if len(entries) == piece.limit and not by_tiers:
            starts.put(version, query, listed.key(entries[-1]), piece.offset + piece.limit)
        return tuple(entries)

    def _walk(self, found: Select[Any], query: ProductQuery, piece: Keyset) -> Page[CatalogEntry]:
        """A page by key. By relevance it is read tier after tier, so that each is read off an index: see `listing`."""
        sort, columns = listing.products(query), _SORTED_BY[query.sorted_by]
        tiers = [found]
        key = None if piece.cursor is None else sort.read(piece.cursor)
        if query.sorted_by is ProductSort.RELEVANCE:
            is_meant = _found_by(query.words, "A") if query.words else false()
            tiers = [found.where(is_meant), found.where(~is_meant)]
            if key is not None:
                tier_no = int(key[0])  # anybody can make a cursor: a tier before the first is the start
                tiers, key = tiers[max(0, tier_no) :], key[1:] if tier_no >= 0 else None
        rows: list[AnyRow] = []
        for number, tier in enumerate(tiers):
            if number == 0 and key is not None:
                tier = tier.where(_beyond(columns, key, sort.descending))
            if (missing := piece.limit + 1 - len(rows)) > 0:
                ordered = tier.order_by(*_order_of(columns, sort.descending))
                rows += self._connection.execute(ordered.limit(missing))
        return sort.page([self._entry(row) for row in rows], piece.limit)

    def _filters(self, query: ProductQuery) -> list[ColumnElement[bool]]:
        filters: list[ColumnElement[bool]] = []
        if query.words is not None:
            filters.append(_found_by(query.words) if query.words else false())
        if query.category_id is not None:
            filters.append(products.c.category_id == any_(literal(self._shelves(query.category_id), ARRAY(Uuid))))
        if query.price_min is not None:
            filters.append(products.c.price_minor >= query.price_min)
        if query.price_max is not None:
            filters.append(products.c.price_minor <= query.price_max)
        return filters

    def _shelves(self, category_id: UUID) -> list[UUID]:
        """The category and those below it. Looked up first: the planner must know how many products it is about."""
        return list(self._connection.execute(_WITH_THOSE_BELOW, {"category_id": category_id}).scalars())

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


def _units(query: ProductQuery, available: ColumnElement[int]) -> list[ColumnElement[bool]]:
    """The filters of `query` by units."""
    filters: list[ColumnElement[bool]] = []
    if query.available_min is not None:
        filters.append(available >= query.available_min)
    if query.available_max is not None:
        filters.append(available <= query.available_max)
    return filters


def _counting(query: ProductQuery) -> Select[Any]:
    """A row for each product, to be counted. All have a stock level, so only a filter by units needs to see it."""
    by_units = query.available_min is not None or query.available_max is not None
    return select(literal(1)).select_from(_WITH_STOCK if by_units else products).where(_IN_CATALOG)


def _order(query: ProductQuery) -> list[ColumnElement[Any]]:
    """By what the whole list is sorted."""
    order = _order_of(_SORTED_BY[query.sorted_by], listing.products(query).descending)
    if query.sorted_by is ProductSort.RELEVANCE and query.words:
        return [case((_found_by(query.words, "A"), 0), else_=1), *order]
    return order


def _order_of(columns: Sequence[ColumnElement[Any]], descending: bool) -> list[ColumnElement[Any]]:
    return [column.desc() if descending else column for column in columns]


def _found_by(words: Sequence[str], weight: str = "") -> ColumnElement[bool]:
    """Whether every word is there, the last one at least as the beginning of one.

    Args:
        weight: `A` to look in name and SKU only.
    """
    *whole, prefix = words
    query = " & ".join([*(f"'{word}':{weight}" if weight else f"'{word}'" for word in whole), f"'{prefix}':*{weight}"])
    return products.c.search.op("@@", is_comparison=True)(cast(query, TSQUERY))


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
