"""What holds for every address: methods, request ids, slashes, health."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import logging
import re
import socket
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from http_client import API, Server, assert_problem, new_product
from shop_adapters.memory import MemoryAdapters
from shop_core import Shop
from shop_core.errors import Unavailable
from shop_core.ports import UnitOfWork
from shop_http.app import create_app


@contextlib.contextmanager
def raw_client(server: Server) -> Iterator[Callable[[str], tuple[int, Any]]]:
    """Sends a request as it stands, without any library to mend it: the status and the JSON of the answer."""
    where = urlsplit(server.url)
    with socket.create_connection((where.hostname, where.port), timeout=60) as line:

        def ask(request: str) -> tuple[int, Any]:
            line.sendall(request.encode())
            answer = http.client.HTTPResponse(line)
            answer.begin()
            body, is_json = answer.read(), "json" in answer.headers["content-type"]
            return answer.status, json.loads(body) if is_json else body

        yield ask


def test_the_server_is_alive_and_ready(server: Server, visitor: httpx.Client) -> None:
    for path in ("/health/live", "/health/ready"):
        response = visitor.get(server.url + path)
        assert (response.status_code, response.json()) == (200, {"status": "ok"})


def test_an_unknown_address_is_a_problem(server: Server, visitor: httpx.Client) -> None:
    for path in ("/nope", "/api", "/api/v2/products", "/api/v1/nope", "/api/v1/auth", "/docs/../etc/passwd", "/docs/x"):
        assert_problem(visitor.get(server.url + path), 404, "not_found")


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/products", "GET, HEAD, OPTIONS, POST"),
        ("/users/me", "DELETE, GET, HEAD, OPTIONS, PATCH"),
        ("/auth/token", "OPTIONS, POST"),
        ("/orders/01a1fdcd-e7ef-75de-b2e3-e5ed16e9e21d/cancel", "OPTIONS, POST"),
    ],
)
def test_an_address_says_which_methods_it_knows(visitor: httpx.Client, path: str, allowed: str) -> None:
    for method in {"DELETE", "TRACE"} - set(allowed.split(", ")):
        response = visitor.request(method, path)
        assert response.headers["allow"] == allowed
        assert_problem(response, 405, "method_not_allowed")
    options = visitor.options(path)
    assert (options.status_code, options.headers["allow"], options.content) == (204, allowed, b"")
    assert "x-request-id" in options.headers


def test_options_of_an_unknown_address_is_not_found(visitor: httpx.Client) -> None:
    assert_problem(visitor.options("/nope"), 404, "not_found")


def test_head_answers_like_get_without_the_body(staff: httpx.Client, visitor: httpx.Client) -> None:
    product = new_product(staff)
    for client, path in ((visitor, f"/products/{product['id']}"), (visitor, "/users/me"), (visitor, "/nope")):
        got, head = client.get(path), client.head(path)
        assert head.content == b""
        assert head.status_code == got.status_code
        for name in ("content-type", "content-length"):
            assert head.headers[name] == got.headers[name]


def test_trailing_slashes_do_not_matter(visitor: httpx.Client, staff: httpx.Client) -> None:
    product = new_product(staff)
    for path in ("/products", f"/products/{product['id']}", "/categories"):
        assert visitor.get(f"{path}/").json() == visitor.get(path).json()
    assert_problem(visitor.post("/auth/token/", json={}), 400, "invalid_input")


@pytest.mark.parametrize(
    "path",
    [
        *(f"{API}/products/%2F", f"{API}%2Fproducts", f"{API}/products%2f", f"//{API}/products", f"{API}//products"),
        *(f"{API}/products//", f"{API}/./products", f"{API}/x/../products", f"{API}/products/%2e%2e/products"),
        *("/docs/..%2f..%2fetc%2fpasswd", "/docs/%2e%2e/%2e%2e/etc/passwd", "/%00", "/%", "/%zz", "/docs%0d%0aX:y"),
    ],
)
def test_a_path_is_read_in_one_way_only(server: Server, path: str) -> None:
    with raw_client(server) as ask:
        status, answer = ask(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n")
    assert (status, answer["code"]) == (404, "not_found")


@pytest.mark.parametrize("host", ["shop.example", "shop.example:8000", "[::1]:8000", "127.0.0.1:65535", "x:", "shop_1"])
def test_links_are_paths_whatever_host_was_asked(server: Server, staff: httpx.Client, host: str) -> None:
    for _ in range(2):
        new_product(staff)
    with raw_client(server) as ask:
        status, answer = ask(f"GET {API}/products?limit=1 HTTP/1.1\r\nHost: {host}\r\nX-Forwarded-Proto: https\r\n\r\n")
    assert (status, answer["next"]) == (200, f"{API}/products?limit=1&page=2")


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ("Transfer-Encoding: Chunked\r\n", 415),
        ("Transfer-Encoding: gzip, chunked\r\n", 501),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", 400),
        ("Transfer-Encoding: identity, chunked\r\n", 501),
        ("Transfer-Encoding: chunked;a=b\r\n", 400),
        ("Transfer-Encoding: gzip\r\n", 400),
        ("Transfer-Encoding: chunked, gzip\r\n", 400),
        ("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", 400),
        ("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", 400),
    ],
)
def test_a_body_is_encoded_as_chunked_or_not_at_all(server: Server, headers: str, expected: int) -> None:
    with raw_client(server) as ask:
        status, _ = ask(f"POST {API}/auth/token HTTP/1.1\r\nHost: x\r\n{headers}\r\n0\r\n\r\n")
    assert status == expected


def test_slashes_in_a_query_are_text(visitor: httpx.Client) -> None:
    assert visitor.get("/products?keyword=a//b%2Fc").status_code == 200


BAD_HOSTS = [
    f"Host: {host}\r\n"
    for host in ("x" * 256, "x:99999", "x:65536", ":1", "a b", "<x>", "x:y", "[::1", "a/b", "u@x", "\u00e9")
]


@pytest.mark.parametrize("hosts", ["", "Host: a\r\nHost: b\r\n", "Host: a\r\nHost: a\r\n", *BAD_HOSTS])
def test_a_request_names_one_host(server: Server, hosts: str) -> None:
    with raw_client(server) as ask:
        status, answer = ask(f"GET {API}/products HTTP/1.1\r\n{hosts}\r\n")
    assert (status, answer["code"]) == (400, "bad_request")
    with raw_client(server) as ask:
        assert ask(f"GET {API}/products?limit=1 HTTP/1.0\r\n\r\n")[0] == 200


@pytest.mark.parametrize("path", [f"{API}/products", "/nope", f"{API}/users/me", "/docs", "/health/live"])
def test_every_answer_has_a_request_id(server: Server, visitor: httpx.Client, path: str) -> None:
    made = [visitor.get(server.url + path).headers["x-request-id"] for _ in range(2)]
    assert len(set(made)) == 2
    assert all(re.fullmatch("[0-9a-f]{32}", request_id) for request_id in made)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [("order-42_a.b", True), ("x" * 128, True), ("x" * 129, False), ("a b", False), ("", False), ("<script>", False)],
)
def test_a_sane_request_id_is_kept(visitor: httpx.Client, sent: str, kept: bool) -> None:
    response = visitor.get("/nope", headers={"X-Request-Id": sent})
    assert (response.headers["x-request-id"] == sent) is kept
    assert response.json()["request_id"] == response.headers["x-request-id"]


def test_a_request_without_a_usable_host_is_refused_or_served(server: Server, visitor: httpx.Client) -> None:
    response = visitor.get("/products", headers={"Host": "a b<>"})
    assert response.status_code in {200, 400}


class BrokenAdapters(MemoryAdapters):
    """A shop whose store raises `error` whenever it is used."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    @contextlib.contextmanager
    def begin(self) -> Iterator[UnitOfWork]:
        """Fail."""
        raise self.error
        yield


def answer_of_a_shop_that_raises(error: Exception, path: str = f"{API}/products") -> httpx.Response:
    """The answer to a GET, without a server between: what fails must be made to fail."""

    def ready() -> None:
        raise error

    async def ask() -> httpx.Response:
        app = create_app(Shop(BrokenAdapters(error)), ready=ready)
        transport = httpx.ASGITransport(app)  # type: ignore[arg-type]
        client = httpx.AsyncClient(transport=transport, base_url="http://shop.test")
        async with app.litestar.lifespan(), client:
            return await client.get(path)

    return asyncio.run(ask())


def test_a_failure_tells_the_log_everything_and_the_client_nothing(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        response = answer_of_a_shop_that_raises(RuntimeError("the password is swordfish"))
    problem = assert_problem(response, 500, "internal_error")
    assert "swordfish" not in response.text
    (record,) = caplog.records
    assert problem["request_id"] in record.getMessage()
    assert record.exc_info is not None
    assert str(record.exc_info[1]) == "the password is swordfish"


def test_a_store_that_does_not_answer_means_try_again_later() -> None:
    response = answer_of_a_shop_that_raises(Unavailable("The database does not answer.", retry_after_s=3))
    assert_problem(response, 503, "unavailable")
    assert response.headers["retry-after"] == "3"


@pytest.mark.parametrize("error", [RuntimeError("the password is swordfish"), Unavailable("The schema is too old.")])
def test_a_server_that_cannot_serve_is_not_ready(error: Exception) -> None:
    response = answer_of_a_shop_that_raises(error, "/health/ready")
    assert_problem(response, 503, "unavailable")
    assert "swordfish" not in response.text
    assert "retry-after" in response.headers
    assert answer_of_a_shop_that_raises(error, "/health/live").status_code == 200
