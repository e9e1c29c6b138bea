"""Families, options and tax classes in product files; and that the file of a shop changes nothing in it."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shop_adapters.memory import MemoryAdapters
from shop_core import SYSTEM, CursorRequest, Money, OffsetRequest, Product, ProductDetails, ProductQuery, Shop
from shop_core.catalog.families import Family
from shop_core.errors import Conflict, Invalid
from shop_http.cli.product_import import PROFILES, ImportReport, OnBadRow, Reading, UnusableFile, import_products
from shop_http.cli.product_import.cells import ProductTable
from shop_http.csv_cells import harmless

Import = Callable[..., ImportReport]


@pytest.fixture
def run(shop: Shop, tmp_path: Path) -> Import:
    """Imports lines; a bad row refuses the whole file."""

    def import_(*lines: str, profile: str = "", preview: bool = False) -> ImportReport:
        path = tmp_path / "products.csv"
        path.write_text("\n".join(lines) + "\n")
        reading = Reading("EUR", profile=PROFILES[profile] if profile else None)
        return import_products(shop, path, reading, on_bad_row=OnBadRow.REFUSE, preview=preview)

    return import_


def catalog(shop: Shop) -> dict[str, Product]:
    entries = shop.catalog.products(ProductQuery(), OffsetRequest(200)).items
    return {entry.product.sku: entry.product for entry in entries}


def families(shop: Shop) -> dict[str, tuple[str, ...]]:
    return {family.name: family.option_names for family in shop.families.page(OffsetRequest(200)).items}


def options(shop: Shop) -> dict[str, dict[str, str]]:
    return {sku: dict(product.options) for sku, product in catalog(shop).items()}


SHIRTS = (
    "sku,name,price,family,Options.Colour,options.size,tax_class",
    "TS-R,T-shirt,9,T-shirt,red,M,reduced",
    "TS-B,T-shirt,9,T-shirt,blue,M,",
    "MUG,Mug,7,,,,",
)


def test_a_family_is_made_of_the_rows_that_name_it(shop: Shop, run: Import) -> None:
    preview = run(*SHIRTS, preview=True)
    assert (preview.created, preview.new_families, families(shop)) == (3, ["T-shirt"], {})
    assert run(*SHIRTS).new_families == ["T-shirt"]
    assert families(shop) == {"T-shirt": ("Colour", "size")}
    assert options(shop) == {"TS-R": {"Colour": "red", "size": "M"}, "TS-B": {"Colour": "blue", "size": "M"}, "MUG": {}}
    assert {sku: one.tax_class for sku, one in catalog(shop).items()} == {
        "TS-R": "reduced",
        "TS-B": "standard",
        "MUG": "standard",
    }
    again = run(*SHIRTS)
    assert (again.unchanged, again.new_families) == (3, [])


def test_columns_that_are_not_there_change_nothing_and_empty_cells_clear(shop: Shop, run: Import) -> None:
    run(*SHIRTS)
    before = catalog(shop)["TS-R"]
    assert run("sku,price", "TS-R,9.00").unchanged == 1
    assert run("sku,price", "TS-R,9.50").updated == 1
    after = catalog(shop)["TS-R"]
    assert (after.family_id, after.options, after.tax_class) == (before.family_id, before.options, "reduced")
    run("sku,options.COLOUR", "TS-R,green")
    assert options(shop)["TS-R"] == {"Colour": "green", "size": "M"}
    run("sku,tax_class", "TS-R,")
    assert catalog(shop)["TS-R"].tax_class == "standard"
    assert run("sku,family", "TS-R,").bad_rows == []
    assert (catalog(shop)["TS-R"].family_id, options(shop)["TS-R"]) == (None, {})


@pytest.mark.parametrize(
    ("header", "row", "reason"),
    [
        ("family,options.sleeves", "T-shirt,long", "options.sleeves: 'long' is for no option of the family 'T-shirt'"),
        ("family", "T-shirt", "options.Colour: is required, as the family 'T-shirt' has it"),
        ("family,options.colour,options.size", "T-shirt,red,M", "options: 'red, M' in this family is 'TS-R' already"),
        ("family,options.colour", ",red", "options: need a family, these are 'colour'"),
        ("family,options.a,options.b,options.c,options.d", "Cup,1,2,3,4", "options: may be 3 at most, these are 4"),
        (f"family,options.{'x' * 51}", "Cup,1", "options: must have at most 50 characters, this has 51"),
        ("family,options.a", f"Cup,{'x' * 51}", "options.a: must have at most 50 characters, this has 51"),
        ("family", "0198c0de-0000-7000-8000-000000000001", "family: there is no family 0198c0de"),
        ("family", "x" * 201, "family: must have at most 200 characters, this has 201"),
        ("tax_class", "Reduced!", "tax_class: 'Reduced!' is no tax class such as standard"),
        ("category", "0198c0de-0000-7000-8000-000000000001", "category: there is no category 0198c0de"),
    ],
)
def test_a_row_that_does_not_fit_is_named_with_its_line_its_field_and_the_rule(
    shop: Shop, run: Import, header: str, row: str, reason: str
) -> None:
    run(*SHIRTS)
    before = (catalog(shop), families(shop))
    cells = "," * header.count(",")
    report = run(f"sku,name,price,{header}", f"GOOD,Good,1,{cells}", f"BAD,Bad,1,{row}")
    ((line, said),) = [(bad.line, bad.reason) for bad in report.bad_rows]
    assert (line, report.refused) == (3, True)
    assert reason in said
    assert (catalog(shop), families(shop)) == before


def test_a_column_of_an_option_stands_there_once_and_has_a_name(run: Import) -> None:
    for header, message in (
        ("sku,options.Size,OPTIONS.size", "column 'options.size' more than once"),
        ("sku,options.", "unknown column 'options.'"),
    ):
        with pytest.raises(UnusableFile, match=message):
            run(header)


def test_rows_of_one_family_in_different_batches_fit_together(
    shop: Shop, run: Import, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shop_http.cli.product_import.BATCH_ROWS", 1)
    run("sku,name,price,family,options.colour", "A,Mug,1,Mug,red")
    rows = ["A,Mug,1,Mug,rose", "B,Mug,1,Mug,red", "C,Cup,1,Cup,red", "D,Cup,1,cup,blue"]
    report = run("sku,name,price,family,options.colour", *rows)
    assert (report.bad_rows, report.created, report.new_families) == ([], 3, ["Cup"])
    bad = run("sku,name,price,family,options.colour", "E,Jug,1,Jug,red", "F,Jug,1,jug,red")
    assert [(one.line, one.reason) for one in bad.bad_rows] == [(3, "options: 'red' in this family is 'E' already")]
    assert "Jug" not in families(shop)


def test_products_of_shopify_that_share_a_title_are_families_of_their_own(shop: Shop, run: Import) -> None:
    report = run(
        "Handle,Title,Option1 Name,Option1 Value,Variant SKU,Variant Price",
        "tee-red,Tee,Size,S,RED-S,9",
        "tee-red,,,M,RED-M,9",
        "tee-blue,Tee,Size,S,BLUE-S,9",
        "mug,Mug,Title,Default Title,MUG,7",
        profile="Shopify",
    )
    assert report.bad_rows == []
    assert families(shop) == {"Tee": ("Size",), "Tee (tee-blue)": ("Size",)}
    assert options(shop) == {"RED-S": {"Size": "S"}, "RED-M": {"Size": "M"}, "BLUE-S": {"Size": "S"}, "MUG": {}}


def test_a_variation_of_woocommerce_for_any_value_is_an_option_too(shop: Shop, run: Import) -> None:
    report = run(
        "ID,Type,SKU,Name,Published,Regular price,Parent,Attribute 1 name,Attribute 1 value(s),"
        "Attribute 2 name,Attribute 2 value(s)",
        '1,variable,HOOD,Hoodie,1,,,Color,"Red, Blue",Size,"S, M"',
        "2,variation,HOOD-R,,1,45,HOOD,Color,Red,Size,S",
        "3,variation,HOOD-X,,1,45,id:1,Color,Red,Size,",
        "4,simple,BELT,Belt,1,12,,Brand,Acme,,",
        profile="WooCommerce",
    )
    assert report.bad_rows == []
    assert families(shop) == {"Hoodie": ("Color", "Size")}
    assert options(shop) == {
        "HOOD-R": {"Color": "Red", "Size": "S"},
        "HOOD-X": {"Color": "Red", "Size": "any"},
        "BELT": {},
    }


def test_of_woocommerce_only_what_is_published_is_for_sale_and_of_variations_what_their_product_is(
    shop: Shop, run: Import
) -> None:
    kinds = {"": "PUBLIC", "1": "PUBLISHED", "0": "PRIVATE", "-1": "DRAFT", "2": "PENDING"}
    rows = [
        row
        for number, (published, name) in enumerate(kinds.items())
        for row in (
            f"{10 * number + 1},simple,{name},{name},{published},9,,,",
            f"{10 * number + 2},variable,ALL-{name},All {name},{published},,,Size,S",
            f"{10 * number + 3},variation,S-{name},,1,9,ALL-{name},Size,S",
        )
    ]
    header = "ID,Type,SKU,Name,Published,Regular price,Parent,Attribute 1 name,Attribute 1 value(s)"
    report = run(header, *rows, profile="WooCommerce")
    assert (report.bad_rows, report.left_out) == ([], len(kinds) + 2 * 3)
    assert set(catalog(shop)) == {"PUBLIC", "S-PUBLIC", "PUBLISHED", "S-PUBLISHED"}


def test_a_comma_that_woocommerce_escaped_is_a_comma(shop: Shop, run: Import) -> None:
    run(
        "ID,Type,SKU,Name,Regular price,Categories,Images,Parent,Attribute 1 name,Attribute 1 value(s)",
        r"1,variable,LAMP,Lamp,,,,,Size,",
        r'2,variation,LAMP-S,,9,"Tall\, thin, Sale","https://x.example/w_1\,h_2/a, /b.jpg",LAMP,Size,"1\,5 m"',
        profile="WooCommerce",
    )
    lamp = catalog(shop)["LAMP-S"]
    assert (lamp.name, lamp.options) == ("Lamp - 1,5 m", (("Size", "1,5 m"),))
    assert lamp.image_urls == ("https://x.example/w_1,h_2/a", "/b.jpg")
    assert [entry.category.name for entry in shop.catalog.categories(OffsetRequest()).items] == ["Tall, thin"]


# ---- round trip

texts = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8) | st.sampled_from(
    ["Lamps", "LAMPS", "a > b", "'=1+1", "-5", 'x,"y"', "C", "C++", "0198c0de-0000-7000-8000-000000000001"]
)
urls = st.lists(
    st.sampled_from(["/a.jpg", "/a.jpg,", "https://x.example/w_1,h_2/a", "/p,https://x.example/b"]), max_size=3
)


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_the_file_of_a_shop_changes_nothing_in_it(data: st.DataObject) -> None:
    drawn = data.draw
    currency = drawn(st.sampled_from(["EUR", "KWD", "JPY", "CLF"]))  # 2, 3, 0 and 4 decimals
    shop = Shop(MemoryAdapters(currency=currency))
    categories = [None, *(one for _ in range(drawn(st.integers(0, 4))) if (one := _category(shop, data)))]
    families_made = [made for _ in range(drawn(st.integers(0, 3))) if (made := _family(shop, data))]
    for number in range(drawn(st.integers(1, 5))):
        family = drawn(st.sampled_from([None, *families_made]))
        details = ProductDetails(
            drawn(texts | st.just(f"SKU-{number}")),
            drawn(texts),
            Money(drawn(st.sampled_from([0, 1, 12_500, 123_456, 100_000_000_000])), currency),
            drawn(texts | st.sampled_from(["", "two\nlines", "@x"])),
            drawn(st.sampled_from(categories)),
            tuple(drawn(urls)),
            drawn(st.sampled_from(["standard", "reduced"])),
            family.id if family else None,
            tuple((name, drawn(texts)) for name in family.option_names) if family else (),
        )
        try:
            product = shop.catalog.create_product(SYSTEM, details).product
        except (Invalid, Conflict):
            continue
        for _ in range(drawn(st.integers(0, 2))):
            shop.inventory.receive(SYSTEM, product.id, 1_000_000)
    before = (catalog(shop), families(shop), shop.catalog.categories(OffsetRequest()))
    report = _imported_again(shop)
    assert report.bad_rows == []
    assert (report.created, report.updated, report.unchanged) == (0, 0, len(catalog(shop)))
    assert (catalog(shop), families(shop), shop.catalog.categories(OffsetRequest())) == before


def _imported_again(shop: Shop) -> ImportReport:
    categories = {entry.category.id: entry.category for entry in shop.catalog.categories(OffsetRequest()).items}
    cells = ProductTable(categories, shop.families.page(OffsetRequest()).items)
    with tempfile.NamedTemporaryFile("w", suffix=".csv", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(cells.columns)
        for entry in shop.catalog.products(ProductQuery(), CursorRequest(100)).items:
            units = shop.inventory.level(SYSTEM, entry.product.id).on_hand
            row = cells.row(entry.product, units, datetime.now(UTC))
            writer.writerow(harmless(cell) if isinstance(cell, str) else cell for cell in row)
        file.flush()
        return import_products(shop, Path(file.name), Reading(shop.currency), on_bad_row=OnBadRow.REFUSE)


def _category(shop: Shop, data: st.DataObject) -> UUID | None:
    above = [entry.category.id for entry in shop.catalog.categories(OffsetRequest()).items]
    try:
        return shop.catalog.create_category(
            SYSTEM, data.draw(texts), parent_id=data.draw(st.sampled_from([None, *above]))
        ).category.id
    except Invalid:
        return None


def _family(shop: Shop, data: st.DataObject) -> Family | None:
    try:
        return shop.families.create(SYSTEM, data.draw(texts), data.draw(st.lists(texts, max_size=2)))
    except Invalid:
        return None
