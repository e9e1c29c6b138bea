"""`shop export`: what is written can be read again, by spreadsheets without harm and by `shop import-products`."""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from litestar.testing import TestClient
from sqlalchemy import Engine, make_url
from verification.databases import adapters_on, execute

from panel_browser import ORIGIN, Browser
from shop_adapters.memory import MemoryAdapters
from shop_adapters.postgres import PostgresAdapters, make_engine
from shop_core import (
    SYSTEM,
    CursorRequest,
    LineRequest,
    Money,
    PlacementRequest,
    ProductDetails,
    ProductQuery,
    Registration,
    Role,
    Shop,
)
from shop_core.inventory.model import MovementKind
from shop_http.app import create_app
from shop_http.cli.export import run_export
from shop_http.cli.product_import import import_products
from shop_http.server.settings import Settings
from shop_testing import Fixtures, in_background, still_waits

SECRET = "a secret for tests, of more than 32 bytes"
PASSWORD = "numbers are music"
FORMULA = '=HYPERLINK("https://evil.example")'


@pytest.fixture(scope="module")
def settings(migrated_database: Callable[[str], str]) -> Settings:
    """Those of a shop that sold something with a harmful name, in a database that writes dates in another form."""
    url = migrated_database("export")
    execute(url, f"ALTER DATABASE \"{make_url(url).database}\" SET datestyle = 'SQL, DMY'")
    settings = Settings.read({"SHOP_DATABASE_URL": url, "SHOP_SECRET_KEY": SECRET}, {})
    engine = make_engine(settings.database_url, connections=1)
    shop = Shop(PostgresAdapters(engine, SECRET.encode()))
    kitchen = shop.catalog.create_category(SYSTEM, "Kitchen").category
    cups = shop.catalog.create_category(SYSTEM, "Cups", parent_id=kitchen.id).category
    price = Money.parse("12.50", "EUR")
    shop.catalog.create_category(SYSTEM, "Cups", parent_id=kitchen.id)  # the same path again: told apart by its id
    mugs = shop.families.create(SYSTEM, "Mug", ["colour"])
    details = ProductDetails(
        "MUG-1",
        FORMULA,
        price,
        'Two\nlines, "quotes"',
        cups.id,
        ("https://x.example/a.jpg,", "/b.jpg"),
        tax_class="reduced",
        family_id=mugs.id,
        options=(("colour", "red"),),
    )
    mug = shop.catalog.create_product(SYSTEM, details).product
    shop.inventory.receive(SYSTEM, mug.id, 10)
    ada = shop.accounts.register(Registration("ada", "numbers are music", email="ada@shop.example")).actor
    shop.orders.place(PlacementRequest(ada.account_id, (LineRequest(mug.id, 2),)))
    engine.dispose()
    return settings


def export(settings: Settings, what: str, path: Path, form: str = "csv") -> str:
    assert run_export(settings, argparse.Namespace(what=what, file=path, format=form)) == 0
    assert path.stat().st_mode & 0o777 == 0o600
    return path.read_text()


def first(text: str) -> dict[str, Any]:
    return next(csv.DictReader(text.splitlines(keepends=True)))


def test_products_come_back_by_an_import_and_bring_nothing_back_that_was_sold(
    settings: Settings, tmp_path: Path
) -> None:
    file = tmp_path / "products.csv"
    assert f"'{FORMULA}" in first(export(settings, "products", file))["name"]
    row = first(file.read_text())
    assert UUID(row["category"])
    assert (row["family"], row["options.colour"], row["tax_class"]) == ("Mug", "red", "reduced")
    other, elsewhere = Shop(MemoryAdapters()), tmp_path / "elsewhere.csv"
    elsewhere.write_text(file.read_text().replace(row["category"], "Kitchen > Cups"))
    report = import_products(other, elsewhere)
    assert (report.created, report.bad_rows) == (1, [])
    (entry,) = other.catalog.products(ProductQuery(), CursorRequest(10)).items
    assert (entry.product.name, entry.product.description) == (FORMULA, 'Two\nlines, "quotes"')
    assert (entry.family_name, entry.product.options) == ("Mug", (("colour", "red"),))
    assert other.inventory.level(SYSTEM, entry.product.id).on_hand == 10
    engine = make_engine(settings.database_url, connections=1)
    same = import_products(Shop(PostgresAdapters(engine, SECRET.encode())), file)
    engine.dispose()
    assert (same.created, same.updated, same.unchanged, same.bad_rows) == (0, 0, 1, [])


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        ("orders", {"customer": "ada", "sku": "MUG-1", "quantity": 2, "unit_price": "12.50", "order_total": "25.00"}),
        ("movements", {"sku": "MUG-1", "kind": "received", "quantity": 10}),
        ("users", {"username": "ada", "email": "ada@shop.example", "role": "customer", "active": True}),
    ],
)
def test_both_forms_say_the_same(settings: Settings, tmp_path: Path, what: str, expected: dict[str, object]) -> None:
    row = first(export(settings, what, tmp_path / "a.csv"))
    line = json.loads(export(settings, what, tmp_path / "a.jsonl", "jsonl").splitlines()[0])
    assert {name: line[name] for name in expected} == expected
    assert row.keys() == line.keys()
    assert {name: row[name] for name in expected} == {name: str(value) for name, value in expected.items()}
    assert "password" not in str(line)


def test_what_the_panel_exports_while_units_move_and_products_are_deleted_brings_nothing_back(
    new_engine: Callable[..., Engine], tmp_path: Path
) -> None:
    adapters = adapters_on(new_engine("shop_panel_export"))
    shop, fixtures = Shop(adapters), Fixtures(adapters)
    lamp, gone = fixtures.product(units=5), fixtures.product("Never in stock")
    shop.accounts.register(Registration("grace", PASSWORD), actor=SYSTEM, role=Role.STAFF)
    with TestClient(create_app(shop, threads=2), base_url=ORIGIN) as client:
        browser = Browser(client)
        browser.log_in("grace", PASSWORD)
        with adapters.begin() as uow:
            uow.stock.lock([lamp.id, gone.id])
            uow.products.remove(gone.id)
            exported = in_background(lambda: browser.get("/products/export").text)
            assert still_waits(exported)
            uow.stock.apply([fixtures.movement(lamp.id, MovementKind.RECEIVED, 4)._replace(at=uow.now())])
        file = tmp_path / "products.csv"
        file.write_text(exported.result(60))
    assert first(file.read_text())["quantity"] == "9"
    report = import_products(shop, file)
    assert (report.unchanged, report.created, report.bad_rows) == (1, 0, [])
    assert fixtures.level(lamp.id).on_hand == 9


def test_what_is_exported_while_units_move_brings_nothing_back(
    settings: Settings, new_engine: Callable[..., Engine], tmp_path: Path
) -> None:
    engine = new_engine("shop_export_of_moving_units")
    url = engine.url.render_as_string(hide_password=False)
    settings = replace(settings, database_url=url, allow_unsafe=("synchronous_commit",))
    adapters, file = adapters_on(engine), tmp_path / "products.csv"
    shop, fixtures = Shop(adapters), Fixtures(adapters)
    lamp = fixtures.product(units=5)
    with adapters.begin() as uow:
        uow.stock.lock([lamp.id])
        uow.stock.apply([fixtures.movement(lamp.id, MovementKind.RECEIVED, 4)._replace(at=uow.now())])
        row = first(export(settings, "products", file))
    assert (row["quantity"], row["counted"]) == ("5", fixtures.ledger(lamp.id)[0].at.isoformat())
    assert import_products(shop, file).bad_rows == []
    assert fixtures.level(lamp.id).on_hand == 9
    shop.inventory.count_all(SYSTEM, {lamp.id: 7}, "list", as_of={lamp.id: fixtures.ledger(lamp.id)[0].at})
    export(settings, "products", tmp_path / "counted.csv")
    assert import_products(shop, tmp_path / "counted.csv").bad_rows == []
    assert fixtures.level(lamp.id).on_hand == 7 + 4, "the newest line of the ledger is not the one of the latest time"


def test_a_file_that_is_there_is_kept(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "users.csv").write_text("mine")
    with pytest.raises(FileExistsError):
        export(settings, "users", tmp_path / "users.csv")
    assert (tmp_path / "users.csv").read_text() == "mine"
