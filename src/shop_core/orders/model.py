"""Orders: what was agreed, line by line, and the table of steps that an order can take."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

from shop_core.accounts.model import Actor, Role
from shop_core.errors import Fault, Forbidden, IllegalStep, Invalid, NotTheOwner
from shop_core.idempotency import Claim, check_key, fingerprint
from shop_core.inventory.model import LineRequest, MovementKind, requested_units
from shop_core.money import Money


class OrderStatus(StrEnum):
    """Where an order stands."""

    PLACED = "placed"
    CONFIRMED = "confirmed"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    CANCELLED = "cancelled"


class Step(StrEnum):
    """What can be done with an order after it was placed."""

    EDIT = "edit"
    CONFIRM = "confirm"
    SHIP = "ship"
    DELIVER = "deliver"
    CANCEL = "cancel"
    DELETE = "delete"


LIFECYCLE: dict[OrderStatus, dict[Step, OrderStatus]] = {
    OrderStatus.PLACED: {
        Step.EDIT: OrderStatus.PLACED,
        Step.CONFIRM: OrderStatus.CONFIRMED,
        Step.CANCEL: OrderStatus.CANCELLED,
        Step.DELETE: OrderStatus.CANCELLED,
    },
    OrderStatus.CONFIRMED: {
        Step.SHIP: OrderStatus.SHIPPED,
        Step.CANCEL: OrderStatus.CANCELLED,
        Step.DELETE: OrderStatus.CANCELLED,
    },
    OrderStatus.SHIPPED: {Step.DELIVER: OrderStatus.DELIVERED},
    OrderStatus.DELIVERED: {},
    OrderStatus.CANCELLED: {Step.DELETE: OrderStatus.CANCELLED},
}
"""The whole life of an order. Code, API and docs read this table (docs/lifecycle.md is made from it).

Deleting cancels the order if that is still possible, and removes it from the customer's history. No step follows.
"""

HOLDS_STOCK = frozenset(status for status, steps in LIFECYCLE.items() if Step.CANCEL in steps)
"""The states in which the units of an order are allocated: those in which it can still be called off."""


def stock_moved(before: OrderStatus, after: OrderStatus) -> MovementKind | None:
    """What happens to the units of every line when an order goes from one status to another; None: nothing."""
    if before not in HOLDS_STOCK or after in HOLDS_STOCK:
        return None
    return MovementKind.SHIPPED if after is OrderStatus.SHIPPED else MovementKind.DEALLOCATED


@dataclass(frozen=True, slots=True)
class PlacementRequest:
    """An order that a customer wants to place: of lines, or of a reservation of theirs.

    Args:
        lines: as the customer gave them; a product may stand in several. Empty with a reservation.
        role: of the customer's account, for the order's timeline.
        reservation_id: the reservation to turn into an order, instead of lines.
        key: the idempotency key: with the same one, the same request is one order however often it is sent.
        expected_total: place the order only if it comes to this total.
        units: the units of each product, in the order in which the lines first name it; empty with a reservation.

    Raises:
        Invalid: see `requested_units` and `check_key`; lines and a reservation are both given.
    """

    customer_id: UUID
    lines: tuple[LineRequest, ...] = ()
    role: Role = Role.CUSTOMER
    reservation_id: UUID | None = None
    key: str | None = None
    expected_total: Money | None = None
    units: Mapping[UUID, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.reservation_id is not None and self.lines:
            raise Invalid(Fault("reservation_id", "cannot be given together with lines: choose one", "ambiguous"))
        if self.key is not None:
            check_key(self.key)
        object.__setattr__(self, "units", {} if self.reservation_id else requested_units(self.lines))

    def claim(self, order_id: UUID) -> Claim | None:
        """The claim of its key for the order that it may become; None without a key."""
        if self.key is None:
            return None
        total = self.expected_total.minor if self.expected_total else None
        lines = (part for line in self.lines for part in (line.product_id, line.quantity))
        return Claim(self.customer_id, self.key, fingerprint("place", self.reservation_id, total, *lines), order_id)


class OrderLine(NamedTuple):
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
        deleted_at: when the customer removed it from their history; staff, ledger and timeline keep it.
    """

    id: UUID
    customer_id: UUID
    status: OrderStatus
    lines: tuple[OrderLine, ...]
    total: Money
    created_at: datetime
    updated_at: datetime
    version: int = 1
    deleted_at: datetime | None = None

    @property
    def number(self) -> str:
        """What people call the order: `261121-7K3M9QX2`, its day (UTC) and eight letters and digits of its id.

        It is stored and indexed, so that staff can search for it, but nothing makes it unique. The eight stand for 40
        random bits: with 10,000 orders a day, two are alike about once in 60 years. A search then shows both.
        """
        return f"{_day(self.created_at)}-{_readable(self.id)}"

    @property
    def units(self) -> dict[UUID, int]:
        """How many of each product."""
        return {line.product_id: line.quantity for line in self.lines}

    def check_owner(self, actor: Actor) -> None:
        """Check that the customer acts: some steps are not for staff.

        Raises:
            NotTheOwner: somebody else acts.
        """
        if actor.id != self.customer_id:
            raise NotTheOwner(self.id)

    def check_step(self, step: Step) -> None:
        """Check that `step` is possible now.

        Raises:
            IllegalStep: the status does not allow the step, or the order was deleted.
        """
        possible = LIFECYCLE[self.status] if self.deleted_at is None else {}
        if step not in possible:
            raise IllegalStep(step, self.status, tuple(possible))

    def is_deleted_by(self, actor: Actor) -> bool:
        """Whether it belongs to the actor, who deleted it."""
        return self.deleted_at is not None and self.customer_id == actor.id

    def is_after(self, step: Step) -> bool:
        """Whether `step` ends an order and was taken already: to take it again changes nothing."""
        if step is Step.CANCEL:
            return self.status is OrderStatus.CANCELLED
        return step is Step.DELETE and self.deleted_at is not None

    def moves_stock(self, step: Step) -> bool:
        """Whether `step`, which is possible, moves the units of the order."""
        return stock_moved(self.status, LIFECYCLE[self.status][step]) is not None

    def after(self, step: Step, now: datetime) -> Order:
        """The order after `step`; the new lines of an edit are set by `with_lines`.

        Raises:
            IllegalStep: its status does not allow the step, or it was deleted.
        """
        self.check_step(step)
        deleted_at = now if step is Step.DELETE else None
        return replace(
            self, status=LIFECYCLE[self.status][step], updated_at=now, version=self.version + 1, deleted_at=deleted_at
        )

    def with_lines(self, lines: tuple[OrderLine, ...]) -> Order:
        """The order with these lines and their total.

        Raises:
            Invalid: the total is more than can be counted.
        """
        return replace(self, lines=lines, total=total_of(lines, self.total.currency))


@dataclass(frozen=True, slots=True)
class OrderQuery:
    """Which orders to list, newest first. All conditions that are given must hold.

    Args:
        customer_id: whose orders.
        placed_from: placed at this time or later; aware.
        placed_before: placed before this time; aware.
        number: in small or capital letters.
        with_deleted: also orders that their customers deleted.

    Raises:
        Invalid: the number is not an order number, or a time has no offset.
    """

    customer_id: UUID | None = None
    status: OrderStatus | None = None
    placed_from: datetime | None = None
    placed_before: datetime | None = None
    number: str | None = None
    with_deleted: bool = False

    def __post_init__(self) -> None:
        for name in ("placed_from", "placed_before"):
            time = getattr(self, name)
            if time is not None and time.utcoffset() is None:
                raise Invalid(Fault(name, f"{time} has no offset from UTC", "invalid_time"))
        if self.number is not None:
            number = self.number.strip().upper()
            if not _NUMBER.fullmatch(number):
                rule = f"{self.number[:40]!r} is not an order number such as 261121-7K3M9QX2"
                raise Invalid(Fault("number", rule, "invalid_number"))
            object.__setattr__(self, "number", number)

    def visible_to(self, actor: Actor) -> OrderQuery:
        """This query, limited to what `actor` may see: all orders for staff, else their own that they did not delete.

        Raises:
            Unauthenticated: nobody is logged in.
            Forbidden: a customer asks for the orders of another one.
        """
        if actor.is_staff:
            return replace(self, with_deleted=True)
        if self.customer_id not in (None, actor.account_id):
            raise Forbidden(Role.STAFF)
        return replace(self, customer_id=actor.account_id, with_deleted=False)

    def matches(self, order: Order) -> bool:
        """Whether `order` is one of them."""
        return (
            self.customer_id in (None, order.customer_id)
            and self.status in (None, order.status)
            and (self.placed_from is None or order.created_at >= self.placed_from)
            and (self.placed_before is None or order.created_at < self.placed_before)
            and self.number in (None, order.number)
            and (self.with_deleted or order.deleted_at is None)
        )


def total_of(lines: Iterable[OrderLine], currency: str) -> Money:
    """The sum of `lines`."""
    return Money(sum([line.unit_price.minor * line.quantity for line in lines]), currency)


_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's base 32: no I, L, O or U to misread
_PAIRS = [first + second for first in _LETTERS for second in _LETTERS]
_NUMBER = re.compile(f"[0-9]{{6}}-[{_LETTERS}]{{8}}", re.ASCII)


@lru_cache(64)  # all orders of a batch are placed at the same moment
def _day(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%y%m%d}"


def _readable(order_id: UUID) -> str:
    """Eight characters of the random end of a UUIDv7: 40 bits, so two orders of one day are hardly ever alike."""
    bits = order_id.int
    return _PAIRS[bits >> 30 & 1023] + _PAIRS[bits >> 20 & 1023] + _PAIRS[bits >> 10 & 1023] + _PAIRS[bits & 1023]
