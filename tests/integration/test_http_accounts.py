"""Registering and logging in, over HTTP."""

from __future__ import annotations

import httpx
import pytest

from http_client import PASSWORD, Server, assert_problem, log_in, register, unique


def test_a_new_user_sees_every_field_of_their_account_but_the_password(visitor: httpx.Client) -> None:
    username = unique("ada")
    user = register(visitor, username=username, email="ada@example.org", first_name="Ada", last_name="Lovelace")
    assert user.keys() == {
        *("id", "username", "email", "first_name", "last_name", "role", "created_at", "updated_at", "email_confirmed"),
    }
    assert (user["username"], user["email"], user["role"]) == (username, "ada@example.org", "customer")
    again = visitor.post("/auth/register", json={"username": username.upper(), "password": PASSWORD})
    assert_problem(again, 409, "username_taken")


def test_logging_in_gives_tokens_that_no_cache_keeps(visitor: httpx.Client) -> None:
    username = register(visitor)["username"]
    response = visitor.post("/auth/token", json={"username": username, "password": PASSWORD})
    assert response.headers["cache-control"] == "no-store"
    assert response.json().keys() == {"access", "refresh", "token_type", "expires_in", "device"}
    assert (response.json()["token_type"], response.json()["expires_in"]) == ("Bearer", 300)


def test_a_wrong_user_and_a_wrong_password_get_the_same_answer(visitor: httpx.Client) -> None:
    username = register(visitor)["username"]
    answers = [
        visitor.post("/auth/token", json={"username": name, "password": "not the password"})
        for name in (username, unique("nobody"))
    ]
    first, second = (assert_problem(answer, 401, "wrong_credentials") for answer in answers)
    assert first | {"request_id": ""} == second | {"request_id": ""}
    assert answers[0].headers["www-authenticate"].startswith("Bearer")


def test_a_refresh_token_gives_a_new_pair(server: Server, visitor: httpx.Client) -> None:
    username = register(visitor)["username"]
    tokens = log_in(visitor, username)
    renewed = visitor.post("/auth/token/refresh", json={"refresh": tokens["refresh"]}).json()
    assert renewed["refresh"] != tokens["refresh"]
    with server.client(renewed["access"]) as client:
        assert client.get("/users/me").json()["username"] == username
    assert_problem(visitor.post("/auth/token/refresh", json={"refresh": "made up"}), 401, "invalid_token")


@pytest.mark.parametrize(
    "authorization", [b"", b"Bearer", b"Bearer nonsense", b"Bearer a.b.c", b"Bearer \xff", b"a b c"]
)
def test_a_bad_access_token_is_refused(visitor: httpx.Client, authorization: bytes) -> None:
    response = visitor.get("/users/me", headers={b"Authorization": authorization})
    assert response.status_code == 401
    assert response.headers["www-authenticate"].startswith('Bearer realm="shop"')


def test_only_the_bearer_scheme_counts(server: Server, visitor: httpx.Client) -> None:
    for scheme, status in (("Basic", 401), ("Token", 401), ("bearer", 200)):
        response = visitor.get("/users/me", headers={"Authorization": f"{scheme} {server.staff_token}"})
        assert response.status_code == status


def test_two_authorization_headers_are_refused(server: Server, visitor: httpx.Client) -> None:
    twice = [("Authorization", f"Bearer {server.staff_token}")] * 2
    assert_problem(visitor.get("/users/me", headers=twice), 401, "invalid_token")


def test_a_stale_token_does_not_lock_anybody_out_of_public_operations(visitor: httpx.Client) -> None:
    stale = {"Authorization": "Bearer stale"}
    assert visitor.get("/products", headers=stale).status_code == 200
    username = register(visitor)["username"]
    form = {"username": username, "password": PASSWORD}
    assert visitor.post("/auth/token", json=form, headers=stale).status_code == 200
