"""Fills a shop set by set, by SQL: the same rows as its use cases would write, so that the audit finds nothing."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Engine, text

UNITS = 1_000_000
"""In stock of each product."""

_PRODUCT = "('01900000-0000-7000-8000-' || lpad(to_hex({n}), 12, '0'))::uuid"
_CUSTOMER = "('01900000-0000-7000-9000-' || lpad(to_hex({n}), 12, '0'))::uuid"
_ID = "('01900000-{kind}-7000-8000-' || lpad(to_hex({n}), 12, '0'))::uuid"

ADJECTIVES = ("red", "green", "blue", "round", "small", "large", "heavy", "light", "wooden", "glass")
NOUNS = tuple(f"{first}{last}" for first in ("tea", "wall", "desk", "bed", "oven") for last in (
    "lamp", "light", "cup", "board", "chair", "clock", "frame", "stand", "cover", "holder",
    "tray", "rack", "hook", "glove", "mat", "bell", "shelf", "brush", "box", "tin",
))  # fmt: skip

_NOUN = f"(ARRAY[{', '.join(map(repr, NOUNS))}])[n % {len(NOUNS)} + 1]"
_ADJECTIVE = f"(ARRAY[{', '.join(map(repr, ADJECTIVES))}])[n / {len(NOUNS)} % {len(ADJECTIVES)} + 1]"
_NUMBERS = "FROM generate_series(CAST(:first AS integer), CAST(:last AS integer)) AS n"

_PRODUCTS = (
    f"""
INSERT INTO products (id, sku, name, name_key, sort_key, description, price_minor, image_urls, search, version,
                      created_at, updated_at)
SELECT id, 'SKU-' || n, name, name, name, 'A ' || name || ' for every room of the house, made to last.', 100 + n % 900,
       ARRAY['https://shop.example/' || n || '.jpg'],
       (SELECT string_agg('''' || word || '''\\:1A', ' ') || ' ''=2''\\:1' FROM (
           SELECT DISTINCT unnest(ARRAY['sku', n::text, adjective, noun]) AS word) AS words)::tsvector,
       1, now(), now()
FROM (SELECT n, {_PRODUCT.format(n="n")} AS id, {_ADJECTIVE} AS adjective, {_NOUN} AS noun,
             {_ADJECTIVE} || ' ' || {_NOUN} || ' ' || n AS name {_NUMBERS}) AS new""",
    f"""
INSERT INTO stock_levels (product_id, on_hand, allocated, reserved, shortfall)
SELECT {_PRODUCT.format(n="n")}, :units, 0, 0, 0 {_NUMBERS}""",
    f"""
INSERT INTO stock_movements (product_id, id, kind, quantity, at, reason)
SELECT {_PRODUCT.format(n="n")}, {_ID.format(kind="0001", n="n")}, 'received', :units, now(), 'for the benchmark'
{_NUMBERS}""",
)
_CHOSEN = "(n::bigint * 7919 + line * 104729) % :products + 1"
_ORDERS = (
    f"""
INSERT INTO orders (customer_id, id, status, total_minor, version, created_at, updated_at, number)
SELECT {_CUSTOMER.format(n="n % :customers + :customer")}, {_ID.format(kind="0002", n="n")}, 'placed',
       (SELECT sum(100 + ({_CHOSEN}) % 900) FROM generate_series(1, 3) AS line), 1, now(), now(), 'seed-' || n
{_NUMBERS}""",
    f"""
INSERT INTO order_lines (customer_id, order_id, line_no, product_id, sku, name, unit_price_minor, quantity)
SELECT {_CUSTOMER.format(n="n % :customers + :customer")}, {_ID.format(kind="0002", n="n")}, line,
       {_PRODUCT.format(n=f"({_CHOSEN})")}, 'SKU-' || {_CHOSEN}, 'as it was', 100 + ({_CHOSEN}) % 900, 1
{_NUMBERS}, generate_series(1, 3) AS line""",
    f"""
INSERT INTO order_events (customer_id, order_id, seq, kind, status, total_minor, at, format, id)
SELECT customer_id, id, 1, 'placed', 'placed', total_minor, now(), 1, id FROM orders
JOIN generate_series(CAST(:first AS integer), CAST(:last AS integer)) AS n ON id = {_ID.format(kind="0002", n="n")}""",
    f"""
INSERT INTO stock_movements (product_id, id, kind, quantity, at, actor_id, order_id, reason)
SELECT product_id, ('01900000-0003-7000-8000-' || lpad(to_hex(n * 4 + line_no), 12, '0'))::uuid, 'allocated', quantity,
       now(), customer_id, order_id, ''
FROM order_lines JOIN generate_series(CAST(:first AS integer), CAST(:last AS integer)) AS n
  ON order_id = {_ID.format(kind="0002", n="n")}""",
    f"""
UPDATE stock_levels SET allocated = allocated + taken
FROM (SELECT product_id AS sold_id, sum(quantity) AS taken FROM order_lines
      JOIN generate_series(CAST(:first AS integer), CAST(:last AS integer)) AS n
        ON order_id = {_ID.format(kind="0002", n="n")} GROUP BY product_id) AS change
WHERE product_id = sold_id""",
)


def product_id(number: int) -> UUID:
    """The id of a product by its number, from 1."""
    return UUID(f"01900000-0000-7000-8000-{number:012x}")


def customer_id(number: int) -> UUID:
    """The id of a customer by their number."""
    return UUID(f"01900000-0000-7000-9000-{number:012x}")


def add_products(engine: Engine, first: int, last: int, units: int = UNITS) -> None:
    """Products with these numbers, each with so many units in stock."""
    _fill(engine, _PRODUCTS, first=first, last=last, units=units)


def add_orders(engine: Engine, first: int, last: int, *, customer: int, customers: int, products: int) -> None:
    """Orders with these numbers, of three lines.

    Args:
        customer, customers: they are of so many customers in turn, from this one on.
        products: of the first so many products.
    """
    _fill(engine, _ORDERS, first=first, last=last, customer=customer, customers=customers, products=products)


def settle(engine: Engine) -> None:
    """Have the server do now what it would do at some time: statistics, visibility, a checkpoint."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
        connection.execute(text("CHECKPOINT"))


def _fill(engine: Engine, statements: tuple[str, ...], **given: int) -> None:
    for statement in statements:
        used = {name: value for name, value in given.items() if f":{name}" in statement}
        with engine.begin() as connection:
            connection.execute(text(statement), used)
