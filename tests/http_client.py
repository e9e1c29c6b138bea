"""What HTTP tests share: a server to talk to, and ways to make what a test needs, under names of its own."""

from __future__ import annotations

import secrets
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

API = "/api/v1"
STAFF, PASSWORD = "boss", "correct horse battery"
ACCESS_TOKEN_USED_S_MAX = 120
WAIT_S_MAX = 120.0  # generous: only what never happens takes so long
_NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""For clients that never use it: httpx would read all certificates of the system for each of them, for 50 ms."""


@dataclass
class Server:
    """A running server.

    Args:
        url: where it listens, without a path.
        staff_username: of an admin.
        staff_password: theirs.
    """

    url: str
    staff_username: str
    staff_password: str
    _tokens: dict[str, tuple[str, float]] = field(default_factory=dict, repr=False)
    _customer: str = field(default="", repr=False)

    @property
    def staff_token(self) -> str:
        """An access token of the admin."""
        return self._token(self.staff_username, self.staff_password)

    @property
    def customer_token(self) -> str:
        """An access token of a customer whom tests share, for requests that are refused: hashing takes time."""
        if not self._customer:
            with self.client() as client:
                self._customer = register(client)["username"]
        return self._token(self._customer, PASSWORD)

    def _token(self, username: str, password: str) -> str:
        """Renewed before it can expire during a long run."""
        token, since = self._tokens.get(username, ("", 0.0))
        if not token or time.monotonic() - since > ACCESS_TOKEN_USED_S_MAX:
            with self.client() as client:
                token = log_in(client, username, password)["access"]
            self._tokens[username] = token, time.monotonic()
        return token

    def client(self, token: str | None = None) -> httpx.Client:
        """A client of the API, logged in with `token`. Close it."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        # trust_env: a proxy in the environment is not for a server on this machine.
        return httpx.Client(base_url=self.url + API, headers=headers, trust_env=False, timeout=60, verify=_NO_TLS)


def follow(client: httpx.Client, link: str) -> httpx.Response:
    """The response at a link of the API, which is a path, to a `client` that puts the path of the API before each."""
    return client.get(link.removeprefix(API))


def log_in(client: httpx.Client, username: str, password: str = PASSWORD, **fields: Any) -> dict[str, Any]:
    """A pair of tokens."""
    response = client.post("/auth/token", json={"username": username, "password": password} | fields)
    assert response.status_code == 200, response.text
    tokens: dict[str, Any] = response.json()
    return tokens


@contextmanager
def staff_and_customer(url: str) -> Iterator[tuple[httpx.Client, httpx.Client]]:
    """Clients of a server of `own_shop`: the admin, and a new customer."""
    server = Server(url, STAFF, PASSWORD)
    with server.client() as visitor:
        token = log_in(visitor, register(visitor)["username"])["access"]
    with server.client(server.staff_token) as staff, server.client(token) as customer:
        yield staff, customer


def unique(word: str) -> str:
    """`word`, made a name that no other test has."""
    return f"{word}{secrets.token_hex(5)}"


def register(client: httpx.Client, **fields: str) -> dict[str, Any]:
    """A new customer."""
    response = client.post("/auth/register", json={"username": unique("user"), "password": PASSWORD} | fields)
    assert response.status_code == 201, response.text
    user: dict[str, Any] = response.json()
    return user


def new_product(staff: httpx.Client, *, stock: int = 0, **fields: Any) -> dict[str, Any]:
    """A new product with `stock` units on hand."""
    sku = unique("SKU-")
    response = staff.post("/products", json={"sku": sku, "name": f"Product {sku}", "price": "2.20"} | fields)
    assert response.status_code == 201, response.text
    product: dict[str, Any] = response.json()
    if stock:
        change = {"kind": "received", "quantity": stock, "reason": "first delivery"}
        assert staff.post(f"/products/{product['id']}/stock", json=change).status_code == 200
    return product


def order_of(*lines: tuple[dict[str, Any], int]) -> dict[str, Any]:
    """The body that orders so many units of each product."""
    return {"lines": [{"product_id": product["id"], "quantity": quantity} for product, quantity in lines]}


def new_order(customer: httpx.Client, *lines: tuple[dict[str, Any], int]) -> dict[str, Any]:
    """A placed order."""
    response = customer.post("/orders", json=order_of(*lines))
    assert response.status_code == 201, response.text
    order: dict[str, Any] = response.json()
    return order


def assert_problem(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """Check that `response` is a whole problem document with this status and code."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = response.json()
    assert problem["code"] == code, problem
    assert problem["status"] == status
    assert problem["type"] == f"/docs/errors#{code}"
    assert problem["title"]
    assert problem["detail"]
    assert problem["instance"].startswith("/")
    assert problem["request_id"] == response.headers["x-request-id"]
    return problem


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait for what other processes do by themselves."""
    deadline = time.monotonic() + WAIT_S_MAX
    while not condition():
        assert time.monotonic() < deadline, f"it did not happen in {WAIT_S_MAX:g} seconds"
        time.sleep(0.02)
