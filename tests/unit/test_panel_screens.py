"""What staff do in the panel, screen by screen, without a browser."""

from __future__ import annotations

import csv
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

from litestar.testing import TestClient

from panel_browser import ORIGIN, Browser, text_of
from phones import PASSWORD, Setup
from shop_adapters.memory import MemoryAdapters
from shop_core import (
    SYSTEM,
    Money,
    OffsetRequest,
    ProductChanges,
    ProductDetails,
    Registration,
    Role,
    Shop,
)
from shop_core.events import Event
from shop_core.inventory.model import LineRequest
from shop_core.mail.model import MailMessage
from shop_core.ports import Undelivered
from shop_core.reservations.model import ReservationRequest
from shop_http.app import create_app
from shop_http.cli.product_import import OnBadRow, import_products


def test_a_product_is_added_edited_and_removed(setup: Setup, browser: Browser) -> None:
    mugs = setup.shop.families.create(SYSTEM, "Mug", ["colour"])
    typed = {"sku": "MUG-RED", "name": "Mug, red", "price": "11", "family": str(mugs.id), "option-colour": "red"}
    page = browser.submit(browser.get("/products/new"), "/products", **typed)
    path = str(page.url).partition("/staff")[2]
    assert "The product is in the catalog." in text_of(page)
    page = browser.submit(page, path, price="12,50")
    assert browser.form(page, path).fields["price"] == "12.50"
    assert browser.form(page, path).fields["option-colour"] == "red"
    assert "is not in the catalog any more" in text_of(browser.submit(page, f"{path}/remove"))


def test_a_product_that_never_had_stock_says_that_it_is_deleted_for_good(setup: Setup, browser: Browser) -> None:
    mug = setup.shop.catalog.create_product(SYSTEM, ProductDetails("MUG-1", "Mug", Money.parse("7", "EUR"))).product
    assert "it is deleted for good" in text_of(browser.get(f"/products/{mug.id}"))
    assert "The product can be put back." in text_of(browser.get(f"/products/{setup.product_id}"))


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


def test_a_product_keeps_what_its_form_cannot_show_in_one_line_or_one_page(setup: Setup, browser: Browser) -> None:
    for number in range(201):  # more than a page of the list
        setup.shop.catalog.create_category(SYSTEM, f"Shelf {number}", f"a-{number}")
    last = setup.shop.catalog.create_category(SYSTEM, "Zebras", "zebras").category
    setup.shop.catalog.edit_product(SYSTEM, setup.product_id, ProductChanges(category_id=last.id, description="a\nb"))
    path = f"/products/{setup.product_id}"
    assert browser.submit(browser.get(path), path, price="12").status_code == 200
    saved = setup.shop.catalog.product(setup.product_id).product
    assert (saved.category_id, saved.description, str(saved.price)) == (last.id, "a\nb", "12.00")


def test_stock_is_received_sku_by_sku_and_a_double_scan_is_one(setup: Setup, browser: Browser) -> None:
    page = browser.get("/stock")
    first, second = (browser.submit(page, "/stock", sku="LAMP-1", quantity="3", note="DN 7") for _ in range(2))
    assert "3 x Brass lamp (LAMP-1) received: 8 on hand." in text_of(first)
    assert "were received before: nothing was added, there are 8 on hand." in text_of(second)
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
    refused = browser.submit(page, "/stock/count")
    assert "was 5 when you counted, and is 6 now: count again" in text_of(refused)
    assert "Recorded on hand 6 Counted 3 Difference -3" in text_of(refused)
    assert setup.available == 6


def test_a_count_corrects_by_more_units_than_one_line_of_the_ledger_can_hold(setup: Setup, browser: Browser) -> None:
    page = browser.get("/stock/count?sku=LAMP-1&counted=1500000")
    assert "Brass lamp: 1500000 on hand (+1499995)." in text_of(browser.submit(page, "/stock/count"))
    assert setup.available == 1_500_000


def test_it_is_right_is_not_said_of_stock_that_moved_meanwhile(setup: Setup, browser: Browser) -> None:
    page = browser.get("/stock/count?sku=LAMP-1&counted=5")
    setup.shop.inventory.receive(SYSTEM, setup.product_id, 1)
    assert "is 6 now: count again" in text_of(browser.submit(page, "/stock/count"))


def test_of_two_who_counted_the_same_shelf_one_corrects_the_stock(setup: Setup, browser: Browser) -> None:
    mine, theirs = (browser.get("/stock/count?sku=LAMP-1&counted=0") for _ in range(2))
    assert browser.submit(mine, "/stock/count").status_code == 200
    refused = browser.submit(theirs, "/stock/count")
    assert (refused.status_code, setup.available) == (400, 0)
    assert "Recorded on hand 0 Counted 0 Difference none" in text_of(refused)
    assert 'name="counted" type="number" min="0" value="0"' in refused.text


def test_what_left_the_catalog_can_still_be_received_counted_and_put_back(setup: Setup, browser: Browser) -> None:
    path = f"/products/{setup.product_id}"
    browser.submit(browser.get(path), f"{path}/remove")
    assert "LAMP-1 has left the catalog." in text_of(browser.get(path))
    assert "received: 6 on hand" in text_of(browser.submit(browser.get("/stock"), "/stock", sku="LAMP-1"))
    counted = browser.submit(browser.get("/stock/count?sku=LAMP-1&counted=4"), "/stock/count")
    assert "Brass lamp: 4 on hand (-2)." in text_of(counted)
    assert "Stock-take" in text_of(browser.get(f"{path}/ledger"))
    assert "in the catalog again" in text_of(browser.submit(browser.get(path), f"{path}/restore"))
    assert setup.shop.catalog.product(setup.product_id).available == 4


def test_a_cell_that_a_spreadsheet_would_calculate_is_exported_as_text(setup: Setup, browser: Browser) -> None:
    page = browser.get(f"/products/{setup.product_id}")
    browser.submit(page, f"/products/{setup.product_id}", name='=HYPERLINK("https://evil.example")')
    assert "'=HYPERLINK" in browser.get("/products/export").text
    assert ",=HYPERLINK" not in browser.get("/products/export").text


def test_the_export_of_the_panel_changes_nothing_when_it_is_imported(
    setup: Setup, browser: Browser, tmp_path: Path
) -> None:
    shop = setup.shop
    for number in range(201):  # more than a page of the list
        shop.catalog.create_category(SYSTEM, f"Shelf {number}", f"a-{number}")
    last = shop.catalog.create_category(SYSTEM, "Zebras", "zebras").category
    mugs = shop.families.create(SYSTEM, "Mug", ["colour"])
    details = ProductDetails("MUG-R", "Mug", Money(700, "EUR"), "", last.id, family_id=mugs.id)
    shop.catalog.create_product(SYSTEM, replace(details, options=(("colour", "red"),), tax_class="reduced"))
    path = tmp_path / "products.csv"
    text = browser.get("/products/export").text
    path.write_text(text, newline="")
    (mug,) = [row for row in csv.DictReader(StringIO(text)) if row["sku"] == "MUG-R"]
    assert {name: mug[name] for name in ("category", "family", "options.colour", "tax_class", "quantity")} == {
        "category": "Zebras",
        "family": "Mug",
        "options.colour": "red",
        "tax_class": "reduced",
        "quantity": "0",
    }
    report = import_products(shop, path, on_bad_row=OnBadRow.REFUSE)
    assert (report.bad_rows, report.unchanged, report.counted) == ([], 2, 2)
    assert setup.available == 5


def test_a_file_is_looked_at_before_it_is_imported_and_a_bad_row_imports_nothing(
    setup: Setup, browser: Browser
) -> None:
    def sent(content: str) -> Any:
        form = browser.form(browser.get("/products/import"), "/products/import/preview")
        return browser.client.post(
            f"{ORIGIN}/staff/products/import/preview",
            data=form.fields,
            files={"file": ("new.csv", content.encode(), "text/csv")},
            headers={"origin": ORIGIN},
        )

    page = sent("sku,name,price,family,options.colour\nLAMP-1,Brass lamp,19.90,,\nMUG-1,Mug,7,Mug,red\n")
    assert "New products 1 Changed 1" in text_of(page)
    assert "New families: Mug." in text_of(page)
    assert setup.shop.families.page(OffsetRequest()).items == ()
    assert str(setup.shop.catalog.product(setup.product_id).product.price) == "24.90"
    assert "1 products are new, 1 changed." in text_of(browser.submit(page, "/products/import"))
    assert str(setup.shop.catalog.product(setup.product_id).product.price) == "19.90"
    bad = sent("sku,name,price\nLAMP-1,Brass lamp,18\nMUG-2,Mug,seven\n")
    assert "3 price: 'seven' is not a decimal number" in text_of(bad)
    assert "Nothing is imported while a row is bad." in text_of(bad)
    nothing = sent("PK\x03\x04")
    assert (nothing.status_code, "spreadsheet" in nothing.text) == (400, True)


def test_today_shows_what_needs_hands_and_what_was_sold(setup: Setup, browser: Browser) -> None:
    order = setup.order_of_ada()
    setup.shop.inventory.adjust(SYSTEM, setup.product_id, -5, "a flood")
    text = text_of(browser.get())
    assert f"Orders to confirm 1 {order.number} , 21 Nov 2026, 12:00 UTC" in text
    assert "Promised, but missing 1 1 unit missing" in text
    assert "Products sold out 1 Brass lamp , 0 left" in text
    assert "Low stock 0 Products" in text
    assert "Reservations 0 Events that could not be delivered 0 Mails that could not be delivered 0" in text
    assert "Sat 21 Nov 1 24.90 EUR Fri 20 Nov 0 0.00 EUR" in text
    assert 'aria-label="1 orders in 14 days, 24.90 EUR together"' in browser.get().text


def test_today_shows_what_is_low_and_who_waits(setup: Setup, browser: Browser) -> None:
    path = f"/products/{setup.product_id}"
    page = browser.submit(browser.get(path), f"{path}/low-stock", low_stock_level="4")
    assert "It counts as low below 4 units." in text_of(page)
    assert "Low stock 0" in text_of(browser.get())
    lines = (LineRequest(setup.product_id, 2),)
    setup.shop.reservations.reserve(ReservationRequest(setup.actor("ada").account_id, lines))
    text = text_of(browser.get())
    assert "Low stock 1 Brass lamp , 3 left All that is low" in text
    assert "Reservations 1 2 units of a customer , until 21 Nov 2026, 12:10 UTC" in text
    assert "LAMP-1 Brass lamp 3 4" in text_of(browser.get("/stock/low"))
    assert "It never counts as low." in text_of(browser.submit(page, f"{path}/low-stock", seen="4", low_stock_level=""))


def test_a_low_stock_level_that_somebody_else_changed_is_shown_first(setup: Setup, browser: Browser) -> None:
    path = f"/products/{setup.product_id}"
    page = browser.get(path)
    setup.shop.inventory.set_low_stock_level(SYSTEM, setup.product_id, 7)
    refused = browser.submit(page, f"{path}/low-stock", low_stock_level="4")
    assert (refused.status_code, "was nothing when you saw it, and is 7 now" in text_of(refused)) == (400, True)
    assert browser.submit(refused, f"{path}/low-stock").status_code == 200
    assert setup.shop.inventory.low_stock_levels(SYSTEM, [setup.product_id]) == {setup.product_id: 4}


def test_products_are_found_by_all_that_the_api_filters_by(setup: Setup, browser: Browser) -> None:
    family = setup.shop.families.create(SYSTEM, "Mug", ["colour"])
    for colour, price in (("red", "7"), ("blue", "9")):
        cost, options = Money.parse(price, "EUR"), (("colour", colour),)
        details = ProductDetails(f"MUG-{colour}", f"Mug, {colour}", cost, family_id=family.id, options=options)
        setup.shop.catalog.create_product(SYSTEM, details)
    for query, found in (
        (f"family={family.id}", {"MUG-red", "MUG-blue"}),
        (f"family={family.id}&min_price=8", {"MUG-blue"}),
        ("max_price=8", {"MUG-red"}),
        ("min_quantity=5", {"LAMP-1"}),
        ("min_quantity=6", set[str]()),
        ("keyword=mug&in_stock=false&sort=price", {"MUG-red", "MUG-blue"}),
    ):
        page = text_of(browser.get(f"/products?{query}"))
        assert {sku for sku in ("MUG-red", "MUG-blue", "LAMP-1") if sku in page} == found, query


def test_text_from_outside_is_shown_as_text(setup: Setup, browser: Browser) -> None:
    name = "<script>alert('a')</script>\"&"
    setup.shop.catalog.edit_product(SYSTEM, setup.product_id, ProductChanges(name=name))
    for path in ("/products", f"/products/{setup.product_id}"):
        page = browser.get(path)
        assert "<script>alert" not in page.text
        assert "&lt;script&gt;alert" in page.text


class Unwilling:
    """Takes nothing, for good."""

    def publish(self, event: Event) -> None:
        raise Undelivered("the receiver answered 404 Not Found", is_final=True)

    def send(self, message: MailMessage) -> None:
        raise Undelivered("550 no such mailbox", is_final=True)


def test_events_that_nobody_took_are_shown_and_sent_again(setup: Setup, browser: Browser) -> None:
    setup.order_of_ada()
    while setup.shop.outbox.relay(Unwilling()):
        pass
    dead = setup.shop.outbox.dead(SYSTEM, OffsetRequest()).items
    page = browser.get("/events")
    assert "the receiver answered 404 Not Found" in text_of(page)
    sent = browser.submit(page, "/events", event=[str(message.event.id) for message in dead])
    assert f"{len(dead)} event will be sent again." in text_of(sent)
    assert setup.shop.outbox.dead(SYSTEM, OffsetRequest()).count == 0


def test_mails_that_did_not_arrive_are_shown_without_an_address_and_sent_again() -> None:
    shop = Shop(MemoryAdapters(has_mail=True))
    shop.accounts.register(Registration("grace", PASSWORD), actor=SYSTEM, role=Role.STAFF)
    account = shop.accounts.register(Registration("ada", PASSWORD, "ada@shop.example"))
    while shop.mails.send(Unwilling()):
        pass
    (dead,) = shop.mails.dead(SYSTEM, OffsetRequest()).items
    with TestClient(create_app(shop, threads=2), base_url=ORIGIN) as client:
        browser = Browser(client)
        assert "Mails that could not be delivered 1 Show them" in text_of(browser.log_in("grace", PASSWORD))
        page = browser.get("/mails")
        assert "mail.email_confirmation user" in text_of(page)
        assert f"/staff/users/{account.id}" in page.text
        assert "550 no such mailbox" in text_of(page)
        assert "ada@shop.example" not in page.text
        assert "1 mail will be sent again." in text_of(browser.submit(page, "/mails", mail=str(dead.event.id)))
    assert shop.mails.dead(SYSTEM, OffsetRequest()).count == 0
