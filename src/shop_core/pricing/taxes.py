"""Taxes: the rate of each class of products, and what a cart holds of each rate."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import add
from typing import NamedTuple

from shop_core.catalog.model import tax_class_faults
from shop_core.errors import Invalid
from shop_core.pricing.benefits import percent_faults
from shop_core.pricing.rounding import WHOLE, half_up, percent_of, spread
from shop_core.times import FIRST, time_faults


@dataclass(frozen=True, slots=True)
class TaxRate:
    """What a tax class pays from an instant on.

    Args:
        tax_class: as on the products, e.g. `standard`.
        basis_points: the rate, from 0 to 100 %.
        valid_from: aware; None for the first rate of a class, which the first moment of the year 1 becomes, too.

    Raises:
        Invalid: a field breaks its rule.
    """

    tax_class: str
    basis_points: int
    valid_from: datetime | None = None

    def __post_init__(self) -> None:
        if self.valid_from == FIRST:
            object.__setattr__(self, "valid_from", None)
        faults = percent_faults("rate", self.basis_points, 0)
        faults += tax_class_faults(self.tax_class)
        faults += time_faults("valid_from", self.valid_from)
        if faults:
            raise Invalid(*faults)


def tax_rate_at(rates: Iterable[TaxRate], tax_class: str, at: datetime) -> int:
    """The rate of `tax_class` at that instant, in basis points; 0 if it has none yet."""
    valid = [
        (rate.valid_from is not None, rate.valid_from or at, rate.basis_points)
        for rate in rates
        if rate.tax_class == tax_class and (rate.valid_from is None or rate.valid_from <= at)
    ]
    return max(valid)[2] if valid else 0


class TaxAmount(NamedTuple):
    """The sum of all lines with one rate (basis points)."""

    rate: int
    net: int
    tax: int


def taxes_of(
    rates: Sequence[int], amounts: Sequence[int], includes_tax: bool
) -> tuple[tuple[TaxAmount, ...], list[int]]:
    """The tax of each rate, rounded once, and the share of each line. A line's net is what is left of it.

    Net and tax spread each by itself would not add up.

    Args:
        rates: of each line, in basis points.
        amounts: what each line comes to after its discounts.
        includes_tax: whether these are gross.
    """
    taxes, tax_of, all_rates = [], [0] * len(rates), sorted(set(rates))
    for rate in all_rates:
        is_only = len(all_rates) == 1
        of_rate = (
            amounts if is_only else [amount if each == rate else 0 for each, amount in zip(rates, amounts, strict=True)]
        )
        amount = sum(of_rate)
        tax = amount - half_up(amount * WHOLE, WHOLE + rate) if includes_tax else percent_of(amount, rate)
        taxes.append(TaxAmount(rate, amount - tax if includes_tax else amount, tax))
        shares = spread(tax, of_rate)  # 0 of 0: nothing for the lines of other rates
        tax_of = shares if is_only else list(map(add, tax_of, shares))
    return tuple(taxes), tax_of
