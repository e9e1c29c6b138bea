"""Searching and listing the catalog, and its stock, over HTTP: parameters, pages and shapes."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from http_client import API, assert_problem, follow, new_product, unique

Json = dict[str, Any]


def names(response: httpx.Response) -> list[str]:
    """The names in a list of products."""
    assert response.status_code == 200, response.text
    return [product["name"] for product in response.json()["results"]]


@pytest.fixture
def word(staff: httpx.Client) -> str:
    """A word under which one finds three products: Anchor (1.00, none left), Bell (2.00, 5), Candle (3.00, 50)."""
    word = unique("w")
    for name, price, stock in (("Anchor", "1.00", 0), ("Bell", "2.00", 5), ("Candle", "3.00", 50)):
        new_product(staff, stock=stock, name=name, price=price, description=word)
    return word


def test_a_product_is_shown_with_what_can_be_sold_and_nothing_null(staff: httpx.Client, visitor: httpx.Client) -> None:
    created = new_product(staff, stock=7, price="12.5")
    product = visitor.get(f"/products/{created['id']}").json()
    assert product == created | {"quantity_in_stock": 7}
    assert (product["price"], product["currency"]) == ("12.50", "EUR")
    assert "category" not in product
    assert None not in product.values()


def test_without_a_sort_products_with_the_words_in_their_names_come_first(
    staff: httpx.Client, visitor: httpx.Client
) -> None:
    word = unique("w")
    for name, description in (("Anchor", word), ("Candle", word), (f"{word} bell", ""), (f"Aa {word}", "x")):
        new_product(staff, name=name, description=description)
    for query in ({}, {"sort": "relevance"}):
        found = names(visitor.get("/products", params={"keyword": word} | query))
        assert found == [f"Aa {word}", f"{word} bell", "Anchor", "Candle"]


def test_a_new_family_is_in_the_list_at_once(staff: httpx.Client) -> None:
    def listed() -> set[str]:
        return {family["name"] for family in staff.get("/families", params={"limit": 200}).json()["results"]}

    name, before = unique("Mugs"), listed()
    assert listed() == before, "the list is kept"
    assert staff.post("/families", json={"name": name, "option_names": ["colour"]}).status_code == 201
    assert listed() == before | {name}


def test_a_new_product_says_where_it_is(staff: httpx.Client) -> None:
    response = staff.post("/products", json={"sku": unique("S"), "name": "Bunting", "price": "4.95"})
    assert response.status_code == 201
    assert response.headers["location"] == f"{API}/products/{response.json()['id']}"
    assert staff.get(f"{str(staff.base_url).removesuffix(f'{API}/')}{response.headers['location']}").status_code == 200


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"sort": "name"}, ["Anchor", "Bell", "Candle"]),
        ({"sort": "-price"}, ["Candle", "Bell", "Anchor"]),
        ({"sort": "price"}, ["Anchor", "Bell", "Candle"]),
        ({"sort": "newest"}, ["Candle", "Bell", "Anchor"]),
        ({"sort": "relevance"}, ["Anchor", "Bell", "Candle"]),
        ({}, ["Anchor", "Bell", "Candle"]),
        ({"in_stock": "true", "sort": "name"}, ["Bell", "Candle"]),
        ({"in_stock": "false"}, ["Anchor"]),
        ({"min_quantity": "6"}, ["Candle"]),
        ({"min_quantity": "0", "sort": "name"}, ["Anchor", "Bell", "Candle"]),
        ({"in_stock": "false", "min_quantity": "6"}, []),
        ({"min_price": "2", "max_price": "2.00"}, ["Bell"]),
        ({"max_price": "0.99"}, []),
    ],
)
def test_products_are_filtered_and_sorted(
    visitor: httpx.Client, word: str, filters: dict[str, str], expected: list[str]
) -> None:
    assert names(visitor.get("/products", params={"keyword": word} | filters)) == expected


def test_a_category_shows_what_is_in_it_and_below_it(staff: httpx.Client, visitor: httpx.Client) -> None:
    above = staff.post("/categories", json={"name": "Home", "slug": unique("home")}).json()
    form = {"name": "Lights", "slug": unique("lights"), "parent": above["id"]}
    response = staff.post("/categories", json=form)
    below = response.json()
    assert response.headers["location"] == f"{API}/categories/{below['id']}"
    product = new_product(staff, category=below["id"])
    assert product["category"] == below["id"]
    for category in (above, below):
        assert names(visitor.get("/products", params={"category": category["id"]})) == [product["name"]]
    assert visitor.get(f"/categories/{below['id']}").json() == below | {"product_count": 1}
    assert "parent" not in visitor.get(f"/categories/{above['id']}").json()
    assert visitor.get("/categories", params={"limit": 200}).json()["count"] >= 2


def test_stock_is_received_and_adjusted_and_the_ledger_keeps_both(staff: httpx.Client) -> None:
    product = new_product(staff, stock=10)
    path = f"/products/{product['id']}/stock"
    level = staff.post(path, json={"kind": "adjusted", "quantity": -3, "reason": "broken"}).json()
    assert level == {
        "product_id": product["id"],
        "on_hand": 7,
        "allocated": 0,
        "reserved": 0,
        "shortfall": 0,
        "available": 7,
    }
    assert staff.get(path).json() == level
    too_many = staff.post(path, json={"kind": "adjusted", "quantity": -8, "reason": "broken"})
    assert_problem(too_many, 409, "stock_below_zero")
    newest = staff.get(f"{path}/movements", params={"limit": 1}).json()
    assert "count" not in newest
    assert newest["results"][0]["reason"] == "broken"
    older = follow(staff, newest["next"]).json()
    assert [movement["kind"] for movement in older["results"]] == ["received"]
    assert older["next"] is None


def test_pages_are_linked_and_keep_the_other_parameters(visitor: httpx.Client, word: str) -> None:
    first = visitor.get("/products", params={"keyword": word, "sort": "name", "limit": 2, "page": 1}).json()
    assert (first["count"], first["previous"], len(first["results"])) == (3, None, 2)
    assert first["next"] == f"{API}/products?keyword={word}&sort=name&limit=2&page=2"
    second = follow(visitor, first["next"]).json()
    assert [product["name"] for product in second["results"]] == ["Candle"]
    assert second["next"] is None
    assert follow(visitor, second["previous"]).json() == first


def test_offsets_are_linked_as_offsets(visitor: httpx.Client, word: str) -> None:
    middle = visitor.get("/products", params={"keyword": word, "sort": "name", "limit": 1, "offset": 1})
    assert names(middle) == ["Bell"]
    assert names(follow(visitor, middle.json()["next"])) == ["Candle"]
    assert names(follow(visitor, middle.json()["previous"])) == ["Anchor"]
    assert "page=" not in middle.json()["next"]


def test_a_walk_by_cursor_keeps_the_other_parameters_and_has_no_way_back(visitor: httpx.Client, word: str) -> None:
    link, seen = f"/products?keyword={word}&cursor=&limit=1&sort=-price", list[str]()
    while link:
        page: Json = follow(visitor, link).json()
        seen += [product["name"] for product in page["results"]]
        assert (page["previous"], "count" in page) == (None, False)
        link = page["next"]
    assert seen == ["Candle", "Bell", "Anchor"]


def test_a_page_past_the_end_is_empty(visitor: httpx.Client, word: str) -> None:
    page = visitor.get("/products", params={"keyword": word, "page": 100}).json()
    assert (page["results"], page["next"], page["count"]) == ([], None, 3)


def test_a_cursor_of_another_sort_or_a_made_up_one_is_refused(visitor: httpx.Client, word: str) -> None:
    page = visitor.get("/products", params={"keyword": word, "cursor": "", "limit": 1, "sort": "name"}).json()
    assert_problem(follow(visitor, page["next"].replace("sort=name", "sort=price")), 400, "invalid_cursor")
    for cursor in ("x", "\x00", "é", "AAAA", "=" * 50):
        assert_problem(visitor.get("/products", params={"cursor": cursor}), 400, "invalid_cursor")


def test_a_blank_keyword_does_not_filter_and_one_without_a_word_finds_nothing(visitor: httpx.Client, word: str) -> None:
    everything = visitor.get("/products").json()["count"]
    assert visitor.get("/products?keyword=").json()["count"] >= everything >= 3
    assert visitor.get("/products?keyword=%25").json()["count"] == 0
