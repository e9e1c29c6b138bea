"""What staff do with orders in the panel, without a browser."""

from __future__ import annotations

from urllib.parse import urlencode

from panel_browser import Browser, forms_of, text_of
from phones import Setup
from shop_core import SYSTEM, LineRequest, Money, PlacementRequest, ProductDetails


def test_orders_are_found_by_their_customer_and_their_slip_has_no_prices(setup: Setup, browser: Browser) -> None:
    order = setup.order_of_ada()
    assert order.number in text_of(browser.get("/orders?buyer=ada"))
    assert "none" in text_of(browser.get("/orders?buyer=nobody"))
    slip = text_of(browser.get(f"/orders/{order.id}/slip"))
    assert "LAMP-1 Brass lamp 1" in slip
    assert "24.90" not in slip


def test_a_queue_shows_the_oldest_first(setup: Setup, browser: Browser) -> None:
    orders = []
    for _ in range(3):
        orders.append(setup.order_of_ada().number)
        setup.later(minutes=1)
    text = text_of(browser.get("/orders?status=placed"))
    assert sorted(orders, key=text.index) == orders


def test_an_order_is_changed_for_its_customer_once_and_says_who_did_it(setup: Setup, browser: Browser) -> None:
    mug = setup.shop.catalog.create_product(SYSTEM, ProductDetails("MUG-1", "Mug", Money.parse("7", "EUR"))).product
    setup.shop.inventory.receive(SYSTEM, mug.id, 9)
    order = setup.order_of_ada()
    path, units = f"/orders/{order.id}", f"units-{setup.product_id}"
    page = browser.get(path)
    for _ in range(2):
        changed = browser.submit(page, f"{path}/edit", **{units: "2", "sku": "MUG-1", "quantity": "3"})
        assert "The order comes to 70.80 EUR now." in text_of(changed)
    assert "Edited by staff, 21 Nov 2026, 12:00 UTC : 24.90 EUR became 70.80 EUR" in text_of(changed)
    stale = browser.submit(page, f"{path}/edit", key="another", **{units: "1"})
    assert (stale.status_code, "Stored by now: 2" in text_of(stale)) == (412, True)
    short = browser.submit(changed, f"{path}/edit", **{units: "9"})
    assert (short.status_code, browser.form(short, f"{path}/edit").fields[units]) == (409, "9")
    twice = browser.submit(changed, f"{path}/edit", sku="MUG-1", quantity="1")
    assert (twice.status_code, "is on the order already: change its units above" in text_of(twice)) == (400, True)
    setup.shop.orders.confirm(SYSTEM, order.id)
    assert "Change the lines" not in text_of(browser.get(path))


def test_a_cancellation_that_comes_too_late_keeps_its_reason_in_sight(setup: Setup, browser: Browser) -> None:
    order = setup.order_of_ada()
    path = f"/orders/{order.id}"
    page = browser.get(path)
    setup.shop.orders.confirm(SYSTEM, order.id)
    stale = browser.submit(page, f"{path}/cancel", reason="She called")
    assert (stale.status_code, "Stored by now" in text_of(stale)) == (412, False)
    assert "<details open><summary>Cancel the order" in stale.text
    assert browser.form(stale, f"{path}/cancel").fields["reason"] == "She called"
    assert "is cancelled" in text_of(browser.submit(stale, f"{path}/cancel"))
    assert "nothing is to be packed" in text_of(browser.get(f"{path}/slip"))


def test_goods_that_come_back_are_received_with_the_number_of_their_order(setup: Setup, browser: Browser) -> None:
    order = setup.order_of_ada()
    for step in (setup.shop.orders.confirm, setup.shop.orders.ship):
        assert "Receive what came back" not in text_of(browser.get(f"/orders/{order.id}"))
        step(SYSTEM, order.id)
    assert f'href="/staff/stock?note={order.number}"' in browser.get(f"/orders/{order.id}").text
    page = browser.get(f"/stock?note={order.number}")
    assert browser.form(page, "/stock").fields["note"] == order.number


def test_of_many_orders_that_are_refused_all_are_named_and_the_first_with_the_reason(
    setup: Setup, browser: Browser
) -> None:
    setup.shop.inventory.receive(SYSTEM, setup.product_id, 9)
    orders = [setup.order_of_ada() for _ in range(8)]
    page = browser.get("/orders?status=placed")
    for order in orders[1:]:
        setup.shop.orders.cancel(SYSTEM, order.id)
    said = text_of(browser.submit(page, "/orders", step="confirm", order=[str(order.id) for order in orders]))
    assert "1 order is confirmed. 7 are not." in said
    assert sum(f"{order.number}: " in said for order in orders) == 5
    assert all(order.number in said for order in orders[1:])


def test_an_edit_that_is_refused_names_the_product_and_not_its_place_or_id(setup: Setup, browser: Browser) -> None:
    order = setup.order_of_ada()
    path, units = f"/orders/{order.id}", f"units-{setup.product_id}"
    page = browser.get(path)
    none = browser.submit(page, f"{path}/edit", **{units: "0"})
    assert (none.status_code, "an order keeps one line at least: cancel it instead" in text_of(none)) == (400, True)
    many = text_of(browser.submit(page, f"{path}/edit", **{units: "2000000"}))
    assert many.count("LAMP-1: must be from 1 to 1000000 for one product") == 2  # above, and at the field
    setup.shop.catalog.remove_product(SYSTEM, setup.product_id)
    gone = text_of(browser.submit(page, f"{path}/edit", **{units: "2"}))
    assert gone.count("there is no product LAMP-1 in the catalog; the order may keep 1 of it at most, not 2") == 2
    quoted = text_of(browser.get("/cart?lines=LAMP-1+1%0D%0ALAMP-1+2"))
    assert ("LAMP-1 1 LAMP-1 2" in quoted, "no SKU of the catalog" in quoted) == (True, True)


def test_a_cart_that_cannot_be_quoted_names_the_product(setup: Setup, browser: Browser) -> None:
    page = text_of(browser.get("/cart?lines=LAMP-1+2000000"))
    assert "Lines: LAMP-1: must be from 1 to 1000000 for one product" in page


def test_the_orders_of_one_customer_stay_those_of_this_customer(setup: Setup, browser: Browser) -> None:
    lines, bob = (LineRequest(setup.product_id, 1),), setup.actor("bob").account_id
    theirs, other = setup.order_of_ada(), setup.shop.orders.place(PlacementRequest(bob, lines))
    page = browser.get(f"/orders?customer={theirs.customer_id}")
    (search,) = (form for form in forms_of(page) if form.method == "get")
    query = urlencode(search.fields | {"status": "placed"})
    page = browser.get(f"/orders?{query}")
    assert "Orders of ada" in text_of(page)
    done = browser.submit(page, "/orders", order=str(theirs.id), step="confirm")
    assert "1 order is confirmed." in text_of(done)
    assert "Orders of ada" in text_of(done)
    assert (theirs.number in text_of(page), other.number in text_of(page)) == (True, False)
    assert other.number not in text_of(done)
    third = setup.order_of_ada()
    refused = browser.submit(page, "/orders", order=str(third.id), step="fly", key="another")
    assert (refused.status_code, third.number in text_of(refused), other.number in text_of(refused)) == (
        400,
        True,
        False,
    )
    assert "1 order is confirmed." in text_of(browser.submit(refused, "/orders", order=str(third.id), step="confirm"))
    named = text_of(browser.get(f"/orders?buyer=bob&customer={theirs.customer_id}"))
    assert (theirs.number in named, other.number in named) == (False, True)
    (search,) = (form for form in forms_of(browser.get("/orders?buyer=bob")) if form.method == "get")
    assert theirs.number in text_of(browser.get(f"/orders?{urlencode(search.fields | {'buyer': ''})}"))


def test_a_list_that_is_refused_keeps_what_was_asked_for(browser: Browser) -> None:
    page = browser.get("/orders?number=12&status=placed")
    assert (page.status_code, 'value="12"' in page.text, 'value="placed" selected' in page.text) == (400, True, True)
    page = browser.get("/products?min_price=ten&keyword=lamp")
    assert (page.status_code, 'value="ten"' in page.text, 'value="lamp"' in page.text) == (400, True, True)
    assert "LAMP-1" in text_of(browser.get("/products?min_price=20,50&max_price=30"))
