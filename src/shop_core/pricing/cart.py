"""A cart in the form in which promotions are evaluated: its lines numbered in the order of product ids."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple
from uuid import UUID

from shop_core.errors import Fault, Invalid
from shop_core.pricing.benefits import Selection


class CartLine(NamedTuple):
    """Units of one product, at the price, tax rate and categories agreed for them.

    Args:
        unit_price: in minor units, before discounts.
        quantity: at least 1.
        tax_rate: in basis points.
        category_ids: its category and all those above it.
    """

    product_id: UUID
    unit_price: int
    quantity: int
    tax_rate: int = 0
    category_ids: tuple[UUID, ...] = ()


class Cart:
    """The lines of a cart. A line is named by its number; small integers are cheap to compare and to sort.

    Args:
        lines: each product once.

    Raises:
        Invalid: a product stands in two lines.

    Attributes:
        lines: sorted by product id, so that the order in which they were added never matters.
        prices, units, totals, tax_rates: of each line; before discounts.
        everything: the numbers of all lines.
        numbers_by_id: the lines of each product and of each category.
    """

    def __init__(self, lines: Iterable[CartLine]) -> None:
        self.lines = sorted(lines, key=_place)
        self.prices: list[int] = []
        self.units: list[int] = []
        self.totals: list[int] = []
        self.tax_rates: list[int] = []
        self.numbers_by_id: dict[int, list[int]] = {}
        for number, (product_id, unit_price, quantity, tax_rate, category_ids) in enumerate(self.lines):
            self.prices.append(unit_price)
            self.units.append(quantity)
            self.totals.append(unit_price * quantity)
            self.tax_rates.append(tax_rate)
            if self.numbers_by_id.setdefault(product_id.int, [number]) != [number]:
                raise Invalid(Fault("lines", f"product {product_id} stands in two lines", "ambiguous"))
            for category_id in category_ids:
                self.numbers_by_id.setdefault(category_id.int, []).append(number)
        self.everything = frozenset(range(len(self.lines)))

    def cheapest_first(self, numbers: Iterable[int]) -> list[int]:
        """These lines by unit price, then by number."""
        return sorted(sorted(numbers), key=self.prices.__getitem__)

    def select(self, selection: Selection) -> frozenset[int]:
        """The lines that `selection` names."""
        ids = selection.ids
        if ids is None:
            return self.everything
        numbers = self.numbers_by_id
        found = ids.intersection(numbers) if len(numbers) < len(ids) else [each for each in ids if each in numbers]
        return frozenset().union(*[numbers[named_id] for named_id in found])

    def list_total(self, numbers: Iterable[int]) -> int:
        """What these lines come to before discounts."""
        return sum(map(self.totals.__getitem__, numbers))

    def count(self, numbers: Iterable[int]) -> int:
        """The units of these lines."""
        return sum(map(self.units.__getitem__, numbers))


def _place(line: CartLine) -> int:
    return line.product_id.int
