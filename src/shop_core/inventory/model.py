"""Stock: the counters of each product, and the ledger that explains them.

A counter never changes but by a movement, and a movement is never changed. So the counters of a product are
the fold of its ledger, and `EFFECTS` is the only place that says what a kind of movement does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from shop_core.errors import Fault, Invalid, Oversold, StockBelowZero
from shop_core.text import normal, text_faults

QUANTITY_MAX = 1_000_000
ON_HAND_MAX = 2_000_000_000
REASON_LENGTH_MAX = 500


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


@dataclass(frozen=True, slots=True)
class StockMovement:
    """A line of the ledger.

    Args:
        quantity: units; positive, for an adjustment also negative (units found missing), never 0.
        order_id: the order it was for, if any.
        reservation_id: the reservation that took or gave back the units, if any.
        actor_id: the account that caused it; None for the shop itself.
        reason: in words, for people.

    Raises:
        Invalid: the quantity or the reason breaks its rule.
    """

    id: UUID
    product_id: UUID
    kind: MovementKind
    quantity: int
    at: datetime
    actor_id: UUID | None = None
    order_id: UUID | None = None
    reason: str = ""
    reservation_id: UUID | None = None

    def __post_init__(self) -> None:
        least = -QUANTITY_MAX if self.kind is MovementKind.ADJUSTED else 1
        if type(self.quantity) is not int or not least <= self.quantity <= QUANTITY_MAX or self.quantity == 0:
            rule = f"must be from {least} to {QUANTITY_MAX} and not 0, this is {self.quantity}"
            raise Invalid(Fault("quantity", rule, "out_of_range"))
        if self.reason and (faults := text_faults("reason", self.reason, least=0, most=REASON_LENGTH_MAX)):
            raise Invalid(*faults)


@dataclass(frozen=True, slots=True)
class StockLevel:
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

    product_id: UUID
    on_hand: int = 0
    allocated: int = 0
    reserved: int = 0
    shortfall: int = 0

    def __post_init__(self) -> None:
        if self.on_hand < 0 or self.allocated < 0 or self.reserved < 0 or self.shortfall < 0:
            raise StockBelowZero(self.product_id)
        if self.allocated + self.reserved > self.on_hand + self.shortfall:
            raise Oversold(self.product_id)
        if self.on_hand > ON_HAND_MAX:
            raise Invalid(Fault("quantity", f"would bring more than {ON_HAND_MAX} units on hand", "too_large"))

    @property
    def available(self) -> int:
        """What can be sold now."""
        return max(0, self.on_hand - self.allocated - self.reserved)

    def after(self, movement: StockMovement) -> StockLevel:
        """The counters after `movement`.

        Raises:
            StockBelowZero: it takes more than there is.
            Oversold: it promises more than is available.
        """
        effect, quantity = EFFECTS[movement.kind], movement.quantity
        on_hand = self.on_hand + effect.on_hand * quantity
        allocated = self.allocated + effect.allocated * quantity
        reserved = self.reserved + effect.reserved * quantity
        missing = max(0, allocated + reserved - on_hand)
        if movement.kind is not MovementKind.ADJUSTED:
            missing = min(missing, self.shortfall)
        return StockLevel(self.product_id, on_hand, allocated, reserved, missing)


def check_reason(reason: str) -> None:
    """Let only corrections pass that say why: nobody could find out later.

    Raises:
        Invalid: it is blank, too long, or has characters that are not allowed.
    """
    if faults := text_faults("reason", normal(reason), least=1, most=REASON_LENGTH_MAX):
        raise Invalid(*faults)


def count_changes(level: StockLevel, counted: int) -> list[int]:
    """The corrections that bring what is on hand to `counted` units; several if one ledger line cannot hold it.

    Raises:
        Invalid: so many units cannot be on hand.
    """
    if type(counted) is not int or not 0 <= counted <= ON_HAND_MAX:
        rule = f"of product {level.product_id} must be from 0 to {ON_HAND_MAX}, this is {counted}"
        raise Invalid(Fault("counted", rule, "out_of_range"))
    missing = counted - level.on_hand
    sign = 1 if missing > 0 else -1
    whole, rest = divmod(abs(missing), QUANTITY_MAX)
    return [sign * QUANTITY_MAX] * whole + ([sign * rest] if rest else [])


def fold(product_id: UUID, movements: Iterable[StockMovement]) -> StockLevel:
    """The counters that a product must have after `movements`, in the order in which they were applied, from nothing.

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
