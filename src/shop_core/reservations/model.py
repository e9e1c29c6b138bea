"""Reservations: units held for a customer for a while, before there is an order.

The stock of all its products is locked before a reservation changes. So confirming, releasing, extending and expiring
it can happen at the same moment, and one of them wins. Expiry is a matter of time alone: from `expires_at` on, nothing
but expiry is possible, even while the state is still stored as active.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from shop_core.accounts.model import Actor, Role
from shop_core.errors import Fault, Forbidden, Invalid, ReservationExpired, ReservationResolved, TooMuchReserved
from shop_core.idempotency import KeyClaim, check_key, fingerprint
from shop_core.inventory.model import LineRequest, MovementKind, requested_units

TTL_MIN = timedelta(seconds=1)
TTL_DEFAULT = timedelta(minutes=10)
TTL_MAX = timedelta(hours=24)


class ReservationState(StrEnum):
    """Where a reservation stands."""

    ACTIVE = "active"
    CONFIRMED = "confirmed"
    RELEASED = "released"
    EXPIRED = "expired"


class ReservationStep(StrEnum):
    """What can be done with a reservation."""

    EXTEND = "extend"
    CONFIRM = "confirm"
    RELEASE = "release"
    EXPIRE = "expire"


RESERVATION_LIFECYCLE: dict[ReservationState, dict[ReservationStep, ReservationState]] = {
    ReservationState.ACTIVE: {
        ReservationStep.EXTEND: ReservationState.ACTIVE,
        ReservationStep.CONFIRM: ReservationState.CONFIRMED,
        ReservationStep.RELEASE: ReservationState.RELEASED,
        ReservationStep.EXPIRE: ReservationState.EXPIRED,
    },
    ReservationState.CONFIRMED: {},
    ReservationState.RELEASED: {},
    ReservationState.EXPIRED: {},
}
"""The whole life of a reservation. Code, API and docs read this table (docs/lifecycle.md is made from it)."""

RETURN_MOVEMENT = {ReservationStep.RELEASE: MovementKind.RELEASED, ReservationStep.EXPIRE: MovementKind.EXPIRED}
"""The ledger lines of the steps that free the held units; at CONFIRM the units go to the order."""


class ReservedLine(NamedTuple):
    """Units of one product.

    Args:
        is_held: they still count as reserved. False once the reservation has ended, or, after it expired, as soon as
            another request needed the units of this product.
    """

    product_id: UUID
    quantity: int
    is_held: bool = True


@dataclass(frozen=True, slots=True)
class Reservation:
    """Units held for one customer until `expires_at`.

    Args:
        lines: each product once.
        expires_at: the first instant at which it is expired, on the clock of the store.
        order_id: the order that it became, once confirmed.
        seen_at: when it was in this state, on the clock of the store: a countdown starts from here.
    """

    id: UUID
    customer_id: UUID
    state: ReservationState
    lines: tuple[ReservedLine, ...]
    created_at: datetime
    expires_at: datetime
    order_id: UUID | None = None
    seen_at: datetime | None = field(default=None, compare=False)

    @property
    def units(self) -> dict[UUID, int]:
        """How many of each product."""
        return {line.product_id: line.quantity for line in self.lines}

    @property
    def held(self) -> dict[UUID, int]:
        """How many of each product still count as reserved."""
        return {line.product_id: line.quantity for line in self.lines if line.is_held}

    def is_due(self, now: datetime) -> bool:
        """Whether it has to expire: its time is up, and it did not end in another way."""
        return self.state is ReservationState.ACTIVE and self.expires_at <= now

    def is_whole(self, now: datetime) -> bool:
        """Whether it is active at `now` and holds all its units, so that it can be released."""
        return self.state is ReservationState.ACTIVE and now < self.expires_at and self.held == self.units

    @property
    def is_released(self) -> bool:
        """Whether its units were given back before the time was up."""
        return self.state is ReservationState.RELEASED

    def at(self, now: datetime) -> Reservation:
        """The reservation as it is at `now`: expired if its time is up, even if it is still stored as active."""
        state = ReservationState.EXPIRED if self.is_due(now) else self.state
        return replace(self, state=state, seen_at=now)

    def check_step(self, step: ReservationStep, now: datetime) -> None:
        """Check that `step` is possible at `now`.

        Raises:
            ReservationExpired: its time is up.
            ReservationResolved: it was confirmed or released.
            ValueError: it would expire before its time is up. A programming error, never an answer to a user.
        """
        state = self.at(now).state
        if step is ReservationStep.EXPIRE and self.is_due(now):
            return
        # Another request may have taken its units by a clock that was set back since.
        if state is ReservationState.EXPIRED or (state is ReservationState.ACTIVE and self.held != self.units):
            raise ReservationExpired(self.id, self.expires_at)
        if step not in RESERVATION_LIFECYCLE[state]:
            raise ReservationResolved(self.id, state, self.order_id)
        if step is ReservationStep.EXPIRE:
            raise ValueError(f"reservation {self.id} expires at {self.expires_at}, and it is {now}")

    def after(self, step: ReservationStep, now: datetime, order_id: UUID | None = None) -> Reservation:
        """The reservation after `step`; an extension also needs a new time, see `extended`.

        Raises:
            ReservationExpired, ReservationResolved
        """
        self.check_step(step, now)
        state = RESERVATION_LIFECYCLE[self.state][step]
        lines = self.lines
        if state is not ReservationState.ACTIVE:
            lines = tuple(line._replace(is_held=False) for line in lines)
        return replace(self, state=state, lines=lines, order_id=order_id, seen_at=now)

    def extended(self, ttl: timedelta, now: datetime) -> Reservation:
        """The reservation until `ttl` from `now`: never shorter than before, and at most 24 hours in all.

        Raises:
            Invalid: `ttl` is not from 1 second to 24 hours.
            ReservationExpired, ReservationResolved
        """
        check_ttl(ttl)
        after = self.after(ReservationStep.EXTEND, now)
        expires_at_max = self.created_at + TTL_MAX
        return replace(after, expires_at=max(self.expires_at, min(now + ttl, expires_at_max)))


class ExpiredLine(NamedTuple):
    """Units of one product that an expired reservation still holds."""

    reservation_id: UUID
    customer_id: UUID
    product_id: UUID
    quantity: int


def check_ttl(ttl: timedelta) -> None:
    """Check that a reservation can last that long.

    Raises:
        Invalid: it is not from 1 second to 24 hours.
    """
    if not TTL_MIN <= ttl <= TTL_MAX:
        ttl_min, ttl_max = int(TTL_MIN.total_seconds()), int(TTL_MAX.total_seconds())
        rule = f"must be from {ttl_min} to {ttl_max} seconds, this is {ttl.total_seconds():g}"
        raise Invalid(Fault("ttl_seconds", rule, "out_of_range"))


@dataclass(frozen=True, slots=True)
class ReservationRequest:
    """Units that a customer wants to reserve.

    Args:
        lines: as the customer gave them; a product may stand in several.
        ttl: for how long.
        key: the idempotency key: with the same one, the same request is one reservation however often it is sent.
        units: the units of each product, in the order in which the lines first name it.

    Raises:
        Invalid: see `requested_units`, `check_ttl` and `check_key`.
    """

    customer_id: UUID
    lines: tuple[LineRequest, ...]
    ttl: timedelta = TTL_DEFAULT
    key: str | None = None
    units: Mapping[UUID, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        check_ttl(self.ttl)
        if self.key is not None:
            check_key(self.key)
        object.__setattr__(self, "units", requested_units(self.lines))

    def key_claim(self, reservation_id: UUID) -> KeyClaim | None:
        """The claim of its key for the reservation that it may become; None without a key."""
        if self.key is None:
            return None
        lines = (part for line in self.lines for part in (line.product_id, line.quantity))
        ttl_us = self.ttl // timedelta(microseconds=1)
        return KeyClaim(self.customer_id, self.key, fingerprint("reserve", ttl_us, *lines), reservation_id)


@dataclass(frozen=True, slots=True)
class ReservationQuery:
    """Which reservations to list, newest first. All conditions that are given must hold.

    Args:
        customer_id: whose.
        is_active: only those that hold units now.
    """

    customer_id: UUID | None = None
    is_active: bool = False

    def visible_to(self, actor: Actor) -> ReservationQuery:
        """This query, limited to what `actor` may see: all reservations for staff, else their own.

        Raises:
            Unauthenticated: nobody is logged in.
            Forbidden: a customer asks for the reservations of another one.
        """
        if actor.is_staff:
            return self
        if self.customer_id not in (None, actor.account_id):
            raise Forbidden(Role.STAFF)
        return replace(self, customer_id=actor.account_id)

    def matches(self, reservation: Reservation, now: datetime) -> bool:
        """Whether `reservation` is one of them at `now`."""
        is_active = reservation.at(now).state is ReservationState.ACTIVE
        return self.customer_id in (None, reservation.customer_id) and (is_active or not self.is_active)


@dataclass(frozen=True, slots=True)
class ReservationUsage:
    """What a customer has reserved at some moment: active reservations that have not expired, and their units."""

    reservations: int = 0
    units: int = 0

    def adding(self, units: int) -> ReservationUsage:
        """This and one more reservation of `units`."""
        return ReservationUsage(self.reservations + 1, self.units + units)


@dataclass(frozen=True, slots=True)
class ReservationLimits:
    """What one customer may have reserved at once, so that nobody can empty the shop without buying.

    Args:
        reservations_max: open reservations.
        units_max: units in all of them.
    """

    reservations_max: int = 20
    units_max: int = 1_000_000

    def check(self, usage: ReservationUsage, units: int) -> None:
        """Check that a customer may reserve `units` more.

        Raises:
            TooMuchReserved
        """
        if usage.reservations >= self.reservations_max:
            raise TooMuchReserved("reservations", usage.reservations, 1, self.reservations_max)
        if usage.units + units > self.units_max:
            raise TooMuchReserved("units", usage.units, units, self.units_max)
