"""Bad input about prices, families and taxes: each is refused by field, value and rule, and nothing is written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from litestar.testing import TestClient

from phones import PASSWORD, Setup
from shop_http.app import create_app
from shop_http.routing import App

UNKNOWN = "0198c0de-0000-7000-8000-000000000001"
LISTS = ("/promotions", "/tax-rates", "/families", "/products", "/orders", "/categories", "/users")


@dataclass
class Till:
    """A shop with a promotion that an order used, another one that was withdrawn, and a family; and whom it obeys."""

    client: TestClient[App]
    setup: Setup
    staff: dict[str, str]
    customer: dict[str, str]
    ids: dict[str, str]

    def send(self, method: str, path: str, body: object = None, *, by: str = "staff") -> httpx.Response:
        headers = self.customer if by == "customer" else self.staff
        return self.client.request(method, f"/api/v1{path}", json=body, headers=headers)

    def state(self) -> list[object]:
        """Everything that staff can see."""
        below = [f"/promotions/{self.ids['used']}/{what}" for what in ("", "coupons", "redemptions")]
        paths = [path.rstrip("/") for path in (*LISTS, *below)]
        seen = [self.send("GET", path) for path in paths]
        assert {response.status_code for response in seen} == {200}
        return [*(response.json() for response in seen), self.setup.available]


@pytest.fixture(scope="module")
def till() -> Iterator[Till]:
    setup = Setup(units=20)
    with TestClient(create_app(setup.shop, threads=2)) as client:
        staff, customer = (
            {"authorization": f"Bearer {setup.shop.sessions.log_in(who, PASSWORD).access}"} for who in ("boss", "ada")
        )
        till = Till(client, setup, staff, customer, {"lamp": str(setup.product_id)})
        for name, code in (("used", "TEN"), ("gone", "GONE")):
            form = {"label": name, "benefit": {"kind": "percent", "percent": "10"}, "needs_coupon": True}
            till.ids[name] = till.send("POST", "/promotions", form).json()["id"]
            till.send("POST", f"/promotions/{till.ids[name]}/coupons", {"code": code})
        order = setup.wish(1, coupons=["TEN"])
        till.ids["order"] = till.send("POST", "/orders", order, by="customer").json()["id"]
        assert till.send("DELETE", f"/promotions/{till.ids['gone']}").status_code == 204
        family = {"name": "Mug", "option_names": ["colour"]}
        till.ids["family"] = till.send("POST", "/families", family).json()["id"]
        mug = {"sku": "MUG", "name": "Mug", "price": "7", "family": till.ids["family"], "options": {"colour": "red"}}
        assert till.send("POST", "/products", mug).status_code == 201
        yield till


def promotion(**benefit: object) -> dict[str, object]:
    return {"label": "x", "benefit": benefit}


def percent(**fields: object) -> dict[str, object]:
    return promotion(kind="percent", percent="5") | fields


def mug(**changed: object) -> dict[str, object]:
    return {
        "sku": "MUG-2",
        "name": "Mug",
        "price": "7.00",
        "family": "{family}",
        "options": {"colour": "blue"},
    } | changed


BAD: dict[str, tuple[str, str, object, str, str]] = {
    # what: method, path, body, field, and what its message says: the value and the rule
    "a percent over 100": (
        "POST",
        "/promotions",
        promotion(kind="percent", percent="100.01"),
        "benefit.percent",
        "is 100.01",
    ),
    "an order's percent over 100": (
        *("POST", "/promotions", promotion(kind="order_percent", percent="250"), "benefit.percent", "is 250.00"),
    ),
    "a gift at fields than all": (
        *("POST", "/promotions", promotion(kind="buy_x_get_y", buy=2, get=1, percent="101")),
        *("benefit.percent", "is 101.00"),
    ),
    "a percent below zero": (
        "POST",
        "/promotions",
        promotion(kind="percent", percent="-1"),
        "benefit.percent",
        "is -1.00",
    ),
    "an edit to a percent over 100": (
        *("PATCH", "/promotions/{used}", {"benefit": {"kind": "percent", "percent": "100.5"}}),
        *("benefit.percent", "is 100.50"),
    ),
    "a percent with three decimals": (
        *("POST", "/promotions", promotion(kind="percent", percent="12.345"), "benefit.percent", "'12.345'"),
    ),
    "half a cent off each": (
        *("POST", "/promotions", promotion(kind="amount_each", amount="1.005"), "benefit.amount", "'1.005'"),
    ),
    "half a cent off the order": (
        *("POST", "/promotions", promotion(kind="order_amount", amount="1.005"), "benefit.amount", "'1.005'"),
    ),
    "half a cent as price": (
        *("POST", "/promotions", promotion(kind="fixed_price", price="1.005", selection={"all": True})),
        *("benefit.price", "'1.005'"),
    ),
    "half a cent as threshold": (
        *("POST", "/promotions", percent(condition={"min_total": "1.005"}), "condition.min_total", "'1.005'"),
    ),
    "half a cent expected": (
        *("POST", "/orders", {"lines": [{"product_id": "{lamp}", "quantity": 1}], "expected_total": "1.005"}),
        *("expected_total", "'1.005'"),
    ),
    "a window that ends before it starts": (
        *("POST", "/promotions", percent(starts_at="2026-12-24T00:00:00Z", ends_at="2026-12-01T00:00:00Z")),
        *("ends_at", "2026-12-01"),
    ),
    "a window that is empty": (
        *("POST", "/promotions", percent(starts_at="2026-12-24T00:00:00Z", ends_at="2026-12-24T00:00:00Z")),
        *("ends_at", "2026-12-24"),
    ),
    "an empty selection of products": (
        *("POST", "/promotions", promotion(kind="percent", percent="5", selection={"products": []})),
        *("benefit.selection.products", "0"),
    ),
    "an empty selection of categories": (
        *("POST", "/promotions", percent(condition={"min_units": 1, "selection": {"categories": []}})),
        *("condition.selection.categories", "0"),
    ),
    "a selection of nothing": (
        *("POST", "/promotions", promotion(kind="percent", percent="5", selection={})),
        *("benefit.selection", "exactly one"),
    ),
    "a selection of two kinds": (
        *(
            "POST",
            "/promotions",
            promotion(kind="percent", percent="5", selection={"all": True, "products": [UNKNOWN]}),
        ),
        *("benefit.selection", "exactly one"),
    ),
    "an unknown product in a benefit": (
        *("POST", "/promotions", promotion(kind="percent", percent="5", selection={"products": [UNKNOWN]})),
        *("benefit.selection.products", UNKNOWN),
    ),
    "an unknown category in a condition": (
        *("POST", "/promotions", percent(condition={"min_units": 1, "selection": {"categories": [UNKNOWN]}})),
        *("condition.selection.categories", UNKNOWN),
    ),
    "an unknown family": ("POST", "/products", mug(family=UNKNOWN), "", UNKNOWN),
    "an unknown promotion": ("PATCH", f"/promotions/{UNKNOWN}", {"label": "y"}, "", UNKNOWN),
    "coupons of an unknown promotion": ("POST", f"/promotions/{UNKNOWN}/coupons", {"code": "X"}, "", UNKNOWN),
    "10,000 coupons at once": ("POST", "/promotions/{used}/coupons", {"count": 10_000}, "count", "10000"),
    "no coupons at once": ("POST", "/promotions/{used}/coupons", {"count": 0}, "count", "0"),
    "a code of 300 characters": ("POST", "/promotions/{used}/coupons", {"code": "A" * 300}, "code", "300"),
    "a code of look-alikes": ("POST", "/promotions/{used}/coupons", {"code": "T\u0415N2"}, "code", "T\u0415N2"),
    "an order with a code of 300 characters": (
        *("POST", "/orders", {"lines": [{"product_id": "{lamp}", "quantity": 1}], "coupons": ["A" * 300]}),
        *("coupons.0", "300"),
    ),
    "an order with a look-alike of a code": (
        *("POST", "/orders", {"lines": [{"product_id": "{lamp}", "quantity": 1}], "coupons": ["T\u0415N"]}),
        *("coupons.0", "T\u0415N"),
    ),
    "an option that is not of the family": (
        *("POST", "/products", mug(options={"colour": "blue", "size": "L"}), "options.size", "'L'"),
    ),
    "an option that is missing": ("POST", "/products", mug(options={}), "options.colour", "'Mug'"),
    "an option without a value": ("POST", "/products", mug(options={"colour": ""}), "options.colour", "0"),
    "options without a family": (
        *("PATCH", "/products/{lamp}", {"options": {"colour": "blue"}}, "options", "'colour'"),
    ),
    "options of another product": ("POST", "/products", mug(options={"colour": "red"}), "", "{family}"),
    "four options": (*("POST", "/families", {"name": "F", "option_names": ["a", "b", "c", "d"]}, "option_names", "4"),),
    "a tax rate over 100 %": (
        *("PUT", "/tax-rates", {"rates": [{"tax_class": "books", "rate": "100.01"}]}, "rates.0.rate", "is 100.01"),
    ),
    "one tax rate over 100 % of two": (
        *("PUT", "/tax-rates", {"rates": [{"tax_class": "a", "rate": "7"}, {"tax_class": "b", "rate": "101"}]}),
        *("rates.1.rate", "is 101.00"),
    ),
    "a tax class in other letters": (
        *("PUT", "/tax-rates", {"rates": [{"tax_class": "Bücher", "rate": "7"}]}, "rates.0.tax_class", "'Bücher'"),
    ),
    "a coupon of a promotion that was withdrawn": (
        *("POST", "/orders", {"lines": [{"product_id": "{lamp}", "quantity": 1}], "coupons": ["GONE"]}, "", "GONE"),
    ),
    "a change of a promotion that was withdrawn": ("PATCH", "/promotions/{gone}", {"label": "y"}, "", "{gone}"),
}


@pytest.mark.parametrize(("method", "path", "body", "field", "said"), BAD.values(), ids=BAD)
def test_it_is_refused_by_field_value_and_rule_and_nothing_is_written(
    till: Till, method: str, path: str, body: object, field: str, said: str
) -> None:
    before = till.state()
    by = "customer" if path.startswith("/orders") else "staff"
    response = till.send(method, filled(path, till.ids), filled(body, till.ids), by=by)
    assert response.status_code in (400, 404, 409), response.text
    problem = response.json()
    errors = {error["field"]: error["message"] for error in problem.get("errors", [])}
    assert list(errors) == [field] if field else not errors
    assert filled(said, till.ids) in (errors[field] if field else problem["detail"])
    assert till.state() == before


def filled(value: Any, ids: dict[str, str]) -> Any:
    """The value with the ids of the shop in the place of their names."""
    if isinstance(value, dict):
        return {key: filled(one, ids) for key, one in value.items()}
    if isinstance(value, list):
        return [filled(one, ids) for one in value]
    if isinstance(value, str):
        for name, each in ids.items():
            value = value.replace(f"{{{name}}}", each)
    return value


def test_a_promotion_that_is_withdrawn_while_it_is_used_changes_no_order(till: Till) -> None:
    path, order = f"/promotions/{till.ids['used']}", f"/orders/{till.ids['order']}"
    before = till.send("GET", order, by="customer").json()
    redemptions = till.send("GET", f"{path}/redemptions").json()
    assert till.send("DELETE", path).status_code == 204
    assert till.send("GET", path).status_code == 404
    assert till.send("GET", order, by="customer").json() == before
    edited = till.send("PUT", order, till.setup.wish(2), by="customer").json()
    assert [each["promotion_id"] for each in edited["discounts"]] == [till.ids["used"]]
    assert redemptions["count"] == 1
    assert till.setup.shop.audit() == []
