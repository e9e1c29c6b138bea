"""Importing pictures with a product CSV: a column names files in a folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from shop_adapters.memory import MemoryAdapters
from shop_core import SYSTEM, Product, Shop
from shop_http.cli.product_import import ImportReport, OnBadRow, Reading, UnusableFile, import_products
from shop_testing import PlainEncoder

Import = Callable[..., ImportReport]


@pytest.fixture
def shop() -> Shop:
    return Shop(MemoryAdapters(image_encoder=PlainEncoder()))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Some pictures, one of which is none, and a secret beside them."""
    folder = tmp_path / "pictures"
    (folder / "lamps").mkdir(parents=True)
    for name in ("front.jpg", "back of it.png", "lamps/side.webp"):
        (folder / name).write_text(name)
    (folder / "empty.jpg").write_bytes(b"")
    (tmp_path / "secret.txt").write_text("a secret")
    (folder / "link.jpg").symlink_to(tmp_path / "secret.txt")
    return folder


@pytest.fixture
def run(shop: Shop, tmp_path: Path, folder: Path) -> Import:
    def run(text: str, images: Path | None = folder, **options: object) -> ImportReport:
        file = tmp_path / "products.csv"
        file.write_text(text)
        return import_products(shop, file, Reading("EUR", images=images), **options)  # type: ignore[arg-type]

    return run


def product(shop: Shop) -> Product:
    entry = shop.catalog.product_by_sku("A")
    assert entry is not None
    return entry.product


def files(shop: Shop) -> list[bytes | None]:
    return [shop.images.content(image.largest.key) for image in product(shop).images]


def test_pictures_become_those_of_the_file_in_its_order(shop: Shop, run: Import) -> None:
    report = run("sku,name,price,images\nA,Lamp,1,front.jpg | back of it.png\nB,Chair,2,\n")
    assert (report.created, report.pictured, report.bad_rows) == (2, 2, [])
    assert files(shop) == [b"front.jpg", b"back of it.png"]
    run('sku,images\nA,"lamps/side.webp,front.jpg,lamps/side.webp"\n')
    assert files(shop) == [b"lamps/side.webp", b"front.jpg"]
    run("sku,images\nA,\n")
    assert files(shop) == []


def test_the_same_file_again_changes_nothing_and_keeps_texts(shop: Shop, run: Import) -> None:
    text = "sku,name,price,images\nA,Lamp,1,front.jpg|back of it.png\n"
    run(text)
    image = product(shop).images[0]
    shop.images.edit(SYSTEM, product(shop).id, image.id, "The front")
    before = product(shop)
    run(text)
    assert product(shop) == before
    run("sku,name\nA,Lamp\n")
    assert product(shop) == before, "a column that is not there changes nothing"


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("gone.jpg", "images: there is no file 'gone.jpg' in the folder of --images"),
        ("../secret.txt", "there is no file '../secret.txt'"),
        ("/etc/hosts", "there is no file '/etc/hosts'"),
        ("link.jpg", "there is no file 'link.jpg'"),
        ("lamps", "there is no file 'lamps'"),
        ("x\0y", "there is no file"),
        ("empty.jpg", "images: 'empty.jpg': image: is empty: send a picture"),
        ("|".join(["front.jpg"] * 21), "may be 20 at most, these are 21"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_and_nothing_is_imported(
    shop: Shop, run: Import, cell: str, reason: str
) -> None:
    text = f"sku,name,price,images\nB,Chair,1,front.jpg\nA,Lamp,1,{cell}\n"
    report = run(text, on_bad_row=OnBadRow.REFUSE)
    assert report.refused
    (bad,) = report.bad_rows
    assert bad.line == 3
    assert reason in bad.reason
    assert shop.catalog.product_by_sku("B") is None
    report = run(text, on_bad_row=OnBadRow.SKIP)
    assert (report.created, report.bad_row_count) == (1, 1)


def test_a_file_with_pictures_needs_a_folder(run: Import) -> None:
    with pytest.raises(UnusableFile, match=r"has the column 'images': say with --images"):
        run("sku,name,price,images\nA,Lamp,1,front.jpg\n", None)


def test_a_preview_stores_nothing(shop: Shop, run: Import) -> None:
    report = run("sku,name,price,images\nA,Lamp,1,front.jpg\n", preview=True)
    assert (report.created, report.pictured) == (1, 1)
    assert shop.catalog.product_by_sku("A") is None


def test_a_shop_without_pictures_refuses_the_row(tmp_path: Path, folder: Path) -> None:
    file = tmp_path / "products.csv"
    file.write_text("sku,name,price,images\nA,Lamp,1,front.jpg\n")
    report = import_products(Shop(MemoryAdapters()), file, Reading("EUR", images=folder))
    assert "This shop keeps no pictures" in report.bad_rows[0].reason
