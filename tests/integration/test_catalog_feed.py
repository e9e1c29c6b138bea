"""The feed of catalog changes on PostgreSQL: beside servers of earlier versions, and with commits that come late."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from sqlalchemy import Engine, text

from shop_adapters.postgres import PostgresAdapters
from shop_adapters.postgres.catalog_version import CatalogVersion
from shop_core import SYSTEM, Money, ProductChanges, ProductDetails, Shop
from shop_testing import CatalogCopy, Fixtures, in_background

RAISED_BEFORE_0017 = "UPDATE catalog_version SET version = version + 1 WHERE id = 1"


@pytest.fixture
def shop(postgres_adapters: PostgresAdapters) -> Shop:
    return Shop(postgres_adapters)


@pytest.fixture
def fixtures(postgres_adapters: PostgresAdapters) -> Fixtures:
    return Fixtures(postgres_adapters)


@pytest.fixture
def copy(shop: Shop) -> CatalogCopy:
    copy = CatalogCopy(shop)
    copy.update()
    return copy


def as_before_0017(engine: Engine, statement: str, **values: object) -> None:
    """Write as a server of an earlier version does, which records no changes."""
    with engine.begin() as connection:
        assert connection.execute(text(statement), values).rowcount == 1
        connection.execute(text(RAISED_BEFORE_0017))


@pytest.mark.parametrize("is_next", ["a read", "an edit"])
def test_what_an_old_server_changes_reaches_every_copy(
    shop: Shop, copy: CatalogCopy, engine: Engine, fixtures: Fixtures, is_next: str
) -> None:
    kept, edited, removed = (fixtures.product(name) for name in ("Kept", "Edited", "Removed"))
    copy.update()
    as_before_0017(engine, "UPDATE products SET name = 'Old edit' WHERE id = :id", id=edited.id)
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM stock_levels WHERE product_id = :id"), {"id": removed.id})
    as_before_0017(engine, "DELETE FROM products WHERE id = :id", id=removed.id)
    new = fixtures.new_id()
    columns = "sku, name, name_key, description, price_minor, image_urls, search, version, created_at, updated_at"
    as_before_0017(
        engine,
        f"INSERT INTO products (id, {columns}) SELECT :new, 'NEW', {columns.partition(', ')[2]}"
        " FROM products WHERE id = :id",
        new=new,
        id=kept.id,
    )
    with engine.begin() as connection:
        values = "on_hand, allocated, reserved, shortfall"
        connection.execute(
            text(f"INSERT INTO stock_levels (product_id, {values}) VALUES (:new, 0, 0, 0, 0)"), {"new": new}
        )
    if is_next == "an edit":
        shop.catalog.edit_product(SYSTEM, kept.id, ProductChanges(price=Money(99, "EUR")))
    copy.update()
    assert (copy.starts, copy.difference, set(copy.products)) == (1, ({}, {}), {kept.id, edited.id, new})
    shop.catalog.edit_product(SYSTEM, new, ProductChanges(name="New"))
    assert [each.product.id for each in copy.pull().products] == [new]
    assert (copy.starts, copy.difference) == (1, ({}, {}))


def test_rows_that_the_feed_lacks_altogether_are_recorded(shop: Shop, engine: Engine, fixtures: Fixtures) -> None:
    """As after the migration, and after somebody emptied the tables."""
    fixtures.product("Lamp")
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM catalog_stamps"))
        connection.execute(text("DELETE FROM catalog_changes"))
    copy = CatalogCopy(shop)
    copy.update()
    assert (len(copy.products), copy.difference) == (1, ({}, {}))


def test_a_pull_between_a_raise_and_its_commit_misses_nothing(
    shop: Shop, copy: CatalogCopy, fixtures: Fixtures, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one who has raised the version holds its lock: others can edit, and commit after it."""
    first, second = fixtures.product("First"), fixtures.product("Second")
    copy.update()
    raised, may_commit, write = threading.Event(), threading.Event(), CatalogVersion.write

    def slow(self: CatalogVersion) -> None:
        write(self)
        if threading.current_thread() is not threading.main_thread() and self.is_changed and not raised.is_set():
            raised.set()
            assert may_commit.wait(30)

    monkeypatch.setattr(CatalogVersion, "write", slow)
    edit = in_background(lambda: shop.catalog.edit_product(SYSTEM, first.id, ProductChanges(name="Slow")))
    assert raised.wait(30)
    copy.update()
    assert copy.difference == ({}, {})
    may_commit.set()
    assert edit.result(30).product.name == "Slow"
    shop.catalog.edit_product(SYSTEM, second.id, ProductChanges(name="Fast"))
    copy.update()
    assert (copy.starts, copy.difference) == (0, ({}, {}))


def test_a_whole_catalog_is_one_version(shop: Shop, copy: CatalogCopy) -> None:
    rows = [ProductDetails(f"SKU-{number}", f"Lamp {number}", Money(100, "EUR")) for number in range(500)]
    shop.catalog.import_products(SYSTEM, rows)
    assert (copy.update(), copy.difference) == (3, ({}, {}))
    shop.catalog.import_products(SYSTEM, [replace(row, price=Money(200, "EUR")) for row in rows])
    copy.limit = 100
    assert (copy.update(), copy.difference) == (5, ({}, {}))
