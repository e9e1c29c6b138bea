"""What the first page of the panel costs: as many statements in a large shop as in an empty one, and little Python."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median

import pytest
from litestar.testing import TestClient
from sqlalchemy import Engine, text
from verification.databases import adapters_on

from panel_browser import ORIGIN, Browser, text_of
from plans import analyze, statements
from shop_core import SYSTEM, LineRequest, PlacementRequest, Registration, Role, Shop
from shop_core.reservations.model import ReservationRequest
from shop_http.app import create_app
from shop_testing import Fixtures

PASSWORD = "numbers are music"
SIZE = 100_000
PYTHON_MS_MAX = 50
STATEMENTS_MAX = 40

_FILL = (
    f"""
INSERT INTO products (id, sku, name, name_key, sort_key, description, price_minor, image_urls, search, version,
                      created_at, updated_at)
SELECT gen_random_uuid(), 'SKU-' || n, 'Product ' || n, 'product ' || n, 'product ' || n, '', n, '{{}}',
       to_tsvector('simple', 'product'), 1, now(), now()
FROM generate_series(1, {SIZE}) AS n
""",
    """
INSERT INTO stock_levels (product_id, on_hand, allocated, reserved, shortfall, low_stock_level)
SELECT id, price_minor % 10, 0, 0, 0, CASE WHEN price_minor % 2 = 0 THEN 5 END
FROM products WHERE NOT EXISTS (SELECT FROM stock_levels WHERE product_id = products.id)
""",
    f"""
INSERT INTO orders (customer_id, id, status, total_minor, version, created_at, updated_at, number)
SELECT lpad(to_hex(3 + n % 1000), 32, '0')::uuid, gen_random_uuid(),
       CASE WHEN n % 20 = 7 THEN 'placed' WHEN n % 20 = 8 THEN 'confirmed' ELSE 'delivered' END,
       100, 1, at, at, to_char(at AT TIME ZONE 'UTC', 'YYMMDD') || '-' || lpad(to_hex(n), 8, '0')
FROM generate_series(1, {SIZE}) AS n, LATERAL (SELECT now() - n * interval '12 seconds' AS at) AS placed
""",
    """
INSERT INTO order_lines (customer_id, order_id, line_no, product_id, sku, name, unit_price_minor, quantity)
SELECT customer_id, id, 1, id, 'SKU', 'Lamp', 100, 1 FROM orders
WHERE NOT EXISTS (SELECT FROM order_lines WHERE order_id = orders.id)
""",
)


@contextmanager
def today(engine: Engine) -> Iterator[Callable[[], str]]:
    """Opens the page of somebody who is logged in already."""
    shop = Shop(adapters_on(engine))
    shop.accounts.register(Registration("grace", PASSWORD), actor=SYSTEM, role=Role.STAFF)
    with TestClient(create_app(shop, threads=2), base_url=ORIGIN) as client:
        browser = Browser(client)
        browser.log_in("grace", PASSWORD)
        yield lambda: text_of(browser.get())


def test_the_page_of_today_asks_the_database_as_often_however_much_there_is(new_engine: Callable[..., Engine]) -> None:
    engine = new_engine("shop_today")
    with today(engine) as look:
        with statements(engine) as of_an_empty_shop:
            assert "Orders to confirm 0" in look()
        adapters = adapters_on(engine)
        shop, fixtures = Shop(adapters), Fixtures(adapters)
        for _ in range(8):
            product, customer = fixtures.product(units=9), fixtures.customer()
            lines = (LineRequest(product.id, 2),)
            shop.inventory.set_low_stock_level(SYSTEM, product.id, 9)
            shop.reservations.reserve(ReservationRequest(customer.account_id, lines))
            for step in (None, shop.orders.confirm):
                order = shop.orders.place(PlacementRequest(customer.account_id, lines))
                if step:
                    step(SYSTEM, order.id)
            shop.inventory.adjust(SYSTEM, product.id, -8, "a flood")
        with statements(engine) as of_a_small_one:
            page = look()
    assert "Orders to confirm 8" in page
    assert "Orders to ship 8" in page
    assert "Low stock 8" in page
    assert "Promised, but missing 5 or more" in page
    assert "Reservations 5 or more" in page
    assert len(of_a_small_one) <= len(of_an_empty_shop) + 4, "the lines of what is found, once for each list"
    assert len(of_a_small_one) <= STATEMENTS_MAX


@pytest.mark.slow
def test_with_100_000_orders_and_products_today_costs_little_python(
    new_engine: Callable[..., Engine], record_property: Callable[[str, object], None]
) -> None:
    engine = new_engine("shop_today_at_scale")
    with engine.begin() as connection:
        for statement in _FILL:
            connection.execute(text(statement))
    analyze(engine)
    with today(engine) as look:
        pages = [look() for _ in range(3)]  # whatever is read once is read
        assert "Orders to confirm 5,000" in pages[0].replace("5000", "5,000")
        with statements(engine) as asked:
            look()
        python_ms, wall_ms = [], []
        for _ in range(15):
            cpu, wall = time.process_time(), time.perf_counter()
            look()
            python_ms.append((time.process_time() - cpu) * 1000)
            wall_ms.append((time.perf_counter() - wall) * 1000)
    figures = f"{median(python_ms):.0f} ms of Python, {median(wall_ms):.0f} ms in all, {len(asked)} statements"
    record_property("today", figures)
    print(f"\ntoday with {SIZE:,} orders and products: {figures}")
    assert median(python_ms) <= PYTHON_MS_MAX
    assert len(asked) <= STATEMENTS_MAX
