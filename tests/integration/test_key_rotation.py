"""A secret is replaced while people are logged in: nobody notices, and then the old one counts no more."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import httpx
import pytest

from http_client import Server, assert_problem, log_in, register
from server import environment, migrated, serving

OLD, NEW = "the secret that many have seen by now", "the one that nobody has seen so far"


@pytest.fixture(scope="module")
def database_url(new_database: Callable[[str], str]) -> str:
    """A migrated database."""
    with migrated(url := new_database("shop_rotation")):
        return url


@contextlib.contextmanager
def server_with(url: str, secret: str, *previous: str) -> Iterator[Server]:
    """A server on that database, with these secrets."""
    env = environment(SHOP_DATABASE_URL=url, SHOP_SECRET_KEY=secret, SHOP_PREVIOUS_SECRET_KEYS=",".join(previous))
    with serving(env=env) as (address, _):
        yield Server(address, "", "")


def status_of_me(server: Server, access: str) -> int:
    with server.client(access) as client:
        return client.get("/users/me").status_code


def traded(client: httpx.Client, refresh: str) -> httpx.Response:
    return client.post("/auth/token/refresh", json={"refresh": refresh})


def test_replacing_the_secret_logs_nobody_out(database_url: str) -> None:
    with server_with(database_url, OLD) as old, old.client() as client:
        username = register(client)["username"]
        tokens = log_in(client, username)
        lost = traded(client, log_in(client, username)["refresh"])
        spent = log_in(client, username)["refresh"]
        successor = traded(client, spent).json()["refresh"]

    with server_with(database_url, NEW, OLD) as between, between.client() as client:
        assert status_of_me(between, tokens["access"]) == 200
        assert traded(client, lost.json()["refresh"]).status_code == 200
        # A phone lost the answer that the old secret made, and asks the server that has the new one.
        again = traded(client, spent)
        assert again.json()["refresh"] == successor
        assert traded(client, successor).status_code == 200
        renewed = traded(client, tokens["refresh"]).json()
        assert status_of_me(between, renewed["access"]) == 200

    with server_with(database_url, NEW) as after, after.client() as client:
        with after.client(tokens["access"]) as stale:
            assert_problem(stale.get("/users/me"), 401, "invalid_token")
        assert status_of_me(after, renewed["access"]) == 200
        assert traded(client, renewed["refresh"]).status_code == 200
