"""What `shop export` writes: rows for people and other programs, read one after the other, as of one moment."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Engine, text

from shop_adapters.postgres.product_lists import product_of
from shop_adapters.postgres.watchdog import NO_LIMIT
from shop_core.catalog.families import Family
from shop_core.catalog.model import Category, Product
from shop_core.money import Money

_AMOUNT = "_minor"
"""Columns of amounts end so; what is exported are decimal numbers."""
_FETCHED_ROWS = 1_000


class Exported(StrEnum):
    """What can be exported beside products."""

    ORDERS = "orders"
    MOVEMENTS = "movements"
    USERS = "users"


STATEMENTS = {
    # A row for each line; the fields of the order are repeated.
    Exported.ORDERS: """
        SELECT number, orders.id AS order_id, orders.customer_id, username AS customer, status,
            orders.created_at AS placed_at, total_minor AS order_total_minor, line_no AS line, product_id, sku, name,
            quantity, unit_price_minor, discount_minor, tax_rate AS tax_basis_points, tax_minor
        FROM orders
            JOIN order_lines ON order_lines.customer_id = orders.customer_id AND order_id = orders.id
            LEFT JOIN accounts ON accounts.id = orders.customer_id
        WHERE deleted_at IS NULL
        ORDER BY orders.customer_id, orders.id, line_no
    """,
    Exported.MOVEMENTS: """
        SELECT stock_movements.id AS movement_id, at, product_id, sku, kind, stock_movements.quantity, reason, order_id,
            reservation_id, actor_id
        FROM stock_movements LEFT JOIN products ON products.id = product_id
        ORDER BY product_id, stock_movements.id
    """,
    Exported.USERS: """
        SELECT id AS user_id, username, email, first_name, last_name, role, active, created_at
        FROM accounts
        ORDER BY id
    """,
}


# What left the catalog stays out. Units were counted at the time of the latest movement that is in them. One that is
# not committed may be earlier than this statement, but not than that: a movement reads the time when it has the lock.
# Counts have the time of the count, so the newest line of the ledger need not be the latest.
_PRODUCTS = text("""
    SELECT id, sku, name, price_minor, created_at, updated_at, description, category_id, image_urls, archived_at,
        version, tax_class, family_id, options, images, on_hand, coalesce(latest_at, created_at) AS counted
    FROM products
        JOIN stock_levels ON stock_levels.product_id = products.id
        LEFT JOIN (
            SELECT product_id, max(at) AS latest_at FROM stock_movements GROUP BY product_id
        ) AS moved ON moved.product_id = products.id
    WHERE archived_at IS NULL
    ORDER BY sku
""")
_CATEGORIES = text("SELECT id, name, slug, parent_id FROM categories")
_FAMILIES = text("SELECT id, name, option_names FROM families ORDER BY id")

ExportedProducts = tuple[dict[UUID, Category], list[Family], Iterator[tuple[Product, int, datetime]]]
"""All categories, all families; and each product, with the units on hand, and at which moment they were as many."""


@contextmanager
def exported(engine: Engine, what: Exported, currency: str) -> Iterator[tuple[Sequence[str], Iterator[Sequence[Any]]]]:
    """The names of the columns, and the rows; they are read while they are taken, some at a time."""
    with _moment(engine) as connection:
        result = connection.execution_options(yield_per=_FETCHED_ROWS).execute(text(STATEMENTS[what]))
        columns = tuple(result.keys())
        amounts = [index for index, column in enumerate(columns) if column.endswith(_AMOUNT)]
        yield [column.removesuffix(_AMOUNT) for column in columns], (_row(row, amounts, currency) for row in result)


@contextmanager
def exported_products(engine: Engine, currency: str) -> Iterator[ExportedProducts]:
    """The catalog; its products are read while they are taken, some at a time."""
    with _moment(engine) as connection:
        categories = {row.id: Category(*row) for row in connection.execute(_CATEGORIES)}
        families = [Family(row.id, row.name, tuple(row.option_names)) for row in connection.execute(_FAMILIES)]
        result = connection.execution_options(yield_per=_FETCHED_ROWS).execute(_PRODUCTS)
        yield categories, families, ((product_of(row, currency), row.on_hand, row.counted) for row in result)


@contextmanager
def _moment(engine: Engine) -> Iterator[Connection]:
    """A connection on which everything is as of one moment."""
    options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    with engine.connect().execution_options(**options) as connection:
        connection.execute(NO_LIMIT)
        connection.execute(text("SET LOCAL timezone = 'UTC'; SET LOCAL datestyle = 'ISO'"))
        yield connection


def _row(row: Sequence[Any], amounts: Sequence[int], currency: str) -> list[Any]:
    cells = list(row)
    for index in amounts:
        cells[index] = str(Money(cells[index], currency))
    return cells
