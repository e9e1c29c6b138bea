"""No secret ever gets into what a server says: twenty are sent, in requests of every kind that fails or succeeds."""

from __future__ import annotations

import base64
import contextlib
import json
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from sqlalchemy import make_url, text
from verification.shop_process import SHOP, free_port, shop_with_admin, wait_until_ready

from http_client import API
from http_servers import launched
from shop_adapters.postgres import make_engine

PASSWORD = "canary-01-password"
WEBHOOK_SECRET = "whsec_" + base64.b64encode(b"canary-02-webhook-secret-of-ours").decode()
SECRET_KEY = "canary-03-secret-key-of-this-server-36b"
DATABASE_PASSWORD = "canary-04-database-password"
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@dataclass
class Running:
    """A server, and everything that it has said so far."""

    url: str
    process: subprocess.Popen[str]
    said: list[str] = field(default_factory=list)

    def listen(self) -> None:
        assert self.process.stdout
        self.said.extend(self.process.stdout)


@contextlib.contextmanager
def heard(env: dict[str, str]) -> Iterator[Running]:
    """A server whose words are all kept."""
    port = free_port()
    command = [*launched(), str(SHOP), "serve", "--port", str(port)]
    with subprocess.Popen(
        command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as process:
        running = Running(f"http://127.0.0.1:{port}", process)
        listener = threading.Thread(target=running.listen)
        listener.start()
        try:
            wait_until_ready(running.url, process)
            yield running
        finally:
            process.terminate()
            process.wait(timeout=120)
            listener.join()


@pytest.fixture
def env(migrated_database: Callable[[str], str]) -> dict[str, str]:
    """Of a server whose database has a password, and that tells facts to a receiver who is not there."""
    url = migrated_database("shop_canaries")
    engine = make_engine(url, connections=1)
    with engine.begin() as connection:
        connection.execute(text("DROP ROLE IF EXISTS canary"))
        connection.execute(text(f"CREATE ROLE canary LOGIN SUPERUSER PASSWORD '{DATABASE_PASSWORD}'"))
    engine.dispose()
    named = make_url(url).set(username="canary", password=DATABASE_PASSWORD)
    return shop_with_admin(
        "boss",
        PASSWORD,
        SHOP_DATABASE_URL=named.render_as_string(hide_password=False),
        SHOP_SECRET_KEY=SECRET_KEY,
        SHOP_EVENTS="webhook",
        SHOP_WEBHOOK_URL="http://127.0.0.1:9/canary-05-webhook-path?token=canary-06-webhook-query",
        SHOP_WEBHOOK_SECRET=WEBHOOK_SECRET,
        SHOP_LOG="json",
        SHOP_LOG_LEVEL="debug",
    )


def raw(url: str, request: bytes) -> None:
    """Bytes, as they are, and whatever comes back."""
    host, port = url.removeprefix("http://").split(":")
    with contextlib.suppress(OSError), socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(4096):
            pass


def provoke(url: str, product_id: str, access: str, refresh: str) -> set[int]:
    """Send each canary by every way on which it might get into the log: the statuses that this was answered with."""
    order = {"lines": [{"product_id": product_id, "quantity": 5000}]}
    body = {"username": "canary-07-username-tried", "password": "canary-08-password-tried"}
    logged_in = {"Authorization": f"Bearer {access}"}
    ways: list[tuple[str, str, dict[str, Any]]] = [
        ("POST", "/auth/token", {"json": body}),
        ("POST", "/auth/token", {"json": body | {"extra": "canary-09-unknown-field"}}),
        ("POST", "/auth/token", {"content": b'{"password": "canary-10-broken-body', "headers": JSON}),
        ("POST", "/auth/token", {"content": b"password=canary-11-form", "headers": {"Content-Type": "text/plain"}}),
        ("POST", "/auth/token", {"json": {"password": "canary-12-too-large" * 1000}}),
        ("POST", "/auth/register", {"json": {"username": "x", "password": "canary-08-password-tried"}}),
        ("POST", "/auth/refresh", {"json": {"refresh": "canary-13-refresh"}}),
        ("POST", "/auth/refresh", {"json": {"refresh": refresh}}),
        ("GET", "/orders", {"headers": {"Authorization": "Bearer canary-14-access"}}),
        ("GET", "/orders", {"headers": {"Authorization": "Basic canary-15-basic"}}),
        ("GET", "/orders?token=canary-16-query", {"headers": logged_in}),
        ("GET", "/nowhere?token=canary-16-query", {}),
        ("GET", "/products", {"headers": {"Cookie": "session=canary-17-cookie", "X-Api-Key": "canary-18-header"}}),
        ("GET", "/products", {"headers": {"traceparent": "canary-19-traceparent", "X-Request-Id": "canary 18-header"}}),
        ("DELETE", "/products?x=canary-16-query", {"headers": logged_in}),
        ("POST", "/orders", {"json": order, "headers": logged_in | {"Idempotency-Key": "canary-20-key"}}),
        ("POST", "/orders", {"json": order, "headers": logged_in | {"Idempotency-Key": "canary-20-key" * 99}}),
        ("PUT", "/users/me/password", {"json": {"old_password": "canary-08-password-tried"}, "headers": logged_in}),
    ]
    with httpx.Client(base_url=url + API, trust_env=False, timeout=60) as client:
        statuses = {client.request(method, path, **options).status_code for method, path, options in ways}
    raw(url, b"GET /canary\x00 HTTP/1.1\r\nAuthorization: Bearer canary-14-access\r\n\r\n")
    raw(url, b"POST /api/v1/auth/token HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n\r\n{canary-10-broken-body")
    return statuses


JSON = {"Content-Type": "application/json"}


def fail_inside(env: dict[str, str], url: str, access: str, broken: str) -> None:
    """Break the database so that writing an account, with its password, is a fault with a traceback."""
    engine = make_engine(env["SHOP_DATABASE_URL"], connections=1)
    with engine.begin() as connection:
        connection.execute(text(broken))
    engine.dispose()
    account = {"username": "carol", "password": "canary-08-password-tried", "email": "canary-21@shop.example"}
    with httpx.Client(base_url=url + API, trust_env=False, timeout=60) as client:
        assert client.post("/auth/register", json=account).status_code == 500


def test_no_secret_gets_into_the_log(env: dict[str, str]) -> None:
    with heard(env) as running:
        with httpx.Client(base_url=running.url + API, trust_env=False, timeout=60) as client:
            answer = client.post("/auth/token", json={"username": "boss", "password": PASSWORD}).json()
            headers = {"Authorization": f"Bearer {answer['access']}"}
            trace = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}
            product = {"sku": "LAMP-1", "name": "Brass lamp", "price": "24.90"}
            product_id = client.post("/products", json=product, headers=headers | trace).json()["id"]
            account = {"username": "ada", "password": "canary-08-password-tried"}
            assert client.post("/auth/register", json=account).status_code == 201
            change = {"kind": "received", "quantity": 3, "reason": "first delivery"}
            assert client.post(f"/products/{product_id}/stock", json=change, headers=headers).status_code == 200
            order = {"lines": [{"product_id": product_id, "quantity": 1}]}
            assert client.post("/orders", json=order, headers=headers).status_code == 201  # a fact nobody takes
        statuses = provoke(running.url, product_id, answer["access"], answer["refresh"])
        assert {200, 400, 401, 404, 405, 409, 413, 415} <= statuses
        fail_inside(env, running.url, answer["access"], "ALTER TABLE accounts ADD CHECK (username <> 'carol')")
    lines = [json.loads(line) for line in running.said]  # every one is JSON
    requests = [line for line in lines if line["event"] == "request"]
    assert {line["status"] for line in requests} >= statuses | {201, 500}
    assert any(line.get("trace_id") == TRACE for line in requests)
    assert any("exception" in line for line in lines)
    everything = "".join(running.said)
    for secret in (answer["access"], answer["refresh"], WEBHOOK_SECRET.removeprefix("whsec_"), "canary", "$argon2"):
        assert secret not in everything, [line for line in running.said if secret in line]
