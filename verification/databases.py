"""A database of our own to race on: a temporary server, or one that SHOP_TEST_DATABASE_URL names."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Engine, make_url, text

from shop_adapters.embedded import EmbeddedPostgres
from shop_adapters.ids import uuid7
from shop_adapters.passwords import ScryptPasswords
from shop_adapters.postgres import PostgresAdapters, make_engine
from shop_adapters.postgres.migrate import migrate
from shop_adapters.postgres.schema import metadata
from shop_core.ports import Clock, NewId

_SECRET = b"the secret of the races, 32 byte"


@contextmanager
def database(name: str, connections: int = 8) -> Iterator[Engine]:
    """A pool of connections to an empty, migrated database of that name."""
    with _server() as server_url:
        admin = make_engine(server_url, connections=1)
        with admin.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))
            connection.execute(text(f'CREATE DATABASE "{name}"'))
            # Nothing crashes here; without the wait for the disk more of what races happens in the same time.
            connection.execute(text(f'ALTER DATABASE "{name}" SET synchronous_commit = off'))
        admin.dispose()
        url = make_url(server_url).set(database=name).render_as_string(hide_password=False)
        engine = make_engine(url, connections=connections, wait_s=30)
        try:
            migrate(engine, "EUR")
            yield engine
        finally:
            engine.dispose()


@contextmanager
def _server() -> Iterator[str]:
    if url := os.environ.get("SHOP_TEST_DATABASE_URL"):
        yield url
        return
    with (
        tempfile.TemporaryDirectory(prefix="shop-verification-") as folder,
        EmbeddedPostgres(Path(folder, "data")) as server,
    ):
        yield server.url()


def adapters_on(engine: Engine, clock: Clock | None = None, new_id: NewId = uuid7) -> PostgresAdapters:
    """Adapters that go by the clock of the database, unless they are given one."""
    return PostgresAdapters(engine, _SECRET, clock=clock, new_id=new_id, passwords=ScryptPasswords(n=2**4))


def empty(engine: Engine) -> None:
    """Forget everything but the schema."""
    kept = {"shop_facts", "tasks", "catalog_version"}
    names = ", ".join(f'"{table.name}"' for table in metadata.sorted_tables if table.name not in kept)
    with engine.begin() as connection:
        connection.execute(text(f"TRUNCATE {names}"))


def deadlocks(engine: Engine) -> int:
    """How many the database has counted; sessions report what they saw when they end, so the pool is emptied."""
    engine.dispose()
    with engine.connect() as connection:
        count = text("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        return int(connection.execute(count).scalar_one())
