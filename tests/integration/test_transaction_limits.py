"""No transaction holds up the others for long: how long it may wait, work and do nothing. On PostgreSQL."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager
from uuid import uuid4

import pytest
from sqlalchemy import Engine, text

from shop_adapters.postgres import PostgresAdapters, make_engine
from shop_adapters.postgres.database import TransactionTimeouts
from shop_adapters.postgres.unit_of_work import PostgresUnitOfWork
from shop_core.errors import Unavailable

SHORT_S = 0.3


def begin(engine: Engine, **seconds: float) -> AbstractContextManager[PostgresUnitOfWork]:
    """A unit of work with these timeouts."""
    return PostgresAdapters(
        engine, b"the secret of the tests, 32 bytes", timeouts=TransactionTimeouts(**seconds)
    ).begin()


@pytest.fixture
def task(engine: Engine) -> str:
    """A row to fight for."""
    name = uuid4().hex
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO tasks (name) VALUES (:name)"), {"name": name})
    return name


LOCK = text("SELECT name FROM tasks WHERE name = :name FOR UPDATE")


def test_who_waits_too_long_for_a_row_is_sent_away(engine: Engine, task: str) -> None:
    with engine.begin() as holder:
        holder.execute(LOCK, {"name": task})
        with (
            pytest.raises(Unavailable, match="works on the same rows"),
            begin(engine, lock_s=SHORT_S) as uow,
        ):
            uow._transaction.run(LOCK, {"name": task})


def test_a_statement_that_takes_too_long_is_ended(engine: Engine) -> None:
    with (
        pytest.raises(Unavailable, match="took too long"),
        begin(engine, statement_s=SHORT_S) as uow,
    ):
        uow._transaction.run(text("SELECT pg_sleep(60)"))


def test_a_client_that_froze_gives_its_rows_back(engine: Engine, task: str) -> None:
    """It sleeps with a lock in its hand. The next one gets the row although it never wakes."""
    with pytest.raises(Unavailable):
        _freeze(engine, task)


def _freeze(engine: Engine, task: str) -> None:
    began = time.monotonic()
    with begin(engine, idle_s=SHORT_S) as frozen:
        frozen._transaction.run(LOCK, {"name": task})
        with begin(engine, lock_s=20) as other:
            other._transaction.run(LOCK, {"name": task})
        assert SHORT_S * 0.9 <= time.monotonic() - began < 10
        frozen._transaction.run(LOCK, {"name": task})


def test_the_limits_end_with_the_transaction(engine: Engine) -> None:
    with begin(engine, statement_s=0.05) as uow:
        uow._transaction.run(text("SELECT 1"))
    with engine.begin() as connection:
        connection.execute(text("SELECT pg_sleep(0.2)"))


def test_who_finds_no_free_connection_is_sent_away_quickly(engine: Engine) -> None:
    url = engine.url.render_as_string(hide_password=False)
    small = make_engine(url, connections=1, wait_s=0.2)
    try:
        began = time.monotonic()
        with (
            small.connect(),
            pytest.raises(Unavailable, match="every database connection is in use"),
            begin(small),
        ):
            raise AssertionError("there was a second connection")
        assert time.monotonic() - began < 2
        with begin(small) as uow:
            assert uow.now()
    finally:
        small.dispose()
