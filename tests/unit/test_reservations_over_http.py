"""Reservations and keys over HTTP, on a shop in memory whose time is moved by hand; and what the handlers stand on."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from litestar.testing import TestClient

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
    ProductDetails,
    Registration,
    Role,
    Shop,
)
from shop_core.errors import Unavailable
from shop_core.idempotency import Result
from shop_core.reservations.model import ReservationLimits
from shop_http.app import create_app
from shop_http.routing import App
from shop_testing.concurrency import TIMEOUT_S

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
PASSWORD = "numbers are music"


@dataclass
class World:
    """A shop with three lamps for sale, whose clock stands still, and its app."""

    now: datetime = NOON
    shop: Shop = field(init=False)
    product_id: UUID = field(init=False)

    def __post_init__(self) -> None:
        limits = ReservationLimits(reservations_max=2, units_max=3)
        self.shop = Shop(MemoryAdapters(clock=lambda: self.now), limits)
        details = ProductDetails("LAMP-1", "Brass lamp", Money.parse("24.90", "EUR"))
        self.product_id = self.shop.catalog.create_product(SYSTEM, details).product.id
        self.shop.inventory.receive(SYSTEM, self.product_id, 3)
        for username, role in (("ada", Role.CUSTOMER), ("bob", Role.CUSTOMER), ("grace", Role.STAFF)):
            self.shop.accounts.register(Registration(username, PASSWORD), actor=SYSTEM, role=role)

    def later(self, **spans: float) -> None:
        """Move the clock."""
        self.now += timedelta(**spans)

    def wish(self, quantity: int, **more: Any) -> dict[str, Any]:
        """The body that wants so many lamps."""
        return {"lines": [{"product_id": str(self.product_id), "quantity": quantity}], **more}

    @property
    def available(self) -> int:
        """How many lamps can be sold."""
        return self.shop.inventory.level(SYSTEM, self.product_id).available

    @property
    def orders(self) -> int:
        """How many orders there are."""
        staff = self.shop.sessions.log_in("grace", PASSWORD)
        with TestClient(create_app(self.shop)) as client:
            answer = client.get("/api/v1/orders", headers={"authorization": f"Bearer {staff.access}"})
        return int(answer.json()["count"])


@dataclass
class Phone:
    """Somebody's: logs in again for each request, since the clock is moved over the life of tokens."""

    world: World
    client: TestClient[App]
    username: str

    def __call__(
        self, method: str, path: str, body: object = None, *, key: str | None = None, status: int
    ) -> httpx.Response:
        access = self.world.shop.sessions.log_in(self.username, PASSWORD).access
        headers = {"authorization": f"Bearer {access}"} | ({} if key is None else {"idempotency-key": key})
        answer = self.client.request(method, f"/api/v1{path}", json=body, headers=headers)
        assert answer.status_code == status, answer.text
        return answer


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def client(world: World) -> Iterator[TestClient[App]]:
    with TestClient(create_app(world.shop, threads=2)) as client:
        yield client


@pytest.fixture
def ada(world: World, client: TestClient[App]) -> Phone:
    return Phone(world, client, "ada")


@pytest.fixture
def bob(world: World, client: TestClient[App]) -> Phone:
    return Phone(world, client, "bob")


@pytest.fixture
def grace(world: World, client: TestClient[App]) -> Phone:
    """Staff."""
    return Phone(world, client, "grace")


# ---- the life of a reservation


def test_a_reservation_says_until_when_it_holds_and_what_time_it_is_in_the_shop(world: World, ada: Phone) -> None:
    answer = ada("POST", "/reservations", world.wish(2, ttl_seconds=90), status=201)
    made = answer.json()
    assert answer.headers["location"] == f"/api/v1/reservations/{made['id']}"
    assert made == {
        "id": made["id"],
        "state": "active",
        "lines": [{"product_id": str(world.product_id), "quantity": 2}],
        "created_at": "2026-11-21T12:00:00Z",
        "expires_at": "2026-11-21T12:01:30Z",
        "server_now": "2026-11-21T12:00:00Z",
    }
    world.later(seconds=30)
    seen = ada("GET", f"/reservations/{made['id']}", status=200).json()
    assert seen == made | {"server_now": "2026-11-21T12:00:30Z"}
    assert world.available == 1


def test_a_reservation_holds_for_ten_minutes_if_nothing_else_is_said(world: World, ada: Phone) -> None:
    made = ada("POST", "/reservations", world.wish(1), status=201).json()
    assert made["expires_at"] == "2026-11-21T12:10:00Z"


def test_it_is_expired_at_the_instant_although_nobody_swept(world: World, ada: Phone) -> None:
    path = f"/reservations/{ada('POST', '/reservations', world.wish(3, ttl_seconds=60), status=201).json()['id']}"
    world.later(seconds=60, microseconds=-1)
    assert ada("GET", path, status=200).json()["state"] == "active"
    world.later(microseconds=1)
    assert ada("GET", path, status=200).json()["state"] == "expired"
    for method, body, where in (("POST", {}, f"{path}/extend"), ("DELETE", None, path)):
        problem = ada(method, where, body, status=409).json()
        assert (problem["code"], problem["expired_at"]) == ("reservation_expired", "2026-11-21T12:01:00Z")


def test_expired_units_can_be_ordered_by_another_customer_before_any_sweep(
    world: World, ada: Phone, bob: Phone
) -> None:
    held = ada("POST", "/reservations", world.wish(3, ttl_seconds=60), status=201).json()
    refused = bob("POST", "/orders", world.wish(1), status=409).json()
    assert refused["shortages"] == [{"product_id": str(world.product_id), "requested": 1, "available": 0}]
    world.later(seconds=60)
    bob("POST", "/orders", world.wish(3), status=201)
    problem = ada("POST", "/orders", {"reservation_id": held["id"]}, status=409).json()
    assert problem["code"] == "reservation_expired"
    assert world.shop.audit() == []


def test_extending_holds_for_longer_from_now(world: World, ada: Phone) -> None:
    path = f"/reservations/{ada('POST', '/reservations', world.wish(1, ttl_seconds=60), status=201).json()['id']}"
    world.later(seconds=30)
    after = ada("POST", f"{path}/extend", {"ttl_seconds": 120}, status=200).json()
    assert (after["expires_at"], after["server_now"]) == ("2026-11-21T12:02:30Z", "2026-11-21T12:00:30Z")
    assert ada("POST", f"{path}/extend", {}, status=200).json()["expires_at"] == "2026-11-21T12:10:30Z"


def test_releasing_gives_the_units_back_and_again_changes_nothing(world: World, ada: Phone) -> None:
    path = f"/reservations/{ada('POST', '/reservations', world.wish(3), status=201).json()['id']}"
    for _ in range(2):
        assert ada("DELETE", path, status=204).content == b""
    assert world.available == 3
    assert ada("GET", path, status=200).json()["state"] == "released"
    problem = ada("POST", f"{path}/extend", {}, status=409).json()
    assert (problem["code"], problem["state"]) == ("reservation_resolved", "released")
    assert "order_id" not in problem


def test_an_order_of_a_reservation_takes_its_units_and_ends_it(world: World, ada: Phone, bob: Phone) -> None:
    held = ada("POST", "/reservations", world.wish(3), status=201).json()
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
    assert world.available == 0
    assert world.shop.audit() == []


def test_the_ledger_names_the_reservation_and_the_order(world: World, ada: Phone, grace: Phone) -> None:
    held = ada("POST", "/reservations", world.wish(3), status=201).json()
    order = ada("POST", "/orders", {"reservation_id": held["id"]}, status=201).json()
    lines = grace("GET", f"/products/{world.product_id}/stock/movements", status=200).json()["results"]
    assert [(line["kind"], line.get("reservation_id"), line.get("order_id")) for line in lines] == [
        ("confirmed", held["id"], order["id"]),
        ("reserved", held["id"], None),
        ("received", None, None),
    ]


def test_staff_see_and_release_reservations_and_strangers_find_none(
    world: World, ada: Phone, bob: Phone, grace: Phone
) -> None:
    path = f"/reservations/{(held := ada('POST', '/reservations', world.wish(1), status=201).json())['id']}"
    for method, where, body in (
        ("GET", path, None),
        ("POST", f"{path}/extend", {}),
        ("DELETE", path, None),
        ("POST", "/orders", {"reservation_id": held["id"]}),
    ):
        assert bob(method, where, body, status=404).json()["code"] == "reservation_not_found"
    grace("GET", path, status=200)
    grace("DELETE", path, status=204)


def test_nobody_holds_more_than_the_shop_lets_him(world: World, ada: Phone) -> None:
    world.shop.inventory.receive(SYSTEM, world.product_id, 10)
    ada("POST", "/reservations", world.wish(2), status=201)
    problem = ada("POST", "/reservations", world.wish(2), status=409).json()
    assert problem["code"] == "too_much_reserved"
    assert {name: problem[name] for name in ("counted", "held", "requested", "max")} == {
        "counted": "units",
        "held": 2,
        "requested": 2,
        "max": 3,
    }
    ada("POST", "/reservations", world.wish(1), status=201)
    problem = ada("POST", "/reservations", world.wish(1), status=409).json()
    assert (problem["counted"], problem["held"], problem["requested"], problem["max"]) == ("reservations", 2, 1, 2)
    world.later(minutes=10)
    ada("POST", "/reservations", world.wish(3), status=201)


@pytest.mark.parametrize("ttl", [0, -1, 86_401, 1.5, "60", None, 10**30])
def test_a_time_to_live_that_cannot_be_is_refused(world: World, ada: Phone, ttl: object) -> None:
    made = ada("POST", "/reservations", world.wish(1), status=201).json()
    for path, body in (
        ("/reservations", world.wish(1, ttl_seconds=ttl)),
        (f"/reservations/{made['id']}/extend", {"ttl_seconds": ttl}),
    ):
        problem = ada("POST", path, body, status=400).json()
        assert [error["field"] for error in problem["errors"]] == ["ttl_seconds"]


# ---- what an order is placed of


@pytest.mark.parametrize("given", [(), ("lines", "reservation_id")])
def test_lines_and_reservation_are_named_when_not_exactly_one_is_given(
    world: World, ada: Phone, given: tuple[str, ...]
) -> None:
    both = world.wish(1, reservation_id=str(uuid4()))
    problem = ada("POST", "/orders", {name: both[name] for name in given}, status=400).json()
    assert [(error["field"], error["code"]) for error in problem["errors"]] == [
        ("lines", "exactly_one"),
        ("reservation_id", "exactly_one"),
    ]


def test_another_total_than_expected_is_named_and_nothing_is_placed(world: World, ada: Phone) -> None:
    world.shop.catalog.edit_product(SYSTEM, world.product_id, ProductChanges(price=Money.parse("25.00", "EUR")))
    problem = ada("POST", "/orders", world.wish(2, expected_total="49.80"), status=409).json()
    assert problem["code"] == "total_changed"
    assert (problem["expected_total"], problem["total"], problem["currency"]) == ("49.80", "50.00", "EUR")
    assert world.available == 3
    assert ada("POST", "/orders", world.wish(2, expected_total="50"), status=201).json()["total"] == "50.00"


@pytest.mark.parametrize("total", ["", "1e3", "1.234", "NaN", "ten"])
def test_an_expected_total_that_is_no_amount_is_refused(world: World, ada: Phone, total: str) -> None:
    problem = ada("POST", "/orders", world.wish(1, expected_total=total), status=400).json()
    assert [error["field"] for error in problem["errors"]] == ["expected_total"]


# ---- exactly once


@pytest.mark.parametrize("path", ["/orders", "/reservations"])
def test_a_retry_gets_what_the_first_request_made_even_a_year_later(world: World, ada: Phone, path: str) -> None:
    first = ada("POST", path, world.wish(2), key="checkout 1", status=201)
    assert "idempotency-replayed" not in first.headers
    world.later(days=365)
    again = ada("POST", path, world.wish(2), key="checkout 1", status=201)
    assert again.headers["idempotency-replayed"] == "true"
    assert again.headers["location"] == first.headers["location"]
    assert again.json()["id"] == first.json()["id"]


def test_a_retry_shows_the_order_as_it_is_by_then(world: World, ada: Phone) -> None:
    order = ada("POST", "/orders", world.wish(2), key="k", status=201).json()
    ada("POST", f"/orders/{order['id']}/cancel", status=200)
    again = ada("POST", "/orders", world.wish(2), key="k", status=201)
    assert (again.json()["status"], again.headers["etag"]) == ("cancelled", '"2"')
    assert world.orders == 1


def test_the_same_request_may_be_spelled_in_another_way(world: World, ada: Phone) -> None:
    first = ada("POST", "/reservations", world.wish(2), key="k", status=201).json()
    body = dict(reversed(world.wish(2, ttl_seconds=600).items()))
    assert ada("POST", "/reservations", body, key="k", status=201).json() == first


def test_another_request_with_the_same_key_is_refused(world: World, ada: Phone) -> None:
    ada("POST", "/orders", world.wish(1), key="k", status=201)
    for path, body in (
        ("/orders", world.wish(2)),
        ("/orders", world.wish(1, expected_total="24.90")),
        ("/reservations", world.wish(1)),
    ):
        problem = ada("POST", path, body, key="k", status=422).json()
        assert problem["code"] == "idempotency_key_reused"
        assert "'k'" in problem["detail"]
    assert world.available == 2


def test_a_key_belongs_to_its_customer(world: World, ada: Phone, bob: Phone) -> None:
    mine = ada("POST", "/orders", world.wish(1), key="k", status=201)
    theirs = bob("POST", "/orders", world.wish(1), key="k", status=201)
    assert mine.json()["id"] != theirs.json()["id"]
    assert "idempotency-replayed" not in theirs.headers


def test_a_refusal_is_not_remembered(world: World, ada: Phone) -> None:
    ada("POST", "/orders", world.wish(4), key="k", status=409)
    world.shop.inventory.receive(SYSTEM, world.product_id, 1)
    ada("POST", "/orders", world.wish(4), key="k", status=201)


@pytest.mark.parametrize("key", ["", "a\tb", "x" * 256])
@pytest.mark.parametrize("path", ["/orders", "/reservations"])
def test_a_key_that_cannot_be_is_refused_with_its_value(world: World, ada: Phone, path: str, key: str) -> None:
    problem = ada("POST", path, world.wish(1), key=key, status=400).json()
    assert [error["code"] for error in problem["errors"]] == ["invalid_idempotency_key"]
    assert repr(key[:40]) in problem["detail"]
    assert world.available == 3


def test_a_key_of_every_printable_character_is_a_key(world: World, ada: Phone) -> None:
    ada("POST", "/orders", world.wish(1), key="!" + "".join(map(chr, range(0x20, 0x7F))) + "~" * 159, status=201)


# ---- how orders are placed, and what runs beside the handlers


def test_orders_can_be_placed_by_whatever_answers_with_futures(world: World) -> None:
    """Ten customers' requests wait together, on a server of one thread, for one batch."""
    together = threading.Barrier(10, timeout=TIMEOUT_S)
    with ThreadPoolExecutor(10) as threads:

        def place_together(request: PlacementRequest) -> Result[Order]:
            together.wait()
            (outcome,) = world.shop.orders.place_all([request])
            assert isinstance(outcome, Result)
            return outcome

        def place(request: PlacementRequest) -> Future[Result[Order]]:
            return threads.submit(place_together, request)

        world.shop.inventory.receive(SYSTEM, world.product_id, 10)
        with TestClient(create_app(world.shop, threads=1, place=place)) as client, ThreadPoolExecutor(10) as phones:
            buy = Phone(world, client, "ada")
            wait = [phones.submit(buy, "POST", "/orders", world.wish(1), status=201) for _ in range(10)]
            assert len({answer.result(TIMEOUT_S).json()["id"] for answer in wait}) == 10


def test_what_that_refuses_is_a_problem_like_any_other(world: World) -> None:
    def full(request: object) -> Future[Any]:
        raise Unavailable("Too many orders wait.", 3)

    with TestClient(create_app(world.shop, place=full, reserve=full)) as client:
        for path in ("/orders", "/reservations"):
            answer = Phone(world, client, "ada")("POST", path, world.wish(1), status=503)
            assert answer.headers["retry-after"] == "3"


def test_staff_who_are_deactivated_cannot_place_either(world: World, grace: Phone) -> None:
    """Placing waits on the loop: whose token says staff is confirmed there as everywhere."""
    access = world.shop.sessions.log_in("grace", PASSWORD).access
    everybody = world.shop.accounts.accounts(SYSTEM, AccountQuery(), OffsetRequest()).items
    her_id = next(account.id for account in everybody if account.username == "grace")
    world.shop.accounts.assign(SYSTEM, her_id, AccountStatusChange(active=False))
    answer = grace.client.post("/api/v1/orders", json=world.wish(1), headers={"authorization": f"Bearer {access}"})
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")


class Told:
    """Something beside the handlers that writes down what it is told."""

    def __init__(self, name: str, said: list[str]) -> None:
        self.name, self.said = name, said

    def start(self) -> None:
        self.said.append(f"{self.name} starts")

    def stop(self) -> None:
        self.said.append(f"{self.name} stops")


def test_what_runs_beside_the_handlers_starts_and_stops_with_them(world: World) -> None:
    said: list[str] = []
    app = create_app(world.shop, background=[Told("sweeper", said), Told("relay", said)])
    assert said == []
    with TestClient(app):
        assert said == ["sweeper starts", "relay starts"]
    assert said[2:] == ["relay stops", "sweeper stops"]
