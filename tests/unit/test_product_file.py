"""Importing a product CSV: what a shopkeeper's spreadsheet may look like, and what becomes of each bad row."""

from __future__ import annotations

import gzip
import lzma
import os
import re
import tempfile
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shop_adapters.memory import MemoryAdapters
from shop_core import SYSTEM, LineRequest, Money, OffsetRequest, PlacementRequest, ProductQuery, Shop
from shop_core.catalog.importing import ImportResult
from shop_core.catalog.model import Product
from shop_http.cli.product_import import (
    COLUMNS_HELP,
    EXPORTED,
    KNOWN,
    PROFILES,
    ImportReport,
    OnBadRow,
    Reading,
    UnusableFile,
    import_products,
)
from shop_testing import MovableClock

Write = Callable[[str | bytes], Path]


@pytest.fixture
def file(tmp_path: Path) -> Write:
    def write(content: str | bytes) -> Path:
        path = tmp_path / "products.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def catalog(shop: Shop) -> dict[str, Product]:
    return {
        entry.product.sku: entry.product for entry in shop.catalog.products(ProductQuery(), OffsetRequest(200)).items
    }


def on_hand(shop: Shop, sku: str) -> int:
    return shop.inventory.level(SYSTEM, catalog(shop)[sku].id).on_hand


def families(shop: Shop) -> dict[str, tuple[str, ...]]:
    """The options of each, by its name."""
    return {family.name: family.option_names for family in shop.families.page(OffsetRequest()).items}


def reasons(report: ImportReport) -> dict[int, str]:
    return {row.line: row.reason for row in report.bad_rows}


# ---- good files


def test_every_column_arrives(shop: Shop, file: Write) -> None:
    report = import_products(
        shop,
        file(
            "SKU,Name,Price,Description,Category,Image_URLs,Quantity\n"
            'TEA-1,Assam,2.20,"strong,\nmalty",Tea & Coffee,https://img.example/1.jpg /2.jpg,12\n'
        ),
    )
    tea = catalog(shop)["TEA-1"]
    assert (report.created, report.counted, report.bad_row_count) == (1, 1, 0)
    assert (tea.name, str(tea.price), tea.description) == ("Assam", "2.20", "strong,\nmalty")
    assert tea.image_urls == ("https://img.example/1.jpg", "/2.jpg")
    (shelf,) = shop.catalog.categories(OffsetRequest()).items
    assert (shelf.category.name, shelf.category.slug, shelf.category.id) == (
        "Tea & Coffee",
        "tea-coffee",
        tea.category_id,
    )
    assert on_hand(shop, "TEA-1") == 12


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("start", ["", "\ufeff"], ids=["no BOM", "BOM"])
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["LF", "CRLF"])
def test_files_saved_by_spreadsheets_are_understood(
    shop: Shop, file: Write, delimiter: str, start: str, end: str
) -> None:
    header, row = (
        delimiter.join(["name", "sku", "price", "description"]),
        delimiter.join(["Grün", "T", "2", f'"a{end}b"']),
    )
    report = import_products(shop, file(f"{start}{header}{end}{row}{end}{delimiter * 3}{end}{end}"))
    assert (report.created, report.bad_row_count) == (1, 0)
    assert (catalog(shop)["T"].name, catalog(shop)["T"].description) == ("Grün", "a\nb")


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress])
def test_a_packed_file_is_read_as_it_is(shop: Shop, file: Write, pack: Callable[[bytes], bytes]) -> None:
    assert import_products(shop, file(pack(b"sku,name,price\nT,Tea,2.20\n"))).created == 1


def test_a_pipe_can_be_imported_but_not_read_twice(shop: Shop, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    def write() -> None:
        pipe.write_bytes(b"sku,name,price\nT,Tea,2.20\n")

    for on_bad_row in OnBadRow:
        writer = threading.Thread(target=write)
        writer.start()
        if on_bad_row is OnBadRow.SKIP:
            assert import_products(shop, pipe, on_bad_row=on_bad_row).created == 1
        else:
            with pytest.raises(UnusableFile, match="only once"):
                import_products(shop, pipe, on_bad_row=on_bad_row)
        writer.join()


def test_importing_again_edits_what_differs_and_counts_without_doubling(shop: Shop, file: Write) -> None:
    import_products(shop, file("sku,name,price,quantity\nA,Apple,1.00,5\nB,Bean,2.00,7\n"))
    report = import_products(shop, file("sku,name,price,quantity\nA,Apple,1.00,5\nB,Bean,2.50,\n"))
    assert (report.created, report.updated, report.unchanged) == (0, 1, 1)
    assert str(catalog(shop)["B"].price) == "2.50"
    assert (on_hand(shop, "A"), on_hand(shop, "B")) == (5, 7), "counted again, and an empty cell counts nothing"
    assert shop.audit() == []


def test_a_count_far_below_what_is_recorded_is_reached_in_steps(shop: Shop, file: Write) -> None:
    import_products(shop, file("sku,name,price\nA,Apple,1.00\n"))
    for _ in range(3):
        shop.inventory.receive(SYSTEM, catalog(shop)["A"].id, 1_000_000)
    import_products(shop, file("sku,quantity\nA,3\n"), Reading("EUR", counted="now"))
    assert on_hand(shop, "A") == 3
    assert shop.audit() == []


def sell(shop: Shop, sku: str, units: int) -> None:
    """Placed, confirmed and shipped: so many are gone."""
    order = shop.orders.place(PlacementRequest(UUID(int=7), (LineRequest(catalog(shop)[sku].id, units),)))
    shop.orders.confirm(SYSTEM, order.id)
    shop.orders.ship(SYSTEM, order.id)


def test_the_same_count_after_sales_brings_no_sold_unit_back() -> None:
    clock = MovableClock()
    shop = Shop(MemoryAdapters(clock=clock))

    def import_(content: str) -> ImportReport:
        return imported(shop, content.encode(), OnBadRow.REFUSE)

    assert import_("sku,name,price,quantity\nA,Apple,1.00,5\n").counted == 1
    clock.move(timedelta(hours=1))
    evening = clock()
    clock.move(timedelta(hours=1))
    sell(shop, "A", 2)
    clock.move(timedelta(hours=1))
    for _ in range(2):
        report = import_(f"sku,quantity,counted\nA,4,{evening.isoformat()}\n")  # one was missing then
        assert (report.counted, on_hand(shop, "A")) == (1, 2)
    assert import_(f"sku,quantity,counted\nA,9,{clock().isoformat()}\n").counted == 1
    assert on_hand(shop, "A") == 9
    import_(f"sku,quantity,counted\nA,4,{evening.isoformat()}\n")
    assert on_hand(shop, "A") == 9, "an older count says nothing after a newer one"
    assert shop.audit() == []


def test_a_file_and_the_panel_that_count_one_shelf_correct_it_once() -> None:
    clock = MovableClock()
    shop = Shop(MemoryAdapters(clock=clock))
    imported(shop, b"sku,name,price,quantity\nA,Apple,1.00,10\n", OnBadRow.REFUSE)
    clock.move(timedelta(hours=1))
    written = clock()
    clock.move(timedelta(hours=1))
    shop.inventory.count(SYSTEM, catalog(shop)["A"].id, 8, "Stock-take", recorded=10)
    clock.move(timedelta(hours=1))
    file = f"sku,quantity,counted\nA,8,{written.isoformat()}\n".encode()
    imported(shop, file, OnBadRow.REFUSE)
    assert on_hand(shop, "A") == 8


@pytest.mark.parametrize("is_in_the_file", [True, False])
@pytest.mark.parametrize("minutes", [2, -2])
def test_a_count_goes_by_the_clock_of_the_shop_not_by_that_of_the_host(minutes: int, is_in_the_file: bool) -> None:
    clock = MovableClock(datetime.now(UTC) + timedelta(minutes=minutes))
    shop = Shop(MemoryAdapters(clock=clock))
    imported(shop, b"sku,name,price,quantity\nA,Apple,1.00,10\n", OnBadRow.REFUSE)
    sell(shop, "A", 2)
    clock.move(timedelta(seconds=1))
    counted = clock().isoformat() if is_in_the_file else ""
    file = f"sku,quantity,counted\nA,7,{counted}\n".encode()  # one is missing
    report = imported(shop, file, OnBadRow.REFUSE, Reading("EUR", counted="now"))
    assert (report.bad_rows, on_hand(shop, "A")) == ([], 7)


def test_a_quantity_without_its_time_is_for_new_products_only(shop: Shop, file: Write) -> None:
    whole = file("sku,name,price,quantity\nA,Apple,1.00,5\n")
    for _ in range(2):
        assert import_products(shop, whole, on_bad_row=OnBadRow.REFUSE).bad_rows == []
    sell(shop, "A", 2)
    report = import_products(shop, whole, on_bad_row=OnBadRow.REFUSE)
    assert "quantity: 'A' has been in stock before, so say when it was counted" in reasons(report)[2]
    assert on_hand(shop, "A") == 3


def test_new_products_are_counted_together_however_many(file: Write) -> None:
    def units_of_work(products: int) -> int:
        adapters = MemoryAdapters()
        rows = "".join(f"SKU-{number},Lamp,1.00,5\n" for number in range(products))
        assert import_products(Shop(adapters), file(f"sku,name,price,quantity\n{rows}")).counted == products
        return adapters.snapshot()

    assert units_of_work(50) == units_of_work(1)


def test_what_is_sold_while_a_file_is_imported_stays_sold(
    shop: Shop, file: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = file("sku,name,price,quantity\nA,Apple,1.00,5\n")
    import_products(shop, whole)
    import_rows = shop.catalog.import_products

    def sell_meanwhile(*arguments: Any, **named: Any) -> ImportResult:
        if not named.get("preview"):
            sell(shop, "A", 2)
        return import_rows(*arguments, **named)

    monkeypatch.setattr(shop.catalog, "import_products", sell_meanwhile)
    assert import_products(shop, whole).bad_rows == []
    assert on_hand(shop, "A") == 3


@pytest.mark.parametrize(
    ("counted", "reason"),
    [("yesterday", "no time such as"), ("2026-11-27T18:00", "in which time zone"), ("2126-01-01T00:00Z", "to come")],
)
def test_a_time_that_says_nothing_is_a_bad_row(shop: Shop, file: Write, counted: str, reason: str) -> None:
    report = import_products(shop, file(f"sku,name,price,quantity,counted\nA,Apple,1,5,{counted}\n"))
    assert reason in reasons(report)[2]


def test_a_column_that_is_not_there_changes_nothing_and_an_empty_cell_clears(shop: Shop, file: Write) -> None:
    import_products(
        shop, file("sku,name,price,description,category,image_urls,quantity\nA,Apple,1.00,Red,Fruit,/a.jpg,5\n")
    )
    before = catalog(shop)["A"]
    import_products(shop, file("sku,price\nA,1.20\n"))
    assert catalog(shop)["A"] == replace(
        before, price=Money(120, "EUR"), version=2, updated_at=catalog(shop)["A"].updated_at
    )
    import_products(shop, file("sku,description,category,image_urls,quantity\nA,,,,\n"))
    after = catalog(shop)["A"]
    assert (after.name, after.description, after.category_id, after.image_urls) == ("Apple", "", None, ())
    assert on_hand(shop, "A") == 5
    report = import_products(shop, file("sku,price\nNEW,1.20\n"))
    assert "sku: 'NEW' is new, so it needs a name and a price" in reasons(report)[2]
    assert "name: must not be empty" in reasons(import_products(shop, file("sku,name\nA, \n")))[2]


def test_an_archived_product_comes_back(shop: Shop, file: Write) -> None:
    path = file("sku,name,price,category,quantity\nA,Apple,1.00,Fruit,5\n")
    import_products(shop, path)
    apple = catalog(shop)["A"]
    shop.catalog.remove_product(SYSTEM, apple.id)
    assert import_products(shop, path, preview=True).restored == 1
    assert catalog(shop) == {}
    report = import_products(shop, path)
    assert (report.restored, report.updated, report.bad_row_count) == (1, 0, 0)
    assert (catalog(shop)["A"].id, catalog(shop)["A"].category_id) == (apple.id, apple.category_id)


def test_a_preview_writes_nothing(shop: Shop, file: Write) -> None:
    path = file("sku,name,price,category,quantity\nA,Apple,1.00,Fruit > Red,5\nB,,1,,\n")
    report = import_products(shop, path, preview=True)
    assert (report.created, report.counted, report.bad_row_count) == (1, 1, 1)
    assert catalog(shop) == {}
    assert shop.catalog.categories(OffsetRequest()).items == ()


def test_more_rows_than_a_batch_arrive_and_progress_ends_at_the_size_of_the_file(shop: Shop, file: Write) -> None:
    path = file("sku,name,price\n" + "".join(f"S{n},Product {n},1.00\n" for n in range(1201)))
    for on_bad_row, total in ((OnBadRow.SKIP, path.stat().st_size), (OnBadRow.REFUSE, 2 * path.stat().st_size)):
        seen: list[tuple[int, int]] = []
        report = import_products(
            shop,
            path,
            on_bad_row=on_bad_row,
            progress=lambda done, size, seen=seen: seen.append((done, size)),  # type: ignore[misc]
        )
        assert report.created + report.unchanged == 1201
        assert seen == sorted(seen)
        assert seen[-1] == (total, total)


@pytest.mark.parametrize(
    ("names", "slugs"),
    [
        (["Tea & Coffee", "tea  COFFEE", "tea &  COFFEE"], ["tea-coffee", "tea-coffee-2"]),
        (["C", "C++", "C#", "c"], ["c", "c-2", "c-3"]),
        (["Bar", "Bär", "BÄR"], ["bar", "bar-2"]),
        (["R&D", "R-D"], ["r-d", "r-d-2"]),
        (["Home > Lamps", "home>LAMPS", "Garden > Lamps"], ["garden", "home", "lamps", "lamps-2"]),
        (["Home > Lamps", "Lamps"], ["home", "lamps"]),
        (["ﬁne", "FINE"], ["fine"]),
    ],
)
def test_a_category_is_the_same_if_its_name_is(shop: Shop, file: Write, names: list[str], slugs: list[str]) -> None:
    for number, name in enumerate(names * 2):
        import_products(shop, file(f"sku,name,price,category\nS{number},Tea,1,{name}\n"))
    found = shop.catalog.categories(OffsetRequest()).items
    assert [entry.category.slug for entry in found] == slugs
    assert sum(entry.product_count for entry in found) == 2 * len(names)


def test_a_name_that_several_categories_have_needs_its_path(shop: Shop, file: Write) -> None:
    import_products(shop, file("sku,name,price,category\nA,Tea,1,Home > Lamps\nB,Tea,1,Garden > Lamps\n"))
    report = import_products(shop, file("sku,name,price,category\nC,Tea,1,Lamps\nD,Tea,1,Home\n"))
    assert "'Lamps' is the name of 2 categories: write its path" in reasons(report)[2]
    assert (report.created, list(reasons(report))) == (1, [2])


@pytest.mark.parametrize(
    ("cell", "urls"),
    [
        ("/a.jpg, /b.jpg", ("/a.jpg", "/b.jpg")),
        ("https://x.example/a.jpg,https://x.example/b.jpg", ("https://x.example/a.jpg", "https://x.example/b.jpg")),
        ("/a.jpg|/b.jpg;  /c.jpg", ("/a.jpg", "/b.jpg", "/c.jpg")),
        ("https://x.example/w_100,h_80/a.jpg /b.jpg", ("https://x.example/w_100,h_80/a.jpg", "/b.jpg")),
    ],
)
def test_addresses_of_images_are_told_apart(shop: Shop, file: Write, cell: str, urls: tuple[str, ...]) -> None:
    import_products(shop, file(f'sku,name,price,image_urls\nA,Tea,1,"{cell}"\n'))
    assert catalog(shop)["A"].image_urls == urls


@pytest.mark.parametrize(
    ("price", "minor"),
    [
        *(("2,20", 220), ("1.234,50", 123450), ("1,234.50", 123450), ("1\u202f234,5", 123450)),
        *(("1'234.50", 123450), ("2.2000", 220), ("1,234,567", 123456700), ("7", 700)),
    ],
)
def test_prices_are_read_as_people_of_many_countries_write_them(
    shop: Shop, file: Write, price: str, minor: int
) -> None:
    import_products(shop, file(f'sku,name,price,quantity\nA,Tea,"{price}","1,234"\nB,Tea,"{price}",5.0\n'))
    assert catalog(shop)["A"].price.minor == minor
    assert (on_hand(shop, "A"), on_hand(shop, "B")) == (1234, 5)


@pytest.mark.parametrize(
    ("currency", "price", "forms"),
    [
        ("EUR", "1,000", ["1000", "1.00"]),
        ("EUR", "1,234", []),
        ("KWD", "1,234", ["1234", "1.234"]),
        ("JPY", "1,000", ["1", "1000"]),
        ("CLF", "1.234", ["1234", "1.2340"]),
    ],
)
def test_a_price_that_is_refused_for_its_two_readings_is_told_how_to_write_each(
    file: Write, currency: str, price: str, forms: list[str]
) -> None:
    def imported(written: str) -> ImportReport:
        shop = Shop(MemoryAdapters(currency=currency))
        return import_products(shop, file(f'sku,name,price\nT,Tea,"{written}"\n'), Reading(currency))

    advice = f"write it as {' or as '.join(forms)}" if forms else "write it without separators between thousands"
    assert reasons(imported(price))[2].endswith(advice)
    assert [imported(form).bad_rows for form in forms] == [[] for _ in forms]


def test_what_spreadsheets_add_is_understood(shop: Shop, file: Write) -> None:
    content = "sep=;\r\nsku;name;price;;\r\nA;Crème brûlée;2,20;;\r\nB;Œuf;3;;\r\nC;x;1;;y\r\n"
    report = import_products(shop, file(content.encode("cp1252")))
    assert {sku: one.name for sku, one in catalog(shop).items()} == {"A": "Crème brûlée", "B": "Œuf"}
    assert reasons(report) == {5: "has 5 fields, the header has 3"}
    assert report.notes == ["It is not UTF-8, and was read as Windows-1252."]


def test_columns_can_be_mapped(shop: Shop, file: Write) -> None:
    path = file("Artikel-Nr.,Bezeichnung,Preis,Vendor\nA,Tee,2.20,Acme\n")
    renamed = {"artikel-nr.": "sku", "bezeichnung": "name", "preis": "price", "vendor": ""}
    assert import_products(shop, path, Reading("EUR", renamed)).created == 1
    with pytest.raises(UnusableFile, match="no column 'nowhere', which --map names"):
        import_products(shop, path, Reading("EUR", renamed | {"nowhere": "sku"}))


SHOPIFY = """\
Handle,Title,Body (HTML),Vendor,Type,Tags,Published,Option1 Name,Option1 Value,Option2 Name,Option2 Value,Variant SKU,\
Variant Inventory Tracker,Variant Inventory Qty,Variant Price,Image Src,Image Position,Status
tee,Classic Tee,"<p>Soft &amp; light.</p><ul><li>Cotton</li></ul>",Acme,Shirts,"a, b",true,Size,S,Color,Red,TEE-S,\
shopify,5,19.99,https://cdn.example/1.jpg,1,active
tee,,,,,,,,M,,Red,TEE-M,shopify,-2,19.99,https://cdn.example/2.jpg,2,
tee,,,,,,,,,,,,,,,https://cdn.example/3.jpg,3,
mug,Mug,,Acme,Cups,,true,Title,Default Title,,,MUG,,0,7.00,,,active
old,Old Mug,,Acme,Cups,,true,Title,Default Title,,,OLD,,0,7.00,,,draft
"""
WOOCOMMERCE = """\
ID,Type,SKU,Name,Published,"Is featured?",Short description,Description,Stock,Regular price,Categories,Images,Parent,\
Attribute 1 name,Attribute 1 value(s),Meta: _x
10,variable,HOOD,Hoodie,1,0,,"<b>Warm</b>",,,"Clothing > Hoodies, Sale","https://x.example/1.jpg, https://x.example/2.jpg",,\
Color,"Red, Blue",
11,variation,HOOD-R,"Hoodie - Red",1,0,,,4,45,,,HOOD,Color,Red,
12,variation,HOOD-B,,1,0,,,,46,,https://x.example/b.jpg,id:10,Color,Blue,
13,simple,BELT,Belt,1,0,Short,,-1,12.50,Accessories,,,,,
14,simple,DRAFT,Draft,-1,0,,,,1,,,,,,
15,external,EXT,External,1,0,,,,1,,,,,,
"""


def test_an_export_of_shopify_becomes_a_product_for_each_variant(shop: Shop, file: Write) -> None:
    with pytest.raises(UnusableFile, match="looks like an export of Shopify, so give --profile shopify"):
        import_products(shop, file(SHOPIFY))
    report = import_products(shop, file(SHOPIFY), Reading("EUR", profile=PROFILES["Shopify"]))
    assert (report.created, report.left_out, report.bad_rows) == (3, 1, [])
    small, medium, mug = (catalog(shop)[sku] for sku in ("TEE-S", "TEE-M", "MUG"))
    assert (small.name, medium.name, mug.name) == ("Classic Tee - S, Red", "Classic Tee - M, Red", "Mug")
    assert small.description == medium.description == "Soft & light.\n\nCotton"
    assert small.image_urls == tuple(f"https://cdn.example/{number}.jpg" for number in (1, 2, 3))
    assert [on_hand(shop, sku) for sku in ("TEE-S", "TEE-M", "MUG")] == [5, 0, 0]
    assert {entry.category.name for entry in shop.catalog.categories(OffsetRequest()).items} == {"Shirts", "Cups"}
    assert families(shop) == {"Classic Tee": ("Size", "Color")}
    assert small.options == (("Size", "S"), ("Color", "Red"))
    assert (small.family_id, mug.family_id, mug.options) == (medium.family_id, None, ())


def test_a_simple_product_of_woocommerce_has_nothing_of_a_variable_one_without_a_sku(shop: Shop, file: Write) -> None:
    without_sku = WOOCOMMERCE.replace("variable,HOOD,", "variable,,").replace(",HOOD,Color", ",id:10,Color")
    plain = without_sku.replace("Belt,1,0,Short,", "Belt,1,0,,")
    import_products(shop, file(plain), Reading("EUR", profile=PROFILES["WooCommerce"]))
    red, belt = catalog(shop)["HOOD-R"], catalog(shop)["BELT"]
    assert (red.description, red.options) == ("Warm", (("Color", "Red"),))
    assert (belt.description, belt.image_urls, belt.options) == ("", (), ())


def test_an_export_of_woocommerce_becomes_a_product_for_each_variation(shop: Shop, file: Write) -> None:
    with pytest.raises(UnusableFile, match="give --profile woocommerce"):
        import_products(shop, file(WOOCOMMERCE))
    report = import_products(shop, file(WOOCOMMERCE), Reading("EUR", profile=PROFILES["WooCommerce"]))
    assert (report.created, report.left_out, report.bad_rows) == (3, 3, [])
    red, blue, belt = (catalog(shop)[sku] for sku in ("HOOD-R", "HOOD-B", "BELT"))
    assert (red.name, blue.name, belt.name) == ("Hoodie - Red", "Hoodie - Blue", "Belt")
    assert (red.description, belt.description) == ("Warm", "Short")
    assert red.image_urls == ("https://x.example/1.jpg", "https://x.example/2.jpg")
    assert blue.image_urls == ("https://x.example/b.jpg",)
    assert [on_hand(shop, sku) for sku in ("HOOD-R", "HOOD-B", "BELT")] == [4, 0, 0]
    assert red.category_id == blue.category_id
    tree = {entry.category.name: entry.category for entry in shop.catalog.categories(OffsetRequest()).items}
    assert tree["Hoodies"].parent_id == tree["Clothing"].id
    assert red.category_id == tree["Hoodies"].id
    assert families(shop) == {"Hoodie": ("Color",)}
    assert (red.options, blue.options, belt.options) == ((("Color", "Red"),), (("Color", "Blue"),), ())


@pytest.mark.parametrize("name", ["茶", "!!!", "x" * 200, "Tea & Coffee", "ﬁne"])
def test_every_category_name_makes_a_category(shop: Shop, file: Write, name: str) -> None:
    report = import_products(shop, file(f"sku,name,price,category\nT,Tea,1,{name}\nU,Urn,1,{name}\n"))
    assert (report.created, report.bad_row_count) == (2, 0)
    assert [entry.product_count for entry in shop.catalog.categories(OffsetRequest()).items] == [2]


# ---- bad rows

BAD_ROWS = {
    "a price in words": (b"X,Tea,cheap", "price: 'cheap'"),
    "a price that can be read in two ways": (b'X,Tea,"1,234"', "price: '1,234' can be read as 1234 or 1.234"),
    "a tenth of a cent": (b"X,Tea,0.001", "decimals"),
    "a price below zero": (b"X,Tea,-1", "price: must be from 0"),
    "an absurd price": (b"X,Tea,999999999999999999", "price|amount"),
    "no price": (b"X,Tea,", "price: ''"),
    "an empty name": (b"X,  ,1", "name: must not be empty"),
    "an empty SKU": (b",Tea,1", "sku: must not be empty"),
    "a SKU that stands above": (b"GOOD,Tea,1", "sku: 'GOOD' stands in line 2 already"),
    "too few fields": (b"X,Tea", "has 2 fields, the header has 3"),
    "too many fields": (b"X,Tea,1,2", "has 4 fields, the header has 3"),
    "bytes that mean nothing": (b"X,Th\x81,1", "save it as UTF-8"),
    "a NUL": (b"X,T\x00a,1", r"name: has the character U\+0000"),
    "an escape sequence": (b"X,T\x1b[2J,1", r"name: has the character U\+001B"),
    "a long name": (b"X," + b"n" * 201 + b",1", "name: must have at most 200"),
    "a huge field": (b"X," + b"n" * 200_000 + b",1", "larger than field limit"),
    "a huge line": (b"X," + b"n" * 9_000_000 + b",1", "larger than field limit"),
    "a stray quotation mark": (b'X,"T"ea,1', "is a quotation mark missing"),
}


@pytest.mark.parametrize(("row", "reason"), BAD_ROWS.values(), ids=BAD_ROWS)
def test_a_bad_row_is_named_with_its_line_and_the_others_are_imported_or_all_refused(
    shop: Shop, file: Write, row: bytes, reason: str
) -> None:
    path = file(b"sku,name,price\nGOOD,Tea,1\n" + row + b"\nALSO,Tea,1\n")
    report = import_products(shop, path, on_bad_row=OnBadRow.REFUSE)
    assert report.refused
    assert list(reasons(report)) == [3]
    assert (report.created, catalog(shop)) == (0, {})
    report = import_products(shop, path)
    assert set(catalog(shop)) == {"GOOD", "ALSO"}
    assert report.bad_row_count == 1
    assert re.search(reason, reasons(report)[3])


@pytest.mark.parametrize("quantity", ["-1", "1.5", "2000000001", "many", "²", "9" * 5000])
def test_a_quantity_that_nobody_can_count_is_a_bad_row(shop: Shop, file: Write, quantity: str) -> None:
    report = import_products(shop, file(f"sku,name,price,quantity\nT,Tea,1,{quantity}\n"))
    assert catalog(shop) == {}
    assert "is not a whole number from 0 to 2000000000" in reasons(report)[2]


def test_a_quotation_mark_that_never_closes_loses_only_what_it_swallows(shop: Shop, file: Write) -> None:
    report = import_products(shop, file('sku,name,price\nA,Apple,1\nB,"Bean,2\nC,Corn,3\n'))
    assert set(catalog(shop)) == {"A"}
    assert list(reasons(report)) == [3]
    assert "up to line 4" in reasons(report)[3]


def test_a_file_of_bad_rows_is_counted_whole_but_not_kept_whole(shop: Shop, file: Write) -> None:
    report = import_products(shop, file("sku,name,price\n" + "X\n" * 5_000))
    assert (report.bad_row_count, len(report.bad_rows)) == (5_000, 1_000)


# ---- files that are none

UNUSABLE = {
    "empty": (b"", "is empty"),
    "xlsx": (b"PK\x03\x04rest", "save it as CSV"),
    "xls": (b"\xd0\xcf\x11\xe0rest", "save it as CSV"),
    "UTF-16": ("sku,name,price\n".encode("utf-16"), "UTF-16"),
    "no header": (b"T,Tea,2.20\n", "no column 'sku' and one more.*'T,Tea,2.20'"),
    "nothing but SKUs": (b"sku;counted\n", "no column 'sku' and one more"),
    "a column without a name": (b"sku,,price\n", "a column without a name, number 2"),
    "a misspelt column": (b"sku,name,price,descripton\n", "unknown column 'descripton'.*Known are sku, name"),
    "ten thousand columns": (b"sku,name,price" + b",x" * 10_000, "and 9992 more"),
    "a column twice": (b"sku,name,price,Name\n", "column 'name' more than once"),
    "no line end at all": (b"\x00" * 20_000_000, "no column"),
    "a gzip cut off": (gzip.compress(b"sku,name,price\n" + os.urandom(5_000))[:-2_000], "damaged or cut off"),
    "a gzip garbled": (b"\x1f\x8b\x08\0" + b"\0" * 6 + b"\xff" * 99, "damaged or cut off"),
    "an xz cut off": (lzma.compress(b"sku,name,price\n" + os.urandom(5_000))[:-2_000], "damaged or cut off"),
}


@pytest.mark.parametrize(("content", "message"), UNUSABLE.values(), ids=UNUSABLE)
def test_a_file_that_is_no_product_file_is_refused_in_one_line(
    shop: Shop, file: Write, content: bytes, message: str
) -> None:
    with pytest.raises(UnusableFile, match=message) as refused:
        import_products(shop, file(content))
    assert len(str(refused.value).splitlines()) == 1
    assert len(str(refused.value)) < 1_000


def test_a_path_that_is_no_file_is_refused_in_one_line(shop: Shop, tmp_path: Path) -> None:
    for path, message in (
        (tmp_path / "nowhere\n.csv", "There is no file"),
        (tmp_path, "is a directory"),
        (Path("/dev/null"), "neither a file nor a pipe"),
        (tmp_path / ("x" * 300), "cannot be opened"),
    ):
        with pytest.raises(UnusableFile, match=message) as refused:
            import_products(shop, path)
        assert len(str(refused.value).splitlines()) == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_refused(shop: Shop, file: Write) -> None:
    path = file("sku,name,price\n")
    path.chmod(0)
    with pytest.raises(UnusableFile, match="may not be read"):
        import_products(shop, path)


def test_the_help_names_every_column() -> None:
    assert all(f"\n  {column} " in COLUMNS_HELP for column in KNOWN)


# ---- properties

cells = st.text(st.characters(codec="utf-8"), max_size=12) | st.sampled_from(["", "A", "B", "1.00", "7", '"', "x,y"])


def imported(shop: Shop, content: bytes, on_bad_row: OnBadRow, reading: Reading | None = None) -> ImportReport:
    with tempfile.NamedTemporaryFile(suffix=".csv") as file:
        file.write(content)
        file.flush()
        return import_products(shop, Path(file.name), reading, on_bad_row=on_bad_row)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rows=st.lists(st.lists(cells, min_size=11, max_size=11), max_size=8), on_bad_row=st.sampled_from(OnBadRow))
def test_the_same_rows_twice_change_nothing(rows: list[list[str]], on_bad_row: OnBadRow) -> None:
    shop = Shop(MemoryAdapters())
    lines = [
        ",".join([*EXPORTED, "options.A"]),
        *(",".join(f'"{cell.replace(chr(34), chr(34) * 2)}"' for cell in row) for row in rows),
    ]
    content = "\n".join([*lines, "GOOD,Tea,2.20,,Tea,,,,5,,"]).encode()
    first = imported(shop, content, on_bad_row)
    once = catalog(shop)
    second = imported(shop, content, on_bad_row)
    assert catalog(shop) == once
    assert (second.created, second.updated) == (0, 0)
    assert (second.unchanged, second.counted) == (first.created, first.counted)
    assert second.bad_rows == first.bad_rows
    assert first.refused or on_hand(shop, "GOOD") == 5
    assert shop.audit() == []


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    start=st.sampled_from(
        [b"", b"sku,name,price\n", b"\xef\xbb\xbfsku;name;price;quantity\r\n", b"\x1f\x8b", b"\xfd7zXZ\x00"]
    ),
    rest=st.binary(max_size=200) | st.text("AB12.,;\"'\n\r\t\0", max_size=60).map(str.encode),
    on_bad_row=st.sampled_from(OnBadRow),
)
def test_no_bytes_whatever_crash_the_import(start: bytes, rest: bytes, on_bad_row: OnBadRow) -> None:
    shop = Shop(MemoryAdapters())
    message = ""
    created = 0
    try:
        created = imported(shop, start + rest, on_bad_row).created
    except UnusableFile as refused:
        message = str(refused)
    assert len(message.splitlines()) <= 1
    assert created == len(catalog(shop))
    assert shop.audit() == []
