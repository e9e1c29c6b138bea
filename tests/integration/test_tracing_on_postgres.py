"""Traces of a shop on PostgreSQL: from the request to its statements, and nothing of a person in them."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from litestar.testing import TestClient
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from shop_adapters.order_batcher import OrderBatcher
from shop_adapters.postgres import PostgresAdapters
from shop_adapters.postgres.database import TransactionTimeouts
from shop_core import Shop
from shop_http.app import create_app
from shop_http.server.tracing import Spans
from shop_testing import Fixtures

API = "/api/v1"
ADA = {"username": "canary-ada", "password": "canary numbers are music", "email": "canary@example.org"}
KEY = "canary-key"


@pytest.fixture
def traced(postgres_adapters: PostgresAdapters) -> list[ReadableSpan]:
    """The spans of somebody who registers, in vain once more, logs in, and orders; then of eight orders at once."""
    exporter = InMemorySpanExporter()
    spans = Spans(exporter)
    engine = postgres_adapters.engine
    patient = TransactionTimeouts(lock_s=60)  # eight orders of one product at once, however slow the machine is
    secret = b"a secret for tests, of more than 32 bytes"
    adapters = PostgresAdapters(engine, secret, observe=spans.statements, timeouts=patient)
    shop = Shop(adapters)
    batcher = OrderBatcher(shop, adapters.new_id, observer=spans)
    lamp = Fixtures(postgres_adapters).product("Lamp", units=100)
    app = create_app(
        shop,
        place=batcher.place,
        observers=[spans.observe],
        background=[spans, batcher],
        more_middlewares=[spans.middleware],
    )
    with TestClient(app) as client:
        assert client.post(f"{API}/auth/register", json=ADA).status_code == 201
        assert client.post(f"{API}/auth/register", json=ADA).status_code == 409
        login = {name: ADA[name] for name in ("username", "password")}
        access = client.post(f"{API}/auth/token", json=login).json()["access"]
        client.headers["Authorization"] = f"Bearer {access}"
        body = {"lines": [{"product_id": str(lamp.id), "quantity": 1}]}

        def order(key: str) -> int:
            return client.post(f"{API}/orders", json=body, headers={"Idempotency-Key": key}).status_code

        assert order(KEY) == 201
        assert client.get(f"{API}/orders").status_code == 200
        with ThreadPoolExecutor(8) as pool:
            assert set(pool.map(order, [f"{KEY}-{number}" for number in range(8)])) == {201}
    return list(exporter.get_finished_spans())


def test_a_trace_leads_from_the_request_to_its_statements(traced: list[ReadableSpan]) -> None:
    by_id = {span.context.span_id: span for span in traced if span.context}
    requests = [span for span in traced if span.name == f"POST {API}/orders"]
    batches = [span for span in traced if span.name == "batch"]
    served = [link.context.span_id for batch in batches for link in batch.links]
    assert sorted(served) == sorted(span.context.span_id for span in requests if span.context)
    assert sum(int(str((batch.attributes or {})["shop.batch.requests"])) for batch in batches) == 9
    single = next(batch for batch in batches if len(batch.links) == 1)
    assert single.parent == single.links[0].context, "it is in the trace of its request"
    for batch in batches:
        names = [span.name for span in traced if span.parent == batch.context]
        assert (names[0], names[-1]) == ("BEGIN", "COMMIT")
        assert "WITH orders" in names, "orders are written with their lines"
    statements = [span for span in traced if (span.attributes or {}).get("db.system.name")]
    parents = Counter(by_id[span.parent.span_id].name for span in statements if span.parent)
    of_requests = {f"POST {API}/auth/register", f"POST {API}/auth/token", f"GET {API}/orders"}
    assert parents.keys() == {"batch"} | of_requests
    assert sum(parents.values()) == len(statements), "none is of nobody"


def test_no_value_of_a_person_is_in_a_span_also_if_the_database_refuses_it(traced: list[ReadableSpan]) -> None:
    refused = [span for span in traced if (span.attributes or {}).get("db.response.status_code") == "23505"]
    assert [span.name for span in refused] == ["INSERT accounts"], "whose error names the username"
    said = "".join(span.to_json() for span in traced)
    assert "INSERT INTO accounts" in said
    assert "canary" not in said
    assert "argon2" not in said


def test_the_text_of_an_error_has_values_so_it_is_not_told(postgres_adapters: PostgresAdapters) -> None:
    """Why no library is used that records exceptions: see docs/decisions/0027-spans-of-our-own.md."""
    Fixtures(postgres_adapters).account("canary")
    again = text("""
        INSERT INTO accounts
        SELECT gen_random_uuid(), username, username_key, email, first_name, last_name, role, active,
            password_hash, created_at, updated_at, search, confirmed_email
        FROM accounts
    """)
    with postgres_adapters.engine.connect() as connection, pytest.raises(IntegrityError, match=r"\(canary\)"):
        connection.execute(again)
