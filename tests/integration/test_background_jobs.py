"""What `shop serve` does beside answering: it ends reservations in time, and tells facts. Real processes."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from typing import Any

from sqlalchemy import Engine, text
from verification.shop_process import shop

from http_client import PASSWORD, STAFF, WAIT_S_MAX, new_order, new_product, order_of, staff_and_customer, wait_until
from http_servers import serving
from receiver import Receiver
from shop_adapters.postgres import PostgresAdapters
from shop_core import Shop

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
        variables = rows(own_database, "SELECT subject_id, count(*) FROM stock_events GROUP BY subject_id")
        assert sorted((str(subject), count) for subject, count in variables) == sorted((one, 1) for one in made)
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


def test_the_facts_of_an_order_arrive_in_order_signed_with_the_ids_of_the_timeline(own_shop: dict[str, str]) -> None:
    with Receiver() as receiver:
        variables = {"SHOP_EVENTS": "webhook", "SHOP_WEBHOOK_URL": receiver.url, "SHOP_WEBHOOK_SECRET": WEBHOOK_SECRET}
        with serving(env=own_shop | variables) as (url, _), staff_and_customer(url) as (staff, customer):
            order = new_order(customer, (new_product(staff, stock=1), 1))
            for step in ("confirm", "ship"):
                assert staff.post(f"/orders/{order['id']}/{step}").status_code == 200
            wait_until(lambda: len(receiver.requests) >= 3)
            timeline = customer.get(f"/orders/{order['id']}/events").json()["results"]
    types = [json.loads(each.body)["type"] for each in receiver.requests]
    assert types == ["order.placed", "order.confirmed", "order.shipped"]
    assert [each.headers["webhook-id"] for each in receiver.requests] == [event["id"] for event in timeline]
    assert all(each.headers["webhook-signature"].startswith("v1,") for each in receiver.requests)


def test_facts_can_be_told_to_the_log(own_shop: dict[str, str]) -> None:
    with serving(env=own_shop | {"SHOP_EVENTS": "log"}) as (url, process), staff_and_customer(url) as (staff, customer):
        order = new_order(customer, (new_product(staff, stock=1), 1))
        assert process.stdout
        too_late = threading.Timer(WAIT_S_MAX, process.kill)  # so that reading ends
        too_late.start()
        line = next((line for line in process.stdout if order["id"] in line), "")
        too_late.cancel()
    assert json.loads(line)["type"] == "order.placed"


NEW_WORKER = """
import os, sys
from shop_core.errors import InvalidToken
from shop_http.server.composition import worker_app
from shop_http.server.settings import Settings
from shop_http.server.shutdown import GracefulShutdown

app, _ = worker_app(Settings.read(os.environ, {}), GracefulShutdown())
for token in sys.argv[1:]:
    try:
        app.state.shop.sessions.identify(token)
        print("accepted")
    except InvalidToken:
        print("refused")
"""


def test_a_new_worker_knows_the_sessions_that_have_ended_before_it_listens(
    own_shop: dict[str, str], own_database: Engine
) -> None:
    sessions = Shop(PostgresAdapters(own_database, own_shop["SHOP_SECRET_KEY"].encode())).sessions
    ended, going_on = (sessions.log_in(STAFF, PASSWORD) for _ in range(2))
    sessions.log_out(ended.refresh)
    command = [sys.executable, "-c", NEW_WORKER, ended.access, going_on.access]
    done = subprocess.run(command, env=own_shop, capture_output=True, text=True, timeout=120, check=True)
    assert done.stdout.split() == ["refused", "accepted"]
