"""What one client may ask for: how much is in a header, and nobody else has to wait for it."""

from __future__ import annotations

import asyncio
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar.testing import TestClient

from http_client import API, assert_problem
from shop_adapters.memory import MemoryAdapters
from shop_core import SYSTEM, Money, OrderPercent, ProductDetails, PromotionDetails, Registration, Role, Shop
from shop_core.errors import TooMany, Unavailable, WrongCredentials
from shop_http.app import create_app
from shop_http.client_address import TrustedProxies
from shop_http.middleware.access_log import Observer, RequestRecord
from shop_http.middleware.rate_limit import CLIENTS_MAX, LoginLimiter, Rate, RateLimits, TokenBuckets
from shop_http.server.composition import limits_of
from shop_http.server.settings import Settings
from shop_testing import MovableClock
from shop_testing.concurrency import TIMEOUT_S

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
PASSWORD = "correct horse battery"
BEHIND_A_PROXY = TrustedProxies(["203.0.113.0/24"])


class Seconds:
    """A clock that stands still until it is moved."""

    now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def seconds(monkeypatch: pytest.MonkeyPatch) -> Seconds:
    """The time of all buckets."""
    clock = Seconds()
    monkeypatch.setattr(TokenBuckets.__init__, "__defaults__", (clock, CLIENTS_MAX))
    return clock


@pytest.fixture(scope="module")
def shop() -> Shop:
    shop = Shop(MemoryAdapters(clock=MovableClock(NOON)))
    for name in ("ada", "grace"):
        shop.accounts.register(Registration(name, PASSWORD), actor=SYSTEM, role=Role.CUSTOMER)
    return shop


@contextmanager
def serving(shop: Shop, allowed: RateLimits) -> Iterator[TestClient[Any]]:
    with TestClient(create_app(shop, limits=allowed, threads=4), base_url="http://shop.test" + API) as client:
        yield client


@pytest.fixture
def client(shop: Shop) -> Iterator[TestClient[Any]]:
    """Of a server that allows three requests within three seconds, and trusts every forwarded address."""
    with _behind_a_proxy(shop, RateLimits(requests=Rate(3, 3))) as client:
        yield client


@contextmanager
def _behind_a_proxy(shop: Shop, allowed: RateLimits, *observers: Observer) -> Iterator[TestClient[Any]]:
    app = create_app(shop, limits=allowed, proxies=BEHIND_A_PROXY, threads=4, observers=observers)

    async def from_the_proxy(scope: Any, receive: Any, send: Any) -> None:
        await app(scope | {"client": ("203.0.113.1", 1)}, receive, send)

    with TestClient(from_the_proxy, base_url="http://shop.test" + API) as client:
        yield client


def from_(address: str) -> dict[str, str]:
    return {"X-Forwarded-For": address}


def of(shop: Shop, username: str, address: str = "192.0.2.1") -> dict[str, str]:
    return from_(address) | {"Authorization": f"Bearer {shop.sessions.log_in(username, PASSWORD).access}"}


def test_every_answer_tells_how_much_is_left_and_the_next_one_too_many_is_429(
    client: httpx.Client, seconds: Seconds
) -> None:
    here = from_("192.0.2.1")
    for left, path in ((2, "/products"), (1, "/nowhere"), (0, "/users/me")):
        answer = client.get(path, headers=here)
        assert answer.status_code in {200, 404, 401}
        assert answer.headers["ratelimit-policy"] == '"client";q=3;w=3'
        assert answer.headers["ratelimit"] == f'"client";r={left};t={3 - left}'
    refused = client.get("/products", headers=here)
    assert_problem(refused, 429, "too_many_requests")
    assert refused.headers["retry-after"] == "1"
    assert refused.headers["ratelimit"] == '"client";r=0;t=1'
    seconds.now += 1
    assert client.get("/products", headers=here).status_code == 200
    assert client.get("/products", headers=here).status_code == 429


def test_a_client_uses_up_its_own_and_nobody_elses(client: httpx.Client, shop: Shop) -> None:
    ada, grace = of(shop, "ada"), of(shop, "grace")
    for _ in range(4):
        client.get("/products", headers=ada)
    assert client.get("/products", headers=ada).status_code == 429
    assert client.get("/products", headers=ada | from_("192.0.2.99")).status_code == 429, "another address helps"
    assert client.get("/products", headers=grace).status_code == 200
    assert client.get("/products", headers=from_("192.0.2.1")).status_code == 200


def test_made_up_tokens_and_addresses_within_a_network_hide_nobody(client: httpx.Client) -> None:
    made_up = [from_(f"2001:db8::{number}") | {"Authorization": f"Bearer x{number}"} for number in range(4)]
    assert [client.get("/products", headers=headers).status_code for headers in made_up] == [200, 200, 200, 429]


def test_the_log_names_the_client_and_not_the_proxy(shop: Shop) -> None:
    seen: list[RequestRecord] = []
    with _behind_a_proxy(shop, RateLimits(), seen.append) as client:
        client.get("/products", headers=from_("192.0.2.1"))
        client.get("/products")
    assert [each.address for each in seen] == ["192.0.2.1", "203.0.113.1"]


def test_whoever_asks_how_the_server_is_gets_an_answer(client: httpx.Client) -> None:
    for _ in range(9):
        answer = client.get("http://shop.test/health/live", headers=from_("192.0.2.1"))
        assert answer.status_code == 200
        assert "ratelimit" not in answer.headers


def test_logins_that_fail_are_few_for_an_address_and_those_that_succeed_are_not_counted(shop: Shop) -> None:
    with _behind_a_proxy(shop, RateLimits(logins=Rate(3, 60))) as client:

        def log_in(username: str, password: str, address: str, **fields: str) -> httpx.Response:
            form = {"username": username, "password": password} | fields
            return client.post("/auth/token", json=form, headers=from_(address))

        for _ in range(9):
            right = log_in("ada", PASSWORD, "192.0.2.1")
            assert right.status_code == 200
        for number in range(3):
            assert log_in(f"user{number}", "guess", "192.0.2.1").status_code == 401
        refused = log_in("ada", PASSWORD, "192.0.2.1")
        assert_problem(refused, 429, "too_many_requests")
        assert refused.headers["retry-after"] == "20"
        form = {"username": "new", "password": PASSWORD}
        assert client.post("/auth/register", json=form, headers=from_("192.0.2.1")).status_code == 429
        assert log_in("ada", PASSWORD, "192.0.2.2").status_code == 200
        assert log_in("ada", PASSWORD, "192.0.2.1", device=right.json()["device"]).status_code == 200


@pytest.mark.parametrize(
    "failure", [Unavailable("away"), MemoryError(), asyncio.CancelledError()], ids=["503", "500", "late"]
)
def test_a_login_that_the_shop_does_not_decide_does_not_count(failure: BaseException) -> None:
    limiter = LoginLimiter(Rate(3, 60), unrecognised_max=1, wait_s=0)

    async def run() -> None:
        for attempt in (limiter.unrecognised_device, partial(limiter.login, is_recognised=False)):
            for _ in range(9):
                with pytest.raises(type(failure)):
                    async with attempt("192.0.2.1"):
                        raise failure
        async with limiter.unrecognised_device("192.0.2.2"):
            for _ in range(9):
                with pytest.raises(Unavailable, match="log in at the moment"):
                    async with limiter.unrecognised_device("192.0.2.1"):
                        pytest.fail("let in")
        for refused in [WrongCredentials] * 3 + [TooMany]:
            with pytest.raises(refused):
                async with limiter.unrecognised_device("192.0.2.1"):
                    raise WrongCredentials

    asyncio.run(run())


def test_however_many_unrecognised_devices_try_a_recognised_one_gets_in() -> None:
    limiter = LoginLimiter(None, unrecognised_max=2, wait_s=0)
    attempt = limiter.unrecognised_device

    async def run() -> None:
        async with attempt("192.0.2.1"), attempt("192.0.2.2"):
            with pytest.raises(Unavailable, match="log in at the moment"):
                async with attempt("192.0.2.3"):
                    pytest.fail("let in")
        with pytest.raises(WrongCredentials):
            async with attempt("192.0.2.1"):
                raise WrongCredentials
        async with attempt("192.0.2.3"), attempt("192.0.2.4"), limiter.login("192.0.2.5", is_recognised=True):
            pass

    asyncio.run(run())


def test_a_login_waits_for_its_turn_before_it_is_refused() -> None:
    limiter, turns = LoginLimiter(None, unrecognised_max=2, wait_s=TIMEOUT_S), list[int]()

    async def log_in(number: int) -> None:
        async with limiter.unrecognised_device("192.0.2.1"):
            turns.append(number)
            await asyncio.sleep(0)

    async def run() -> None:
        async with limiter.unrecognised_device("192.0.2.2"):
            logins = [asyncio.ensure_future(log_in(number)) for number in range(9)]
            await asyncio.sleep(0)
            logins[4].cancel()  # while it waits
            await asyncio.gather(*logins, return_exceptions=True)

    asyncio.run(run())
    assert turns == [0, 1, 2, 3, 5, 6, 7, 8]


def test_a_recognised_device_is_let_in(shop: Shop) -> None:
    device = shop.sessions.log_in("ada", PASSWORD).device
    with serving(shop, RateLimits(unrecognised_devices=0, login_wait_s=0)) as client:
        form = {"username": "ada", "password": PASSWORD}
        refused = client.post("/auth/token", json=form)
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        assert client.post("/auth/register", json={"username": "new", "password": PASSWORD}).status_code == 503
        assert client.post("/auth/token", json=form | {"device": device}).status_code == 200


def test_guesses_of_one_account_are_answered_429_like_those_of_nobody(shop: Shop) -> None:
    with serving(shop, RateLimits()) as client:
        seen_problems = {}
        for username in ("grace", "nobody at all"):
            form = {"username": username, "password": "guess"}
            answers = [client.post("/auth/token", json=form) for _ in range(11)]
            assert [answer.status_code for answer in answers] == [401] * 10 + [429]
            problem = assert_problem(answers[-1], 429, "too_many_attempts")
            assert answers[-1].headers["retry-after"] == "60"
            seen_problems[username] = (problem | {"request_id": "", "detail": ""}, sorted(answers[-1].headers))
        assert seen_problems["grace"] == seen_problems["nobody at all"]


def test_a_customer_places_so_many_orders_a_minute(shop: Shop) -> None:
    with serving(shop, RateLimits(orders=Rate(2, 60))) as client:
        ada, grace = of(shop, "ada"), of(shop, "grace")
        form = {"lines": [{"product_id": "019aa5c1-5b40-703c-9a1e-4f6d2b7c8e01", "quantity": 1}]}
        statuses = [client.post("/orders", json=form, headers=ada).status_code for _ in range(3)]
        assert statuses == [400, 400, 429]
        assert_problem(client.post("/orders", json=form, headers=ada), 429, "too_many_orders")
        assert client.post("/orders", json=form, headers=grace).status_code == 400


@pytest.mark.parametrize("path", ["/orders", "/reservations"])
def test_a_customer_sends_so_many_lines_a_minute(shop: Shop, path: str) -> None:
    """One that is larger than what is left is let in, and those after it wait until its lines are paid."""
    with serving(shop, RateLimits(ordered_lines=Rate(3, 60), reserved_lines=Rate(3, 60))) as client:
        ada, grace = of(shop, "ada"), of(shop, "grace")
        two, five = (
            {"lines": [{"product_id": str(UUID(int=n)), "quantity": 1} for n in range(many)]} for many in (2, 5)
        )
        statuses = [client.post(path, json=form, headers=ada).status_code for form in (two, five, two)]
        assert statuses == [400, 400, 429]
        answer = client.post(path, json=two, headers=ada)
        assert_problem(answer, 429, "too_many_lines")
        assert 80 <= int(answer.headers["retry-after"]) <= 100
        assert client.post(path, json=two, headers=grace).status_code == 400


def test_an_edit_is_no_further_order_and_a_refused_order_uses_no_lines_up(shop: Shop) -> None:
    lamp = shop.catalog.create_product(SYSTEM, ProductDetails("FLOOR", "Lamp", Money(10_00, "EUR"))).product
    shop.inventory.receive(SYSTEM, lamp.id, 9)
    with serving(shop, RateLimits(orders=Rate(1, 60), ordered_lines=Rate(3, 60))) as client:
        ada, form = of(shop, "ada"), {"lines": [{"product_id": str(lamp.id), "quantity": 1}]}
        path = "/orders/" + client.post("/orders", json=form, headers=ada).json()["id"]
        for _ in range(9):
            assert_problem(client.post("/orders", json=form, headers=ada), 429, "too_many_orders")
        assert [client.put(path, json=form, headers=ada).status_code for _ in range(2)] == [200, 200]
        assert_problem(client.put(path, json=form, headers=ada), 429, "too_many_lines")


def test_coupons_that_cannot_be_used_are_few_for_a_client_and_those_that_can_are_not_counted(shop: Shop) -> None:
    lamp = shop.catalog.create_product(SYSTEM, ProductDetails("LAMP", "Lamp", Money(10_00, "EUR"))).product
    details = PromotionDetails("Ten", OrderPercent(1000), needs_coupon=True, customer_uses_max=1)
    promotion = shop.prices.create_promotion(SYSTEM, details).promotion
    shop.prices.create_coupons(SYSTEM, promotion.id, code="TEN")
    shop.inventory.receive(SYSTEM, lamp.id, 9)
    with serving(shop, RateLimits(coupons=Rate(2, 60))) as client:
        ada, grace = of(shop, "ada"), of(shop, "grace")

        def send(path: str, code: str, headers: dict[str, str]) -> httpx.Response:
            form = {"lines": [{"product_id": str(lamp.id), "quantity": 1}], "coupons": [code]}
            return client.post(path, json=form, headers=headers)

        assert [send("/orders/quote", "ten", ada).status_code for _ in range(4)] == [200] * 4
        assert send("/orders", "TEN", ada).status_code == 201
        assert_problem(send("/orders/quote", "TEN", ada), 409, "coupon_not_usable")  # ada has used it
        assert_problem(send("/orders", "GUESS", ada), 409, "coupon_not_usable")
        refused = send("/orders/quote", "TEN2", ada)
        assert_problem(refused, 429, "too_many_requests")
        assert 0 < int(refused.headers["retry-after"]) <= 30
        assert send("/orders", "TEN", grace).status_code == 201
        assert send("/orders/quote", "TEN", {}).status_code == 200  # nobody, from the same address
        assert_problem(send("/orders/quote", "TEN", {"Authorization": "Bearer old"}), 401, "invalid_token")
        plain = {"lines": [{"product_id": str(lamp.id), "quantity": 1}]}
        assert client.post("/orders", json=plain, headers=ada).status_code == 201


@given(
    count=st.integers(1, 20),
    per_s=st.integers(1, 60),
    waits=st.lists(st.floats(0, 30, allow_nan=False), max_size=80),
)
def test_a_bucket_gives_what_its_rate_says(count: int, per_s: int, waits: list[float]) -> None:
    """Beside one that is counted out; where rounding could decide, both are right."""
    clock = Seconds()
    buckets, level = TokenBuckets(Rate(count, per_s), clock), float(count)
    for wait in waits:
        clock.now += wait
        level = min(float(count), level + wait * count / per_s)
        left, seconds = buckets.take("key")
        if abs(level - 1) > 1e-4:
            assert (left >= 0) == (level >= 1)
        if left >= 0:
            level -= 1
            assert abs(left - level) < 1 + 1e-3
        else:
            assert 0 < seconds <= per_s / count + 1e-3


def test_a_flood_of_addresses_takes_no_more_memory_than_it_may(seconds: Seconds) -> None:
    buckets = TokenBuckets(Rate(600))
    tracemalloc.start()
    for number in range(CLIENTS_MAX * 5 // 4):
        buckets.take(f"2001:db8:{number:x}::/64")
        seconds.now += 1e-6
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(buckets) == CLIENTS_MAX
    assert taken < 400 * CLIENTS_MAX


def test_settings_are_divided_among_the_workers() -> None:
    few = {"SHOP_RATE_LIMIT": "10/second", "SHOP_LOGIN_RATE_LIMIT": "30/minute", "SHOP_ORDERS_PER_MINUTE": "2"}
    given = Settings.read({"SHOP_WORKERS": "4"} | few, {})
    allowed = limits_of(given)
    assert (allowed.requests, allowed.orders, allowed.logins) == (Rate(3, 1), Rate(1, 60), Rate(8, 60))
    meanings = {variable: meaning for variable, _, _, meaning in given.table({}, {})}
    lines = ("SHOP_ORDERED_LINES_PER_MINUTE", "SHOP_RESERVED_LINES_PER_MINUTE")
    assert all("at each server, divided among its workers" in meanings[variable] for variable in (*few, *lines))
    off = {"SHOP_RATE_LIMIT": "off", "SHOP_LOGIN_RATE_LIMIT": "off", "SHOP_ORDERS_PER_MINUTE": "0"}
    unlimited = limits_of(Settings.read(off, {}))
    assert (unlimited.requests, unlimited.orders, unlimited.logins) == (None,) * 3
