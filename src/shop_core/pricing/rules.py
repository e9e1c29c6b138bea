"""What prices are made with: promotions and tax rates, as they were read at one moment."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from shop_core.pricing.model import Promotion
from shop_core.pricing.promotion_set import PromotionSet
from shop_core.pricing.taxes import TaxRate, tax_rate_at


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of a shop's prices.

    Args:
        includes_tax: whether list prices are gross.
        promotions: those that were not withdrawn, whenever they run; by id.
        tax_rates: all of them.

    Attributes:
        keeps_categories: whether lines keep their categories, since there is a promotion or a tax rate.
        is_sum_without_coupons: whether an order without coupons costs the sum of its lines.
        promotion_set: the promotions, as carts look for them.
    """

    includes_tax: bool = True
    promotions: tuple[Promotion, ...] = ()
    tax_rates: tuple[TaxRate, ...] = ()
    keeps_categories: bool = field(init=False)
    is_sum_without_coupons: bool = field(init=False)
    promotion_set: PromotionSet = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "keeps_categories", bool(self.promotions or self.tax_rates))
        is_sum = not self.tax_rates and all(promotion.needs_coupon for promotion in self.promotions)
        object.__setattr__(self, "is_sum_without_coupons", is_sum)
        object.__setattr__(self, "promotion_set", PromotionSet(self.promotions))

    def only(self, ids: Collection[UUID]) -> Rules:
        """The same without all other promotions."""
        return replace(self, promotions=tuple([each for each in self.promotions if each.id in ids]))

    def tax_rate(self, tax_class: str, at: datetime) -> int:
        """The rate of a class at that instant, in basis points."""
        return tax_rate_at(self.tax_rates, tax_class, at)


@dataclass(frozen=True, slots=True)
class Uses:
    """How many orders use promotions and coupons; read after they were locked, unless it is for a quote. Ids are of
    either.

    Args:
        total: by all customers.
        by_customer: by customer and id.
        limits: how many orders may use each one that is limited; staff may have changed it meanwhile.
    """

    total: Mapping[UUID, int] = field(default_factory=dict)
    by_customer: Mapping[tuple[UUID, UUID], int] = field(default_factory=dict)
    limits: Mapping[UUID, int] = field(default_factory=dict)
