"""The laws of pricing, over generated carts and promotions: gross and net, currencies of 0, 2 and 3 decimals."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from random import Random
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shop_core.catalog.model import Offer
from shop_core.money import Money
from shop_core.orders.totals import cart_of, line_of, taxed_lines, with_discounts
from shop_core.pricing.benefits import (
    EVERYTHING,
    AmountEach,
    BuyXGetY,
    Condition,
    FixedPrice,
    OrderAmount,
    OrderPercent,
    Percent,
    Selection,
)
from shop_core.pricing.cart import CartLine
from shop_core.pricing.evaluation import Pricing, price
from shop_core.pricing.item_stage import TRIED_MAX
from shop_core.pricing.model import Promotion
from shop_core.pricing.order_pricer import OrderPricer
from shop_core.pricing.promotion_set import PromotionSet
from shop_core.pricing.rounding import half_up, refund_share, spread
from shop_core.pricing.rules import Rules, Uses
from shop_core.pricing.taxes import TaxRate

PRODUCTS = [UUID(int=number) for number in range(1, 7)]
TOP, SHIRTS, LAMPS, RED_SHIRTS, OTHER = [UUID(int=number) for number in range(101, 106)]
CATEGORIES = {  # of each product: its category and all above
    PRODUCTS[0]: (RED_SHIRTS, SHIRTS, TOP),
    PRODUCTS[1]: (SHIRTS, TOP),
    PRODUCTS[2]: (LAMPS, TOP),
    PRODUCTS[3]: (TOP,),
    PRODUCTS[4]: (OTHER,),
    PRODUCTS[5]: (RED_SHIRTS, SHIRTS, TOP),
}
RATES = dict(zip(PRODUCTS, [1900, 1900, 700, 0, 550, 2000], strict=True))
PRICES = {
    "JPY": [10, 3, 1, 0, 50, 7],
    "EUR": [1000, 333, 99, 1, 4999, 250],
    "USD": [1999, 5, 1250, 0, 100, 1],
    "KWD": [10_000, 3335, 995, 5, 49_995, 2501],
}


def line(product_id: UUID, quantity: int, currency: str = "EUR") -> CartLine:
    unit_price = PRICES[currency][PRODUCTS.index(product_id)]
    return CartLine(product_id, unit_price, quantity, RATES[product_id], CATEGORIES[product_id])


carts = st.builds(
    lambda currency, units: [line(product_id, count, currency) for product_id, count in units.items()],
    st.sampled_from(sorted(PRICES)),
    st.dictionaries(st.sampled_from(PRODUCTS), st.integers(1, 6), min_size=1),
)
selections = st.one_of(
    st.just(EVERYTHING),
    st.frozensets(st.sampled_from(PRODUCTS), min_size=1, max_size=3).map(lambda ids: Selection(product_ids=ids)),
    st.frozensets(st.sampled_from([TOP, SHIRTS, LAMPS, RED_SHIRTS, OTHER]), min_size=1, max_size=2).map(
        lambda ids: Selection(category_ids=ids)
    ),
)
percents = st.sampled_from([1, 33, 500, 1000, 3333, 5000, 9999, 10_000])
amounts = st.integers(1, 6000).map(lambda minor: Money(minor, "EUR"))
buy_x_get_y = st.builds(
    BuyXGetY,
    st.integers(1, 3),
    st.integers(1, 2),
    percents,
    st.sampled_from([1, 2, None]),
    selections,
    st.none() | selections,
)
benefits = st.one_of(
    st.builds(Percent, percents, selections),
    st.builds(AmountEach, amounts, selections),
    st.builds(FixedPrice, amounts, selections),
    buy_x_get_y,
    buy_x_get_y,
    st.builds(OrderPercent, percents),
    st.builds(OrderAmount, amounts),
)
conditions = st.none() | st.builds(
    Condition,
    st.sampled_from([30, 1000, 3000]).map(lambda minor: Money(minor, "EUR")),
    st.sampled_from([None, 2, 5]),
    selections,
)


def numbered(promotions: list[Promotion]) -> list[Promotion]:
    return [replace(promotion, id=UUID(int=1000 + number)) for number, promotion in enumerate(promotions)]


promotions = st.builds(
    Promotion,
    st.just(UUID(int=1)),
    st.just("offer"),
    benefits,
    conditions,
    combines=st.sampled_from([True, True, False]),
)
few = st.lists(promotions, max_size=5).map(numbered)
many = st.lists(promotions, max_size=12).map(numbered)
overlapping = st.lists(
    st.builds(Promotion, st.just(UUID(int=1)), st.just("offer"), buy_x_get_y), min_size=5, max_size=8
).map(numbered)
modes = st.booleans()


def before_taxes(pricing: Pricing) -> int:
    return pricing.subtotal - sum(discount.amount for discount in pricing.discounts)


def every_sequence_is_tried(offers: list[Promotion]) -> bool:
    return sum(isinstance(offer.benefit, BuyXGetY) for offer in offers) <= TRIED_MAX


def check_sums(cart: list[CartLine], pricing: Pricing, includes_tax: bool) -> None:
    """Laws 1 and 2: no discount below 0 or above its line, and the parts sum to the whole."""
    off: Counter[UUID] = Counter()
    for discount in pricing.discounts:
        assert discount.amount > 0
        off[discount.product_id] += discount.amount
    priced = {line.product_id: line for line in pricing.lines}
    for line in cart:
        full, mine = line.unit_price * line.quantity, priced[line.product_id]
        assert 0 <= off[line.product_id] == mine.discount <= full
        assert mine.net >= 0 <= mine.tax
        assert mine.net + (mine.tax if includes_tax else 0) == full - mine.discount
    assert pricing.subtotal == sum(line.unit_price * line.quantity for line in cart)
    for rate, net, tax in pricing.taxes:
        lines = [priced[line.product_id] for line in cart if line.tax_rate == rate]
        assert (net, tax) == (sum(line.net for line in lines), sum(line.tax for line in lines))
        assert (
            net == half_up((net + tax) * 10_000, 10_000 + rate) if includes_tax else tax == half_up(net * rate, 10_000)
        )
    assert pricing.total == sum(net + tax for _, net, tax in pricing.taxes)
    assert not includes_tax or pricing.total == before_taxes(pricing)


@given(carts, st.one_of(many, overlapping), modes)
def test_discounts_stay_within_their_lines_and_parts_sum_to_the_whole(
    cart: list[CartLine], offers: list[Promotion], includes_tax: bool
) -> None:
    check_sums(cart, price(cart, offers, includes_tax=includes_tax), includes_tax)


@given(carts, st.one_of(many, overlapping), modes, st.randoms())
def test_the_order_of_lines_and_promotions_changes_no_amount(
    cart: list[CartLine], offers: list[Promotion], includes_tax: bool, random: Random
) -> None:
    first = price(cart, offers, includes_tax=includes_tax)
    random.shuffle(cart)
    random.shuffle(offers)
    assert price(cart, offers, includes_tax=includes_tax) == first


@given(carts, few, promotions, modes)
def test_one_promotion_more_never_raises_the_total(
    cart: list[CartLine], offers: list[Promotion], extra: Promotion, includes_tax: bool
) -> None:
    before, after = (
        price(cart, offers, includes_tax=includes_tax),
        price(cart, [*offers, extra], includes_tax=includes_tax),
    )
    if every_sequence_is_tried([*offers, extra]):
        assert before_taxes(after) <= before_taxes(before)


@given(carts, st.one_of(many, overlapping), modes)
def test_no_single_promotion_would_be_better_than_all(
    cart: list[CartLine], offers: list[Promotion], includes_tax: bool
) -> None:
    together = before_taxes(price(cart, offers, includes_tax=includes_tax))
    assert all(together <= before_taxes(price(cart, [offer], includes_tax=includes_tax)) for offer in offers)


@given(carts, few, modes)
def test_other_ids_give_the_same_total(cart: list[CartLine], offers: list[Promotion], includes_tax: bool) -> None:
    turned = [replace(offer, id=UUID(int=2000 - offer.id.int)) for offer in offers]
    first = price(cart, offers, includes_tax=includes_tax)
    assert not every_sequence_is_tried(offers) or before_taxes(
        price(cart, turned, includes_tax=includes_tax)
    ) == before_taxes(first)


@given(carts, few, modes)
def test_the_promotions_that_were_used_give_the_same_price_alone(
    cart: list[CartLine], offers: list[Promotion], includes_tax: bool
) -> None:
    pricing = price(cart, offers, includes_tax=includes_tax)
    used = [offer for offer in offers if offer.id in pricing.amounts]
    if every_sequence_is_tried(offers):
        of_used = price(cart, used, includes_tax=includes_tax)
        assert of_used._replace(is_best_price=pricing.is_best_price) == pricing


@given(carts, few, modes, st.randoms())
def test_some_promotions_of_a_set_give_the_same_price_as_these_alone(
    cart: list[CartLine], offers: list[Promotion], includes_tax: bool, random: Random
) -> None:
    some = random.sample(offers, random.randint(0, len(offers)))
    of_set = PromotionSet(offers).only(offer.id for offer in some)
    assert price(cart, of_set, includes_tax=includes_tax) == price(cart, some, includes_tax=includes_tax)


@given(carts, modes)
def test_lines_to_which_no_promotion_applies_are_taxed_as_the_whole_evaluation_does(
    cart: list[CartLine], includes_tax: bool
) -> None:
    rates = tuple(TaxRate(f"rate-{line.product_id.int}", line.tax_rate) for line in cart)
    pricer = OrderPricer(Rules(includes_tax, (), rates), {}, Uses(), datetime(2026, 11, 28, tzinfo=UTC))
    sold = [
        (Offer(line.product_id, "SKU", "Lamp", Money(line.unit_price, "EUR"), (), rate.tax_class), line.quantity)
        for line, rate in zip(cart, rates, strict=True)
    ]
    lines = [line_of(*each, pricer) for each in sold]
    of_all = pricer.price_order(None, UUID(int=0), cart_of(lines))
    assert taxed_lines(sold, pricer) == with_discounts(lines, of_all.pricing)


@given(times=st.integers(1, 50), buy=st.integers(1, 4), get=st.integers(1, 4))
def test_of_so_many_groups_of_equal_units_all_gets_are_free(times: int, buy: int, get: int) -> None:
    offer = Promotion(UUID(int=1), "offer", BuyXGetY(buy, get))
    cart = [CartLine(PRODUCTS[0], 1000, times * (buy + get))]
    assert price(cart, [offer], includes_tax=True).total == 1000 * times * buy


@given(carts, few, modes, st.randoms())
def test_returns_of_all_units_give_back_what_was_paid_however_they_are_divided(
    cart: list[CartLine], offers: list[Promotion], includes_tax: bool, random: Random
) -> None:
    pricing = price(cart, offers, includes_tax=includes_tax)
    units = {each.product_id: each.quantity for each in cart}
    refunded = 0
    for line in pricing.lines:
        ordered, returned = units[line.product_id], 0
        while returned < ordered:
            count = random.randint(1, ordered - returned)
            for amount in (line.net, line.tax):
                share = refund_share(amount, ordered, returned, count)
                assert share >= 0
                refunded += share
            returned += count
    assert refunded == pricing.total


@given(st.lists(st.integers(0, 10_000)), st.integers(0, 10_000))
def test_shares_sum_up_and_none_is_above_its_weight(weights: list[int], part: int) -> None:
    amount = sum(weights) * part // 10_000
    shares = spread(amount, weights)
    assert sum(shares) == amount
    assert all(0 <= share <= weight for share, weight in zip(shares, weights, strict=True))


def test_a_condition_looks_at_list_prices() -> None:
    """A cent off an item does not take the discount of the order away."""
    order = Promotion(UUID(int=1), "10 off 20", OrderAmount(Money(1000, "EUR")), Condition(Money(2000, "EUR")))
    item = Promotion(UUID(int=2), "a cent off", AmountEach(Money(1, "EUR")))
    assert price([CartLine(PRODUCTS[0], 1000, 2)], [order, item], includes_tax=True).total == 998


@pytest.mark.parametrize(("with_second", "total"), [(False, 101), (True, 120)])
def test_with_net_prices_and_two_rates_one_promotion_more_can_raise_what_is_paid(with_second: bool, total: int) -> None:
    """Law 4 is about the total before taxes: the plan that is cheaper before them can be dearer after."""
    cart = [CartLine(PRODUCTS[0], 100, 1, 2000), CartLine(PRODUCTS[1], 101, 1)]
    free = [
        Promotion(
            UUID(int=n), "free", Percent(10_000, Selection(product_ids=frozenset([line.product_id]))), combines=False
        )
        for n, line in enumerate(cart)
    ]
    assert price(cart, free if with_second else free[:1], includes_tax=False).total == total
