"""Nothing that anybody sends makes the server fail: it says what is wrong, and where."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from http_client import PASSWORD, Server, assert_problem, new_order, new_product, order_of, register, unique

ID = "01a1fdcd-e7ef-75de-b2e3-e5ed16e9e21d"
JSON = {"Content-Type": "application/json"}
Body = dict[str, Any]


@pytest.fixture
def customer(server: Server) -> Iterator[httpx.Client]:
    """Somebody who is logged in; nothing that they ask for here is done."""
    with server.client(server.customer_token) as client:
        yield client


BAD_BODIES = {
    "not_json": [
        *(
            b"",
            b"{",
            b"lines=1",
            b'{"lines": [}',
            b'{"lines": []} trailing',
            b"\xef\xbb\xbf{}",
            b'{"lines": "\\ud800"}',
        ),
        *(b'{"lines": NaN}', b'{"lines": Infinity}'),
    ],
    "not_utf_8": [b'{"lines": "\xff\xfe"}', b'{"\xff": 1}'],
    "too_deep": [b"[" * 5_000, b'{"a":' * 5_000, b'{"lines":' + b"[" * 100_000],
    "wrong_type": [b"null", b"[]", b'"text"', *(b'{"lines": %s}' % each for each in (b"null", b"{}", b"[1]", b"[[]]"))],
    "exactly_one": [b"{}"],
    "too_short": [b'{"lines": []}'],
    "required": [b'{"lines": [{}]}'],
}


@pytest.mark.parametrize(
    ("code", "body"),
    [(code, body) for code, bodies in BAD_BODIES.items() for body in bodies],
    ids=lambda value: repr(value[:20]),
)
def test_a_body_that_is_no_order_is_refused(customer: httpx.Client, code: str, body: bytes) -> None:
    response = customer.post("/orders", content=body, headers=JSON)
    assert response.status_code == 400, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert code in {problem["code"], *(error["code"] for error in problem["errors"])}, problem


@pytest.mark.parametrize(
    ("quantity", "code"),
    [
        *((number, "out_of_range") for number in ("0", "-1", "1000001", "1" + "0" * 400, "1e400")),
        *(
            (number, "wrong_type")
            for number in ("1e3", "1.0", "1.5", '"1"', '"1_000"', '"\u0661"', "true", "null", "[1]")
        ),
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


# ---- forms

OPERATIONS: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
    "register": (("POST /auth/register",), {"username": "ada.lovelace", "password": PASSWORD}),
    "logout": (("POST /auth/logout",), {"refresh": "made up"}),
    "profile": (("PATCH /users/me",), {"first_name": "Ada"}),
    "password": (("POST /users/me/password",), {"old_password": PASSWORD, "new_password": "another horse battery"}),
    "user": (("PATCH {user}",), {"role": "staff"}),
    "product": (("POST /products", "PUT {product}", "PATCH {product}"), {"sku": "S-1", "name": "New", "price": "1.00"}),
    "category": (("PATCH {category}",), {"name": "New"}),
    "delivery": (("POST {product}/stock",), {"kind": "received", "quantity": 1, "reason": "delivery"}),
    "correction": (("POST {product}/stock",), {"kind": "adjusted", "quantity": 1, "reason": "found"}),
    "order": (("POST /orders", "PUT {order}"), {"lines": [{"product_id": ID, "quantity": 1}]}),
    "total": (("POST /orders",), {"lines": [{"product_id": ID, "quantity": 1}]}),
    "reservation": (("POST /reservations",), {"lines": [{"product_id": ID, "quantity": 1}]}),
    "extension": (("POST {reservation}/extend",), {}),
}
"""By name: where it is sent, and a good form. Each can be sent by an admin."""

TTLS = [0, -1, 86_401, 10**30]


def _line(**fields: object) -> list[Body]:
    return [{"product_id": ID, "quantity": 1} | fields]


BAD_FIELDS: dict[str, list[tuple[str, str, list[Any]]]] = {
    "register": [
        ("username", "invalid_username", ["a b"]),
        ("email", "invalid_email", ["nowhere"]),
        ("first_name", "too_long", ["x" * 200]),
        ("password", "common_password", ["password", "1234567890", "ADA.lovelace", "ecalevol.ada"]),
        ("role", "unknown_field", ["admin"]),
    ],
    "logout": [
        ("refresh", "required", [...]),
        ("refresh", "wrong_type", [None, 1]),
        ("refresh", "forbidden_character", ["a\x00b"]),
        ("all", "unknown_field", [True]),
    ],
    "profile": [
        *((name, "unknown_field", ["x"]) for name in ("username", "role", "active", "password", "id")),
        ("email", "wrong_type", [None, 1]),
        ("email", "invalid_email", ["nowhere"]),
        ("email", "forbidden_character", ["a@b.example\x00"]),
        ("email", "too_long", ["x" * 10_000 + "@b.example"]),
        ("first_name", "too_long", ["x" * 10_000]),
        ("first_name", "wrong_type", [["Ada"]]),
        ("last_name", "forbidden_character", ["a\u202eb", "two\nlines"]),
    ],
    "password": [
        ("old_password", "required", [...]),
        ("old_password", "wrong_type", [None]),
        ("new_password", "required", [...]),
        ("new_password", "too_short", ["short"]),
        ("new_password", "too_long", ["xy" * 129, "x" * 10_000]),
        ("new_password", "common_password", ["Password1"]),
        ("new_password", "forbidden_character", ["a\x00b" * 5]),
        ("new_password", "wrong_type", [12345678]),
        ("user", "unknown_field", ["boss"]),
    ],
    "user": [
        ("role", "invalid_choice", ["boss", ""]),
        ("role", "wrong_type", [None, 1]),
        ("active", "wrong_type", ["false", 0, None]),
        *((name, "unknown_field", ["x"]) for name in ("username", "password", "email")),
    ],
    "product": [
        ("sku", "too_short", [""]),
        ("sku", "too_long", ["x" * 65]),
        ("sku", "wrong_type", [None]),
        ("sku", "forbidden_character", ["\u202e"]),
        ("name", "too_short", ["", " "]),
        ("name", "too_long", ["x" * 10_000]),
        ("name", "forbidden_character", ["a\x00b", "a\u202eb"]),
        ("name", "wrong_type", [1, None]),
        ("price", "too_many_decimals", ["2.205"]),
        ("price", "not_a_decimal", ["", "9" * 30, "2,20", "1e2", "NaN", "\u0662", "1_000"]),
        ("price", "out_of_range", ["-1"]),
        ("price", "wrong_type", [2.2, 2, None]),
        ("description", "forbidden_character", ["\x00"]),
        ("description", "too_long", ["x" * 10_001]),
        ("category", "invalid_id", ["somewhere", ""]),
        ("image_urls.0", "invalid_url", [["javascript:alert(1)"]]),
        ("image_urls.0", "wrong_type", [[1]]),
        ("image_urls", "too_many", [["/x"] * 21]),
        ("image_urls", "wrong_type", [None, "https://example.org"]),
        *((name, "unknown_field", ["x"]) for name in ("id", "colour", "quantity_in_stock")),
    ],
    "category": [
        ("name", "too_short", [""]),
        ("name", "too_long", ["x" * 10_000]),
        ("name", "forbidden_character", ["a\x00b", "\u202e"]),
        ("name", "wrong_type", [None]),
        ("slug", "too_short", [""]),
        ("slug", "too_long", ["x" * 101]),
        ("slug", "invalid_slug", ["No Slug"]),
        ("slug", "forbidden_character", ["\x00"]),
        ("parent", "invalid_id", ["x"]),
        ("parent", "wrong_type", [1]),
        ("id", "unknown_field", [ID]),
    ],
    "delivery": [
        ("kind", "invalid_choice", ["shipped"]),
        ("quantity", "out_of_range", [-1, 0]),
        ("reason", "forbidden_character", ["\x00"]),
        ("reason", "too_long", ["x" * 501]),
        ("reason", "required", [...]),
    ],
    "correction": [("quantity", "out_of_range", [0, 10**12]), ("reason", "too_short", [" "])],
    "order": [
        ("lines", "too_short", [[]]),
        ("lines", "too_long", [_line() * 2_001]),
        ("lines.0.product_id", "invalid_id", [_line(product_id="x")]),
        ("lines.0.quantity", "out_of_range", [_line(quantity=units) for units in (0, -1, 1_000_001)]),
        ("lines.0.quantity", "wrong_type", [_line(quantity="1")]),
        ("lines.0.price", "unknown_field", [_line(price=1)]),
        ("status", "unknown_field", ["shipped"]),
    ],
    "total": [
        ("expected_total", "not_a_decimal", ["", "1e3", "NaN", "ten"]),
        ("expected_total", "too_many_decimals", ["1.234"]),
    ],
    "reservation": [("ttl_seconds", "out_of_range", TTLS), ("ttl_seconds", "wrong_type", [1.5, "60", None])],
    "extension": [("ttl_seconds", "out_of_range", TTLS), ("ttl_seconds", "wrong_type", [1.5, "60", None])],
}


@pytest.fixture(scope="module")
def targets(server: Server) -> dict[str, str]:
    """The path of a thing of each kind. The admin has them all, and no test of this module changes one."""
    with server.client(server.staff_token) as staff:
        product = new_product(staff, stock=9)
        made = {
            "product": product,
            "order": new_order(staff, (product, 1)),
            "user": register(staff),
            "category": staff.post("/categories", json={"name": "Shelf", "slug": unique("shelf")}).json(),
            "reservation": staff.post("/reservations", json=order_of((product, 1))).json(),
        }
    plural = {"category": "categories"}
    return {name: f"/{plural.get(name, name + 's')}/{thing['id']}" for name, thing in made.items()}


@pytest.mark.parametrize(
    ("name", "field", "code", "values"),
    [(name, *row) for name, rows in BAD_FIELDS.items() for row in rows],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_field_that_breaks_a_rule_is_named_and_nothing_is_written(
    staff: httpx.Client, targets: dict[str, str], name: str, field: str, code: str, values: list[Any]
) -> None:
    paths, good = OPERATIONS[name]
    given, _, _ = field.partition(".")
    calls = [where.format(**targets).split(" ") for where in paths]
    things = [thing for thing in (*targets.values(), "/users/me") if any(path.startswith(thing) for _, path in calls)]
    before = [staff.get(thing).json() | {"server_now": ""} for thing in things]
    for method, path in calls:
        for value in values:
            form = {key: kept for key, kept in (good | {given: value}).items() if kept is not ...}
            response = staff.request(method, path, content=json.dumps(form).encode(), headers=JSON)
            problem = assert_problem(response, 400, "invalid_input")
            assert {(error["field"], error["code"]) for error in problem["errors"]} == {(field, code)}, value
    assert [staff.get(thing).json() | {"server_now": ""} for thing in things] == before


@pytest.mark.parametrize("body", [b"", b"{", b"null", b"[]", b"\xff", b'{"name": "\\ud800"}', b"[" * 3_000])
def test_a_body_that_is_no_form_is_refused_by_every_operation(
    staff: httpx.Client, targets: dict[str, str], body: bytes
) -> None:
    for method, path in (where.format(**targets).split(" ") for paths, _ in OPERATIONS.values() for where in paths):
        response = staff.request(method, path, content=body, headers=JSON)
        assert response.status_code == 400, path
        assert response.json()["code"] in {"malformed_body", "invalid_input"}
        assert staff.request(method, path, content=b"email=x").status_code == 415


@pytest.mark.parametrize("field", ["username", "password", "refresh"])
@pytest.mark.parametrize("value", ["a\x00b", "", "\u202e", "x" * 2_000, "👩‍🚀"])
def test_odd_credentials_are_refused_and_nothing_worse(visitor: httpx.Client, field: str, value: str) -> None:
    path = "/auth/token/refresh" if field == "refresh" else "/auth/token"
    form = {"refresh": value} if field == "refresh" else {"username": "ada", "password": PASSWORD} | {field: value}
    assert visitor.post(path, json=form).status_code in {400, 401}


# ---- queries

BAD_QUERIES = {
    ("/products", "page"): [
        "",
        "0",
        "-1",
        "1.0",
        "1e3",
        "x",
        "9" * 23,
        "50001",
        "%D9%A1",
        "1_0",
        "01",
        "+1",
        "1&page=2",
    ],
    ("/products", "limit"): ["0", "201", "10000"],
    ("/products", "offset"): ["-1", "10000001"],
    ("/products", "sort"): ["", "best"],
    ("/products", "in_stock"): ["yes", "1"],
    ("/products", "category"): ["x"],
    ("/products", "min_price"): ["NaN", "1e400", "-0.01"],
    ("/products", "max_price"): ["1_000", "%D9%A2"],
    ("/products", "min_quantity"): ["-1", "1e400"],
    ("/products", "keyword"): ["x" * 201, "a%00b"],
    ("/products", "colour"): ["red"],
    ("/products", "Page"): ["1"],
    ("/categories", "nested"): ["yes", "1", "true&nested=true"],
    ("/categories", "page"): ["0"],
    ("/categories", "limit"): ["10000"],
    ("/categories", "cursor"): [""],
    ("/orders", "status"): ["", "lost", "PLACED", "placed&status=shipped"],
    ("/orders", "customer"): ["", "x"],
    ("/orders", "number"): ["", "x", "%00", "261121-%E2%80%AE0000000", "1" * 10_000],
    ("/orders", "placed_from"): ["", "yesterday", "2026-11-21", "2026-11-21T09:30:00", "1700000000"],
    ("/orders", "placed_before"): [
        *("2026-13-21T09:30:00Z", "2026-11-21T09:30:00%2B99:00", "99999-11-21T09:30:00Z"),
    ],
    ("/orders", "page"): ["0", "1&cursor="],
    ("/orders", "limit"): ["10000"],
    ("/orders", "cursor"): ["x"],
    ("/orders", "with_deleted"): ["true"],
    ("/users", "page"): ["0", "x", "1&cursor="],
    ("/users", "offset"): ["-1", "1&page=1"],
    ("/users", "limit"): ["0", "10000"],
    ("/users", "role"): ["", "boss", "ADMIN"],
    ("/users", "active"): ["", "yes", "1"],
    ("/users", "search"): ["x" * 201, "a&search=b"],
    ("/users", "name"): ["ada"],
    ("/users/me", "verbose"): ["1"],
    (f"/products/{ID}", "x"): ["1"],
}


@pytest.mark.parametrize(
    ("path", "field", "value"),
    [(*place, value) for place, values in BAD_QUERIES.items() for value in values],
    ids=lambda value: value[:40],
)
def test_a_query_that_breaks_a_rule_is_refused(staff: httpx.Client, path: str, field: str, value: str) -> None:
    problem = assert_problem(
        staff.get(f"{path}?{field}={value}"), 400, "invalid_cursor" if field == "cursor" and value else "invalid_input"
    )
    assert {error["field"] for error in problem["errors"]} == {field}


@pytest.mark.parametrize(
    "query", ["keyword=%ff", "&".join(f"p{n}=1" for n in range(100))], ids=lambda value: value[:30]
)
def test_a_query_that_cannot_be_read_is_refused_as_a_whole(visitor: httpx.Client, query: str) -> None:
    problem = assert_problem(visitor.get(f"/products?{query}"), 400, "invalid_input")
    assert {error["field"] for error in problem["errors"]} == {"query"}


@pytest.mark.parametrize("mixed", ["page=1&offset=0", "cursor=&page=1", "cursor=&offset=0"])
def test_ways_of_paging_are_not_mixed(visitor: httpx.Client, mixed: str) -> None:
    problem = assert_problem(visitor.get(f"/products?{mixed}"), 400, "invalid_input")
    assert problem["errors"][0]["code"] == "exclusive"


@pytest.mark.parametrize(
    "time",
    [
        *("0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59.999999-23:59"),
        *("2026-11-21t09:30:00z", "1970-01-01T00:00:00-00:00"),
    ],
)
def test_any_time_that_can_be_is_understood(staff: httpx.Client, time: str) -> None:
    for name in ("placed_from", "placed_before"):
        assert staff.get("/orders", params={name: time, "limit": 1}).status_code == 200


@pytest.mark.parametrize("keyword", ["%00", "%", "'; DROP TABLE products; --", "a & b | !c:*", "\\", "👩‍🚀", "_", " "])
def test_no_keyword_is_special(visitor: httpx.Client, keyword: str) -> None:
    assert visitor.get("/products", params={"keyword": keyword}).status_code == 200


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
    raw = {name.encode(): value.encode("latin-1") for name, value in headers.items()}
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
