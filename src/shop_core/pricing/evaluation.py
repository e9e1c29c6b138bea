"""What a cart costs: one pure function, used alike by quote, place and edit.

1. Conditions look at list prices.
2. Item stage: see `item_stage`.
3. Order stage, on what is left: every promotion that combines, percents from the smallest on, then amounts.
4. The plan with the lowest total before taxes wins: all that combine, or one that does not, alone.
5. Taxes last, once for each rate.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple
from uuid import UUID

from shop_core.errors import Fault, Invalid
from shop_core.money import MINOR_MAX
from shop_core.pricing.benefits import ORDER_BENEFITS, BuyXGetY, Condition
from shop_core.pricing.cart import Cart, CartLine
from shop_core.pricing.item_stage import Candidate, Part, item_discounts
from shop_core.pricing.model import Promotion
from shop_core.pricing.promotion_set import PromotionSet
from shop_core.pricing.rounding import spread
from shop_core.pricing.taxes import TaxAmount, taxes_of

_NOTHING: frozenset[int] = frozenset()


class Discount(NamedTuple):
    """What one promotion took off one line, as it is kept with the order."""

    product_id: UUID
    promotion_id: UUID
    version: int
    label: str
    amount: int


class LinePrice(NamedTuple):
    """What a line costs after its discounts: `net + tax` is paid for it.

    Args:
        discounts: those that `discount` is the sum of, by promotion id; none is 0.
    """

    product_id: UUID
    discount: int
    net: int
    tax: int
    discounts: tuple[Discount, ...] = ()


class Pricing(NamedTuple):
    """What a cart costs, in minor units.

    Args:
        lines: by product id.
        used: the promotions that took something off, by id. The others are not used up by the order.
        taxes: by rate.
        subtotal: at list prices.
        total: what is paid.
        is_best_price: whether it is certain that no other combination of the promotions costs less before taxes: other
            ones of them, and of "buy X get Y" in another sequence, with fewer groups or other units in them. If not, a
            good one was taken, and perhaps another one costs less.
    """

    lines: tuple[LinePrice, ...]
    used: tuple[Promotion, ...]
    taxes: tuple[TaxAmount, ...]
    subtotal: int
    total: int
    is_best_price: bool = True

    @property
    def discounts(self) -> list[Discount]:
        """What each promotion took off each line, by product id and promotion id."""
        return [discount for line in self.lines for discount in line.discounts]

    @property
    def amounts(self) -> dict[UUID, int]:
        """What each promotion took off the order."""
        amounts: dict[UUID, int] = {}
        for discount in self.discounts:
            amounts[discount.promotion_id] = amounts.get(discount.promotion_id, 0) + discount.amount
        return amounts


class Plan(NamedTuple):
    """One way to apply promotions.

    Args:
        total: what is left, before taxes are added.
        rest: of each line.
        parts: the discounts.
        is_best_price: see `Pricing`.
    """

    total: int
    rest: list[int]
    parts: list[Part]
    is_best_price: bool

    @property
    def key(self) -> tuple[int, int, list[tuple[int, int]], list[Part]]:
        """The smaller is better: the lowest total, the fewest promotions, then those with the smaller ids."""
        amounts: dict[int, int] = {}
        for _, rank, off in self.parts:
            amounts[rank] = amounts.get(rank, 0) + off
        return self.total, len(amounts), sorted(amounts.items()), sorted(self.parts)


def price(lines: Iterable[CartLine], promotions: Iterable[Promotion], *, includes_tax: bool) -> Pricing:
    """Price a cart.

    Args:
        lines: each product once.
        promotions: those that may be used: in force or kept by the order, unlocked by a coupon if they need one, with
            uses left. A `PromotionSet` prices many carts more quickly.
        includes_tax: whether unit prices are gross; if not, taxes are added to them.

    Raises:
        Invalid: a product stands in two lines; or they come to more than can be counted, whatever is taken off.
    """
    cart = Cart(lines)
    if (subtotal := sum(cart.totals)) > MINOR_MAX:
        rule = f"{subtotal} minor units before discounts is more than can be counted"
        raise Invalid(Fault("amount", rule, "too_large"))
    promotion_set = promotions if isinstance(promotions, PromotionSet) else PromotionSet(promotions)
    plan = _best_plan(cart, promotion_set)
    taxes, tax_of = taxes_of(cart.tax_rates, plan.rest, includes_tax)
    discounts: list[list[Discount]] = [[] for _ in cart.lines]
    for number, rank, off in sorted(plan.parts):
        used = promotion_set.by_rank[rank]
        discounts[number].append(Discount(cart.lines[number].product_id, used.id, used.version, used.label, off))
    priced = [
        LinePrice(line.product_id, total - rest, rest - tax if includes_tax else rest, tax, tuple(off))
        for line, total, rest, tax, off in zip(cart.lines, cart.totals, plan.rest, tax_of, discounts, strict=True)
    ]
    used_ranks = sorted({rank for _, rank, _ in plan.parts})
    total = plan.total if includes_tax else plan.total + sum(tax_of)
    return Pricing(
        tuple(priced),
        tuple([promotion_set.by_rank[rank] for rank in used_ranks]),
        taxes,
        subtotal,
        total,
        plan.is_best_price,
    )


def shortfall(condition: Condition | None, cart: Cart) -> tuple[int, int]:
    """The amount (minor units, at list prices) and the units that the cart lacks to meet the condition."""
    if condition is None:
        return 0, 0
    numbers = cart.select(condition.selection)
    total_min, units_min = condition.total_min, condition.units_min
    amount = 0 if total_min is None else max(0, total_min.minor - cart.list_total(numbers))
    return amount, 0 if units_min is None else max(0, units_min - cart.count(numbers))


def saves_alone(cart: Cart, candidate: Candidate) -> bool:
    """Whether a promotion would take anything off the cart if there were no other."""
    return bool(_plan(cart, [candidate]).parts)


def candidate_of(rank: int, promotion: Promotion, cart: Cart) -> Candidate:
    """The promotion with the lines that it selects in this cart."""
    benefit = promotion.benefit
    if isinstance(benefit, ORDER_BENEFITS):
        return Candidate(rank, promotion, _NOTHING, _NOTHING)
    selected = cart.select(benefit.selection)
    if isinstance(benefit, BuyXGetY) and benefit.get_selection is not None:
        return Candidate(rank, promotion, selected, cart.select(benefit.get_selection))
    return Candidate(rank, promotion, selected, selected)


def _best_plan(cart: Cart, promotion_set: PromotionSet) -> Plan:
    together: list[Candidate] = []
    solitary: list[Candidate] = []
    for rank, promotion in promotion_set.concerning(cart.numbers_by_id):
        if promotion.condition is None or shortfall(promotion.condition, cart) == (0, 0):
            (together if promotion.combines else solitary).append(candidate_of(rank, promotion, cart))
    plan = _plan(cart, together)
    if not solitary:
        return plan
    plans = [plan, *[_plan(cart, [candidate]) for candidate in solitary]]
    return min(plans, key=lambda plan: plan.key)._replace(is_best_price=all(plan.is_best_price for plan in plans))


def _plan(cart: Cart, candidates: Sequence[Candidate]) -> Plan:
    """Apply these promotions, which come in the order of `PromotionSet.concerning`."""
    parts, is_best_price = item_discounts(cart, candidates)
    rest = cart.totals.copy()
    for number, _, off in parts:
        rest[number] -= off
    left = sum(rest)
    for rank, promotion, _, _ in candidates:
        benefit = promotion.benefit
        if isinstance(benefit, ORDER_BENEFITS) and (off := benefit.off(left)):
            left -= off
            for number, share in enumerate(spread(off, rest)):
                if share:
                    parts.append((number, rank, share))
                    rest[number] -= share
    return Plan(left, rest, parts, is_best_price)
