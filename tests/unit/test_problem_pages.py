"""A browser that meets a problem outside of the API gets a page; programs get problem+json, as everywhere."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from litestar.handlers import HTTPRouteHandler
from litestar.testing import TestClient

from panel_browser import ORIGIN, Browser, text_of
from phones import PASSWORD, Setup
from shop_adapters.memory import MemoryAdapters
from shop_core import Shop
from shop_core.errors import Unavailable
from shop_http.app import create_app
from shop_http.middleware.rate_limit import Rate, RateLimits
from shop_http.requests import ShopRequest
from shop_http.responses import Response
from shop_http.routing import Access, App, Operation, get

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
PROGRAMS = ("*/*", "application/json", "application/problem+json, text/html;q=0.5", "image/avif,*/*;q=0.8", ";q=", "")

PAGES = [
    ("GET", "/nope", 404, "There is no such page"),
    ("GET", "/docs/nope", 404, "There is no such page"),
    ("GET", "/staff/nope", 404, "There is no such page"),
    ("POST", "/", 405, "This cannot be done here"),
    ("DELETE", "/docs", 405, "This cannot be done here"),
    ("PUT", "/staff/orders", 405, "This cannot be done here"),
    ("GET", "/fails/swordfish", 500, "This is a fault of the shop"),
    ("GET", "/staff/fails/swordfish", 500, "This is a fault of the shop"),
    ("GET", "/busy", 503, "The shop cannot answer now"),
    ("GET", "/staff/busy", 503, "The shop cannot answer now"),
]


def failing(path: str, error: Exception) -> HTTPRouteHandler:
    """A route that ends with an error."""

    @get(path, Operation(access=Access.PUBLIC))
    def fail(request: ShopRequest, **_: str) -> Response:
        raise error

    return fail


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient[App]]:
    routes = [
        *(failing(f"{path}/fails/{{what:str}}", RuntimeError("a secret")) for path in ("", "/staff")),
        *(failing(f"{path}/busy", Unavailable("a secret", retry_after_s=150)) for path in ("", "/staff")),
    ]
    app = create_app(Shop(MemoryAdapters()), threads=2, more_routes=routes)
    with TestClient(app, base_url=ORIGIN, raise_server_exceptions=False) as client:
        yield client


@pytest.mark.parametrize(("method", "path", "status", "heading"), PAGES)
def test_a_browser_gets_a_page_with_what_helps_and_a_program_a_problem(
    client: TestClient[App], method: str, path: str, status: int, heading: str
) -> None:
    page = client.request(method, path, headers={"accept": BROWSER})
    assert (page.status_code, page.headers["content-type"]) == (status, "text/html; charset=utf-8")
    assert f"<h1>{heading}</h1>" in page.text
    assert page.headers["x-request-id"] in page.text
    assert "a secret" not in page.text
    assert ('href="/staff"' in page.text) == path.startswith("/staff")
    assert ("Try again in 3 minutes." in text_of(page)) == (status == 503)
    for accept in PROGRAMS:
        problem = client.request(method, path, headers={"accept": accept})
        assert (problem.status_code, problem.headers["content-type"]) == (status, "application/problem+json")
        assert problem.json()["status"] == status
        same = {"allow", "retry-after", "cache-control"}
        assert {(name, page.headers.get(name)) for name in same} == {(name, problem.headers.get(name)) for name in same}


@pytest.mark.parametrize(
    ("accept", "is_page"),
    [
        ("text/html;q=1e999", False),
        ("text/html;q=inf", False),
        ("text/html;q=-inf", False),
        ("text/html;q=1e308", False),
        ("text/html, */*;q=inf", False),
        ("text/html;q=nan", True),
        ("text/html;q=much", True),
        ("text/html;q=", True),
        ('text/html;q="', True),
        (",;=/,text/html,\\", True),
        ("text/html;q=\xff\xfe", True),
        ("/;q=0.5", False),
        ("," * 60_000, False),
        ("image/png," * 31 + "text/html", True),
        ("image/png," * 32 + "text/html", False),
    ],
)
def test_a_strange_accept_header_changes_nothing_but_the_form_of_the_answer(
    client: TestClient[App], accept: str, is_page: bool
) -> None:
    answer = client.get("/nope", headers={b"accept": accept.encode("latin-1")})
    expected = "text/html; charset=utf-8" if is_page else "application/problem+json"
    assert (answer.status_code, answer.headers["content-type"]) == (404, expected)


@pytest.mark.parametrize("path", [path for method, path, _, _ in PAGES if method == "GET"])
def test_head_is_answered_as_get_is_without_the_page(client: TestClient[App], path: str) -> None:
    got, head = (client.request(method, path, headers={"accept": BROWSER}) for method in ("GET", "HEAD"))
    assert (head.status_code, head.headers["content-type"], head.content) == (
        got.status_code,
        "text/html; charset=utf-8",
        b"",
    )
    assert head.headers["content-length"] == str(len(got.content))


def test_a_page_runs_nothing_inline_and_has_the_stylesheet_of_the_panel(client: TestClient[App]) -> None:
    page = client.get("/%3Cscript%3Ealert(1)%3C/script%3E", headers={"accept": BROWSER})
    assert page.headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert page.headers["cache-control"] == "no-store"
    assert [part for part in ("<style", " style=", "<script>", "alert(1)") if part in page.text] == []
    stylesheet = page.text.partition('rel="stylesheet" href="')[2].partition('"')[0]
    assert client.get(stylesheet).headers["content-type"] == "text/css; charset=utf-8"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api", 404),
        ("GET", "/api/v1/nope", 404),
        ("GET", "/%61pi/v1/nope", 404),
        ("GET", "/api/v1/users/me", 401),
        ("TRACE", "/api/v1/products", 405),
        ("GET", "/health/nope", 404),
        ("GET", "/metrics", 404),
    ],
)
def test_what_is_for_programs_has_no_pages(client: TestClient[App], method: str, path: str, status: int) -> None:
    problem = client.request(method, path, headers={"accept": BROWSER})
    assert (problem.status_code, problem.headers["content-type"]) == (status, "application/problem+json")


def test_who_asks_too_often_reads_when_to_ask_again() -> None:
    limits = RateLimits(requests=Rate(1, per_s=60))
    with TestClient(create_app(Shop(MemoryAdapters()), threads=2, limits=limits), base_url=ORIGIN) as client:
        client.get("/docs")
        for path in ("/", "/docs", "/staff"):
            page = client.get(path, headers={"accept": BROWSER})
            seconds = page.headers["retry-after"]
            assert (page.status_code, f"Try again in {seconds} seconds." in text_of(page)) == (429, True)
        assert client.get("/docs").json()["code"] == "too_many_requests"
        api = client.get("/api/v1/products", headers={"accept": BROWSER})
        assert (api.status_code, api.headers["content-type"]) == (429, "application/problem+json")


def test_a_screen_that_is_refused_for_a_while_says_so_in_its_head_too() -> None:
    with TestClient(create_app(Setup().shop, threads=2), base_url=ORIGIN) as client:
        pages = [Browser(client).log_in("grace", f"a wrong guess {n}") for n in range(11)]
    assert (pages[-1].status_code, pages[-1].headers["retry-after"].isdecimal()) == (429, True)


def test_without_the_panel_there_is_no_login_and_pages_of_problems_are_as_ever() -> None:
    app = create_app(Setup().shop, threads=2, has_panel=False)
    with TestClient(app, base_url=ORIGIN) as client:
        for path in ("/staff", "/staff/login", "/staff/orders"):
            assert client.get(path, headers={"accept": BROWSER}).status_code == 404
        fields = {"username": "grace", "password": PASSWORD}
        assert client.post("/staff/login", data=fields, headers={"origin": ORIGIN}).status_code == 404
        assert client.get("/staff/static/panel.css").status_code == 200
