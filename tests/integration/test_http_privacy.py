"""Persons leave, over HTTP; and nothing that they entered is left in the database."""

from __future__ import annotations

import httpx
import pytest
from sqlalchemy import Engine, text

from http_client import PASSWORD, Server, assert_problem, follow, log_in, new_order, new_product, register, unique
from shop_adapters.postgres import PostgresAdapters
from shop_core import Account, IdempotencyKey, LineRequest, PlacementRequest, ProfileChange, Registration, Shop
from shop_core.reservations.model import ReservationRequest
from shop_testing.fixtures import Fixtures

CANARY = "zzcanary"


def test_a_person_sees_what_is_stored_and_leaves(server: Server, visitor: httpx.Client, staff: httpx.Client) -> None:
    username, lamp, key = unique("ada"), new_product(staff, stock=5), {"Idempotency-Key": "leave"}
    user = register(visitor, username=username)
    access = log_in(visitor, username, device_name="Ada's phone")["access"]
    with server.client(access) as ada:
        order = new_order(ada, (lamp, 1))
        data = ada.get("/users/me/data").json()
        assert data["account"]["username"] == username
        assert [session["device_name"] for session in data["sessions"]] == ["Ada's phone"]
        assert [(each["order"], each["redemptions"]) for each in data["orders"]] == [(order, [])]
        assert [event["kind"] for event in data["orders"][0]["events"]] == ["placed"]
        assert (data["reservations"], data["next"]) == ([], None)
        refused = ada.request("DELETE", "/users/me", json={"password": PASSWORD}, headers=key)
        assert order["number"] in assert_problem(refused, 409, "orders_open")["detail"]
        ada.post(f"/orders/{order['id']}/cancel")
        assert_problem(ada.request("DELETE", "/users/me", json={"password": "wrong"}), 400, "wrong_password")
        assert_problem(ada.delete("/users/me"), 415, "unsupported_media_type")
        for _ in range(2):  # a phone that lost the response asks again, with a token of a session that has ended
            assert ada.request("DELETE", "/users/me", json={"password": PASSWORD}, headers=key).status_code == 204
        assert_problem(ada.get("/users/me"), 401, "invalid_token")
    assert_problem(staff.get(f"/users/{user['id']}"), 404, "account_not_found")
    assert staff.get(f"/orders/{order['id']}").json()["customer_id"] == user["id"]


def test_the_data_of_a_person_come_in_pages(customer: httpx.Client, staff: httpx.Client) -> None:
    lamp = new_product(staff, stock=50)
    orders = [new_order(customer, (lamp, 1))["id"] for _ in range(21)]
    page = customer.get("/users/me/data").json()
    found = page["orders"] + follow(customer, page["next"]).json()["orders"]
    assert [each["order"]["id"] for each in found] == orders[::-1]
    assert_problem(customer.get("/users/me/data?cursor=x"), 400, "invalid_cursor")


def test_an_admin_sees_and_erases_a_person_once(visitor: httpx.Client, staff: httpx.Client) -> None:
    path, key = f"/users/{register(visitor)['id']}", {"Idempotency-Key": unique("leave")}
    assert staff.get(f"{path}/data").json()["account"]["active"]
    assert [staff.delete(path, headers=key).status_code for _ in range(2)] == [204, 204]
    assert_problem(staff.delete(path), 404, "account_not_found")


@pytest.fixture
def leaver(postgres_adapters: PostgresAdapters) -> tuple[Shop, Account]:
    """A person who entered a canary wherever a person can enter something."""
    shop, lamp = Shop(postgres_adapters), Fixtures(postgres_adapters).product(units=9)
    names = (f"{CANARY}@example.org", f"{CANARY} first", f"{CANARY} last")
    registered = Registration(f"{CANARY}-name", PASSWORD, *names)
    account = shop.accounts.register(registered, key=IdempotencyKey(f"{CANARY} registers"))
    login = shop.sessions.log_in(account.username, PASSWORD, remember=True, device_name=f"{CANARY} phone")
    shop.sessions.refresh(login.refresh)
    ada, lines = account.actor, (LineRequest(lamp.id, 1),)
    shop.accounts.edit_me(ada, ProfileChange(f"{CANARY} Ada"), key=IdempotencyKey(f"{CANARY} edits"))
    order = shop.orders.place(PlacementRequest(account.id, lines, key=f"{CANARY} orders"))
    shop.reservations.reserve(ReservationRequest(account.id, lines, key=f"{CANARY} reserves"))
    shop.orders.cancel(ada, order.id, reason=f"{CANARY} has moved", key=IdempotencyKey(f"{CANARY} cancels"))
    return shop, account


def found_in(engine: Engine, *canaries: str) -> set[str]:
    """The tables in which one of these stands, in any column, in letters of any case, as text or as bytes."""
    with engine.connect() as connection:
        tables = connection.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"))
        looks = {table: text(f'SELECT count(*) FROM "{table}" AS row WHERE row::text ILIKE :it') for (table,) in tables}
        patterns = [f"%{form}%" for canary in canaries for form in (canary, canary.encode().hex())]
        return {
            table for table, look in looks.items() for it in patterns if connection.execute(look, {"it": it}).scalar()
        }


def test_nothing_that_a_person_entered_is_left(leaver: tuple[Shop, Account], engine: Engine) -> None:
    shop, account = leaver
    with engine.connect() as connection:
        password_hash = connection.execute(text("SELECT password_hash FROM accounts")).scalar_one()
        prints = [row[0] for row in connection.execute(text("SELECT encode(fingerprint, 'hex') FROM idempotency_keys"))]
    canaries = (CANARY, password_hash, *prints)
    assert found_in(engine, *canaries) == {"accounts", "idempotency_keys", "order_events", "refresh_tokens"}
    shop.privacy.erase_me(account.actor, PASSWORD, key=IdempotencyKey(f"{CANARY} leaves"))
    assert found_in(engine, *canaries) == set()
    assert "orders" in found_in(engine, str(account.id)), "the books stay"
    assert shop.audit() == []
