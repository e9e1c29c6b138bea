"""How units are reserved and given back. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from uuid import UUID

from shop_core.catalog.model import Offer
from shop_core.errors import InsufficientStock, Refusal
from shop_core.idempotency import Result
from shop_core.inventory.model import MovementKind, NewId, StockMovement, check_catalog, shortages
from shop_core.reservations.model import (
    RETURN_MOVEMENT,
    ExpiredLine,
    Reservation,
    ReservationLimits,
    ReservationRequest,
    ReservationState,
    ReservationStep,
    ReservationUsage,
    ReservedLine,
)

Outcome = Result[Reservation] | Refusal
"""What becomes of a request: the reservation, or the refusal that it would have got alone."""


class ReservationDraft:
    """The reservations that a batch makes; see `shop_core.batching`.

    Args:
        offers: what is sold of the requested products.
        usage: what each customer has reserved, locked.
        limits: what one customer may have reserved at once.
        now: on the clock of the store, read after the locks.
        new_id: gives each ledger line its id.

    Attributes:
        reservations, movements: what is new.
    """

    def __init__(
        self,
        offers: Mapping[UUID, Offer],
        usage: Mapping[UUID, ReservationUsage],
        limits: ReservationLimits,
        *,
        now: datetime,
        new_id: NewId,
    ) -> None:
        self._offers, self._usage, self._limits = offers, dict(usage), limits
        self._now, self._new_id = now, new_id
        self.reservations: list[Reservation] = []
        self.movements: list[StockMovement] = []

    def grant(self, request: ReservationRequest, reservation_id: UUID, available: Mapping[UUID, int]) -> Reservation:
        """Reserve units.

        Raises:
            UnknownProducts, InsufficientStock: naming every line.
            TooMuchReserved
        """
        customer_id, now, units = request.customer_id, self._now, sum(request.units.values())
        usage = self._usage.get(customer_id, ReservationUsage())
        check_catalog(request.lines, self._offers)
        if short := shortages(request.units, available, self._offers):
            raise InsufficientStock(short)
        self._limits.check(usage, units)
        lines = tuple(ReservedLine(product_id, quantity) for product_id, quantity in request.units.items())
        reservation = Reservation(
            reservation_id, customer_id, ReservationState.ACTIVE, lines, now, now + request.ttl, seen_at=now
        )
        self._usage[customer_id] = usage.adding(units)
        self.reservations.append(reservation)
        self.movements += movements_of(
            reservation, MovementKind.RESERVED, request.units, customer_id, now, self._new_id
        )
        return reservation


def movements_of(
    reservation: Reservation,
    kind: MovementKind,
    units: Mapping[UUID, int],
    actor_id: UUID | None,
    now: datetime,
    new_id: NewId,
    order_id: UUID | None = None,
) -> list[StockMovement]:
    """A ledger line of `kind` for `units` of a reservation, product by product."""
    return [
        StockMovement(new_id(), product_id, kind, quantity, now, actor_id, order_id, reservation_id=reservation.id)
        for product_id, quantity in units.items()
    ]


def give_back(
    reservation: Reservation, step: ReservationStep, actor_id: UUID | None, now: datetime, new_id: NewId
) -> tuple[Reservation, list[StockMovement]]:
    """The reservation after it was released or expired, and the ledger lines that free what it still holds.

    Raises:
        ReservationExpired, ReservationResolved
    """
    after = reservation.after(step, now)
    return after, movements_of(reservation, RETURN_MOVEMENT[step], reservation.held, actor_id, now, new_id)


def expiry_of(lines: Iterable[ExpiredLine], now: datetime, new_id: NewId) -> list[StockMovement]:
    """The ledger lines that free units of expired reservations."""
    return [
        StockMovement(
            new_id(), line.product_id, MovementKind.EXPIRED, line.quantity, now, reservation_id=line.reservation_id
        )
        for line in lines
    ]
