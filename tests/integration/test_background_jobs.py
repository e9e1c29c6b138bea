"""What `shop serve` does beside answering: it ends reservations in time, and tells facts. Real processes."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from typing import Any

import pytest
from sqlalchemy import Engine, text
from verification.shop_process import serving, shop

from http_client import WAIT_S_MAX, new_order, new_product, order_of, staff_and_customer, wait_until

OTHERS = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
"""The connections of the server; this test has the other one."""
WEBHOOK_SECRET = "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def rows(own_database: Engine, query: str) -> list[tuple[Any, ...]]:
    with own_database.begin() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def test_reservations_end_by_themselves_and_that_is_told_once(own_shop: dict[str, str], own_database: Engine) -> None:
    """Two processes, each with a sweeper: one of them ends each reservation, nobody has to ask for it."""
    with serving("--workers", "2", env=own_shop) as (url, _), staff_and_customer(url) as (staff, customer):
        product = new_product(staff, stock=20)
        made = []
        for _ in range(20):
            answer = customer.post("/reservations", json=order_of((product, 1)) | {"ttl_seconds": 1})
            assert answer.status_code == 201, answer.text
            made.append(answer.json()["id"])
        wait_until(lambda: rows(own_database, "SELECT count(*) FROM reservations WHERE state = 'active'") == [(0,)])
        assert customer.get(f"/products/{product['id']}").json()["quantity_in_stock"] == 20
        assert {customer.get(f"/reservations/{one}").json()["state"] for one in made} == {"expired"}
        assert rows(own_database, "SELECT DISTINCT state FROM reservations") == [("expired",)]
        told = rows(own_database, "SELECT subject_id, count(*) FROM stock_events GROUP BY subject_id")
        assert sorted((str(subject), count) for subject, count in told) == sorted((one, 1) for one in made)
        early = "SELECT count(*) FROM stock_movements m JOIN reservations r ON r.id = m.reservation_id"
        assert rows(own_database, f"{early} WHERE m.kind = 'expired'") == [(20,)]
        assert rows(own_database, f"{early} WHERE m.kind = 'expired' AND m.at < r.expires_at") == [(0,)]
        wait_until(lambda: rows(own_database, "SELECT count(*) FROM outbox") == [(0,)])
    assert shop("audit", env=own_shop).stdout == "Everything adds up.\n"


def test_the_sweeper_is_back_after_the_database_was_away(own_shop: dict[str, str], own_database: Engine) -> None:
    """Every connection of the server is cut, again and again: the threads go on."""
    with serving(env=own_shop) as (url, process), staff_and_customer(url) as (staff, customer):
        product = new_product(staff, stock=1)
        for _ in range(5):
            wait_until(lambda: rows(own_database, f"SELECT count(*) {OTHERS}") != [(0,)])
            rows(own_database, f"SELECT pg_terminate_backend(pid) {OTHERS}")
        wait_until(lambda: customer.get("/orders").status_code == 200)
        sent: dict[str, Any] = {"json": order_of((product, 1)) | {"ttl_seconds": 1}}
        wait_until(lambda: customer.post("/reservations", **sent).status_code == 201)
        wait_until(lambda: rows(own_database, "SELECT DISTINCT state FROM reservations") == [("expired",)])
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
    own_shop: dict[str, str], receiver: tuple[str, Queue[tuple[dict[str, str], dict[str, Any]]]]
) -> None:
    where, arrived = receiver
    told = {"SHOP_EVENTS": "webhook", "SHOP_WEBHOOK_URL": where, "SHOP_WEBHOOK_SECRET": WEBHOOK_SECRET}
    with serving(env=own_shop | told) as (url, _), staff_and_customer(url) as (staff, customer):
        order = new_order(customer, (new_product(staff, stock=1), 1))
        for step in ("confirm", "ship"):
            assert staff.post(f"/orders/{order['id']}/{step}").status_code == 200
        heard = [arrived.get(timeout=WAIT_S_MAX) for _ in range(3)]
        timeline = customer.get(f"/orders/{order['id']}/events").json()["results"]
    assert [body["type"] for _, body in heard] == ["order.placed", "order.confirmed", "order.shipped"]
    assert [headers["webhook-id"] for headers, _ in heard] == [event["id"] for event in timeline]
    assert all(headers["webhook-signature"].startswith("v1,") for headers, _ in heard)


def test_facts_can_be_told_to_the_log(own_shop: dict[str, str]) -> None:
    with serving(env=own_shop | {"SHOP_EVENTS": "log"}) as (url, process), staff_and_customer(url) as (staff, customer):
        order = new_order(customer, (new_product(staff, stock=1), 1))
        assert process.stdout
        too_late = threading.Timer(WAIT_S_MAX, process.kill)  # so that reading ends
        too_late.start()
        line = next((line for line in process.stdout if order["id"] in line), "")
        too_late.cancel()
    assert json.loads(line)["type"] == "order.placed"
