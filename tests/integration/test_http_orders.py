"""Orders, over HTTP."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import httpx
import pytest

from http_client import assert_problem, new_order, new_product, order_of

NewCustomer = Callable[[], httpx.Client]


def test_an_order_has_the_agreed_shape(customer: httpx.Client, staff: httpx.Client) -> None:
    product = new_product(staff, stock=5, price="2.20", name="Holder")
    me = customer.get("/users/me").json()
    order = new_order(customer, (product, 3))
    assert {name: order[name] for name in ("status", "subtotal", "discounts", "total", "currency", "version")} == {
        "status": "placed",
        "subtotal": "6.60",
        "discounts": [],
        "total": "6.60",
        "currency": "EUR",
        "version": 1,
    }
    assert order["lines"] == [
        {
            "product_id": product["id"],
            "sku": product["sku"],
            "product_name": "Holder",
            "unit_price": "2.20",
            "quantity": 3,
            "total": "6.60",
        }
    ]
    assert order["customer_id"] == me["id"]
    assert order.keys() == {
        *("id", "number", "status", "lines", "subtotal", "discounts", "total", "currency", "customer_id"),
        *("version", "created_at", "updated_at"),
    }
    assert customer.get(f"/orders/{order['id']}").json() == order


def test_a_product_in_two_lines_is_summed(customer: httpx.Client, staff: httpx.Client) -> None:
    product = new_product(staff, stock=5)
    order = new_order(customer, (product, 2), (product, 3))
    assert [line["quantity"] for line in order["lines"]] == [5]


def test_every_short_product_is_named_and_nothing_is_taken(customer: httpx.Client, staff: httpx.Client) -> None:
    few, none, plenty = (new_product(staff, stock=stock) for stock in (2, 0, 100))
    response = customer.post("/orders", json=order_of((few, 3), (plenty, 10), (none, 1)))
    problem = assert_problem(response, 409, "insufficient_stock")
    assert problem["shortages"] == [
        {"product_id": few["id"], "requested": 3, "available": 2},
        {"product_id": none["id"], "requested": 1, "available": 0},
    ]
    assert customer.get(f"/products/{plenty['id']}").json()["quantity_in_stock"] == 100


def test_an_unknown_product_is_named_by_its_line(customer: httpx.Client, staff: httpx.Client) -> None:
    product = new_product(staff, stock=5)
    response = customer.post("/orders", json=order_of((product, 1), ({"id": str(uuid4())}, 1)))
    problem = assert_problem(response, 400, "unknown_product")
    assert [error["field"] for error in problem["errors"]] == ["lines.1.product_id"]
    assert customer.get(f"/products/{product['id']}").json()["quantity_in_stock"] == 5


def test_a_history_starts_empty_and_shows_the_newest_first(customer: httpx.Client, staff: httpx.Client) -> None:
    assert customer.get("/orders").json() == {"count": 0, "next": None, "previous": None, "results": []}
    product = new_product(staff, stock=5)
    placed = [new_order(customer, (product, 1))["id"] for _ in range(3)]
    for params in ({}, {"cursor": ""}, {"page": 1, "limit": 50}):
        history = customer.get("/orders", params=params).json()["results"]
        assert [order["id"] for order in history] == placed[::-1]


@pytest.mark.parametrize("step", ["ship", "deliver"])
def test_a_step_that_is_not_due_names_those_that_are(staff: httpx.Client, customer: httpx.Client, step: str) -> None:
    order = new_order(customer, (new_product(staff, stock=1), 1))
    problem = assert_problem(staff.post(f"/orders/{order['id']}/{step}"), 409, "illegal_order_step")
    assert problem["possible"] == ["edit", "confirm", "cancel", "delete"]


def test_an_order_of_two_thousand_lines_fits_in_a_body(customer: httpx.Client, staff: httpx.Client) -> None:
    product = new_product(staff, stock=2_000)
    order = new_order(customer, *[(product, 1)] * 2_000)
    assert order["lines"][0]["quantity"] == 2_000


def test_twenty_customers_at_once_get_no_more_than_there_is(new_customer: NewCustomer, staff: httpx.Client) -> None:
    product = new_product(staff, stock=5)
    customers = [new_customer() for _ in range(20)]
    with ThreadPoolExecutor(len(customers)) as threads:
        answers = list(
            threads.map(lambda client: client.post("/orders", json=order_of((product, 1))).status_code, customers)
        )
    assert sorted(answers) == [201] * 5 + [409] * 15
    assert staff.get(f"/products/{product['id']}/stock").json()["available"] == 0
