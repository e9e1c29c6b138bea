"""How orders are placed: many at a time, decided by one pure function."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shop_core.accounts.model import Actor
from shop_core.catalog.model import Offer
from shop_core.errors import InsufficientStock, Refusal, ReservationNotFound, TotalChanged
from shop_core.events import OrderEvent, OrderEventKind
from shop_core.idempotency import Claim, KeyedResults, Result
from shop_core.inventory.model import MovementKind, StockLevel, StockMovement
from shop_core.inventory.wanted import LineRequest, check_catalog, check_stock
from shop_core.money import Money
from shop_core.orders.model import Order, OrderLine, OrderStatus, PlacementRequest, total_of
from shop_core.reservations.allocation import movements_of
from shop_core.reservations.model import Reservation, ReservationStep

NewId = Callable[[], UUID]

Outcome = Result[Order] | Refusal
"""What becomes of one request: the order, or the refusal that its caller would have got alone."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be answered and written for a batch.

    Args:
        outcomes: one per request, in the order of the requests.
        orders: those that are new.
        confirmed: the reservations that became orders.
        movements: the ledger lines of the new orders.
        events: the first event of each.
        won: the keys that stand for them.
    """

    outcomes: tuple[Outcome, ...]
    orders: tuple[Order, ...]
    confirmed: tuple[Reservation, ...]
    movements: tuple[StockMovement, ...]
    events: tuple[OrderEvent, ...]
    won: tuple[Claim, ...]

    @property
    def is_short(self) -> bool:
        """Whether somebody would be told that there is not enough."""
        return any(isinstance(outcome, InsufficientStock) for outcome in self.outcomes)


def decide(
    requests: Sequence[PlacementRequest],
    ids: Sequence[UUID],
    answers: KeyedResults[Order],
    offers: Mapping[UUID, Offer],
    levels: Mapping[UUID, StockLevel],
    reservations: Mapping[UUID, Reservation],
    *,
    now: datetime,
    new_id: NewId,
) -> Decision:
    """Decide request by request, each seeing what the ones before it left.

    A request gets all its lines or nothing; one that is refused takes nothing from the ones after it. One that turns a
    reservation into an order needs no units that are free: it has its own.

    Args:
        requests: what customers want, first come first served.
        ids: what each order is to be called.
        answers: what the keys of the batch stand for; the new ones are noted there.
        offers: what is sold of the products named.
        levels: their stock, locked.
        reservations: those that are named, read after the stock of their products was locked.
        now: when the orders are placed: on the clock of the store, read after the locks.
        new_id: gives each ledger line and each event its id.
    """
    left = {product_id: level.available for product_id, level in levels.items()}
    open_reservations = dict(reservations)
    outcomes: list[Outcome] = []
    orders: list[Order] = []
    confirmed: list[Reservation] = []
    movements: list[StockMovement] = []
    events: list[OrderEvent] = []
    for request, order_id in zip(requests, ids, strict=True):
        claim = request.claim(order_id)
        try:
            if before := answers.to(claim):
                outcomes.append(before)
                continue
            reservation = _named(request, open_reservations, order_id, now)
            lines = _priced(reservation.requests if reservation else request.lines, request.wanted, offers)
            check_stock(request.wanted, left)
            total = total_of(lines, lines[0].unit_price.currency)
            _check_total(request.expected_total, total)
        except Refusal as refusal:
            outcomes.append(refusal)
            continue
        order = Order(order_id, request.customer_id, OrderStatus.PLACED, lines, total, now, now)
        if reservation:
            kind, units = MovementKind.CONFIRMED, reservation.units
            movements += movements_of(reservation, kind, units, request.customer_id, now, new_id, order_id)
            confirmed.append(reservation)
            open_reservations[reservation.id] = reservation
        else:
            movements += stock_movements(order, MovementKind.ALLOCATED, request.customer_id, now, new_id)
            for product_id, quantity in request.wanted.items():
                left[product_id] -= quantity
        answers.note(claim, order)
        outcomes.append(Result(order))
        orders.append(order)
        events.append(OrderEvent.of(new_id(), OrderEventKind.PLACED, order, Actor(request.customer_id, request.role)))
    return Decision(
        tuple(outcomes), tuple(orders), tuple(confirmed), tuple(movements), tuple(events), tuple(answers.won)
    )


def stock_movements(
    order: Order, kind: MovementKind, actor_id: UUID | None, now: datetime, new_id: NewId
) -> list[StockMovement]:
    """A ledger line of `kind` for every line of `order`."""
    return [
        StockMovement(new_id(), line.product_id, kind, line.quantity, now, actor_id, order.id) for line in order.lines
    ]


def _named(
    request: PlacementRequest, reservations: Mapping[UUID, Reservation], order_id: UUID, now: datetime
) -> Reservation | None:
    """The reservation that the request turns into an order, confirmed; None if it names none.

    Raises:
        ReservationNotFound, ReservationExpired, ReservationResolved
    """
    if request.reservation_id is None:
        return None
    reservation = reservations.get(request.reservation_id)
    if reservation is None or reservation.customer_id != request.customer_id:
        raise ReservationNotFound(request.reservation_id)
    return reservation.after(ReservationStep.CONFIRM, now, order_id)


def _priced(
    lines: Sequence[LineRequest], wanted: Mapping[UUID, int], offers: Mapping[UUID, Offer]
) -> tuple[OrderLine, ...]:
    """One line per product, with today's name and price.

    Raises:
        UnknownProducts: naming every line whose product is not in the catalog.
    """
    check_catalog(lines, offers)
    units = wanted or {line.product_id: line.quantity for line in lines}
    chosen = ((offers[product_id], quantity) for product_id, quantity in units.items())
    return tuple(OrderLine(o.product_id, o.sku, o.name, o.price, quantity) for o, quantity in chosen)


def _check_total(expected: Money | None, total: Money) -> None:
    if expected is not None and expected != total:
        raise TotalChanged(str(expected), str(total), total.currency)
