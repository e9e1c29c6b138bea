"""Why a promotion applies to a cart, or why it does not, and what is missing. For a quote: placing never asks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from shop_core.money import Money
from shop_core.pricing.benefits import ORDER_BENEFITS, Benefit, BuyXGetY
from shop_core.pricing.cart import Cart, CartLine
from shop_core.pricing.evaluation import Pricing, candidate_of, saves_alone, shortfall
from shop_core.pricing.item_stage import Candidate, group_count
from shop_core.pricing.model import Promotion


class WhyNot(StrEnum):
    """Why a promotion takes nothing off."""

    CONDITION = "condition_not_met"
    NO_PRODUCT = "no_selected_product"
    UNITS = "too_few_units"
    NOT_LOWER = "price_not_lower"
    BEATEN = "another_promotion_is_better"


@dataclass(frozen=True, slots=True)
class Explanation:
    """What became of one promotion.

    Args:
        amount: what it takes off, in minor units; 0 if it does not apply.
        why_not: None if it applies.
        missing_units: the units to add so that it applies, or so that it gives one more unit.
        missing_amount: what to add, in minor units at list prices, so that it applies.
        is_for_some: what to add must be of the products that it is for.
        needs_coupon: it came with a coupon.
    """

    promotion_id: UUID
    label: str
    amount: int
    why_not: WhyNot | None = None
    missing_units: int = 0
    missing_amount: int = 0
    is_for_some: bool = False
    needs_coupon: bool = False

    def sentence(self, currency: str) -> str:
        """The explanation in words, for the customer."""
        missing = self._missing(currency)
        if self.why_not is None:
            applies = f"{self.label}: you save {Money(self.amount, currency)} {currency}."
            return f"{applies} To save more, {missing}." if missing else applies
        why_not = f"to get it, {missing}." if missing else _WORDS[self.why_not]
        return f"{self.label}: {why_not}" + " Your coupon is not used up." * self.needs_coupon

    def _missing(self, currency: str) -> str:
        parts = []
        if self.missing_units:
            parts.append(f"add {self.missing_units} more unit" + "s" * (self.missing_units > 1))
        if self.missing_amount:
            parts.append(f"spend {Money(self.missing_amount, currency)} {currency} more")
        on = "on" if self.missing_amount else "of"
        return " and ".join(parts) + f" {on} the products that it is for" * (self.is_for_some and bool(parts))


_WORDS = {
    WhyNot.CONDITION: "your cart does not meet its condition.",
    WhyNot.NO_PRODUCT: "it is for other products than those in your cart.",
    WhyNot.UNITS: "your cart has too few units for it.",
    WhyNot.NOT_LOWER: "it would not make your cart cheaper.",
    WhyNot.BEATEN: "the other discounts save you at least as much, and it cannot be combined with them.",
}


def explain(lines: Sequence[CartLine], promotions: Iterable[Promotion], pricing: Pricing) -> list[Explanation]:
    """Explain the `pricing` of a cart, a promotion at a time, by id.

    Args:
        lines, promotions: as they were given to `price`.
        pricing: what it returned.
    """
    cart, amounts = Cart(lines), pricing.amounts
    explanations = []
    for promotion in sorted(promotions, key=lambda promotion: promotion.id):
        amount = amounts.get(promotion.id, 0)
        candidate = candidate_of(0, promotion, cart)
        missing_amount, missing_units = shortfall(promotion.condition, cart)
        why_not = None
        if missing_amount or missing_units:
            why_not = WhyNot.CONDITION
        elif not (amount or candidate.bought or candidate.discounted or isinstance(promotion.benefit, ORDER_BENEFITS)):
            why_not = WhyNot.NO_PRODUCT
        elif isinstance(promotion.benefit, BuyXGetY):
            groups, missing_units = _next_group(candidate, promotion.benefit, cart)
            why_not = None if amount else WhyNot.UNITS if not groups else WhyNot.BEATEN
        elif not amount:
            why_not = WhyNot.BEATEN if saves_alone(cart, candidate) else WhyNot.NOT_LOWER
        if why_not is WhyNot.BEATEN:
            missing_units = 0
        asked = promotion.condition.selection if promotion.condition and why_not is WhyNot.CONDITION else None
        is_for_some = asked.ids is not None if asked else _is_selective(promotion.benefit)
        missing = missing_units, missing_amount, is_for_some, promotion.needs_coupon
        explanations.append(Explanation(promotion.id, promotion.label, amount, why_not, *missing))
    return explanations


def _is_selective(benefit: Benefit) -> bool:
    """Whether it is for some products only."""
    if isinstance(benefit, ORDER_BENEFITS):
        return False
    given = benefit.get_selection if isinstance(benefit, BuyXGetY) else None
    return benefit.selection.ids is not None or (given is not None and given.ids is not None)


def _next_group(candidate: Candidate, benefit: BuyXGetY, cart: Cart) -> tuple[int, int]:
    """How many groups the whole cart makes, and the units to add for one more; 0 if there can be no more."""
    bought = cart.count(candidate.bought - candidate.discounted)
    discounted = cart.count(candidate.discounted - candidate.bought)
    both = cart.count(candidate.bought & candidate.discounted)
    groups = group_count(benefit, bought, discounted, both)
    if benefit.times_max is not None and groups >= benefit.times_max:
        return groups, 0
    buys = max(0, benefit.buy * (groups + 1) - bought - both)
    gets = max(0, benefit.get * (groups + 1) - discounted - both)
    together = max(0, (benefit.buy + benefit.get) * (groups + 1) - bought - discounted - both)
    return groups, max(buys, gets, together) if both or benefit.get_selection is None else max(buys + gets, together)
