"""The lists of orders as statements, composed by what a query filters; only values change."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, Integer, Select, Text, Uuid, any_, bindparam, select

from shop_adapters.postgres.arrays import Texts, Uuids
from shop_adapters.postgres.line_pages import with_lines
from shop_adapters.postgres.schema import Time, order_lines, orders
from shop_core.orders.model import OrderQuery

_HEAD = select(
    *(orders.c.customer_id, orders.c.id, orders.c.status, orders.c.total_minor, orders.c.version),
    *(orders.c.created_at, orders.c.updated_at, orders.c.deleted_at, orders.c.includes_tax, orders.c.pricing),
)
_LINE = [
    *(order_lines.c.product_id, order_lines.c.sku, order_lines.c.name, order_lines.c.unit_price_minor),
    *(order_lines.c.quantity, order_lines.c.discount_minor, order_lines.c.tax_rate, order_lines.c.tax_minor),
    order_lines.c.details,
]
LINE_COLUMNS = len(_LINE)
_AFTER = bindparam("after", type_=Uuid)

FILTERS: Mapping[str, ColumnElement[bool]] = {
    "customer_id": orders.c.customer_id == any_(bindparam("customers", type_=ARRAY(Uuid))),
    "status": orders.c.status == bindparam("status", type_=Text),
    "status of all": orders.c.status == any_(bindparam("statuses", type_=ARRAY(Text))),
    "placed_from": orders.c.created_at >= bindparam("placed_from", type_=Time),
    "placed_before": orders.c.created_at < bindparam("placed_before", type_=Time),
    "number": orders.c.number == bindparam("number", type_=Text),
    "ids": orders.c.id == any_(bindparam("ids", type_=ARRAY(Uuid))),
    "not deleted": orders.c.deleted_at.is_(None),
}
"""The conditions that a list of orders can have, by name."""


def filters_of(query: OrderQuery) -> frozenset[str]:
    names = ("customer_id", "status", "placed_from", "placed_before", "number", "ids")
    given = {name for name in names if getattr(query, name) is not None}
    if "status" in given and "customer_id" not in given:
        given = given - {"status"} | {"status of all"}
    return frozenset(given if query.with_deleted else {*given, "not deleted"})


def values_of(query: OrderQuery) -> dict[str, Any]:
    return {
        "customers": Uuids([query.customer_id]),
        "status": query.status,
        "statuses": Texts([query.status]),
        "placed_from": query.placed_from,
        "placed_before": query.placed_before,
        "number": query.number,
        "ids": Uuids(query.ids or ()),
    }


def _by_age(filters: frozenset[str], *, is_ascending: bool) -> list[ColumnElement[Any]]:
    """By id, written so that the planner has to use the index by customer or by status.

    Where the planner knows that a column has one value, it may read everybody's orders by id, and throw away what does
    not match: it expects to find a page of them soon, and is wrong for a customer who has not ordered for long. So the
    condition is a list of values, with one in it, and the list is sorted by that column first.
    """
    columns: list[ColumnElement[Any]] = [orders.c.id]
    if "customer_id" in filters:
        columns.insert(0, orders.c.customer_id)
    elif "status of all" in filters:
        columns.insert(0, orders.c.status)
    return [column.asc() if is_ascending else column.desc() for column in columns]


@lru_cache(256)
def order_list(filters: frozenset[str], *, is_after: bool, is_ascending: bool = False) -> Select[Any]:
    """A page of orders with their lines; by number, or by key if it `is_after` one.

    Args:
        filters: names in `FILTERS`.
        is_after: whether it starts after a key, instead of behind a number of orders.
        is_ascending: whether the oldest come first, instead of the newest.
    """
    heads = _HEAD.where(*(FILTERS[name] for name in sorted(filters))).order_by(
        *_by_age(filters, is_ascending=is_ascending)
    )
    heads = heads.limit(bindparam("limit", type_=Integer))
    if is_after:
        heads = heads.where(orders.c.id > _AFTER if is_ascending else orders.c.id < _AFTER)
    else:
        heads = heads.offset(bindparam("offset", type_=Integer))
    return with_lines(heads, order_lines, "order_id", _LINE, is_ascending=is_ascending)


@lru_cache(256)
def matching_orders(filters: frozenset[str]) -> Select[Any]:
    """A row for each order that matches, to be counted."""
    return select(orders.c.id).where(*(FILTERS[name] for name in sorted(filters)))
