"""What lists of orders cost on PostgreSQL: rows and pages looked at, and statements sent. Never seconds."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

import pytest
from sqlalchemy import Engine, text
from verification.databases import adapters_on

from plans import analyze, costs, statements
from shop_adapters.listing import orders_of
from shop_adapters.postgres import PostgresAdapters
from shop_core import (
    SYSTEM,
    Actor,
    CursorRequest,
    LineRequest,
    OffsetRequest,
    Order,
    OrderQuery,
    OrderStatus,
    Page,
    PlacementRequest,
    Product,
    Role,
    Shop,
)
from shop_core.idempotency import Result
from shop_core.pagination import PageRequest, make_cursor
from shop_core.reservations.model import ReservationRequest
from shop_testing import Fixtures

ORDERS = 100_000
MANY, FEW = UUID(int=1), UUID(int=2)
"""Customers with 10,000 orders and with 10; the others are strewn over 1,000 more."""

# Every tenth order is one of the customer with many, every ten-thousandth of the one with few; a second apart each.
_FILL = f"""
INSERT INTO orders (customer_id, id, status, total_minor, version, created_at, updated_at, number)
SELECT CASE WHEN n % 10000 = 5 THEN '{FEW}'::uuid WHEN n % 10 = 0 THEN '{MANY}'::uuid
            ELSE lpad(to_hex(3 + n % 1000), 32, '0')::uuid END,
       (lpad(to_hex(1700000000000 + n * 1000), 12, '0') || '700080' || lpad(to_hex(n), 14, '0'))::uuid,
       CASE WHEN n % 1000 = 7 THEN 'placed' WHEN n % 1000 = 8 THEN 'confirmed' WHEN n % 20 = 9 THEN 'cancelled'
            ELSE 'delivered' END,
       100, 1, at, at, to_char(at AT TIME ZONE 'UTC', 'YYMMDD') || '-' || lpad(to_hex(n), 8, '0')
FROM generate_series(1, {ORDERS}) AS n, LATERAL (SELECT to_timestamp(1700000000 + n) AS at) AS placed
"""
_FILL_LINES = """
INSERT INTO order_lines (customer_id, order_id, line_no, product_id, sku, name, unit_price_minor, quantity)
SELECT customer_id, id, line_no, id, 'SKU', 'Lamp', 50, 1 FROM orders, generate_series(1, 2) AS line_no
"""
_FILL_EVENTS = """
INSERT INTO order_events (customer_id, order_id, seq, kind, status, total_minor, at, format, id)
SELECT customer_id, id, 1, 'placed', 'placed', 100, created_at, 1, gen_random_uuid() FROM orders
"""


def _id(number: int) -> UUID:
    """The id of the order with that number, as `_FILL` makes it."""
    return UUID(f"{1_700_000_000_000 + number * 1_000:012x}700080{number:014x}")


def _at(number: int) -> datetime:
    """When it was placed."""
    return datetime.fromtimestamp(1_700_000_000 + number, UTC)


@pytest.fixture(scope="module")
def stocked(new_engine: Callable[..., Engine]) -> Engine:
    """A hundred thousand orders of two lines."""
    engine = new_engine("shop_order_plans")
    with engine.begin() as connection:
        for statement in (_FILL, _FILL_LINES, _FILL_EVENTS):
            connection.execute(text(statement))
    analyze(engine)
    return engine


@pytest.fixture(scope="module")
def shop(stocked: Engine) -> Shop:
    """The shop with those orders."""
    return Shop(adapters_on(stocked))


# ---- what a page costs


def test_a_page_of_my_orders_costs_the_same_wherever_it_is_and_however_many_there_are(
    stocked: Engine, shop: Shop
) -> None:
    many, few = Actor(MANY, Role.CUSTOMER), Actor(FEW, Role.CUSTOMER)
    deep = make_cursor("orders", (str(_id(5_000)),))
    pages: dict[str, Callable[[], Page[Order]]] = {
        "first of many": lambda: shop.orders.mine(many, CursorRequest(9)),
        "deep of many": lambda: shop.orders.mine(many, CursorRequest(9, deep)),
        "first of few": lambda: shop.orders.mine(few, CursorRequest(9)),
    }
    assert {len(page().items) for page in pages.values()} == {9}
    found = {name: costs(stocked, page) for name, page in pages.items()}
    assert {name: len(cost) for name, cost in found.items()} == dict.fromkeys(pages, 1)
    (first,), (far,), (small,) = found.values()
    assert first.rows == far.rows == 10 + 10 + 10 * 2, found  # orders, the number of lines of each, and the lines
    assert small.rows <= 3 * 10 + 10 * 2, found  # so few that any index of the customer will do, by way of a bitmap
    assert max(first.buffers, far.buffers) <= small.buffers + 10, found
    for cost in (first, far):
        assert cost.used == {"orders_pkey", "order_lines_pkey"}, found
    assert not small.read_whole, found


@pytest.mark.parametrize(
    ("query", "index"),
    [
        (OrderQuery(), "orders_id_idx"),
        (OrderQuery(customer_id=FEW), None),  # either index that begins with the customer
        (OrderQuery(customer_id=MANY), "orders_pkey"),
        (OrderQuery(status=OrderStatus.PLACED), "orders_by_status_idx"),
        (OrderQuery(status=OrderStatus.CONFIRMED), "orders_by_status_idx"),
        (OrderQuery(customer_id=MANY, status=OrderStatus.PLACED), "orders_of_customer_idx"),
        (OrderQuery(customer_id=MANY, status=OrderStatus.CANCELLED), "orders_of_customer_idx"),
        (OrderQuery(number=f"231114-{1_000:08X}"), "orders_by_number_idx"),
        (OrderQuery(placed_from=_at(50_000), placed_before=_at(50_100)), "orders_by_time_idx"),
        (OrderQuery(placed_before=_at(100)), "orders_by_time_idx"),
        (OrderQuery(placed_from=_at(99_900)), None),
    ],
    ids=str,
)
@pytest.mark.parametrize("page_request", [OffsetRequest(20), CursorRequest(20)], ids=["offset", "cursor"])
def test_every_filter_of_the_staff_has_its_index(
    stocked: Engine, shop: Shop, query: OrderQuery, index: str | None, page_request: PageRequest
) -> None:
    listed, *counted = costs(stocked, lambda: shop.orders.find(SYSTEM, query, page_request))
    assert not listed.read_whole, listed
    if index is not None:
        assert index in listed.used, listed
    assert listed.rows <= 400, listed
    if query != OrderQuery():
        assert not any(cost.read_whole for cost in counted), counted


@pytest.mark.parametrize(
    "query",
    [
        OrderQuery(),
        OrderQuery(oldest_first=True),
        OrderQuery(status=OrderStatus.DELIVERED),
        OrderQuery(placed_from=_at(1)),
        OrderQuery(placed_before=_at(99_000)),
    ],
    ids=str,
)
def test_many_orders_of_mine_are_counted_up_to_a_thousand_without_a_look_at_the_table(
    stocked: Engine, shop: Shop, query: OrderQuery
) -> None:
    many = Actor(MANY, Role.CUSTOMER)
    _, counted = costs(stocked, lambda: shop.orders.find(many, query, OffsetRequest(10)))
    assert counted.used == {"orders_of_customer_idx"}, counted
    assert counted.rows <= 1_001, counted
    assert counted.buffers <= 60, counted
    page = shop.orders.find(many, query, OffsetRequest(10))
    assert page.count_is_estimate
    assert page.count is not None
    assert 4_000 < page.count < 11_000


@pytest.mark.parametrize("is_ascending", [False, True])
@pytest.mark.parametrize("status", [None, OrderStatus.DELIVERED])
def test_a_deep_page_of_my_orders_costs_what_the_first_costs(
    stocked: Engine, shop: Shop, status: OrderStatus | None, is_ascending: bool
) -> None:
    many, deep = Actor(MANY, Role.CUSTOMER), (str(_id(50_000)),)
    query = OrderQuery(status=status, oldest_first=is_ascending)
    cursors = None, make_cursor(orders_of(query).name, deep)
    (first,), (far,) = (
        costs(stocked, lambda c=cursor: shop.orders.find(many, query, CursorRequest(9, c)))  # type: ignore[misc]
        for cursor in cursors
    )
    assert first.rows == far.rows <= 40
    assert far.buffers <= first.buffers + 10


@pytest.mark.parametrize("status", [None, *OrderStatus])
def test_a_deep_page_of_everybodys_orders_costs_what_the_first_costs(
    stocked: Engine, shop: Shop, status: OrderStatus | None
) -> None:
    query, deep = OrderQuery(status=status), make_cursor("orders", (str(_id(30_000)),))
    (first,), (far,) = (
        costs(stocked, lambda c=cursor: shop.orders.find(SYSTEM, query, CursorRequest(9, c)))  # type: ignore[misc]
        for cursor in (None, deep)
    )
    assert first.rows == far.rows <= 40
    assert far.buffers <= first.buffers + 10


def test_an_order_and_its_timeline_are_found_by_their_keys(stocked: Engine, shop: Shop) -> None:
    few = Actor(FEW, Role.CUSTOMER)
    for actor in (few, SYSTEM):
        found = costs(
            stocked,
            lambda by=actor: (shop.orders.get(by, _id(5)), shop.orders.events(by, _id(5), OffsetRequest())),  # type: ignore[misc]
        )
        assert not any(cost.read_whole for cost in found), found
        assert sum(cost.rows for cost in found) <= 16, found


# ---- how many statements


@pytest.fixture
def small(postgres_adapters: PostgresAdapters) -> tuple[Shop, Fixtures, Engine]:
    """An empty shop."""
    return Shop(postgres_adapters), Fixtures(postgres_adapters), postgres_adapters.engine


def _warm_up(shop: Shop, fixtures: Fixtures, product: Product) -> None:
    """The rules of prices are read whole once for each version of the catalog; afterwards only the version is."""
    shop.orders.place(PlacementRequest(fixtures.new_id(), (LineRequest(product.id, 1),)))


def test_a_batch_of_fifty_orders_takes_as_many_statements_as_one(small: tuple[Shop, Fixtures, Engine]) -> None:
    shop, fixtures, engine = small
    products = [fixtures.product(f"Product {number}", units=1_000) for number in range(5)]
    _warm_up(shop, fixtures, products[0])
    counts = []
    for size in (1, 50):
        lines = tuple(LineRequest(product.id, 1) for product in products[:size])
        batch = [PlacementRequest(fixtures.new_id(), lines) for _ in range(size)]
        with statements(engine) as sent:
            outcomes = shop.orders.place_all(batch)
        assert all(isinstance(outcome, Result) for outcome in outcomes)
        counts.append([statement.split()[0] for statement, _ in sent])
    # The stock (locked, with the time after it); the products that are not known yet, with the version of the catalog;
    # orders with their lines; events with their messages; counters with the ledger.
    assert counts[0] == counts[1] == ["WITH", "SELECT", "WITH", "WITH", "WITH"]


def test_keys_cost_a_batch_one_statement_more_and_those_that_are_taken_another(
    small: tuple[Shop, Fixtures, Engine],
) -> None:
    shop, fixtures, engine = small
    product = fixtures.product(units=1_000)
    _warm_up(shop, fixtures, product)
    batch = [PlacementRequest(fixtures.new_id(), (LineRequest(product.id, 1),), key="mine") for _ in range(50)]
    with statements(engine) as sent:
        shop.orders.place_all(batch)
    assert len(sent) == 6, sent
    again = [*batch[:1], *(PlacementRequest(fixtures.new_id(), batch[0].lines, key="new") for _ in range(49))]
    with statements(engine) as sent:
        shop.orders.place_all(again)
    assert len(sent) == 6 + 3, sent  # which order has the key, whose it is, and the order


def test_a_reservation_takes_as_many_statements_for_fifty_as_for_one(small: tuple[Shop, Fixtures, Engine]) -> None:
    shop, fixtures, engine = small
    products = [fixtures.product(f"Product {number}", units=1_000) for number in range(5)]
    for size in (1, 50):
        lines = tuple(LineRequest(product.id, 1) for product in products[:size])
        with statements(engine) as sent:
            shop.reservations.reserve_all([ReservationRequest(fixtures.new_id(), lines) for _ in range(size)])
        # The customers, what they hold, the stock, the products; reservations, lines; counters with the ledger.
        assert len(sent) == 7, sent


def test_an_edit_takes_as_many_statements_for_a_hundred_lines_as_for_one(small: tuple[Shop, Fixtures, Engine]) -> None:
    shop, fixtures, engine = small
    products = [fixtures.product(f"Product {number}", units=1_000) for number in range(101)]
    ada = fixtures.customer()
    _warm_up(shop, fixtures, products[0])
    for chosen in (products[1:2], products[1:]):
        order = shop.orders.place(PlacementRequest(ada.account_id, (LineRequest(products[0].id, 1),)))
        with statements(engine) as sent:
            shop.orders.edit(ada, order.id, tuple(LineRequest(product.id, 2) for product in chosen))
        assert len(sent) == 9, sent
        with statements(engine) as sent:
            shop.orders.edit(ada, order.id, tuple(LineRequest(product.id, 2) for product in chosen))
        assert len(sent) == 4, sent  # the order, its lines, the stock, the catalog's version: nothing is written


def test_a_step_takes_few_statements(small: tuple[Shop, Fixtures, Engine]) -> None:
    shop, fixtures, engine = small
    products, ada = [fixtures.product(f"Product {number}", units=9) for number in range(9)], fixtures.customer()
    order = shop.orders.place(PlacementRequest(ada.account_id, tuple(LineRequest(p.id, 1) for p in products)))
    steps = (shop.orders.confirm, 5), (shop.orders.ship, 7), (shop.orders.deliver, 5)
    for step, count in steps:
        with statements(engine) as sent:
            step(SYSTEM, order.id)
        assert len(sent) == count, sent


@pytest.mark.parametrize("orders", [1, 30])
def test_a_list_takes_one_statement_and_one_to_count_however_long_it_is(
    small: tuple[Shop, Fixtures, Engine], orders: int
) -> None:
    shop, fixtures, engine = small
    ada = fixtures.customer()
    for _ in range(orders):
        fixtures.order(customer_id=ada.id)
        fixtures.order()
    mine, everybodys = (ada, OrderQuery()), (SYSTEM, OrderQuery())
    for actor, query in (mine, everybodys, (SYSTEM, OrderQuery(status=OrderStatus.PLACED))):
        for page_request, count in ((OffsetRequest(), 2), (CursorRequest(), 1)):
            with statements(engine) as sent:
                page = shop.orders.find(actor, query, page_request)
            assert (len(sent), len(page.items) >= orders) == (count, True)
    order = shop.orders.mine(ada, OffsetRequest()).items[0]
    for use, count in (
        (lambda: shop.orders.get(ada, order.id), 1),
        (lambda: shop.orders.events(ada, order.id, OffsetRequest()), 3),
        (lambda: shop.orders.events(ada, order.id, CursorRequest()), 2),
    ):
        with statements(engine) as sent:
            use()
        assert len(sent) == count, sent
