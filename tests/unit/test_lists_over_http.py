"""Lists over HTTP: named items at once, and validators."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from uuid import UUID, uuid4

import pytest
from litestar.testing import TestClient

from shop_adapters.memory import MemoryAdapters
from shop_core import SYSTEM, Actor, PlacementRequest, ProductChanges, Registration, ReservationRequest, Role, Shop
from shop_core.inventory.model import LineRequest
from shop_http.app import create_app
from shop_http.routing import App, described
from shop_testing import Fixtures

PASSWORD = "a long and unusual sentence"
Client = TestClient[App]


class Stand:
    """A shop with a few products, and clients of it."""

    def __init__(self) -> None:
        store = MemoryAdapters()
        self.shop, self.fixtures = Shop(store), Fixtures(store)
        self.products = [self.fixtures.product(f"Lamp {number}", units=9) for number in range(6)]

    @contextmanager
    def client(self) -> Iterator[Client]:
        """Somebody without an account."""
        with TestClient(create_app(self.shop), base_url="http://shop.test/api/v1") as client:
            yield client

    def customer(self, name: str) -> tuple[Actor, dict[str, str]]:
        """A registered customer, and the header that proves it."""
        account = self.shop.accounts.register(Registration(name, PASSWORD))
        token = self.shop.sessions.log_in(name, PASSWORD).access
        return Actor(account.id, Role.CUSTOMER), {"Authorization": f"Bearer {token}"}


@pytest.fixture(scope="module")
def stand() -> Stand:
    """A shop."""
    return Stand()


@pytest.fixture(scope="module")
def client(stand: Stand) -> Iterator[Client]:
    """Somebody without an account."""
    with stand.client() as client:
        yield client


def joined(ids: Sequence[UUID]) -> str:
    """As the parameter `ids` has them."""
    return ",".join(map(str, ids))


# ---- named items at once


def test_products_are_shown_by_their_ids_and_those_that_are_missing_are_left_out(stand: Stand, client: Client) -> None:
    archived = stand.fixtures.product("Old")
    stand.fixtures.archive(archived)
    named = [stand.products[4].id, uuid4(), archived.id, stand.products[1].id]
    page = client.get(f"/products?ids={joined(named)}").json()
    assert [product["id"] for product in page["results"]] == [str(named[0]), str(named[3])], "the newest first"
    assert (page["count"], page["next"]) == (2, None)
    assert client.get(f"/products?ids={joined(named)}&sort=name").json()["results"] == page["results"][::-1]
    assert client.get(f"/products?ids={joined(named)}&limit=1").json()["count"] == 2


def test_two_hundred_ids_are_one_page_and_more_are_refused(client: Client) -> None:
    stand = Stand()
    chairs = [stand.fixtures.product(f"Chair {number}").id for number in range(51)]
    named = [*chairs, *(uuid4() for _ in range(149))]
    with stand.client() as visitor:
        page = visitor.get(f"/products?ids={joined(named)}")
    assert (len(page.json()["results"]), page.json()["next"]) == (51, None)
    refused = client.get(f"/products?ids={joined([*named, uuid4()])}")
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, "ids")


@pytest.mark.parametrize(("ids", "field"), [("", "ids.0"), ("1,2", "ids.0"), (f"{UUID(int=7)},x", "ids.1")])
def test_an_id_that_is_none_is_named(client: Client, ids: str, field: str) -> None:
    refused = client.get(f"/products?ids={ids}")
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (400, field)


def test_customers_get_those_of_the_named_orders_that_are_theirs(stand: Stand, client: Client) -> None:
    (ada, ada_in), (bob, _) = stand.customer("ada"), stand.customer("bob")
    lines = (LineRequest(stand.products[0].id, 1),)
    first, second, third = (stand.shop.orders.place(PlacementRequest(ada.account_id, lines)) for _ in range(3))
    of_bob = stand.shop.orders.place(PlacementRequest(bob.account_id, lines))
    stand.shop.orders.delete(ada, second.id)
    named = joined([first.id, second.id, third.id, of_bob.id])
    page = client.get(f"/orders?ids={named}", headers=ada_in).json()
    assert [order["id"] for order in page["results"]] == [str(third.id), str(first.id)]
    assert {order["version"] for order in page["results"]} == {1}


def test_a_product_is_found_by_its_sku_and_a_category_by_its_slug(stand: Stand, client: Client) -> None:
    lamp = stand.products[2]
    assert [each["id"] for each in client.get(f"/products?sku={lamp.sku}").json()["results"]] == [str(lamp.id)]
    assert client.get("/products?sku=nothing").json()["results"] == []
    desk = stand.shop.catalog.create_category(SYSTEM, "Desks").category
    assert [each["id"] for each in client.get("/categories?slug=desks").json()["results"]] == [str(desk.id)]
    assert client.get("/categories?slug=desks&page=2").json()["results"] == []
    assert client.get("/categories?slug=Desks").json()["count"] == 0
    assert client.get("/categories?slug=desks&nested=true").status_code == 400


# ---- validators


@pytest.mark.parametrize("path", ["/products?limit=3", "/categories", "/families", "/orders"])
def test_a_list_that_is_unchanged_is_not_sent_again(stand: Stand, client: Client, path: str) -> None:
    _, logged_in = stand.customer(f"reader{len(path)}")
    first = client.get(path, headers=logged_in)
    again = client.get(path, headers=logged_in | {"If-None-Match": f'"other", {first.headers["etag"]}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])


def test_reads_have_the_tag_that_is_declared_and_one_that_says_what_time_it_is_has_none(
    stand: Stand, client: Client
) -> None:
    admin = stand.shop.accounts.register(Registration("admin", PASSWORD), actor=SYSTEM, role=Role.ADMIN)
    logged_in = {"Authorization": f"Bearer {stand.shop.sessions.log_in(admin.username, PASSWORD).access}"}
    stand.shop.reservations.reserve(ReservationRequest(admin.id, (LineRequest(stand.products[0].id, 1),)))
    declared, sent = {}, {}
    for path, method, operation in described(create_app(stand.shop).litestar):
        if method == "get" and "{" not in path:
            response = client.get(f"http://shop.test{path}", headers=logged_in)
            declared[path], sent[path] = operation.has_etag, "etag" in response.headers
            assert not (sent[path] and "server_now" in response.text), path
    assert sent == declared


def test_an_edit_and_a_sale_change_the_tag_of_a_list(stand: Stand, client: Client) -> None:
    def tag() -> str:
        return str(client.get("/products?limit=4").headers["etag"])

    product = stand.products[5]
    before = tag()
    stand.shop.orders.place(PlacementRequest(uuid4(), (LineRequest(product.id, 1),)))
    sold = tag()
    stand.shop.catalog.edit_product(SYSTEM, product.id, ProductChanges(name="Lantern"))
    assert len({before, sold, tag()}) == 3
    assert client.get(f"/products/{product.id}").json()["version"] == 2
