"""What a shop must answer, in plain Python: dictionaries and counters, no locks and no pages.

Kept apart from the models of `shop_core` on purpose: it says the rules a second time, in the simplest way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from shop_core.accounts.model import Account
from shop_core.errors import (
    InsufficientStock,
    Refusal,
    ReservationExpired,
    ReservationResolved,
    StockBelowZero,
    UnknownProducts,
)
from shop_core.inventory.model import LineRequest
from shop_core.orders.model import OrderStatus, PlacementRequest, Step
from shop_core.reservations.model import ReservationRequest

STEPS = {
    ("placed", "edit"): "placed",
    ("placed", "confirm"): "confirmed",
    ("placed", "cancel"): "cancelled",
    ("placed", "delete"): "cancelled",
    ("confirmed", "ship"): "shipped",
    ("confirmed", "cancel"): "cancelled",
    ("confirmed", "delete"): "cancelled",
    ("shipped", "deliver"): "delivered",
    ("cancelled", "delete"): "cancelled",
}

TOLD = {"edit": "edited", "confirm": "confirmed", "ship": "shipped", "deliver": "delivered"} | {
    "cancel": "cancelled",
    "delete": "deleted",
}


@dataclass
class ExpectedProduct:
    """What is known of a product."""

    sku: str
    price: int
    category: UUID | None = None
    version: int = 1
    archived: bool = False
    moved: bool = False  # whether its ledger has a line
    on_hand: int = 0
    promised: int = 0
    reserved: int = 0

    @property
    def available(self) -> int:
        """What can be sold now, as long as nobody needs units whose time is up."""
        return max(0, self.on_hand - self.promised - self.reserved)

    @property
    def short(self) -> int:
        """Promised or reserved units that are not there."""
        return max(0, self.promised + self.reserved - self.on_hand)


@dataclass
class ExpectedOrder:
    """What is known of an order."""

    customer_id: UUID
    units: dict[UUID, int]
    prices: dict[UUID, int]
    status: str = "placed"
    version: int = 1
    deleted: bool = False
    told: list[str] = field(default_factory=lambda: ["placed"])
    number: str = ""
    placed_at: datetime | None = None

    @property
    def total(self) -> int:
        """What is to be paid."""
        return sum(self.prices[product_id] * quantity for product_id, quantity in self.units.items())


@dataclass
class ExpectedReservation:
    """What is known of a reservation."""

    customer_id: UUID
    units: dict[UUID, int]
    created_at: datetime
    expires_at: datetime
    held: dict[UUID, int]
    state: str = "active"
    order_id: UUID | None = None

    def state_at(self, now: datetime) -> str:
        """Where it stands, whether or not anybody wrote it down."""
        return "expired" if self.state == "active" and self.expires_at <= now else self.state


@dataclass
class Expected:
    """Everything that is known of a shop."""

    products: dict[UUID, ExpectedProduct] = field(default_factory=dict)
    orders: dict[UUID, ExpectedOrder] = field(default_factory=dict)
    categories: dict[str, UUID] = field(default_factory=dict)
    parents: dict[UUID, UUID | None] = field(default_factory=dict)
    accounts: dict[UUID, Account] = field(default_factory=dict)
    reservations: dict[UUID, ExpectedReservation] = field(default_factory=dict)
    keys: dict[tuple[UUID, str], tuple[object, UUID]] = field(default_factory=dict)

    def skus(self) -> set[str]:
        """Those that are taken, by archived products too."""
        return {product.sku for product in self.products.values()}

    def in_category(self, category_id: UUID) -> tuple[int, int]:
        """How many products of the catalog are directly in it, and how many categories directly below it."""
        products = [product for product in self.products.values() if not product.archived]
        inside = sum(product.category == category_id for product in products)
        return inside, sum(parent == category_id for parent in self.parents.values())

    def is_below(self, category_id: UUID | None, other: UUID) -> bool:
        """Whether a category is that other one, or below it."""
        while category_id is not None and category_id != other:
            category_id = self.parents[category_id]
        return category_id is not None

    def removed(self, product_id: UUID) -> None:
        """The product left the catalog."""
        product = self.products[product_id]
        if product.moved:
            product.archived, product.category = True, None
            product.version += 1
        else:
            del self.products[product_id]

    # ---- orders and reservations

    def placed(self, order_id: UUID, request: PlacementRequest, now: datetime) -> ExpectedOrder:
        """`request` became an order."""
        reservation = self.reservations[request.reservation_id] if request.reservation_id else None
        units = dict(reservation.units) if reservation else sum_of_lines(request.lines)
        if reservation:
            self.ended(reservation, "confirmed")
            reservation.order_id = order_id
        for product_id, quantity in units.items():
            self.products[product_id].promised += quantity
        prices = {product_id: self.products[product_id].price for product_id in units}
        self.orders[order_id] = ExpectedOrder(request.customer_id, units, prices, placed_at=now)
        return self.orders[order_id]

    def reserved(self, reservation_id: UUID, request: ReservationRequest, now: datetime) -> None:
        """`request` became a reservation."""
        units = sum_of_lines(request.lines)
        for product_id, quantity in units.items():
            self.products[product_id].reserved += quantity
        expires_at = now + request.ttl
        self.reservations[reservation_id] = ExpectedReservation(
            request.customer_id, units, now, expires_at, held=dict(units)
        )

    def ended(self, reservation: ExpectedReservation, state: str) -> None:
        """It holds nothing any more."""
        self.freed(reservation, reservation.held)
        reservation.state = state

    def freed(self, reservation: ExpectedReservation, product_ids: Iterable[UUID]) -> None:
        """It does not hold units of these products any more."""
        for product_id in list(product_ids):
            self.products[product_id].reserved -= reservation.held.pop(product_id)

    def release_lines(self, product_ids: Collection[UUID], now: datetime) -> None:
        """Somebody needed units of these products: those whose time is up hold them no more."""
        for reservation in self.reservations.values():
            if reservation.state == "active" and reservation.state_at(now) == "expired":
                self.freed(reservation, reservation.held.keys() & product_ids)

    def due(self, now: datetime) -> list[UUID]:
        """The reservations that a sweep has still to end, longest ago first."""
        due = [
            (reservation.expires_at, key)
            for key, reservation in self.reservations.items()
            if reservation.state == "active" and reservation.state_at(now) == "expired"
        ]
        return [key for _, key in sorted(due)]

    def refusal_to_end(self, reservation_id: UUID, now: datetime) -> type[Refusal] | None:
        """Why nothing can be done with the reservation any more."""
        reservation = self.reservations[reservation_id]
        if reservation.state_at(now) == "expired":
            return ReservationExpired
        return None if reservation.state == "active" else ReservationResolved

    def refusal_to_change(self, product_id: UUID, change: int) -> type[Refusal] | None:
        """Why `change` cannot be added to what is on hand."""
        return StockBelowZero if self.products[product_id].on_hand + change < 0 else None

    def can_step(self, order_id: UUID, step: Step) -> bool:
        """Whether the order's status allows `step`."""
        return not self.orders[order_id].deleted and (self.orders[order_id].status, step.value) in STEPS

    def can_ship_units(self, order_id: UUID) -> bool:
        """Whether all units of the order are there."""
        units = self.orders[order_id].units
        return all(self.products[product_id].on_hand >= quantity for product_id, quantity in units.items())

    def stepped(self, order_id: UUID, step: Step) -> ExpectedOrder:
        """The order took `step`."""
        order = self.orders[order_id]
        held = order.status in {"placed", "confirmed"}
        order.status = STEPS[order.status, step.value]
        order.version += 1
        order.told.append(TOLD[step.value])
        order.deleted = step is Step.DELETE
        for product_id, quantity in order.units.items():
            if held and step in {Step.CANCEL, Step.SHIP, Step.DELETE}:
                self.products[product_id].promised -= quantity
            if step is Step.SHIP:
                self.products[product_id].on_hand -= quantity
        return order

    def refusal_to_edit(self, order_id: UUID, lines: Sequence[LineRequest], now: datetime) -> type[Refusal] | None:
        """Why the order, which may be edited, cannot have these lines."""
        had = self.orders[order_id].units
        for product_id, units in sum_of_lines(lines).items():
            product = self.products.get(product_id)
            if units > had.get(product_id, 0) and (product is None or product.archived):
                return UnknownProducts
        return InsufficientStock if self.short_additions(order_id, lines, now) else None

    def short_additions(
        self, order_id: UUID, lines: Sequence[LineRequest], now: datetime
    ) -> list[tuple[UUID, int, int]]:
        """Product, units wanted beyond those on the order, and units that could be added, for each that is short."""
        return self._short(order_id, lines, self._due_units(now))

    def _short(
        self, order_id: UUID, lines: Sequence[LineRequest], due: Mapping[UUID, int]
    ) -> list[tuple[UUID, int, int]]:
        had = self.orders[order_id].units
        more = {product_id: units - had.get(product_id, 0) for product_id, units in sum_of_lines(lines).items()}
        found = []
        for key, units in more.items():
            product = self.products[key]
            free = max(0, product.on_hand - product.promised - product.reserved + due.get(key, 0))
            if units > free:
                found.append((key, units, free))
        return found

    def _due_units(self, now: datetime) -> Counter[UUID]:
        """Units that are still held although their time is up."""
        due: Counter[UUID] = Counter()
        for key in self.due(now):
            due.update(self.reservations[key].held)
        return due

    def edited(self, order_id: UUID, lines: Sequence[LineRequest], now: datetime) -> None:
        """The order has these lines now."""
        order, units = self.orders[order_id], sum_of_lines(lines)
        if units == order.units:
            return
        if self._short(order_id, lines, {}):
            self.release_lines(units.keys() | order.units.keys(), now)
        for product_id in units.keys() | order.units.keys():
            self.products[product_id].promised += units.get(product_id, 0) - order.units.get(product_id, 0)
        order.prices = {
            product_id: order.prices[product_id]
            if quantity <= order.units.get(product_id, 0)
            else self.products[product_id].price
            for product_id, quantity in units.items()
        }
        order.units = units
        order.version += 1
        order.told.append("edited")

    def held_by_reservations(self) -> Counter[UUID]:
        """Units of each product that reservations still hold."""
        held: Counter[UUID] = Counter()
        for reservation in self.reservations.values():
            held.update(reservation.held)
        return held

    def promised_by_orders(self) -> Counter[UUID]:
        """Units of each product in orders that wait for them."""
        promised: Counter[UUID] = Counter()
        for order in self.orders.values():
            if order.status in {OrderStatus.PLACED, OrderStatus.CONFIRMED}:
                promised.update(order.units)
        return promised

    def orders_of(self, customer_id: UUID) -> Sequence[UUID]:
        """His orders, newest first, without those that he deleted."""
        return [
            order_id
            for order_id, order in self.orders.items()
            if order.customer_id == customer_id and not order.deleted
        ][::-1]


def sum_of_lines(lines: Sequence[LineRequest]) -> dict[UUID, int]:
    """Units of each product, in the order in which it is first named."""
    units: dict[UUID, int] = {}
    for line in lines:
        units[line.product_id] = units.get(line.product_id, 0) + line.quantity
    return units
