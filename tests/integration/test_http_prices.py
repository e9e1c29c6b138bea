"""Prices over HTTP: the shapes that clients see, from a staff member's promotion to a customer's order."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from http_client import assert_problem, new_product, order_of, unique


@pytest.fixture
def coupon(staff: httpx.Client) -> Iterator[dict[str, Any]]:
    """Ten percent off everything with the coupon `code`; limited to three uses."""
    code = unique("TEN").upper()
    form = {
        "label": "Ten percent",
        "benefit": {"kind": "percent", "percent": "10"},
        "needs_coupon": True,
        "max_uses": 3,
        "combines": False,
    }
    promotion = staff.post("/promotions", json=form).json()
    response = staff.post(f"/promotions/{promotion['id']}/coupons", json={"code": code, "max_per_customer": 1})
    assert (response.status_code, response.json()["code"], response.json()["uses"]) == (201, code, 0)
    yield promotion | {"code": code}
    staff.delete(f"/promotions/{promotion['id']}")


def test_of_two_coupons_of_a_promotion_only_the_last_one_is_applied(
    customer: httpx.Client, staff: httpx.Client, coupon: dict[str, Any]
) -> None:
    later = staff.post(f"/promotions/{coupon['id']}/coupons", json={"code": f"{coupon['code']}-LATER"}).json()["code"]
    body = order_of((new_product(staff, stock=9), 1)) | {"coupons": [coupon["code"], later]}
    quoted = customer.post("/orders/quote", json=body).json()["coupons"]
    assert quoted == [{"code": coupon["code"], "applied": False}, {"code": later, "applied": True}]


def test_a_quote_an_order_and_an_edit_have_the_agreed_shapes(
    customer: httpx.Client, staff: httpx.Client, coupon: dict[str, Any]
) -> None:
    staff.put("/tax-rates", json={"rates": [{"tax_class": "books", "rate": "7"}]})
    product = new_product(staff, stock=9, price="10.70")
    staff.patch(f"/products/{product['id']}", json={"tax_class": "books"})
    body = order_of((product, 2)) | {"coupons": [coupon["code"].lower()]}
    quote = customer.post("/orders/quote", json=body).json()
    money = {
        "subtotal": "21.40",
        "discounts": [{"promotion_id": coupon["id"], "label": "Ten percent", "amount": "2.14"}],
        "total": "19.26",
        "taxes": [{"rate": "7.00", "net": "18.00", "tax": "1.26"}],
        "coupons": [{"code": coupon["code"], "applied": True}],
        "currency": "EUR",
    }
    line = {
        "product_id": product["id"],
        "sku": product["sku"],
        "product_name": product["name"],
        "unit_price": "10.70",
        "quantity": 2,
        "discount": "2.14",
        "total": "19.26",
        "tax_rate": "7.00",
        "tax": "1.26",
    }
    explained = {
        "promotion_id": coupon["id"],
        "label": "Ten percent",
        "applied": True,
        "amount": "2.14",
        "message": "Ten percent: you save 2.14 EUR.",
    }
    rest = {"shortages": [], "promotions": [explained], "is_best_price": True}
    assert quote == money | {"lines": [line]} | rest

    order = customer.post("/orders", json=body | {"expected_total": quote["total"]}).json()
    assert {name: order[name] for name in (*money, "lines")} == money | {"lines": [line]}
    assert customer.get(f"/orders/{order['id']}").json() == order
    assert_problem(customer.post("/orders", json=body), 409, "coupon_not_usable")
    edited = customer.put(f"/orders/{order['id']}", json=order_of((product, 3))).json()
    assert (edited["total"], edited["discounts"][0]["amount"]) == ("28.89", "3.21")
    seen = staff.get(f"/promotions/{coupon['id']}")
    assert (seen.json()["uses"], seen.json()["active"]) == (1, True)
    (use,) = staff.get(f"/promotions/{coupon['id']}/redemptions").json()["results"]
    assert (use["order_id"], use["version"]) == (order["id"], 1)
    customer.post(f"/orders/{order['id']}/cancel")
    (use,) = staff.get(f"/promotions/{coupon['id']}/redemptions").json()["results"]
    assert "given_back_at" in use
    assert staff.get(f"/promotions/{coupon['id']}").json()["uses"] == 0


def test_a_quote_says_what_is_missing_and_what_is_short(staff: httpx.Client, visitor: httpx.Client) -> None:
    product = new_product(staff, stock=2, price="10.00")
    form: dict[str, Any] = {
        "label": "Two and one",
        "benefit": {"kind": "buy_x_get_y", "buy": 2, "get": 1, "selection": {"products": [product["id"]]}},
        "condition": {"min_total": "25.00", "selection": {"products": [product["id"]]}},
    }
    promotion = staff.post("/promotions", json=form).json()
    assert promotion["benefit"] == form["benefit"] | {"percent": "100.00"}
    assert promotion["condition"] == form["condition"]
    quote = visitor.post("/orders/quote", json=order_of((product, 2))).json()
    (explained,) = [each for each in quote["promotions"] if each["promotion_id"] == promotion["id"]]
    assert (explained["applied"], explained["why_not"]) == (False, "condition_not_met")
    assert explained["missing"] == {"amount": "5.00"}
    short = visitor.post("/orders/quote", json=order_of((product, 3))).json()
    assert [(each["requested"], each["available"]) for each in short["shortages"]] == [(3, 2)]
    assert short["total"] == "20.00"
    staff.delete(f"/promotions/{promotion['id']}")


def test_a_promotion_is_changed_under_its_version_and_made_once_however_often_it_is_sent(staff: httpx.Client) -> None:
    form = {
        "label": "Later",
        "benefit": {"kind": "order_amount", "amount": "5.00"},
        "starts_at": "2100-01-01T00:00:00Z",
    }
    key = {"Idempotency-Key": unique("key")}
    made = staff.post("/promotions", json=form, headers=key)
    again = staff.post("/promotions", json=form, headers=key)
    assert (again.json(), again.headers["idempotency-replayed"]) == (made.json(), "true")
    path = made.headers["location"].removeprefix("/api/v1")
    seen = staff.get(path)
    changed = staff.patch(path, json={"ends_at": "2100-01-02T00:00:00Z"}, headers={"If-Match": seen.headers["etag"]})
    assert (changed.json()["version"], changed.json()["active"]) == (2, False)
    late = staff.patch(path, json={"label": "Too late"}, headers={"If-Match": seen.headers["etag"]})
    assert_problem(late, 412, "stale_version")
    assert "ends_at" not in staff.patch(path, json={"ends_at": None}).json()
    coupons = staff.post(f"{path}/coupons", json={"code": unique("C")})
    assert assert_problem(coupons, 400, "invalid_input")["errors"][0]["field"] == "needs_coupon"
    assert staff.delete(path).status_code == 204
    assert_problem(staff.get(path), 404, "promotion_not_found")


def test_many_coupons_are_made_at_once(staff: httpx.Client, coupon: dict[str, Any]) -> None:
    path, key = f"/promotions/{coupon['id']}/coupons", {"Idempotency-Key": unique("key")}
    made = staff.post(path, json={"count": 20, "max_uses": 1}, headers=key).json()
    assert staff.post(path, json={"count": 20, "max_uses": 1}, headers=key).json() == made
    assert len({each["code"] for each in made["coupons"]}) == 20
    assert staff.get(path).json()["count"] == 21
    taken = staff.post(path, json={"code": coupon["code"]})
    assert_problem(taken, 409, "coupon_code_taken")


WHOLE = {"label": "x", "benefit": {"kind": "order_percent", "percent": "10"}}


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"benefit": {"kind": "order_percent", "percent": "100.01"}}, "benefit.percent"),
        ({"benefit": {"kind": "order_percent", "percent": "10.005"}}, "benefit.percent"),
        ({"benefit": {"kind": "order_percent"}}, "benefit.percent"),
        ({"benefit": {"kind": "order_percent", "percent": "10", "buy": 1}}, "benefit.buy"),
        ({"benefit": {"kind": "order_amount", "amount": "1.005"}}, "benefit.amount"),
        ({"benefit": {"kind": "lottery"}}, "benefit.kind"),
        ({"benefit": {"kind": "percent", "percent": "5", "selection": {"products": []}}}, "benefit.selection.products"),
        ({"benefit": {"kind": "percent", "percent": "5", "selection": {}}}, "benefit.selection"),
        (
            {"benefit": {"kind": "percent", "percent": "5", "selection": {"products": [f"{1:032x}"]}}},
            "benefit.selection.products",
        ),
        ({"starts_at": "2026-01-02T00:00:00Z", "ends_at": "2026-01-01T00:00:00Z"}, "ends_at"),
        ({"condition": {}}, "condition"),
        ({"max_uses": 0}, "max_uses"),
        ({"label": ""}, "label"),
        ({"labels": "x"}, "labels"),
    ],
)
def test_a_promotion_that_breaks_a_rule_is_refused_with_field_and_rule(
    staff: httpx.Client, changed: dict[str, Any], field: str
) -> None:
    problem = assert_problem(staff.post("/promotions", json=WHOLE | changed), 400, "invalid_input")
    assert field in {error["field"] for error in problem["errors"]}


@pytest.mark.parametrize(
    ("sent", "field"),
    [
        ({"code": "A" * 300}, "code"),
        ({"code": "S\u0406MMER"}, "code"),
        ({"count": 10_000}, "count"),
        ({"count": 2, "code": "A"}, "count"),
        ({"max_uses": 0}, "max_uses"),
    ],
)
def test_coupons_that_break_a_rule_are_refused(
    staff: httpx.Client, coupon: dict[str, Any], sent: dict[str, Any], field: str
) -> None:
    problem = assert_problem(staff.post(f"/promotions/{coupon['id']}/coupons", json=sent), 400, "invalid_input")
    assert [error["field"] for error in problem["errors"]] == [field]


@pytest.mark.parametrize(
    ("rate", "field"),
    [
        ({"tax_class": "books", "rate": "100.01"}, "rates.0.rate"),
        ({"tax_class": "books", "rate": "-1"}, "rates.0.rate"),
        ({"tax_class": "Books!", "rate": "7"}, "rates.0.tax_class"),
        ({"tax_class": "books", "rate": "7", "valid_from": "2026-01-01"}, "rates.0.valid_from"),
    ],
)
def test_tax_rates_that_break_a_rule_are_refused(staff: httpx.Client, rate: dict[str, str], field: str) -> None:
    problem = assert_problem(staff.put("/tax-rates", json={"rates": [rate]}), 400, "invalid_input")
    assert [error["field"] for error in problem["errors"]] == [field]


def test_a_product_of_a_family_shows_its_options(staff: httpx.Client, visitor: httpx.Client) -> None:
    family = staff.post("/families", json={"name": "T-shirt", "option_names": ["colour", "size"]}).json()
    form = {"sku": unique("TS"), "name": "T-shirt red M", "price": "9.00", "family": family["id"]}
    product = staff.post("/products", json=form | {"options": {"size": "M", "colour": "red"}}).json()
    assert product["family"] == {"id": family["id"], "name": "T-shirt"}
    assert product["options"] == {"colour": "red", "size": "M"}
    assert visitor.get(f"/products?family={family['id']}").json()["results"] == [product]
    same = form | {"sku": unique("TS"), "options": {"colour": "red", "size": "M"}}
    assert_problem(staff.post("/products", json=same), 409, "options_taken")
    problem = assert_problem(staff.post("/products", json=same | {"options": {"colour": "red"}}), 400, "invalid_input")
    assert [error["field"] for error in problem["errors"]] == ["options.size"]
    assert_problem(staff.delete(f"/families/{family['id']}"), 409, "family_in_use")
    freed = staff.patch(f"/products/{product['id']}", json={"family": None}).json()
    assert "family" not in freed
    assert "options" not in freed
    assert staff.delete(f"/families/{family['id']}").status_code == 204
