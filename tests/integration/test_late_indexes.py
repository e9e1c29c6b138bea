"""Indexes that are built after the migration: beside those who write, and again after an end that nobody wanted."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Engine, text

from shop_adapters.postgres import make_engine
from shop_adapters.postgres.late_indexes import build_indexes
from shop_adapters.postgres.migrate import migrate, upgrade
from shop_testing import in_background

BEFORE, AFTER = "orders_of_customer_by_status_idx", "orders_of_customer_idx"
_INDEXES = text("""
SELECT relname, indisvalid FROM pg_index JOIN pg_class ON oid = indexrelid WHERE relname LIKE 'orders_of_customer%'
""")
_WAITING = text("SELECT count(*) FROM pg_locks WHERE NOT granted")


@pytest.fixture
def empty(new_database: Callable[[str], str]) -> Iterator[Engine]:
    engine = make_engine(new_database("shop_late_indexes"), connections=4)
    yield engine
    engine.dispose()


def _indexes(engine: Engine) -> dict[str, bool]:
    """Their names, and whether each can be used."""
    with engine.connect() as connection:
        return {row.relname: row.indisvalid for row in connection.execute(_INDEXES)}


def test_an_index_is_built_after_the_migration_and_the_one_before_it_goes(empty: Engine) -> None:
    with empty.begin() as connection:
        upgrade(connection, "0017")
    assert _indexes(empty) == {BEFORE: True}
    with empty.begin() as connection:
        upgrade(connection, "0019")
    assert _indexes(empty) == {BEFORE: True}
    migrate(empty, "EUR")
    assert _indexes(empty) == {AFTER: True}


def test_an_index_that_was_left_half_built_is_built_again(empty: Engine) -> None:
    migrate(empty, "EUR")
    with empty.begin() as connection:
        connection.execute(text(f"UPDATE pg_index SET indisvalid = false WHERE indexrelid = '{AFTER}'::regclass"))
    build_indexes(empty)
    assert _indexes(empty) == {AFTER: True}


def test_those_who_write_are_not_held_up_while_an_index_is_built(empty: Engine) -> None:
    migrate(empty, "EUR")
    with empty.begin() as connection:
        connection.execute(text(f"DROP INDEX {AFTER}"))
    touch = text("UPDATE orders SET version = version")
    with empty.connect() as writing:
        writing.execute(touch)
        building = in_background(lambda: build_indexes(empty))
        with empty.connect().execution_options(isolation_level="AUTOCOMMIT") as other:
            while not other.execute(_WAITING).scalar_one():  # it waits for the one who writes
                assert not building.done()
            other.execute(text("SET lock_timeout = 100"))
            other.execute(touch)
        writing.commit()
    building.result(30)
    assert _indexes(empty) == {AFTER: True}


def test_two_who_build_at_the_same_time_build_one(empty: Engine) -> None:
    migrate(empty, "EUR")
    with empty.begin() as connection:
        connection.execute(text(f"DROP INDEX {AFTER}"))
    for building in [in_background(lambda: build_indexes(empty)) for _ in range(2)]:
        building.result(30)
    assert _indexes(empty) == {AFTER: True}
