"""Nothing that anybody sends makes the server fail: it says what is wrong, and where."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from http_client import PASSWORD, assert_problem, new_product, unique

ID = "01a1fdcd-e7ef-75de-b2e3-e5ed16e9e21d"
JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "not_json"),
        (b"{", "not_json"),
        (b"lines=1", "not_json"),
        (b'{"lines": [}', "not_json"),
        (b'{"lines": []} trailing', "not_json"),
        (b"\xef\xbb\xbf{}", "not_json"),
        (b'{"lines": "\xff\xfe"}', "not_utf_8"),
        (b'{"\xff": 1}', "not_utf_8"),
        (b'{"lines": "\\ud800"}', "not_json"),
        (b"[" * 5_000, "too_deep"),
        (b'{"a":' * 5_000, "too_deep"),
        (b'{"lines":' + b"[" * 100_000, "too_deep"),
        (b'{"lines": NaN}', "not_json"),
        (b'{"lines": Infinity}', "not_json"),
        (b"null", "wrong_type"),
        (b"[]", "wrong_type"),
        (b'"text"', "wrong_type"),
        (b"{}", "exactly_one"),
        (b'{"lines": null}', "wrong_type"),
        (b'{"lines": {}}', "wrong_type"),
        (b'{"lines": []}', "too_short"),
        (b'{"lines": [1]}', "wrong_type"),
        (b'{"lines": [[]]}', "wrong_type"),
        (b'{"lines": [{}]}', "required"),
    ],
    ids=lambda value: repr(value[:20]),
)
def test_a_body_that_is_no_order_is_refused(customer: httpx.Client, body: bytes, code: str) -> None:
    response = customer.post("/orders", content=body, headers=JSON)
    assert response.status_code == 400, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert code in {problem["code"], *(error["code"] for error in problem["errors"])}, problem


@pytest.mark.parametrize(
    ("quantity", "code"),
    [
        ("0", "out_of_range"),
        ("-1", "out_of_range"),
        ("1000001", "out_of_range"),
        ("1" + "0" * 400, "out_of_range"),
        ("1e400", "out_of_range"),
        ("1e3", "wrong_type"),
        ("1.0", "wrong_type"),
        ("1.5", "wrong_type"),
        ('"1"', "wrong_type"),
        ('"1_000"', "wrong_type"),
        ('"١"', "wrong_type"),
        ("true", "wrong_type"),
        ("null", "wrong_type"),
        ("[1]", "wrong_type"),
        ('{"a": 1}', "wrong_type"),
    ],
)
def test_a_quantity_is_a_whole_number(customer: httpx.Client, quantity: str, code: str) -> None:
    body = f'{{"lines": [{{"product_id": "{ID}", "quantity": 1}}, {{"product_id": "{ID}", "quantity": {quantity}}}]}}'
    problem = assert_problem(customer.post("/orders", content=body.encode(), headers=JSON), 400, "invalid_input")
    assert [(error["field"], error["code"]) for error in problem["errors"]] == [("lines.1.quantity", code)]


@pytest.mark.parametrize("number", ["NaN", "01", "1_000", "+1", "١", "0x1", "1."])
def test_a_number_in_another_notation_is_no_json(customer: httpx.Client, number: str) -> None:
    body = f'{{"lines": [{{"product_id": "{ID}", "quantity": {number}}}]}}'
    assert_problem(customer.post("/orders", content=body.encode(), headers=JSON), 400, "malformed_body")


def test_every_fault_of_a_form_is_named_by_its_path(customer: httpx.Client) -> None:
    form = {
        "lines": [
            {"product_id": "x", "quantity": 1},
            {"product_id": ID, "quantity": "2", "colour": "red"},
            {"quantity": 0},
        ],
        "note": "hurry",
    }
    problem = assert_problem(customer.post("/orders", json=form), 400, "invalid_input")
    assert [(error["field"], error["code"]) for error in problem["errors"]] == [
        ("note", "unknown_field"),
        ("lines.0.product_id", "invalid_id"),
        ("lines.1.colour", "unknown_field"),
        ("lines.1.quantity", "wrong_type"),
        ("lines.2.product_id", "required"),
        ("lines.2.quantity", "out_of_range"),
    ]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (f'{{"lines": [], "lines": [{{"product_id": "{ID}", "quantity": 1}}]}}', "lines"),
        (f'{{"lines": [{{"product_id": "{ID}", "quantity": 1, "quantity": 2}}]}}', "quantity"),
        (f'{{"lines": [{{"product_id": "{ID}", "quantity": 1, "\\u0071uantity": 2}}]}}', "quantity"),
        (f'{{"lines": [{{"product_id": "{ID}", "quantity": 1}}], "reservation_id": "\\u003a", "lines": 1}}', "lines"),
    ],
)
def test_a_field_is_given_once(customer: httpx.Client, body: str, field: str) -> None:
    problem = assert_problem(customer.post("/orders", content=body.encode(), headers=JSON), 400, "invalid_input")
    assert {error["field"].split(".")[0] for error in problem["errors"]} <= {field, "lines", "reservation_id"}


def test_a_fault_names_the_value_that_is_wrong(customer: httpx.Client, visitor: httpx.Client) -> None:
    lines = [{"product_id": "lamp\u202e", "quantity": 1}, {"product_id": ID, "quantity": 1_000_001}]
    problem = assert_problem(customer.post("/orders", json={"lines": lines}), 400, "invalid_input")
    assert [error["message"] for error in problem["errors"]] == [
        'must be a UUID, this is "lamp\\u202e"',
        "must be <= 1000000, this is 1000001",
    ]
    problem = assert_problem(visitor.get("/products?category=" + "x" * 500), 400, "invalid_input")
    assert problem["errors"][0]["message"] == f'must be a UUID, this is "{"x" * 59}...'


def test_a_fault_never_names_a_password(visitor: httpx.Client) -> None:
    for password in ("swordfish\0", "swordfish\ud800"):
        body = json.dumps({"username": "ada", "password": password}).encode()
        assert "swordfish" not in visitor.post("/auth/token", content=body, headers=JSON).text
        body = json.dumps({"username": unique("u"), "password": password}).encode()
        assert "swordfish" not in visitor.post("/auth/register", content=body, headers=JSON).text


def test_a_flood_of_faults_gets_a_short_answer(customer: httpx.Client) -> None:
    response = customer.post("/orders", json={"lines": [{}] * 2_000} | {f"field{n}": n for n in range(2_000)})
    assert len(assert_problem(response, 400, "invalid_input")["errors"]) <= 20
    assert len(response.content) < 20_000


def test_two_thousand_and_one_lines_are_too_many(customer: httpx.Client) -> None:
    form = {"lines": [{"product_id": ID, "quantity": 1}] * 2_001}
    problem = assert_problem(customer.post("/orders", json=form), 400, "invalid_input")
    assert [(error["field"], error["code"]) for error in problem["errors"]] == [("lines", "too_long")]


@pytest.mark.parametrize(
    "form",
    [
        {"kind": "shipped", "quantity": 1, "reason": "x"},
        {"kind": "received", "quantity": -1, "reason": "x"},
        {"kind": "received", "quantity": 0, "reason": "x"},
        {"kind": "adjusted", "quantity": 0, "reason": "x"},
        {"kind": "adjusted", "quantity": 10**12, "reason": "x"},
        {"kind": "received", "quantity": 1, "reason": "\x00"},
        {"kind": "received", "quantity": 1, "reason": "x" * 501},
        {"kind": "received", "quantity": 1},
    ],
    ids=str,
)
def test_a_stock_change_that_breaks_a_rule_is_refused(staff: httpx.Client, form: dict[str, Any]) -> None:
    product = new_product(staff, stock=1)
    assert_problem(staff.post(f"/products/{product['id']}/stock", json=form), 400, "invalid_input")


@pytest.mark.parametrize("field", ["username", "password", "refresh"])
@pytest.mark.parametrize("value", ["a\x00b", "", "\u202e", "x" * 2_000, "👩‍🚀"])
def test_odd_credentials_are_refused_and_nothing_worse(visitor: httpx.Client, field: str, value: str) -> None:
    path = "/auth/token/refresh" if field == "refresh" else "/auth/token"
    form = {"refresh": value} if field == "refresh" else {"username": "ada", "password": PASSWORD} | {field: value}
    assert visitor.post(path, json=form).status_code in {400, 401}


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("page=0", "page"),
        ("page=-1", "page"),
        ("page=1.0", "page"),
        ("page=1e3", "page"),
        ("page=", "page"),
        ("page=x", "page"),
        ("page=99999999999999999999999", "page"),
        ("page=50001", "page"),
        ("page=%D9%A1", "page"),
        ("page=1_0", "page"),
        ("page=01", "page"),
        ("page=+1", "page"),
        ("page=1&page=2", "page"),
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=10000", "limit"),
        ("offset=-1", "offset"),
        ("offset=10000001", "offset"),
        ("sort=best", "sort"),
        ("sort=", "sort"),
        ("in_stock=yes", "in_stock"),
        ("in_stock=1", "in_stock"),
        ("in_stock=TRUE", "in_stock"),
        ("category=x", "category"),
        ("min_price=NaN", "min_price"),
        ("min_price=1e400", "min_price"),
        ("max_price=1_000", "max_price"),
        ("max_price=%D9%A2", "max_price"),
        ("min_quantity=-1", "min_quantity"),
        ("min_quantity=1e400", "min_quantity"),
        ("keyword=" + "x" * 201, "keyword"),
        ("colour=red", "colour"),
        ("Page=1", "Page"),
        ("keyword=%ff", "query"),
        ("&".join(f"p{n}=1" for n in range(100)), "query"),
    ],
    ids=lambda value: value[:30],
)
def test_a_query_that_breaks_a_rule_is_refused(visitor: httpx.Client, query: str, field: str) -> None:
    problem = assert_problem(visitor.get(f"/products?{query}"), 400, "invalid_input")
    assert {error["field"] for error in problem["errors"]} == {field}


@pytest.mark.parametrize("keyword", ["%00", "%", "'; DROP TABLE products; --", "a & b | !c:*", "\\", "👩‍🚀", "_", " "])
def test_no_keyword_is_special(visitor: httpx.Client, keyword: str) -> None:
    assert visitor.get("/products", params={"keyword": keyword}).status_code == 200
    assert visitor.get("/products?keyword=%00").status_code == 200


@pytest.mark.parametrize(
    "malformed",
    ["x", "1", "0", "-1", "%00", "%ff%fe", "..%2f..%2fetc", "%7B%7D", "null", ID[:-1], ID + "0", "٠" * 32, "a" * 5_000],
    ids=lambda value: value[:20],
)
@pytest.mark.parametrize("path", ["/products/{}", "/categories/{}", "/orders/{}", "/products/{}/stock"])
def test_a_malformed_id_is_not_found(staff: httpx.Client, path: str, malformed: str) -> None:
    response = staff.get(path.format(malformed))
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"


def test_an_operation_without_parameters_takes_none(customer: httpx.Client, visitor: httpx.Client) -> None:
    assert_problem(customer.get("/users/me?verbose=1"), 400, "invalid_input")
    assert_problem(visitor.get(f"/products/{ID}?x=1"), 400, "invalid_input")


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "multipart/form-data"},
        {"Content-Type": "application/jsonx"},
        {"Content-Type": "application/json; charset=utf-16"},
        {"Content-Type": "\xff"},
        JSON | {"Content-Encoding": "gzip"},
    ],
    ids=str,
)
def test_anything_but_json_is_an_unsupported_media_type(customer: httpx.Client, headers: dict[str, str]) -> None:
    raw = {name: value.encode("latin-1") for name, value in headers.items()}
    assert_problem(customer.post("/orders", content=b'{"lines": []}', headers=raw), 415, "unsupported_media_type")


@pytest.mark.parametrize("media_type", ["application/json", "Application/JSON", 'application/json; charset="UTF-8"'])
def test_json_is_json_however_it_is_written(visitor: httpx.Client, media_type: str) -> None:
    response = visitor.post("/auth/token", content=b"{}", headers={"Content-Type": media_type})
    assert_problem(response, 400, "invalid_input")


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize(("path", "size"), [("/orders", 256 * 1024), ("/auth/token", 4 * 1024)])
def test_a_body_past_its_limit_is_too_large(customer: httpx.Client, path: str, size: int, *, chunked: bool) -> None:
    def body(length: int) -> Any:
        text = b" " * length
        return iter([text[:1000], text[1000:]]) if chunked else text

    response = customer.post(path, content=body(size + 1), headers=JSON)
    assert_problem(response, 413, "body_too_large")
    assert_problem(customer.post(path, content=body(size), headers=JSON), 400, "malformed_body")


def test_a_connection_survives_bodies_that_nobody_wanted(visitor: httpx.Client, customer: httpx.Client) -> None:
    for _ in range(10):
        assert_problem(visitor.post("/orders", content=b" " * 300_000, headers=JSON), 401, "unauthenticated")
        assert_problem(visitor.post("/nope", content=b" " * 3_000_000, headers=JSON), 404, "not_found")
        assert_problem(customer.post("/orders", content=b" " * 2_000_000, headers=JSON), 413, "body_too_large")
        assert customer.get("/users/me").status_code == 200


def test_an_endless_body_ends_the_connection(visitor: httpx.Client) -> None:
    response = visitor.post("/orders", content=(b" " * 100_000 for _ in range(45)), headers=JSON)
    assert_problem(response, 401, "unauthenticated")
    assert response.headers["connection"] == "close"
