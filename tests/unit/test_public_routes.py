"""Nothing is public by accident: every route that can be used without a login stands here by name.

Whoever adds a public route has to add it here, and whoever reviews that sees it.
"""

from __future__ import annotations

import re
from uuid import UUID

import litestar
import pytest
from litestar import Response
from litestar.testing import TestClient

from shop_adapters.memory import MemoryAdapters
from shop_core import Shop
from shop_http.app import create_app
from shop_http.routing import App
from shop_http.server import metrics

API = "/api/v1"
PUBLIC = {
    ("GET", "/"),
    ("GET", "/docs"),
    ("GET", "/docs/errors"),
    ("GET", "/docs/start.js"),
    ("GET", "/docs/{}"),
    ("GET", "/openapi.json"),
    ("GET", "/health/live"),
    ("GET", "/health/ready"),
    ("GET", "/media/{}"),
    ("GET", "/staff/login"),
    ("GET", "/staff/static/{}"),
    ("POST", API + "/auth/register"),
    ("POST", API + "/auth/token"),
    ("POST", API + "/auth/token/refresh"),
    ("POST", API + "/auth/logout"),
    ("POST", API + "/auth/password-reset"),
    ("POST", API + "/auth/password-reset/confirm"),
    ("POST", API + "/auth/email-confirmation"),
}
CATALOG = {
    ("GET", API + "/products"),
    ("GET", API + "/products/{}"),
    ("GET", API + "/categories"),
    ("GET", API + "/categories/{}"),
    ("GET", API + "/families"),
    ("GET", API + "/families/{}"),
    ("GET", API + "/catalog/changes"),
    ("POST", API + "/orders/quote"),
}
"""Public as well, unless the settings say otherwise."""


METRICS = ("GET", "/metrics")
"""There only if the settings say so, and public unless they name a token."""


def routes(app: App) -> set[tuple[str, str]]:
    """Method and path of everything that the application answers, whoever declared it."""
    return {
        (method, re.sub(r"\{[^}]*\}", "{}", route.path))
        for route in app.litestar.routes
        for method in getattr(route, "methods", ["not HTTP"])
        if method not in {"OPTIONS", "HEAD"}  # made from the others
    }


def without_a_login(app: App) -> set[tuple[str, str]]:
    """Those that do not ask for a login, found out by asking."""
    with TestClient(app, raise_server_exceptions=False) as client:
        return {
            (method, path)
            for method, path in routes(app)
            if client.request(method, path.replace("{}", str(UUID(int=1))), follow_redirects=False).status_code
            not in (401, 403)  # 403: of a form of the panel, before anybody looks who sent it
        }


@pytest.mark.parametrize(("public_catalog", "expected"), [(True, PUBLIC | CATALOG), (False, PUBLIC)])
def test_only_what_stands_in_the_list_can_be_used_without_a_login(
    public_catalog: bool, expected: set[tuple[str, str]]
) -> None:
    app = create_app(Shop(MemoryAdapters()), public_catalog=public_catalog, threads=2)
    assert without_a_login(app) == expected
    assert len(routes(app)) > len(expected) + 20


def test_the_documentation_can_be_left_out_but_for_what_problems_refer_to() -> None:
    app = create_app(Shop(MemoryAdapters()), has_docs=False, threads=2)
    described = {route for route in PUBLIC if "docs" in route[1] or "openapi" in route[1] or route[1] == "/"}
    assert without_a_login(app) == (PUBLIC - described | CATALOG | {("GET", "/docs/errors")})


@pytest.mark.parametrize(("token", "expected"), [("", PUBLIC | {METRICS}), ("the token of the scraper", PUBLIC)])
def test_the_metrics_are_public_only_without_a_token(token: str, expected: set[tuple[str, str]]) -> None:
    shop = Shop(MemoryAdapters())
    extra = [metrics.route(metrics.Metrics(shop), token)]
    app = create_app(shop, public_catalog=False, threads=2, more_routes=extra)
    assert METRICS in routes(app)
    assert without_a_login(app) == expected


def test_a_route_that_says_nothing_of_access_needs_a_login() -> None:
    @litestar.get("/forgotten", sync_to_thread=False)
    def forgotten() -> Response[str]:
        return Response("a secret")

    app = create_app(Shop(MemoryAdapters()), threads=2)
    app.litestar.register(forgotten)
    assert ("GET", "/forgotten") in routes(app)
    assert ("GET", "/forgotten") not in without_a_login(app)


def test_a_method_that_nobody_defined_is_answered_with_those_that_there_are() -> None:
    """In process: the HTTP server refuses such a method before the application sees it."""
    with TestClient(create_app(Shop(MemoryAdapters()), threads=2)) as client:
        response = client.request("BREW", f"{API}/products")
    assert (response.status_code, response.json()["code"]) == (405, "method_not_allowed")
    assert response.headers["allow"] == "GET, HEAD, OPTIONS, POST"
