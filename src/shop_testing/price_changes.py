"""The contract of changes of promotions and tax rates while others work: orders, and other staff."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, cast
from uuid import UUID

import pytest

from shop_core.accounts.model import SYSTEM, Actor
from shop_core.catalog.model import Product
from shop_core.errors import CouponNotUsable, Refusal, TooManyPromotions
from shop_core.ports import Adapters, UnitOfWork
from shop_core.pricing.benefits import Percent
from shop_core.pricing.model import PromotionDetails
from shop_core.pricing.service import PROMOTIONS_MAX
from shop_core.pricing.taxes import TaxRate
from shop_core.shop import Shop
from shop_testing.concurrency import TIMEOUT_S, Rendezvous, in_background, still_waits, together
from shop_testing.fixtures import Altered
from shop_testing.prices import PriceTests, placement

CHANGES: dict[str, Callable[[UnitOfWork, UUID], object]] = {
    "withdraw": lambda uow, offer: uow.prices.withdraw_promotion(offer),
    "correct": lambda uow, offer: change(uow, offer, PromotionDetails(benefit=Percent(900))),
    "once for each customer": lambda uow, offer: change(uow, offer, PromotionDetails(customer_uses_max=1)),
    "with a coupon": lambda uow, offer: change(uow, offer, PromotionDetails(needs_coupon=True)),
}
"""What staff do, once they have locked a promotion."""


def change(uow: UnitOfWork, offer: UUID, details: PromotionDetails) -> None:
    """Store the next version of a promotion."""
    entry = uow.prices.promotion(offer)
    assert entry is not None
    uow.prices.update_promotion(details.edited(entry.promotion))


class PriceChangesContract(PriceTests):
    """What is changed while orders are decided, or by two at once."""

    @pytest.mark.parametrize(
        ("what", "total"),
        [("withdraw", 10_00), ("correct", 9_10), ("once for each customer", 10_00), ("with a coupon", 10_00)],
    )
    def test_an_order_that_waits_for_a_change_of_a_promotion_is_priced_after_it(
        self, adapters: Adapters, shop: Shop, ada: Actor, lamp: Product, what: str, total: int
    ) -> None:
        offer = self.promote(shop, Percent(9000))
        shop.orders.place(placement(ada, lamp, 1))
        with adapters.begin() as uow:
            uow.prices.lock_promotion(offer)
            waiting = in_background(partial(shop.orders.place, placement(ada, lamp, 1)))
            assert still_waits(waiting), "the lock kept nobody out"
            CHANGES[what](uow, offer)
        assert waiting.result(TIMEOUT_S).total.minor == total
        assert shop.audit() == []

    def test_a_coupon_of_a_promotion_that_is_withdrawn_meanwhile_is_refused(
        self, adapters: Adapters, shop: Shop, ada: Actor, lamp: Product
    ) -> None:
        offer = self.promote(shop, Percent(9000), "SUMMER")
        with adapters.begin() as uow:
            uow.prices.lock_promotion(offer)
            waiting = in_background(partial(shop.orders.place, placement(ada, lamp, 1, "SUMMER")))
            assert still_waits(waiting), "the lock kept nobody out"
            uow.prices.withdraw_promotion(offer)
        with pytest.raises(CouponNotUsable):
            waiting.result(TIMEOUT_S)
        assert shop.audit() == []

    def test_a_promotion_that_begins_while_an_order_waits_is_for_the_next_one(
        self, adapters: Adapters, shop: Shop, ada: Actor, lamp: Product
    ) -> None:
        """Its uses are not locked."""
        offer = self.promote(shop, Percent(1000))
        with adapters.begin() as uow:
            uow.prices.lock_promotion(offer)
            waiting = in_background(partial(shop.orders.place, placement(ada, lamp, 1)))
            assert still_waits(waiting), "the lock kept nobody out"
            self.promote(shop, Percent(5000))
        assert waiting.result(TIMEOUT_S).total.minor == 9_00
        assert shop.orders.place(placement(ada, lamp, 1)).total.minor == 5_00
        assert shop.audit() == []

    def test_two_who_add_the_last_promotion_at_once_do_not_both_get_it(self, adapters: Adapters, shop: Shop) -> None:
        meeting = Rendezvous(adapters.clock)

        @contextmanager
        def begin() -> Iterator[Any]:
            with adapters.begin() as uow:

                def add_promotion(promotion: Any) -> None:
                    meeting.meet()
                    uow.prices.add_promotion(promotion)

                yield Altered(uow, prices=Altered(uow.prices, add_promotion=add_promotion))

        for _ in range(PROMOTIONS_MAX - 1):
            self.promote(shop, Percent(1000))
        contended = Shop(cast("Adapters", Altered(adapters, begin=begin)))
        outcomes = together(*[partial(self.promote, contended, Percent(1000)) for _ in range(3)])
        refused = [outcome for outcome in outcomes if isinstance(outcome, Refusal)]
        assert [type(refusal) for refusal in refused] == [TooManyPromotions] * 2

    def test_tax_rates_that_are_set_in_opposite_orders_never_wait_for_each_other_in_a_ring(
        self, adapters: Adapters, shop: Shop
    ) -> None:
        def rates(classes: str, basis_points: int) -> list[TaxRate]:
            return [TaxRate(each, basis_points) for each in classes]

        shop.prices.set_tax_rates(SYSTEM, rates("abm", 1900))
        with adapters.begin() as uow:
            uow.prices.set_tax_rates(rates("m", 1800))
            one = in_background(partial(shop.prices.set_tax_rates, SYSTEM, rates("amb", 1700)))
            still_waits(one)  # where rows are locked: it has the first, and wants the second
            other = in_background(partial(shop.prices.set_tax_rates, SYSTEM, rates("ba", 1600)))
            still_waits(other)
        for future in (one, other):
            future.result(TIMEOUT_S)
        a, b, m = [rate.basis_points for rate in shop.prices.tax_rates(SYSTEM)]
        assert (a, b, m) in {(1600, 1600, 1700), (1700, 1700, 1700)}, "as one of them left it, not a mixture"
