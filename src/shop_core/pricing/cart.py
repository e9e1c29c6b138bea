"""A cart in the form in which promotions are evaluated: its lines numbered in the order of product ids."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple
from uuid import UUID

from shop_core.errors import Fault, Invalid
from shop_core.pricing.benefits import Selection

_NOTHING: frozenset[int] = frozenset()


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
        prices, units: of each line.
        cheapest_first: the numbers of the lines by unit price.
    """

    def __init__(self, lines: Iterable[CartLine]) -> None:
        self.lines = sorted(lines)
        self.prices = [line.unit_price for line in self.lines]
        self.units = [line.quantity for line in self.lines]
        self.numbers = range(len(self.lines))
        self.cheapest_first = sorted(self.numbers, key=self.prices.__getitem__)
        self._all = frozenset(self.numbers)
        self._named: dict[int, set[int]] | None = None
        for before, line in zip(self.lines, self.lines[1:], strict=False):
            if before.product_id == line.product_id:
                raise Invalid(Fault("lines", f"product {line.product_id} stands in two lines", "ambiguous"))

    def select(self, selection: Selection) -> frozenset[int]:
        """The lines that `selection` names."""
        ids = selection.ids
        if ids is None:
            return self._all
        if self._named is None:
            self._named = {}
            for number, line in enumerate(self.lines):
                for named_id in (line.product_id, *line.category_ids):
                    self._named.setdefault(named_id.int, set()).add(number)
        named = self._named
        found = ids.intersection(named) if len(named) < len(ids) else [each for each in ids if each in named]
        return frozenset().union(*[named[named_id] for named_id in found]) if found else _NOTHING

    def list_total(self, numbers: Iterable[int]) -> int:
        """What these lines come to before discounts."""
        return sum(self.prices[number] * self.units[number] for number in numbers)

    def count(self, numbers: Iterable[int]) -> int:
        """The units of these lines."""
        return sum(self.units[number] for number in numbers)
