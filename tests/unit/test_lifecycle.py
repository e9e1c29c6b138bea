"""Start here: the whole life of an order."""

from __future__ import annotations

import pytest

from shop_adapters.memory import MemoryAdapters
from shop_core import (
    SYSTEM,
    LineRequest,
    Money,
    OffsetRequest,
    OrderStatus,
    PlacementRequest,
    ProductDetails,
    ProductQuery,
    Registration,
    Role,
    Shop,
)
from shop_core.errors import IllegalStep, InsufficientStock, OrderNotFound
from shop_core.pagination import CursorRequest
from shop_core.text import search_words


def test_the_life_of_an_order_from_the_shelf_to_the_door() -> None:
    shop = Shop(MemoryAdapters())

    # Grace runs a small shop for lamps. She registers, is made staff, and puts two things on the shelf.
    grace = shop.accounts.register(Registration("grace", "a keel of brass"), actor=SYSTEM, role=Role.STAFF).actor
    lamps = shop.catalog.create_category(grace, "Lamps", "lamps").category
    lantern = shop.catalog.create_product(
        grace, ProductDetails("LAN-01", "Brass lantern", Money.parse("24.90", "EUR"), category_id=lamps.id)
    ).product
    wick = shop.catalog.create_product(
        grace, ProductDetails("WICK-9", "Cotton wick", Money.parse("1.20", "EUR"))
    ).product

    # A crate arrives: five lanterns and a hundred wicks.
    shop.inventory.receive(grace, lantern.id, 5, "crate 17 from Aveiro")
    shop.inventory.receive(grace, wick.id, 100, "crate 17 from Aveiro")

    # Ada and Charles are customers. Ada looks for a lantern and finds it, in stock.
    ada = shop.accounts.register(Registration("ada", "numbers are music")).actor
    charles = shop.accounts.register(Registration("charles", "cogs and levers")).actor
    (found,) = shop.catalog.products(ProductQuery(words=search_words("brass lan")), OffsetRequest()).items
    assert (found.product.name, found.available) == ("Brass lantern", 5)

    # She orders three lanterns and, in two lines, three wicks: one order, each product once, all of it promised to her.
    order = shop.orders.place(
        PlacementRequest(ada.account_id, (LineRequest(wick.id, 2), LineRequest(lantern.id, 3), LineRequest(wick.id, 1)))
    )
    assert order.status is OrderStatus.PLACED
    assert [(line.sku, line.quantity, str(line.total)) for line in order.lines] == [
        ("WICK-9", 3, "3.60"),
        ("LAN-01", 3, "74.70"),
    ]
    assert str(order.total) == "78.30"
    level = shop.inventory.level(grace, lantern.id)
    assert (level.on_hand, level.allocated, level.available) == (5, 3, 2)

    # Charles wants three lanterns as well. Only two can be sold: the refusal says so, and nothing is taken.
    with pytest.raises(InsufficientStock) as sold_out:
        shop.orders.place(PlacementRequest(charles.account_id, (LineRequest(lantern.id, 3),)))
    assert [(short.requested, short.available) for short in sold_out.value.shortages] == [(3, 2)]

    # He takes two, and thinks better of it. His lanterns can be sold again at once.
    second = shop.orders.place(PlacementRequest(charles.account_id, (LineRequest(lantern.id, 2),)))
    assert shop.catalog.product(lantern.id).available == 0
    assert shop.orders.cancel(charles, second.id).status is OrderStatus.CANCELLED
    assert shop.catalog.product(lantern.id).available == 2

    # He cannot see Ada's order, nor find out that there is one.
    with pytest.raises(OrderNotFound):
        shop.orders.get(charles, order.id)

    # Lanterns get dearer. What was agreed stays agreed.
    shop.catalog.import_products(grace, [ProductDetails("LAN-01", "Brass lantern", Money.parse("29.90", "EUR"))])
    assert str(shop.orders.get(ada, order.id).total) == "78.30"

    # Grace confirms the order and ships it. Now the units have left the shelf, and it is too late to cancel.
    shop.orders.confirm(grace, order.id)
    shop.orders.ship(grace, order.id)
    level = shop.inventory.level(grace, lantern.id)
    assert (level.on_hand, level.allocated, level.available) == (2, 0, 2)
    with pytest.raises(IllegalStep, match="You cannot cancel this order: it is already shipped"):
        shop.orders.cancel(ada, order.id)

    # The carrier rings at Ada's door.
    delivered = shop.orders.deliver(grace, order.id)
    assert (delivered.status, delivered.version) == (OrderStatus.DELIVERED, 4)
    assert shop.orders.mine(ada, OffsetRequest()).items == (delivered,)

    # The ledger tells the same story, newest first, and everything adds up.
    ledger = shop.inventory.movements(grace, lantern.id, CursorRequest()).items
    assert [(movement.kind, movement.quantity) for movement in ledger] == [
        ("shipped", 3),
        ("deallocated", 2),
        ("allocated", 2),
        ("allocated", 3),
        ("received", 5),
    ]
    assert shop.audit() == []
