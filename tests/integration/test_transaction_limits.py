"""No transaction holds up the others for long: how long it may wait, work and do nothing. On PostgreSQL."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import cast
from uuid import uuid4

import pytest
from sqlalchemy import Engine, text

from shop_adapters.postgres import PostgresAdapters, make_engine
from shop_adapters.postgres.database import TransactionTimeouts
from shop_adapters.postgres.unit_of_work import PostgresUnitOfWork
from shop_adapters.postgres.watchdog import _EVERY_S
from shop_core import Shop
from shop_core.errors import Unavailable
from shop_testing.concurrency import TIMEOUT_S, in_background, still_waits

SHORT_S = 0.3


def begin(engine: Engine, **seconds: float) -> AbstractContextManager[PostgresUnitOfWork]:
    """A unit of work with these timeouts."""
    adapters = PostgresAdapters(engine, b"the secret of the tests, 32 bytes", timeouts=TransactionTimeouts(**seconds))
    return cast(AbstractContextManager[PostgresUnitOfWork], adapters.begin())


@pytest.fixture
def task(engine: Engine) -> str:
    """A row to fight for."""
    name = uuid4().hex
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO tasks (name) VALUES (:name)"), {"name": name})
    return name


LOCK = text("SELECT name FROM tasks WHERE name = :name FOR UPDATE")


def test_waiting_too_long_for_a_row_is_refused(engine: Engine, task: str) -> None:
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


class Impatient(TransactionTimeouts):
    """The client gives up as soon as the server does."""

    @property
    def answer_s(self) -> float:
        return self.statement_s


def test_an_audit_takes_as_long_as_it_needs(engine: Engine) -> None:
    """A table that is locked stands for a long one."""
    with engine.connect() as connection:
        has_limit = (connection.dialect.server_version_info or ()) >= (17,)  # of whole transactions
    url = engine.url.update_query_dict({"options": f"-c transaction_timeout={SHORT_S}s"} if has_limit else {})
    limited = make_engine(url.render_as_string(hide_password=False))
    timeouts = Impatient(statement_s=SHORT_S, lock_s=TIMEOUT_S)
    adapters = PostgresAdapters(limited, b"the secret of the tests, 32 bytes", timeouts=timeouts)
    with engine.begin() as holder:
        holder.execute(text("LOCK order_events"))
        audit = in_background(Shop(adapters).audit)
        assert still_waits(audit, 3 * SHORT_S + _EVERY_S), "a limit ended it"
    assert audit.result(TIMEOUT_S) == []
    limited.dispose()


def test_a_client_that_froze_gives_its_rows_back(engine: Engine, task: str) -> None:
    """It sleeps with a lock in its hand. The next one gets the row although it never wakes."""
    with pytest.raises(Unavailable):
        _freeze(engine, task)


def _freeze(engine: Engine, task: str) -> None:
    with begin(engine) as frozen:
        frozen._transaction.run(LOCK, {"name": task})
        # Only now, so that a slow start of this test is not taken for a frozen client.
        frozen._transaction.run(text(f"SET LOCAL idle_in_transaction_session_timeout = '{SHORT_S}s'"))
        with begin(engine, lock_s=TIMEOUT_S) as other:
            assert other._transaction.value(LOCK, {"name": task}) == task
        frozen._transaction.run(LOCK, {"name": task})


def test_the_limits_end_with_the_transaction(engine: Engine) -> None:
    names = ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout")
    shown = text("SELECT " + ", ".join(f"current_setting('{name}') AS {name}" for name in names))
    single = make_engine(engine.url.render_as_string(hide_password=False), connections=1)
    with single.begin() as connection:
        before = connection.execute(shown).one()
    with begin(single, lock_s=7, statement_s=9, idle_s=11) as uow:
        assert tuple(uow._transaction.run(shown)[0]) == ("7s", "9s", "11s")
    with single.begin() as connection:
        assert connection.execute(shown).one() == before
    single.dispose()


def test_without_a_free_connection_the_request_is_refused(engine: Engine) -> None:
    url = engine.url.render_as_string(hide_password=False)
    small = make_engine(url, connections=1, wait_s=0.2)
    try:
        with (
            small.connect(),
            pytest.raises(Unavailable, match="every database connection is in use"),
            begin(small),
        ):
            raise AssertionError("there was a second connection")
        with begin(small) as uow:
            assert uow.now()
    finally:
        small.dispose()
