"""How orders are placed: many at a time, decided by one pure function."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shop_core.accounts.model import Actor
from shop_core.catalog.model import Product
from shop_core.errors import Fault, InsufficientStock, Refusal, Shortage, UnknownProducts
from shop_core.events import OrderEvent, OrderEventKind
from shop_core.inventory.model import MovementKind, StockLevel, StockMovement
from shop_core.orders.model import Order, OrderLine, OrderStatus, PlacementRequest, total_of

Outcome = Order | Refusal
"""What becomes of one request: the order, or the refusal that its caller would have got alone."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be answered and written for a batch.

    Args:
        outcomes: one per request, in the order of the requests.
        movements: the ledger lines of the orders among them.
        events: the first event of each of those orders.
    """

    outcomes: tuple[Outcome, ...]
    movements: tuple[StockMovement, ...]
    events: tuple[OrderEvent, ...]

    @property
    def orders(self) -> list[Order]:
        """The orders that were placed."""
        return [outcome for outcome in self.outcomes if isinstance(outcome, Order)]


def decide(
    requests: Sequence[PlacementRequest],
    products: Mapping[UUID, Product],
    levels: Mapping[UUID, StockLevel],
    *,
    now: datetime,
    new_id: Callable[[], UUID],
) -> Decision:
    """Decide request by request, each seeing the stock that the ones before it left.

    A request gets all its lines or nothing; one that is refused takes nothing from the ones after it.

    Args:
        requests: what customers want, first come first served.
        products: the products that exist, of those named; archived ones count as unknown.
        levels: their stock, locked.
        now: when the orders are placed.
        new_id: gives each order and each ledger line its id.
    """
    left = {product_id: level.available for product_id, level in levels.items()}
    outcomes: list[Outcome] = []
    movements: list[StockMovement] = []
    events: list[OrderEvent] = []
    for request in requests:
        try:
            lines = _priced(request, products)
            _check_stock(request, left)
            total = total_of(lines, lines[0].unit_price.currency)
        except Refusal as refusal:
            outcomes.append(refusal)
            continue
        order = Order(new_id(), request.customer_id, OrderStatus.PLACED, lines, total, now, now)
        outcomes.append(order)
        movements += stock_movements(order, MovementKind.ALLOCATED, request.customer_id, now, new_id)
        events.append(OrderEvent.of(OrderEventKind.PLACED, order, Actor(request.customer_id, request.role)))
        for product_id, quantity in request.wanted.items():
            left[product_id] -= quantity
    return Decision(tuple(outcomes), tuple(movements), tuple(events))


def stock_movements(
    order: Order, kind: MovementKind, actor_id: UUID | None, now: datetime, new_id: Callable[[], UUID]
) -> list[StockMovement]:
    """A ledger line of `kind` for every line of `order`."""
    return [
        StockMovement(new_id(), line.product_id, kind, line.quantity, now, actor_id, order.id) for line in order.lines
    ]


def _priced(request: PlacementRequest, products: Mapping[UUID, Product]) -> tuple[OrderLine, ...]:
    """One line per product, with today's name and price.

    Raises:
        UnknownProducts: naming every line whose product is not in the catalog.
    """
    lines = []
    for product_id, quantity in request.wanted.items():
        product = products.get(product_id)
        if product is None or product.archived_at is not None:
            raise _unknown(request, products)
        lines.append(OrderLine(product_id, product.sku, product.name, product.price, quantity))
    return tuple(lines)


def _unknown(request: PlacementRequest, products: Mapping[UUID, Product]) -> UnknownProducts:
    product_ids = []
    faults = []
    for index, line in enumerate(request.lines):
        product = products.get(line.product_id)
        if product is None or product.archived_at is not None:
            product_ids.append(line.product_id)
            message = f"there is no product {line.product_id} in the catalog; remove this line"
            faults.append(Fault(f"lines.{index}.product_id", message, "unknown_product"))
    return UnknownProducts(product_ids, faults)


def _check_stock(request: PlacementRequest, left: Mapping[UUID, int]) -> None:
    """Let only requests pass that can be served whole.

    Raises:
        InsufficientStock: naming every product that is short.
    """
    shortages = [
        Shortage(product_id, quantity, left[product_id])
        for product_id, quantity in request.wanted.items()
        if left[product_id] < quantity
    ]
    if shortages:
        raise InsufficientStock(shortages)
