"""What a promotion asks for and gives: selections of products, conditions, and the six kinds of benefits."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from shop_core.errors import Fault, Invalid
from shop_core.money import Money, format_minor
from shop_core.pricing.rounding import WHOLE, percent_of

UNITS_MAX = 1_000_000
SELECTED_MAX = 1_000
"""How many products or categories one selection may name."""


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
            raise Invalid(Fault("products", "names products or categories: choose one", "ambiguous"))
        for name, ids in (("products", self.product_ids), ("categories", self.category_ids)):
            if ids is not None and not 1 <= len(ids) <= SELECTED_MAX:
                rule = f"must name 1 to {SELECTED_MAX} ids, this has {len(ids)}; use all to select everything"
                raise Invalid(Fault(name, rule, "too_many" if ids else "empty"))
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
ORDER_BENEFITS = (OrderPercent, OrderAmount)
"""The same for `isinstance`, which takes three times as long with `|`."""
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


def range_faults(field: str, number: int, low: int, high: int) -> list[Fault]:
    """The rule that a number outside of its range breaks."""
    if type(number) is not int:
        return [Fault(field, f"{number!r} is not a whole number", "wrong_type")]
    if not low <= number <= high:
        return [Fault(field, f"must be from {low} to {high}, this is {number}", "out_of_range")]
    return []


def percent_faults(field: str, basis_points: int, low: int) -> list[Fault]:
    """The rule that a percentage below `low` or above 100 % breaks."""
    if type(basis_points) is int and not low <= basis_points <= WHOLE:
        rule = (
            f"must be from {percent_text(low)} to {percent_text(WHOLE)} percent, this is {percent_text(basis_points)}"
        )
        return [Fault(field, rule, "out_of_range")]
    return range_faults(field, basis_points, low, WHOLE)


def _check_percent(basis_points: int) -> None:
    if faults := percent_faults("benefit.percent", basis_points, 1):
        raise Invalid(*faults)


def _check_positive(field: str, amount: Money) -> None:
    if amount.minor <= 0:
        raise Invalid(Fault(field, f"must be more than 0, this is {amount}", "out_of_range"))
