"""Worker pools: slow work holds up nobody but slow work, and a full pool refuses at once."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Iterator
from typing import Any, cast

import pytest
from litestar.testing import TestClient

from shop_adapters.memory import MemoryAdapters
from shop_adapters.passwords import ScryptPasswords
from shop_core import Shop
from shop_core.errors import Unavailable
from shop_http.app import create_app
from shop_http.requests import read_query
from shop_http.routes.catalog import ProductsQuery, list_products
from shop_http.routing import handler_of
from shop_http.server.worker_pools import HASHING_NICE, Pool, WorkerPools
from shop_testing.concurrency import TIMEOUT_S


@pytest.fixture
def pools() -> Iterator[WorkerPools]:
    """Two pools with a thread each; one may wait in each."""
    pools = WorkerPools({Pool.FAST: 1, Pool.SLOW: 1}, {Pool.FAST: 1, Pool.SLOW: 1})
    yield pools
    pools.close()


def test_a_full_pool_refuses_at_once_and_the_others_go_on(pools: WorkerPools) -> None:
    async def fixtures() -> None:
        gate = threading.Event()
        works, waits = (asyncio.ensure_future(pools.run(Pool.SLOW, lambda: gate.wait(TIMEOUT_S))) for _ in range(2))
        await asyncio.sleep(0)
        with pytest.raises(Unavailable, match="Nothing was done"):
            await pools.run(Pool.SLOW, lambda: None)
        assert await pools.run(Pool.FAST, lambda: "through") == "through"
        gate.set()
        assert await works
        assert await waits
        assert await pools.run(Pool.SLOW, lambda: "free again") == "free again"

    asyncio.run(fixtures())


def test_a_place_is_free_again_after_work_that_failed_or_that_nobody_waits_for(pools: WorkerPools) -> None:
    async def fixtures() -> None:
        for _ in range(5):
            with pytest.raises(ZeroDivisionError):
                await pools.run(Pool.FAST, lambda: 1 / 0)
        gate = threading.Event()
        works, waits = (asyncio.ensure_future(pools.run(Pool.FAST, lambda: gate.wait(TIMEOUT_S))) for _ in range(2))
        await asyncio.sleep(0)
        waits.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waits
        gate.set()
        await works
        for _ in range(5):
            assert await pools.run(Pool.FAST, lambda: "free") == "free"

    asyncio.run(fixtures())


class SlowPasswords(ScryptPasswords):
    """Hashes for as long as the test likes."""

    def __init__(self) -> None:
        super().__init__(2**4)
        self.gate = threading.Event()
        self.at_work = 0

    def verify(self, password_hash: str | None, password: str) -> bool:
        self.at_work += 1
        assert self.gate.wait(TIMEOUT_S)
        return super().verify(password_hash, password)


def test_a_flood_of_logins_leaves_other_routes_usable_and_is_refused_beyond_its_queue() -> None:
    passwords = SlowPasswords()
    shop = Shop(MemoryAdapters(passwords=passwords))
    statuses: list[int] = []
    with TestClient(create_app(shop, threads=2)) as client:

        def log_in(number: int) -> None:
            credentials = {"username": f"ada-{number}", "password": "guess"}
            statuses.append(client.post("/api/v1/auth/token", json=credentials).status_code)

        more_than_fit = (os.cpu_count() or 1) + 40  # a thread for each core but one, and 16 who wait
        flood = [threading.Thread(target=log_in, args=[number]) for number in range(more_than_fit)]
        for one in flood:
            one.start()
        while len(statuses) < 10:  # those who find no place do not wait for the hashes
            pass
        assert set(statuses) == {503}
        assert client.get("/api/v1/products").status_code == 200
        passwords.gate.set()
        for one in flood:
            one.join(TIMEOUT_S)
    assert set(statuses) == {401, 503}
    assert statuses.count(401) >= 16


def test_closed_pools_refuse() -> None:
    """The client has hung up already: the server waits for all others before it closes them."""
    pools = WorkerPools({Pool.FAST: 1}, {Pool.FAST: 1})
    pools.close()

    async def come() -> None:
        for _ in range(3):  # more than there are places
            with pytest.raises(Unavailable, match="shutting down"):
                await pools.run(Pool.FAST, int)

    asyncio.run(come())


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has priorities of threads")
def test_hashing_has_a_low_priority_and_other_work_has_not() -> None:
    pools = WorkerPools({Pool.FAST: 1, Pool.HASHING: 1}, {Pool.FAST: 1, Pool.HASHING: 1})

    def nice() -> int:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    try:
        assert pools.submit(Pool.FAST, nice).result(TIMEOUT_S) == nice(), "that of the process, whatever it is"
        assert pools.submit(Pool.HASHING, nice).result(TIMEOUT_S) == min(nice() + HASHING_NICE, 19)
    finally:
        pools.close()


@pytest.mark.parametrize(
    ("query", "pool"),
    [
        ("cursor=", Pool.FAST),
        ("cursor=&limit=100&sort=name", Pool.FAST),
        ("cursor=&keyword=%20", Pool.FAST),
        ("", Pool.SLOW),
        ("page=3", Pool.SLOW),
        ("cursor=&%6beyword=lamp", Pool.SLOW),
        ("cursor=&min_quantity=5", Pool.SLOW),
        ("cursor=&in_stock=false", Pool.SLOW),
        ("cursor=&min_price=1", Pool.SLOW),
    ],
)
def test_the_threads_for_a_list_of_products_are_chosen_by_what_it_looks_at(query: str, pool: Pool) -> None:
    declared = handler_of(list_products)
    assert declared is not None
    assert not isinstance(chosen := declared.operation.pool, Pool)
    assert chosen(cast(Any, None), read_query(ProductsQuery, query.encode())) is pool
