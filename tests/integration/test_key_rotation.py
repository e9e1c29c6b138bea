"""A secret is replaced while people are logged in: nobody notices, and then the old one counts no more."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import httpx
from verification.shop_process import environment

from http_client import Server, assert_problem, log_in, register
from http_servers import serving

OLD, NEW = "the secret that many have seen by now", "the one that nobody has seen so far"


@contextlib.contextmanager
def server_with(url: str, secret: str, *previous: str) -> Iterator[Server]:
    """A server on that database, with these secrets."""
    env = environment(SHOP_DATABASE_URL=url, SHOP_SECRET_KEY=secret, SHOP_PREVIOUS_SECRET_KEYS=",".join(previous))
    with serving(env=env) as (address, _):
        yield Server(address, "", "")


def status_of_me(server: Server, access: str) -> int:
    with server.client(access) as client:
        return client.get("/users/me").status_code


def refreshed(server: Server, refresh: str) -> httpx.Response:
    with server.client() as client:
        return client.post("/auth/token/refresh", json={"refresh": refresh})


def test_replacing_the_secret_logs_nobody_out(migrated_database: Callable[[str], str]) -> None:
    """The rounds of docs/operations.md. All servers run from the beginning, as while they are replaced one by one."""
    url = migrated_database("shop_rotation")
    with server_with(url, OLD, NEW) as before, server_with(url, NEW, OLD) as between, server_with(url, NEW) as after:
        with before.client() as client:
            username = register(client)["username"]
            tokens, other = log_in(client, username), log_in(client, username)
        assert status_of_me(between, tokens["access"]) == 200
        carried_on = refreshed(before, other["refresh"]).json()
        assert refreshed(between, carried_on["refresh"]).status_code == 200

        with before.client() as client:
            rotated = log_in(client, username)["refresh"]
        answer = refreshed(before, rotated).json()
        again = refreshed(between, rotated)  # the answer was lost, and the new server is asked
        assert again.json()["refresh"] == answer["refresh"]
        assert refreshed(between, answer["refresh"]).status_code == 200

        renewed = refreshed(between, tokens["refresh"]).json()
        assert status_of_me(between, renewed["access"]) == 200
        with after.client(tokens["access"]) as stale:
            assert_problem(stale.get("/users/me"), 401, "invalid_token")
        assert status_of_me(before, renewed["access"]) == 200, "a server of the round before accepts the new key"
        assert status_of_me(after, renewed["access"]) == 200
        assert refreshed(after, renewed["refresh"]).status_code == 200
