"""Temporary databases for tests, verification and benchmarks.

They are on a temporary server, or on the one that SHOP_TEST_DATABASE_URL names (the URL of a superuser).
"""

from __future__ import annotations

import functools
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, Engine, make_url, text

from shop_adapters.embedded import EmbeddedPostgres
from shop_adapters.ids import uuid7
from shop_adapters.media.memory import MemoryMedia
from shop_adapters.passwords import ScryptPasswords
from shop_adapters.postgres import PostgresAdapters, make_engine
from shop_adapters.postgres.database import TransactionTimeouts
from shop_adapters.postgres.migrate import migrate
from shop_adapters.postgres.schema import metadata
from shop_core.ports import Clock, NewId

SECRET = b"the secret of the tests, 32 bytes"
WRITTEN_BY_MIGRATIONS = ("shop_facts", "tasks", "catalog_version")
PATIENT = TransactionTimeouts(lock_s=600, statement_s=600)
"""For many who want the same rows: their queue is as slow as the machine. A ring ends all the same, after a second
(`deadlock_timeout`): nobody gets out of one by waiting."""


@contextmanager
def temporary_server() -> Iterator[str]:
    """The URL of a server that is gone at the end of the block, or of the one that is named."""
    if url := os.environ.get("SHOP_TEST_DATABASE_URL"):
        yield url
        return
    with tempfile.TemporaryDirectory(prefix="shop-tests-") as folder, EmbeddedPostgres(Path(folder, "data")) as server:
        yield server.url()


def execute(server: str | URL, *statements: str) -> None:
    """Run statements that may not be in a transaction, e.g. CREATE DATABASE."""
    engine = make_engine(make_url(server).render_as_string(hide_password=False), connections=1)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


def drop_database(server: str | URL, name: str) -> None:
    """Whoever uses it."""
    execute(server, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def new_database(server: str | URL, name: str) -> str:
    """The URL of an empty database of that name."""
    drop_database(server, name)
    execute(server, f'CREATE DATABASE "{name}"')
    return make_url(server).set(database=name).render_as_string(hide_password=False)


def migrated_database(server: str | URL, name: str) -> str:
    """The URL of a database of that name with the newest schema, and nothing in it.

    It is copied from one that this process migrates once: that takes a tenth of the time.
    """
    template = _template(make_url(server).render_as_string(hide_password=False))
    drop_database(server, name)
    execute(server, f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    return make_url(server).set(database=name).render_as_string(hide_password=False)


@functools.cache
def _template(server: str) -> str:
    name = f"shop_template_{os.getpid()}"
    engine = make_engine(new_database(server, name), connections=1)
    migrate(engine, "EUR")
    engine.dispose()
    return name


def never_wait_for_the_disk(url: str) -> None:
    """For a database in which nothing crashes: its commits are faster, and more happens at the same time."""
    execute(url, f'ALTER DATABASE "{make_url(url).database}" SET synchronous_commit = off')


@contextmanager
def database(name: str, connections: int = 8) -> Iterator[Engine]:
    """A pool of connections to an empty, migrated database of that name, on a temporary server."""
    with temporary_server() as server:
        url = migrated_database(server, name)
        never_wait_for_the_disk(url)
        engine = make_engine(url, connections=connections, wait_s=30)
        try:
            yield engine
        finally:
            engine.dispose()


def adapters_on(engine: Engine, clock: Clock | None = None, new_id: NewId = uuid7) -> PostgresAdapters:
    """Adapters that go by the clock of the database, unless they are given one."""
    return PostgresAdapters(
        engine, SECRET, clock=clock, new_id=new_id, passwords=ScryptPasswords(n=2**4), media=MemoryMedia()
    )


def empty(engine: Engine) -> None:
    """Delete everything but the schema."""
    tables = (table.name for table in reversed(metadata.sorted_tables) if table.name not in WRITTEN_BY_MIGRATIONS)
    with engine.begin() as connection:
        connection.exec_driver_sql("; ".join(f"DELETE FROM {table}" for table in tables))


def deadlocks(engine: Engine) -> int:
    """How many the database has counted; sessions report what they saw when they end, so the pool is emptied."""
    engine.dispose()
    with engine.connect() as connection:
        count = text("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        return int(connection.execute(count).scalar_one())
