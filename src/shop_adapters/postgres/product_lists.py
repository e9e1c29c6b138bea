"""How the lists of the catalog are read, and what products are sold as.

To count a list, or to skip its first hundred thousand products, is to read all of them. But neither depends on stock,
and the catalog changes seldom. So it has a version, which every change of it raises as the last thing before its commit
(`catalog_version`); a count, or the product at which a page begins, is right as long as the version is the same. So is
the text of a page, without its units (`current_catalog`).
"""

from __future__ import annotations

import sys
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable, Sequence
from functools import cache
from threading import Lock
from typing import Any, Generic, NamedTuple, TypeVar
from uuid import UUID

from sqlalchemy import Select, text

from shop_adapters import listing
from shop_adapters.postgres import product_statements as statements
from shop_adapters.postgres.arrays import Uuids
from shop_adapters.postgres.catalog_version import READ_VERSION, READ_WITH_STAMP, CatalogVersion, StampedVersion
from shop_adapters.postgres.database import Row, Transaction
from shop_adapters.postgres.product_statements import QueryShape, Start
from shop_adapters.postgres.search import exact_query, word_query
from shop_core.catalog.images import Images, ImageSize, ProductImage
from shop_core.catalog.model import CatalogEntry, Offer, Product
from shop_core.catalog.search import ProductQuery, ProductSort, Relevance
from shop_core.money import Money
from shop_core.pagination import CursorRequest, OffsetRequest, Page, PageRequest, SortKey
from shop_core.text import is_storable

T = TypeVar("T")
V = TypeVar("V")

CACHED_BYTES_MAX = 2 * 1024 * 1024
"""Of counts, and of keys: values, and the queries that they answer."""
_ENTRY_BYTES = 1_000  # what an entry takes at most beside the words of its query and the texts of its key
_UNKNOWN = (None, 0)

_FILTERS = (
    "words",
    "category_id",
    "family_id",
    "price_min",
    "price_max",
    "available_min",
    "available_max",
    "ids",
    "sku",
)
_NOT_CACHED = statements.STOCK_FILTERS | {"ids"}


class _OfOneVersion(Generic[V]):
    """Values of the version that was asked for last, the newest of them.

    The version is compared for equality alone, and another one, also a lower one, empties the cache: after a restore
    from a backup the version falls, and rises again to numbers that then stand for another catalog.
    """

    def __init__(self) -> None:
        self._lock, self._bytes = Lock(), 0
        self._version: int | None = None
        self._values: OrderedDict[Hashable, tuple[V, int]] = OrderedDict()

    def get(self, version: int | None, query: ProductQuery, offset: int = 0) -> V | None:
        """The value, if it is known for that version."""
        if version is None:
            return None
        with self._lock:
            self._turn_to(version)
            return self._values.get((query, offset), _UNKNOWN)[0]

    def put(self, version: int | None, query: ProductQuery, value: V, offset: int = 0) -> None:
        """Remember a value that was found after that version was read."""
        if version is None:
            return
        texts = (*(query.words or ()), *(value if isinstance(value, tuple) else ()))
        size = sum(map(sys.getsizeof, texts), _ENTRY_BYTES)
        with self._lock:
            self._turn_to(version)
            self._bytes += size - self._values.get((query, offset), _UNKNOWN)[1]
            self._values[query, offset] = value, size
            while self._bytes > CACHED_BYTES_MAX:
                self._bytes -= self._values.popitem(last=False)[1][1]

    def _turn_to(self, version: int) -> None:
        if version != self._version:
            self._values.clear()
            self._version, self._bytes = version, 0


def shape_of(query: ProductQuery) -> QueryShape:
    """The shape of `query`."""
    given = frozenset([name for name in _FILTERS if getattr(query, name) is not None])
    return QueryShape(given | {"low_stock"} if query.low_stock else given, bool(query.words), query.sorted_by)


def values_of(query: ProductQuery, category_ids: Sequence[UUID]) -> dict[str, Any]:
    """The values for a list of the shape of `query`; `category_ids` are its category and those below it."""
    values: dict[str, Any] = {name: getattr(query, name) for name in _FILTERS}
    if query.words:
        values |= {"sku_words": exact_query(query.words, "B"), "name_words": exact_query(query.words, "C")}
        values |= {"words": word_query(query.words), "title_words": word_query(query.words, weight="A")}
    if query.sku is not None and not is_storable(query.sku):
        values["sku"] = ""  # which no product has
    return values | {"category_ids": Uuids(category_ids), "ids": Uuids(query.ids or ())}


def key_values(key: SortKey) -> dict[str, Any]:
    """The values for `Start.BY_KEY`; the id, always last in a key, travels as text."""
    *values, last_id = key
    return {**{f"after_{place}": value for place, value in enumerate(values)}, "after_id": UUID(str(last_id))}


_CATEGORY_AND_THOSE_BELOW = text("""
WITH RECURSIVE tree (id) AS (
    SELECT CAST(:category_id AS uuid)
    UNION
    SELECT categories.id FROM categories JOIN tree ON categories.parent_id = tree.id
)
SELECT id FROM tree
""")

# With the version, and so of one moment with it: what is sold may be kept for as long as the version stays.
_OFFERS = text("""
SELECT current.version, stamped.stamp, product.id, product.sku, product.name, product.price_minor, product.options,
       product.tax_class, CASE WHEN product.category_id IS NOT NULL THEN ARRAY(
           WITH RECURSIVE path (id, parent_id, step) AS (
               SELECT id, parent_id, 1 FROM categories WHERE id = product.category_id
               UNION ALL
               SELECT parent.id, parent.parent_id, step + 1
               FROM categories AS parent
               JOIN path ON parent.id = path.parent_id
           ) CYCLE id SET is_cycle USING seen
           SELECT id FROM path WHERE NOT is_cycle ORDER BY step
       ) END AS category_ids
FROM catalog_version AS current
LEFT JOIN catalog_stamps AS stamped ON stamped.version = current.version
LEFT JOIN products AS product ON product.id = ANY (CAST(:ids AS uuid[])) AND product.archived_at IS NULL
WHERE current.id = 1
""")
OFFERS_MAX = 5_000
"""So many are kept: some 4 MB in each process."""


class CatalogCaches:
    """What a process keeps of one version of the catalog. Its threads share it.

    Attributes:
        counts, starts: of its lists, how many there are, and the keys at which their pages begin.
        offers: a version, and what products are sold as in it, by the number of their id; replaced as one.
    """

    def __init__(self) -> None:
        self.counts: _OfOneVersion[int] = _OfOneVersion()
        self.starts: _OfOneVersion[SortKey] = _OfOneVersion()
        self.offers: tuple[StampedVersion | None, dict[int, Offer]] = (None, {})


class _List(NamedTuple):
    """A list that is read.

    Args:
        values: of the statement; see `values_of`.
        version: of the catalog, under which what is found may be cached; None: it may not.
    """

    query: ProductQuery
    shape: QueryShape
    values: dict[str, Any]
    version: int | None


class ProductLists:
    """The part of `shop_core.ports.Products` that shows what is sold: pages of the catalog, and offers."""

    def __init__(self, transaction: Transaction, currency: str, version: CatalogVersion, caches: CatalogCaches) -> None:
        self._transaction, self._currency = transaction, currency
        self._version, self._caches = version, caches

    def offers(self, product_ids: Iterable[UUID]) -> dict[UUID, Offer]:
        ids = list(product_ids)
        version, known = (None, {}) if self._version.is_changed else self._caches.offers
        unknown = [id_ for id_ in ids if id_.int not in known]
        current, found = self._read_offers(unknown) if unknown else (self._transaction.run(READ_WITH_STAMP)[0], {})
        if current != version:
            if known:
                current, found = self._read_offers(ids)
            known = {}
        known.update(found)
        if not self._version.is_changed:  # what only this unit of work sees yet is not for others
            self._version.seen = current
            self._caches.offers = (current, known) if len(known) <= OFFERS_MAX else (None, {})
        return {id_: known[id_.int] for id_ in ids if id_.int in known}

    def _read_offers(self, product_ids: Iterable[UUID]) -> tuple[StampedVersion, dict[int, Offer]]:
        rows, currency = self._transaction.run(_OFFERS, {"ids": Uuids(product_ids)}), self._currency
        return rows[0][:2], {
            id_.int: Offer(
                id_, sku, name, Money(minor, currency), tuple(map(tuple, options or ())), tax_class, tuple(path or ())
            )
            for _, _, id_, sku, name, minor, options, tax_class, path in rows
            if id_
        }

    def page(self, query: ProductQuery, page_request: PageRequest) -> Page[CatalogEntry]:
        shape = shape_of(query)
        is_cacheable = not _NOT_CACHED & shape.filters and isinstance(page_request, OffsetRequest)
        # Before anything that is cached under it; a unit of work that changed the catalog sees what nobody else does.
        version = self._transaction.value(READ_VERSION) if is_cacheable and not self._version.is_changed else None
        values = values_of(query, self._with_those_below(query.category_id) if query.category_id else ())
        listed = _List(query, shape, values, version)
        if isinstance(page_request, CursorRequest):
            return self._walk(listed, page_request)
        entries = self._entries(listed, page_request)
        counted = self._caches.counts.get(version, query)
        return Page(entries, counted) if counted is not None else self._counted(entries, listed)

    def _counted(self, entries: tuple[CatalogEntry, ...], listed: _List) -> Page[CatalogEntry]:
        """The page, with the number of all items."""
        query, shape, values, version = listed
        if statements.STOCK_FILTERS & shape.filters:
            return Page(entries, *self._transaction.count_or_estimate(statements.to_count(shape), values))
        counted: int = self._transaction.value(statements.count(shape), values)
        self._caches.counts.put(version, query, counted)
        return Page(entries, counted)

    def _entries(self, listed: _List, page_request: OffsetRequest) -> tuple[CatalogEntry, ...]:
        """A numbered page. Where it ends is remembered, so that the next one need not skip what comes before."""
        query, shape, values, version = listed
        limit, offset, has_tiers = page_request.limit, page_request.offset, shape.sort is ProductSort.RELEVANCE
        if offset and not has_tiers:
            entries = self._deep_entries(listed, page_request)
        else:
            entries = self._found(statements.page(shape, Start.BY_OFFSET), values | {"limit": limit, "offset": offset})
        if len(entries) == limit and not has_tiers:
            self._caches.starts.put(version, query, listing.products(query).key(entries[-1]), offset + limit)
        return tuple(entries)

    def _deep_entries(self, listed: _List, page_request: OffsetRequest) -> list[CatalogEntry]:
        """A page that is not the first: from where it is known to start, or else by skipping what comes before."""
        query, shape, values, version = listed
        limit, offset, starts = page_request.limit, page_request.offset, self._caches.starts
        if (key := starts.get(version, query, offset)) is not None:
            return self._found(statements.page(shape, Start.BY_KEY), {**values, **key_values(key), "limit": limit})
        # With the product before the page: its key is cached, so that the next request can seek instead of skip.
        window = {"limit": limit + 1, "offset": offset - 1}
        found = self._found(statements.page(shape, Start.BY_DEEP_OFFSET), values | window)
        if found:
            starts.put(version, query, listing.products(query).key(found[0]), offset)
        return found[1:]

    def _walk(self, listed: _List, page_request: CursorRequest) -> Page[CatalogEntry]:
        """A page by key. By relevance it is read tier after tier, so that each is read off an index: see `listing`."""
        query, shape, values, _ = listed
        order = listing.products(query)
        tiers: list[Relevance | None] = [None]
        key = None if page_request.cursor is None else order.read(page_request.cursor)
        if shape.sort is ProductSort.RELEVANCE:
            tiers = [*statements.TIERS]
            if key is not None:
                tier_no = int(key[0])  # anybody can make a cursor: a tier before the first is the start
                tiers = [tier for tier in statements.TIERS if tier >= tier_no]
                key = key[1:] if tier_no >= statements.TIERS[0] else None
        entries: list[CatalogEntry] = []
        for tier in tiers:
            if (missing := page_request.limit + 1 - len(entries)) > 0:
                start, after = (Start.BY_OFFSET, {"offset": 0}) if key is None else (Start.BY_KEY, key_values(key))
                entries += self._found(statements.page(shape, start, tier), {**values, **after, "limit": missing})
                key = None
        return order.page(entries, page_request.limit)

    def _with_those_below(self, category_id: UUID) -> list[UUID]:
        """The category and those below it. Looked up first: the planner must know how many products it is about."""
        return [id_ for (id_,) in self._transaction.run(_CATEGORY_AND_THOSE_BELOW, {"category_id": category_id})]

    def _found(self, statement: Select[Any], values: dict[str, Any]) -> list[CatalogEntry]:
        return [entry_of(row, self._currency) for row in self._transaction.run(statement, values)]


def entry_of(row: Row, currency: str) -> CatalogEntry:
    """The product in a row with the columns of `ENTRY`."""
    return CatalogEntry(product_of(row, currency), row.available, row.family_name or "")


def product_of(row: Row, currency: str) -> Product:
    """The product in a row with the columns of `PRODUCT`."""
    price, urls = Money(row.price_minor, currency), tuple(row.image_urls)
    options = tuple(map(tuple, row.options or ()))
    images = images_of(row.images) if row.images else ()
    return as_stored(Product, *row[:3], price, *row[4:8], urls, *row[9:13], options, images)


def images_of(document: list[Any]) -> Images:
    """The pictures of a product, as they were stored."""
    return tuple(
        as_stored(ProductImage, UUID(id_), tuple(ImageSize(*size) for size in sizes), alt)
        for id_, alt, sizes in document
    )


def as_stored(kind: Callable[..., T], *values: object) -> T:
    """A frozen dataclass with slots as it was stored, of all its `values`, without the checks of its constructor: they
    take longer than reading it, and if a rule has become stricter since, older values must still be readable.
    """
    made: T = object.__new__(kind)  # type: ignore[arg-type]  # a class
    for put, value in zip(_slots(kind), values, strict=True):
        put(made, value)
    return made


@cache
def _slots(kind: type) -> tuple[Callable[[Any, object], None], ...]:
    return tuple(kind.__dict__[name].__set__ for name in kind.__dict__["__slots__"])
