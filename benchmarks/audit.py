"""How long the audit of a long ledger takes, and what placing feels of it.

    python -m benchmarks.audit --movements 10000000 [--url postgresql+psycopg://...] [--data-dir DIR]

Fills a fresh database with orders, reservations and their movements, set by set; then one thread places orders, first
alone and then while another one audits. It prints rows, seconds, and how long placing took.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

from sqlalchemy import Engine, text

from shop_adapters.embedded import EmbeddedPostgres
from shop_adapters.ids import uuid7
from shop_adapters.postgres import PostgresAdapters, make_engine
from shop_adapters.postgres.migrate import migrate
from shop_core import LineRequest, PlacementRequest, Shop

PRODUCTS = 1_000
LINES = 8
"""Lines of each order; each is a movement, and three of four orders were cancelled, with as many again."""

_PRODUCT = "lpad(to_hex({n}), 32, '0')::uuid"
_ID = (
    "(lpad(to_hex(1700000000000 + {n}), 12, '0') || '700080'"
    " || lpad(to_hex({n}::bigint * 32 + {extra}), 14, '0'))::uuid"
)


def _id(n: str, extra: str = "0") -> str:
    return _ID.format(n=n, extra=extra)


_FILL = {
    "products": f"""
INSERT INTO products (id, sku, name, name_key, description, price_minor, image_urls, search, version, created_at,
                      updated_at)
SELECT {_PRODUCT.format(n="n")}, 'SKU-' || n, 'Lamp', 'lamp', '', 100, '{{}}', '', 1, now(), now()
FROM generate_series(1, {PRODUCTS}) AS n""",
    "orders": f"""
INSERT INTO orders (customer_id, id, status, total_minor, version, created_at, updated_at, number)
SELECT {_PRODUCT.format(n="n % 100000 + 1")}, {_id("n")},
       CASE WHEN n % 4 = 0 THEN 'placed' ELSE 'cancelled' END,
       100 * {LINES}, CASE WHEN n % 4 = 0 THEN 1 ELSE 2 END, now(), now(), n::text
FROM generate_series(1, :orders) AS n""",
    "order lines": f"""
INSERT INTO order_lines (customer_id, order_id, line_no, product_id, sku, name, unit_price_minor, quantity)
SELECT customer_id, id, line, {_PRODUCT.format(n=f"(number::int * 7 + line) % {PRODUCTS} + 1")}, 'SKU', 'Lamp', 100, 1
FROM orders, generate_series(1, {LINES}) AS line""",
    "events": """
INSERT INTO order_events (customer_id, order_id, seq, kind, status, total_minor, at, format, id)
SELECT customer_id, id, seq, CASE seq WHEN 1 THEN 'placed' ELSE 'cancelled' END,
       CASE seq WHEN 1 THEN 'placed' ELSE 'cancelled' END, total_minor, now(), 1, gen_random_uuid()
FROM orders, generate_series(1, version) AS seq""",
    "keys": """
INSERT INTO idempotency_keys (customer_id, key, fingerprint, result_id)
SELECT customer_id, number, decode(repeat('00', 32), 'hex'), id FROM orders""",
    "movements of orders": f"""
INSERT INTO stock_movements (product_id, id, kind, quantity, at, actor_id, order_id, reason)
SELECT product_id, {_id("number::int", "line_no * 2 + back")},
       CASE back WHEN 0 THEN 'allocated' ELSE 'deallocated' END, 1, now(), line.customer_id, order_id, ''
FROM order_lines AS line JOIN orders ON orders.customer_id = line.customer_id AND orders.id = order_id,
     generate_series(0, version - 1) AS back""",
    "movements of goods": f"""
INSERT INTO stock_movements (product_id, id, kind, quantity, at, reason)
SELECT {_PRODUCT.format(n=f"n % {PRODUCTS} + 1")}, {_id("n", "1")}, 'received', 1000, now(), 'delivery ' || n
FROM generate_series(1, :received) AS n""",
    "counters": """
INSERT INTO stock_levels (product_id, on_hand, allocated, reserved, shortfall)
SELECT product_id, sum(quantity) FILTER (WHERE kind = 'received'),
       sum(CASE kind WHEN 'allocated' THEN quantity WHEN 'deallocated' THEN -quantity ELSE 0 END), 0, 0
FROM stock_movements GROUP BY product_id""",
}


def fill(engine: Engine, movements: int) -> None:
    """About so many movements, with the orders that made seven eighths of them."""
    orders = movements * 7 // 8 // (LINES * 7 // 4)
    amounts = {"orders": orders, "received": movements - orders * LINES * 7 // 4}
    for what, statement in _FILL.items():
        begun = time.perf_counter()
        with engine.begin() as connection:
            used = {name: amount for name, amount in amounts.items() if f":{name}" in statement}
            rows = connection.execute(text(statement), used)
            print(f"filled {rows.rowcount:>11,} {what} in {time.perf_counter() - begun:.1f} s", flush=True)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))
        connection.execute(text("CHECKPOINT"))


@contextmanager
def orders_beside(shop: Shop) -> Iterator[list[float]]:
    """Somebody places orders meanwhile, one after the other; how long each took, in milliseconds."""
    done, took = threading.Event(), list[float]()
    product = UUID(int=1)

    def place() -> None:
        while not done.is_set():
            begun = time.perf_counter()
            shop.orders.place(PlacementRequest(uuid7(), (LineRequest(product, 1),)))
            took.append((time.perf_counter() - begun) * 1000)

    thread = threading.Thread(target=place)
    thread.start()
    try:
        yield took
    finally:
        done.set()
        thread.join()


def _shown(took: list[float]) -> str:
    cuts = statistics.quantiles(took, n=100)
    return f"{len(took):,} orders, p50 {cuts[49]:.1f} ms, p99 {cuts[98]:.1f} ms, most {max(took):.1f} ms"


def measure(engine: Engine, rounds: int) -> None:
    """The audit, alone and beside placing."""
    shop = Shop(PostgresAdapters(engine, b"the secret of the bench, 32 bytes"))
    for number in range(rounds):
        begun = time.perf_counter()
        found = shop.audit()
        print(f"audit {number + 1} alone: {time.perf_counter() - begun:.2f} s, {len(found)} differences", flush=True)
    with orders_beside(shop) as took:
        time.sleep(5)
    print(f"placing alone: {_shown(took)}")
    with orders_beside(shop) as took:
        begun = time.perf_counter()
        found = shop.audit()
        seconds = time.perf_counter() - begun
    print(f"audit beside placing: {seconds:.2f} s, {len(found)} differences")
    print(f"placing beside the audit: {_shown(took)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--movements", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3, help="audits before placing starts")
    parser.add_argument("--url", default="", help="of an empty database; without one, a server of its own")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="shop-bench-") as folder:
        if given.url:
            run(given.url, given.movements, given.rounds)
        else:
            with EmbeddedPostgres(Path(folder, "data")) as server:
                run(server.url(), given.movements, given.rounds)


def run(url: str, movements: int, rounds: int) -> None:
    """Fill and measure."""
    engine = make_engine(url, connections=4, wait_s=30)
    migrate(engine, "EUR")
    fill(engine, movements)
    measure(engine, rounds)
    engine.dispose()


if __name__ == "__main__":
    main()
