"""Profile, password, logging out, and the users of a shop as staff see and admins change them; over HTTP."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from uuid import uuid4

import httpx
import pytest

from http_client import API, PASSWORD, Server, assert_problem, log_in, register, unique, wait_until
from shop_adapters.memory import MemoryAdapters
from shop_core import SYSTEM, AccountStatusChange, Registration, Role, Shop
from shop_core.ports import UnitOfWork
from shop_http.app import create_app
from shop_http.routing import App

OTHER = "another horse battery"
JSON = {"Content-Type": "application/json"}
Person = tuple[dict[str, Any], httpx.Client, dict[str, Any]]

NOBODY = "0193aaaa-0000-7000-8000-000000000000"


@pytest.fixture
def person(server: Server, visitor: httpx.Client, staff: httpx.Client) -> Iterator[Callable[..., Person]]:
    """Makes somebody: what is known of him, a client that is logged in as him, his tokens."""
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


@pytest.mark.parametrize(
    ("form", "field", "code"),
    [
        ({"username": "boss"}, "username", "unknown_field"),
        ({"role": "admin"}, "role", "unknown_field"),
        ({"active": True}, "active", "unknown_field"),
        ({"password": OTHER}, "password", "unknown_field"),
        ({"id": NOBODY}, "id", "unknown_field"),
        ({"email": None}, "email", "wrong_type"),
        ({"email": 1}, "email", "wrong_type"),
        ({"email": "nowhere"}, "email", "invalid_email"),
        ({"email": "a@b.example\x00"}, "email", "forbidden_character"),
        ({"email": "x" * 10_000 + "@b.example"}, "email", "too_long"),
        ({"first_name": "x" * 10_000}, "first_name", "too_long"),
        ({"first_name": ["Ada"]}, "first_name", "wrong_type"),
        ({"last_name": "a\u202eb"}, "last_name", "forbidden_character"),
        ({"last_name": "two\nlines"}, "last_name", "forbidden_character"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_profile_that_breaks_a_rule_is_refused_and_stays(
    customer: httpx.Client, form: dict[str, Any], field: str, code: str
) -> None:
    before = customer.get("/users/me").json()
    problem = assert_problem(customer.patch("/users/me", json=form), 400, "invalid_input")
    assert (field, code) in [(error["field"], error["code"]) for error in problem["errors"]]
    assert customer.get("/users/me").json() == before


@pytest.mark.parametrize(("method", "path"), [("PATCH", "/users/me"), ("POST", "/users/me/password")])
@pytest.mark.parametrize("body", [b"", b"{", b"null", b"[]", b'{"email": "\xff"}', b"[" * 5_000])
def test_an_invalid_body_is_refused(customer: httpx.Client, method: str, path: str, body: bytes) -> None:
    response = customer.request(method, path, content=body, headers=JSON)
    assert response.status_code == 400
    assert response.json()["code"] in {"malformed_body", "invalid_input"}
    assert customer.request(method, path, content=b"email=x").status_code == 415


# ---- the password


def test_another_password_logs_out_everywhere(visitor: httpx.Client, person: Callable[..., Person]) -> None:
    user, ada, tokens = person()
    elsewhere = log_in(visitor, user["username"])
    changed = ada.post("/users/me/password", json={"old_password": PASSWORD, "new_password": OTHER})
    assert (changed.status_code, changed.content) == (204, b"")
    for session in (tokens, elsewhere):
        again = visitor.post("/auth/token/refresh", json={"refresh": session["refresh"]})
        assert_problem(again, 401, "invalid_token")
    old = visitor.post("/auth/token", json={"username": user["username"], "password": PASSWORD})
    assert_problem(old, 401, "wrong_credentials")
    assert log_in(visitor, user["username"], OTHER)


def test_a_wrong_old_password_does_not_look_like_a_lost_login(person: Callable[..., Person]) -> None:
    _, ada, _ = person()
    response = ada.post("/users/me/password", json={"old_password": OTHER, "new_password": OTHER})
    problem = assert_problem(response, 400, "wrong_password")
    assert [(error["field"], error["code"]) for error in problem["errors"]] == [("old_password", "wrong_password")]


def test_an_email_address_opens_nothing(visitor: httpx.Client, person: Callable[..., Person]) -> None:
    user, ada, _ = person(email=f"{unique('ada')}@example.org")
    for address in (user["email"], f"{unique('new')}@example.org"):
        ada.patch("/users/me", json={"email": address})
        refused = visitor.post("/auth/token", json={"username": address, "password": PASSWORD})
        assert_problem(refused, 401, "wrong_credentials")


@pytest.mark.parametrize(
    ("form", "field", "code"),
    [
        ({"new_password": OTHER}, "old_password", "required"),
        ({"old_password": PASSWORD}, "new_password", "required"),
        ({"old_password": PASSWORD, "new_password": "short"}, "new_password", "too_short"),
        ({"old_password": PASSWORD, "new_password": "xy" * 129}, "new_password", "too_long"),
        ({"old_password": PASSWORD, "new_password": "x" * 10_000}, "new_password", "too_long"),
        ({"old_password": PASSWORD, "new_password": "Password1"}, "new_password", "common_password"),
        ({"old_password": PASSWORD, "new_password": "a\x00b" * 5}, "new_password", "forbidden_character"),
        ({"old_password": PASSWORD, "new_password": 12345678}, "new_password", "wrong_type"),
        ({"old_password": None, "new_password": OTHER}, "old_password", "wrong_type"),
        ({"old_password": PASSWORD, "new_password": OTHER, "user": "boss"}, "user", "unknown_field"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_a_password_that_breaks_a_rule_is_refused(
    customer: httpx.Client, form: dict[str, Any], field: str, code: str
) -> None:
    problem = assert_problem(customer.post("/users/me/password", json=form), 400, "invalid_input")
    assert (field, code) in [(error["field"], error["code"]) for error in problem["errors"]]


def test_common_passwords_cannot_be_registered(visitor: httpx.Client) -> None:
    username = unique("lovelace")
    for password in ("password", "1234567890", "qwertyuiop", username.upper(), username[::-1]):
        form = {"username": username, "password": password}
        problem = assert_problem(visitor.post("/auth/register", json=form), 400, "invalid_input")
        assert [(error["field"], error["code"]) for error in problem["errors"]] == [("password", "common_password")]


# ---- logging out


def test_logging_out_ends_the_session_and_can_be_repeated(visitor: httpx.Client, person: Callable[..., Person]) -> None:
    user, _, tokens = person()
    other = log_in(visitor, user["username"])
    for _ in range(2):
        response = visitor.post("/auth/logout", json={"refresh": tokens["refresh"]})
        assert (response.status_code, response.content) == (204, b"")
    assert_problem(visitor.post("/auth/token/refresh", json={"refresh": tokens["refresh"]}), 401, "invalid_token")
    assert visitor.post("/auth/token/refresh", json={"refresh": other["refresh"]}).status_code == 200


def test_logging_out_with_an_unknown_token_tells_nothing(visitor: httpx.Client) -> None:
    for unknown in ("", "made up", "x" * 2_000, "👩‍🚀"):
        assert visitor.post("/auth/logout", json={"refresh": unknown}).status_code == 204
    for form in ({}, {"refresh": None}, {"refresh": 1}, {"refresh": "a\x00b"}, {"refresh": "x", "all": True}):
        assert_problem(visitor.post("/auth/logout", json=form), 400, "invalid_input")


# ---- the list


def test_staff_find_users_by_words(staff: httpx.Client, person: Callable[..., Person]) -> None:
    word = unique("q")
    found = [person(username=f"{word}{end}", first_name="Ada", email=f"{word}@example.org")[0] for end in ("b", "a")]
    for search in (word, word.upper(), f"ADA {word}", f"{word}@EXAMPLE", f"{word}% _"):
        page = staff.get("/users", params={"search": search}).json()
        assert [user["id"] for user in page["results"]] == [found[1]["id"], found[0]["id"]], search
        assert page["count"] == 2
    assert staff.get("/users", params={"search": f"{word}a"}).json()["results"][0] == found[1] | {"active": True}
    for nothing in ("%", "_", "' OR x=''", "\x00", word[1:], f"{word} zzz"):
        assert staff.get("/users", params={"search": nothing}).json()["count"] == 0, nothing


def test_filters_of_users_combine_and_pages_fit_together(staff: httpx.Client, person: Callable[..., Person]) -> None:
    word = unique("q")
    users = [person(username=f"{word}{number}")[0] for number in range(5)]
    staff.patch(f"/users/{users[1]['id']}", json={"active": False})
    staff.patch(f"/users/{users[2]['id']}", json={"role": "staff"})

    def names(**query: Any) -> list[str]:
        page = staff.get("/users", params={"search": word} | query).json()
        return [user["username"].removeprefix(word) for user in page["results"]]

    assert names() == ["0", "1", "2", "3", "4"]
    assert names(active="false") == ["1"]
    assert names(role="staff") == ["2"]
    assert names(role="customer", active="true") == ["0", "3", "4"]
    assert names(role="admin") == []
    assert names(page=2, limit=2) == ["2", "3"]
    assert names(offset=4, limit=2) == ["4"]
    walked, link = [], f"/users?search={word}&limit=2&cursor="
    while link:
        page = staff.get(link).json()
        walked += [user["username"].removeprefix(word) for user in page["results"]]
        link = page["next"]
    assert walked == ["0", "1", "2", "3", "4"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        *(("page=0", "page"), ("page=x", "page"), ("limit=10000", "limit"), ("limit=0", "limit")),
        *(("offset=-1", "offset"), ("page=1&offset=1", "offset"), ("cursor=&page=1", "page")),
        *(("role=boss", "role"), ("role=", "role"), ("role=ADMIN", "role"), ("active=yes", "active")),
        *(("active=", "active"), ("active=1", "active"), ("search=" + "x" * 201, "search"), ("name=ada", "name")),
        *(("search=%FF", "query"), ("search=a&search=b", "search")),
    ],
    ids=lambda value: value[:30],
)
def test_a_bad_query_for_users_is_refused(staff: httpx.Client, query: str, field: str) -> None:
    problem = assert_problem(staff.get(f"/users?{query}"), 400, "invalid_input")
    assert [error["field"] for error in problem["errors"]] == [field]


def test_a_cursor_of_another_list_or_tampered_with_is_refused(
    staff: httpx.Client, person: Callable[..., Person]
) -> None:
    for _ in range(2):
        person()
    own = str(httpx.URL(staff.get("/users?cursor=&limit=1").json()["next"]).params["cursor"])
    changed = own[:-2] + ("A" if own[-2] != "A" else "B") + own[-1]
    for cursor in ("x", changed, "\x00", "A" * 5_000):
        assert_problem(staff.get("/users", params={"cursor": cursor}), 400, "invalid_cursor")
    assert_problem(staff.get("/products", params={"cursor": own}), 400, "invalid_cursor")


# ---- roles


def test_a_user_is_looked_up_by_staff_and_changed_by_admins(person: Callable[..., Person], staff: httpx.Client) -> None:
    user, ada, _ = person()
    _, clerk, _ = person("staff")
    path = f"/users/{user['id']}"
    assert clerk.get(path).json() == user | {"active": True}
    assert_problem(clerk.patch(path, json={"role": "staff"}), 403, "forbidden")
    for method in ("GET", "PATCH"):
        for where in (path, f"/users/{uuid4()}"):
            assert_problem(ada.request(method, where, **_json(method)), 403, "forbidden")
        for nowhere in (f"/users/{uuid4()}", "/users/x"):
            response = staff.request(method, nowhere, **_json(method))
            assert_problem(response, 404, "account_not_found" if nowhere != "/users/x" else "not_found")
    assert staff.patch(path, json={}).json() == user | {"active": True}
    changed = staff.patch(path, json={"role": "admin", "active": False}).json()
    assert (changed["role"], changed["active"]) == ("admin", False)


def _json(method: str) -> dict[str, Any]:
    return {} if method == "GET" else {"json": {"role": "admin"}}


@pytest.mark.parametrize(
    ("form", "field"),
    [
        *(({"role": "boss"}, "role"), ({"role": None}, "role"), ({"role": ""}, "role"), ({"role": 1}, "role")),
        *(({"active": "false"}, "active"), ({"active": 0}, "active"), ({"active": None}, "active")),
        *(({"username": "ada"}, "username"), ({"password": OTHER}, "password"), ({"email": "a@b.example"}, "email")),
    ],
    ids=str,
)
def test_a_bad_change_of_a_user_is_refused(
    staff: httpx.Client, person: Callable[..., Person], form: dict[str, Any], field: str
) -> None:
    user, _, _ = person()
    problem = assert_problem(staff.patch(f"/users/{user['id']}", json=form), 400, "invalid_input")
    assert [error["field"] for error in problem["errors"]] == [field]
    assert staff.get(f"/users/{user['id']}").json() == user | {"active": True}


def test_a_deactivated_customer_can_neither_log_in_nor_stay(
    visitor: httpx.Client, staff: httpx.Client, person: Callable[..., Person]
) -> None:
    user, _, tokens = person()
    assert staff.patch(f"/users/{user['id']}", json={"active": False}).json()["active"] is False
    form = {"username": user["username"], "password": PASSWORD}
    assert_problem(visitor.post("/auth/token", json=form), 401, "wrong_credentials")
    assert_problem(visitor.post("/auth/token/refresh", json={"refresh": tokens["refresh"]}), 401, "invalid_token")
    assert staff.patch(f"/users/{user['id']}", json={"active": True}).json()["active"] is True
    assert log_in(visitor, user["username"])


@pytest.mark.parametrize("role", ["staff", "admin"])
def test_deactivated_staff_are_out_at_once_of_everything(
    staff: httpx.Client, person: Callable[..., Person], role: str
) -> None:
    user, clerk, _ = person(role)
    assert clerk.get("/users").status_code == 200
    staff.patch(f"/users/{user['id']}", json={"active": False})
    for method, path in (("GET", "/users"), ("GET", "/users/me"), ("GET", "/orders"), ("POST", "/products")):
        assert_problem(clerk.request(method, path, **({} if method == "GET" else {"json": {}})), 401, "invalid_token")
    assert clerk.get("/products").status_code == 200  # public: the token is not looked at


def test_demoted_staff_have_their_new_role_at_once(staff: httpx.Client, person: Callable[..., Person]) -> None:
    user, clerk, _ = person("admin")
    for role, statuses in (("admin", (200, 400)), ("staff", (200, 403)), ("customer", (403, 403))):
        staff.patch(f"/users/{user['id']}", json={"role": role})
        own = f"/users/{user['id']}"
        found = clerk.get("/users").status_code, clerk.patch(own, json={"role": "x"} if role == "admin" else {})
        assert (found[0], found[1].status_code) == statuses
    assert clerk.get("/users/me").json()["role"] == "customer"


def test_the_last_active_admin_stays(staff: httpx.Client) -> None:
    """Every other admin that tests made is put out first, and let in again."""
    me = staff.get("/users/me").json()
    admins = staff.get("/users?role=admin&active=true&limit=200").json()["results"]
    others = [admin["id"] for admin in admins if admin["id"] != me["id"]]
    for other in others:
        assert staff.patch(f"/users/{other}", json={"active": False}).status_code == 200
    for change in ({"role": "customer"}, {"role": "staff"}, {"active": False}, {"role": "staff", "active": False}):
        problem = assert_problem(staff.patch(f"/users/{me['id']}", json=change), 409, "last_admin")
        assert me["id"] in problem["detail"]
    assert staff.get("/users?role=admin&active=true").json()["count"] == 1
    for other in others:
        assert staff.patch(f"/users/{other}", json={"active": True}).status_code == 200


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
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://shop.test") as client:
            return await client.get(API + path, headers={"Authorization": f"Bearer {token}"})

    return asyncio.run(answer())


# ---- a forgotten password


def test_a_forgotten_password_is_reset_with_a_code_from_an_admin(
    visitor: httpx.Client, staff: httpx.Client, person: Callable[..., Person]
) -> None:
    user, _, _ = person()
    offered = staff.post(f"/users/{user['id']}/password-reset")
    assert (offered.status_code, offered.headers["cache-control"]) == (200, "no-store")
    assert offered.json().keys() == {"code", "expires_at"}
    form = {"code": offered.json()["code"], "new_password": OTHER}
    weak = visitor.post("/auth/password-reset", json=form | {"new_password": "password"})
    assert_problem(weak, 400, "invalid_input")
    done = visitor.post("/auth/password-reset", json=form)
    assert (done.status_code, done.content) == (204, b"")
    assert log_in(visitor, user["username"], OTHER)
    assert_problem(visitor.post("/auth/password-reset", json=form), 400, "invalid_reset_code")


@pytest.mark.parametrize("code", ["", "made up", "A" * 72, "x" * 200, "é"])
def test_an_invalid_code_sets_no_password(visitor: httpx.Client, code: str) -> None:
    form = {"code": code, "new_password": OTHER}
    assert_problem(visitor.post("/auth/password-reset", json=form), 400, "invalid_reset_code")


# ---- sessions


def test_somebody_sees_where_he_is_logged_in_and_ends_it_there(
    visitor: httpx.Client, person: Callable[..., Person]
) -> None:
    user, ada, here = person()
    elsewhere = log_in(visitor, user["username"])
    both = ada.get("/users/me/sessions").json()["results"]
    assert [session.keys() for session in both] == [{"id", "created_at", "used_at", "expires_at", "current"}] * 2
    assert [session["current"] for session in both] == [False, True]
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
    assert_problem(ada.delete(f"/users/me/sessions/{both[0]['id']}"), 404, "session_not_found")


def test_the_current_session_is_ended_like_any_other(person: Callable[..., Person]) -> None:
    _, ada, _ = person()
    (mine,) = ada.get("/users/me/sessions").json()["results"]
    assert ada.delete(f"/users/me/sessions/{mine['id']}").status_code == 204
    wait_until(lambda: ada.get("/users/me").status_code == 401)


# ---- logins only
