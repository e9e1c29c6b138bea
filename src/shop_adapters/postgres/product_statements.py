"""The lists of the catalog as statements, composed by what a query filters and how it sorts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache
from typing import Any

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
from shop_adapters.postgres.schema import families, products, stock_levels
from shop_core.catalog.search import ProductSort, Relevance

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
    products.c.tax_class,
    products.c.family_id,
    products.c.options,
    products.c.images,
)
_UNITS = func.greatest(0, stock_levels.c.on_hand - stock_levels.c.allocated - stock_levels.c.reserved)
# Looked up for each product that is shown, never joined: a merge join would read all stock up to a deep page first.
_AVAILABLE = select(_UNITS).where(stock_levels.c.product_id == products.c.id).scalar_subquery()
_IN_CATALOG = products.c.archived_at.is_(None)
_WITH_STOCK = products.join(stock_levels, stock_levels.c.product_id == products.c.id)
_FAMILY_NAME = select(families.c.name).where(families.c.id == products.c.family_id).scalar_subquery()
SHOWN = PRODUCT.add_columns(_AVAILABLE.label("available"), _FAMILY_NAME.label("family_name"))
ENTRY = SHOWN.where(_IN_CATALOG)
_SORT_COLUMNS: dict[ProductSort, tuple[ColumnElement[Any], ...]] = {
    ProductSort.NEWEST: (products.c.id,),
    ProductSort.NAME: (products.c.sort_key, products.c.id),
    ProductSort.PRICE: (products.c.price_minor, products.c.id),
    ProductSort.PRICE_DESCENDING: (products.c.price_minor, products.c.id),
    ProductSort.RELEVANCE: (products.c.sort_key, products.c.id),  # behind the tier
}
"""The columns behind the key of each list in `shop_adapters.listing`."""
STOCK_FILTERS = {"available_min", "available_max", "low_stock"}
_DESCENDING = {sort for sort, listed in listing.PRODUCTS.items() if listed.descending}
TIERS = tuple(Relevance)
_LIMIT, _OFFSET = bindparam("limit", type_=Integer), bindparam("offset", type_=Integer)


class Start(Enum):
    """How a page finds its start."""

    BY_OFFSET = auto()  # it skips `offset` products
    BY_KEY = auto()  # it begins after a key
    BY_DEEP_OFFSET = auto()  # it skips their ids, which an index has, and reads the products afterwards


@dataclass(frozen=True, slots=True)
class QueryShape:
    """Which filters and sort a query uses. Queries of one shape share one SQL statement.

    Args:
        filters: names of the fields of the query that are given.
        has_words: whether there is a word to be found.
        sort: by what it is sorted.
    """

    filters: frozenset[str]
    has_words: bool
    sort: ProductSort


@lru_cache(512)
def page(shape: QueryShape, start: Start, tier: Relevance | None = None) -> Select[Any]:
    """A page of a list.

    Args:
        shape: of the query.
        start: where the page starts.
        tier: of a list by relevance, only the products that fit the words so well.
    """
    columns, is_descending = _SORT_COLUMNS[shape.sort], shape.sort in _DESCENDING
    found = ENTRY.where(*_filters(shape), *_units(shape, _AVAILABLE))
    order = [column.desc() if is_descending else column for column in columns]
    if shape.sort is ProductSort.RELEVANCE:
        better = (
            [_found_by(name) for name in ("sku_words", "name_words", "title_words")]
            if shape.has_words
            else [false()] * 3
        )
        if tier is not None:
            found = found.where(*(~each for each in better[: TIERS.index(tier)]), *better[TIERS.index(tier) :][:1])
        elif shape.has_words:
            order = [case(*((each, int(fits)) for each, fits in zip(better, TIERS, strict=False)), else_=1), *order]
    match start:
        case Start.BY_OFFSET:
            return found.order_by(*order).limit(_LIMIT).offset(_OFFSET)
        case Start.BY_KEY:
            return found.where(_beyond(columns, is_descending)).order_by(*order).limit(_LIMIT)
    ids = found.with_only_columns(products.c.id).order_by(*order).limit(_LIMIT).offset(_OFFSET)
    return ENTRY.where(products.c.id.in_(ids)).order_by(*order)


@lru_cache(256)
def count(shape: QueryShape) -> Select[Any]:
    """How many a list has."""
    return select(func.count()).select_from(to_count(shape).subquery())


@lru_cache(256)
def to_count(shape: QueryShape) -> Select[Any]:
    """A row for each product of a list. All have a stock level, so only a filter by units needs to see it."""
    rows = select(literal(1)).select_from(_WITH_STOCK if STOCK_FILTERS & shape.filters else products)
    return rows.where(_IN_CATALOG, *_filters(shape), *_units(shape, _UNITS))


def _filters(shape: QueryShape) -> list[ColumnElement[bool]]:
    filters: list[ColumnElement[bool]] = []
    if "words" in shape.filters:
        filters.append(_found_by("words") if shape.has_words else false())
    if "category_id" in shape.filters:
        filters.append(products.c.category_id == any_(bindparam("category_ids", type_=ARRAY(Uuid))))
    if "family_id" in shape.filters:
        filters.append(products.c.family_id == bindparam("family_id", type_=Uuid))
    if "ids" in shape.filters:
        filters.append(products.c.id == any_(bindparam("ids", type_=ARRAY(Uuid))))
    if "sku" in shape.filters:
        filters.append(products.c.sku == bindparam("sku", type_=Text))
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
    if "low_stock" in shape.filters:
        low = select(stock_levels.c.product_id).where(
            stock_levels.c.low_stock_level.is_not(None), stock_levels.c.low_stock_level > _UNITS
        )
        filters.append(products.c.id.in_(low))
    return filters


def _found_by(name: str) -> ColumnElement[bool]:
    return products.c.search.op("@@", is_comparison=True)(cast(bindparam(name, type_=Text), TSQUERY))


def _beyond(columns: Sequence[ColumnElement[Any]], descending: bool) -> ColumnElement[bool]:
    """What comes after a key in the sort."""
    values = [bindparam(f"after_{place}", type_=column.type) for place, column in enumerate(columns[:-1])]
    after = tuple_(*values, bindparam("after_id", type_=Uuid))
    return tuple_(*columns) < after if descending else tuple_(*columns) > after
