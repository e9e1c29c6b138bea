"""Answers that are kept: never older than the question, and each for whom it is meant."""

from __future__ import annotations

from collections.abc import Hashable, Iterator

import pytest
from litestar.testing import TestClient

from shop_adapters.memory import MemoryAdapters
from shop_core import (
    SYSTEM,
    AccountStatusChange,
    Actor,
    Money,
    PlacementRequest,
    Product,
    ProductDetails,
    Registration,
    Role,
    Shop,
)
from shop_core.inventory.model import LineRequest
from shop_http import response_cache
from shop_http.app import create_app
from shop_testing import Fixtures

PASSWORD = "a long and unusual sentence"


class Counting(MemoryAdapters):
    """A store that knows how often it was asked; its token can be held still, as if nothing were ever committed."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = 0
        self.token: Hashable | Exception | None = None

    def begin(self):  # type: ignore[no-untyped-def]
        self.begun += 1
        return super().begin()

    def ask(self) -> Hashable:
        """The token."""
        if isinstance(self.token, Exception):
            raise self.token
        return self.token if self.token is not None else self.commits()

    def commits(self) -> int:
        """What changed so far; reading changes nothing, although every unit of work ends with a commit in memory."""
        with self._store.mutex:
            return sum(map(len, (self._store.products, self._store.orders, *self._store.ledger.values())))


@pytest.fixture
def store() -> Counting:
    """What the shop remembers."""
    return Counting()


@pytest.fixture
def shop(store: Counting) -> Shop:
    """The shop."""
    return Shop(store)


@pytest.fixture
def lamp(store: Counting) -> Product:
    """A product of which there are three."""
    return Fixtures(store).product("Lamp", units=3)


@pytest.fixture
def client(shop: Shop, store: Counting) -> Iterator[TestClient]:  # type: ignore[type-arg]
    """A client of the shop."""
    with TestClient(create_app(shop, cache_validator=store.ask)) as client:
        yield client


def login(shop: Shop, name: str, role: Role = Role.CUSTOMER) -> tuple[Actor, dict[str, str]]:
    """A registered user, and the header that proves it."""
    account = shop.accounts.register(Registration(name, PASSWORD), actor=SYSTEM, role=role)
    token = shop.sessions.log_in(name, PASSWORD).access
    return Actor(account.id, role), {"Authorization": f"Bearer {token}"}


def test_a_page_is_worked_out_once_while_nothing_changes(client: TestClient, store: Counting, lamp: Product) -> None:  # type: ignore[type-arg]
    first = client.get("/api/v1/products?limit=5")
    begun = store.begun
    again = client.get("/api/v1/products?limit=5")
    assert (again.status_code, again.content, store.begun) == (200, first.content, begun)
    assert again.headers["content-type"] == first.headers["content-type"]
    assert again.headers["x-request-id"] != first.headers["x-request-id"]


def test_a_sale_shows_in_the_next_answer(client: TestClient, shop: Shop, lamp: Product, store: Counting) -> None:  # type: ignore[type-arg]
    for left in (3, 2, 1):
        assert client.get(f"/api/v1/products/{lamp.id}").json()["quantity_in_stock"] == left
        assert client.get("/api/v1/products").json()["results"][0]["quantity_in_stock"] == left
        shop.orders.place(PlacementRequest(store.new_id(), (LineRequest(lamp.id, 1),)))


def test_a_change_while_an_answer_is_worked_out_is_not_missed(
    client: TestClient,  # type: ignore[type-arg]
    shop: Shop,
    lamp: Product,
    store: Counting,
) -> None:
    """The token is from before the store was read: an answer that is newer than its token is merely kept in vain."""
    store.token = "before"
    client.get(f"/api/v1/products/{lamp.id}")
    shop.orders.place(PlacementRequest(store.new_id(), (LineRequest(lamp.id, 1),)))
    store.token = "after"
    assert client.get(f"/api/v1/products/{lamp.id}").json()["quantity_in_stock"] == 2


def test_who_knows_the_answer_is_told_so_without_asking_the_store_again(
    client: TestClient,  # type: ignore[type-arg]
    store: Counting,
    lamp: Product,
    shop: Shop,
) -> None:
    etag = client.get(f"/api/v1/products/{lamp.id}").headers["etag"]
    begun = store.begun
    known = client.get(f"/api/v1/products/{lamp.id}", headers={"If-None-Match": etag})
    assert (known.status_code, known.content, known.headers["etag"], store.begun) == (304, b"", etag, begun)
    shop.orders.place(PlacementRequest(store.new_id(), (LineRequest(lamp.id, 1),)))
    assert client.get(f"/api/v1/products/{lamp.id}", headers={"If-None-Match": etag}).status_code == 200


def test_a_head_request_gets_no_body_of_a_kept_answer(client: TestClient, lamp: Product) -> None:  # type: ignore[type-arg]
    full = client.get(f"/api/v1/products/{lamp.id}")
    head = client.head(f"/api/v1/products/{lamp.id}")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == full.headers["content-length"]


def test_orders_are_kept_for_their_customer_alone(client: TestClient, shop: Shop, lamp: Product) -> None:  # type: ignore[type-arg]
    (ada, ada_in), (_, bob_in), (_, staff_in) = login(shop, "ada"), login(shop, "bob"), login(shop, "sam", Role.STAFF)
    order = shop.orders.place(PlacementRequest(ada.account_id, (LineRequest(lamp.id, 1),)))
    for _ in range(2):
        assert client.get(f"/api/v1/orders/{order.id}", headers=ada_in).status_code == 200
        assert client.get(f"/api/v1/orders/{order.id}", headers=bob_in).status_code == 404
        assert client.get(f"/api/v1/orders/{order.id}").status_code == 401
        assert client.get(f"/api/v1/orders/{order.id}", headers={"Authorization": "Bearer x"}).status_code == 401
        assert client.get(f"/api/v1/orders/{order.id}", headers=staff_in).status_code == 200
        assert [len(client.get("/api/v1/orders", headers=who).json()["results"]) for who in (ada_in, bob_in)] == [1, 0]


def test_staff_who_lose_their_role_see_nothing_that_was_kept(client: TestClient, shop: Shop, lamp: Product) -> None:  # type: ignore[type-arg]
    ada, _ = login(shop, "ada")
    sam, sam_in = login(shop, "sam", Role.STAFF)
    order = shop.orders.place(PlacementRequest(ada.account_id, (LineRequest(lamp.id, 1),)))
    assert client.get(f"/api/v1/orders/{order.id}", headers=sam_in).status_code == 200
    shop.accounts.assign(SYSTEM, sam.account_id, AccountStatusChange(active=False))
    assert client.get(f"/api/v1/orders/{order.id}", headers=sam_in).status_code == 401


def test_a_catalog_that_needs_a_login_is_kept_per_customer(shop: Shop, store: Counting, lamp: Product) -> None:
    _, ada_in = login(shop, "ada")
    with TestClient(create_app(shop, cache_validator=store.ask, public_catalog=False)) as client:
        for _ in range(2):
            assert client.get("/api/v1/products", headers=ada_in).status_code == 200
            assert client.get("/api/v1/products").status_code == 401


def test_whatever_host_is_asked_one_response_is_kept(client: TestClient, store: Counting, lamp: Product) -> None:  # type: ignore[type-arg]
    store.token, begun = "still", store.begun
    for host in ("one.example", "two.example", "x" * 255):
        assert client.get("/api/v1/products", headers={"Host": host}).status_code == 200
    assert store.begun == begun + 1


def test_links_begin_with_the_address_that_the_shop_is_told(shop: Shop) -> None:
    for number in range(3):
        shop.catalog.create_product(SYSTEM, ProductDetails(f"S{number}", f"Lamp {number}", Money(100, shop.currency)))
    for base_url in ("", "https://shop.example"):
        with TestClient(create_app(shop, base_url=base_url)) as client:
            page = client.get("/api/v1/products?page=2&limit=1", headers={"Host": "evil.example"}).json()
        assert [page["previous"], page["next"]] == [f"{base_url}/api/v1/products?page={n}&limit=1" for n in (1, 3)]


def test_without_a_token_every_answer_is_worked_out(client: TestClient, store: Counting, lamp: Product) -> None:  # type: ignore[type-arg]
    store.token = OSError("the store does not say")
    begun = store.begun
    for _ in range(2):
        assert client.get("/api/v1/products").status_code == 200
    assert store.begun == begun + 2


def test_refusals_are_not_kept(client: TestClient, store: Counting) -> None:  # type: ignore[type-arg]
    store.token = "still"
    for _ in range(2):
        begun = store.begun
        assert client.get("/api/v1/products/01930000-0000-7000-8000-000000000001").status_code == 404
        assert store.begun == begun + 1


def test_what_is_kept_is_bounded(
    client: TestClient,  # type: ignore[type-arg]
    store: Counting,
    lamp: Product,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(response_cache, "KEPT_BYTES_MAX", 5_000)
    store.token = "still"
    for limit in range(1, 20):
        client.get(f"/api/v1/products?limit={limit}")
    begun = store.begun
    client.get("/api/v1/products?limit=19")
    assert store.begun == begun, "the newest is kept"
    client.get("/api/v1/products?limit=1")
    assert store.begun == begun + 1, "the oldest had to go"


def test_an_entry_weighs_what_its_address_weighs(
    client: TestClient,  # type: ignore[type-arg]
    store: Counting,
    lamp: Product,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(response_cache, "KEPT_BYTES_MAX", 20_000)
    store.token = "still"
    long = "%F0%90%8C%80" * 199
    for number in range(9):
        client.get(f"/api/v1/products?limit=1&keyword={long}{number}")
    begun = store.begun
    client.get(f"/api/v1/products?limit=1&keyword={long}0")
    assert store.begun == begun + 1, "9 empty pages with short addresses would all have been kept"
