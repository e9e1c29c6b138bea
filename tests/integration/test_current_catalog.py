"""The question before each response of the read model: which catalog is it, and how many units are there?"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable, Hashable, Iterator
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import Engine, text
from verification.databases import SECRET

from shop_adapters.passwords import ScryptPasswords
from shop_adapters.postgres import PostgresAdapters, make_engine
from shop_adapters.postgres.current_catalog import CurrentCatalog
from shop_core import Product
from shop_testing import Fixtures

TWO, THREE = bytes([0, 0, 0, 2]), bytes([0, 0, 0, 3])
MISSING = UUID("01930000-0000-7000-8000-000000000001")


def ids_of(*products: UUID) -> bytes:
    """As they are asked for."""
    return b"".join(id_.bytes for id_ in products)


@pytest.fixture(scope="module")
def engine(migrated_database: Callable[[str], str]) -> Iterator[Engine]:
    """Of a database of its own."""
    engine = make_engine(migrated_database("shop_current_stock"), connections=5)
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def products(engine: Engine) -> list[Product]:
    """Three, with 1, 2 and 3 units."""
    fixtures = Fixtures(PostgresAdapters(engine, SECRET, passwords=ScryptPasswords(2**4)))
    return [fixtures.product(units=units) for units in (1, 2, 3)]


@pytest.fixture(params=[5, None], ids=["prepared", "through a pool of transactions"])
def current_catalog(engine: Engine, request: pytest.FixtureRequest) -> Iterator[CurrentCatalog]:
    """Connected when it is asked first."""
    current_catalog = CurrentCatalog(engine, prepare_threshold=request.param)
    yield current_catalog
    asyncio.run(current_catalog.close())


def test_units_come_in_the_order_of_the_ids_and_less_than_none_for_what_is_missing(
    current_catalog: CurrentCatalog, products: list[Product]
) -> None:
    one, two, three = (product.id for product in products)
    asked = ids_of(three, MISSING, one, two, three)
    token, snapshot, units = asyncio.run(current_catalog(asked))
    assert struct.unpack(">5i", units) == (3, -1, 1, 2, 3)
    assert asyncio.run(current_catalog()) == (token, snapshot, b"")


def test_the_snapshot_is_another_one_after_each_change(
    current_catalog: CurrentCatalog, engine: Engine, products: list[Product]
) -> None:
    def snapshot() -> Hashable:
        return asyncio.run(current_catalog())[1]

    snapshots = [snapshot()]
    for _ in range(3):
        with engine.begin() as connection:
            connection.execute(text("UPDATE stock_levels SET on_hand = on_hand"))
        snapshots.append(snapshot())
    assert len(set(snapshots)) == 4
    # Other databases of the server count as well, so that it may take several tries.
    assert any(snapshot() == snapshot() for _ in range(1_000)), "it is the same one as long as nothing changes"


def test_more_ids_than_a_socket_takes_at_once_are_answered(
    current_catalog: CurrentCatalog, products: list[Product]
) -> None:
    count = 30_000  # 1 MB
    *_, units = asyncio.run(current_catalog(ids_of(products[1].id) * count))
    assert units == TWO * count


def test_a_lost_connection_is_an_error_and_after_it_the_catalog_counts_as_another_one(
    current_catalog: CurrentCatalog, engine: Engine
) -> None:
    before, *_ = asyncio.run(current_catalog())
    with engine.begin() as connection:
        connection.execute(text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid != pg_backend_pid()"
                                " AND datname = current_database()"))  # fmt: skip
    with pytest.raises(psycopg.OperationalError):
        asyncio.run(current_catalog())
    after, *_ = asyncio.run(current_catalog())
    assert after != before


def test_a_question_that_fails_leaves_no_connection_behind(current_catalog: CurrentCatalog, engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE catalog_stamps RENAME TO elsewhere"))
    try:
        for _ in range(5):
            with pytest.raises(psycopg.errors.UndefinedTable, match="catalog_stamps"):
                asyncio.run(current_catalog())
    finally:
        with engine.begin() as connection:
            connection.execute(text("ALTER TABLE elsewhere RENAME TO catalog_stamps"))
    with engine.begin() as connection:
        others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid != pg_backend_pid()"
        assert connection.execute(text(others)).scalar_one() == 0


@pytest.mark.usefixtures("products")
def test_after_an_error_of_the_session_the_next_question_is_answered(current_catalog: CurrentCatalog) -> None:
    before, *_ = asyncio.run(current_catalog())
    assert current_catalog._cursor is not None
    current_catalog._cursor.connection.pgconn.exec_(b"SET search_path TO nowhere")  # e.g. by a pooler
    with pytest.raises(psycopg.ProgrammingError):
        asyncio.run(current_catalog())
    assert asyncio.run(current_catalog())[0] != before


def test_whoever_is_cancelled_leaves_no_answer_for_the_next_question(
    current_catalog: CurrentCatalog, products: list[Product]
) -> None:
    async def cancel_and_ask() -> bytes:
        await current_catalog()
        cancelled = asyncio.ensure_future(current_catalog(ids_of(products[0].id)))
        await asyncio.sleep(0)
        cancelled.cancel()
        await asyncio.gather(cancelled, return_exceptions=True)
        *_, units = await current_catalog(ids_of(products[2].id))
        return units

    assert asyncio.run(cancel_and_ask()) == THREE
