"""docs/errors.md and the page of the app list every code that an answer can have."""

from __future__ import annotations

import json
import re
from pathlib import Path

from litestar.testing import TestClient

from shop_adapters.memory import MemoryAdapters
from shop_core import Shop
from shop_http.app import create_app
from shop_http.documentation.error_reference import codes, markdown

PAGE = Path(__file__).parent.parent.parent / "docs" / "errors.md"


def test_the_page_about_errors_is_up_to_date() -> None:
    assert PAGE.read_text() == markdown(), "run: python docs/errors.py"


def test_each_code_says_what_it_means_and_what_to_do() -> None:
    names = [code.name for code in codes()]
    assert len(set(names)) == len(names) > 35
    for code in codes():
        assert code.statuses
        for text in (code.title, code.meaning, code.advice):
            assert text
            assert "|" not in text


def test_a_shipment_that_is_not_all_on_hand_is_explained_where_it_is_refused() -> None:
    (explained,) = (code for code in codes() if code.name == "stock_below_zero")
    assert "an order cannot be shipped" in explained.meaning
    assert "first receive or count what `detail` names" in explained.advice
    with TestClient(create_app(Shop(MemoryAdapters()), threads=2)) as client:
        paths = client.get("/openapi.json").json()["paths"]
    conflict = paths["/api/v1/orders/{order_id}/ship"]["post"]["responses"]["409"]
    problem = conflict["content"]["application/problem+json"]["examples"]["stock_below_zero"]["value"]
    assert problem["detail"].startswith("Not all of this order is on hand: 85123A ")


def test_every_problem_of_the_description_is_explained_at_its_type_by_the_app_itself() -> None:
    with TestClient(create_app(Shop(MemoryAdapters()), threads=2)) as client:
        described = set(re.findall(r'"type":"([^"]*)","title"', client.get("/openapi.json").text))
        given = client.get("/nowhere").json()["type"]
        page = client.get("/docs/errors")
    assert len(described) > 30
    for address in (*described, given):
        path, _, code = address.partition("#")
        assert path == "/docs/errors"
        assert f'<tr id="{code}">' in page.text
    assert page.headers["content-type"].startswith("text/html")
    assert not re.search(r"https?://", page.text)  # nothing is asked of others
    assert "script" not in json.dumps(page.text)
