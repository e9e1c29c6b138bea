"""Promotions: when they hold, for which products, and what they give. A version of one never changes."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from shop_core.catalog.model import UNCHANGED, Unchanged
from shop_core.errors import Fault, Invalid
from shop_core.money import Money, format_minor
from shop_core.pricing.rounding import WHOLE, percent_of
from shop_core.text import normalized, text_faults

LABEL_LENGTH_MAX = 200
CODE_LENGTH_MAX = 64
COUPONS_MAX = 10
USES_MAX = 1_000_000_000
UNITS_MAX = 1_000_000
SELECTED_MAX = 1_000
"""How many products or categories one selection may name."""

_CODE = re.compile(r"[0-9A-Z_-]+", re.ASCII)


def basis_points(text: str, field: str) -> int:
    """A percentage that is written as a plain decimal with at most two decimals, in basis points.

    Raises:
        Invalid: it is not such a decimal.

    >>> basis_points("12.5", "percent")
    1250
    """
    return Money.parse(text, "EUR", field=field).minor  # two decimals, as cents have


def percent_text(basis_points: int) -> str:
    """The percentage as `basis_points` reads it.

    >>> percent_text(1250)
    '12.50'
    """
    return format_minor(basis_points, 2)


@dataclass(frozen=True, slots=True)
class Selection:
    """Some products: named by id, or all those in some categories and below them; or every product.

    Args:
        product_ids: None unless the selection names products.
        category_ids: None unless it names categories.
        ids: the products or categories as integers, which are cheaper to look up; None stands for every product.

    Raises:
        Invalid: both are given, or what is given is empty or too long.
    """

    product_ids: frozenset[UUID] | None = None
    category_ids: frozenset[UUID] | None = None
    ids: frozenset[int] | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.product_ids is not None and self.category_ids is not None:
            raise Invalid(Fault("selection", "names products or categories: choose one", "ambiguous"))
        for name, ids in (("products", self.product_ids), ("categories", self.category_ids)):
            if ids is not None and not 1 <= len(ids) <= SELECTED_MAX:
                rule = f"names 1 to {SELECTED_MAX} ids, this has {len(ids)}; use all to select everything"
                raise Invalid(Fault(f"selection.{name}", rule, "too_many" if ids else "empty"))
        named = self.product_ids or self.category_ids
        object.__setattr__(self, "ids", frozenset([named_id.int for named_id in named]) if named else None)


EVERYTHING = Selection()


@dataclass(frozen=True, slots=True)
class Condition:
    """What a cart must hold, at its list prices, for a promotion to apply.

    List prices: so no promotion can feed another one's condition, or take it away.

    Args:
        total_min: the selected lines come to this much before discounts.
        units_min: so many selected units.
        selection: the lines that count.

    Raises:
        Invalid: nothing is asked, or less than nothing.
    """

    total_min: Money | None = None
    units_min: int | None = None
    selection: Selection = EVERYTHING

    def __post_init__(self) -> None:
        faults = []
        if self.total_min is None and self.units_min is None:
            faults.append(Fault("condition", "asks for nothing: give min_total, min_units or both", "empty"))
        if self.total_min is not None and self.total_min.minor <= 0:
            faults.append(
                Fault("condition.min_total", f"must be more than 0, this is {self.total_min}", "out_of_range")
            )
        if self.units_min is not None:
            faults += range_faults("condition.min_units", self.units_min, 1, UNITS_MAX)
        if faults:
            raise Invalid(*faults)


@dataclass(frozen=True, slots=True)
class Percent:
    """A percentage off each selected unit; rounded per unit, half up."""

    basis_points: int
    selection: Selection = EVERYTHING

    def __post_init__(self) -> None:
        _check_percent(self.basis_points)

    def off(self, price: int) -> int:
        """What it takes off one unit, in minor units."""
        return percent_of(price, self.basis_points)


@dataclass(frozen=True, slots=True)
class AmountEach:
    """An amount off each selected unit, at most its price."""

    amount: Money
    selection: Selection = EVERYTHING

    def __post_init__(self) -> None:
        _check_positive("benefit.amount", self.amount)

    def off(self, price: int) -> int:
        """What it takes off one unit, in minor units."""
        return min(price, self.amount.minor)


@dataclass(frozen=True, slots=True)
class FixedPrice:
    """Each selected unit at this price, unless it is cheaper already."""

    price: Money
    selection: Selection

    def __post_init__(self) -> None:
        if self.price.minor < 0:
            raise Invalid(Fault("benefit.price", f"must not be negative, this is {self.price}", "out_of_range"))

    def off(self, price: int) -> int:
        """What it takes off one unit, in minor units."""
        return max(0, price - self.price.minor)


@dataclass(frozen=True, slots=True)
class BuyXGetY:
    """For `buy` units at their price, `get` others with a percentage off: the cheapest ones, all of them ordered.

    Args:
        buy: units that are paid, of `selection`.
        get: units that are discounted, of `get_selection`.
        basis_points: the percentage, 100 % unless given: free.
        times_max: how often in one order; None is as often as the units allow.
        get_selection: None is `selection`: the cheapest of the same products.
    """

    buy: int
    get: int
    basis_points: int = WHOLE
    times_max: int | None = None
    selection: Selection = EVERYTHING
    get_selection: Selection | None = None

    def __post_init__(self) -> None:
        faults = range_faults("benefit.buy", self.buy, 1, UNITS_MAX) + range_faults(
            "benefit.get", self.get, 1, UNITS_MAX
        )
        if self.times_max is not None:
            faults += range_faults("benefit.max_times", self.times_max, 1, UNITS_MAX)
        if faults:
            raise Invalid(*faults)
        _check_percent(self.basis_points)


@dataclass(frozen=True, slots=True)
class OrderPercent:
    """A percentage off what is left of the order after its item discounts."""

    basis_points: int

    def __post_init__(self) -> None:
        _check_percent(self.basis_points)

    def off(self, total: int) -> int:
        """What it takes off the order, in minor units."""
        return percent_of(total, self.basis_points)


@dataclass(frozen=True, slots=True)
class OrderAmount:
    """An amount off what is left of the order, at most all of it."""

    amount: Money

    def __post_init__(self) -> None:
        _check_positive("benefit.amount", self.amount)

    def off(self, total: int) -> int:
        """What it takes off the order, in minor units."""
        return min(total, self.amount.minor)


UnitBenefit = Percent | AmountEach | FixedPrice
OrderBenefit = OrderPercent | OrderAmount
Benefit = UnitBenefit | BuyXGetY | OrderBenefit

BENEFITS: dict[str, type[Benefit]] = {
    "percent": Percent,
    "amount_each": AmountEach,
    "fixed_price": FixedPrice,
    "buy_x_get_y": BuyXGetY,
    "order_percent": OrderPercent,
    "order_amount": OrderAmount,
}
"""The kinds of benefits, by the names that the API and the database use."""


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
        for name in ("starts_at", "ends_at"):
            time = getattr(self, name)
            if time is not None and time.utcoffset() is None:
                faults.append(Fault(name, f"{time} has no offset from UTC", "invalid_time"))
        if not faults and self.starts_at and self.ends_at and self.ends_at <= self.starts_at:
            rule = f"must be after starts_at ({self.starts_at.isoformat()}), this is {self.ends_at.isoformat()}"
            faults.append(Fault("ends_at", rule, "out_of_range"))
        faults += limit_faults(self.uses_max, self.customer_uses_max)
        if faults:
            raise Invalid(*faults)

    @property
    def is_limited(self) -> bool:
        """Whether its uses are counted before it applies."""
        return self.uses_max is not None or self.customer_uses_max is not None

    def is_running(self, at: datetime) -> bool:
        """Whether `at` is in its window: its start is, its end is not."""
        return (self.starts_at is None or self.starts_at <= at) and (self.ends_at is None or at < self.ends_at)


def coupon_code(text: str) -> str:
    """The one form in which a coupon's code is stored and looked up: case, spaces and full-width forms do not matter.

    Raises:
        Invalid: it is empty, too long, or has other signs than letters A to Z, digits, hyphens and underscores.

    >>> coupon_code(" Summer 10 ")
    'SUMMER10'
    """
    if len(text) > 4 * CODE_LENGTH_MAX:
        code = text
    else:
        code = "".join(unicodedata.normalize("NFKC", text).upper().split())
    if not 1 <= len(code) <= CODE_LENGTH_MAX:
        raise Invalid(
            Fault("code", f"must have 1 to {CODE_LENGTH_MAX} characters, this has {len(code)}", "wrong_length")
        )
    if not _CODE.fullmatch(code):
        rule = f"may have letters A to Z, digits, hyphens and underscores; {text[:CODE_LENGTH_MAX]!r} has others"
        raise Invalid(Fault("code", rule, "forbidden_character"))
    return code


def coupon_codes(texts: Iterable[str]) -> tuple[str, ...]:
    """The codes that come with an order, each once.

    Raises:
        Invalid: one of them is not a code, or there are more than ten.
    """
    codes = tuple(dict.fromkeys(map(coupon_code, texts)))
    if len(codes) > COUPONS_MAX:
        raise Invalid(Fault("coupons", f"may be {COUPONS_MAX} at most, these are {len(codes)}", "too_many"))
    return codes


@dataclass(frozen=True, slots=True)
class Coupon:
    """A code that unlocks a promotion, with limits of its own.

    Args:
        code: as `coupon_code` makes it; unique.
        uses_max: how many orders may use it; None is any number.
        customer_uses_max: how many orders of one customer may use it.

    Raises:
        Invalid: a limit breaks its rule.
    """

    id: UUID
    promotion_id: UUID
    code: str
    created_at: datetime
    uses_max: int | None = None
    customer_uses_max: int | None = None

    def __post_init__(self) -> None:
        if faults := limit_faults(self.uses_max, self.customer_uses_max):
            raise Invalid(*faults)

    @property
    def is_limited(self) -> bool:
        """Whether its uses are counted before it applies."""
        return self.uses_max is not None or self.customer_uses_max is not None


class Redemption(NamedTuple):
    """One use: an order that a promotion made cheaper.

    Args:
        version: of the promotion.
        coupon_id: of the coupon that unlocked it.
        given_back_at: when the order was cancelled, or edited so that the promotion does not apply any more.
    """

    customer_id: UUID
    order_id: UUID
    promotion_id: UUID
    version: int
    coupon_id: UUID | None
    at: datetime
    given_back_at: datetime | None = None


def limit_faults(uses_max: int | None, customer_uses_max: int | None) -> list[Fault]:
    """The rules that limits of uses break."""
    faults = []
    for name, number in (("max_uses", uses_max), ("max_per_customer", customer_uses_max)):
        if number is not None:
            faults += range_faults(name, number, 1, USES_MAX)
    return faults


def _check_percent(basis_points: int) -> None:
    if faults := range_faults("benefit.percent", basis_points, 1, WHOLE):
        raise Invalid(*faults)


def _check_positive(field: str, amount: Money) -> None:
    if amount.minor <= 0:
        raise Invalid(Fault(field, f"must be more than 0, this is {amount}", "out_of_range"))


def range_faults(field: str, number: int, low: int, high: int) -> list[Fault]:
    """The rule that a number outside of its range breaks."""
    if type(number) is not int:
        return [Fault(field, f"{number!r} is not a whole number", "wrong_type")]
    if not low <= number <= high:
        return [Fault(field, f"must be from {low} to {high}, this is {number}", "out_of_range")]
    return []


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


class CouponEntry(NamedTuple):
    """A coupon as staff see it, with the orders that use it."""

    coupon: Coupon
    uses: int
