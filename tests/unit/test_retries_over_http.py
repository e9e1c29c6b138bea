"""What a phone sees that sends a change again, since the response was lost; on a shop in memory."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

import httpx
import pytest
from litestar.testing import TestClient

from phones import PASSWORD, Setup
from shop_core import SYSTEM, Shop
from shop_core.orders.model import Step
from shop_http.app import create_app
from shop_http.routing import SAFETY_HEADERS, App, described

KEY = "idempotency-key"


@dataclass
class Phones:
    """Of a customer and of an admin."""

    setup: Setup
    app: App
    client: TestClient[App]

    def send(self, method: str, path: str, body: object = None, *, by: str = "ada", **headers: str) -> httpx.Response:
        return self.setup.ask(self.client, by, method, path, body, **headers)

    def order(self) -> str:
        """The path of a new order of Ada's."""
        return f"/orders/{self.send('POST', '/orders', self.setup.wish(1)).json()['id']}"


@contextmanager
def new_phones() -> Iterator[Phones]:
    setup = Setup(units=50)
    app = create_app(setup.shop, threads=2)
    with TestClient(app) as client:
        yield Phones(setup, app, client)


@pytest.fixture(scope="module")
def phones() -> Iterator[Phones]:
    """For tests that change nothing but an order of their own: an application takes longer than they do."""
    with new_phones() as made:
        yield made


@pytest.fixture
def own_phones() -> Iterator[Phones]:
    """For tests that send a key, or change what others use."""
    with new_phones() as made:
        yield made


def requests(phones: Phones) -> dict[str, tuple[str, str, object, dict[str, str]]]:
    """A change of each kind."""
    lamp, order, stale = f"/products/{phones.setup.product_id}", phones.order(), {"if_match": '"1"'}
    product = {"sku": "MUG-1", "name": "Mug", "price": "2.20"}
    category = {"name": "Mugs", "slug": "mugs"}
    return {
        "stock": ("POST", f"{lamp}/stock", {"kind": "received", "quantity": 5, "reason": "note"}, {"by": "boss"}),
        "edit": ("PUT", order, phones.setup.wish(2), stale),
        "cancel": ("POST", f"{order}/cancel", None, stale),
        "delete": ("DELETE", order, None, stale),
        "confirm": ("POST", f"{order}/confirm", None, stale | {"by": "boss"}),
        "product": ("POST", "/products", product, {"by": "boss"}),
        "product edit": ("PATCH", lamp, {"name": "Lamp"}, stale | {"by": "boss"}),
        "product removal": ("DELETE", lamp, None, stale | {"by": "boss"}),
        "category": ("POST", "/categories", category, {"by": "boss"}),
        "profile": ("PATCH", "/users/me", {"first_name": "Ada"}, {}),
        "registration": ("POST", "/auth/register", {"username": "carol", "password": PASSWORD}, {"by": ""}),
    }


@pytest.mark.parametrize(
    "what",
    [
        *("stock", "edit", "cancel", "delete", "confirm", "product", "product edit", "product removal", "category"),
        *("profile", "registration"),
    ],
)
def test_a_change_that_is_sent_again_with_its_key_succeeds_as_it_did(own_phones: Phones, what: str) -> None:
    method, path, body, options = requests(own_phones)[what]
    first, again = (own_phones.send(method, path, body, **options, idempotency_key="k") for _ in range(2))
    assert first.is_success, first.text
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again.headers.get("location") == first.headers.get("location")
    assert again.headers.get("etag") == first.headers.get("etag")
    assert ("idempotency-replayed" in first.headers, again.headers["idempotency-replayed"]) == (False, "true")
    assert own_phones.setup.shop.audit() == []


def test_received_units_are_counted_once_and_another_delivery_needs_another_key(own_phones: Phones) -> None:
    path, note = f"/products/{own_phones.setup.product_id}/stock", {"kind": "received", "reason": "note"}
    for _ in range(2):
        level = own_phones.send("POST", path, note | {"quantity": 5}, by="boss", idempotency_key="k").json()
    assert level["on_hand"] == 55
    reused = own_phones.send("POST", path, note | {"quantity": 6}, by="boss", idempotency_key="k")
    assert (reused.status_code, reused.json()["code"]) == (422, "idempotency_key_reused")


@pytest.mark.parametrize(("method", "suffix"), [("POST", "/cancel"), ("DELETE", "")])
def test_what_is_cancelled_or_deleted_already_is_a_success_without_a_key_too(
    phones: Phones, method: str, suffix: str
) -> None:
    path = phones.order() + suffix
    first, again = (phones.send(method, path, if_match='"1"') for _ in range(2))
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert first.is_success


@pytest.mark.parametrize("body", [[], "x", {"lines": []}])
def test_a_change_refuses_fields_that_it_does_not_take(phones: Phones, body: object) -> None:
    path = phones.order()
    for method, suffix in (("POST", "/cancel"), ("DELETE", "")):
        refused = phones.send(method, path + suffix, body)
        assert (refused.status_code, len(refused.json()["errors"])) == (400, 1)
    assert phones.send("POST", f"{path}/cancel", {}).status_code == 200


# ---- conditions


@pytest.mark.parametrize("tag", ['"1"', 'W/"1"', '"1-gzip"', 'W/"1-br"', '"7" , W/"1"', '"1.5f0a9c01.4-gzip"', "*"])
def test_a_tag_is_good_as_a_proxy_that_compresses_made_it(phones: Phones, tag: str) -> None:
    edited = phones.send("PUT", phones.order(), phones.setup.wish(2), if_match=tag)
    assert (edited.status_code, edited.json()["version"]) == (200, 2)


@pytest.mark.parametrize("tag", ["1", '"1', "nonsense", '"1" "2"', "W/1", ""])
def test_what_is_no_tag_is_malformed_and_not_stale(phones: Phones, tag: str) -> None:
    (error,) = phones.send("PUT", phones.order(), phones.setup.wish(2), if_match=tag).json()["errors"]
    assert (error["field"], error["code"]) == ("if_match", "malformed")


def test_a_stale_version_is_told_the_current_one(phones: Phones) -> None:
    path = phones.order()
    phones.send("PUT", path, phones.setup.wish(2))
    stale = phones.send("PUT", path, phones.setup.wish(3), if_match='"1"')
    assert (stale.status_code, stale.json()["code"], stale.json()["version"]) == (412, "stale_version", 2)


def test_after_a_restore_from_a_backup_another_order_of_the_same_version_is_sent(own_phones: Phones) -> None:
    path, begin = own_phones.order(), own_phones.setup.adapters.begin
    with begin() as backup:
        order = backup.orders.get(UUID(path.removeprefix("/orders/")))
        assert order is not None
    known = own_phones.send("POST", f"{path}/confirm", by="boss")
    assert known.headers["etag"] == own_phones.send("GET", path).headers["etag"]
    with begin() as restored:
        restored.orders.lock(order.id)
        restored.orders.update(order.after(Step.CANCEL, SYSTEM, order.created_at + timedelta(seconds=1)))
    read = own_phones.send("GET", path, if_none_match=known.headers["etag"])
    assert (read.status_code, read.json()["status"], read.json()["version"]) == (200, "cancelled", 2)


def test_a_change_takes_the_tag_of_an_order_and_its_bare_version(phones: Phones) -> None:
    placed = phones.send("POST", "/orders", phones.setup.wish(1))
    path, tag = f"/orders/{placed.json()['id']}", placed.headers["etag"]
    assert re.fullmatch(r'"1\.[0-9]+"', tag)
    edited = phones.send("PUT", path, phones.setup.wish(2), if_match=tag)
    assert (edited.status_code, edited.json()["version"]) == (200, 2)
    assert phones.send("POST", f"{path}/cancel", if_match=tag).status_code == 412
    assert phones.send("POST", f"{path}/cancel", if_match='"2"').status_code == 200


# ---- a header that makes a change safe is honoured, or refused


def test_every_change_honours_each_safety_header_or_refuses_it(own_phones: Phones) -> None:
    """Ignoring one would do what the client wanted to prevent."""
    refused = set()
    for path, method, operation in described(own_phones.app.litestar):
        if method not in ("post", "put", "patch", "delete"):
            continue
        url = re.sub(r"\{[^}]*\}", str(uuid4()), path.removeprefix("/api/v1"))
        for header in SAFETY_HEADERS:
            name = header.decode()
            response = own_phones.send(method.upper(), url, {}, by="boss", **{name: '"1"'})
            codes = [(error["field"], error["code"]) for error in response.json().get("errors", ())]
            if (name.replace("-", "_"), "not_honoured") in codes:
                assert response.status_code == 400
                refused.add((operation.id, name))
    without_key = {id_ for id_, name in refused if name == KEY}
    assert without_key == {
        *("log_in", "refresh_tokens", "log_out"),
        *("reset_password", "change_password", "offer_password_reset"),
        *("ask_for_password_reset", "confirm_email", "ask_for_email_confirmation"),
        *("quote_order", "compare_orders"),
    }
    assert {name for id_, name in refused if id_ == "place_order"} == {
        "if-match",
        "if-none-match",
        "if-unmodified-since",
    }
    assert {name for id_, name in refused if id_ == "edit_order"} == {"if-none-match", "if-unmodified-since"}


@pytest.mark.parametrize("who", ["ada", "grace"])
def test_who_erases_themselves_may_ask_another_worker_again(who: str) -> None:
    """Which has not heard of it yet that the session has ended."""
    setup, form = Setup(), {"password": PASSWORD}
    logged_in = {"Authorization": f"Bearer {setup.shop.sessions.log_in(who, PASSWORD).access}"}
    for worker in (Shop(setup.adapters), Shop(setup.adapters)):
        with TestClient(create_app(worker, threads=2)) as client:
            response = client.request("DELETE", "/api/v1/users/me", json=form, headers=logged_in)
        assert response.status_code == 204, response.text


def test_a_refused_header_is_named_with_what_to_do(phones: Phones) -> None:
    response = phones.send("PATCH", "/users/me", {"first_name": "Ada"}, if_match='"1"')
    (error,) = response.json()["errors"]
    assert error["field"] == "if_match"
    assert error["message"].endswith("send it without")
