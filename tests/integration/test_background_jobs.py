"""What `shop serve` does beside answering: it ends reservations in time, and tells facts. Real processes."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine, text
from verification.shop_process import serving, shop, shop_with_admin

from http_client import PASSWORD, WAIT_S_MAX, Server, log_in, new_order, new_product, order_of, register, wait_until
from shop_adapters.postgres import make_engine

SECRET = "the secret of the background tests, 40 b"
OTHERS = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
"""The connections of the server; this test has the other one."""
WEBHOOK_SECRET = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture
def database(new_database: Callable[[str], str]) -> dict[str, str]:
    """The environment of a shop with an admin, on a database of its own."""
    return shop_with_admin("boss", PASSWORD, SHOP_DATABASE_URL=new_database("shop_background"), SHOP_SECRET_KEY=SECRET)


@pytest.fixture
def engine(database: dict[str, str]) -> Iterator[Engine]:
    engine = make_engine(database["SHOP_DATABASE_URL"], connections=2)
    yield engine
    engine.dispose()


def rows(engine: Engine, query: str) -> list[tuple[Any, ...]]:
    with engine.begin() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


@contextmanager
def people(url: str) -> Iterator[tuple[httpx.Client, httpx.Client]]:
    """Staff and a customer."""
    server = Server(url, "boss", PASSWORD)
    with server.client() as visitor:
        token = log_in(visitor, register(visitor)["username"])["access"]
    with server.client(server.staff_token) as staff, server.client(token) as customer:
        yield staff, customer


def test_reservations_end_by_themselves_and_that_is_told_once(database: dict[str, str], engine: Engine) -> None:
    """Two processes, each with a sweeper: one of them ends each reservation, nobody has to ask for it."""
    with serving("--workers", "2", env=database) as (url, _), people(url) as (staff, customer):
        product = new_product(staff, stock=20)
        made = []
        for _ in range(20):
            answer = customer.post("/reservations", json=order_of((product, 1)) | {"ttl_seconds": 1})
            assert answer.status_code == 201, answer.text
            made.append(answer.json()["id"])
        wait_until(lambda: rows(engine, "SELECT count(*) FROM reservations WHERE state = 'active'") == [(0,)])
        assert customer.get(f"/products/{product['id']}").json()["quantity_in_stock"] == 20
        assert {customer.get(f"/reservations/{one}").json()["state"] for one in made} == {"expired"}
        assert rows(engine, "SELECT DISTINCT state FROM reservations") == [("expired",)]
        told = rows(engine, "SELECT subject_id, count(*) FROM stock_events GROUP BY subject_id")
        assert sorted((str(subject), count) for subject, count in told) == sorted((one, 1) for one in made)
        early = "SELECT count(*) FROM stock_movements m JOIN reservations r ON r.id = m.reservation_id"
        assert rows(engine, f"{early} WHERE m.kind = 'expired'") == [(20,)]
        assert rows(engine, f"{early} WHERE m.kind = 'expired' AND m.at < r.expires_at") == [(0,)]
        wait_until(lambda: rows(engine, "SELECT count(*) FROM outbox") == [(0,)])
    assert shop("audit", env=database).stdout == "Everything adds up.\n"


def test_the_sweeper_is_back_after_the_database_was_away(database: dict[str, str], engine: Engine) -> None:
    """Every connection of the server is cut, again and again: the threads go on."""
    with serving(env=database) as (url, process), people(url) as (staff, customer):
        product = new_product(staff, stock=1)
        for _ in range(5):
            wait_until(lambda: rows(engine, f"SELECT count(*) {OTHERS}") != [(0,)])
            rows(engine, f"SELECT pg_terminate_backend(pid) {OTHERS}")
        wait_until(lambda: customer.get("/orders").status_code == 200)
        sent: dict[str, Any] = {"json": order_of((product, 1)) | {"ttl_seconds": 1}}
        wait_until(lambda: customer.post("/reservations", **sent).status_code == 201)
        wait_until(lambda: rows(engine, "SELECT DISTINCT state FROM reservations") == [("expired",)])
        assert process.poll() is None


class Receiver(BaseHTTPRequestHandler):
    """Takes webhooks, and puts them into the queue of its server."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.arrived.put((dict(self.headers), body))  # type: ignore[attr-defined]
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def receiver() -> Iterator[tuple[str, Queue[tuple[dict[str, str], dict[str, Any]]]]]:
    """Where a webhook may go, and what arrives there."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    arrived: Queue[tuple[dict[str, str], dict[str, Any]]] = Queue()
    server.arrived = arrived  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/events", arrived
    server.shutdown()
    server.server_close()


def test_the_facts_of_an_order_arrive_in_order_signed_with_the_ids_of_the_timeline(
    database: dict[str, str], receiver: tuple[str, Queue[tuple[dict[str, str], dict[str, Any]]]]
) -> None:
    where, arrived = receiver
    told = {"SHOP_EVENTS": "webhook", "SHOP_WEBHOOK_URL": where, "SHOP_WEBHOOK_SECRET": WEBHOOK_SECRET}
    with serving(env=database | told) as (url, _), people(url) as (staff, customer):
        order = new_order(customer, (new_product(staff, stock=1), 1))
        for step in ("confirm", "ship"):
            assert staff.post(f"/orders/{order['id']}/{step}").status_code == 200
        heard = [arrived.get(timeout=WAIT_S_MAX) for _ in range(3)]
        timeline = customer.get(f"/orders/{order['id']}/events").json()["results"]
    assert [body["type"] for _, body in heard] == ["order.placed", "order.confirmed", "order.shipped"]
    assert [headers["webhook-id"] for headers, _ in heard] == [event["id"] for event in timeline]
    assert all(headers["webhook-signature"].startswith("v1,") for headers, _ in heard)


def test_facts_can_be_told_to_the_log(database: dict[str, str]) -> None:
    with serving(env=database | {"SHOP_EVENTS": "log"}) as (url, process), people(url) as (staff, customer):
        order = new_order(customer, (new_product(staff, stock=1), 1))
        assert process.stdout
        too_late = threading.Timer(WAIT_S_MAX, process.kill)  # so that reading ends
        too_late.start()
        line = next((line for line in process.stdout if order["id"] in line), "")
        too_late.cancel()
    assert json.loads(line)["type"] == "order.placed"
