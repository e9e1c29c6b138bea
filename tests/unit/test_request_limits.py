"""A request arrives in time and is answered in time, or its client is told so; and what was begun is not lost."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
from collections.abc import Awaitable, Callable, Iterator
from typing import Any
from uuid import uuid4

import pytest
from litestar.testing import TestClient

from shop_adapters.memory import MemoryAdapters
from shop_adapters.order_batcher import OrderBatcher
from shop_core import SYSTEM, Money, ProductDetails, Registration, Shop
from shop_core.ports import UnitOfWork
from shop_http.app import create_app
from shop_http.middleware.request_limits import Deadlines

PASSWORD = "numbers are music"
Json = dict[str, Any]
Receive = Callable[[], Awaitable[Json]]

SHORT = Deadlines(receive_s=0.05)


async def never() -> Json:
    """A client that has said nothing more."""
    await asyncio.Event().wait()
    raise AssertionError


async def drop() -> Json:
    """A client that sends its body one byte at a time, and does not come to an end."""
    await asyncio.sleep(0.001)
    return {"type": "http.request", "body": b" ", "more_body": True}


def answer_to(receive: Receive, path: str = "/api/v1/auth/token", deadlines: Deadlines = SHORT) -> Any:
    """Status, head and body of the answer to a POST whose body comes from `receive`."""
    said: list[Any] = []

    async def send(message: Any) -> None:
        said.append(message)

    async def ask() -> None:
        head = [(b"content-type", b"application/json"), (b"content-length", b"4000"), (b"host", b"shop.test")]
        scope = {"type": "http", "method": "POST", "path": path, "raw_path": path.encode(), "query_string": b""}
        scope |= {"headers": head, "scheme": "http", "server": ("shop.test", 80), "client": None, "root_path": ""}
        app = create_app(Shop(MemoryAdapters()), deadlines=deadlines)
        await app({**scope, "http_version": "1.1", "state": {}, "extensions": {}}, receive, send)  # type: ignore[arg-type, typeddict-item]

    asyncio.run(asyncio.wait_for(ask(), 10))
    start, body = said
    head = {name.decode(): value.decode() for name, value in start["headers"]}
    return start["status"], head, json.loads(body["body"])


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


def test_an_answer_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    status, head, problem = answer_to(never, deadlines=Deadlines(receive_s=10, answer_s=0.05))
    assert (status, problem["code"]) == (503, "unavailable")
    assert int(head["retry-after"]) >= 1
    assert head["connection"] == "close"


class SlowStore(MemoryAdapters):
    """A store in which the train has to wait at the gate."""

    def __init__(self) -> None:
        super().__init__()
        self.reached, self.gate = threading.Event(), threading.Event()

    @contextlib.contextmanager
    def begin(self) -> Iterator[UnitOfWork]:
        """Wait, if it is the train."""
        if threading.current_thread().name == "order-train":
            self.reached.set()
            assert self.gate.wait(10)
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
    app = create_app(shop, deadlines=Deadlines(answer_s=0.05), place=batcher.place, background=[batcher])
    with TestClient(app) as client:
        late = client.post("/api/v1/orders", json=wish, headers=head)
        assert (late.status_code, late.json()["code"]) == (503, "unavailable")
        assert store.reached.wait(10)
        store.gate.set()
    with TestClient(create_app(shop)) as client:  # the batch has ended, since the first server was closed
        found = client.post("/api/v1/orders", json=wish, headers=head)
    assert (found.status_code, found.headers["idempotency-replayed"]) == (201, "true")
    assert shop.inventory.level(SYSTEM, lamp.id).available == 1
