"""`shop backup` and `shop restore`: everything comes back, or nothing changes."""

from __future__ import annotations

import io
import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from sqlalchemy import Engine, make_url, text
from verification.shop_process import SHOP, environment, shop

from shop_adapters.postgres import PostgresAdapters, make_engine
from shop_adapters.postgres.backup import BackupError, _clear, back_up, restore
from shop_adapters.postgres.migrate import REVISIONS, SchemaError, lock_schema, revision_of, upgrade
from shop_adapters.postgres.schema import metadata
from shop_core import (
    SYSTEM,
    LineRequest,
    Money,
    PlacementRequest,
    ProductChanges,
    ProductDetails,
    Registration,
    Shop,
)
from shop_testing import CatalogCopy

SECRET = b"a secret for tests, of more than 32 bytes"
UNITS = 10
NAMES = [table.name for table in metadata.sorted_tables]


@pytest.fixture(scope="module")
def full(migrated_database: Callable[[str], str]) -> Iterator[Engine]:
    """The database of a shop that sold something, and holds something."""
    engine = make_engine(migrated_database("backup_full"), connections=2)
    fill(Shop(PostgresAdapters(engine, SECRET)))
    yield engine
    engine.dispose()


def fill(shop: Shop) -> PlacementRequest:
    details = ProductDetails(
        "MUG-1", "Mug \\N \N{SNOWMAN}", Money.parse("12.50", "EUR"), 'Two\nlines, a \\ and "quotes"'
    )
    mug = shop.catalog.create_product(SYSTEM, details).product
    shop.inventory.receive(SYSTEM, mug.id, UNITS)
    ada = shop.accounts.register(Registration("ada", "numbers are music")).actor
    shop.orders.place(PlacementRequest(ada.account_id, (LineRequest(mug.id, 2),)))
    return PlacementRequest(ada.account_id, (LineRequest(mug.id, 1),))


@pytest.fixture(scope="module")
def backup(full: Engine) -> bytes:
    back_up(full, file := io.BytesIO())
    return file.getvalue()


@pytest.fixture
def empty(new_database: Callable[[str], str]) -> Iterator[Engine]:
    engine = make_engine(new_database("backup_empty"), connections=1)
    yield engine
    engine.dispose()


def rows(engine: Engine) -> dict[str, list[Any]]:
    """Everything in a database, by table."""
    with engine.connect() as connection:
        there = [name for name in NAMES if connection.execute(text(f"SELECT to_regclass('{name}')")).scalar()]
        return {
            name: sorted(connection.execute(text(f"SELECT CAST(t AS text) FROM {name} t")).scalars()) for name in there
        }


def test_what_is_restored_is_what_was_backed_up(full: Engine, backup: bytes, empty: Engine) -> None:
    manifest = restore(empty, io.BytesIO(backup), "EUR")
    assert rows(empty) == rows(full)
    assert manifest.rows == sum(map(len, rows(full).values()))
    shop = Shop(PostgresAdapters(empty, SECRET))
    assert shop.audit() == []
    assert shop.sessions.log_in("ada", "numbers are music")


@pytest.mark.parametrize("setting", ["datestyle = 'SQL, DMY'", "client_encoding = 'LATIN1'"])
def test_a_backup_is_the_same_whatever_the_sessions_of_a_database_begin_with(
    full: Engine, backup: bytes, migrated_database: Callable[[str], str], empty: Engine, setting: str
) -> None:
    engine = make_engine(migrated_database("backup_other"), connections=1)
    _execute(engine, f'ALTER DATABASE "{engine.url.database}" SET {setting}')
    restore(engine, io.BytesIO(backup), "EUR")
    back_up(engine, file := io.BytesIO())
    _execute(engine, f'ALTER DATABASE "{engine.url.database}" RESET ALL')
    assert rows(engine) == rows(full)
    restore(empty, file, "EUR")
    assert rows(empty) == rows(full)
    engine.dispose()


def _execute(engine: Engine, statement: str) -> None:
    """For sessions that begin after it."""
    with engine.begin() as connection:
        connection.execute(text(statement))
    engine.dispose()


def test_a_copy_of_the_catalog_learns_that_changes_were_lost(full: Engine, backup: bytes, empty: Engine) -> None:
    """A copy from before the backup goes on; one that has changes that came after it begins anew."""
    shop = Shop(PostgresAdapters(empty, SECRET))
    old, current = CatalogCopy(Shop(PostgresAdapters(full, SECRET))), CatalogCopy(shop)
    old.update()
    restore(empty, io.BytesIO(backup), "EUR")
    old.shop = shop
    (mug,) = old.products
    shop.catalog.edit_product(SYSTEM, mug, ProductChanges(name="Lost"))
    current.update()
    restore(empty, io.BytesIO(backup), "EUR", replace=True)
    shop.catalog.edit_product(SYSTEM, mug, ProductChanges(description="The next edit has the same version"))
    old.update()
    current.update()
    assert (old.starts, old.difference, current.starts, current.difference) == (0, ({}, {}), 1, ({}, {}))


def test_a_backup_is_of_one_moment_while_orders_are_placed(
    migrated_database: Callable[[str], str], empty: Engine
) -> None:
    engine = make_engine(migrated_database("backup_busy"), connections=2)
    shop = Shop(PostgresAdapters(engine, SECRET))
    request = fill(shop)

    def place(done: int, _: int) -> None:
        """Before each table one more order is placed: without one moment for all, order and stock would differ."""
        if done < UNITS - 2:
            shop.orders.place(request)

    back_up(engine, file := io.BytesIO(), place)
    engine.dispose()
    restore(empty, file, "EUR")
    restored = Shop(PostgresAdapters(empty, SECRET))
    assert restored.audit() == []
    assert len(rows(empty)["orders"]) == 1


def test_a_backup_of_an_older_version_is_brought_to_this_one(new_database: Callable[[str], str], empty: Engine) -> None:
    old = make_engine(new_database("backup_old"), connections=1)
    with old.begin() as connection:
        lock_schema(connection)
        upgrade(connection, "0005")
        connection.execute(text("INSERT INTO shop_facts (name, value) VALUES ('currency', 'EUR')"))
    back_up(old, file := io.BytesIO())
    old.dispose()
    restore(empty, file, "EUR")
    with empty.connect() as connection:
        assert revision_of(connection) == REVISIONS[-1]
    assert Shop(PostgresAdapters(empty, SECRET)).audit() == []


def changed(backup: bytes, change: Callable[[dict[str, Any]], None]) -> bytes:
    """The backup with another manifest."""
    with ZipFile(io.BytesIO(backup)) as archive, ZipFile(file := io.BytesIO(), "w") as other:
        for name in archive.namelist():
            data = archive.read(name)
            if name == "manifest.json":
                change(said := json.loads(data))
                data = json.dumps(said).encode()
            other.writestr(name, data)
    return file.getvalue()


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "cut off": lambda backup: backup[: len(backup) // 2],
    "nothing": lambda _: b"",
    "a byte differs": lambda backup: _bitten(backup),
    "another archive": lambda _: _archive(),
    "a table is missing": lambda backup: changed(backup, lambda said: said["tables"][3].update(name="orders2")),
    "rows are missing": lambda backup: changed(backup, lambda said: said["tables"][-1].update(rows=99)),
    "of a newer version": lambda backup: changed(backup, lambda said: said.update(revision="9999")),
}


def _bitten(backup: bytes) -> bytes:
    """With another byte in the middle of a table."""
    with ZipFile(io.BytesIO(backup)) as archive:
        table = archive.getinfo("tables/orders")
    place = table.header_offset + 30 + len(table.filename) + 20 + table.compress_size // 2  # 20: of 64 bits
    return backup[:place] + bytes([backup[place] ^ 1]) + backup[place + 1 :]


def _archive() -> bytes:
    with ZipFile(file := io.BytesIO(), "w") as archive:
        archive.writestr("x", "y")
    return file.getvalue()


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_file_that_is_damaged_changes_nothing(damage: str, backup: bytes, empty: Engine) -> None:
    with pytest.raises(BackupError, match=r"damaged|newer version"):
        restore(empty, io.BytesIO(DAMAGES[damage](backup)), "EUR")
    assert rows(empty) == {}


def test_a_shop_with_data_is_replaced_only_if_that_is_said(
    full: Engine, backup: bytes, migrated_database: Callable[[str], str]
) -> None:
    url = migrated_database("backup_other")
    other = make_engine(url, connections=1)
    Shop(PostgresAdapters(other, SECRET)).accounts.register(Registration("grace", "a long password"))
    before = rows(other)
    with pytest.raises(BackupError, match="has data"):
        restore(other, io.BytesIO(backup), "EUR")
    assert rows(other) == before
    user = make_engine(url, connections=1)
    with user.connect(), pytest.raises(BackupError, match="in use by 1 other"):
        restore(other, io.BytesIO(backup), "EUR", replace=True)
    user.dispose()
    with pytest.raises(SchemaError, match="SHOP_CURRENCY=EUR"):
        restore(other, io.BytesIO(backup), "USD", replace=True)
    assert rows(other) == before
    restore(other, io.BytesIO(backup), "EUR", replace=True)
    assert rows(other) == rows(full)
    other.dispose()


def test_a_role_that_may_not_read_the_statistics_of_others_sees_that_they_use_the_database(
    migrated_database: Callable[[str], str],
) -> None:
    url = make_url(migrated_database("backup_roles"))
    owner = make_engine(url.render_as_string(hide_password=False), connections=1)
    with owner.begin() as connection:
        connection.execute(text("CREATE ROLE plain_owner LOGIN PASSWORD 'of the tests'"))
    plain_url = url.set(username="plain_owner", password="of the tests").render_as_string(hide_password=False)
    plain = make_engine(plain_url, connections=1)
    with owner.connect(), plain.begin() as connection, pytest.raises(BackupError, match="in use by 1 other"):
        _clear(connection, replace=True)
    plain.dispose()
    with owner.begin() as connection:
        connection.execute(text("DROP ROLE plain_owner"))
    owner.dispose()


def test_the_commands_say_what_they_did_and_leave_nothing_behind_when_they_cannot(
    full: Engine, new_database: Callable[[str], str], tmp_path: Path
) -> None:
    env = environment(
        SHOP_DATABASE_URL=full.url.set(drivername="postgresql").render_as_string(hide_password=False),
        SHOP_SECRET_KEY=SECRET.decode(),
    )
    limited = subprocess.run(
        ["sh", "-c", f'ulimit -f 1; exec "{SHOP}" backup "{tmp_path}"'], env=env, check=False, capture_output=True
    )
    assert limited.returncode == 1
    assert limited.stderr.count(b"\n") == 1
    assert list(tmp_path.iterdir()) == []
    made = shop("backup", str(tmp_path / "all.zip"), env=env)
    assert made.returncode == 0, made.stderr
    assert (tmp_path / "all.zip").stat().st_mode & 0o777 == 0o600
    again = shop("backup", str(tmp_path / "all.zip"), env=env)
    assert f"{tmp_path / 'all.zip'} is there already: name another file" in again.stderr
    other = env | {"SHOP_DATABASE_URL": new_database("backup_command")}
    back = shop("restore", str(tmp_path / "all.zip"), env=other)
    assert back.returncode == 0, back.stderr
    assert back.stdout.endswith("Everything adds up.\n")
