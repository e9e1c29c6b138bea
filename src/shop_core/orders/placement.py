"""How orders are placed: one request at a time, as part of a batch. No I/O."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from datetime import datetime
from uuid import UUID

from shop_core.catalog.model import Offer
from shop_core.errors import InsufficientStock, Refusal, ReservationNotFound, TotalChanged
from shop_core.events import OrderEvent, OrderEventKind
from shop_core.idempotency import Result
from shop_core.inventory.model import LineRequest, MovementKind, NewId, StockMovement, check_catalog, shortages
from shop_core.orders.model import Order, OrderLine, OrderStatus, PlacementRequest, total_of
from shop_core.orders.totals import PricerAt, placed_order
from shop_core.pricing.coupons import Redemption
from shop_core.pricing.order_pricer import OrderPricer
from shop_core.pricing.rules import Rules
from shop_core.reservations.model import Reservation, ReservationStep
from shop_core.reservations.reserving import movements_of

Outcome = Result[Order] | Refusal
"""What becomes of a request: the order, or the refusal that it would have got alone."""

Offers = Mapping[UUID, Offer]
Reservations = Mapping[UUID, Reservation]


@dataclass(slots=True)
class PlacementDraft:
    """The orders that a batch places; see `shop_core.batching`.

    Args:
        offers: what is sold of the requested products.
        reservations: those that are named, read after the stock of their products was locked.
        archived: what is not sold any more of what they hold: who has reserved it gets it.
        rules: of the shop.
        pricer_at: makes what prices the orders, anew for each attempt; None if they cost the sum of their lines.
        at: when the orders are placed: on the clock of the store, read after the locks.
        new_id: gives each ledger line and each event its id.

    Attributes:
        orders, movements, events, redemptions: what is new.
        ordered: the reservations that became orders, by id.
        pricer: what prices the orders.
    """

    offers: Offers
    reservations: Reservations
    archived: Offers
    rules: Rules = field(default_factory=Rules)
    pricer_at: PricerAt | None = None
    _: KW_ONLY
    at: datetime
    new_id: NewId
    orders: list[Order] = field(default_factory=list)
    movements: list[StockMovement] = field(default_factory=list)
    events: list[OrderEvent] = field(default_factory=list)
    ordered: dict[UUID, Reservation] = field(default_factory=dict)
    redemptions: list[Redemption] = field(default_factory=list)
    pricer: OrderPricer | None = field(init=False)

    def __post_init__(self) -> None:
        self.pricer = self.pricer_at(self.at) if self.pricer_at else None

    def grant(self, request: PlacementRequest, order_id: UUID, available: Mapping[UUID, int]) -> Order:
        """Place an order of new units, or of a reservation, which has its own. Raises as `OrderService.place`."""
        customer_id, at, new_id, expected = request.customer_id, self.at, self.new_id, request.expected_total
        reservation = self._ordered(request, order_id) if request.reservation_id else None
        units = reservation.units if reservation else request.units
        offers = {**self.offers, **self.archived} if reservation else self.offers
        sold = _sold(request.lines, units, offers)
        if short := shortages(request.units, available, offers):
            raise InsufficientStock(short)
        order, redemptions = self._priced(request, order_id, sold)
        if expected is not None and expected != order.total:
            raise TotalChanged(str(expected), str(order.total), expected.currency)
        if self.pricer is not None and redemptions:
            self.pricer.take(redemptions)
            self.redemptions += redemptions
        if reservation:
            self._record(reservation, customer_id, order_id)
        else:
            self.movements += stock_movements(order, MovementKind.ALLOCATED, customer_id, at, new_id)
        self.orders.append(order)
        what = customer_id, order_id, order.version, OrderEventKind.PLACED, order.status, order.total, at
        self.events.append(OrderEvent(new_id(), *what, customer_id, request.role))
        return order

    def _record(self, ordered: Reservation, customer_id: UUID, order_id: UUID) -> None:
        self.movements += movements_of(
            ordered, MovementKind.CONFIRMED, ordered.units, customer_id, self.at, self.new_id, order_id
        )
        self.ordered[ordered.id] = ordered

    def _priced(
        self, request: PlacementRequest, order_id: UUID, sold: Sequence[tuple[Offer, int]]
    ) -> tuple[Order, Sequence[Redemption]]:
        """The order with its discounts and taxes, and the uses that it takes."""
        if self.pricer is not None:
            return placed_order(request, order_id, sold, self.pricer, self.at)
        # As if there were a pricer, in a fraction of the time.
        keeps, includes_tax = self.rules.keeps_categories, self.rules.includes_tax
        lines = tuple([OrderLine.of(offer, units, offer.category_ids if keeps else ()) for offer, units in sold])
        total = total_of(lines, lines[0].unit_price.currency)
        head = order_id, request.customer_id, OrderStatus.PLACED
        return Order(*head, lines, total, self.at, self.at, includes_tax=includes_tax), ()

    def _ordered(self, request: PlacementRequest, order_id: UUID) -> Reservation:
        """The reservation that the request turns into an order."""
        assert request.reservation_id is not None
        reservation = self.ordered.get(request.reservation_id) or self.reservations.get(request.reservation_id)
        if reservation is None or reservation.customer_id != request.customer_id:
            raise ReservationNotFound(request.reservation_id)
        return reservation.after(ReservationStep.CONFIRM, self.at, order_id)


def _sold(requested: Sequence[LineRequest], units: Mapping[UUID, int], offers: Offers) -> list[tuple[Offer, int]]:
    """What is sold, once per product, and how many units of it."""
    try:
        return [(offers[product_id], quantity) for product_id, quantity in units.items()]
    except KeyError:
        check_catalog(requested, offers)
        raise


def stock_movements(
    order: Order, kind: MovementKind, actor_id: UUID | None, now: datetime, new_id: NewId
) -> list[StockMovement]:
    """A ledger line of `kind` for every line of `order`."""
    return [
        StockMovement(new_id(), line.product_id, kind, line.quantity, now, actor_id, order.id) for line in order.lines
    ]
