"""Promotions: label, window, limits, condition and benefit. A version of one never changes."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from shop_core.catalog.model import UNCHANGED, Unchanged
from shop_core.errors import Fault, Invalid
from shop_core.pricing.benefits import Benefit, Condition
from shop_core.pricing.coupons import limit_faults
from shop_core.text import normalized, text_faults
from shop_core.times import time_faults

LABEL_LENGTH_MAX = 200


@dataclass(frozen=True, slots=True)
class Promotion:
    """One version of a promotion. A change makes the next version; orders keep the one with which they were priced.

    Args:
        label: what customers read.
        benefit: what it gives.
        condition: what the cart must hold; None if it always applies.
        starts_at: from this instant on, aware; None is always.
        ends_at: up to, but not at, this instant, aware; None is for ever.
        needs_coupon: applies only with one of its coupons.
        combines: applies beside others; if not, it is alone or not at all.
        uses_max: how many orders may use it; None is any number.
        customer_uses_max: how many orders of one customer may use it.
        version: counts the changes, from 1.

    Raises:
        Invalid: a field breaks its rule; all broken rules are named at once.
    """

    id: UUID
    label: str
    benefit: Benefit
    condition: Condition | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    needs_coupon: bool = False
    combines: bool = True
    uses_max: int | None = None
    customer_uses_max: int | None = None
    version: int = 1

    def __post_init__(self) -> None:
        faults = text_faults("label", self.label, min_length=1, max_length=LABEL_LENGTH_MAX)
        faults += time_faults("starts_at", self.starts_at) + time_faults("ends_at", self.ends_at)
        if not faults and self.starts_at and self.ends_at and self.ends_at <= self.starts_at:
            rule = f"must be after starts_at ({self.starts_at.isoformat()}), this is {self.ends_at.isoformat()}"
            faults.append(Fault("ends_at", rule, "out_of_range"))
        faults += limit_faults(self.uses_max, self.customer_uses_max)
        if faults:
            raise Invalid(*faults)

    def is_running(self, at: datetime) -> bool:
        """Whether `at` is in its window: its start is, its end is not."""
        return (self.starts_at is None or self.starts_at <= at) and (self.ends_at is None or at < self.ends_at)


@dataclass(frozen=True, slots=True)
class PromotionDetails:
    """What staff enter. A field that is `UNCHANGED` stays, and in a new promotion it is as if nothing was said of it.

    None sets a field to nothing.
    """

    label: str | Unchanged = UNCHANGED
    benefit: Benefit | Unchanged = UNCHANGED
    condition: Condition | Unchanged | None = UNCHANGED
    starts_at: datetime | Unchanged | None = UNCHANGED
    ends_at: datetime | Unchanged | None = UNCHANGED
    needs_coupon: bool | Unchanged = UNCHANGED
    combines: bool | Unchanged = UNCHANGED
    uses_max: int | Unchanged | None = UNCHANGED
    customer_uses_max: int | Unchanged | None = UNCHANGED

    def new(self, promotion_id: UUID) -> Promotion:
        """The first version of a promotion.

        Raises:
            Invalid: label or benefit is missing, or a field breaks its rule.
        """
        values = self._given()
        if missing := [Fault(name, "is required", "missing") for name in ("label", "benefit") if name not in values]:
            raise Invalid(*missing)
        return Promotion(promotion_id, **values)

    def edited(self, promotion: Promotion) -> Promotion:
        """The next version of the promotion; itself if nothing differs.

        Raises:
            Invalid: a field breaks its rule.
        """
        edited = replace(promotion, **self._given())
        return promotion if edited == promotion else replace(edited, version=promotion.version + 1)

    def _given(self) -> dict[str, Any]:
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        given = {name: value for name, value in values.items() if value is not UNCHANGED}
        if isinstance(given.get("label"), str):
            given["label"] = normalized(given["label"])
        return given


class PromotionEntry(NamedTuple):
    """A promotion as staff see it, with the orders that use it."""

    promotion: Promotion
    uses: int
