"""What prices are made with: promotions, tax rates and the tree of categories, as they were read at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from shop_core.pricing.model import Promotion
from shop_core.pricing.taxes import TaxRate, tax_rate_at


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of a shop's prices.

    Args:
        includes_tax: whether list prices are gross.
        promotions: those that were not withdrawn, whenever they run; by id.
        tax_rates: all of them.
        parents: the parent of each category.
        only_by_coupon: whether an order without coupons costs the sum of its lines.
    """

    includes_tax: bool = True
    promotions: tuple[Promotion, ...] = ()
    tax_rates: tuple[TaxRate, ...] = ()
    parents: Mapping[UUID, UUID | None] = field(default_factory=dict)
    only_by_coupon: bool = field(init=False)

    def __post_init__(self) -> None:
        only_by_coupon = not self.tax_rates and all(promotion.needs_coupon for promotion in self.promotions)
        object.__setattr__(self, "only_by_coupon", only_by_coupon)

    def tax_rate(self, tax_class: str, at: datetime) -> int:
        """The rate of a class at that instant, in basis points."""
        return tax_rate_at(self.tax_rates, tax_class, at)

    def category_path(self, category_id: UUID | None) -> tuple[UUID, ...]:
        """The category and all those above it."""
        path: list[UUID] = []
        while category_id is not None and category_id not in path:
            path.append(category_id)
            category_id = self.parents.get(category_id)
        return tuple(path)


@dataclass(frozen=True, slots=True)
class Uses:
    """How often limited promotions and coupons were used, read after they were locked. Ids are of either.

    Args:
        total: by all customers.
        by_customer: by customer and id.
    """

    total: Mapping[UUID, int] = field(default_factory=dict)
    by_customer: Mapping[tuple[UUID, UUID], int] = field(default_factory=dict)
