"""The PostgreSQL that tests use: one temporary server a run, one database a kind of test."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy import Engine, make_url, text

from shop_adapters.embedded import EmbeddedPostgres
from shop_adapters.ids import uuid7
from shop_adapters.passwords import ScryptPasswords
from shop_adapters.postgres import PostgresAdapters, make_engine
from shop_adapters.postgres.migrate import migrate
from shop_adapters.postgres.schema import metadata
from shop_core.ports import Clock, NewId

# The same examples in every run, however slow the machine is: what `make test` says depends on the code alone.
# `make test-random` draws others, and more of them.
settings.register_profile("fixed", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("random", deadline=None, max_examples=500, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("fixed")

SECRET = b"the secret of the tests, 32 bytes"

FreshAdapters = Callable[[Clock | None, NewId], PostgresAdapters]
KEPT = ("shop_facts", "tasks", "catalog_version")
"""Tables whose rows the migrations write."""


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A server of our own, gone after the run; or the one that SHOP_TEST_DATABASE_URL names (a superuser's URL)."""
    if url := os.environ.get("SHOP_TEST_DATABASE_URL"):
        yield url
        return
    with tempfile.TemporaryDirectory(prefix="shop-tests-") as folder, EmbeddedPostgres(Path(folder, "data")) as server:
        yield server.url()


@pytest.fixture(scope="session")
def new_database(postgres_url: str) -> Callable[[str], str]:
    """Make an empty database on the server of the tests: its URL."""

    def new(name: str) -> str:
        name += os.environ.get("PYTEST_XDIST_WORKER", "")  # several processes may test on one server
        admin = make_engine(postgres_url, connections=1)
        with admin.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))
            connection.execute(text(f'CREATE DATABASE "{name}"'))
        admin.dispose()
        return make_url(postgres_url).set(database=name).render_as_string(hide_password=False)

    return new


@pytest.fixture(scope="session")
def engine(new_database: Callable[[str], str]) -> Iterator[Engine]:
    """A migrated database, with room for twenty threads."""
    engine = make_engine(new_database("shop_contract"), connections=24, wait_s=30)
    migrate(engine, "EUR")
    yield engine
    engine.dispose()


@pytest.fixture
def fresh_postgres_adapters(engine: Engine) -> FreshAdapters:
    """Adapters on an emptied database, with the given clock (None: the database's) and ids."""

    def fresh(clock: Clock | None, new_id: NewId) -> PostgresAdapters:
        with engine.begin() as connection:
            for table in reversed(metadata.sorted_tables):
                if table.name not in KEPT:
                    connection.execute(table.delete())
        return PostgresAdapters(engine, SECRET, clock=clock, new_id=new_id, passwords=ScryptPasswords(n=2**4))

    return fresh


@pytest.fixture
def postgres_adapters(fresh_postgres_adapters: FreshAdapters) -> PostgresAdapters:
    """Adapters on an emptied database, with its clock and real ids."""
    return fresh_postgres_adapters(None, uuid7)
