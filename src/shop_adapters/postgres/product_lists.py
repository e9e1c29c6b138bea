"""The lists of the catalog as statements, composed by what a query filters and how it sorts; only values change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Integer,
    Select,
    Text,
    Uuid,
    any_,
    bindparam,
    case,
    cast,
    false,
    func,
    literal,
    select,
    tuple_,
)
from sqlalchemy.dialects.postgresql import TSQUERY

from shop_adapters import listing
from shop_adapters.postgres.arrays import Uuids
from shop_adapters.postgres.schema import products, stock_levels
from shop_core.catalog.model import ProductQuery, ProductSort
from shop_core.pagination import Key

PRODUCT = select(
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
ENTRY = PRODUCT.add_columns(_AVAILABLE.label("available")).where(_IN_CATALOG)
_SORT_COLUMNS: dict[ProductSort, tuple[ColumnElement[Any], ...]] = {
    ProductSort.NEWEST: (products.c.id,),
    ProductSort.NAME: (products.c.name_key, products.c.id),
    ProductSort.PRICE: (products.c.price_minor, products.c.id),
    ProductSort.PRICE_DESCENDING: (products.c.price_minor, products.c.id),
    ProductSort.RELEVANCE: (products.c.name_key, products.c.id),  # behind the tier
}
"""The columns behind the key of each list in `shop_adapters.listing`."""
_STOCK_FILTERS = {"available_min", "available_max"}
_LIMIT, _OFFSET = bindparam("limit", type_=Integer), bindparam("offset", type_=Integer)


class Start(Enum):
    """Where a page starts."""

    HERE = auto()  # behind `offset` products
    AFTER = auto()  # behind a key
    SKIPPING = auto()  # the same as HERE, for offsets above 0: ids first, which an index has


@dataclass(frozen=True, slots=True)
class QueryShape:
    """Which filters and sort a query uses. Queries of one shape share one SQL statement.

    Args:
        filters: the fields of its query that filter.
        has_words: whether there is a word to be found.
        sort: by what it is sorted.
        descending: whether the greatest comes first.
    """

    filters: frozenset[str]
    has_words: bool
    sort: ProductSort
    descending: bool

    @classmethod
    def of(cls, query: ProductQuery) -> QueryShape:
        """The shape of `query`."""
        names = ("words", "category_id", "price_min", "price_max", "available_min", "available_max")
        given = frozenset(name for name in names if getattr(query, name) is not None)
        return cls(given, bool(query.words), query.sorted_by, listing.products(query).descending)

    @property
    def is_by_stock(self) -> bool:
        """Whether it depends on the stock."""
        return not _STOCK_FILTERS.isdisjoint(self.filters)


def values_of(query: ProductQuery, category_ids: Sequence[UUID]) -> dict[str, Any]:
    """The values for a list of the shape of `query`; `category_ids` are its category and those below it."""
    return {
        "words": _tsquery(query.words, ""),
        "title_words": _tsquery(query.words, "A"),
        "category_ids": Uuids(category_ids),
        "price_min": query.price_min,
        "price_max": query.price_max,
        "available_min": query.available_min,
        "available_max": query.available_max,
    }


def key_values(key: Key) -> dict[str, Any]:
    """The values for `Start.AFTER`; the id, always last in a key, travels as text."""
    *values, last_id = key
    return {**{f"after_{place}": value for place, value in enumerate(values)}, "after_id": UUID(str(last_id))}


@lru_cache(512)
def page(shape: QueryShape, start: Start, tier: int | None = None) -> Select[Any]:
    """A page of a list.

    Args:
        shape: of the query.
        start: where the page starts.
        tier: of a list by relevance, only those with every word in name or SKU (0), or only the others (1).
    """
    columns = _SORT_COLUMNS[shape.sort]
    found = ENTRY.where(*_filters(shape), *_units(shape, _AVAILABLE))
    order = [column.desc() if shape.descending else column for column in columns]
    if shape.sort is ProductSort.RELEVANCE:
        is_meant = _found_by("title_words") if shape.has_words else false()
        if tier is not None:
            found = found.where(is_meant if tier == 0 else ~is_meant)
        elif shape.has_words:
            order = [case((is_meant, 0), else_=1), *order]
    match start:
        case Start.HERE:
            return found.order_by(*order).limit(_LIMIT).offset(_OFFSET)
        case Start.AFTER:
            return found.where(_beyond(columns, shape.descending)).order_by(*order).limit(_LIMIT)
    ids = found.with_only_columns(products.c.id).order_by(*order).limit(_LIMIT).offset(_OFFSET)
    return ENTRY.where(products.c.id.in_(ids)).order_by(*order)


@lru_cache(256)
def count(shape: QueryShape) -> Select[Any]:
    """How many a list has."""
    return select(func.count()).select_from(to_count(shape).subquery())


@lru_cache(256)
def to_count(shape: QueryShape) -> Select[Any]:
    """A row for each product of a list. All have a stock level, so only a filter by units needs to see it."""
    rows = select(literal(1)).select_from(_WITH_STOCK if shape.is_by_stock else products)
    return rows.where(_IN_CATALOG, *_filters(shape), *_units(shape, _UNITS))


def _filters(shape: QueryShape) -> list[ColumnElement[bool]]:
    filters: list[ColumnElement[bool]] = []
    if "words" in shape.filters:
        filters.append(_found_by("words") if shape.has_words else false())
    if "category_id" in shape.filters:
        filters.append(products.c.category_id == any_(bindparam("category_ids", type_=ARRAY(Uuid))))
    if "price_min" in shape.filters:
        filters.append(products.c.price_minor >= bindparam("price_min", type_=BigInteger))
    if "price_max" in shape.filters:
        filters.append(products.c.price_minor <= bindparam("price_max", type_=BigInteger))
    return filters


def _units(shape: QueryShape, available: ColumnElement[int]) -> list[ColumnElement[bool]]:
    filters: list[ColumnElement[bool]] = []
    if "available_min" in shape.filters:
        filters.append(available >= bindparam("available_min", type_=BigInteger))
    if "available_max" in shape.filters:
        filters.append(available <= bindparam("available_max", type_=BigInteger))
    return filters


def _found_by(name: str) -> ColumnElement[bool]:
    return products.c.search.op("@@", is_comparison=True)(cast(bindparam(name, type_=Text), TSQUERY))


def _tsquery(words: Sequence[str] | None, weight: str) -> str | None:
    """Every word, the last one at least as the beginning of one.

    Args:
        words: letters and digits, nothing to escape.
        weight: `A` to look in name and SKU only.
    """
    if not words:
        return None
    *whole, prefix = words
    return " & ".join([*(f"'{word}':{weight}" if weight else f"'{word}'" for word in whole), f"'{prefix}':*{weight}"])


def _beyond(columns: Sequence[ColumnElement[Any]], descending: bool) -> ColumnElement[bool]:
    """What comes after a key in the sort."""
    values = [bindparam(f"after_{place}", type_=column.type) for place, column in enumerate(columns[:-1])]
    after = tuple_(*values, bindparam("after_id", type_=Uuid))
    return tuple_(*columns) < after if descending else tuple_(*columns) > after
