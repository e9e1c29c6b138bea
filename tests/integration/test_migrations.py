"""The schema: made by migrations, the same as the tables in the code, refused when it does not fit."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import CheckConstraint, Engine, text
from verification.server import wait_until

from shop_adapters.postgres import make_engine
from shop_adapters.postgres import migrate as migrating
from shop_adapters.postgres.migrate import (
    MIGRATIONS,
    REVISIONS,
    WORKS_WITH,
    SchemaError,
    check_schema,
    migrate,
    upgrade,
)
from shop_adapters.postgres.schema import metadata
from shop_testing.concurrency import TIMEOUT_S

_COLUMNS = text("""
SELECT table_name, column_name, is_nullable = 'NO' AND column_default IS NULL
FROM information_schema.columns
WHERE table_schema = 'public'
""")


@pytest.fixture
def empty(new_database: Callable[[str], str]) -> Iterator[Engine]:
    engine = make_engine(new_database("shop_migrations"), connections=4)
    yield engine
    engine.dispose()


def test_an_empty_database_becomes_usable_and_a_second_migration_changes_nothing(empty: Engine) -> None:
    with pytest.raises(SchemaError, match=r"empty.*run `shop migrate`"):
        check_schema(empty, "EUR")
    before, after = migrate(empty, "EUR")
    assert before is None
    assert migrate(empty, "EUR") == (after, after)
    check_schema(empty, "EUR")


def test_the_revisions_are_those_of_alembic_in_its_order() -> None:
    script = ScriptDirectory(str(MIGRATIONS))
    assert [one.revision for one in reversed(list(script.walk_revisions()))] == REVISIONS


def test_the_migrations_make_exactly_the_tables_in_the_code(engine: Engine) -> None:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, metadata) == []


def test_the_migrations_make_every_check_of_the_code(engine: Engine) -> None:
    """Alembic does not compare CHECKs, and they are what the promises rest on."""
    in_code = {
        constraint.name
        for table in metadata.sorted_tables
        for constraint in table.constraints
        if isinstance(constraint, CheckConstraint)
    }
    with engine.connect() as connection:
        made = connection.execute(
            text("SELECT conname FROM pg_constraint WHERE contype = 'c' AND connamespace = 'public'::regnamespace")
        )
        assert in_code == set(made.scalars())


def test_a_database_of_a_newer_version_is_refused(empty: Engine) -> None:
    migrate(empty, "EUR")
    with empty.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        connection.execute(text("UPDATE shop_facts SET value = '9998' WHERE name = 'works_with'"))
    for use in (check_schema, migrate):
        with pytest.raises(SchemaError, match=r"9999.*newer.*install"):
            use(empty, "EUR")


def test_a_server_goes_on_beside_newer_ones_if_their_migration_says_so(empty: Engine) -> None:
    migrate(empty, "EUR")
    with empty.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    check_schema(empty, "EUR")
    with pytest.raises(SchemaError, match=r"9999.*newer.*install"):
        migrate(empty, "EUR")


def test_each_migration_works_with_the_versions_before(empty: Engine) -> None:
    """Expand, migrate, contract: what older code reads and writes stays, and nothing new is asked of it."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    needed: dict[tuple[str, str], bool] = {}
    for revision in REVISIONS:
        with empty.begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, revision)
            rows = connection.execute(_COLUMNS).all()
        after = {(table, column): is_needed for table, column, is_needed in rows}
        tables = {table for table, _ in needed}
        if revision > WORKS_WITH:
            assert needed.keys() - after.keys() == set(), f"{revision} takes away what older code uses"
            asked = {key for key, is_needed in after.items() if is_needed and key[0] in tables and not needed.get(key)}
            assert asked == set(), f"{revision} needs what older code does not say: give it a server default"
        needed = after


def test_a_migration_gives_way_to_those_who_use_a_table_and_starts_again(
    empty: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    with empty.begin() as connection:
        upgrade(connection, "0010")
    with empty.connect() as reading:
        reading.execute(text("SELECT FROM orders"))
        monkeypatch.setattr(time, "sleep", lambda _: reading.rollback())
        assert migrate(empty, "EUR") == ("0010", REVISIONS[-1])
        assert not reading.in_transaction(), "it gave way once"


def test_a_deadlock_of_a_migration_and_a_request_ends_the_migration(
    empty: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The request waits for `products` when the migration begins to wait for `orders`, which the request uses. Nobody
    but the migration looks for a deadlock, or gives up."""
    with empty.begin() as connection:
        upgrade(connection, "0010")
        connection.execute(text(f'ALTER DATABASE "{empty.url.database}" SET deadlock_timeout = 60000'))
    empty.dispose()  # the connections that are made from now on have that
    monkeypatch.setattr(migrating, "LOCK_MS", 60_000)
    monkeypatch.setattr(migrating, "PAUSE_S", 0)
    with empty.connect() as holding, empty.connect() as request, ThreadPoolExecutor(2) as threads:
        holding.execute(text("SELECT FROM products"))
        request.execute(text("SELECT FROM orders"))
        migration = threads.submit(migrate, empty, "EUR")
        assert wait_until(lambda: _waiting(empty) == 1, TIMEOUT_S)
        asked = threads.submit(request.execute, text("SELECT FROM products"))
        assert wait_until(lambda: _waiting(empty) == 2, TIMEOUT_S)
        holding.rollback()
        asked.result(TIMEOUT_S)
        request.rollback()
        assert migration.result(TIMEOUT_S) == ("0010", REVISIONS[-1])


def _waiting(engine: Engine) -> int:
    with engine.connect() as connection:
        waiting: int = connection.execute(
            text("SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'products'::regclass")
        ).scalar_one()
    return waiting


def test_a_migration_that_gets_no_table_changes_nothing_and_says_so(
    empty: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(migrating, "TRIES_MAX", 2)
    with empty.begin() as connection:
        upgrade(connection, "0010")
    with empty.connect() as reading:
        reading.execute(text("SELECT FROM orders"))
        with pytest.raises(SchemaError, match=r"in use all the time, nothing was changed"):
            migrate(empty, "EUR")


def test_the_currency_of_a_database_never_changes(empty: Engine) -> None:
    migrate(empty, "EUR")
    for use in (check_schema, migrate):
        with pytest.raises(SchemaError, match=r"in EUR.*set to USD.*SHOP_CURRENCY=EUR"):
            use(empty, "USD")


def test_every_column_is_text_number_time_or_id_without_extension_sequence_or_trigger(engine: Engine) -> None:
    """docs/decisions/0003: what keeps the way to other engines open."""
    with engine.connect() as connection:

        def count(sql: str) -> int:
            return int(connection.execute(text(sql)).scalar_one())

        assert count("SELECT count(*) FROM pg_extension WHERE extname <> 'plpgsql'") == 0
        assert count("SELECT count(*) FROM pg_class WHERE relkind = 'S' AND relnamespace = 'public'::regnamespace") == 0
        assert count("SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal") == 0
        enums = "SELECT count(*) FROM pg_type WHERE typtype = 'e' AND typnamespace = 'public'::regnamespace"
        assert count(enums) == 0
