"""Orders: what was agreed, line by line, and the table of steps that an order can take."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from hashlib import sha256
from typing import NamedTuple
from uuid import UUID

from shop_core.accounts.model import Actor, Role
from shop_core.catalog.model import TAX_CLASS_DEFAULT, Offer, Options
from shop_core.errors import Fault, Forbidden, IllegalStep, Invalid, NotTheOwner
from shop_core.idempotency import KeyClaim, check_key, fingerprint
from shop_core.inventory.model import LineRequest, MovementKind, requested_units
from shop_core.money import Money
from shop_core.pricing.coupons import coupon_codes
from shop_core.pricing.evaluation import Discount
from shop_core.pricing.taxes import TaxAmount

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


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

STAFF_STEPS = frozenset({Step.CONFIRM, Step.SHIP, Step.DELIVER})
"""Only staff take these. Only the owner deletes; both edit and cancel."""

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
        coupons: codes; spelled as `coupon_code` spells them, each once.
        units: the units of each product, in the order in which the lines first name it; empty with a reservation.

    Raises:
        Invalid: not exactly one of lines and a reservation is given; see also `requested_units` and `check_key`.
    """

    customer_id: UUID
    lines: tuple[LineRequest, ...] = ()
    role: Role = Role.CUSTOMER
    reservation_id: UUID | None = None
    key: str | None = None
    expected_total: Money | None = None
    coupons: tuple[str, ...] = ()
    units: Mapping[UUID, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if bool(self.lines) is (self.reservation_id is not None):
            rule = f"give exactly one of lines and reservation_id, here {'are both' if self.lines else 'is none'}"
            raise Invalid(*(Fault(field, rule, "exactly_one") for field in ("lines", "reservation_id")))
        if self.key is not None:
            check_key(self.key)
        if self.coupons:
            object.__setattr__(self, "coupons", coupon_codes(self.coupons))
        object.__setattr__(self, "units", {} if self.reservation_id else requested_units(self.lines))

    def key_claim(self, order_id: UUID) -> KeyClaim | None:
        """The claim of its key for the order that it may become; None without a key."""
        if self.key is None:
            return None
        total = self.expected_total.minor if self.expected_total else None
        lines = (part for line in self.lines for part in (line.product_id, line.quantity))
        coupons = ("coupons", *self.coupons) if self.coupons else ()
        asked = fingerprint("place", self.reservation_id, total, *lines, *coupons)
        return KeyClaim(self.customer_id, self.key, asked, order_id)


class OrderLine(NamedTuple):
    """A line as agreed when it was placed, or when an edit last made it larger. Tax rate and categories stay those of
    when it was placed.

    Args:
        options: what tells the product apart in its family.
        tax_class: of the product.
        discount: what promotions took off the whole line, in minor units.
        tax_rate: in basis points.
        tax: of the whole line after its discount, in minor units; inside of the price if that is gross.
        category_ids: the category of the product and all above it: an edit prices the line with these.
        discounts: what each promotion took off; they sum up to `discount`.
    """

    product_id: UUID
    sku: str
    name: str
    unit_price: Money
    quantity: int
    options: Options = ()
    tax_class: str = TAX_CLASS_DEFAULT
    discount: int = 0
    tax_rate: int = 0
    tax: int = 0
    category_ids: tuple[UUID, ...] = ()
    discounts: tuple[Discount, ...] = ()

    @classmethod
    def of(cls, offer: Offer, units: int, category_ids: tuple[UUID, ...], tax_rate: int = 0, tax: int = 0) -> OrderLine:
        """So many units of `offer` at its list price, without discounts; see the class for the rest."""
        product_id, sku, name, price, options, tax_class, _ = offer
        return cls(product_id, sku, name, price, units, options, tax_class, 0, tax_rate, tax, category_ids)

    @property
    def paid(self) -> int:
        """Unit price times quantity, less the discount, in minor units."""
        return self.unit_price.minor * self.quantity - self.discount

    @property
    def total(self) -> Money:
        """The same as money."""
        return Money(self.paid, self.unit_price.currency)


class Priced:
    """What follows from the prices of some lines."""

    __slots__ = ()

    lines: tuple[OrderLine, ...]
    total: Money
    includes_tax: bool

    @property
    def subtotal(self) -> Money:
        """What the lines come to at list prices."""
        return Money(sum([line.unit_price.minor * line.quantity for line in self.lines]), self.total.currency)

    @property
    def discounts(self) -> list[Discount]:
        """What each promotion took off the whole order, by promotion."""
        by_promotion: dict[UUID, Discount] = {}
        for discount in [each for line in self.lines for each in line.discounts]:
            if (before := by_promotion.get(discount.promotion_id)) is not None:
                discount = before._replace(amount=before.amount + discount.amount)
            by_promotion[discount.promotion_id] = discount
        return [by_promotion[promotion_id] for promotion_id in sorted(by_promotion)]

    @property
    def taxes(self) -> list[TaxAmount]:
        """Net and tax of each rate, in minor units."""
        by_rate: dict[int, TaxAmount] = {}
        for line in self.lines:
            _, net, tax = by_rate.get(line.tax_rate, (0, 0, 0))
            net += line.paid - line.tax if self.includes_tax else line.paid
            by_rate[line.tax_rate] = TaxAmount(line.tax_rate, net, tax + line.tax)
        return [by_rate[rate] for rate in sorted(by_rate)]


@dataclass(frozen=True, slots=True)
class Order(Priced):
    """A placed agreement with one customer.

    Args:
        lines: each product once.
        total: what is to be paid: the sum of the lines, and of their taxes if prices do not include them.
        version: counts the changes, from 1.
        deleted_at: when the customer removed it from their history; staff, ledger and timeline keep it.
        includes_tax: whether prices are gross.
        promotions: id and version of those that it could use, used or not: an edit is priced with these.
        coupons: code and promotion of those that came with it, used or not.
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
    includes_tax: bool = True
    promotions: tuple[tuple[UUID, int], ...] = ()
    coupons: tuple[tuple[str, UUID], ...] = ()

    @property
    def number(self) -> str:
        """What people call the order: `261121-7K3M9QX2`, its day (UTC) and eight letters and digits of its id.

        It is stored and indexed, so that staff can search for it, but nothing makes it unique. The eight stand for 40
        random bits: with 10,000 orders a day, two are alike about once in 60 years. A search then shows both.
        """
        return f"{_day(self.created_at)}-{_readable(self.id)}"

    @property
    def tag(self) -> int:
        """64 bits, others after every change: by these a copy is compared, see `shop_core.orders.comparison`.

        The time of the change is in it, because after a restore from a backup the same version can be another order.
        """
        micros = (self.updated_at - _EPOCH) // timedelta(microseconds=1)
        state = self.id.bytes + self.version.to_bytes(4, "big") + micros.to_bytes(8, "big", signed=True)
        return int.from_bytes(sha256(state).digest()[:8], "big")

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

    def check_step(self, step: Step, actor: Actor) -> None:
        """Check that `step` is possible now.

        Raises:
            IllegalStep: the status does not allow the step, or the order was deleted. It names what `actor` may do.
        """
        allowed = LIFECYCLE[self.status] if self.deleted_at is None else {}
        if step not in allowed:
            not_theirs = set[Step]() if actor.is_staff else set(STAFF_STEPS)
            not_theirs |= set() if actor.id == self.customer_id else {Step.DELETE}
            raise IllegalStep(step, self.status, [each for each in allowed if each not in not_theirs])

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

    def after(self, step: Step, actor: Actor, now: datetime) -> Order:
        """The order after `step`; the new lines of an edit are set by `with_lines`.

        Raises:
            IllegalStep: see `check_step`.
        """
        self.check_step(step, actor)
        status, deleted_at = LIFECYCLE[self.status][step], now if step is Step.DELETE else None
        return replace(self, status=status, updated_at=now, version=self.version + 1, deleted_at=deleted_at)

    def with_lines(self, lines: tuple[OrderLine, ...]) -> Order:
        """The order with these lines and their total.

        Raises:
            Invalid: the total is more than can be counted.
        """
        return replace(self, lines=lines, total=total_of(lines, self.total.currency, includes_tax=self.includes_tax))


@dataclass(frozen=True, slots=True)
class OrderQuery:
    """Which orders to list, newest first by default. All conditions that are given must hold.

    Args:
        customer_id: whose orders.
        placed_from: placed at this time or later; aware.
        placed_before: placed before this time; aware.
        number: in small or capital letters, with or without its hyphen or a `#` before it.
        with_deleted: also orders that their customers deleted.
        oldest_first: as a queue.
        ids: only these.

    Raises:
        Invalid: the number is not an order number, or a time has no offset.
    """

    customer_id: UUID | None = None
    status: OrderStatus | None = None
    placed_from: datetime | None = None
    placed_before: datetime | None = None
    number: str | None = None
    with_deleted: bool = False
    oldest_first: bool = False
    ids: tuple[UUID, ...] | None = None

    def __post_init__(self) -> None:
        for name in ("placed_from", "placed_before"):
            time = getattr(self, name)
            if time is not None and time.utcoffset() is None:
                raise Invalid(Fault(name, f"{time} has no offset from UTC", "invalid_time"))
        if self.number is not None:
            number = self.number.strip().upper().removeprefix("#")
            if len(number) == 14 and "-" not in number:
                number = f"{number[:6]}-{number[6:]}"
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
            and (self.ids is None or order.id in self.ids)
            and (self.with_deleted or order.deleted_at is None)
        )


def total_of(lines: Sequence[OrderLine], currency: str, *, includes_tax: bool = True) -> Money:
    """The sum of `lines`, and of their taxes if prices do not include them."""
    taxes = 0 if includes_tax else sum([line.tax for line in lines])
    return Money(taxes + sum([line.unit_price.minor * line.quantity - line.discount for line in lines]), currency)


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
