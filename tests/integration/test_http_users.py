"""Profile, password, sessions, and the users of a shop as staff see and admins change them; over HTTP."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from uuid import uuid4

import httpx
import pytest

from http_client import API, PASSWORD, Server, assert_problem, follow, log_in, register, unique, wait_until
from shop_adapters.memory import MemoryAdapters
from shop_core import SYSTEM, AccountStatusChange, Registration, Role, Shop
from shop_core.ports import UnitOfWork
from shop_http.app import create_app
from shop_http.routing import App

OTHER = "another horse battery"
Person = tuple[dict[str, Any], httpx.Client, dict[str, Any]]


@pytest.fixture
def person(server: Server, visitor: httpx.Client, staff: httpx.Client) -> Iterator[Callable[..., Person]]:
    """Makes a user: their account, a client that is logged in, their tokens."""
    with ExitStack() as clients:

        def make(role: str = "customer", **fields: str) -> Person:
            user = register(visitor, **fields)
            if role != "customer":
                assert staff.patch(f"/users/{user['id']}", json={"role": role}).status_code == 200
            tokens = log_in(visitor, user["username"])
            return user, clients.enter_context(server.client(tokens["access"])), tokens

        yield make


# ---- one's own profile


def test_a_profile_is_changed_field_by_field(person: Callable[..., Person]) -> None:
    user, ada, _ = person(first_name="Ada", email="ada@example.org")
    changed = ada.patch("/users/me", json={"last_name": " Lovelace ", "email": "countess@example.org"})
    assert changed.status_code == 200, changed.text
    expected = user | {"last_name": "Lovelace", "email": "countess@example.org"}
    assert changed.json() == expected | {"updated_at": changed.json()["updated_at"]}
    assert ada.get("/users/me").json() == changed.json()
    assert ada.patch("/users/me", json={}).json() == changed.json()
    assert ada.patch("/users/me", json={"email": "", "last_name": ""}).json()["email"] == ""


# ---- the password


def test_a_password_is_changed_with_the_old_one(visitor: httpx.Client, person: Callable[..., Person]) -> None:
    user, ada, tokens = person()
    changed = ada.post("/users/me/password", json={"old_password": PASSWORD, "new_password": OTHER})
    assert (changed.status_code, changed.content) == (204, b"")
    again = visitor.post("/auth/token/refresh", json={"refresh": tokens["refresh"]})
    assert_problem(again, 401, "invalid_token")
    assert log_in(visitor, user["username"], OTHER)


def test_a_wrong_old_password_does_not_look_like_a_lost_login(customer: httpx.Client) -> None:
    response = customer.post("/users/me/password", json={"old_password": OTHER, "new_password": OTHER})
    problem = assert_problem(response, 400, "wrong_password")
    assert [(error["field"], error["code"]) for error in problem["errors"]] == [("old_password", "wrong_password")]


def test_a_forgotten_password_is_reset_with_a_code_from_an_admin(
    visitor: httpx.Client, staff: httpx.Client, person: Callable[..., Person]
) -> None:
    user, _, _ = person()
    offered = staff.post(f"/users/{user['id']}/password-reset")
    assert (offered.status_code, offered.headers["cache-control"]) == (200, "no-store")
    assert offered.json().keys() == {"code", "expires_at"}
    form = {"code": offered.json()["code"], "new_password": OTHER}
    weak = visitor.post("/auth/password-reset/confirm", json=form | {"new_password": "password"})
    assert_problem(weak, 400, "invalid_input")
    done = visitor.post("/auth/password-reset/confirm", json=form)
    assert (done.status_code, done.content) == (204, b"")
    assert log_in(visitor, user["username"], OTHER)
    for code in (form["code"], "", "made up", "A" * 72, "x" * 200, "é"):
        refused = visitor.post("/auth/password-reset/confirm", json=form | {"code": code})
        assert_problem(refused, 400, "invalid_reset_code")


# ---- the list


def test_filters_of_users_combine_and_pages_fit_together(staff: httpx.Client, person: Callable[..., Person]) -> None:
    word = unique("q")
    users = [person(username=f"{word}{number}")[0] for number in range(5)]
    staff.patch(f"/users/{users[1]['id']}", json={"active": False})
    staff.patch(f"/users/{users[2]['id']}", json={"role": "staff"})

    def names(**query: Any) -> list[str]:
        page = staff.get("/users", params={"search": word} | query).json()
        return [user["username"].removeprefix(word) for user in page["results"]]

    assert names() == names(search=word.upper()) == ["0", "1", "2", "3", "4"]
    assert names(search=f"{word}% _ zzz") == names(search="\x00") == []
    assert names(active="false") == ["1"]
    assert names(role="staff") == ["2"]
    assert names(role="customer", active="true") == ["0", "3", "4"]
    assert names(role="admin") == []
    assert names(page=2, limit=2) == ["2", "3"]
    assert names(offset=4, limit=2) == ["4"]
    walked, link = [], f"/users?search={word}&limit=2&cursor="
    while link:
        page = follow(staff, link).json()
        walked += [user["username"].removeprefix(word) for user in page["results"]]
        link = page["next"]
    assert walked == ["0", "1", "2", "3", "4"]


# ---- roles


def test_a_user_is_looked_up_and_changed(person: Callable[..., Person], staff: httpx.Client) -> None:
    user, _, _ = person(first_name="Ada")
    path = f"/users/{user['id']}"
    assert staff.get(path).json() == staff.patch(path, json={}).json() == user | {"active": True}
    changed = staff.patch(path, json={"role": "admin", "active": False}).json()
    assert changed == user | {"role": "admin", "active": False, "updated_at": changed["updated_at"]}
    for method in ("GET", "PATCH"):
        form = None if method == "GET" else {"role": "admin"}
        assert_problem(staff.request(method, f"/users/{uuid4()}", json=form), 404, "account_not_found")


def test_deactivated_staff_are_out_at_once_of_everything(staff: httpx.Client, person: Callable[..., Person]) -> None:
    user, clerk, _ = person("staff")
    assert clerk.get("/users").status_code == 200
    staff.patch(f"/users/{user['id']}", json={"active": False})
    for method, path in (("GET", "/users"), ("GET", "/users/me"), ("GET", "/orders"), ("POST", "/products")):
        assert_problem(clerk.request(method, path, json=None if method == "GET" else {}), 401, "invalid_token")
    assert clerk.get("/products").status_code == 200  # public: the token is not looked at


# ---- where the look-up happens


class WatchedAdapters(MemoryAdapters):
    """A shop in memory that notes in which thread each unit of work is opened."""

    def __init__(self) -> None:
        super().__init__()
        self.threads: list[threading.Thread] = []

    @contextmanager
    def begin(self) -> Iterator[UnitOfWork]:
        """Note it, and go on."""
        self.threads.append(threading.current_thread())
        with super().begin() as uow:
            yield uow


@pytest.mark.parametrize(("role", "units"), [(Role.CUSTOMER, 1), (Role.STAFF, 2), (Role.ADMIN, 2)])
def test_staff_are_looked_up_in_the_thread_of_the_request_and_customers_not_at_all(role: Role, units: int) -> None:
    adapters = WatchedAdapters()
    shop = Shop(adapters)
    shop.accounts.register(Registration("ada", PASSWORD), actor=SYSTEM, role=role)
    token = shop.sessions.log_in("ada", PASSWORD).access
    adapters.threads.clear()

    assert ask(create_app(shop), "/users/me", token).status_code == 200
    assert len(adapters.threads) == units
    assert len(set(adapters.threads)) == 1
    assert threading.main_thread() not in adapters.threads


def test_deactivated_staff_do_not_even_read_a_catalog_that_needs_a_login() -> None:
    shop = Shop(MemoryAdapters())
    clerk = shop.accounts.register(Registration("clerk", PASSWORD), actor=SYSTEM, role=Role.STAFF)
    token, app = shop.sessions.log_in("clerk", PASSWORD).access, create_app(shop, public_catalog=False)
    assert ask(app, "/products", token).status_code == 200
    shop.accounts.assign(SYSTEM, clerk.id, AccountStatusChange(active=False))
    assert_problem(ask(app, "/products", token), 401, "invalid_token")


def ask(app: App, path: str, token: str) -> httpx.Response:
    """The answer to a GET, without a server between."""

    async def answer() -> httpx.Response:
        transport = httpx.ASGITransport(app)  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url="http://shop.test") as client:
            return await client.get(API + path, headers={"Authorization": f"Bearer {token}"})

    return asyncio.run(answer())


# ---- sessions


def test_logging_out_can_be_repeated_and_tells_nothing_of_an_unknown_token(
    visitor: httpx.Client, person: Callable[..., Person]
) -> None:
    _, _, tokens = person()
    for refresh in (tokens["refresh"], tokens["refresh"], "", "made up", "x" * 2_000, "👩‍🚀"):
        response = visitor.post("/auth/logout", json={"refresh": refresh})
        assert (response.status_code, response.content) == (204, b"")
    assert_problem(visitor.post("/auth/token/refresh", json={"refresh": tokens["refresh"]}), 401, "invalid_token")


def test_either_token_of_a_session_logs_out(visitor: httpx.Client, person: Callable[..., Person]) -> None:
    for sent in ("refresh", "access"):
        _, ada, tokens = person()
        assert visitor.post("/auth/logout", json={"refresh": tokens[sent]}).status_code == 204
        assert_problem(visitor.post("/auth/token/refresh", json={"refresh": tokens["refresh"]}), 401, "invalid_token")
        wait_until(lambda ada=ada: ada.get("/users/me").status_code == 401)  # type: ignore[misc]


def test_users_see_where_they_are_logged_in_and_end_sessions_there(
    visitor: httpx.Client, person: Callable[..., Person]
) -> None:
    user, ada, here = person()
    elsewhere = log_in(visitor, user["username"], remember=True, device_name="Ada's phone")
    both = ada.get("/users/me/sessions").json()["results"]
    assert [session.keys() for session in both] == [
        {"id", "created_at", "used_at", "expires_at", "remember", "device_name", "current"}
    ] * 2
    assert [session["current"] for session in both] == [False, True]
    assert [(session["remember"], session["device_name"]) for session in both] == [(True, "Ada's phone"), (False, "")]
    assert not any(token in str(both) for token in (here["refresh"], elsewhere["refresh"], elsewhere["device"]))
    assert ada.delete(f"/users/me/sessions/{both[0]['id']}").status_code == 204
    ended = visitor.post("/auth/token/refresh", json={"refresh": elsewhere["refresh"]})
    assert_problem(ended, 401, "invalid_token")
    held = {"Authorization": f"Bearer {elsewhere['access']}"}
    wait_until(lambda: visitor.get("/users/me", headers=held).status_code == 401)  # each worker notices by itself
    renewed = visitor.post("/auth/token/refresh", json={"refresh": here["refresh"]})
    assert renewed.status_code == 200
    (left,) = ada.get("/users/me/sessions").json()["results"]
    assert (left["id"], left["created_at"]) == (both[1]["id"], both[1]["created_at"])
    assert left["used_at"] > left["created_at"]
    assert ada.delete(f"/users/me/sessions/{both[0]['id']}").status_code == 204  # it has ended, as asked for
    assert_problem(ada.delete(f"/users/me/sessions/{user['id']}"), 404, "session_not_found")
    assert ada.delete(f"/users/me/sessions/{left['id']}").status_code == 204  # the current one, too
    wait_until(lambda: ada.get("/users/me").status_code == 401)
