"""Importing a product CSV: what a shopkeeper's spreadsheet may look like, and what becomes of each bad row."""

from __future__ import annotations

import gzip
import lzma
import os
import re
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shop_adapters.memory import MemoryAdapters
from shop_core import SYSTEM, OffsetRequest, ProductQuery, Shop
from shop_core.catalog.model import Product
from shop_http.cli.product_import import (
    COLUMNS_HELP,
    KNOWN,
    ImportReport,
    OnBadRow,
    UnusableFile,
    import_products,
    slug_of,
)

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
    import_products(shop, file("sku,name,price,quantity\nA,Apple,1.00,3\n"))
    assert on_hand(shop, "A") == 3
    assert shop.audit() == []


def test_more_rows_than_a_batch_arrive_and_progress_ends_at_the_size_of_the_file(shop: Shop, file: Write) -> None:
    path = file("sku,name,price\n" + "".join(f"S{n},Product {n},1.00\n" for n in range(1201)))
    for on_bad_row, total in ((OnBadRow.SKIP, path.stat().st_size), (OnBadRow.REFUSE, 2 * path.stat().st_size)):
        seen: list[tuple[int, int]] = []
        report = import_products(
            shop, path, on_bad_row=on_bad_row, progress=lambda done, size, seen=seen: seen.append((done, size))
        )
        assert report.created + report.unchanged == 1201
        assert seen == sorted(seen)
        assert seen[-1] == (total, total)


@pytest.mark.parametrize(
    ("names", "slugs"),
    [
        (["Tea & Coffee", "tea  COFFEE"], 1),
        (["Küche", "kuche"], 1),
        (["茶", "花"], 2),
        (["A 茶", "A 花", "a"], 3),
        (["x" * 150 + "1", "x" * 150 + "2"], 2),
        (["!!!"], 1),
    ],
)
def test_a_category_name_has_one_slug_and_scripts_do_not_share_it(names: list[str], slugs: int) -> None:
    assert len({slug_of(name) for name in names}) == slugs


@pytest.mark.parametrize("name", ["茶", "!!!", "x" * 200, "Tea & Coffee", "ﬁne"])
def test_every_category_name_makes_a_category(shop: Shop, file: Write, name: str) -> None:
    report = import_products(shop, file(f"sku,name,price,category\nT,Tea,1,{name}\nU,Urn,1,{name}\n"))
    assert (report.created, report.bad_row_count) == (2, 0)
    assert [entry.product_count for entry in shop.catalog.categories(OffsetRequest()).items] == [2]


# ---- bad rows

BAD_ROWS = {
    "a price in words": (b"X,Tea,cheap", "price: 'cheap'"),
    "a decimal comma": (b'X,Tea,"2,20"', "price: '2,20'"),
    "a tenth of a cent": (b"X,Tea,0.001", "decimals"),
    "a price below zero": (b"X,Tea,-1", "price: must be from 0"),
    "an absurd price": (b"X,Tea,999999999999999999", "price|amount"),
    "no price": (b"X,Tea,", "price: ''"),
    "an empty name": (b"X,  ,1", "name: must not be empty"),
    "an empty SKU": (b",Tea,1", "sku: must not be empty"),
    "a SKU that stands above": (b"GOOD,Tea,1", "sku: 'GOOD' stands in line 2 already"),
    "too few fields": (b"X,Tea", "has 2 fields, the header has 3"),
    "too many fields": (b"X,Tea,1,2", "has 4 fields, the header has 3"),
    "bytes that are not UTF-8": (b"X,Th\xe9,1", "not UTF-8"),
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


@pytest.mark.parametrize("quantity", ["-1", "1.5", "1000001", "many", "²", "9" * 5000])
def test_a_quantity_that_nobody_can_count_is_a_bad_row(shop: Shop, file: Write, quantity: str) -> None:
    report = import_products(shop, file(f"sku,name,price,quantity\nT,Tea,1,{quantity}\n"))
    assert catalog(shop) == {}
    assert "is not a whole number from 0 to 1000000" in reasons(report)[2]


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
    "no header": (b"T,Tea,2.20\n", "no column 'sku', 'name', 'price'.*'T,Tea,2.20'"),
    "no price column": (b"sku;name\n", "no column 'price'"),
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


def imported(shop: Shop, content: bytes, on_bad_row: OnBadRow) -> ImportReport:
    with tempfile.NamedTemporaryFile(suffix=".csv") as file:
        file.write(content)
        file.flush()
        return import_products(shop, Path(file.name), on_bad_row=on_bad_row)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(rows=st.lists(st.lists(cells, min_size=7, max_size=7), max_size=8), on_bad_row=st.sampled_from(OnBadRow))
def test_the_same_rows_twice_change_nothing(rows: list[list[str]], on_bad_row: OnBadRow) -> None:
    shop = Shop(MemoryAdapters())
    lines = [",".join(KNOWN), *(",".join(f'"{cell.replace(chr(34), chr(34) * 2)}"' for cell in row) for row in rows)]
    content = "\n".join([*lines, "GOOD,Tea,2.20,,Tea,,5"]).encode()
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
