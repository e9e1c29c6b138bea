"""A connection that is lost, at whatever moment, is 503 for one request, and no other notices."""

from __future__ import annotations

import os
import socket
from contextlib import AbstractContextManager, ExitStack
from typing import Any, cast

import psycopg
import pytest
from psycopg import Connection
from sqlalchemy import Engine, text

from shop_adapters.postgres import PostgresAdapters
from shop_adapters.postgres.database import translate_errors
from shop_adapters.postgres.unit_of_work import PostgresUnitOfWork
from shop_core.errors import Unavailable


def begin(engine: Engine) -> AbstractContextManager[PostgresUnitOfWork]:
    begun = PostgresAdapters(engine, b"the secret of the tests, 32 bytes").begin()
    return cast(AbstractContextManager[PostgresUnitOfWork], begun)


def cut(driver: Any) -> None:
    """What a network does that loses a connection: neither side has said good-bye."""
    with socket.socket(fileno=os.dup(driver.fileno())) as line:
        line.shutdown(socket.SHUT_RDWR)


def driver_of(uow: PostgresUnitOfWork) -> Connection[Any]:
    return uow._transaction._connection


def works(engine: Engine) -> bool:
    with begin(engine) as uow:
        return uow.now().year > 2000


@pytest.mark.parametrize("moment", ["before it is used", "before a statement", "before the commit"])
def test_a_lost_connection_is_a_refusal_to_be_tried_again(engine: Engine, moment: str) -> None:
    assert works(engine)
    if moment == "before it is used":
        pooled = engine.raw_connection()
        cut(pooled.dbapi_connection)
        pooled.close()
    with pytest.raises(Unavailable, match="cannot reach its database"):
        _lose(engine, moment)
    assert works(engine)


def _lose(engine: Engine, moment: str) -> None:
    with begin(engine) as uow:
        cut(driver_of(uow))
        if moment == "before a statement":
            uow.now()


@pytest.mark.parametrize("state", ["25P04", "57P05"])
def test_a_limit_of_the_server_is_a_refusal_to_be_tried_again(engine: Engine, state: str) -> None:
    with pytest.raises(Unavailable), begin(engine) as uow:
        uow._transaction.run(text(f"DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '{state}'; END $$"))


@pytest.mark.parametrize(("state", "expected"), [("25P04", Unavailable), ("57ZZ9", psycopg.OperationalError)])
def test_a_commit_that_the_server_refuses_is_an_error_like_that_of_a_statement(
    engine: Engine, state: str, expected: type[Exception]
) -> None:
    """Also with a state that the driver does not know, as extensions and newer servers have them."""
    with pytest.raises(expected) as raised:
        _commit_what_is_refused(engine, state)
    if not isinstance(raised.value, Unavailable):
        assert getattr(raised.value, "sqlstate", None) == state
    assert works(engine)


def _commit_what_is_refused(engine: Engine, state: str) -> None:
    with begin(engine) as uow:
        for statement in (
            "CREATE TEMP TABLE refused (id int) ON COMMIT DROP",
            "CREATE FUNCTION pg_temp.refuse() RETURNS trigger LANGUAGE plpgsql"
            f" AS $$ BEGIN RAISE EXCEPTION USING ERRCODE = '{state}'; END $$",
            "CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON refused DEFERRABLE INITIALLY DEFERRED"
            " FOR EACH ROW EXECUTE FUNCTION pg_temp.refuse()",
            "INSERT INTO refused VALUES (1)",
        ):
            uow._transaction.run(text(statement))


def test_a_server_that_crashed_as_pgbouncer_tells_it_is_a_refusal_to_be_tried_again() -> None:
    with pytest.raises(Unavailable), translate_errors():
        raise psycopg.errors.ProtocolViolation("server conn crashed?")


def test_a_fault_of_ours_in_the_protocol_is_no_lost_connection(engine: Engine) -> None:
    with pytest.raises(psycopg.errors.ProtocolViolation), begin(engine) as uow:
        uow._transaction.run(text("DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '08P01'; END $$"))


def test_one_lost_connection_is_the_last_to_be_tried_of_its_age(engine: Engine) -> None:
    """A database that was away has cut them all: who comes next must not find out about each by itself."""
    with ExitStack() as held:
        works_at_once = [held.enter_context(begin(engine)) for _ in range(4)]
        drivers = [driver_of(uow) for uow in works_at_once]
    for driver in drivers:
        cut(driver)
    with pytest.raises(Unavailable):
        works(engine)
    assert all(works(engine) for _ in range(4))


def test_a_connection_that_returns_to_a_replaced_pool_is_closed(engine: Engine) -> None:
    """Nobody takes a connection out of the old pool again, so it must not stay open there."""
    with begin(engine) as uow:
        assert uow.now().year > 2000
        driver = driver_of(uow)
        engine.dispose()
        assert not driver.closed
    assert driver.closed
    assert works(engine)
