"""What the log says of each request, and what it never says."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from litestar.testing import TestClient

from shop_adapters.memory import MemoryAdapters
from shop_core import SYSTEM, Money, ProductDetails, Registration, Role, Shop
from shop_http.app import create_app
from shop_http.middleware.access_log import GONE, RequestRecord, access_log, request_lines
from shop_http.read_model import ID_BYTES
from shop_http.routing import App
from shop_http.server.log import configure, request_text

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"


def _ask(product_ids: bytes) -> tuple[int, list[int]]:
    return 1, [1] * (len(product_ids) // ID_BYTES)


@dataclass
class Setup:
    """A shop with one lamp for sale, whose answers are kept, and who writes its log into `file`."""

    file: io.BytesIO = field(default_factory=io.BytesIO)
    shop: Shop = field(default_factory=lambda: Shop(MemoryAdapters()))
    asked: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        details = ProductDetails("LAMP-1", "Brass lamp", Money.parse("24.90", "EUR"))
        self.product = self.shop.catalog.create_product(SYSTEM, details).product
        self.shop.inventory.receive(SYSTEM, self.product.id, 1)
        self.account = self.shop.accounts.register(
            Registration("ada", "numbers are music"), actor=SYSTEM, role=Role.CUSTOMER
        )
        self.access = self.shop.sessions.log_in("ada", "numbers are music").access

        async def ask(product_ids: bytes) -> tuple[int, int, bytes]:
            self.asked.append(len(product_ids))
            return 1, 1, b"\0\0\0\1" * (len(product_ids) // ID_BYTES)

        app = create_app(
            self.shop,
            threads=2,
            ask_catalog=ask,
            observers=[request_lines(self.file.write)],
        )
        self.client = TestClient(app)

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.file.getvalue().splitlines()]

    def line_of(self, method: str, path: str, **options: Any) -> dict[str, Any]:
        """The one line that a request is worth."""
        before = len(self.lines())
        answer = self.client.request(method, path, **options)
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


@pytest.fixture(scope="module")
def setup() -> Iterator[Setup]:
    """One for all tests: each asks for the lines of its own requests."""
    setup = Setup()
    with setup.client:
        yield setup


@pytest.mark.parametrize(
    ("method", "path", "options", "status", "route", "code"),
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
    setup: Setup, method: str, path: str, options: dict[str, Any], status: int, route: str | None, code: str | None
) -> None:
    line = setup.line_of(method, path, **options)
    assert (line["status"], line["route"], line.get("code")) == (status, route, code)
    assert line["address"]


def test_a_fault_of_the_server_has_its_line_too(setup: Setup, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(setup.shop.orders), "get", lambda *_: 1 / 0)
    path = f"/api/v1/orders/{setup.product.id}"
    line = setup.line_of("GET", path, headers=setup.logged_in)
    assert (line["status"], line["code"], line["route"]) == (500, "internal_error", "/api/v1/orders/{order_id}")


def test_an_answer_that_was_kept_is_logged_like_the_one_that_was_worked_out(setup: Setup) -> None:
    path = f"/api/v1/products/{setup.product.id}"
    first, second = (setup.line_of("GET", path) for _ in range(2))
    assert first["route"] == second["route"] == "/api/v1/products/{product_id}"
    etag = setup.client.get(path).headers["etag"]
    third = setup.line_of("GET", path, headers={"If-None-Match": etag})
    assert (third["status"], third["route"], third["bytes"]) == (304, "/api/v1/products/{product_id}", 0)
    assert ID_BYTES in setup.asked, "its text was kept"


def test_an_erasure_has_a_line_of_its_own_with_the_id_and_nothing_else_of_the_person(
    setup: Setup, caplog: pytest.LogCaptureFixture
) -> None:
    password = "numbers are music"
    setup.shop.accounts.register(Registration("admin", password), actor=SYSTEM, role=Role.ADMIN)
    ids = [setup.shop.accounts.register(Registration(name, password)).id for name in ("leaver", "other")]
    asked: tuple[tuple[str, str, dict[str, Any]], ...] = (
        ("leaver", "/api/v1/users/me", {"json": {"password": password}}),
        ("admin", f"/api/v1/users/{ids[1]}", {}),
    )
    for who, path, options in asked:
        logged_in = {"Authorization": f"Bearer {setup.shop.sessions.log_in(who, password).access}"}
        assert setup.client.request("DELETE", path, headers=logged_in, **options).status_code == 204
    assert [record.getMessage() for record in caplog.records] == [f"account erased: {account_id}" for account_id in ids]


def test_the_line_names_the_account_and_never_more_of_it(setup: Setup) -> None:
    line = setup.line_of("GET", "/api/v1/orders", headers=setup.logged_in)
    assert line["account_id"] == str(setup.account.id)
    assert "account_id" not in setup.line_of("GET", "/api/v1/products", headers=setup.logged_in)
    assert setup.access.encode() not in setup.file.getvalue()
    assert "ada" not in json.dumps(line)


def test_a_replay_is_marked(setup: Setup) -> None:
    order = {"lines": [{"product_id": str(setup.product.id), "quantity": 1}]}
    headers = setup.logged_in | {"Idempotency-Key": "k-1"}
    first, second = (setup.line_of("POST", "/api/v1/orders", json=order, headers=headers) for _ in range(2))
    assert "replayed" not in first
    assert (second["status"], second["replayed"]) == (201, True)


def test_an_address_that_is_none_of_ours_is_shown_without_query_and_harmless(setup: Setup) -> None:
    line = setup.line_of("GET", "/no%0Awhere%1B[31m?token=secret")
    assert line["path"] == "/no%0Awhere%1B%5B31m"
    assert len(setup.line_of("GET", "/" + "x" * 3000)["path"]) == 200


@pytest.mark.parametrize(
    "sent",
    [f"00-{TRACE}-{PARENT}-01", f"00-{TRACE}-{PARENT}-00", f"cc-{TRACE}-{PARENT}-01-what-comes-later"],
)
def test_a_traceparent_is_understood(setup: Setup, sent: str) -> None:
    line = setup.line_of("GET", "/health/live", headers={"traceparent": sent})
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
def test_a_traceparent_that_is_none_leaves_no_trace(setup: Setup, sent: str) -> None:
    assert "trace_id" not in setup.line_of("GET", "/health/live", headers={"traceparent": sent})


def test_two_traceparents_are_as_good_as_none(setup: Setup) -> None:
    line = setup.line_of("GET", "/health/live", headers=[("traceparent", f"00-{TRACE}-{PARENT}-01")] * 2)
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
    configure("json", "info", write=(file := io.BytesIO()).write)
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
    configure(form, "info", write=(file := io.BytesIO()).write)
    secret = "hunter2"
    try:
        raise ValueError(f"no such row\nDETAIL:  Failing row contains (7, a\nb, {secret}).\n[SQL: INSERT]")
    except ValueError as error:
        logging.getLogger("shop_http").error("it failed", exc_info=error)
    said = file.getvalue().decode()
    assert "no such row" in said
    assert "(left out)" in said
    assert "[SQL: INSERT]" in said
    assert secret not in said.replace("{secret}", "")


def record(**changed: Any) -> RequestRecord:
    """The record of a request."""
    usual: dict[str, Any] = {"method": "GET", "route": "/docs", "status": 200, "duration_ms": 1.5, "size_bytes": 12}
    others = {"level": "info", "at": datetime(2026, 11, 27, tzinfo=UTC), "request_id": "abc", "address": "::1"}
    return RequestRecord(**(usual | others | changed))


def test_text_is_for_people() -> None:
    write = request_lines((file := io.BytesIO()).write, request_text)
    write(record())
    write(record(route=None, path="/no", status=404, code="not_found", duration_ms=120.0))
    lines = [line[9:] for line in file.getvalue().decode().splitlines()]  # after the time
    assert lines == ["GET /docs 200 1.5 ms", "GET /no 404 120.0 ms not_found"]


def test_a_log_that_cannot_be_written_is_no_reason_to_refuse_anything() -> None:
    def full(_: bytes) -> None:
        raise OSError("No space left on device")

    request_lines(full)(record())
