"""Reservations and keys, over HTTP on every backend. `tests/unit/test_reservations_over_http.py` moves the time."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import httpx
import pytest

from http_client import Server, assert_problem, new_order, new_product, order_of

NewCustomer = Callable[[], httpx.Client]


def held(customer: httpx.Client, product: dict[str, Any], quantity: int, **fields: Any) -> dict[str, Any]:
    """A new reservation."""
    answer = customer.post("/reservations", json=order_of((product, quantity)) | fields)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def available(client: httpx.Client, product: dict[str, Any]) -> int:
    """How many units everybody is shown."""
    return int(client.get(f"/products/{product['id']}").json()["quantity_in_stock"])


def test_a_reservation_has_the_agreed_shape(customer: httpx.Client, staff: httpx.Client) -> None:
    product = new_product(staff, stock=5)
    made = held(customer, product, 3, ttl_seconds=60)
    assert made.keys() == {"id", "state", "lines", "created_at", "expires_at", "server_now"}
    assert (made["state"], made["lines"]) == ("active", [{"product_id": product["id"], "quantity": 3}])
    left = datetime.fromisoformat(made["expires_at"]) - datetime.fromisoformat(made["server_now"])
    assert left.total_seconds() == 60
    seen = customer.get(f"/reservations/{made['id']}").json()
    assert {**seen, "server_now": ""} == {**made, "server_now": ""}
    assert available(customer, product) == 2


def test_a_reservation_becomes_an_order_although_nothing_is_left(
    new_customer: NewCustomer, staff: httpx.Client
) -> None:
    product = new_product(staff, stock=3)
    ada, bob = new_customer(), new_customer()
    reservation = held(ada, product, 3)
    assert_problem(bob.post("/orders", json=order_of((product, 1))), 409, "insufficient_stock")
    body = {"reservation_id": reservation["id"], "expected_total": "6.60"}
    order = ada.post("/orders", json=body, headers={"Idempotency-Key": "checkout"})
    assert order.status_code == 201, order.text
    again = ada.post("/orders", json=body, headers={"Idempotency-Key": "checkout"})
    assert (again.status_code, again.headers["idempotency-replayed"]) == (201, "true")
    assert again.json() == order.json()
    without_key = assert_problem(ada.post("/orders", json=body), 409, "reservation_resolved")
    assert (without_key["state"], without_key["order_id"]) == ("confirmed", order.json()["id"])


def test_released_units_are_for_everybody(new_customer: NewCustomer, staff: httpx.Client) -> None:
    product = new_product(staff, stock=3)
    ada, bob = new_customer(), new_customer()
    reservation = held(ada, product, 3)
    assert available(bob, product) == 0
    for _ in range(2):
        assert ada.delete(f"/reservations/{reservation['id']}").status_code == 204
    new_order(bob, (product, 3))
    gone = assert_problem(ada.post("/orders", json={"reservation_id": reservation["id"]}), 409, "reservation_resolved")
    assert gone["state"] == "released"


def test_a_key_sent_by_twenty_at_once_makes_one_order(
    server: Server, customer: httpx.Client, staff: httpx.Client
) -> None:
    product = new_product(staff, stock=30)
    token = customer.headers["authorization"].removeprefix("Bearer ")

    def send(_: int) -> httpx.Response:
        with server.client(token) as phone:
            return phone.post("/orders", json=order_of((product, 1)), headers={"Idempotency-Key": "once"})

    with ThreadPoolExecutor(20) as phones:
        answers = list(phones.map(send, range(20)))
    assert {answer.status_code for answer in answers} == {201}, [answer.text for answer in answers]
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert sum("idempotency-replayed" not in answer.headers for answer in answers) == 1
    assert available(customer, product) == 29
    assert customer.get("/orders").json()["count"] == 1


@pytest.mark.parametrize(
    ("keys", "code"),
    [([b"\xfc"], "invalid_idempotency_key"), ([b""], "invalid_idempotency_key"), ([b"k", b"l"], "duplicate")],
)
def test_a_key_that_cannot_be_is_named(
    customer: httpx.Client, staff: httpx.Client, keys: list[bytes], code: str
) -> None:
    product = new_product(staff, stock=5)
    sent = [(b"Idempotency-Key", key) for key in keys]
    for path in ("/orders", "/reservations"):
        problem = assert_problem(customer.post(path, json=order_of((product, 1)), headers=sent), 400, "invalid_input")
        assert [error["code"] for error in problem["errors"]] == [code]
        assert repr(keys[-1].decode("latin-1")) in problem["detail"]
    assert available(customer, product) == 5
