"""What customers and staff see of prices: worked examples, explanations, and inputs that are refused."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
import test_pricing_laws as laws
from hypothesis import given

from shop_adapters.memory import MemoryAdapters
from shop_core import SYSTEM, LineRequest, Shop
from shop_core.errors import Invalid
from shop_core.money import Money
from shop_core.pricing.benefits import (
    AmountEach,
    Benefit,
    BuyXGetY,
    Condition,
    FixedPrice,
    OrderAmount,
    OrderPercent,
    Percent,
    Selection,
)
from shop_core.pricing.cart import Cart, CartLine
from shop_core.pricing.coupons import coupon_code
from shop_core.pricing.evaluation import candidate_of, price, saves_alone, shortfall
from shop_core.pricing.explanation import WhyNot, explain
from shop_core.pricing.model import Promotion, PromotionDetails
from shop_core.pricing.promotion_set import PromotionSet
from shop_core.pricing.taxes import TaxAmount, TaxRate, tax_rate_at
from shop_http.schemas.orders import QuoteBody
from shop_testing import Fixtures

SHIRT, LAMP, BULB = UUID(int=1), UUID(int=2), UUID(int=3)
LAMPS = UUID(int=10)
NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)


def euros(amount: str) -> Money:
    return Money.parse(amount, "EUR")


def only(*product_ids: UUID) -> Selection:
    return Selection(product_ids=frozenset(product_ids))


def promotion(benefit: Benefit, number: int = 1, label: str = "Offer", **details: object) -> Promotion:
    return Promotion(UUID(int=number), label, benefit, **details)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("benefit", "units", "total"),
    [
        (Percent(1000), {SHIRT: (333, 3)}, 900),  # 33.3 off each, half up: 33
        (AmountEach(euros("5.00")), {SHIRT: (333, 2), LAMP: (1000, 1)}, 500),  # never below zero
        (FixedPrice(euros("2.00"), only(SHIRT, LAMP)), {SHIRT: (333, 1), LAMP: (150, 1)}, 350),  # cheaper stays
        (BuyXGetY(2, 1), {SHIRT: (1000, 7)}, 5000),  # two groups; the seventh is paid
        (BuyXGetY(1, 1), {SHIRT: (1000, 1), LAMP: (300, 1)}, 1000),  # the cheapest is free
        (BuyXGetY(1, 1, 5000, 1), {SHIRT: (1000, 4)}, 3500),  # once, at half price
        (BuyXGetY(1, 1, selection=only(LAMP), get_selection=only(BULB)), {LAMP: (1000, 1), BULB: (200, 3)}, 1400),
        (OrderPercent(3333), {SHIRT: (1, 3)}, 2),
        (OrderAmount(euros("100.00")), {SHIRT: (1000, 1)}, 0),
    ],
)
def test_each_benefit_takes_off_what_it_says(benefit: Benefit, units: dict[UUID, tuple[int, int]], total: int) -> None:
    cart = [CartLine(product_id, unit_price, count) for product_id, (unit_price, count) in units.items()]
    assert price(cart, [promotion(benefit)], includes_tax=True).total == total


def test_gross_prices_hold_their_taxes_and_net_prices_get_them_added() -> None:
    cart = [CartLine(SHIRT, 1000, 1, 1900), CartLine(LAMP, 500, 1, 700)]
    gross, net = price(cart, [], includes_tax=True), price(cart, [], includes_tax=False)
    assert (gross.total, gross.taxes) == (1500, (TaxAmount(700, 467, 33), TaxAmount(1900, 840, 160)))
    assert (net.total, net.taxes) == (1725, (TaxAmount(700, 500, 35), TaxAmount(1900, 1000, 190)))


def test_a_promotion_that_does_not_combine_is_alone_or_not_at_all() -> None:
    cart = [CartLine(SHIRT, 1000, 2)]
    solitary = promotion(Percent(1500), 1, combines=False)
    others = [promotion(Percent(1000), 2), promotion(OrderAmount(euros("2.00")), 3)]
    assert price(cart, [solitary, *others], includes_tax=True).amounts == {UUID(int=2): 200, UUID(int=3): 200}
    assert price(cart, [solitary, others[0]], includes_tax=True).amounts == {UUID(int=1): 300}


@given(laws.carts, laws.many)
def test_a_promotion_that_does_not_concern_a_cart_would_take_nothing_off_it(
    lines: list[CartLine], offers: list[Promotion]
) -> None:
    cart = Cart(lines)
    concerning = {offer.id for _, offer in PromotionSet(offers).concerning(cart.numbers_by_id)}
    for offer in offers:
        if offer.id not in concerning and shortfall(offer.condition, cart) == (0, 0):
            assert not saves_alone(cart, candidate_of(0, offer, cart))


@pytest.mark.parametrize(
    ("offers", "why_not", "missing", "words"),
    [
        (
            [promotion(OrderPercent(1000), condition=Condition(euros("25.00")))],
            "condition_not_met",
            (0, 500),
            "to get it, spend 5.00 EUR more.",
        ),
        (
            [promotion(OrderPercent(1000), condition=Condition(None, 3))],
            "condition_not_met",
            (1, 0),
            "to get it, add 1 more unit.",
        ),
        ([promotion(Percent(1000, only(LAMP)))], "no_selected_product", (0, 0), "other products"),
        ([promotion(BuyXGetY(2, 2))], "too_few_units", (2, 0), "to get it, add 2 more units."),
        ([promotion(FixedPrice(euros("12.00"), only(SHIRT)))], "price_not_lower", (0, 0), "cheaper"),
        (
            [promotion(Percent(1000)), promotion(Percent(2000), 2)],
            "another_promotion_is_better",
            (0, 0),
            "the other discounts save you at least as much",
        ),
        (
            [promotion(BuyXGetY(1, 1, selection=only(SHIRT), get_selection=only(BULB)))],
            "too_few_units",
            (1, 0),
            "to get it, add 1 more unit of the products that it is for.",
        ),
        (
            [promotion(OrderPercent(1), condition=Condition(euros("9.00"), 2, only(LAMP)), needs_coupon=True)],
            "condition_not_met",
            (2, 900),
            "add 2 more units and spend 9.00 EUR more on the products that it is for. Your coupon is not used up.",
        ),
        ([promotion(BuyXGetY(1, 1))], None, (2, 0), "you save 10.00 EUR. To save more, add 2 more units."),
        ([promotion(OrderPercent(1000))], None, (0, 0), "you save 2.00 EUR."),
    ],
)
def test_an_explanation_says_why_and_what_is_missing(
    offers: list[Promotion], why_not: str | None, missing: tuple[int, int], words: str
) -> None:
    cart = [CartLine(SHIRT, 1000, 2)]
    explained = explain(cart, offers, price(cart, offers, includes_tax=True))[0]
    assert explained.why_not == (WhyNot(why_not) if why_not else None)
    assert (explained.missing_units, explained.missing_amount) == missing
    assert words in explained.sentence("EUR")


def test_a_quote_says_whether_another_combination_may_cost_less() -> None:
    adapters = MemoryAdapters()
    shop, fixtures = Shop(adapters), Fixtures(adapters)
    ada, lines = fixtures.customer(), [LineRequest(fixtures.product("Lamp", units=9).id, 9)]
    shop.prices.create_promotion(SYSTEM, PromotionDetails("Offer", BuyXGetY(1, 1)))
    assert QuoteBody.of(shop.orders.quote(ada, lines)).is_best_price
    shop.prices.create_promotion(SYSTEM, PromotionDetails("It wants the same", BuyXGetY(5, 2)))
    assert not QuoteBody.of(shop.orders.quote(ada, lines)).is_best_price


def test_a_promotion_runs_from_its_start_on_and_not_at_its_end() -> None:
    offer = promotion(Percent(1000), starts_at=NOON, ends_at=NOON + timedelta(hours=1))
    instant = timedelta(microseconds=1)
    assert offer.is_running(NOON)
    assert offer.is_running(NOON + timedelta(hours=1) - instant)
    assert not offer.is_running(NOON - instant)
    assert not offer.is_running(NOON + timedelta(hours=1))


def test_a_rate_counts_from_its_instant_on() -> None:
    rates = [TaxRate("standard", 1900), TaxRate("standard", 2000, NOON), TaxRate("reduced", 700)]
    assert [tax_rate_at(rates, "standard", NOON - timedelta(seconds=1)), tax_rate_at(rates, "standard", NOON)] == [
        1900,
        2000,
    ]
    assert tax_rate_at(rates, "unheard-of", NOON) == 0


@pytest.mark.parametrize("text", ["SUMMER10", " summer 10 ", "\uff33ummer10", "Summer\u00a010"])
def test_case_spaces_and_full_width_forms_of_a_code_do_not_matter(text: str) -> None:
    assert coupon_code(text) == "SUMMER10"


@pytest.mark.parametrize("text", ["", "  ", "A" * 300, "S\u0406MMER", "50%", "\u0000"])
def test_a_code_of_other_signs_or_lengths_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        coupon_code(text)
    assert refused.value.faults[0].field == "code"


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: Percent(10_001), "benefit.percent"),
        (lambda: OrderPercent(0), "benefit.percent"),
        (lambda: AmountEach(euros("0")), "benefit.amount"),
        (lambda: OrderAmount(euros("-1")), "benefit.amount"),
        (lambda: FixedPrice(euros("-1"), only(SHIRT)), "benefit.price"),
        (lambda: BuyXGetY(0, 1), "benefit.buy"),
        (lambda: BuyXGetY(1, 1, times_max=0), "benefit.max_times"),
        (lambda: Selection(frozenset()), "products"),
        (lambda: Selection(category_ids=frozenset()), "categories"),
        (lambda: Selection(frozenset([SHIRT]), frozenset([LAMPS])), "products"),
        (lambda: Condition(), "condition"),
        (lambda: Condition(euros("0")), "condition.min_total"),
        (lambda: Condition(units_min=0), "condition.min_units"),
        (lambda: promotion(Percent(1), label=""), "label"),
        (lambda: promotion(Percent(1), starts_at=NOON, ends_at=NOON), "ends_at"),
        (lambda: promotion(Percent(1), starts_at=NOON.replace(tzinfo=None)), "starts_at"),
        (lambda: promotion(Percent(1), uses_max=0), "max_uses"),
        (lambda: TaxRate("standard", 10_001), "rate"),
        (lambda: TaxRate("Standard Rate", 1), "tax_class"),
        (lambda: price([CartLine(SHIRT, 1, 1), CartLine(SHIRT, 1, 2)], [], includes_tax=True), "lines"),
    ],
)
def test_what_breaks_a_rule_is_refused_and_the_field_is_named(make: Callable[[], object], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        make()
    assert refused.value.faults[0].field == field
