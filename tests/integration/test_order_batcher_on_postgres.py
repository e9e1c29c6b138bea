"""Order batchers on PostgreSQL: several on one database, and connections that are cut under them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from uuid import UUID

import pytest
from sqlalchemy import Engine, text
from verification.databases import adapters_on

from shop_adapters.order_batcher import OrderBatcher
from shop_adapters.postgres import PostgresAdapters, make_engine
from shop_core import SYSTEM, LineRequest, Order, PlacementRequest, Shop
from shop_core.errors import InsufficientStock, Unavailable
from shop_core.idempotency import Result
from shop_testing import Fixtures
from shop_testing.concurrency import TIMEOUT_S


@pytest.fixture(scope="module")
def url(new_engine: Callable[..., Engine]) -> str:
    """A migrated database."""
    return new_engine("shop_batchers").url.render_as_string(hide_password=False)


@pytest.fixture
def processes(url: str) -> Iterator[list[tuple[PostgresAdapters, OrderBatcher]]]:
    """Two batchers as in two processes: with connections of their own."""
    engines = [make_engine(url, connections=3) for _ in range(2)]
    adapters = [adapters_on(engine) for engine in engines]
    batchers = [OrderBatcher(Shop(each), each.new_id, batch_size_max=8, wait_max_s=TIMEOUT_S) for each in adapters]
    for batcher in batchers:
        batcher.start()
    yield list(zip(adapters, batchers, strict=True))
    for batcher in batchers:
        batcher.stop()
    for engine in engines:
        engine.dispose()


def test_two_batchers_sell_exactly_what_there_is(processes: list[tuple[PostgresAdapters, OrderBatcher]]) -> None:
    adapters = processes[0][0]
    fixtures, shop = Fixtures(adapters), Shop(adapters)
    lamp, chair = fixtures.product("Lamp", units=20), fixtures.product("Chair", units=500)
    lines = (LineRequest(chair.id, 1), LineRequest(lamp.id, 1))
    futures = [
        batcher.place(PlacementRequest(fixtures.new_id(), order))
        for _ in range(50)
        for _, batcher in processes
        for order in (lines, lines[::-1])
    ]
    outcomes = Counter(type(future.exception(TIMEOUT_S)) for future in futures)
    assert outcomes == {type(None): 20, InsufficientStock: 180}
    assert fixtures.level(lamp.id).allocated == fixtures.level(chair.id).allocated == 20
    assert shop.audit() == []


def test_duplicates_in_two_batchers_are_one_order(processes: list[tuple[PostgresAdapters, OrderBatcher]]) -> None:
    fixtures = Fixtures(processes[0][0])
    lamp, ada = fixtures.product("Lamp", units=100), fixtures.customer()
    requests = [
        PlacementRequest(ada.account_id, (LineRequest(lamp.id, 1),), key=f"key {number}") for number in range(30)
    ]
    futures = [(request.key, batcher.place(request)) for request in requests for _, batcher in processes]
    made: dict[str | None, set[UUID]] = {}
    for key, future in futures:
        made.setdefault(key, set()).add(future.result(TIMEOUT_S).value.id)
    assert all(len(ids) == 1 for ids in made.values())
    assert fixtures.level(lamp.id).allocated == 30


def test_cut_connections_lose_and_double_nothing(
    processes: list[tuple[PostgresAdapters, OrderBatcher]], url: str
) -> None:
    """Who has no answer asks again with the same key, as a phone does; who has no key may ask once only."""
    adapters, batcher = processes[0]
    fixtures, shop = Fixtures(adapters), Shop(adapters)
    lamp = fixtures.product("Lamp", units=1_000)
    executioner = make_engine(url, connections=1)
    placed_orders: list[Order] = []
    lost = 0
    for number in range(12):
        requests = [
            PlacementRequest(
                fixtures.new_id(), (LineRequest(lamp.id, 1),), key=f"{number} {each}" if each % 2 else None
            )
            for each in range(20)
        ]
        futures = [batcher.place(request) for request in requests]
        _cut_all_lines(executioner)
        for request, future in zip(requests, futures, strict=True):
            answer = _answer(batcher, request, future)
            placed_orders += [answer.value] if answer else []
            lost += answer is None
    executioner.dispose()
    assert len({order.id for order in placed_orders}) == len(placed_orders) >= 120
    placed = fixtures.level(lamp.id).allocated
    assert len(placed_orders) <= placed <= len(placed_orders) + lost, (
        "only a client without a response may have an order that it does not know"
    )
    assert all(shop.orders.get(SYSTEM, order.id) == order for order in placed_orders)
    assert shop.audit() == []


def _answer(batcher: OrderBatcher, request: PlacementRequest, future: Future[Result[Order]]) -> Result[Order] | None:
    for _ in range(20):
        failure = future.exception(TIMEOUT_S)
        if failure is None:
            return future.result()
        assert isinstance(failure, Unavailable), failure
        if request.key is None:
            return None
        future = batcher.place(request)
    raise AssertionError("never answered")


def _cut_all_lines(executioner: Engine) -> None:
    with executioner.begin() as connection:
        connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )
