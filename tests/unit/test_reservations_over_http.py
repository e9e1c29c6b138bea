"""Reservations and keys over HTTP, on a shop in memory whose time is moved by hand; and what the handlers stand on."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any
from uuid import UUID, uuid4

import pytest
from litestar.testing import TestClient

from phones import PASSWORD, Phone, Setup
from shop_adapters.memory import MemoryAdapters
from shop_core import (
    SYSTEM,
    AccountQuery,
    AccountStatusChange,
    Money,
    OffsetRequest,
    Order,
    PlacementRequest,
    ProductChanges,
    Registration,
    Shop,
)
from shop_core.errors import Unavailable
from shop_core.idempotency import Result
from shop_http.app import create_app
from shop_http.routing import App
from shop_testing import Fixtures
from shop_testing.concurrency import TIMEOUT_S


@pytest.fixture
def setup() -> Setup:
    return Setup()


@pytest.fixture
def client(setup: Setup) -> Iterator[TestClient[App]]:
    with TestClient(create_app(setup.shop, threads=2)) as client:
        yield client


@pytest.fixture
def ada(setup: Setup, client: TestClient[App]) -> Phone:
    return Phone(setup, client, "ada")


@pytest.fixture
def bob(setup: Setup, client: TestClient[App]) -> Phone:
    return Phone(setup, client, "bob")


@pytest.fixture
def grace(setup: Setup, client: TestClient[App]) -> Phone:
    """Staff."""
    return Phone(setup, client, "grace")


# ---- the life of a reservation


def test_a_reservation_says_until_when_it_holds_and_what_time_it_is_in_the_shop(setup: Setup, ada: Phone) -> None:
    answer = ada("POST", "/reservations", setup.wish(2, ttl_seconds=90), status=201)
    made = answer.json()
    assert answer.headers["location"] == f"/api/v1/reservations/{made['id']}"
    assert made == {
        "id": made["id"],
        "customer_id": made["customer_id"],
        "state": "active",
        "lines": [{"product_id": str(setup.product_id), "quantity": 2}],
        "created_at": "2026-11-21T12:00:00Z",
        "expires_at": "2026-11-21T12:01:30Z",
        "server_now": "2026-11-21T12:00:00Z",
    }
    setup.later(seconds=30)
    seen = ada("GET", f"/reservations/{made['id']}", status=200).json()
    assert seen == made | {"server_now": "2026-11-21T12:00:30Z"}
    assert setup.available == 1


def test_a_reservation_holds_for_ten_minutes_if_nothing_else_is_said(setup: Setup, ada: Phone) -> None:
    made = ada("POST", "/reservations", setup.wish(1), status=201).json()
    assert made["expires_at"] == "2026-11-21T12:10:00Z"


def test_it_is_expired_at_the_instant_although_nobody_swept(setup: Setup, ada: Phone) -> None:
    path = f"/reservations/{ada('POST', '/reservations', setup.wish(3, ttl_seconds=60), status=201).json()['id']}"
    setup.later(seconds=60, microseconds=-1)
    assert ada("GET", path, status=200).json()["state"] == "active"
    setup.later(microseconds=1)
    assert ada("GET", path, status=200).json()["state"] == "expired"
    for method, body, where in (("POST", {}, f"{path}/extend"), ("DELETE", None, path)):
        problem = ada(method, where, body, status=409).json()
        assert (problem["code"], problem["expired_at"]) == ("reservation_expired", "2026-11-21T12:01:00Z")


def test_extending_holds_for_longer_from_now(setup: Setup, ada: Phone) -> None:
    path = f"/reservations/{ada('POST', '/reservations', setup.wish(1, ttl_seconds=60), status=201).json()['id']}"
    setup.later(seconds=30)
    after = ada("POST", f"{path}/extend", {"ttl_seconds": 120}, status=200).json()
    assert (after["expires_at"], after["server_now"]) == ("2026-11-21T12:02:30Z", "2026-11-21T12:00:30Z")
    assert ada("POST", f"{path}/extend", {}, status=200).json()["expires_at"] == "2026-11-21T12:10:30Z"


def test_releasing_gives_the_units_back_and_again_changes_nothing(setup: Setup, ada: Phone) -> None:
    path = f"/reservations/{ada('POST', '/reservations', setup.wish(3), status=201).json()['id']}"
    for _ in range(2):
        assert ada("DELETE", path, status=204).content == b""
    assert setup.available == 3
    assert ada("GET", path, status=200).json()["state"] == "released"
    problem = ada("POST", f"{path}/extend", {}, status=409).json()
    assert (problem["code"], problem["state"]) == ("reservation_resolved", "released")
    assert "order_id" not in problem


def test_an_order_of_a_reservation_takes_its_units_and_ends_it(setup: Setup, ada: Phone, bob: Phone) -> None:
    held = ada("POST", "/reservations", setup.wish(3), status=201).json()
    order = ada("POST", "/orders", {"reservation_id": held["id"]}, status=201).json()
    assert [line["quantity"] for line in order["lines"]] == [3]
    path = f"/reservations/{held['id']}"
    confirmed = ada("GET", path, status=200).json()
    assert (confirmed["state"], confirmed["order_id"]) == ("confirmed", order["id"])
    for method, body, where in (
        ("POST", {"reservation_id": held["id"]}, "/orders"),
        ("POST", {}, f"{path}/extend"),
        ("DELETE", None, path),
    ):
        problem = ada(method, where, body, status=409).json()
        assert problem["code"] == "reservation_resolved"
        assert (problem["state"], problem["order_id"]) == ("confirmed", order["id"])
    assert setup.available == 0
    assert setup.shop.audit() == []


def test_the_ledger_names_the_reservation_and_the_order(setup: Setup, ada: Phone, grace: Phone) -> None:
    held = ada("POST", "/reservations", setup.wish(3), status=201).json()
    order = ada("POST", "/orders", {"reservation_id": held["id"]}, status=201).json()
    lines = grace("GET", f"/products/{setup.product_id}/stock/movements", status=200).json()["results"]
    assert [(line["kind"], line.get("reservation_id"), line.get("order_id")) for line in lines] == [
        ("confirmed", held["id"], order["id"]),
        ("reserved", held["id"], None),
        ("received", None, None),
    ]


def test_nobody_holds_more_than_the_shop_allows(setup: Setup, ada: Phone) -> None:
    setup.shop.inventory.receive(SYSTEM, setup.product_id, 10)
    ada("POST", "/reservations", setup.wish(2), status=201)
    problem = ada("POST", "/reservations", setup.wish(2), status=409).json()
    assert problem["code"] == "too_much_reserved"
    assert {name: problem[name] for name in ("counted", "held", "requested", "max")} == {
        "counted": "units",
        "held": 2,
        "requested": 2,
        "max": 3,
    }


# ---- what an order is placed of


@pytest.mark.parametrize("given", [(), ("lines", "reservation_id")])
def test_lines_and_reservation_are_named_when_not_exactly_one_is_given(
    setup: Setup, ada: Phone, given: tuple[str, ...]
) -> None:
    both = setup.wish(1, reservation_id=str(uuid4()))
    problem = ada("POST", "/orders", {name: both[name] for name in given}, status=400).json()
    assert [(error["field"], error["code"]) for error in problem["errors"]] == [
        ("lines", "exactly_one"),
        ("reservation_id", "exactly_one"),
    ]


def test_another_total_than_expected_is_named_and_nothing_is_placed(setup: Setup, ada: Phone) -> None:
    setup.shop.catalog.edit_product(SYSTEM, setup.product_id, ProductChanges(price=Money.parse("25.00", "EUR")))
    problem = ada("POST", "/orders", setup.wish(2, expected_total="49.80"), status=409).json()
    assert problem["code"] == "total_changed"
    assert (problem["expected_total"], problem["total"], problem["currency"]) == ("49.80", "50.00", "EUR")
    assert setup.available == 3
    assert ada("POST", "/orders", setup.wish(2, expected_total="50"), status=201).json()["total"] == "50.00"


# ---- exactly once


@pytest.mark.parametrize(
    ("path", "change"), [("/orders", ("POST", "/cancel", 200)), ("/reservations", ("DELETE", "", 204))]
)
def test_a_retry_gets_what_the_first_request_made_as_it_is_a_year_later(
    setup: Setup, ada: Phone, path: str, change: tuple[str, str, int]
) -> None:
    first = ada("POST", path, setup.wish(2), key="checkout 1", status=201)
    assert "idempotency-replayed" not in first.headers
    method, step, status = change
    ada(method, f"{path}/{first.json()['id']}{step}", status=status)
    setup.later(days=365)
    again = ada("POST", path, setup.wish(2), key="checkout 1", status=201)
    assert again.headers["idempotency-replayed"] == "true"
    assert again.headers["location"] == first.headers["location"]
    assert again.json()["id"] == first.json()["id"]
    assert again.json().get("status") == ("cancelled" if path == "/orders" else None)
    now = ada("GET", f"{path}/{again.json()['id']}", status=200)
    assert again.headers.get("etag") == now.headers.get("etag")
    assert ("etag" in again.headers) is (path == "/orders")


def test_the_same_request_may_be_spelled_in_another_way(setup: Setup, ada: Phone) -> None:
    first = ada("POST", "/reservations", setup.wish(2), key="k", status=201).json()
    body = dict(reversed(setup.wish(2, ttl_seconds=600).items()))
    assert ada("POST", "/reservations", body, key="k", status=201).json() == first


def test_another_request_with_the_same_key_is_refused(setup: Setup, ada: Phone) -> None:
    ada("POST", "/orders", setup.wish(1), key="k", status=201)
    for path, quantity in (("/orders", 2), ("/reservations", 1)):
        problem = ada("POST", path, setup.wish(quantity), key="k", status=422).json()
        assert problem["code"] == "idempotency_key_reused"
        assert "'k'" in problem["detail"]


def test_a_key_of_every_printable_character_is_a_key(setup: Setup, ada: Phone) -> None:
    ada("POST", "/orders", setup.wish(1), key="!" + "".join(map(chr, range(0x20, 0x7F))) + "~" * 159, status=201)


# ---- how orders are placed, and what runs beside the handlers


def test_orders_can_be_placed_by_whatever_answers_with_futures(setup: Setup) -> None:
    """Ten customers' requests wait together, on a server of one thread, for one batch."""
    together = threading.Barrier(10, timeout=TIMEOUT_S)
    with ThreadPoolExecutor(10) as threads:

        def place_together(request: PlacementRequest) -> Result[Order]:
            together.wait()
            (outcome,) = setup.shop.orders.place_all([request])
            assert isinstance(outcome, Result)
            return outcome

        def place(request: PlacementRequest) -> Future[Result[Order]]:
            return threads.submit(place_together, request)

        setup.shop.inventory.receive(SYSTEM, setup.product_id, 10)
        with TestClient(create_app(setup.shop, threads=1, place=place)) as client, ThreadPoolExecutor(10) as phones:
            buy = Phone(setup, client, "ada")
            wait = [phones.submit(buy, "POST", "/orders", setup.wish(1), status=201) for _ in range(10)]
            assert len({answer.result(TIMEOUT_S).json()["id"] for answer in wait}) == 10


def test_what_that_refuses_is_a_problem_like_any_other(setup: Setup) -> None:
    def full(request: object) -> Future[Any]:
        raise Unavailable("Too many orders wait.", 3)

    with TestClient(create_app(setup.shop, place=full, reserve=full)) as client:
        for path in ("/orders", "/reservations"):
            answer = Phone(setup, client, "ada")("POST", path, setup.wish(1), status=503)
            assert answer.headers["retry-after"] == "3"


def test_staff_who_are_deactivated_cannot_place_either(setup: Setup, grace: Phone) -> None:
    """Placing waits on the loop: whose token says staff is confirmed there as everywhere."""
    access = setup.shop.sessions.log_in("grace", PASSWORD).access
    everybody = setup.shop.accounts.accounts(SYSTEM, AccountQuery(), OffsetRequest()).items
    her_id = next(account.id for account in everybody if account.username == "grace")
    setup.shop.accounts.assign(SYSTEM, her_id, AccountStatusChange(active=False))
    answer = grace.client.post("/api/v1/orders", json=setup.wish(1), headers={"authorization": f"Bearer {access}"})
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")


class Told:
    """Something beside the handlers that records its calls."""

    def __init__(self, name: str, said: list[str]) -> None:
        self.name, self.said = name, said

    def start(self) -> None:
        self.said.append(f"{self.name} starts")

    def stop(self) -> None:
        self.said.append(f"{self.name} stops")


def test_what_runs_beside_the_handlers_starts_and_stops_with_them(setup: Setup) -> None:
    said: list[str] = []
    app = create_app(setup.shop, background=[Told("sweeper", said), Told("relay", said)])
    assert said == []
    with TestClient(app):
        assert said == ["sweeper starts", "relay starts"]
    assert said[2:] == ["relay stops", "sweeper stops"]


def test_a_page_that_ends_early_for_its_lines_links_to_the_next_order() -> None:
    adapters = MemoryAdapters()
    shop, fixtures = Shop(adapters), Fixtures(adapters)
    ada = shop.accounts.register(Registration("ada", PASSWORD)).actor
    orders = [fixtures.order({fixtures.new_product(): 1 for _ in range(900)}, ada.account_id) for _ in range(5)][::-1]
    headers = {"authorization": f"Bearer {shop.sessions.log_in('ada', PASSWORD).access}"}
    for query in ("", "?limit=50&page=1", "?limit=50&offset=0", "?limit=50&cursor="):
        with TestClient(create_app(shop)) as client:
            seen, link = [], f"/api/v1/orders{query}"
            while link:
                page = client.get(link, headers=headers).json()
                assert len(page["results"]) <= 2
                seen += [UUID(order["id"]) for order in page["results"]]
                link = page["next"]
        assert seen == [order.id for order in orders]
