"""The contract of comparing orders: a copy becomes what the orders are, whatever it was."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import reduce
from operator import xor
from random import Random
from uuid import UUID

import pytest

from shop_core.accounts.model import NOBODY, SYSTEM, Actor
from shop_core.errors import Invalid, Unauthenticated
from shop_core.orders.comparison import KnownRange, OrderCopy, OrderDifferences
from shop_core.orders.model import Order, Step
from shop_core.pagination import LIMIT_MAX, CursorRequest
from shop_core.shop import Shop
from shop_testing.contract import Contract
from shop_testing.fixtures import Fixtures, request


@dataclass
class OwnOrders:
    """A copy of somebody's own orders, e.g. on a phone.

    Args:
        size: how many orders a range has.
        limit: how many the shop may name at once; with fewer than `size` it could name the same again and again.
        oldest: where the copy begins.
    """

    shop: Shop
    owner: Actor
    size: int = 100
    limit: int = 1_000
    oldest: UUID | None = None
    orders: dict[UUID, Order] = field(default_factory=dict)

    def compare(self) -> OrderDifferences:
        """Ask once, and take over what differs."""
        ids = sorted(self.orders)
        cuts = [ids[begin : begin + self.size] for begin in range(0, len(ids), self.size)]
        ranges = [KnownRange(each[0], reduce(xor, (self.orders[id_].tag for id_ in each))) for each in cuts]
        found = self.shop.orders.compare(self.owner, OrderCopy(tuple(ranges), self.oldest, self.limit))
        for different in found.ranges:
            named = {order.id: order.tag for order in different.orders}
            for id_ in ids:
                if different.first <= id_ < different.end and id_ not in named:
                    del self.orders[id_]
            for id_, tag in named.items():
                if id_ not in self.orders or self.orders[id_].tag != tag:
                    self.orders[id_] = self.shop.orders.get(self.owner, id_)
        return found

    def update(self) -> int:
        """Ask until nothing differs; returns how often."""
        asked = 1
        while self.compare().ranges:
            asked += 1
        return asked


def own_orders(shop: Shop, owner: Actor) -> dict[UUID, Order]:
    """All of them, by the list."""
    orders: dict[UUID, Order] = {}
    walk: CursorRequest | None = CursorRequest(LIMIT_MAX)
    while walk:
        page = shop.orders.mine(owner, walk)
        orders |= {order.id: order for order in page.items}
        walk = CursorRequest(LIMIT_MAX, page.cursor) if page.cursor else None
    return orders


class OrderComparisonContract(Contract):
    """Copies of orders."""

    @pytest.fixture
    def copy(self, shop: Shop, ada: Actor) -> OwnOrders:
        """Of Ada's orders, in ranges of three."""
        return OwnOrders(shop, ada, size=3)

    def test_a_copy_of_nothing_is_right(self, copy: OwnOrders) -> None:
        assert copy.compare().ranges == ()

    def test_every_change_is_found_and_nothing_else(self, shop: Shop, fixtures: Fixtures, copy: OwnOrders) -> None:
        lamp = fixtures.product("Lamp", units=50)
        orders = [shop.orders.place(request(copy.owner, (lamp, 1))) for _ in range(10)]
        shop.orders.place(request(fixtures.customer(), (lamp, 1)))
        assert [len(each.orders) for each in copy.compare().ranges] == [10]
        assert copy.compare().ranges == ()

        shop.orders.confirm(SYSTEM, orders[4].id)
        (different,) = copy.compare().ranges
        assert [each.id for each in different.orders] == [order.id for order in orders[5:2:-1]]
        shop.orders.delete(copy.owner, orders[9].id)
        (different,) = copy.compare().ranges
        assert different.orders == ()
        newer = shop.orders.place(request(copy.owner, (lamp, 1)))
        (different,) = copy.compare().ranges  # the last range has no end
        assert [each.id for each in different.orders] == [newer.id, *(order.id for order in orders[8:5:-1])]
        assert copy.orders == own_orders(shop, copy.owner)

    def test_a_long_difference_is_told_in_parts_newest_first(
        self, shop: Shop, fixtures: Fixtures, copy: OwnOrders
    ) -> None:
        orders = [fixtures.order(customer_id=copy.owner.account_id) for _ in range(8)]
        copy.limit = 3
        first = copy.compare()
        assert ([each.id for each in first.ranges[0].orders], first.has_more) == (
            [order.id for order in orders[:4:-1]],
            True,
        )
        assert (copy.update(), copy.orders) == (3, own_orders(shop, copy.owner))

    def test_a_copy_may_begin_in_the_middle(self, fixtures: Fixtures, copy: OwnOrders) -> None:
        orders = [fixtures.order(customer_id=copy.owner.account_id) for _ in range(6)]
        copy.oldest = orders[4].id
        copy.update()
        assert set(copy.orders) == {orders[4].id, orders[5].id}

    def test_a_copy_that_is_wrong_in_any_way_is_mended(self, shop: Shop, fixtures: Fixtures, copy: OwnOrders) -> None:
        owner = copy.owner.account_id
        orders = [fixtures.order(customer_id=owner) for _ in range(12)]
        rng = Random(12)
        for _ in range(10):
            wrong = [*rng.sample(orders, 6), *(fixtures.new_order(customer_id=owner) for _ in range(2))]
            copy.orders = {order.id: replace(order, version=rng.choice([1, 1, 2])) for order in wrong}
            copy.limit = rng.randint(1, 6)
            copy.size = rng.randint(1, copy.limit)
            copy.update()
            assert copy.orders == own_orders(shop, copy.owner)

    def test_the_same_version_of_another_time_has_another_tag(self, fixtures: Fixtures) -> None:
        """As after a restore from a backup: what was done since is lost, and done again."""
        order = fixtures.new_order()
        at = order.created_at
        first = order.after(Step.CONFIRM, SYSTEM, at)
        again = order.after(Step.CONFIRM, SYSTEM, at.replace(microsecond=at.microsecond ^ 1))
        assert len({order.tag, first.tag, again.tag}) == 3

    def test_nobody_compares_orders_of_others(self, shop: Shop, fixtures: Fixtures, ada: Actor) -> None:
        fixtures.order()
        assert shop.orders.compare(ada, OrderCopy()).ranges == ()
        with pytest.raises(Unauthenticated):
            shop.orders.compare(NOBODY, OrderCopy())

    def test_ranges_have_rules(self, fixtures: Fixtures) -> None:
        small, large = sorted([fixtures.new_id(), fixtures.new_id()])
        for ranges, oldest, limit, field_ in (
            ([large, small], None, 1, "ranges.1.first"),
            ([small, small], None, 1, "ranges.1.first"),
            ([small], large, 1, "ranges.0.first"),
            ([small], None, 0, "limit"),
            ([small], None, 1_001, "limit"),
            ([UUID(int=n) for n in range(2_001)], None, 1, "ranges"),
        ):
            with pytest.raises(Invalid) as refused:
                OrderCopy(tuple(KnownRange(first, 0) for first in ranges), oldest, limit)
            assert [fault.field for fault in refused.value.faults] == [field_]
