"""Products and categories that staff change and remove, over HTTP; and everything that they cannot be changed to."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx
import pytest
from verification.shop_process import environment, serving
from verification.shop_process import shop as run_shop

from http_client import API, Server, assert_problem, new_order, new_product, unique

Json = dict[str, Any]
JSON = {"Content-Type": "application/json"}


def new_category(staff: httpx.Client, **fields: Any) -> Json:
    """A new category."""
    response = staff.post("/categories", json={"name": "Home", "slug": unique("home")} | fields)
    assert response.status_code == 201, response.text
    category: Json = response.json()
    return category


# ---- products


def test_a_patch_changes_what_it_names_and_null_takes_out_of_the_category(staff: httpx.Client) -> None:
    category = new_category(staff)
    product = new_product(staff, description="Old", category=category["id"], image_urls=["/1.jpg"])
    path = f"/products/{product['id']}"
    changed = staff.patch(path, json={"price": "3.10", "name": "New"})
    assert changed.status_code == 200
    assert changed.json() == product | {"price": "3.10", "name": "New", "updated_at": changed.json()["updated_at"]}
    cleared = staff.patch(path, json={"category": None}).json()
    assert "category" not in cleared
    assert cleared["description"] == "Old"
    assert staff.patch(path, json={}).json() == cleared == staff.get(path).json()


def test_a_put_replaces_everything(staff: httpx.Client) -> None:
    product = new_product(staff, description="Old", category=new_category(staff)["id"], image_urls=["/1.jpg"])
    form = {"sku": unique("S"), "name": "New", "price": "1.00"}
    replaced = staff.put(f"/products/{product['id']}", json=form).json()
    assert replaced.items() >= (form | {"description": "", "image_urls": [], "id": product["id"]}).items()
    assert "category" not in replaced
    assert replaced["created_at"] == product["created_at"]


def test_a_sale_in_between_does_not_fail_an_edit_and_another_edit_does(
    staff: httpx.Client, customer: httpx.Client
) -> None:
    product = new_product(staff, stock=5)
    path = f"/products/{product['id']}"
    tag = staff.get(path).headers["etag"]
    new_order(customer, (product, 1))
    assert staff.get(path).headers["etag"] != tag, "readers see the sale"
    first = staff.patch(path, json={"name": "First"}, headers={"If-Match": tag})
    assert first.status_code == 200
    assert first.headers["etag"] == staff.get(path).headers["etag"]
    for stale in (tag, '"999"', "nonsense", f"W/{first.headers['etag']}"):
        assert_problem(staff.patch(path, json={"name": "2"}, headers={"If-Match": stale}), 412, "stale_version")
        assert_problem(staff.put(path, json=_form(), headers={"If-Match": stale}), 412, "stale_version")
        assert_problem(staff.delete(path, headers={"If-Match": stale}), 412, "stale_version")
    assert staff.get(path).json()["name"] == "First"
    assert staff.patch(path, json={"name": "3"}, headers={"If-Match": f'"0", {first.headers["etag"]}'}).is_success
    assert staff.delete(path, headers={"If-Match": "*"}).status_code == 204


def test_an_unchanged_product_is_not_sent_again(staff: httpx.Client, visitor: httpx.Client) -> None:
    path = f"/products/{new_product(staff, stock=5)['id']}"
    tag = visitor.get(path).headers["etag"]
    for known in (tag, f"W/{tag}", f'"1", {tag}', "*"):
        again = visitor.get(path, headers={"If-None-Match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    staff.patch(path, json={"name": "New"})
    assert visitor.get(path, headers={"If-None-Match": tag}).json()["name"] == "New"


def test_a_product_that_was_sold_leaves_the_catalog_and_its_orders_keep_its_name(
    staff: httpx.Client, customer: httpx.Client, visitor: httpx.Client
) -> None:
    product = new_product(staff, stock=5)
    order = new_order(customer, (product, 2))
    path = f"/products/{product['id']}"
    gone = staff.delete(path)
    assert (gone.status_code, gone.content) == (204, b"")
    for response in (visitor.get(path), staff.delete(path), staff.patch(path, json={}), staff.put(path, json=_form())):
        assert_problem(response, 404, "product_not_found")
    assert visitor.get("/products", params={"keyword": product["sku"]}).json()["count"] == 0
    assert customer.get(f"/orders/{order['id']}").json() == order
    assert_problem(staff.post("/products", json=_form(sku=product["sku"])), 409, "sku_taken")
    lines = {"lines": [{"product_id": product["id"], "quantity": 1}]}
    assert_problem(customer.post("/orders", json=lines), 400, "unknown_product")
    assert staff.get(f"{path}/stock").json()["allocated"] == 2


def test_a_product_that_was_never_stocked_is_gone(staff: httpx.Client) -> None:
    product = new_product(staff)
    assert staff.delete(f"/products/{product['id']}").status_code == 204
    assert staff.post("/products", json=_form(sku=product["sku"])).status_code == 201
    assert_problem(staff.get(f"/products/{product['id']}/stock"), 404, "product_not_found")


def test_promised_units_can_be_found_missing_and_the_shortfall_shows(
    staff: httpx.Client, customer: httpx.Client
) -> None:
    product = new_product(staff, stock=5)
    new_order(customer, (product, 4))
    path = f"/products/{product['id']}/stock"
    level = staff.post(path, json={"kind": "adjusted", "quantity": -3, "reason": "water"}).json()
    assert (level["on_hand"], level["allocated"], level["shortfall"], level["available"]) == (2, 4, 2, 0)
    assert staff.get(path).json() == level
    problem = assert_problem(staff.post(path, json={"kind": "adjusted", "quantity": 1, "reason": " "}), 400, BAD)
    assert problem["errors"][0]["field"] == "reason"


def test_products_with_the_words_in_their_names_come_first(staff: httpx.Client, visitor: httpx.Client) -> None:
    word = unique("w")
    for name, description in (("Anchor", word), ("Candle", word), (f"{word} bell", ""), (f"Aa {word}", "x")):
        new_product(staff, name=name, description=description)
    expected = [f"Aa {word}", f"{word} bell", "Anchor", "Candle"]
    for query in ({}, {"sort": "relevance"}):
        page = visitor.get("/products", params={"keyword": word} | query).json()
        assert [product["name"] for product in page["results"]] == expected
    seen: list[str] = []
    link: str | None = f"/products?keyword={word}&cursor=&limit=1"
    while link:
        page = visitor.get(link).json()
        seen += [product["name"] for product in page["results"]]
        link = page["next"]
    assert seen == expected


# ---- categories


def test_categories_come_as_a_tree(staff: httpx.Client, visitor: httpx.Client) -> None:
    top = new_category(staff)
    below = new_category(staff, name="Lamps", slug=unique("lamps"), parent=top["id"])
    new_product(staff, category=below["id"])
    link: str | None = "/categories?nested=true&limit=50"
    found: list[Json] = []
    while link:
        page = visitor.get(link).json()
        found += page["results"]
        link = page["next"]
    assert len(found) == page["count"]
    assert all("parent" not in category for category in found)
    (shown,) = [category for category in found if category["id"] == top["id"]]
    assert shown == top | {"children": [below | {"product_count": 1, "children": []}]}
    assert "children" not in visitor.get(f"/categories/{top['id']}").json()


def test_a_category_is_renamed_moved_and_removed(staff: httpx.Client, visitor: httpx.Client) -> None:
    top, other = new_category(staff), new_category(staff)
    path, slug = f"/categories/{other['id']}", unique("slug")
    moved = staff.patch(path, json={"name": "Lamps", "slug": slug, "parent": top["id"]}).json()
    assert moved == other | {"name": "Lamps", "slug": slug, "parent": top["id"]}
    product = new_product(staff, category=other["id"], stock=1)
    problem = assert_problem(staff.delete(f"/categories/{top['id']}"), 409, "category_in_use")
    assert "products (0) or categories below it (1)" in problem["detail"]
    problem = assert_problem(staff.delete(path), 409, "category_in_use")
    assert "products (1) or categories below it (0)" in problem["detail"]
    assert "parent" not in staff.patch(path, json={"parent": None}).json()
    assert staff.delete(f"/products/{product['id']}").status_code == 204
    assert staff.delete(path).status_code == 204
    assert_problem(visitor.get(path), 404, "category_not_found")


# ---- bad input

BAD = "invalid_input"
BAD_PRODUCT: list[tuple[Json, str]] = [
    ({"sku": ""}, "sku"),
    ({"sku": "x" * 65}, "sku"),
    ({"sku": None}, "sku"),
    ({"name": ""}, "name"),
    ({"name": " "}, "name"),
    ({"name": "x" * 10_000}, "name"),
    ({"name": "a\x00b"}, "name"),
    ({"name": "a\u202eb"}, "name"),
    ({"name": 1}, "name"),
    ({"name": None}, "name"),
    *(({"price": price}, "price") for price in ("2.205", "-1", "", "9" * 30, "2,20", "1e2", "NaN", "٢", "1_000")),
    *(({"price": price}, "price") for price in (2.2, 2, None)),
    ({"description": "\x00"}, "description"),
    ({"description": "x" * 10_001}, "description"),
    ({"category": "somewhere"}, "category"),
    ({"category": ""}, "category"),
    ({"image_urls": ["javascript:alert(1)"]}, "image_urls.0"),
    ({"image_urls": ["/x"] * 21}, "image_urls"),
    ({"image_urls": None}, "image_urls"),
    ({"image_urls": "https://example.org"}, "image_urls"),
    ({"image_urls": [1]}, "image_urls.0"),
    ({"id": "0193aaaa-0000-7000-8000-000000000000"}, "id"),
    ({"sku": "\u202e"}, "sku"),
    ({"colour": "red"}, "colour"),
    ({"quantity_in_stock": 7}, "quantity_in_stock"),
]


@pytest.mark.parametrize(("fields", "field"), BAD_PRODUCT, ids=lambda value: str(value)[:40])
def test_a_product_that_breaks_a_rule_is_refused_and_nothing_is_written(
    staff: httpx.Client, fields: Json, field: str
) -> None:
    product = new_product(staff)
    path = f"/products/{product['id']}"
    for method, where, form in (
        ("POST", "/products", _form() | fields),
        ("PUT", path, _form() | fields),
        ("PATCH", path, {"description": "New"} | fields),
    ):
        response = staff.request(method, where, content=json.dumps(form).encode(), headers=JSON)
        problem = assert_problem(response, 400, BAD)
        assert {error["field"] for error in problem["errors"]} == {field}
    assert staff.get(path).json() == product


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 10_000}, "name"),
        ({"name": "a\x00b"}, "name"),
        ({"name": "\u202e"}, "name"),
        ({"name": None}, "name"),
        ({"slug": ""}, "slug"),
        ({"slug": "No Slug"}, "slug"),
        ({"slug": "x" * 101}, "slug"),
        ({"slug": "\x00"}, "slug"),
        ({"parent": "x"}, "parent"),
        ({"parent": 1}, "parent"),
        ({"id": "0193aaaa-0000-7000-8000-000000000000"}, "id"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_change_of_a_category_that_breaks_a_rule_is_refused(staff: httpx.Client, fields: Json, field: str) -> None:
    category = new_category(staff)
    path = f"/categories/{category['id']}"
    problem = assert_problem(staff.patch(path, content=json.dumps(fields).encode(), headers=JSON), 400, BAD)
    assert {error["field"] for error in problem["errors"]} == {field}
    if "id" not in fields and fields != {"name": None}:
        form = {"name": "Home", "slug": unique("home")} | fields
        assert_problem(staff.post("/categories", content=json.dumps(form).encode(), headers=JSON), 400, BAD)
    assert staff.get(path).json() == category


def test_a_category_below_itself_is_refused(staff: httpx.Client) -> None:
    top = new_category(staff)
    below = new_category(staff, parent=top["id"])
    for parent in (top, below):
        response = staff.patch(f"/categories/{top['id']}", json={"parent": parent["id"]})
        problem = assert_problem(response, 400, "category_cycle")
        assert problem["errors"][0]["field"] == "parent"
        assert parent["id"] in problem["errors"][0]["message"]
    assert staff.get(f"/categories/{top['id']}").json() == top


def test_taken_names_and_unknown_ids_are_refused(staff: httpx.Client) -> None:
    one, two, home, garden = new_product(staff), new_product(staff), new_category(staff), new_category(staff)
    nobody = str(uuid4())
    for response, status, code in (
        (staff.patch(f"/products/{one['id']}", json={"sku": two["sku"]}), 409, "sku_taken"),
        (staff.put(f"/products/{one['id']}", json=_form(sku=two["sku"])), 409, "sku_taken"),
        (staff.post("/products", json=_form(category=nobody)), 404, "category_not_found"),
        (staff.patch(f"/products/{one['id']}", json={"category": nobody}), 404, "category_not_found"),
        (staff.patch(f"/categories/{home['id']}", json={"slug": garden["slug"]}), 409, "slug_taken"),
        (staff.patch(f"/categories/{home['id']}", json={"parent": nobody}), 404, "category_not_found"),
        (staff.patch(f"/categories/{nobody}", json={}), 404, "category_not_found"),
        (staff.delete(f"/categories/{nobody}"), 404, "category_not_found"),
        (staff.patch(f"/products/{nobody}", json={}), 404, "product_not_found"),
        (staff.put(f"/products/{nobody}", json=_form()), 404, "product_not_found"),
        (staff.delete(f"/products/{nobody}"), 404, "product_not_found"),
        (staff.delete("/products/x"), 404, "not_found"),
        (staff.patch("/categories/%00", json={}), 404, "not_found"),
    ):
        assert_problem(response, status, code)


@pytest.mark.parametrize("body", [b"", b"{", b"null", b"[]", b"\xff", b'{"name": "\\ud800"}', b"[" * 5_000])
def test_a_body_that_is_no_change_is_refused(staff: httpx.Client, body: bytes) -> None:
    product, category = new_product(staff), new_category(staff)
    for method, path in (("PATCH", "products"), ("PUT", "products"), ("PATCH", "categories")):
        one = product if path == "products" else category
        assert staff.request(method, f"/{path}/{one['id']}", content=body, headers=JSON).status_code == 400


@pytest.mark.parametrize(
    "query", ["nested=yes", "nested=1", "page=0", "limit=10000", "cursor=", "nested=true&nested=true"]
)
def test_a_query_for_categories_that_breaks_a_rule_is_refused(visitor: httpx.Client, query: str) -> None:
    assert_problem(visitor.get(f"/categories?{query}"), 400, BAD)


def test_a_name_whose_letters_stand_for_many_is_stored(staff: httpx.Client, visitor: httpx.Client) -> None:
    """U+FDFA is eighteen characters for the search and the sort: too many of them would not fit an index."""
    marks = "".join(chr(code) for code in range(0x3300, 0x33FF)) + "\ufdfa" * 200
    for name in ("\ufdfa" * 200, marks[:200], marks[-200:]):
        product = new_product(staff, name=name)
        assert visitor.get(f"/products/{product['id']}").json()["name"] == product["name"]
    assert visitor.get("/products", params={"sort": "name", "cursor": "", "limit": 1}).status_code == 200


# ---- a catalog that is not public


def test_shop_public_catalog_false_asks_for_a_login(new_database: Callable[[str], str]) -> None:
    env = environment(
        SHOP_DATABASE_URL=new_database("shop_private"), SHOP_SECRET_KEY="x" * 36, SHOP_PUBLIC_CATALOG="false"
    )
    for arguments, stdin in ((["migrate"], ""), (["create-admin", "boss"], "correct horse battery\n")):
        assert run_shop(*arguments, env=env, stdin=stdin).returncode == 0
    with serving(env=env) as (url, _):
        server = Server(url, "boss", "correct horse battery")
        with server.client() as visitor, server.client(server.staff_token) as somebody:
            product = new_product(somebody)
            for path in ("/products", f"/products/{product['id']}", "/categories", "/categories?nested=true"):
                assert_problem(visitor.get(path), 401, "unauthenticated")
                assert somebody.get(path).status_code == 200
            tag = somebody.get(f"/products/{product['id']}").headers["etag"]
            again = visitor.get(f"/products/{product['id']}", headers={"If-None-Match": tag})
            assert_problem(again, 401, "unauthenticated")
            assert "security" in visitor.get(f"{url}/openapi.json").json()["paths"][f"{API}/products"]["get"]


def _form(**fields: Any) -> Json:
    return {"sku": unique("S"), "name": "Holder", "price": "2.20"} | fields
