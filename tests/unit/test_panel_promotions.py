"""Promotions, carts and users in the panel, without a browser."""

from __future__ import annotations

import re
from html import unescape

import pytest

from panel_browser import Browser, text_of
from phones import PASSWORD, Setup
from shop_core import SYSTEM, AccountStatusChange, Money, ProductDetails, Role


def test_a_promotion_with_coupons_is_made_and_shows_in_what_a_cart_costs(setup: Setup, browser: Browser) -> None:
    typed = {"label": "Lamps for less", "kind": "percent", "value": "10", "skus": "LAMP-1", "coupon": "yes"}
    page = browser.submit(browser.get("/promotions/new"), "/promotions", **typed)
    path = str(page.url).partition("/staff")[2]
    assert "10.00 % off each product" in text_of(page)
    page = browser.submit(page, f"{path}/coupons", code="summer 10")
    assert "SUMMER10" in text_of(page)
    quoted = text_of(browser.get("/cart?lines=LAMP-1+2&coupons=summer10"))
    assert "Lamps for less: you save" in quoted
    assert "Promotions: none." in text_of(browser.submit(page, f"{path}/end"))
    assert "no SKU of the catalog" in text_of(browser.get("/cart?lines=NONE+2"))


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"kind": "percent", "value": "101"}, "must be from 0.01 to 100.00 percent, this is 101.00"),
        ({"kind": "buy_x_get_y", "value": "2"}, "such as 2+1"),
        ({"kind": "none", "value": "2"}, "must be one of percent"),
        ({"kind": "percent", "value": "5", "skus": "NONE"}, "no SKU of the catalog"),
        ({"kind": "percent", "value": "5", "starts_at": "soon"}, "must be a date and a time"),
    ],
)
def test_a_promotion_that_cannot_be_is_refused_with_the_rule(
    browser: Browser, typed: dict[str, str], said: str
) -> None:
    page = browser.submit(browser.get("/promotions/new"), "/promotions", label="Lamps for less", **typed)
    assert page.status_code == 400
    assert said in text_of(page)
    assert browser.form(page, "/promotions").fields["label"] == "Lamps for less"


def test_an_admin_gives_a_role_after_a_fresh_login_deactivates_and_makes_a_code(setup: Setup, browser: Browser) -> None:
    path = f"/users/{setup.actor('ada').account_id}"
    assert "Admins can change users." in text_of(browser.get(path))  # to others of the staff
    browser.submit(browser.get(path), "/logout")
    browser.log_in("boss", PASSWORD)
    page = browser.get(path)
    assert browser.submit(page, f"{path}/role", role="owner").status_code == 400
    setup.later(minutes=16)
    asked = browser.submit(page, f"{path}/role", role="staff")
    assert browser.form(asked, "/login").fields["after"] == path
    browser.submit(asked, "/login", username="boss", password=PASSWORD)
    page = browser.submit(browser.get(path), f"{path}/role", role="staff")
    assert "ada is staff now." in text_of(page)
    assert "A code for ada" in text_of(browser.submit(page, f"{path}/reset"))
    assert "ada may not log in." in text_of(browser.submit(page, f"{path}/active"))
    assert "ada" in text_of(browser.get("/users?search=ada&role=staff"))


@pytest.mark.parametrize("kind", ["order_percent", "order_amount"])
def test_a_promotion_of_whole_orders_that_is_for_some_products_asks_for_one_of_them(
    setup: Setup, browser: Browser, kind: str
) -> None:
    mug = setup.shop.catalog.create_product(SYSTEM, ProductDetails("MUG-1", "Mug", Money.parse("7", "EUR"))).product
    setup.shop.inventory.receive(SYSTEM, mug.id, 9)
    typed = {"label": "With a lamp", "kind": kind, "value": "5", "skus": "LAMP-1"}
    page = browser.submit(browser.get("/promotions/new"), "/promotions", **typed)
    assert "Only if 1 unit or more of LAMP-1" in text_of(page)
    assert "you save" not in text_of(browser.get("/cart?lines=MUG-1+1"))
    assert "you save" in text_of(browser.get("/cart?lines=MUG-1+1%0ALAMP-1+1"))


def test_a_promotion_shows_what_it_is_for(setup: Setup, browser: Browser) -> None:
    lamps = setup.shop.catalog.create_category(SYSTEM, "Lamps").category
    typed = {"label": "Lamps", "kind": "percent", "value": "5", "category": str(lamps.id), "min_total": "50"}
    page = browser.submit(browser.get("/promotions/new"), "/promotions", **typed)
    assert "For Lamps Only if 50.00 EUR or more of Lamps" in text_of(page)
    setup.shop.catalog.remove_category(SYSTEM, lamps.id)
    assert "For a category that is gone" in text_of(browser.get(str(page.url).partition("/staff")[2]))
    mugs = [ProductDetails(f"MUG-{number:02}", "Mug", Money.parse("7", "EUR")) for number in range(12)]
    made = [setup.shop.catalog.create_product(SYSTEM, mug).product for mug in mugs]
    typed = {"label": "Mugs", "kind": "buy_x_get_y", "value": "2+1", "skus": " ".join(mug.sku for mug in made)}
    page = browser.submit(browser.get("/promotions/new"), "/promotions", **typed)
    assert "MUG-08, MUG-09 and 2 more" in text_of(page)
    setup.shop.catalog.remove_product(SYSTEM, made[0].id)
    assert "For MUG-01," in text_of(browser.get(str(page.url).partition("/staff")[2]))
    assert "MUG-09, a product that is gone and 2 more" in text_of(browser.get(str(page.url).partition("/staff")[2]))


def test_all_coupons_are_listed_page_by_page(browser: Browser) -> None:
    typed = {"label": "Letter", "kind": "percent", "value": "10", "coupon": "yes"}
    page = browser.submit(browser.get("/promotions/new"), "/promotions", **typed)
    path = str(page.url).partition("/staff")[2]
    browser.submit(page, f"{path}/coupons", count="120")
    page, codes = browser.submit(page, f"{path}/coupons", count="0", key="another"), set[str]()
    assert page.status_code == 400
    for _ in range(3):
        codes |= set(re.findall(r"<td>([A-Z0-9]{12})</td>", page.text))
        following = re.search(r'href="/staff([^"]+)" rel="next"', page.text)
        page = browser.get(unescape(following[1])) if following else page
    assert len(codes) == 120


def test_of_two_admins_that_change_a_role_the_second_is_told_what_the_first_did(setup: Setup, browser: Browser) -> None:
    browser.log_in("boss", PASSWORD)
    ada = setup.actor("ada").account_id
    page = browser.get(f"/users/{ada}")
    setup.shop.accounts.assign(setup.actor("boss"), ada, AccountStatusChange(role=Role.STAFF))
    overtaken = browser.submit(page, f"/users/{ada}/role", role="admin")
    assert "was customer when you saw it, and is staff now: send it again" in text_of(overtaken)
    assert "ada is admin now." in text_of(browser.submit(overtaken, f"/users/{ada}/role", role="admin"))
