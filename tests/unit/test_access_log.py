"""What the log says of each request, and what it never says."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from litestar.testing import TestClient

from shop_adapters.memory import MemoryAdapters
from shop_core import SYSTEM, Money, ProductDetails, Registration, Role, Shop
from shop_http.app import create_app
from shop_http.middleware.access_log import GONE, RequestRecord, access_log
from shop_http.routing import App
from shop_http.server.log import configure, request_lines

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"


@dataclass
class World:
    """A shop with one lamp for sale, whose answers are kept, and who writes its log into `file`."""

    file: io.StringIO = field(default_factory=io.StringIO)
    shop: Shop = field(default_factory=lambda: Shop(MemoryAdapters()))

    def __post_init__(self) -> None:
        details = ProductDetails("LAMP-1", "Brass lamp", Money.parse("24.90", "EUR"))
        self.product = self.shop.catalog.create_product(SYSTEM, details).product
        self.shop.inventory.receive(SYSTEM, self.product.id, 1)
        self.account = self.shop.accounts.register(
            Registration("ada", "numbers are music"), actor=SYSTEM, role=Role.CUSTOMER
        )
        self.access = self.shop.sessions.log_in("ada", "numbers are music").access
        app = create_app(
            self.shop, threads=2, cache_validator=lambda: 1, observers=[request_lines("json", file=self.file)]
        )
        self.client = TestClient(app)

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.file.getvalue().splitlines()]

    def line_of(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        """The one line that a request is worth."""
        before = len(self.lines())
        answer = self.client.request(method, path, **more)
        (line,) = self.lines()[before:]
        assert line["status"] == answer.status_code
        assert line["bytes"] == len(answer.content)
        assert line["request_id"] == answer.headers["x-request-id"]
        assert line["method"] == method
        assert 0 <= line["duration_ms"] < 60_000
        return line

    @property
    def logged_in(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.access}"}


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    with world.client:
        yield world


@pytest.mark.parametrize(
    ("method", "path", "more", "status", "route", "code"),
    [
        ("GET", "/api/v1/products", {}, 200, "/api/v1/products", None),
        ("HEAD", "/api/v1/products", {}, 200, "/api/v1/products", None),
        ("GET", "/health/live", {}, 200, "/health/live", None),
        ("GET", "/api/v1/orders", {}, 401, "/api/v1/orders", "unauthenticated"),
        ("GET", "/api/v1/products?colour=red", {}, 400, "/api/v1/products", "invalid_input"),
        ("GET", "/nowhere", {}, 404, None, "not_found"),
        ("DELETE", "/api/v1/products", {}, 405, None, "method_not_allowed"),
        ("OPTIONS", "/api/v1/products", {}, 204, "/api/v1/products", None),
        ("POST", "/api/v1/auth/token", {"content": b"{}"}, 415, "/api/v1/auth/token", "unsupported_media_type"),
        ("POST", "/api/v1/auth/token", {"json": {"x": "y" * 5000}}, 413, "/api/v1/auth/token", "body_too_large"),
    ],
)
def test_every_request_is_worth_one_line_whoever_answered_it(
    world: World, method: str, path: str, more: dict[str, Any], status: int, route: str | None, code: str | None
) -> None:
    line = world.line_of(method, path, **more)
    assert (line["status"], line["route"], line.get("code")) == (status, route, code)
    assert line["address"]


def test_a_fault_of_the_server_has_its_line_too(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(world.shop.orders), "get", lambda *_: 1 / 0)
    path = f"/api/v1/orders/{world.product.id}"
    line = world.line_of("GET", path, headers=world.logged_in)
    assert (line["status"], line["code"], line["route"]) == (500, "internal_error", "/api/v1/orders/{order_id}")


def test_an_answer_that_was_kept_is_logged_like_the_one_that_was_worked_out(world: World) -> None:
    path = f"/api/v1/products/{world.product.id}"
    first, second = (world.line_of("GET", path) for _ in range(2))
    assert first["route"] == second["route"] == "/api/v1/products/{product_id}"
    etag = world.client.get(path).headers["etag"]
    third = world.line_of("GET", path, headers={"If-None-Match": etag})
    assert (third["status"], third["route"], third["bytes"]) == (304, "/api/v1/products/{product_id}", 0)


def test_the_line_names_the_account_and_never_more_of_it(world: World) -> None:
    line = world.line_of("GET", "/api/v1/orders", headers=world.logged_in)
    assert line["account_id"] == str(world.account.id)
    assert "account_id" not in world.line_of("GET", "/api/v1/products", headers=world.logged_in)
    assert world.access not in world.file.getvalue()
    assert "ada" not in json.dumps(line)


def test_a_replay_is_marked(world: World) -> None:
    order = {"lines": [{"product_id": str(world.product.id), "quantity": 1}]}
    headers = world.logged_in | {"Idempotency-Key": "k-1"}
    first, second = (world.line_of("POST", "/api/v1/orders", json=order, headers=headers) for _ in range(2))
    assert "replayed" not in first
    assert (second["status"], second["replayed"]) == (201, True)


def test_an_address_that_is_none_of_ours_is_shown_without_query_and_harmless(world: World) -> None:
    line = world.line_of("GET", "/no%0Awhere%1B[31m?token=secret")
    assert line["path"] == "/no%0Awhere%1B%5B31m"
    assert len(world.line_of("GET", "/" + "x" * 3000)["path"]) == 200


@pytest.mark.parametrize(
    "sent",
    [f"00-{TRACE}-{PARENT}-01", f"00-{TRACE}-{PARENT}-00", f"cc-{TRACE}-{PARENT}-01-what-comes-later"],
)
def test_a_traceparent_is_understood(world: World, sent: str) -> None:
    line = world.line_of("GET", "/health/live", headers={"traceparent": sent})
    assert (line["trace_id"], line["parent_id"]) == (TRACE, PARENT)


@pytest.mark.parametrize(
    "sent",
    [
        "",
        "secret",
        f"ff-{TRACE}-{PARENT}-01",
        f"00-{'0' * 32}-{PARENT}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{PARENT}-01",
        f"00-{TRACE}-{PARENT}-01-more",
        f"00-{TRACE}-{PARENT}-01x",
        f"00-{TRACE}-{PARENT}",
    ],
)
def test_a_traceparent_that_is_none_leaves_no_trace(world: World, sent: str) -> None:
    assert "trace_id" not in world.line_of("GET", "/health/live", headers={"traceparent": sent})


def test_two_traceparents_are_as_good_as_none(world: World) -> None:
    line = world.line_of("GET", "/health/live", headers=[("traceparent", f"00-{TRACE}-{PARENT}-01")] * 2)
    assert "trace_id" not in line


async def _leave(*_: object) -> None:
    """An application that never answers."""


def test_a_request_without_an_answer_is_told_apart() -> None:
    import asyncio

    records: list[RequestRecord] = []
    scope: Any = {"type": "http", "method": "BREW", "path": "/tea", "headers": [], "client": None}
    shop = create_app(Shop(MemoryAdapters()))
    app = App(shop.litestar, access_log([records.append])(_leave), shop.state)
    asyncio.run(app(scope, None, None))  # type: ignore[arg-type]
    (record,) = records
    assert (record.status, record.method, record.path) == (GONE, "other", "/tea")


@pytest.fixture
def _log_of_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers = []  # else they would be closed
    yield
    root.handlers = handlers
    root.setLevel(level)


@pytest.mark.usefixtures("_log_of_before")
def test_whatever_else_is_logged_is_one_line_of_json_too() -> None:
    configure("json", "info", file=(file := io.StringIO()))
    logging.getLogger("shop_adapters.order_batcher").warning("a batch of %d failed (%s)", 7, "no\nreason")
    logging.getLogger("shop_http").debug("not this")
    (line,) = file.getvalue().splitlines()
    said = json.loads(line)
    assert (said["event"], said["level"]) == ("a batch of 7 failed (no\nreason)", "warning")
    assert said["logger"] == "shop_adapters.order_batcher"
    assert said["at"].endswith("Z")


@pytest.mark.usefixtures("_log_of_before")
@pytest.mark.parametrize("form", ["json", "text"])
def test_a_traceback_shows_neither_variables_nor_rows(form: str) -> None:
    configure(form, "info", file=(file := io.StringIO()))
    planted = "hunter2"
    try:
        raise ValueError(f"no such row\nDETAIL:  Failing row contains (7, a\nb, {planted}).\n[SQL: INSERT]")
    except ValueError as error:
        logging.getLogger("shop_http").error("it failed", exc_info=error)
    said = file.getvalue()
    assert "no such row" in said
    assert "(left out)" in said
    assert "[SQL: INSERT]" in said
    assert planted not in said.replace("{planted}", "")


def test_text_is_for_people() -> None:
    write = request_lines("text", file=(file := io.StringIO()))
    write(RequestRecord("GET", "/docs", None, 200, None, False, 0.0015, 12, "abc", None, "::1", None, None))
    write(RequestRecord("GET", None, "/no", 404, "not_found", False, 0.12, 12, "abc", None, "::1", None, None))
    lines = [line[9:] for line in file.getvalue().splitlines()]  # after the time
    assert lines == ["GET /docs 200 1.5 ms", "GET /no 404 120.0 ms not_found"]


def test_a_log_that_cannot_be_written_is_no_reason_to_refuse_anything() -> None:
    write = request_lines("json", file=(file := io.StringIO()))
    file.close()
    write(RequestRecord("GET", "/docs", None, 200, None, False, 0.0015, 12, "abc", None, "::1", None, None))
