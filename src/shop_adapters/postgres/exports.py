"""What `shop export` writes: rows for people and other programs, read one after the other, as of one moment."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from typing import Any

from sqlalchemy import Engine, text

from shop_core.money import Money

_AMOUNT = "_minor"
"""Columns of amounts end so; what is exported are decimal numbers."""
_FETCHED_ROWS = 1_000


class Exported(StrEnum):
    """What can be exported."""

    PRODUCTS = "products"
    ORDERS = "orders"
    MOVEMENTS = "movements"
    USERS = "users"


STATEMENTS = {
    # The columns of `shop import-products`; what left the catalog stays out.
    Exported.PRODUCTS: """
        WITH RECURSIVE paths (id, path) AS (
            SELECT id, name FROM categories WHERE parent_id IS NULL
            UNION ALL
            SELECT child.id, paths.path || ' > ' || child.name
            FROM categories child JOIN paths ON child.parent_id = paths.id
        )
        SELECT sku, name, price_minor, description, coalesce(path, '') AS category,
            array_to_string(image_urls, ' ') AS image_urls, on_hand AS quantity, now() AS counted
        FROM products
            JOIN stock_levels ON product_id = products.id
            LEFT JOIN paths ON paths.id = category_id
        WHERE archived_at IS NULL
        ORDER BY sku
    """,
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


@contextmanager
def exported(engine: Engine, what: Exported, currency: str) -> Iterator[tuple[Sequence[str], Iterator[Sequence[Any]]]]:
    """The names of the columns, and the rows; they are read while they are taken, some at a time."""
    options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    with engine.connect().execution_options(**options) as connection:
        connection.execute(text("SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0"))
        connection.execute(text("SET LOCAL timezone = 'UTC'"))
        result = connection.execution_options(yield_per=_FETCHED_ROWS).execute(text(STATEMENTS[what]))
        columns = tuple(result.keys())
        amounts = [index for index, column in enumerate(columns) if column.endswith(_AMOUNT)]
        yield [column.removesuffix(_AMOUNT) for column in columns], (_row(row, amounts, currency) for row in result)


def _row(row: Sequence[Any], amounts: Sequence[int], currency: str) -> list[Any]:
    cells = list(row)
    for index in amounts:
        cells[index] = str(Money(cells[index], currency))
    return cells
