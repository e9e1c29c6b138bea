"""A span for each request, as a part of the trace that it belongs to."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import psycopg
import pytest
from litestar.testing import TestClient
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanContext

from shop_adapters.memory import MemoryAdapters
from shop_core import Shop
from shop_http.app import create_app
from shop_http.middleware.access_log import RequestRecord
from shop_http.server import optional
from shop_http.server.settings import Settings, SettingsError
from shop_http.server.tracing import Spans

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


def spans_of(*asked: tuple[str, dict[str, str]]) -> list[ReadableSpan]:
    """Those of requests for these paths with these headers."""
    exporter = InMemorySpanExporter()
    spans = Spans(exporter)
    middlewares = [spans.middleware]
    app = create_app(
        Shop(MemoryAdapters()),
        threads=2,
        observers=[spans.observe],
        background=[spans],
        more_middlewares=middlewares,
    )
    with TestClient(app) as client:
        for path, headers in asked:
            client.get(path, headers=headers)
    return list(exporter.get_finished_spans())  # the end of the application has sent them


def test_a_request_is_a_span_with_what_the_log_says_of_it() -> None:
    asked = {"X-Request-ID": "abc"}
    fine, nowhere = spans_of(("/api/v1/products?limit=3", asked), ("/nowhere?token=secret", asked))
    assert fine.name == "GET /api/v1/products"
    assert fine.attributes is not None
    assert nowhere.attributes is not None
    assert fine.attributes["http.route"] == "/api/v1/products"
    assert fine.attributes["http.response.status_code"] == 200
    assert fine.attributes["shop.request_id"] == "abc"
    assert fine.start_time is not None
    assert fine.end_time is not None
    assert fine.start_time < fine.end_time
    assert fine.parent is None
    assert fine.status.is_unset
    assert (nowhere.name, nowhere.attributes["error.type"]) == ("GET", "not_found")
    assert "secret" not in nowhere.to_json()


def test_a_request_of_a_trace_is_a_part_of_it_and_kept_only_with_it() -> None:
    kept, dropped = ({"traceparent": f"00-{TRACE}-{PARENT}-{flags}"} for flags in ("01", "00"))
    (span,) = spans_of(("/health/live", kept), ("/health/live", dropped))
    assert span.context is not None
    assert span.parent is not None
    assert (f"{span.context.trace_id:032x}", f"{span.parent.span_id:016x}") == (TRACE, PARENT)


def ran(spans: Spans, *queries: bytes) -> None:
    """Statements that a database runs, which refuses those that begin with DELETE."""

    def run(query: bytes, values: object = None) -> None:
        if query.startswith(b"DELETE"):
            raise psycopg.errors.UniqueViolation(f"Key (username_key)=({values}) already exists.")

    observed = spans.statements(run)
    for query in queries:
        with contextlib.suppress(psycopg.Error):
            observed(query, "lovelace")


def test_statements_are_parts_of_the_batch_that_links_to_the_requests_it_served() -> None:
    exporter = InMemorySpanExporter()
    spans = Spans(exporter)
    asked: list[SpanContext] = []

    async def app(*_: object) -> None:
        asked.append(cast("SpanContext", spans.request()))
        ran(spans, b"SELECT id FROM accounts WHERE username_key = %(username_key)s")

    for _ in range(2):
        scope: dict[str, Any] = {"state": {"request": SimpleNamespace(headers={})}}
        asyncio.run(spans.middleware(app)(scope, None, None))  # type: ignore[arg-type]
    with spans.batch(asked, 5) as fail:
        ran(spans, b"UPDATE orders SET version = 2")
        fail()
    with spans.batch(asked[:1], 2):
        pass
    ran(spans, b"SELECT 1")  # of nobody
    spans.stop()
    first, second, of_batch, batch, single = exporter.get_finished_spans()
    assert (first.parent, second.parent) == (asked[0], asked[1])
    assert first.attributes == {
        "db.system.name": "postgresql",
        "db.operation.name": "SELECT",
        "db.query.summary": "SELECT accounts",
        "db.query.text": "SELECT id FROM accounts WHERE username_key = %(username_key)s",
    }
    assert (of_batch.name, of_batch.parent, batch.parent) == ("UPDATE orders", batch.context, None)
    assert [link.context for link in batch.links] == asked
    assert batch.attributes == {"shop.batch.requests": 2, "shop.batch.lines": 5}
    assert (batch.status.is_ok, single.status.is_ok) == (False, True)
    assert (single.parent, [link.context for link in single.links]) == (asked[0], asked[:1])


def test_a_statement_that_fails_says_why_by_its_code_and_tells_no_value() -> None:
    exporter = InMemorySpanExporter()
    spans = Spans(exporter)
    with spans.batch([], 0):
        ran(spans, b"DELETE FROM accounts WHERE id = %(id)s", b"COMMIT")
    spans.stop()
    failed, commit, _ = exporter.get_finished_spans()
    assert failed.attributes is not None
    assert (failed.attributes["db.response.status_code"], failed.attributes["error.type"]) == ("23505", "23505")
    assert (failed.status.is_ok, failed.status.description, failed.events) == (False, None, ())
    assert "lovelace" not in failed.to_json()
    assert (commit.name, commit.status.is_unset) == ("COMMIT", True)


def test_a_fault_of_the_server_is_marked() -> None:
    exporter = InMemorySpanExporter()
    spans = Spans(exporter)
    fault = RequestRecord(
        level="info",
        at=datetime.now(UTC),
        method="GET",
        route="/x",
        status=500,
        duration_ms=500.0,
        size_bytes=12,
        request_id="abc",
        address="::1",
        code="internal_error",
    )
    spans.observe(fault)
    spans.stop()
    (span,) = exporter.get_finished_spans()
    assert (span.status.is_ok, span.status.description) == (False, "internal_error")
    assert span.end_time is not None
    assert span.start_time is not None
    assert span.end_time - span.start_time == 500_000_000


def test_without_opentelemetry_a_server_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "shop_http.server.tracing")
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    for name in [name for name in sys.modules if name.startswith("opentelemetry.")]:
        monkeypatch.delitem(sys.modules, name)
    optional.check(Settings.read({}, {}))
    with pytest.raises(SettingsError, match=r"pip install 'shop-no-oversell\[otel\]'"):
        optional.check(Settings.read({"SHOP_TRACING": "otlp"}, {}))
