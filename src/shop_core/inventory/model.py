"""Stock: the counters of each product, and the ledger that explains them.

A counter only changes by a movement, and a movement never changes. So the counters of a product are the fold of its
ledger, and `EFFECTS` is the only place that says what each kind of movement does.

Movements and levels are named tuples: a batch of orders makes hundreds of them, and these cost a quarter of a frozen
dataclass. Their constructors refuse wrong values all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple
from uuid import UUID

from shop_core.catalog.model import Offer
from shop_core.errors import Fault, Invalid, Oversold, Shortage, StockBelowZero, UnknownProducts
from shop_core.text import normalized, text_faults

QUANTITY_MAX = 1_000_000
ON_HAND_MAX = 2_000_000_000
REASON_LENGTH_MAX = 500
COUNTED = "counted:"
"""The reason of an adjustment begins with it if it tells how many units there are: none came or went."""
LINES_MAX = 2_000

Units = Mapping[UUID, int]
"""How many units of each product."""

NewId = Callable[[], UUID]
"""Makes a new UUIDv7 (RFC 9562): ids sort by the time they were made in."""


class MovementKind(StrEnum):
    """Why a counter changed."""

    RECEIVED = "received"
    ADJUSTED = "adjusted"
    RESERVED = "reserved"
    RELEASED = "released"
    EXPIRED = "expired"
    CONFIRMED = "confirmed"
    ALLOCATED = "allocated"
    DEALLOCATED = "deallocated"
    SHIPPED = "shipped"
    RETURNED = "returned"


class Effect(NamedTuple):
    """By how much one unit of a movement changes each counter."""

    on_hand: int
    allocated: int
    reserved: int


EFFECTS = {
    MovementKind.RECEIVED: Effect(on_hand=+1, allocated=0, reserved=0),
    MovementKind.ADJUSTED: Effect(on_hand=+1, allocated=0, reserved=0),  # the one kind whose quantity may be negative
    MovementKind.RESERVED: Effect(on_hand=0, allocated=0, reserved=+1),
    MovementKind.RELEASED: Effect(on_hand=0, allocated=0, reserved=-1),
    MovementKind.EXPIRED: Effect(on_hand=0, allocated=0, reserved=-1),
    MovementKind.CONFIRMED: Effect(on_hand=0, allocated=+1, reserved=-1),  # one line: the units are never free between
    MovementKind.ALLOCATED: Effect(on_hand=0, allocated=+1, reserved=0),
    MovementKind.DEALLOCATED: Effect(on_hand=0, allocated=-1, reserved=0),
    MovementKind.SHIPPED: Effect(on_hand=-1, allocated=-1, reserved=0),
    MovementKind.RETURNED: Effect(on_hand=+1, allocated=0, reserved=0),
}


def check_low_stock_level(level: int) -> None:
    """Check a low stock level. Raises Invalid."""
    if not 1 <= level <= QUANTITY_MAX:
        rule = f"must be from 1 to {QUANTITY_MAX}, this is {level}; without one nobody is told"
        raise Invalid(Fault("low_stock_level", rule, "out_of_range"))


class LineRequest(NamedTuple):
    """`quantity` units of a product are requested."""

    product_id: UUID
    quantity: int


class _Movement(NamedTuple):
    id: UUID
    product_id: UUID
    kind: MovementKind
    quantity: int
    at: datetime
    actor_id: UUID | None = None
    order_id: UUID | None = None
    reason: str = ""
    reservation_id: UUID | None = None


class StockMovement(_Movement):
    """A line of the ledger.

    Args:
        quantity: units; positive, for an adjustment also negative (units found missing), never 0.
        order_id: the order it was for, if any.
        reservation_id: the reservation that took or returned the units, if any.
        actor_id: the account that caused it; None for the shop itself.
        reason: in words, for people.

    Raises:
        Invalid: the quantity or the reason breaks its rule.
    """

    __slots__ = ()

    def __new__(
        cls,
        id: UUID,
        product_id: UUID,
        kind: MovementKind,
        quantity: int,
        at: datetime,
        actor_id: UUID | None = None,
        order_id: UUID | None = None,
        reason: str = "",
        reservation_id: UUID | None = None,
    ) -> StockMovement:
        if type(quantity) is not int or not 0 < quantity <= QUANTITY_MAX or reason:
            _check_movement(kind, quantity, reason)
        return tuple.__new__(cls, (id, product_id, kind, quantity, at, actor_id, order_id, reason, reservation_id))

    @classmethod
    def _make(cls, iterable: Iterable[Any]) -> StockMovement:  # type: ignore[override]
        return cls(*iterable)  # so that `_replace` checks too

    @property
    def is_count(self) -> bool:
        """Whether it tells how many units there are; `at` is then the time of the count."""
        return self.kind is MovementKind.ADJUSTED and self.reason.startswith(COUNTED)


def _check_movement(kind: MovementKind, quantity: int, reason: str) -> None:
    quantity_min = -QUANTITY_MAX if kind is MovementKind.ADJUSTED else 1
    if type(quantity) is not int or not quantity_min <= quantity <= QUANTITY_MAX or quantity == 0:
        rule = f"must be from {quantity_min} to {QUANTITY_MAX} and not 0, this is {quantity}"
        raise Invalid(Fault("quantity", rule, "out_of_range"))
    if reason and (faults := text_faults("reason", reason, min_length=0, max_length=REASON_LENGTH_MAX)):
        raise Invalid(*faults)


class _Level(NamedTuple):
    product_id: UUID
    on_hand: int = 0
    allocated: int = 0
    reserved: int = 0
    shortfall: int = 0


class StockLevel(_Level):
    """The counters of one product, in units.

    Args:
        on_hand: physically there.
        allocated: promised to placed orders, not yet shipped.
        reserved: held by active reservations.
        shortfall: promised units that a correction found missing. Only a correction raises it.

    Raises:
        StockBelowZero: a counter is negative.
        Oversold: more is promised than is on hand and known to be short.
    """

    __slots__ = ()

    def __new__(
        cls, product_id: UUID, on_hand: int = 0, allocated: int = 0, reserved: int = 0, shortfall: int = 0
    ) -> StockLevel:
        if on_hand < 0 or allocated < 0 or reserved < 0 or shortfall < 0:
            raise StockBelowZero(product_id)
        if allocated + reserved > on_hand + shortfall:
            raise Oversold(product_id)
        if on_hand > ON_HAND_MAX:
            raise Invalid(Fault("quantity", f"would bring more than {ON_HAND_MAX} units on hand", "too_large"))
        return tuple.__new__(cls, (product_id, on_hand, allocated, reserved, shortfall))

    @classmethod
    def _make(cls, iterable: Iterable[Any]) -> StockLevel:  # type: ignore[override]
        return cls(*iterable)  # so that `_replace` checks too

    @property
    def available(self) -> int:
        """How many units can be sold now."""
        return max(0, self.on_hand - self.allocated - self.reserved)

    def after(self, movement: StockMovement) -> StockLevel:
        """The counters after `movement`.

        Raises:
            StockBelowZero: it takes more than there is.
            Oversold: it promises more than is available.
        """
        product_id, on_hand, allocated, reserved, shortfall = self
        _, _, kind, quantity, *_ = movement
        more_on_hand, more_allocated, more_reserved = EFFECTS[kind]
        on_hand += more_on_hand * quantity
        allocated += more_allocated * quantity
        reserved += more_reserved * quantity
        missing = allocated + reserved - on_hand
        if missing < 0:
            missing = 0
        elif kind is not MovementKind.ADJUSTED:
            missing = min(missing, shortfall)
        return StockLevel(product_id, on_hand, allocated, reserved, missing)


def check_reason(reason: str, *, is_needed: bool = True) -> None:
    """Check the reason of a change, in words.

    Args:
        is_needed: whether it may not be blank: of a correction, nobody could find out later.

    Raises:
        Invalid: the reason is blank, too long, or has characters that are not allowed.
    """
    faults = text_faults("reason", normalized(reason), min_length=int(is_needed), max_length=REASON_LENGTH_MAX)
    if faults:
        raise Invalid(*faults)


def count_reason(reason: str) -> str:
    """The reason of a count, as it stands in the ledger. Raises Invalid: see `check_reason`."""
    check_reason(reason)
    reason = normalized(reason)
    reason = reason if reason.startswith(COUNTED) else f"{COUNTED} {reason}"
    check_reason(reason)
    return reason


def check_counted(product_id: UUID, counted: int) -> None:
    """Raise Invalid unless so many units of a product can be on hand."""
    if type(counted) is not int or not 0 <= counted <= ON_HAND_MAX:
        rule = f"of product {product_id} must be from 0 to {ON_HAND_MAX}, this is {counted}"
        raise Invalid(Fault("counted", rule, "out_of_range"))


def count_changes(level: StockLevel, counted: int, recorded: int | None = None) -> list[int]:
    """The corrections that bring what is on hand to `counted` units; several if one ledger line cannot hold it.

    Args:
        recorded: how many were on hand when the two were compared; None: any number.

    Raises:
        Invalid: so many units cannot be on hand; or another number than `recorded` is on hand by now.
    """
    if recorded not in (None, level.on_hand):
        rule = f"was {recorded} when you counted, and is {level.on_hand} now: count again"
        raise Invalid(Fault("on_hand", rule, "moved_meanwhile"))
    check_counted(level.product_id, counted)
    missing = counted - level.on_hand
    sign = 1 if missing > 0 else -1
    whole, rest = divmod(abs(missing), QUANTITY_MAX)
    return [sign * QUANTITY_MAX] * whole + ([sign * rest] if rest else [])


def fold(product_id: UUID, movements: Iterable[StockMovement]) -> StockLevel:
    """The counters that a product has after `movements`, in the order in which they were applied, from nothing.

    Movements are made under the lock of their stock level, so within one process their ids are in that order.
    """
    level = StockLevel(product_id)
    for movement in movements:
        level = level.after(movement)
    return level


def levels_after(levels: Mapping[UUID, StockLevel], movements: Iterable[StockMovement]) -> dict[UUID, StockLevel]:
    """The counters of several products after `movements` of theirs."""
    after = dict(levels)
    for movement in movements:
        after[movement.product_id] = after[movement.product_id].after(movement)
    return after


def requested_units(lines: Sequence[LineRequest]) -> dict[UUID, int]:
    """The requested units of each product, in the order in which the lines first name it; it may stand in several.

    Raises:
        Invalid: there is no line or there are more than 2,000; a quantity (or the sum for one product)
            is not from 1 to 1,000,000.
    """
    requested = dict(lines)  # each product once, as nearly always
    is_each_valid = all(type(units) is int and 0 < units <= QUANTITY_MAX for units in requested.values())
    return requested if is_each_valid and 0 < len(requested) == len(lines) <= LINES_MAX else _summed_units(lines)


def _summed_units(lines: Sequence[LineRequest]) -> dict[UUID, int]:
    if not 1 <= len(lines) <= LINES_MAX:
        raise Invalid(Fault("lines", f"must be from 1 to {LINES_MAX}, these are {len(lines)}", "out_of_range"))
    requested: dict[UUID, int] = {}
    for index, (product_id, quantity) in enumerate(lines):
        total = requested.get(product_id, 0) + quantity
        if type(quantity) is not int or quantity < 1 or total > QUANTITY_MAX:
            rule = f"must be from 1 to {QUANTITY_MAX} for one product, this is {quantity}"
            if total != quantity:
                rule += f" and makes {total} with the lines before"
            raise Invalid(Fault(f"lines.{index}.quantity", rule, "out_of_range"))
        requested[product_id] = total
    return requested


def check_catalog(lines: Sequence[LineRequest], offers: Container[UUID]) -> None:
    """Check that the products of all lines are in the catalog.

    Args:
        lines: as the customer gave them.
        offers: the products that are sold.

    Raises:
        UnknownProducts: naming every line whose product is not.
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


def shortages(requested: Units, available: Units, offers: Mapping[UUID, Offer]) -> list[Shortage]:
    """Every product of which there are too few, with what it is sold as."""
    short = [product_id for product_id, units in requested.items() if available[product_id] < units]
    return [Shortage(each, requested[each], available[each], offers[each].sku, offers[each].name) for each in short]
