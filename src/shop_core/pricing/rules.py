"""What prices are made with: promotions, tax rates and the tree of categories, as they were read at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
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
        parents: the parent of each category.

    Attributes:
        is_empty: whether there is neither a promotion nor a tax rate: orders cost the sum of their lines.
        only_by_coupon: whether an order without coupons costs the sum of its lines.
        promotion_set: the promotions, as carts look for them.
    """

    includes_tax: bool = True
    promotions: tuple[Promotion, ...] = ()
    tax_rates: tuple[TaxRate, ...] = ()
    parents: Mapping[UUID, UUID | None] = field(default_factory=dict)
    is_empty: bool = field(init=False)
    only_by_coupon: bool = field(init=False)
    promotion_set: PromotionSet = field(init=False, repr=False, compare=False)
    _paths: dict[int, tuple[UUID, ...]] = field(init=False, repr=False, compare=False, default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "is_empty", not (self.promotions or self.tax_rates))
        only_by_coupon = not self.tax_rates and all(promotion.needs_coupon for promotion in self.promotions)
        object.__setattr__(self, "only_by_coupon", only_by_coupon)
        object.__setattr__(self, "promotion_set", PromotionSet(self.promotions))

    def tax_rate(self, tax_class: str, at: datetime) -> int:
        """The rate of a class at that instant, in basis points."""
        return tax_rate_at(self.tax_rates, tax_class, at)

    def category_path(self, category_id: UUID | None) -> tuple[UUID, ...]:
        """The category and all those above it, as far as they are known."""
        if category_id is None:
            return ()
        if (known := self._paths.get(category_id.int)) is not None:
            return known
        path: list[UUID] = []
        above: UUID | None = category_id
        while above is not None and above in self.parents and above not in path:
            path.append(above)
            above = self.parents[above]
        return self._paths.setdefault(category_id.int, tuple(path))


@dataclass(frozen=True, slots=True)
class Uses:
    """How often limited promotions and coupons were used, read after they were locked. Ids are of either.

    Args:
        total: by all customers.
        by_customer: by customer and id.
    """

    total: Mapping[UUID, int] = field(default_factory=dict)
    by_customer: Mapping[tuple[UUID, UUID], int] = field(default_factory=dict)
