"""Orders: what was agreed, line by line, and the table of steps that an order can take."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from shop_core.errors import Fault, IllegalStep, Invalid
from shop_core.inventory.model import QUANTITY_MAX, MovementKind
from shop_core.money import Money

LINES_MAX = 2_000


class OrderStatus(StrEnum):
    """Where an order stands."""

    PLACED = "placed"
    CONFIRMED = "confirmed"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    CANCELLED = "cancelled"


class Step(StrEnum):
    """What can be done with an order after it was placed."""

    CONFIRM = "confirm"
    SHIP = "ship"
    DELIVER = "deliver"
    CANCEL = "cancel"


LIFECYCLE: dict[OrderStatus, dict[Step, OrderStatus]] = {
    OrderStatus.PLACED: {Step.CONFIRM: OrderStatus.CONFIRMED, Step.CANCEL: OrderStatus.CANCELLED},
    OrderStatus.CONFIRMED: {Step.SHIP: OrderStatus.SHIPPED, Step.CANCEL: OrderStatus.CANCELLED},
    OrderStatus.SHIPPED: {Step.DELIVER: OrderStatus.DELIVERED},
    OrderStatus.DELIVERED: {},
    OrderStatus.CANCELLED: {},
}
"""The whole life of an order. Code, API and docs read this table."""

STOCK_MOVED_BY = {Step.SHIP: MovementKind.SHIPPED, Step.CANCEL: MovementKind.DEALLOCATED}
"""What a step does to the units of every line; the other steps leave stock alone."""

HOLDS_STOCK = frozenset(status for status, steps in LIFECYCLE.items() if STOCK_MOVED_BY.keys() & steps.keys())
"""The states in which the units of an order are allocated."""


@dataclass(frozen=True, slots=True)
class LineRequest:
    """`quantity` units of a product, wanted."""

    product_id: UUID
    quantity: int


@dataclass(frozen=True, slots=True)
class PlacementRequest:
    """An order that a customer wants to place.

    Args:
        lines: as he gave them; a product may stand in several.
        wanted: the units of each product, in the order in which the lines first name it.

    Raises:
        Invalid: there is no line or there are more than 2,000; a quantity (or the sum for one product)
            is not from 1 to 1,000,000.
    """

    customer_id: UUID
    lines: tuple[LineRequest, ...]
    wanted: Mapping[UUID, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not 1 <= len(self.lines) <= LINES_MAX:
            rule = f"must be from 1 to {LINES_MAX}, these are {len(self.lines)}"
            raise Invalid(Fault("lines", rule, "out_of_range"))
        wanted: dict[UUID, int] = {}
        for index, line in enumerate(self.lines):
            total = wanted.get(line.product_id, 0) + line.quantity
            if line.quantity < 1 or total > QUANTITY_MAX:
                rule = f"must be from 1 to {QUANTITY_MAX} for one product, this is {line.quantity}"
                if total != line.quantity:
                    rule += f" and makes {total} with the lines before"
                raise Invalid(Fault(f"lines.{index}.quantity", rule, "out_of_range"))
            wanted[line.product_id] = total
        object.__setattr__(self, "wanted", wanted)


@dataclass(frozen=True, slots=True)
class OrderLine:
    """A line as agreed: SKU, name and unit price are those of the moment in which it was placed."""

    product_id: UUID
    sku: str
    name: str
    unit_price: Money
    quantity: int

    @property
    def total(self) -> Money:
        """Unit price times quantity."""
        return self.unit_price * self.quantity


@dataclass(frozen=True, slots=True)
class Order:
    """A placed agreement with one customer.

    Args:
        lines: each product once.
        total: what is to be paid: the sum of the lines.
        version: counts the changes, from 1.
    """

    id: UUID
    customer_id: UUID
    status: OrderStatus
    lines: tuple[OrderLine, ...]
    total: Money
    created_at: datetime
    updated_at: datetime
    version: int = 1

    @property
    def number(self) -> str:
        """What people call the order: `261121-7K3M9QX2`, its day (UTC) and eight letters and digits of its id."""
        return f"{self.created_at:%y%m%d}-{_readable(self.id)}"

    def after(self, step: Step, now: datetime) -> Order:
        """The order after `step`.

        Raises:
            IllegalStep: its status does not allow the step.
        """
        possible = LIFECYCLE[self.status]
        if step not in possible:
            raise IllegalStep(step, self.status, tuple(possible))
        return replace(self, status=possible[step], updated_at=now, version=self.version + 1)


def total_of(lines: Iterable[OrderLine], currency: str) -> Money:
    """The sum of `lines`."""
    return Money(sum(line.unit_price.minor * line.quantity for line in lines), currency)


_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32: no I, L, O or U to misread


def _readable(order_id: UUID) -> str:
    """Eight characters of the random end of a UUIDv7: 40 bits, so two orders of one day are hardly ever alike."""
    bits = order_id.int
    return "".join(_LETTERS[bits >> shift & 31] for shift in range(35, -1, -5))
