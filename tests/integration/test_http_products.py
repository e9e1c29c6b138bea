"""Products and categories that staff change and remove, over HTTP: methods, versions and shapes."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import httpx

from http_client import API, assert_problem, follow, new_order, new_product, staff_and_customer, unique
from http_servers import serving

Json = dict[str, Any]
METHODS = ("PATCH", "PUT", "DELETE")


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
    fields = {"price": "3.10", "name": "New", "version": 2, "updated_at": changed.json()["updated_at"]}
    assert changed.json() == product | fields
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
    for stale in (tag, '"999"', '"nonsense"', f"W/{tag}"):
        for method in METHODS:
            assert_problem(_change(staff, method, path, {"If-Match": stale}), 412, "stale_version")
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


def test_a_removed_product_is_not_found_and_its_stock_is_kept_if_it_had_any(
    staff: httpx.Client, visitor: httpx.Client
) -> None:
    for units, level in ((5, 200), (0, 404)):
        path = f"/products/{new_product(staff, stock=units)['id']}"
        gone = staff.delete(path)
        assert (gone.status_code, gone.content) == (204, b"")
        for response in (visitor.get(path), *(_change(staff, method, path) for method in ("PATCH", "PUT"))):
            assert_problem(response, 404, "product_not_found")
        assert staff.delete(path).status_code == (204 if units else 404)  # an archived one is removed, as asked for
        assert staff.get(f"{path}/stock").status_code == level


# ---- categories


def test_staff_who_want_the_sku_of_an_archived_product_are_led_to_it(staff: httpx.Client) -> None:
    product = new_product(staff, stock=2)
    path = f"/products/{product['id']}"
    assert staff.delete(path).status_code == 204
    taken = staff.post("/products", json={"sku": product["sku"], "name": "Again", "price": "1.00"})
    problem = assert_problem(taken, 409, "sku_taken")
    assert problem["archived_product_id"] == product["id"]
    assert staff.get(path).status_code == 404
    restored = staff.post(f"{path}/restore")
    assert restored.status_code == 200
    changed = {"updated_at": restored.json()["updated_at"], "version": 3, "quantity_in_stock": 2}
    assert restored.json() == product | changed
    assert staff.get(path).headers["etag"] == restored.headers["etag"]
    assert staff.post(f"{path}/restore").json() == restored.json()


def test_categories_come_as_a_tree(staff: httpx.Client, visitor: httpx.Client) -> None:
    top = new_category(staff)
    below = new_category(staff, name="Lamps", slug=unique("lamps"), parent=top["id"])
    new_product(staff, category=below["id"])
    link: str | None = "/categories?nested=true&limit=50"
    found: list[Json] = []
    while link:
        page = follow(visitor, link).json()
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


def test_taken_names_and_unknown_ids_are_refused(staff: httpx.Client) -> None:
    one, two, home, garden = new_product(staff), new_product(staff), new_category(staff), new_category(staff)
    nobody = str(uuid4())
    for response, status, code in (
        (staff.patch(f"/products/{one['id']}", json={"sku": two["sku"]}), 409, "sku_taken"),
        (staff.put(f"/products/{one['id']}", json=_form(sku=two["sku"])), 409, "sku_taken"),
        (staff.post("/products", json=_form(category=nobody)), 404, "category_not_found"),
        (staff.patch(f"/products/{one['id']}", json={"category": nobody}), 404, "category_not_found"),
        (staff.post("/products", json=_form(sku=two["sku"])), 409, "sku_taken"),
        (staff.patch(f"/categories/{home['id']}", json={"slug": garden["slug"]}), 409, "slug_taken"),
        (staff.post("/categories", json={"name": "Home", "slug": home["slug"]}), 409, "slug_taken"),
        (staff.patch(f"/categories/{home['id']}", json={"parent": home["id"]}), 400, "category_cycle"),
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


def test_a_name_whose_letters_stand_for_many_is_stored(staff: httpx.Client, visitor: httpx.Client) -> None:
    """U+FDFA is eighteen characters for the search and the sort: too many of them would not fit an index."""
    marks = "".join(chr(code) for code in range(0x3300, 0x33FF)) + "\ufdfa" * 200
    for name in ("\ufdfa" * 200, marks[:200], marks[-200:]):
        product = new_product(staff, name=name)
        assert visitor.get(f"/products/{product['id']}").json()["name"] == product["name"]
    assert visitor.get("/products", params={"sort": "name", "cursor": "", "limit": 1}).status_code == 200


# ---- a catalog that is not public


def test_shop_public_catalog_false_asks_for_a_login(own_shop: dict[str, str]) -> None:
    with serving(env=own_shop | {"SHOP_PUBLIC_CATALOG": "false"}) as (url, _):
        with staff_and_customer(url) as (staff, somebody), httpx.Client(base_url=url + API, trust_env=False) as visitor:
            product = f"/products/{new_product(staff)['id']}"
            for path in ("/products", product, "/categories", "/categories?nested=true"):
                assert_problem(visitor.get(path), 401, "unauthenticated")
                assert somebody.get(path).status_code == 200
            tag = somebody.get(product).headers["etag"]
            assert_problem(visitor.get(product, headers={"If-None-Match": tag}), 401, "unauthenticated")
            described = visitor.get(f"{url}/openapi.json").json()["paths"]
        assert described[f"{API}/products"]["get"]["security"]
        assert described[f"{API}/auth/token"]["post"]["security"] == []


def _form(**fields: Any) -> Json:
    return {"sku": unique("S"), "name": "Holder", "price": "2.20"} | fields


def _change(staff: httpx.Client, method: str, path: str, headers: dict[str, str] | None = None) -> httpx.Response:
    return staff.request(method, path, json=None if method == "DELETE" else _form(), headers=headers)
