"""Races for what promotions have left."""

from __future__ import annotations

from shop_core.accounts.model import SYSTEM
from shop_core.errors import Invalid
from shop_core.pricing.benefits import Percent, Selection
from shop_core.pricing.model import PromotionDetails
from shop_testing.races.base import Outcomes, Race, RaceFixtures, split


def correction(fixtures: RaceFixtures) -> Race:
    """Staff correct a promotion while two orders are placed."""
    chair, prices = fixtures.product("Chair", units=9, price=10_00), fixtures.shop.prices
    benefit, corrected = (Percent(each, Selection(product_ids=frozenset([chair.id]))) for each in (9000, 900))
    offer = prices.create_promotion(SYSTEM, PromotionDetails("Offer", benefit)).promotion.id

    def check(outcomes: Outcomes) -> None:
        split(outcomes)
        old = [order for name, order in outcomes.items() if name != "correct" and order.discounts[0].version == 1]
        assert len(old) == outcomes["correct"].uses, "the old version was given after the correction"
        fixtures.check()

    return Race(
        {
            "correct": lambda: prices.edit_promotion(SYSTEM, offer, PromotionDetails(benefit=corrected)),
            "ada": fixtures.buys(fixtures.ada, (chair, 1)),
            "bob": fixtures.buys(fixtures.bob, (chair, 1)),
        },
        check,
    )


def lowered_limit(fixtures: RaceFixtures) -> Race:
    """Staff limit a promotion to the uses that it has, while an order is placed and another one is edited."""
    chair, prices = fixtures.product("Chair", units=9, price=10_00), fixtures.shop.prices
    benefit = Percent(1000, Selection(product_ids=frozenset([chair.id])))
    offer = prices.create_promotion(SYSTEM, PromotionDetails("Offer", benefit)).promotion.id
    order = fixtures.buys(fixtures.ada, (chair, 1))()

    def check(outcomes: Outcomes) -> None:
        split(outcomes, Invalid)
        promotion, uses = prices.promotion(SYSTEM, offer)
        assert uses == sum(bool(outcomes[name].discounts) for name in ("edit", "order"))
        assert uses <= (promotion.uses_max or uses)
        fixtures.check()

    return Race(
        {
            "limit": lambda: prices.edit_promotion(SYSTEM, offer, PromotionDetails(uses_max=1)),
            "edit": fixtures.edits(order, (chair, 2)),
            "order": fixtures.buys(fixtures.bob, (chair, 1)),
        },
        check,
    )
