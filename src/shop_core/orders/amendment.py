"""How a placed order changes: by a step of its life, or by an edit of its lines. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from shop_core.accounts.model import Actor
from shop_core.catalog.model import Offer
from shop_core.errors import Fault, UnknownProducts
from shop_core.events import EVENT_OF, OrderEvent
from shop_core.inventory.model import MovementKind, StockLevel, StockMovement
from shop_core.inventory.wanted import LineRequest, check_stock, requested_units
from shop_core.orders.model import Order, OrderLine, Step, stock_moved
from shop_core.orders.placement import stock_movements

NewId = Callable[[], UUID]


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be written.

    Args:
        order: as it is from now on.
        movements: what happens to stock.
        event: the fact for the timeline.
    """

    order: Order
    movements: tuple[StockMovement, ...]
    event: OrderEvent


def step(order: Order, step: Step, actor: Actor, *, now: datetime, new_id: NewId) -> Change:
    """The order takes `step`, and its units go where that step takes them.

    Raises:
        IllegalStep: its status does not allow the step.
    """
    after = order.after(step, now)
    kind = stock_moved(order.status, after.status)
    movements = stock_movements(order, kind, actor.id, now, new_id) if kind else []
    return Change(after, tuple(movements), OrderEvent.of(new_id(), EVENT_OF[step], after, actor))


def edit(
    order: Order,
    lines: Sequence[LineRequest],
    offers: Mapping[UUID, Offer],
    levels: Mapping[UUID, StockLevel],
    actor: Actor,
    *,
    now: datetime,
    new_id: NewId,
) -> Change | None:
    """The order gets other lines, all of them or none; only the difference is taken from stock or given back.

    What was agreed stays agreed: a product of which the order had as many or more keeps its line's SKU, name and unit
    price. A product that is new on the order, or of which it wants more than before, is agreed anew, the whole line at
    today's SKU, name and price; so it must be in the catalog. An archived product may stay or shrink, not grow.

    Lines that ask for the same units of the same products change nothing, whatever their order.

    Args:
        order: locked.
        lines: what it shall have.
        offers: what is sold of the products in `lines`.
        levels: the stock of the products that are or shall be on the order, locked.
        actor: who edits.
        now: when.
        new_id: gives each ledger line its id.

    Returns:
        What is to be written; None if nothing changes.

    Raises:
        IllegalStep: the order is not `placed` any more.
        Invalid: the lines break a rule, see `requested_units`; the total is more than can be counted.
        UnknownProducts: lines that need a product which is not in the catalog.
        InsufficientStock: every product of which too few can be added. Here `requested` are the units beyond those
            that the order has already, and `available` the units that could be added to them.
    """
    after = order.after(Step.EDIT, now)
    wanted, had = requested_units(lines), order.units
    if wanted == had:
        return None
    _check_catalog(lines, wanted, had, offers)
    more = {product_id: units - had.get(product_id, 0) for product_id, units in wanted.items()}
    check_stock(more, {product_id: level.available for product_id, level in levels.items()})
    agreed = {line.product_id: line for line in order.lines}
    after = after.with_lines(
        tuple(
            _today(offers[product_id], units) if more[product_id] > 0 else _kept(agreed[product_id], units)
            for product_id, units in wanted.items()
        )
    )
    gone = {product_id: -units for product_id, units in had.items() if product_id not in wanted}
    movements = tuple(
        StockMovement(
            new_id(),
            product_id,
            MovementKind.ALLOCATED if units > 0 else MovementKind.DEALLOCATED,
            abs(units),
            now,
            actor.id,
            order.id,
        )
        for product_id, units in (more | gone).items()
        if units
    )
    event = OrderEvent.of(new_id(), EVENT_OF[Step.EDIT], after, actor, total_before=order.total)
    return Change(after, movements, event)


def _today(offer: Offer, units: int) -> OrderLine:
    return OrderLine(offer.product_id, offer.sku, offer.name, offer.price, units)


def _kept(line: OrderLine, units: int) -> OrderLine:
    return OrderLine(line.product_id, line.sku, line.name, line.unit_price, units)


def _check_catalog(
    lines: Sequence[LineRequest], wanted: Mapping[UUID, int], had: Mapping[UUID, int], offers: Mapping[UUID, Offer]
) -> None:
    product_ids, faults = [], []
    for index, product_id in enumerate(line.product_id for line in lines):
        before = had.get(product_id, 0)
        if wanted[product_id] <= before or product_id in offers:
            continue
        message = f"there is no product {product_id} in the catalog; "
        message += (
            f"the order may keep {before} of it at most, not {wanted[product_id]}" if before else "remove this line"
        )
        product_ids.append(product_id)
        faults.append(Fault(f"lines.{index}.product_id", message, "unknown_product"))
    if faults:
        raise UnknownProducts(product_ids, faults)
