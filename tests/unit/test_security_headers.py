"""What every answer says to browsers and caches, whatever it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from litestar.testing import TestClient

from shop_adapters.memory import MemoryAdapters
from shop_core import Shop
from shop_http.app import create_app

PAGE = "https://shop.example"
EVERYWHERE = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "cross-origin-resource-policy": "same-origin",
}
ANSWERS = [
    ("GET", "/api/v1/products", 200),
    ("GET", "/api/v1/orders", 401),
    ("GET", "/nowhere", 404),
    ("PUT", "/api/v1/orders", 405),
    ("OPTIONS", "/api/v1/orders", 204),
    ("HEAD", "/api/v1/products", 200),
    ("POST", "/api/v1/auth/token", 415),
    ("GET", "/docs", 200),
    ("GET", "/openapi.json", 200),
    ("GET", "/health/live", 200),
]


@contextmanager
def visiting(**options: Any) -> Iterator[TestClient[Any]]:
    with TestClient(create_app(Shop(MemoryAdapters()), **options)) as client:
        yield client


@pytest.fixture(scope="module")
def visitor() -> Iterator[TestClient[Any]]:
    with visiting() as client:
        yield client


@pytest.mark.parametrize(("method", "path", "status"), ANSWERS)
def test_every_answer_tells_browsers_to_do_nothing_with_it(
    visitor: TestClient[Any], method: str, path: str, status: int
) -> None:
    answer = visitor.request(method, path, content=b"{" if method == "POST" else None)
    assert answer.status_code == status
    for name, value in EVERYWHERE.items():
        assert answer.headers.get_list(name) == [value]
    assert len(answer.headers.get_list("content-security-policy")) == 1
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert len(answer.headers.get_list("cache-control")) == 1


def test_only_the_public_catalog_is_kept_by_caches_and_asked_about_each_time(visitor: TestClient[Any]) -> None:
    assert visitor.get("/api/v1/products").headers["cache-control"] == "no-cache"
    for path in ("/api/v1/orders", "/api/v1/me", "/api/v1/products?limit=nonsense", "/health/ready", "/nowhere"):
        assert visitor.get(path).headers["cache-control"] == "no-store", path
    with visiting(public_catalog=False) as closed:
        assert closed.get("/api/v1/products").headers["cache-control"] == "no-store"


def test_clients_are_held_to_https_only_where_the_shop_is_reached_by_it(visitor: TestClient[Any]) -> None:
    assert "strict-transport-security" not in visitor.get("/api/v1/products").headers
    for base_url, is_told in (("http://shop.example", False), ("https://shop.example", True)):
        with visiting(base_url=base_url) as client:
            assert ("strict-transport-security" in client.get("/nowhere").headers) is is_told


def _cors(answer: Any) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name.startswith("access-control-")}


def test_pages_of_others_may_see_nothing_unless_they_are_listed(visitor: TestClient[Any]) -> None:
    asking = {"Origin": PAGE, "Access-Control-Request-Method": "POST"}
    for method in ("GET", "OPTIONS"):
        assert _cors(visitor.request(method, "/api/v1/products", headers=asking)) == {}
    with visiting(origins=[PAGE]) as client:
        for origin in ("https://evil.example", "null", f"{PAGE}.evil.example", "http://shop.example"):
            answer = client.get("/api/v1/products", headers={"Origin": origin})
            assert _cors(answer) == {}
            assert answer.headers["vary"] == "Origin"


def test_a_page_that_is_listed_may_ask_and_see_without_cookies() -> None:
    with visiting(origins=[PAGE, "https://staff.example"]) as client:
        asking = {"Origin": PAGE, "Access-Control-Request-Method": "POST"}
        before = client.options("/api/v1/orders", headers=asking)
        assert before.status_code == 204
        assert before.headers["access-control-allow-origin"] == PAGE
        assert "Idempotency-Key" in before.headers["access-control-allow-headers"]
        answer = client.get("/api/v1/orders", headers={"Origin": PAGE})
        assert answer.status_code == 401
        assert answer.headers["access-control-allow-origin"] == PAGE
        assert "Retry-After" in answer.headers["access-control-expose-headers"]
        assert "access-control-allow-credentials" not in {*answer.headers, *before.headers}
