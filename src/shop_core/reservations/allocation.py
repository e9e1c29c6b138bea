"""How units are held and given back: many reservations at a time, decided by one pure function."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shop_core.catalog.model import Offer
from shop_core.errors import InsufficientStock, Refusal
from shop_core.idempotency import Claim, KeyedResults, Result
from shop_core.inventory.model import MovementKind, StockLevel, StockMovement
from shop_core.inventory.wanted import check_catalog, check_stock
from shop_core.reservations.model import (
    GIVES_BACK,
    HeldLine,
    Holding,
    HoldingLimits,
    Reservation,
    ReservationRequest,
    ReservationState,
    ReservationStep,
    ReservedLine,
)

NewId = Callable[[], UUID]

Outcome = Result[Reservation] | Refusal
"""What becomes of one request: the reservation, or the refusal that its caller would have got alone."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be answered and written for a batch.

    Args:
        outcomes: one per request, in the order of the requests.
        reservations: those that are new.
        movements: their ledger lines.
        won: the keys that stand for them.
    """

    outcomes: tuple[Outcome, ...]
    reservations: tuple[Reservation, ...]
    movements: tuple[StockMovement, ...]
    won: tuple[Claim, ...]

    @property
    def is_short(self) -> bool:
        """Whether somebody would be told that there is not enough."""
        return any(isinstance(outcome, InsufficientStock) for outcome in self.outcomes)


def decide(
    requests: Sequence[ReservationRequest],
    ids: Sequence[UUID],
    answers: KeyedResults[Reservation],
    offers: Mapping[UUID, Offer],
    levels: Mapping[UUID, StockLevel],
    holdings: Mapping[UUID, Holding],
    limits: HoldingLimits,
    *,
    now: datetime,
    new_id: NewId,
) -> Decision:
    """Decide request by request, each seeing what the ones before it left.

    A request gets all its lines or nothing; one that is refused takes nothing from the ones after it.

    Args:
        requests: what customers want held, first come first served.
        ids: what each reservation is to be called.
        answers: what the keys of the batch stand for; the new ones are noted there.
        offers: what is sold of the products named.
        levels: their stock, locked.
        holdings: what the customers hold, locked.
        limits: what one may hold.
        now: on the clock of the store, read after the locks.
        new_id: gives each ledger line its id.
    """
    left = {product_id: level.available for product_id, level in levels.items()}
    held = dict(holdings)
    outcomes: list[Outcome] = []
    reservations: list[Reservation] = []
    movements: list[StockMovement] = []
    for request, reservation_id in zip(requests, ids, strict=True):
        customer_id, claim, units = request.customer_id, request.claim(reservation_id), sum(request.wanted.values())
        holding = held.get(customer_id, Holding())
        try:
            if before := answers.to(claim):
                outcomes.append(before)
                continue
            check_catalog(request.lines, offers)
            check_stock(request.wanted, left)
            limits.check(holding, units)
        except Refusal as refusal:
            outcomes.append(refusal)
            continue
        lines = tuple(ReservedLine(product_id, quantity) for product_id, quantity in request.wanted.items())
        reservation = Reservation(
            reservation_id, customer_id, ReservationState.ACTIVE, lines, now, now + request.ttl, seen_at=now
        )
        answers.note(claim, reservation)
        outcomes.append(Result(reservation))
        reservations.append(reservation)
        movements += movements_of(reservation, MovementKind.RESERVED, reservation.units, customer_id, now, new_id)
        held[customer_id] = holding.with_more(units)
        for product_id, quantity in request.wanted.items():
            left[product_id] -= quantity
    return Decision(tuple(outcomes), tuple(reservations), tuple(movements), tuple(answers.won))


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
    """The reservation released or expired, and the ledger lines that free what it still holds.

    Raises:
        ReservationExpired, ReservationResolved
    """
    after = reservation.after(step, now)
    return after, movements_of(reservation, GIVES_BACK[step], reservation.held, actor_id, now, new_id)


def expiry_of(lines: Iterable[HeldLine], now: datetime, new_id: NewId) -> list[StockMovement]:
    """The ledger lines that free units of reservations whose time is up."""
    return [
        StockMovement(
            new_id(), line.product_id, MovementKind.EXPIRED, line.quantity, now, reservation_id=line.reservation_id
        )
        for line in lines
    ]
