"""A plan is made when a table is small, and kept while it grows: so no plan of trading may read a whole table.

PostgreSQL rightly reads a table of a page as a whole, and remembers that for the next time, and for the check of each
foreign key. A new shop that sells a thousand orders in its first minute would read ten thousand rows for each line,
until the statistics are renewed.
"""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest
from sqlalchemy import Engine, text
from verification.databases import adapters_on

from shop_core import Actor, CursorRequest, LineRequest, OrderQuery, PlacementRequest, Role, Shop
from shop_core.reservations.model import ReservationRequest
from shop_testing import Fixtures

CUSTOMER = UUID(int=7)
ME = Actor(CUSTOMER, Role.CUSTOMER)
_WHOLE = "SELECT relname, seq_scan FROM pg_stat_user_tables WHERE relname <> 'tasks'"  # which has a row for each task


@pytest.fixture
def engine(new_engine: Callable[..., Engine]) -> Engine:
    """A database with one connection to it, so that its figures are up to date when it is asked for them."""
    return new_engine("shop_that_grows", connections=1)


def _read_whole(engine: Engine) -> dict[str, int]:
    """How often each table was read from its beginning to its end."""
    with engine.begin() as connection:
        connection.execute(text("SELECT pg_stat_force_next_flush()"))
    with engine.begin() as connection:
        return {row.relname: row.seq_scan for row in connection.execute(text(_WHOLE))}


def _trade(shop: Shop, product_id: UUID, round_: int) -> None:
    """All that customers do with orders, and what is done for them."""
    lines = (LineRequest(product_id, 1),)
    placed = shop.orders.place(PlacementRequest(CUSTOMER, lines, key=f"a{round_}"))
    assert shop.orders.place(PlacementRequest(CUSTOMER, lines, key=f"a{round_}")) == placed, "a retry"
    shop.orders.edit(ME, placed.id, (LineRequest(product_id, 2),))
    shop.orders.get(ME, placed.id)
    shop.orders.find(ME, OrderQuery(), CursorRequest(limit=5))
    shop.orders.events(ME, placed.id, CursorRequest(limit=5))
    held = shop.reservations.reserve(ReservationRequest(CUSTOMER, lines, key=f"b{round_}"))
    shop.reservations.get(ME, held.id)
    shop.orders.place(PlacementRequest(CUSTOMER, reservation_id=held.id))
    shop.reservations.release(ME, shop.reservations.reserve(ReservationRequest(CUSTOMER, lines)).id)
    shop.reservations.sweep()
    shop.orders.cancel(ME, placed.id)
    shop.catalog.product(product_id)


def test_trading_in_a_small_shop_reads_no_table_from_end_to_end(engine: Engine) -> None:
    adapters = adapters_on(engine)
    shop, product_id = Shop(adapters), Fixtures(adapters).product(units=10_000).id
    for round_ in range(8):  # also a statement that is planned anew for each of its first calls has its plan then
        _trade(shop, product_id, round_)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("VACUUM ANALYZE"))  # now it is known how small everything is
    before = _read_whole(engine)
    for round_ in range(8, 20):
        _trade(shop, product_id, round_)
    after = _read_whole(engine)
    assert {name: scans - before[name] for name, scans in after.items() if scans > before[name]} == {}
