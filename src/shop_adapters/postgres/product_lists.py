"""The lists of the catalog as statements: one of each form, of which only the values change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
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
from shop_adapters.postgres.packed import PackedArray
from shop_adapters.postgres.schema import products, stock_levels
from shop_adapters.postgres.transaction import PreparedStatement
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
_SORTED_BY: dict[ProductSort, tuple[ColumnElement[Any], ...]] = {
    ProductSort.NEWEST: (products.c.id,),
    ProductSort.NAME: (products.c.name_key, products.c.id),
    ProductSort.PRICE: (products.c.price_minor, products.c.id),
    ProductSort.PRICE_DESCENDING: (products.c.price_minor, products.c.id),
    ProductSort.RELEVANCE: (products.c.name_key, products.c.id),  # behind the tier
}
"""The columns behind the key of each list in `shop_adapters.listing`."""
_BY_UNITS = {"available_min", "available_max"}
_LIMIT, _OFFSET = bindparam("limit", type_=Integer), bindparam("offset", type_=Integer)


class Start(Enum):
    """Where a page starts."""

    HERE = auto()  # behind `offset` products
    AFTER = auto()  # behind a key
    SKIPPING = auto()  # the same as HERE, for large offsets: ids first, which an index has


@dataclass(frozen=True, slots=True)
class Form:
    """What a list has beside its values.

    Args:
        filters: the fields of its query that filter.
        finds: whether there is a word to be found.
        sort: by what it is sorted.
        descending: whether the greatest comes first.
    """

    filters: frozenset[str]
    finds: bool
    sort: ProductSort
    descending: bool

    @classmethod
    def of(cls, query: ProductQuery) -> Form:
        """The form of `query`."""
        names = ("words", "category_id", "price_min", "price_max", "available_min", "available_max")
        given = frozenset(name for name in names if getattr(query, name) is not None)
        return cls(given, bool(query.words), query.sorted_by, listing.products(query).descending)

    @property
    def by_units(self) -> bool:
        """Whether it depends on the stock."""
        return not _BY_UNITS.isdisjoint(self.filters)


def values_of(query: ProductQuery, shelves: Sequence[UUID]) -> dict[str, Any]:
    """The values for a list of the form of `query`; `shelves` are its category and those below it."""
    return {
        "words": _tsquery(query.words, ""),
        "titled": _tsquery(query.words, "A"),
        "shelves": shelves,
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
def page(form: Form, start: Start, tier: int | None = None) -> PreparedStatement:
    """A page of a list.

    Args:
        form: of the list.
        start: where the page starts.
        tier: of a list by relevance, only those with every word in name or SKU (0), or only the others (1).
    """
    columns = _SORTED_BY[form.sort]
    found = ENTRY.where(*_filters(form), *_units(form, _AVAILABLE))
    order = [column.desc() if form.descending else column for column in columns]
    if form.sort is ProductSort.RELEVANCE:
        is_meant = _found_by("titled") if form.finds else false()
        if tier is not None:
            found = found.where(is_meant if tier == 0 else ~is_meant)
        elif form.finds:
            order = [case((is_meant, 0), else_=1), *order]
    match start:
        case Start.HERE:
            return PreparedStatement(found.order_by(*order).limit(_LIMIT).offset(_OFFSET))
        case Start.AFTER:
            return PreparedStatement(found.where(_beyond(columns, form.descending)).order_by(*order).limit(_LIMIT))
    ids = found.with_only_columns(products.c.id).order_by(*order).limit(_LIMIT).offset(_OFFSET)
    return PreparedStatement(ENTRY.where(products.c.id.in_(ids)).order_by(*order))


@lru_cache(256)
def count(form: Form) -> PreparedStatement:
    """How many a list has."""
    return PreparedStatement(select(func.count()).select_from(to_count(form).subquery()))


@lru_cache(256)
def to_count(form: Form) -> Select[Any]:
    """A row for each product of a list. All have a stock level, so only a filter by units needs to see it."""
    rows = select(literal(1)).select_from(_WITH_STOCK if form.by_units else products)
    return rows.where(_IN_CATALOG, *_filters(form), *_units(form, _UNITS))


def _filters(form: Form) -> list[ColumnElement[bool]]:
    filters: list[ColumnElement[bool]] = []
    if "words" in form.filters:
        filters.append(_found_by("words") if form.finds else false())
    if "category_id" in form.filters:
        filters.append(products.c.category_id == any_(bindparam("shelves", type_=PackedArray(Uuid))))
    if "price_min" in form.filters:
        filters.append(products.c.price_minor >= bindparam("price_min", type_=BigInteger))
    if "price_max" in form.filters:
        filters.append(products.c.price_minor <= bindparam("price_max", type_=BigInteger))
    return filters


def _units(form: Form, available: ColumnElement[int]) -> list[ColumnElement[bool]]:
    filters: list[ColumnElement[bool]] = []
    if "available_min" in form.filters:
        filters.append(available >= bindparam("available_min", type_=BigInteger))
    if "available_max" in form.filters:
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
