"""What staff do in the panel, screen by screen, without a browser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from litestar.testing import TestClient

from panel_browser import ORIGIN, Browser, text_of
from phones import PASSWORD, Setup
from shop_core import SYSTEM
from shop_http.app import create_app


@pytest.fixture
def setup() -> Setup:
    return Setup(units=5)


@pytest.fixture
def browser(setup: Setup) -> Iterator[Browser]:
    with TestClient(create_app(setup.shop, threads=2), base_url=ORIGIN) as client:
        browser = Browser(client)
        browser.log_in("grace", PASSWORD)
        yield browser


def test_a_product_is_added_edited_and_removed(setup: Setup, browser: Browser) -> None:
    mugs = setup.shop.families.create(SYSTEM, "Mug", ["colour"])
    typed = {"sku": "MUG-RED", "name": "Mug, red", "price": "11", "family": str(mugs.id), "option-colour": "red"}
    page = browser.submit(browser.get("/products/new"), "/products", **typed)
    path = str(page.url).partition("/staff")[2]
    assert "The product is in the catalog." in text_of(page)
    page = browser.submit(page, path, price="12,50")
    assert browser.form(page, path).fields["price"] == "12.50"
    assert browser.form(page, path).fields["option-colour"] == "red"
    assert "has left the catalog" in text_of(browser.submit(page, f"{path}/remove"))


def test_a_product_that_is_refused_keeps_what_was_typed_and_says_what_is_wrong(browser: Browser) -> None:
    page = browser.submit(browser.get("/products/new"), "/products", sku="X-1", name="Chair", price="ten")
    assert page.status_code == 400
    assert browser.form(page, "/products").fields["name"] == "Chair"
    assert "'ten' is not a decimal number" in text_of(page)


def test_an_edit_of_an_older_version_shows_what_was_typed_beside_what_is_stored(setup: Setup, browser: Browser) -> None:
    path = f"/products/{setup.product_id}"
    page = browser.get(path)
    browser.submit(browser.get(path), path, name="Brass lamp, large")
    refused = browser.submit(page, path, name="Brass lamp, small")
    assert refused.status_code == 412
    assert "Stored by now: Brass lamp, large" in text_of(refused)
    assert browser.form(refused, path).fields["name"] == "Brass lamp, small"
    saved = browser.submit(refused, path)  # of the version that was just shown
    assert saved.status_code == 200
    assert setup.shop.catalog.product(setup.product_id).product.name == "Brass lamp, small"


def test_stock_is_received_sku_by_sku_and_a_double_scan_is_one(setup: Setup, browser: Browser) -> None:
    page = browser.get("/stock")
    first, _ = (browser.submit(page, "/stock", sku="LAMP-1", quantity="3", note="DN 7") for _ in range(2))
    assert "3 x Brass lamp (LAMP-1) received: 8 on hand." in text_of(first)
    assert browser.form(first, "/stock").fields["note"] == "DN 7"
    assert setup.available == 8
    unknown = browser.submit(first, "/stock", sku="LAMP-9")
    assert (unknown.status_code, browser.form(unknown, "/stock").fields["sku"]) == (400, "LAMP-9")


def test_a_count_shows_the_difference_before_it_corrects_the_stock_once(setup: Setup, browser: Browser) -> None:
    page = browser.get("/stock/count?sku=LAMP-1&counted=3")
    assert "Recorded on hand 5 Counted 3 Difference -2" in text_of(page)
    for _ in range(2):
        assert "Brass lamp: 3 on hand (-2)." in text_of(browser.submit(page, "/stock/count"))
    assert setup.available == 3


def test_a_count_of_stock_that_moved_meanwhile_is_made_again(setup: Setup, browser: Browser) -> None:
    page = browser.get("/stock/count?sku=LAMP-1&counted=3")
    setup.shop.inventory.receive(SYSTEM, setup.product_id, 1)
    assert "was 5 when you compared, and is 6 now: count again" in text_of(browser.submit(page, "/stock/count"))
    assert setup.available == 6


def test_a_cell_that_a_spreadsheet_would_calculate_is_exported_as_text(setup: Setup, browser: Browser) -> None:
    page = browser.get(f"/products/{setup.product_id}")
    browser.submit(page, f"/products/{setup.product_id}", name='=HYPERLINK("https://evil.example")')
    assert "'=HYPERLINK" in browser.get("/products/export").text
    assert ",=HYPERLINK" not in browser.get("/products/export").text
