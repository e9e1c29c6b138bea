"""The contract of an edit's prices: it keeps what was agreed, and takes and gives back uses."""

from __future__ import annotations

from typing import Any

import pytest

from shop_core.accounts.model import SYSTEM, Actor
from shop_core.catalog.model import Product
from shop_core.errors import CouponNotUsable
from shop_core.inventory.model import LineRequest
from shop_core.pricing.benefits import Condition, OrderPercent, Percent
from shop_core.pricing.model import PromotionDetails
from shop_core.shop import Shop
from shop_testing.prices import PriceTests, placement


class PriceEditsContract(PriceTests):
    """What an edit of an order does to its promotions, coupons and their uses."""

    def test_an_edit_takes_and_gives_back_uses(self, shop: Shop, ada: Actor, lamp: Product) -> None:
        offer = self.promote(shop, OrderPercent(1000), condition=Condition(units_min=3), uses_max=1)
        order = shop.orders.place(placement(ada, lamp, 3))
        assert (order.total.minor, self.uses(shop, offer)) == (27_00, 1)
        fewer = shop.orders.edit(ada, order.id, [LineRequest(lamp.id, 2)])
        assert (fewer.total.minor, self.uses(shop, offer)) == (20_00, 0)
        grown = shop.orders.edit(ada, order.id, [LineRequest(lamp.id, 4)])
        assert (grown.total.minor, self.uses(shop, offer)) == (36_00, 1)
        assert shop.orders.get(ada, order.id) == grown
        shop.orders.cancel(ada, order.id)
        assert (self.uses(shop, offer), shop.audit()) == (0, [])

    def test_an_edit_may_bring_a_coupon_and_the_same_lines_calculate_nothing(
        self, shop: Shop, ada: Actor, lamp: Product
    ) -> None:
        order = shop.orders.place(placement(ada, lamp, 3))
        offer = self.promote(shop, Percent(1000), "LATER")
        self.promote(shop, Percent(500))
        same = [LineRequest(lamp.id, 3)]
        assert shop.orders.edit(ada, order.id, same) == order
        edited = shop.orders.edit(ada, order.id, same, coupons=["later"])
        assert (edited.total.minor, edited.version, edited.coupons) == (27_00, 2, (("LATER", offer),))
        assert shop.orders.get(ada, order.id) == edited
        assert self.uses(shop, offer) == 1

    def test_of_two_coupons_of_a_promotion_the_last_one_is_used_also_if_an_edit_brings_it(
        self, shop: Shop, ada: Actor, lamp: Product
    ) -> None:
        offer = self.promote(shop, Percent(1000), "FIRST", "SECOND", "ONCE", coupon={"uses_max": 1})
        orders = [shop.orders.place(placement(ada, lamp, 1, *codes)) for codes in (["FIRST", "SECOND"], ["FIRST"])]
        assert self.uses_by_code(shop, offer) == {"FIRST": 1, "SECOND": 1, "ONCE": 0}
        shop.prices.edit_promotion(SYSTEM, offer, PromotionDetails(benefit=Percent(5000)))
        same = [LineRequest(lamp.id, 1)]
        cheaper = shop.orders.edit(ada, orders[0].id, same, coupons=["ONCE"])
        assert (cheaper.total.minor, shop.orders.get(ada, cheaper.id)) == (5_00, cheaper)
        assert self.uses_by_code(shop, offer) == {"FIRST": 1, "SECOND": 0, "ONCE": 1}
        with pytest.raises(CouponNotUsable):
            shop.orders.edit(ada, orders[1].id, same, coupons=["ONCE"])
        assert (self.uses(shop, offer), shop.audit()) == (2, [])
        shop.orders.cancel(ada, cheaper.id)
        assert self.uses_by_code(shop, offer) == {"FIRST": 1, "SECOND": 0, "ONCE": 0}

    def test_an_edit_counts_a_coupon_that_its_order_had_and_did_not_use(
        self, shop: Shop, ada: Actor, lamp: Product
    ) -> None:
        at_three: dict[str, Any] = {"condition": Condition(units_min=3), "coupon": {"uses_max": 1}}
        offer = self.promote(shop, Percent(1000), "ONCE", **at_three)
        orders = [shop.orders.place(placement(ada, lamp, 2, "ONCE")) for _ in range(2)]

        def total(place: int, units: int) -> int:
            return shop.orders.edit(ada, orders[place].id, [LineRequest(lamp.id, units)]).total.minor

        assert (total(0, 3), total(1, 3)) == (27_00, 30_00)
        assert (total(0, 2), total(1, 4), total(0, 3)) == (20_00, 36_00, 30_00)
        assert (self.uses_by_code(shop, offer), shop.audit()) == ({"ONCE": 1}, [])

    def test_an_edit_keeps_its_promotions_within_the_limits_of_today(
        self, shop: Shop, ada: Actor, lamp: Product
    ) -> None:
        offer = self.promote(shop, Percent(1000), condition=Condition(units_min=2))
        used, unused = (shop.orders.place(placement(ada, lamp, units)) for units in (2, 1))
        shop.prices.edit_promotion(SYSTEM, offer, PromotionDetails(uses_max=1))
        two, three = [LineRequest(lamp.id, 2)], [LineRequest(lamp.id, 3)]
        assert shop.orders.edit(ada, unused.id, two).total.minor == 20_00
        assert shop.orders.edit(ada, used.id, three).total.minor == 27_00
        shop.prices.edit_promotion(SYSTEM, offer, PromotionDetails(uses_max=None))
        assert shop.orders.edit(ada, unused.id, three).total.minor == 27_00
        assert (self.uses(shop, offer), shop.audit()) == (2, [])

    def test_an_edit_keeps_to_what_a_customer_may_have_today(self, shop: Shop, ada: Actor, lamp: Product) -> None:
        offer = self.promote(shop, Percent(1000), condition=Condition(units_min=2))
        orders = [shop.orders.place(placement(ada, lamp, 1)) for _ in range(2)]
        shop.prices.edit_promotion(SYSTEM, offer, PromotionDetails(customer_uses_max=1, needs_coupon=True))
        two = [LineRequest(lamp.id, 2)]
        assert [shop.orders.edit(ada, order.id, two).total.minor for order in orders] == [18_00, 20_00]
