"""Orders over HTTP: their shape, headers and addresses. What may happen to them is said by the contract suites."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import httpx
import pytest

from http_client import assert_problem, follow, new_order, new_product, order_of, unique

NewCustomer = Callable[[], httpx.Client]


def _shown(product: dict[str, Any]) -> dict[str, str]:
    """How a shortage names a product for people."""
    return {"sku": product["sku"], "product_name": product["name"]}


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
            "discount": "0.00",
            "total": "6.60",
            "tax_rate": "0.00",
            "tax": "0.00",
        }
    ]
    assert order["taxes"] == [{"rate": "0.00", "net": "6.60", "tax": "0.00"}]
    assert order["customer_id"] == me["id"]
    assert order.keys() == {
        *("id", "number", "status", "lines", "subtotal", "discounts", "total", "currency", "customer_id"),
        *("taxes", "version", "tag", "created_at", "updated_at"),
    }
    assert customer.get(f"/orders/{order['id']}").json() == order
    copy = {"ranges": [{"first": order["id"], "xor": order["tag"]}]}
    assert customer.post("/orders/changes", json=copy).json()["changed"] == []


def test_every_short_product_is_named_and_nothing_is_taken(customer: httpx.Client, staff: httpx.Client) -> None:
    few, none, plenty = (new_product(staff, stock=stock) for stock in (2, 0, 100))
    response = customer.post("/orders", json=order_of((few, 3), (plenty, 10), (none, 1)))
    problem = assert_problem(response, 409, "insufficient_stock")
    assert problem["shortages"] == [
        {"product_id": few["id"], "requested": 3, "available": 2, **_shown(few)},
        {"product_id": none["id"], "requested": 1, "available": 0, **_shown(none)},
    ]
    assert customer.get(f"/products/{plenty['id']}").json()["quantity_in_stock"] == 100


def test_an_unknown_product_is_named_by_its_line(customer: httpx.Client, staff: httpx.Client) -> None:
    product = new_product(staff, stock=5)
    order = new_order(customer, (product, 1))
    for method, path in (("POST", "/orders"), ("PUT", f"/orders/{order['id']}")):
        response = customer.request(method, path, json=order_of((product, 1), ({"id": str(uuid4())}, 1)))
        problem = assert_problem(response, 400, "unknown_product")
        assert [error["field"] for error in problem["errors"]] == ["lines.1.product_id"]
    assert customer.get(f"/products/{product['id']}").json()["quantity_in_stock"] == 4


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
    assert problem["possible"] == ["edit", "confirm", "cancel"]


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


# ---- edit and delete


def test_an_owner_replaces_the_lines_of_an_order(customer: httpx.Client, staff: httpx.Client) -> None:
    lamp, chair = new_product(staff, stock=5, price="2.20"), new_product(staff, stock=5, price="10.00")
    order = new_order(customer, (lamp, 3))
    response = customer.put(f"/orders/{order['id']}", json=order_of((chair, 1), (lamp, 1)))
    assert response.status_code == 200, response.text
    edited = response.json()
    assert (edited["version"], edited["total"], edited["number"]) == (2, "12.20", order["number"])
    assert [(line["product_id"], line["quantity"]) for line in edited["lines"]] == [(chair["id"], 1), (lamp["id"], 1)]
    assert response.headers["etag"].startswith('"2.')
    assert customer.get(f"/orders/{order['id']}").json() == edited


def test_a_deleted_order_is_gone_for_its_owner_and_kept_for_the_staff(
    customer: httpx.Client, staff: httpx.Client
) -> None:
    order = new_order(customer, (new_product(staff, stock=5), 3))
    path = f"/orders/{order['id']}"
    response = customer.delete(path)
    assert (response.status_code, response.content) == (204, b"")
    assert_problem(customer.get(path), 404, "order_not_found")
    kept = staff.get(path).json()
    assert (kept["status"], kept["version"], kept["deleted_at"]) == ("cancelled", 2, kept["updated_at"])


# ---- versions


def test_a_step_is_only_taken_from_the_version_that_the_client_knows(
    customer: httpx.Client, staff: httpx.Client
) -> None:
    lamp = new_product(staff, stock=5)
    response = customer.post("/orders", json=order_of((lamp, 3)))
    order, path = response.json(), f"/orders/{response.json()['id']}"
    assert response.headers["etag"].startswith('"1.')
    assert response.headers["location"].endswith(path)
    for stale in ('"2"', '"0", "7"', 'W/"2"', '"nonsense"', '""'):
        old = {"If-Match": stale}
        answers = [customer.put(path, json=order_of((lamp, 1)), headers=old), customer.delete(path, headers=old)]
        answers += [customer.post(f"{path}/cancel", headers=old)]
        answers += [staff.post(f"{path}/{step}", headers=old) for step in ("confirm", "ship", "deliver", "cancel")]
        for answer in answers:
            assert_problem(answer, 412, "stale_version")
    assert customer.get(path).json() == order
    etag = customer.put(path, json=order_of((lamp, 1)), headers={"If-Match": '"1"'}).headers["etag"]
    for step in ("confirm", "ship", "deliver"):
        answer = staff.post(f"{path}/{step}", headers={"If-Match": etag})
        assert answer.status_code == 200, answer.text
        etag = answer.headers["etag"]
    assert etag.startswith('"5.')


def test_an_unchanged_order_is_not_sent_again(customer: httpx.Client, staff: httpx.Client) -> None:
    order = new_order(customer, (new_product(staff, stock=5), 3))
    path = f"/orders/{order['id']}"
    etag = customer.get(path).headers["etag"]
    again = customer.get(path, headers={"If-None-Match": etag})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)
    customer.post(f"{path}/cancel")
    assert customer.get(path, headers={"If-None-Match": etag}).json()["status"] == "cancelled"


# ---- the timeline


def test_the_timeline_tells_who_did_what(customer: httpx.Client, staff: httpx.Client) -> None:
    lamp = new_product(staff, stock=5, price="2.00")
    order = new_order(customer, (lamp, 3))
    path, boss = f"/orders/{order['id']}", staff.get("/users/me").json()
    customer.put(path, json=order_of((lamp, 1)))
    staff.post(f"{path}/confirm")
    page = customer.get(f"{path}/events").json()
    assert (page["count"], page["next"], page["previous"]) == (3, None, None)
    assert len({event.pop("id") for event in page["results"]}) == 3
    times = [event.pop("at") for event in page["results"]]
    assert times == sorted(times)
    by_customer = {"actor_id": order["customer_id"], "actor_role": "customer", "format": 1}
    assert page["results"] == [
        {"seq": 1, "kind": "placed", "status": "placed", "total": "6.00"} | by_customer,
        {"seq": 2, "kind": "edited", "status": "placed", "total": "2.00", "total_before": "6.00"} | by_customer,
        {"seq": 3, "kind": "confirmed", "status": "confirmed", "total": "2.00"}
        | {"actor_id": boss["id"], "actor_role": "admin", "format": 1},
    ]
    first = customer.get(f"{path}/events", params={"cursor": "", "limit": 2}).json()
    rest = follow(customer, first["next"]).json()
    assert [event["seq"] for event in first["results"] + rest["results"]] == [1, 2, 3]
    assert [event["seq"] for event in customer.get(f"{path}/events?page=2&limit=2").json()["results"]] == [3]


def test_a_cancellation_takes_a_reason_or_no_body(customer: httpx.Client, staff: httpx.Client) -> None:
    lamp, why = new_product(staff, stock=5), {"reason": "Ordered twice"}
    for body, expected in ((None, None), ({}, None), (why, "Ordered twice")):
        path = f"/orders/{new_order(customer, (lamp, 1))['id']}"
        assert_problem(customer.post(f"{path}/cancel", json={"why": "no"}), 400, "invalid_input")
        assert customer.post(f"{path}/cancel", json=body).json()["status"] == "cancelled"
        assert customer.get(f"{path}/events").json()["results"][-1].get("reason") == expected


# ---- lists


def test_staff_find_everybodys_orders_by_customer_status_time_and_number(
    new_customer: NewCustomer, staff: httpx.Client
) -> None:
    ada, grace, lamp = new_customer(), new_customer(), new_product(staff, stock=50)
    first, second = (new_order(ada, (lamp, 1)) for _ in range(2))
    third = new_order(grace, (lamp, 1))
    first = ada.post(f"/orders/{first['id']}/cancel").json()

    def found(client: httpx.Client, **params: str) -> list[str]:
        response = client.get("/orders", params=params)
        assert response.status_code == 200, response.text
        assert response.json()["count"] == len(response.json()["results"])
        return [order["id"] for order in response.json()["results"]]

    a, b, c = (order["id"] for order in (first, second, third))
    of_ada = {"customer": first["customer_id"]}
    assert found(staff, placed_from=first["created_at"]) == [c, b, a]
    assert found(staff, **of_ada) == found(ada) == found(ada, **of_ada) == [b, a]
    assert found(staff, status="cancelled", **of_ada) == found(ada, status="cancelled") == [a]
    assert found(staff, placed_from=second["created_at"], placed_before=third["created_at"]) == [b]
    assert found(ada, placed_before=second["created_at"]) == [a]
    assert found(staff, number=third["number"].lower()) == [c]
    assert found(ada, number=third["number"]) == found(staff, customer=str(uuid4())) == []
    assert_problem(ada.get("/orders", params={"customer": third["customer_id"]}), 403, "forbidden")
    page = staff.get("/orders", params={"placed_from": first["created_at"], "cursor": "", "limit": 2}).json()
    page["results"] += follow(staff, page["next"]).json()["results"]
    assert [order["id"] for order in page["results"]] == [c, b, a]


# ---- of a reservation, and with a key; `tests/unit/test_reservations_over_http.py` moves the time


def test_a_reservation_becomes_an_order_although_nothing_is_left(
    new_customer: NewCustomer, staff: httpx.Client
) -> None:
    product = new_product(staff, stock=3)
    ada, bob = new_customer(), new_customer()
    reservation = ada.post("/reservations", json=order_of((product, 3))).json()
    assert_problem(bob.post("/orders", json=order_of((product, 1))), 409, "insufficient_stock")
    body = {"reservation_id": reservation["id"], "expected_total": "6.60"}
    order = ada.post("/orders", json=body, headers={"Idempotency-Key": "checkout"})
    assert order.status_code == 201, order.text
    again = ada.post("/orders", json=body, headers={"Idempotency-Key": "checkout"})
    assert (again.status_code, again.headers["idempotency-replayed"]) == (201, "true")
    assert again.json() == order.json()
    without_key = assert_problem(ada.post("/orders", json=body), 409, "reservation_resolved")
    assert (without_key["state"], without_key["order_id"]) == ("confirmed", order.json()["id"])


@pytest.mark.parametrize(
    ("keys", "code"),
    [
        *(([key], "invalid_idempotency_key") for key in (b"\xfc", b"", b"a\tb", b"x" * 256)),
        ([b"k", b"l"], "duplicate"),
    ],
)
def test_a_key_that_cannot_be_is_named(
    customer: httpx.Client, staff: httpx.Client, keys: list[bytes], code: str
) -> None:
    product = new_product(staff, stock=5)
    sent = [(b"Idempotency-Key", key) for key in keys]
    for path in ("/orders", "/reservations"):
        problem = assert_problem(customer.post(path, json=order_of((product, 1)), headers=sent), 400, "invalid_input")
        assert [error["code"] for error in problem["errors"]] == [code]
        assert repr(keys[-1].decode("latin-1")[:40]) in problem["detail"]
    assert customer.get(f"/products/{product['id']}").json()["quantity_in_stock"] == 5


def test_a_placing_that_is_retried_after_its_order_was_deleted_says_so(
    customer: httpx.Client, staff: httpx.Client
) -> None:
    body, key = order_of((new_product(staff, stock=2), 1)), {"Idempotency-Key": unique("key")}
    order = customer.post("/orders", json=body, headers=key).json()
    assert customer.delete(f"/orders/{order['id']}").status_code == 204
    problem = assert_problem(customer.post("/orders", json=body, headers=key), 409, "order_deleted")
    assert order["id"] in problem["detail"]
