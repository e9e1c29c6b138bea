"""Times are UTC and an order has one number, whatever time zone the database is in."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, text
from verification.databases import adapters_on

from shop_core import (
    SYSTEM,
    Actor,
    LineRequest,
    Money,
    OffsetRequest,
    OrderQuery,
    PlacementRequest,
    ProductDetails,
    Role,
    Shop,
)


def test_an_order_is_found_by_the_number_that_its_customer_was_shown(new_engine: Callable[..., Engine]) -> None:
    engine = new_engine("shop_kiritimati")
    with engine.begin() as connection:
        connection.execute(text(f"ALTER DATABASE \"{engine.url.database}\" SET timezone = 'Pacific/Kiritimati'"))
    engine.dispose()
    late = datetime(2026, 1, 31, 23, 0, tzinfo=UTC)
    adapters = adapters_on(engine, lambda: late)
    shop = Shop(adapters)
    lamp = shop.catalog.create_product(SYSTEM, ProductDetails("LAMP", "Lamp", Money(100, "EUR"))).product
    shop.inventory.receive(SYSTEM, lamp.id, 1)
    ada = Actor(adapters.new_id(), Role.CUSTOMER)
    order = shop.orders.place(PlacementRequest(ada.account_id, (LineRequest(lamp.id, 1),)))
    read = shop.orders.get(ada, order.id)
    assert (read, read.number) == (order, order.number)
    assert read.created_at.utcoffset() == timedelta(0)
    assert shop.orders.find(ada, OrderQuery(number=order.number), OffsetRequest()).items == (order,)
