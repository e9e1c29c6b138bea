"""The contract of orders: kept as they were agreed, and shown only to whom they belong."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, timedelta

import pytest

from shop_core.accounts.model import SYSTEM, Actor
from shop_core.errors import InvalidCursor, NotAllOnHand
from shop_core.money import MINOR_MAX, Money
from shop_core.orders.model import OrderLine, OrderQuery, OrderStatus, Step, total_of
from shop_core.orders.sales import DaySales
from shop_core.pagination import CursorRequest
from shop_core.shop import Shop
from shop_testing.contract import Contract
from shop_testing.fixtures import Fixtures, request


class OrdersContract(Contract):
    """Orders and their lines."""

    def test_an_order_comes_back_as_it_was_added(self, fixtures: Fixtures) -> None:
        lamp, chair = fixtures.product("Lámpara — 真鍮", price=1_250), fixtures.product("Chair", price=99_999_999_999)
        order = fixtures.order({chair: 3, lamp: 1_000_000})
        with fixtures.begin() as uow:
            found = uow.orders.get(order.id)
        assert found == order
        assert [line.product_id for line in found.lines] == [chair.id, lamp.id], "lines keep their order"
        assert found.created_at.utcoffset() == found.updated_at.utcoffset() == timedelta(0)

    def test_an_order_keeps_the_name_and_the_price_that_were_agreed(self, fixtures: Fixtures) -> None:
        lamp = fixtures.product("Lamp", price=1_250)
        order = fixtures.order({lamp: 2})
        with fixtures.begin() as uow:
            uow.products.lock_by_sku([lamp.sku])
            uow.products.update_all([replace(lamp, name="Dear lamp", price=fixtures.money(9_999), version=2)])
        with fixtures.begin() as uow:
            assert uow.orders.get(order.id) == order

    def test_an_order_may_have_two_thousand_lines_and_the_largest_total(self, fixtures: Fixtures) -> None:
        currency = fixtures.adapters.currency
        lines = tuple(
            OrderLine(fixtures.new_id(), f"SKU-{number}", f"Product {number}", fixtures.money(number), number + 1)
            for number in range(2_000)
        )
        long = replace(fixtures.new_order(), lines=lines, total=total_of(lines, currency))
        dear = replace(fixtures.new_order(), total=Money(MINOR_MAX, currency))
        with fixtures.begin() as uow:
            uow.orders.add_all([long, dear])
        with fixtures.begin() as uow:
            assert [uow.orders.get(order.id) for order in (long, dear)] == [long, dear]

    def test_many_orders_are_added_at_once(self, fixtures: Fixtures) -> None:
        orders = [fixtures.new_order() for _ in range(100)]
        with fixtures.begin() as uow:
            uow.orders.add_all(orders)
            uow.orders.add_all([])
        with fixtures.begin() as uow:
            assert [uow.orders.get(order.id) for order in orders] == orders
            assert uow.orders.get_all(order.id for order in orders) == {order.id: order for order in orders}
            assert uow.orders.get_all([fixtures.new_id()]) == uow.orders.get_all([]) == {}

    def test_an_order_of_somebody_else_cannot_be_told_from_one_that_does_not_exist(self, fixtures: Fixtures) -> None:
        order, other = fixtures.order(), fixtures.new_id()
        with fixtures.begin() as uow:
            assert uow.orders.get(order.id, order.customer_id) == order
            assert uow.orders.get(order.id, other) is None
            assert uow.orders.get(fixtures.new_id(), other) is None
            assert uow.orders.get(fixtures.new_id()) is None
        for order_id, customer_id in ((order.id, other), (fixtures.new_id(), None)):
            with fixtures.begin() as uow:
                assert uow.orders.lock(order_id, customer_id) is None
        with fixtures.begin() as uow:
            assert uow.orders.lock(order.id, order.customer_id) == order

    def test_a_step_stores_status_version_and_time_and_touches_no_other_order(self, fixtures: Fixtures) -> None:
        customer_id = fixtures.new_id()
        order, other = fixtures.order(customer_id=customer_id), fixtures.order(customer_id=customer_id)
        confirmed = order.after(Step.CONFIRM, SYSTEM, fixtures.clock())
        with fixtures.begin() as uow:
            uow.orders.lock(order.id)
            uow.orders.update(confirmed)
        with fixtures.begin() as uow:
            assert uow.orders.get(order.id) == confirmed
            assert uow.orders.get(other.id) == other
        assert (confirmed.version, confirmed.created_at) == (2, order.created_at)

    def test_a_shipment_that_is_not_all_there_names_each_product_of_which_units_are_missing(
        self, fixtures: Fixtures, shop: Shop, ada: Actor
    ) -> None:
        lamp, chair = fixtures.product("Lamp", units=3), fixtures.product("Chair", units=2)
        order = shop.orders.place(request(ada, (lamp, 3), (chair, 2)))
        shop.orders.confirm(SYSTEM, order.id)
        for product in (lamp, chair):
            shop.inventory.adjust(SYSTEM, product.id, -2, "a flood")
        with pytest.raises(NotAllOnHand, match=r" Lamp, 1 of 3 units; \S+ Chair, 0 of 2 units") as refused:
            shop.orders.ship(SYSTEM, order.id)
        assert refused.value.message == str(refused.value)
        shop.inventory.receive(SYSTEM, lamp.id, 2)
        with pytest.raises(NotAllOnHand, match=r"on hand: \S+ Chair, 0 of 2 units"):
            shop.orders.ship(SYSTEM, order.id)
        shop.inventory.receive(SYSTEM, chair.id, 2)
        assert shop.orders.ship(SYSTEM, order.id).status is OrderStatus.SHIPPED
        assert shop.audit() == []

    def test_sales_are_summed_by_day_without_what_was_cancelled(self, fixtures: Fixtures) -> None:
        today = fixtures.clock().astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
        yesterday = today - timedelta(hours=1)
        orders = [
            replace(fixtures.order(), id=fixtures.new_id(), created_at=at) for at in (today, yesterday, yesterday)
        ]
        with fixtures.begin() as uow:
            before = uow.orders.sales(today - timedelta(days=1))
            uow.orders.add_all(orders)
            uow.orders.add_all([replace(orders[0], id=fixtures.new_id(), status=OrderStatus.CANCELLED)])
            sales, late = uow.orders.sales(today - timedelta(days=1)), uow.orders.sales(today)
        (of_orders,) = before  # the one that was placed just now
        totals = [order.total.minor for order in orders]
        assert sales == [
            DaySales(yesterday.date(), 2, totals[1] + totals[2]),
            DaySales(today.date(), of_orders.orders + 1, of_orders.total + totals[0]),
        ]
        assert late == sales[1:]
        dear = [replace(each, id=fixtures.new_id(), total=fixtures.money(MINOR_MAX)) for each in orders]
        with fixtures.begin() as uow:
            uow.orders.add_all(dear)
            sales = uow.orders.sales(today - timedelta(days=1))
        assert sales[0].total == totals[1] + totals[2] + 2 * MINOR_MAX, "no order is that dear, but a day may be"

    def test_a_cursor_never_opens_the_orders_of_somebody_else(self, fixtures: Fixtures) -> None:
        ada, grace = fixtures.new_id(), fixtures.new_id()
        for _ in range(4):
            fixtures.order(customer_id=ada)
            fixtures.order(customer_id=grace)
        with fixtures.begin() as uow:
            cursor = uow.orders.page(OrderQuery(ada), CursorRequest(2)).cursor
        try:
            with fixtures.begin() as uow:
                page = uow.orders.page(OrderQuery(grace), CursorRequest(2, cursor))
        except InvalidCursor:
            return  # as good an answer
        assert {order.customer_id for order in page.items} == {grace}
