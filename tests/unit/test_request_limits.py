"""A request arrives in time and is answered in time, or its client is told so; and what was begun is not lost."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import Future
from typing import Any
from uuid import uuid4

import pytest
from litestar.testing import TestClient

from shop_adapters.memory import MemoryAdapters
from shop_adapters.order_batcher import OrderBatcher
from shop_core import (
    SYSTEM,
    Actor,
    LineRequest,
    Money,
    Order,
    PlacementRequest,
    ProductDetails,
    Registration,
    Role,
    Shop,
)
from shop_core.idempotency import Result
from shop_core.ports import UnitOfWork
from shop_http.app import create_app
from shop_http.middleware.request_limits import Deadlines
from shop_http.server.worker_pools import Pool
from shop_testing import in_background
from shop_testing.concurrency import TIMEOUT_S

PASSWORD = "numbers are music"
Json = dict[str, Any]
DEADLINES = Deadlines()
Receive = Callable[[], Awaitable[Json]]


class MovableLoop(asyncio.SelectorEventLoop):
    """An event loop whose time can be moved, so that nobody has to wait for a deadline."""

    ahead_s = 0.0

    def time(self) -> float:
        return super().time() + self.ahead_s

    def advance(self, seconds: float) -> None:
        self.ahead_s += seconds


def advance(seconds: float) -> None:
    """Move the time of the loop that runs here."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, MovableLoop)
    loop.advance(seconds)


async def never() -> Json:
    """A client that sends nothing more for an hour."""
    advance(3_600)
    await asyncio.Event().wait()
    raise AssertionError


async def drop() -> Json:
    """A client that sends its body one byte a second, and does not come to an end."""
    advance(1)
    await asyncio.sleep(0)
    return {"type": "http.request", "body": b" ", "more_body": True}


HEAD = [(b"content-type", b"application/json"), (b"content-length", b"4000"), (b"host", b"shop.test")]


def answer_to(
    receive: Receive,
    path: str = "/api/v1/auth/token",
    deadlines: Deadlines = DEADLINES,
    shop: Shop | None = None,
    head: Sequence[tuple[bytes, bytes]] = HEAD,
) -> Any:
    """Status, head and body of the answer to a POST whose body comes from `receive`."""
    said: list[Any] = []

    async def send(message: Any) -> None:
        said.append(message)

    async def ask() -> None:
        scope: Any = {"type": "http", "method": "POST", "path": path, "raw_path": path.encode(), "query_string": b""}
        scope |= {"headers": list(head), "scheme": "http", "server": ("shop.test", 80), "client": None, "root_path": ""}
        app = create_app(shop or Shop(MemoryAdapters()), deadlines=deadlines)
        await app({**scope, "http_version": "1.1", "state": {}, "extensions": {}}, receive, send)  # type: ignore[arg-type]

    with asyncio.Runner(loop_factory=MovableLoop) as runner:
        runner.run(ask())
    start, body = said
    answered = {name.decode(): value.decode() for name, value in start["headers"]}
    return start["status"], answered, json.loads(body["body"])


@pytest.mark.parametrize("receive", [never, drop])
def test_a_body_that_does_not_come_to_its_end_is_not_waited_for(receive: Receive) -> None:
    status, head, problem = answer_to(receive)
    assert (status, problem["code"]) == (408, "request_timeout")
    assert problem["request_id"] == head["x-request-id"]
    assert head["connection"] == "close"


@pytest.mark.parametrize("receive", [never, drop])
def test_a_body_that_nobody_wants_is_not_waited_for_either(receive: Receive) -> None:
    status, head, problem = answer_to(receive, "/api/v1/orders")
    assert (status, problem["code"], head["connection"]) == (401, "unauthenticated", "close")


def test_an_answer_that_takes_too_long_is_given_up() -> None:
    status, head, problem = answer_to(never, deadlines=Deadlines(receive_s=10, answer_s=5))
    assert (status, problem["code"]) == (503, "unavailable")
    assert int(head["retry-after"]) >= 1
    assert head["connection"] == "close"


class SlowStore(MemoryAdapters):
    """A store in which the order batcher waits until the gate is open."""

    def __init__(self) -> None:
        super().__init__()
        self.reached, self.gate = threading.Event(), threading.Event()

    @contextlib.contextmanager
    def begin(self) -> Iterator[UnitOfWork]:
        """Wait, if the order batcher asks."""
        if threading.current_thread().name == "order-batcher":
            self.reached.set()
            assert self.gate.wait(TIMEOUT_S)
        with super().begin() as uow:
            yield uow


def test_an_order_whose_answer_came_too_late_is_found_by_its_key() -> None:
    store = SlowStore()
    shop = Shop(store)
    lamp = shop.catalog.create_product(SYSTEM, ProductDetails("LAMP-1", "Lamp", Money.parse("2", "EUR"))).product
    shop.inventory.receive(SYSTEM, lamp.id, 3)
    shop.accounts.register(Registration("ada", PASSWORD))
    batcher = OrderBatcher(shop, uuid4)
    head = {"Authorization": f"Bearer {shop.sessions.log_in('ada', PASSWORD).access}", "Idempotency-Key": "once"}
    wish = {"lines": [{"product_id": str(lamp.id), "quantity": 2}]}
    loops: list[MovableLoop] = []

    def place(request: PlacementRequest) -> Future[Result[Order]]:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, MovableLoop)
        loops.append(loop)
        return batcher.place(request)

    app = create_app(shop, place=place, background=[batcher])
    with TestClient(app, backend_options={"loop_factory": MovableLoop}) as client:
        late = in_background(lambda: client.post("/api/v1/orders", json=wish, headers=head))
        assert store.reached.wait(TIMEOUT_S)
        loops[0].call_soon_threadsafe(loops[0].advance, DEADLINES.answer_s)
        answer = late.result(TIMEOUT_S)
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        store.gate.set()
    with TestClient(create_app(shop)) as client:  # the batch is done, since the first server was closed
        found = client.post("/api/v1/orders", json=wish, headers=head)
    assert (found.status_code, found.headers["idempotency-replayed"]) == (201, "true")
    assert shop.inventory.level(SYSTEM, lamp.id).available == 1


@pytest.mark.parametrize(
    ("step", "length", "status", "state"),
    [
        ("cancel", "0", 200, "cancelled"),
        ("cancel", "9", 408, "placed"),
        ("confirm", "0", 200, "confirmed"),  # which takes no fields
        ("confirm", "9", 408, "placed"),
    ],
)
def test_a_step_is_begun_only_when_the_whole_body_is_here(step: str, length: str, status: int, state: str) -> None:
    """Otherwise its client would hear that the request did not arrive, and it would be carried out."""
    shop = Shop(MemoryAdapters())
    lamp = shop.catalog.create_product(SYSTEM, ProductDetails("LAMP-1", "Lamp", Money.parse("2", "EUR"))).product
    shop.inventory.receive(SYSTEM, lamp.id, 3)
    customer = shop.accounts.register(Registration("ada", PASSWORD), actor=SYSTEM, role=Role.STAFF)
    actor = Actor(customer.id, Role.CUSTOMER)
    order = shop.orders.place(PlacementRequest(customer.id, (LineRequest(lamp.id, 1),)))
    head = [(b"content-type", b"application/json"), (b"content-length", length.encode()), (b"host", b"shop.test")]
    head.append((b"authorization", f"Bearer {shop.sessions.log_in('ada', PASSWORD).access}".encode()))
    found, _, _ = answer_to(never, f"/api/v1/orders/{order.id}/{step}", shop=shop, head=head)
    assert (found, shop.orders.get(actor, order.id).status) == (status, state)


def test_a_large_body_is_read_in_a_thread_so_that_what_is_wrong_with_it_holds_up_nobody() -> None:
    shop, gate = Shop(MemoryAdapters()), threading.Event()
    app = create_app(shop)
    with TestClient(app) as client:
        shop.accounts.register(Registration("ada", PASSWORD))
        head = {"Authorization": f"Bearer {shop.sessions.log_in('ada', PASSWORD).access}"}

        def place(lines: int) -> int:
            wish = {"lines": [{"product_id": "none", "quantity": 1}] * lines}
            return client.post("/api/v1/orders", json=wish, headers=head).status_code

        waiting = [app.state.pools.submit(Pool.SLOW, lambda: gate.wait(TIMEOUT_S)) for _ in range(2)]
        large = in_background(lambda: place(1_000))
        assert place(1) == 400
        assert not large.done()
        gate.set()
        assert large.result(TIMEOUT_S) == 400
        assert all(each.result(TIMEOUT_S) for each in waiting)
