"""What `is_best_price` claims, against every use of the units of small carts: if it is true, nothing costs less."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from uuid import UUID

import pytest
import test_pricing_laws as laws
from hypothesis import given, settings
from hypothesis import strategies as st

from shop_core.money import Money
from shop_core.pricing.benefits import (
    ORDER_BENEFITS,
    AmountEach,
    BuyXGetY,
    FixedPrice,
    OrderAmount,
    OrderPercent,
    Percent,
    Selection,
)
from shop_core.pricing.cart import Cart, CartLine
from shop_core.pricing.evaluation import price, shortfall
from shop_core.pricing.model import Promotion
from shop_core.pricing.promotion_set import PromotionSet
from shop_core.pricing.rounding import percent_of

X, Y, Z = PRODUCTS = [UUID(int=number) for number in (1, 2, 3)]
Counts = tuple[int, ...]
"""Units of each line."""


def only(*product_ids: UUID) -> Selection:
    return Selection(product_ids=frozenset(product_ids))


def promotion(benefit: object, number: int = 1, **details: object) -> Promotion:
    return Promotion(UUID(int=number), "Offer", benefit, **details)  # type: ignore[arg-type]


def groups(cart: Cart, benefit: BuyXGetY, left: Counts) -> Iterator[tuple[Counts, int]]:
    """What any number of groups can take of these units, and what it saves. The cheapest units are discounted; any may
    be those that are bought.
    """
    bought = cart.select(benefit.selection)
    discounted = cart.select(benefit.selection if benefit.get_selection is None else benefit.get_selection)
    for number in range(1, min(sum(left) // (benefit.buy + benefit.get), benefit.times_max or 99) + 1):
        ways = []
        for off in _choices(left, discounted, number * benefit.get):
            rest = tuple(units - taken for units, taken in zip(left, off, strict=True))
            prices = [cart.prices[line] for line in cart.cheapest_first(discounted) for _ in range(off[line])]
            ways += [(prices, off, buy) for buy in _choices(rest, bought, number * benefit.buy)]
        cheapest = min((prices for prices, _, _ in ways), default=None)
        for prices, off, buy in ways:
            if prices == cheapest:
                saved = sum(percent_of(each, benefit.basis_points) for each in prices)
                yield tuple(map(sum, zip(off, buy, strict=True))), saved


def _choices(left: Counts, lines: frozenset[int], number: int) -> list[Counts]:
    """Each way to choose so many units of these lines."""
    each = [range(min(units, number) + 1 if line in lines else 1) for line, units in enumerate(left)]
    return [chosen for chosen in product(*each) if sum(chosen) == number]


def most_saved(cart: Cart, offers: Sequence[Promotion]) -> int:
    """What the best use of all units saves: each promotion in its turn, or not at all."""
    competing = [offer.benefit for offer in offers if isinstance(offer.benefit, BuyXGetY)]
    single = [0] * len(cart.prices)
    for offer in offers:
        if not isinstance(offer.benefit, (BuyXGetY, *ORDER_BENEFITS)):
            for line in cart.select(offer.benefit.selection):
                single[line] = max(single[line], offer.benefit.off(cart.prices[line]))
    best, open_ends, seen = 0, [(tuple(cart.units), 0, frozenset[int]())], set()
    while open_ends:
        state = left, saved, used = open_ends.pop()
        if state in seen:
            continue
        seen.add(state)
        best = max(best, saved + sum(off * units for off, units in zip(single, left, strict=True)))
        for number, benefit in enumerate(competing):
            if number not in used:
                for taken, off in groups(cart, benefit, left):
                    rest = tuple(units - gone for units, gone in zip(left, taken, strict=True))
                    open_ends.append((rest, saved + off, used | {number}))
    return best


def lowest_total(lines: Sequence[CartLine], promotions: Sequence[Promotion]) -> int:
    """The least that the cart can cost before taxes: all promotions that combine, or one that does not."""
    cart = Cart(lines)
    valid = [offer for offer in promotions if shortfall(offer.condition, cart) == (0, 0)]
    plans = [[offer for offer in valid if offer.combines], *([offer] for offer in valid if not offer.combines)]
    totals = []
    for offers in plans:
        left = sum(cart.totals) - most_saved(cart, offers)
        for _, offer in PromotionSet(offers).concerning(cart.numbers_by_id):
            if isinstance(offer.benefit, ORDER_BENEFITS):
                left -= offer.benefit.off(left)
        totals.append(left)
    return min(totals)


lines = st.builds(
    lambda chosen: [CartLine(id_, unit_price, units) for id_, (unit_price, units) in chosen.items()],
    st.dictionaries(
        st.sampled_from(PRODUCTS),
        st.tuples(st.sampled_from([0, 1, 10, 10, 333, 1000]), st.integers(1, 3)),
        min_size=1,
    ),
)
selections = st.sampled_from([Selection(), only(X), only(Y), only(X, Y), only(Y, Z)])
percents = st.sampled_from([3333, 5000, 6000, 10_000])
amounts = st.sampled_from([1, 9, 150, 600]).map(lambda minor: Money(minor, "EUR"))
competing = st.builds(
    BuyXGetY,
    st.integers(1, 2),
    st.integers(1, 2),
    percents,
    st.sampled_from([1, None]),
    selections,
    st.none() | selections,
)
benefits = st.one_of(
    competing,
    competing,
    st.builds(Percent, percents, selections),
    st.builds(AmountEach, amounts, selections),
    st.builds(FixedPrice, amounts, selections),
    st.builds(OrderPercent, percents),
    st.builds(OrderAmount, amounts),
)
promotions = st.lists(
    st.builds(promotion, benefits, combines=st.sampled_from([True, True, True, False])), min_size=1, max_size=4
).map(laws.numbered)


@settings(max_examples=1000)
@given(lines, promotions)
def test_if_a_price_is_exact_nothing_costs_less(lines: list[CartLine], promotions: list[Promotion]) -> None:
    pricing = price(lines, promotions, includes_tax=True)
    if pricing.is_best_price:
        assert laws.before_taxes(pricing) <= lowest_total(lines, promotions)


@pytest.mark.parametrize(
    ("cart", "offers", "total", "is_best_price"),
    [
        # One group and 60 % off the other Y would come to 810.
        ({X: (10, 2), Y: (1000, 2)}, [BuyXGetY(1, 1), Percent(6000, only(Y))], 820, False),
        ({X: (10, 2), Y: (1000, 2)}, [BuyXGetY(1, 1, times_max=1), Percent(6000, only(Y))], 810, False),
        # To buy Z instead of Y would leave 15 off for Y.
        ({X: (10, 1), Y: (20, 1), Z: (30, 1)}, [BuyXGetY(1, 1), AmountEach(Money(15, "EUR"), only(Y))], 45, False),
        # The units make one group, and no choice.
        ({X: (10, 1), Y: (1000, 1)}, [BuyXGetY(1, 1), Percent(6000, only(Y))], 410, True),
        # Equal units: each group saves the same.
        ({X: (1000, 9)}, [BuyXGetY(2, 1), Percent(1000)], 6000, True),
        # Nobody else wants these units.
        ({X: (10, 3), Y: (1000, 3)}, [BuyXGetY(1, 1, selection=only(X)), Percent(6000, only(Y))], 1220, True),
        # Alone the first would discount the X that costs nothing; after the second it saves a Y.
        (
            {X: (0, 1), Y: (1000, 3)},
            [BuyXGetY(1, 1, times_max=1), BuyXGetY(1, 1, selection=only(X), get_selection=only(Y))],
            1000,
            False,
        ),
    ],
)
def test_a_price_is_exact_only_if_the_units_leave_no_choice(
    cart: dict[UUID, tuple[int, int]], offers: list[object], total: int, is_best_price: bool
) -> None:
    lines = [CartLine(id_, *each) for id_, each in cart.items()]
    pricing = price(lines, [promotion(each, number) for number, each in enumerate(offers)], includes_tax=True)
    assert (pricing.total, pricing.is_best_price) == (total, is_best_price)
