"""What somebody wants of the stock, line by line, and whether he can have it."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from shop_core.errors import Fault, InsufficientStock, Invalid, Shortage, UnknownProducts
from shop_core.inventory.model import QUANTITY_MAX

LINES_MAX = 2_000


@dataclass(frozen=True, slots=True)
class LineRequest:
    """`quantity` units of a product, wanted."""

    product_id: UUID
    quantity: int


def requested_units(lines: Sequence[LineRequest]) -> dict[UUID, int]:
    """The units of each product, in the order in which the lines first name it; a product may stand in several.

    Raises:
        Invalid: there is no line or there are more than 2,000; a quantity (or the sum for one product)
            is not from 1 to 1,000,000.
    """
    if not 1 <= len(lines) <= LINES_MAX:
        raise Invalid(Fault("lines", f"must be from 1 to {LINES_MAX}, these are {len(lines)}", "out_of_range"))
    wanted: dict[UUID, int] = {}
    for index, line in enumerate(lines):
        total = wanted.get(line.product_id, 0) + line.quantity
        if type(line.quantity) is not int or line.quantity < 1 or total > QUANTITY_MAX:
            rule = f"must be from 1 to {QUANTITY_MAX} for one product, this is {line.quantity}"
            if total != line.quantity:
                rule += f" and makes {total} with the lines before"
            raise Invalid(Fault(f"lines.{index}.quantity", rule, "out_of_range"))
        wanted[line.product_id] = total
    return wanted


def check_catalog(lines: Sequence[LineRequest], offers: Container[UUID]) -> None:
    """Let only lines pass whose products are in the catalog.

    Args:
        lines: as the customer gave them.
        offers: the products that are sold.

    Raises:
        UnknownProducts: naming every other line.
    """
    unknown = [(index, line.product_id) for index, line in enumerate(lines) if line.product_id not in offers]
    if unknown:
        raise UnknownProducts(
            [product_id for _, product_id in unknown],
            [
                Fault(
                    f"lines.{index}.product_id",
                    f"there is no product {product_id} in the catalog; remove this line",
                    "unknown_product",
                )
                for index, product_id in unknown
            ],
        )


def check_stock(wanted: Mapping[UUID, int], left: Mapping[UUID, int]) -> None:
    """Let only those pass who can have everything.

    Args:
        wanted: units by product; what is not positive is not wanted.
        left: units that can be sold, by product.

    Raises:
        InsufficientStock: naming every product that is short.
    """
    shortages = [
        Shortage(product_id, units, left[product_id])
        for product_id, units in wanted.items()
        if units > 0 and left[product_id] < units
    ]
    if shortages:
        raise InsufficientStock(shortages)
