"""The staff panel is for staff, and a form works once: forged, stale, doubled and cross-site ones do nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest
from litestar.testing import TestClient

from panel_browser import ORIGIN, Browser, forms_of, text_of
from phones import PASSWORD, Setup
from shop_core import SYSTEM, AccountStatusChange, Actor, Order, OrderStatus, Role
from shop_core.pricing.benefits import OrderPercent
from shop_core.pricing.model import PromotionDetails
from shop_http.app import create_app


@dataclass
class Panel:
    """The panel of a shop, and a browser at it."""

    setup: Setup
    browser: Browser

    def actor(self, username: str) -> Actor:
        """Somebody, logged in elsewhere."""
        return self.setup.actor(username)

    def status(self, order: Order) -> OrderStatus:
        return self.setup.shop.orders.get(SYSTEM, order.id).status


@pytest.fixture
def panel() -> Iterator[Panel]:
    setup = Setup(units=50)
    with TestClient(create_app(setup.shop, threads=2), base_url=ORIGIN) as client:
        yield Panel(setup, Browser(client))


@pytest.fixture
def staff(panel: Panel) -> Panel:
    """With somebody of the staff logged in."""
    assert panel.browser.log_in("grace", PASSWORD).status_code == 200
    return panel


# ---- who gets in


@pytest.mark.parametrize("path", ["", "/orders", "/orders/00000000-0000-0000-0000-000000000001"])
def test_nobody_sees_a_page_without_a_login_and_gets_there_after_it(panel: Panel, path: str) -> None:
    page = panel.browser.get(path)
    assert (page.status_code, page.headers["content-type"]) == (401, "text/html; charset=utf-8")
    form = panel.browser.form(page, "/login")
    assert form.fields["after"] == (path or "/")


@pytest.mark.parametrize(
    "after", ["//evil.example", "https://evil.example", "/\\evil.example", "/x\r\nset-cookie: a=b"]
)
def test_a_login_leads_nowhere_else(panel: Panel, after: str) -> None:
    page = panel.browser.get("/login")
    login = panel.browser.submit(page, "/login", username="grace", password=PASSWORD, after=after)
    assert str(login.url).startswith(f"{ORIGIN}/staff")


def test_a_customer_is_not_let_in_and_keeps_no_session(panel: Panel) -> None:
    page = panel.browser.log_in("ada", PASSWORD)
    assert page.status_code == 403
    assert panel.browser.get().status_code == 401
    assert len(panel.setup.shop.sessions.sessions(panel.actor("ada"))) == 1  # which began to ask this


def test_guesses_are_counted_as_those_of_the_api_are(panel: Panel) -> None:
    pages = [panel.browser.log_in("grace", f"a wrong guess {n}") for n in range(11)]
    assert [page.status_code for page in pages] == [401] * 10 + [429]
    assert panel.browser.log_in("grace", PASSWORD).status_code == 429


def test_a_browser_that_logged_in_before_is_not_held_up_by_guesses_of_others(staff: Panel) -> None:
    staff.browser.submit(staff.browser.get(), "/logout")
    other = Browser(TestClient(staff.browser.client.app, base_url=ORIGIN))
    for n in range(11):
        other.log_in("grace", f"a wrong guess {n}")
    assert staff.browser.log_in("grace", PASSWORD).status_code == 200


# ---- when a session ends


def test_a_session_ends_with_a_logout_and_is_no_good_to_who_copied_it(staff: Panel) -> None:
    copied = dict(staff.browser.client.cookies)
    staff.browser.submit(staff.browser.get(), "/logout")
    staff.browser.client.cookies.clear()
    staff.browser.client.cookies.update(copied)
    assert staff.browser.get().status_code == 401


@pytest.mark.parametrize(
    "change",
    [AccountStatusChange(role=Role.CUSTOMER), AccountStatusChange(role=Role.ADMIN), AccountStatusChange(active=False)],
)
def test_a_session_ends_with_another_role_and_with_a_deactivation(staff: Panel, change: AccountStatusChange) -> None:
    staff.setup.shop.accounts.assign(staff.actor("boss"), staff.actor("grace").account_id, change)
    assert staff.browser.get().status_code == 401
    assert staff.browser.get().status_code == 401


def test_a_session_ends_with_another_password(staff: Panel) -> None:
    staff.setup.shop.accounts.change_password(staff.actor("grace"), PASSWORD, "the wind in the pines")
    assert staff.browser.get().status_code == 401


def test_a_session_goes_on_while_it_is_used_and_ends_when_it_is_idle(staff: Panel) -> None:
    for _ in range(5):
        staff.setup.later(minutes=50)
        assert staff.browser.get().status_code == 200
    staff.setup.later(minutes=61)
    assert staff.browser.get().status_code == 401
    staff.setup.later(minutes=-60)
    assert staff.browser.get().status_code == 401  # it has ended, whatever the clock says


def test_who_looks_at_the_login_form_stays_logged_in_until_they_log_in_anew(staff: Panel) -> None:
    form = staff.browser.get("/login")
    assert staff.browser.get().status_code == 200
    staff.browser.submit(form, "/login", username="grace", password=PASSWORD)
    assert len(staff.setup.shop.sessions.sessions(staff.actor("grace"))) == 2  # one of the browser, one to ask this


@pytest.mark.parametrize("strange", ["a", "=", "a[b]=c", 'a="b', "\xe4=\xf6", "a=b=c"])
def test_cookies_of_others_do_not_hide_ours(staff: Panel, strange: str) -> None:
    kept = "; ".join(f"{name}={value}" for name, value in staff.browser.client.cookies.items())
    staff.browser.client.cookies.clear()
    page = staff.browser.client.get("/staff", headers=[(b"cookie", f"{strange}; {kept}; {strange}".encode("latin-1"))])
    assert page.status_code == 200


def test_a_store_that_is_away_for_a_moment_logs_nobody_out(staff: Panel) -> None:
    staff.setup.later(minutes=30)  # so that the tokens are to be renewed
    staff.setup.adapters.is_away = True
    page = staff.browser.get()
    assert (page.status_code, "<form" in page.text) == (503, False)
    staff.setup.adapters.is_away = False
    assert staff.browser.get().status_code == 200


def test_a_form_that_was_open_while_the_tokens_were_renewed_is_still_good(staff: Panel) -> None:
    order = staff.setup.order_of_ada()
    page = staff.browser.get(f"/orders/{order.id}")
    staff.setup.later(minutes=30)
    staff.browser.get()
    assert staff.browser.submit(page, f"/orders/{order.id}/confirm").status_code == 200
    assert staff.status(order) is OrderStatus.CONFIRMED


# ---- forms that were not made here


@pytest.mark.parametrize(
    ("fields", "headers"),
    [
        ({"token": ""}, {}),
        ({"token": "a guess"}, {}),
        ({}, {"origin": "https://evil.example"}),
        ({}, {"origin": "http://localhost:8001"}),
        ({}, {"origin": "null"}),
        ({}, {"origin": ""}),
    ],
)
def test_a_forged_or_cross_site_form_does_nothing(
    staff: Panel, fields: dict[str, str], headers: dict[str, str]
) -> None:
    order = staff.setup.order_of_ada()
    path = f"/orders/{order.id}/confirm"
    form = staff.browser.form(staff.browser.get(f"/orders/{order.id}"), path)
    response = staff.browser.post(path, form.fields | fields, **headers)
    assert response.status_code == 403
    assert staff.status(order) is OrderStatus.PLACED


def test_a_form_made_for_another_session_does_nothing(staff: Panel) -> None:
    order = staff.setup.order_of_ada()
    path = f"/orders/{order.id}/confirm"
    form = staff.browser.form(staff.browser.get(f"/orders/{order.id}"), path)
    staff.browser.log_in("boss", PASSWORD)
    assert staff.browser.post(path, form.fields).status_code == 403
    assert staff.status(order) is OrderStatus.PLACED


def test_a_form_is_still_good_after_the_same_person_logged_in_again(staff: Panel) -> None:
    order = staff.setup.order_of_ada()
    page = staff.browser.get(f"/orders/{order.id}")
    staff.setup.later(hours=2)
    staff.browser.log_in("grace", PASSWORD)
    assert staff.browser.submit(page, f"/orders/{order.id}/confirm").status_code == 200
    assert staff.status(order) is OrderStatus.CONFIRMED


def test_a_login_form_of_another_site_logs_nobody_in(panel: Panel) -> None:
    fields = panel.browser.form(panel.browser.get("/login"), "/login").fields
    fields |= {"username": "grace", "password": PASSWORD}
    assert panel.browser.post("/login", fields, origin="https://evil.example").status_code == 403
    assert panel.browser.post("/login", fields | {"token": "a guess"}).status_code == 403
    assert panel.browser.get().status_code == 401


# ---- once, and only what was seen


def test_a_double_click_is_one_change(staff: Panel) -> None:
    order = staff.setup.order_of_ada()
    page = staff.browser.get(f"/orders/{order.id}")
    first, second = (staff.browser.submit(page, f"/orders/{order.id}/confirm") for _ in range(2))
    assert (first.status_code, second.status_code) == (200, 200)
    assert "The order is confirmed." in text_of(first)
    assert staff.status(order) is OrderStatus.CONFIRMED


def test_a_form_of_an_older_version_does_nothing_and_shows_what_was_seen_and_what_is(staff: Panel) -> None:
    order = staff.setup.order_of_ada()
    page = staff.browser.get(f"/orders/{order.id}")
    staff.setup.shop.orders.cancel(staff.actor("ada"), order.id)
    response = staff.browser.submit(page, f"/orders/{order.id}/confirm")
    assert response.status_code == 412
    assert "You saw: Placed, 24.90 EUR. It is now: Cancelled, 24.90 EUR." in text_of(response)
    assert staff.status(order) is OrderStatus.CANCELLED


def test_many_orders_take_a_step_once_and_each_by_itself(staff: Panel) -> None:
    orders = [staff.setup.order_of_ada() for _ in range(3)]
    page = staff.browser.get("/orders?status=placed")
    staff.setup.shop.orders.cancel(staff.actor("ada"), orders[1].id)
    ticked: dict[str, Any] = {"order": [str(order.id) for order in orders], "step": "confirm"}
    first, second = (staff.browser.submit(page, "/orders", **ticked) for _ in range(2))
    for response in (first, second):
        assert f"2 orders are confirmed. 1 is not. {orders[1].number}: You have version 1" in text_of(response)
    assert [staff.status(order) for order in orders] == ["confirmed", "cancelled", "confirmed"]


# ---- what pages say to browsers


def test_pages_allow_nothing_inline_and_nothing_of_others_and_are_not_kept(staff: Panel) -> None:
    page = staff.browser.get()
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'")
    assert "unsafe" not in policy
    assert page.headers["cache-control"] == "no-store"
    assert [part for part in ("<style", " style=", "<script>", " onclick") if part in page.text] == []


@pytest.mark.parametrize(
    ("origin", "prefix", "flags"),
    [
        ("http://127.0.0.1", "", "Path=/; HttpOnly; SameSite=Strict"),
        ("https://shop.example", "__Host-", "Path=/; HttpOnly; SameSite=Strict; Secure"),
    ],
)
def test_cookies_are_kept_from_scripts_and_other_sites(origin: str, prefix: str, flags: str) -> None:
    with TestClient(create_app(Setup().shop, threads=2), base_url=origin) as client:
        page = client.get("/staff/login")
        sent = Browser(client).form(page, "/login").fields | {"username": "grace", "password": PASSWORD}
        login = client.post("/staff/login", data=sent, headers={"origin": origin}, follow_redirects=False)
    cookies = [*page.headers.get_list("set-cookie"), *login.headers.get_list("set-cookie")]
    assert [each.partition("=")[0] for each in cookies] == [
        f"{prefix}shop-{name}" for name in ("login", "session", "device")
    ]
    assert all(re.sub(r"; Max-Age=\d+", "", each).endswith(f"; {flags}") for each in cookies)


def test_nobody_types_a_password_into_a_plain_connection() -> None:
    with TestClient(create_app(Setup().shop, threads=2), base_url="http://shop.example") as client:
        page = client.get("/staff/login")
        assert "only be used over HTTPS" in page.text
        assert "<form" not in page.text
        refused = client.post(
            "/staff/login", data={"username": "grace", "password": PASSWORD}, headers={"origin": "http://shop.example"}
        )
    assert refused.status_code == 403


def test_no_page_shows_a_password_or_a_token(staff: Panel) -> None:
    session = staff.browser.client.cookies["shop-session"].split("~")
    for path in ("", "/orders", f"/orders/{staff.setup.order_of_ada().id}"):
        page = staff.browser.get(path)
        assert PASSWORD not in page.text
        assert session[0] not in page.text
        assert session[1] not in page.text


def test_the_field_of_the_password_hides_it_and_every_page_has_a_logout(staff: Panel) -> None:
    order = staff.setup.order_of_ada()
    for path in ("", "/orders", f"/orders/{order.id}", "/products", "/stock"):
        page = staff.browser.get(path)
        assert staff.browser.form(page, "/logout")
    page = staff.browser.submit(page, "/logout")
    assert 'type="password"' in page.text


# ---- all screens


def test_every_action_refuses_what_no_page_of_this_session_made(staff: Panel) -> None:
    """Whatever it does: without the token, with another one, and from another site."""
    routes = create_app(staff.setup.shop, threads=2).litestar.routes
    paths = {each.path for each in routes if each.path.startswith("/staff") and "POST" in getattr(each, "methods", ())}
    fields = staff.browser.form(staff.browser.get(), "/logout").fields
    assert len(paths) > 15
    for path in paths:
        below = re.sub(r"\{[^}]*\}", str(UUID(int=1)), path).removeprefix("/staff")
        for sent, headers in (
            (fields | {"token": ""}, {}),
            (fields | {"token": "a guess"}, {}),
            (fields, {"origin": "https://evil.example"}),
        ):
            response = staff.browser.post(below, sent, **headers)
            assert (response.status_code, "This form is not from here" in response.text) == (403, True), path
    assert staff.browser.get().status_code == 200


def test_every_form_that_changes_something_has_a_token_and_a_key_of_its_own(staff: Panel) -> None:
    order, shop = staff.setup.order_of_ada(), staff.setup.shop
    details = PromotionDetails("Lamps for less", OrderPercent(500), needs_coupon=True)
    promotion = shop.prices.create_promotion(SYSTEM, details).promotion
    keys: list[str] = []
    for path in (
        *("", "/orders?status=placed", f"/orders/{order.id}", "/products/new", f"/products/{staff.setup.product_id}"),
        *("/products/import", "/stock", "/stock/count?sku=LAMP-1&counted=3", "/stock/low"),
        *("/promotions/new", f"/promotions/{promotion.id}", "/cart", "/users", f"/users/{order.customer_id}"),
        *("/events", "/mails"),
    ):
        forms = [form for form in forms_of(staff.browser.get(path)) if form.method == "post"]
        assert forms, path
        assert all(form.fields["token"] for form in forms), path
        keys += [form.fields["key"] for form in forms]
    assert len(set(keys)) == len(keys)
