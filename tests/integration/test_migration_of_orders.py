"""Orders that were placed before they had numbers and timelines get both."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

from alembic import command
from sqlalchemy import text

from shop_adapters.ids import uuid7
from shop_adapters.postgres import PostgresAdapters, make_engine
from shop_adapters.postgres.migrate import _config, migrate
from shop_core import SYSTEM, OffsetRequest, OrderQuery, Shop

NIGHT = datetime(2026, 11, 21, 23, 59, 59, tzinfo=UTC)
OLD = [("placed", 1), ("confirmed", 2), ("shipped", 3), ("delivered", 4), ("cancelled", 2), ("cancelled", 3)]


def test_old_orders_get_their_numbers_and_the_events_that_their_status_tells_of(
    new_database: Callable[[str], str],
) -> None:
    engine = make_engine(new_database("shop_old_orders"), connections=2)
    ids: list[UUID] = [uuid7() for _ in OLD]
    with engine.begin() as connection:
        command.upgrade(_config(connection), "0001")
        for order_id, (status, version) in zip(ids, OLD, strict=True):
            row = {"id": order_id, "status": status, "version": version, "at": NIGHT}
            connection.execute(
                text("INSERT INTO orders VALUES (:id, :id, :status, 5, :version, :at, :at)"),
                row,
            )
            connection.execute(
                text("INSERT INTO order_lines VALUES (:id, :id, 1, :id, 'S', 'Lamp', 5, 1)"),
                row,
            )
    migrate(engine, "EUR")
    shop = Shop(PostgresAdapters(engine, b"the secret of the tests, 32 bytes"))
    for order_id in ids:
        order = shop.orders.get(SYSTEM, order_id)
        assert shop.orders.find(SYSTEM, OrderQuery(number=order.number), OffsetRequest()).items == (order,)
    kinds = [[event.kind for event in shop.orders.events(SYSTEM, order_id, OffsetRequest()).items] for order_id in ids]
    assert kinds == [
        ["placed"],
        ["placed", "confirmed"],
        ["placed", "confirmed", "shipped"],
        ["placed", "confirmed", "shipped", "delivered"],
        ["placed", "cancelled"],
        ["placed", "confirmed", "cancelled"],
    ]
    assert not [found for found in shop.audit() if found.what.startswith("order")]
    engine.dispose()
