"""How a placed order changes: by a step of its life, or by an edit of its lines. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from shop_core.accounts.model import Actor
from shop_core.catalog.model import Offer
from shop_core.errors import Fault, InsufficientStock, TotalChanged, UnknownProducts
from shop_core.events import EVENT_OF, OrderEvent
from shop_core.inventory.model import LineRequest, MovementKind, NewId, StockMovement, shortages
from shop_core.money import Money
from shop_core.orders.model import Order, OrderLine, Step, stock_moved
from shop_core.orders.placement import stock_movements
from shop_core.orders.totals import PricerAt, cart_of, line_of, with_discounts
from shop_core.pricing.coupons import Redemption
from shop_core.pricing.model import Promotion
from shop_core.pricing.order_pricer import OrderPricer


@dataclass(frozen=True, slots=True)
class OrderChange:
    """What is to be written.

    Args:
        order: as it is from now on.
        movements: what happens to stock.
        event: for the timeline.
        redemptions: the uses of promotions that it has from now on.
    """

    order: Order
    movements: Sequence[StockMovement]
    event: OrderEvent
    redemptions: Sequence[Redemption] = ()


def step(order: Order, step: Step, actor: Actor, reason: str = "", *, now: datetime, new_id: NewId) -> OrderChange:
    """The order takes `step`, and its units go where that step takes them.

    Args:
        reason: in words, for the timeline.

    Raises:
        IllegalStep: its status does not allow the step.
    """
    after = order.after(step, actor, now)
    kind = stock_moved(order.status, after.status)
    movements = stock_movements(order, kind, actor.id, now, new_id) if kind else []
    return OrderChange(after, movements, OrderEvent.of(new_id(), EVENT_OF[step], after, actor)._replace(reason=reason))


@dataclass(frozen=True, slots=True)
class EditRequest:
    """Other lines for an order, all of them or none.

    Args:
        order: locked.
        lines: all lines that the order is to have.
        requested: see `requested_units`.
        expected_total: edit the order only if it then comes to this total.
        coupons: codes that come with the edit.
        kept: the promotions that the order was priced with.
        redeemed: the uses of promotions that it has.
        units: the units of each product that the order needs beyond those that it has.
    """

    order: Order
    lines: Sequence[LineRequest]
    requested: Mapping[UUID, int]
    expected_total: Money | None = None
    coupons: tuple[str, ...] = ()
    kept: Sequence[Promotion] = ()
    redeemed: Sequence[Redemption] = ()
    units: Mapping[UUID, int] = field(init=False)

    def __post_init__(self) -> None:
        before = self.order.units
        changed = {product_id: units - before.get(product_id, 0) for product_id, units in self.requested.items()}
        object.__setattr__(self, "units", {product_id: units for product_id, units in changed.items() if units > 0})

    def key_claim(self, _: UUID) -> None:
        """None: `OrderChanges.edit` has claimed the key of the edit, if it has one, before the order was locked."""


class AmendmentDraft:
    """The edit of an order; see `shop_core.batching`.

    Args:
        offers: what is sold of the requested products.
        actor: edits.
        pricer_at: makes what prices the order, anew for each attempt.
        now: on the clock of the store, read after the locks.
        new_id: gives each ledger line and the event its id.

    Attributes:
        change: what is to be written; None if nothing changes.
    """

    def __init__(
        self,
        offers: Mapping[UUID, Offer],
        actor: Actor,
        pricer_at: PricerAt,
        *,
        now: datetime,
        new_id: NewId,
    ) -> None:
        self._offers, self._actor, self._now, self._new_id = offers, actor, now, new_id
        self._pricer = pricer_at(now)
        self.change: OrderChange | None = None

    def grant(self, request: EditRequest, _: UUID, available: Mapping[UUID, int]) -> Order:
        """See `edit`."""
        self.change = edit(
            request, self._offers, available, self._actor, self._pricer, now=self._now, new_id=self._new_id
        )
        return self.change.order if self.change else request.order


def edit(
    request: EditRequest,
    offers: Mapping[UUID, Offer],
    available: Mapping[UUID, int],
    actor: Actor,
    pricer: OrderPricer,
    *,
    now: datetime,
    new_id: NewId,
) -> OrderChange | None:
    """The order gets other lines. Only the difference is taken from stock or returned.

    A product of which the order had as many or more keeps the SKU, name and unit price of its line. A product that is
    new on the order, or of which it gets more, is agreed anew: the whole line at today's SKU, name and price, so it
    must be in the catalog. An archived product may stay or shrink, but not grow.

    Returns:
        What is to be written; None if the lines request what the order has already, in whatever order.

    Raises:
        IllegalStep: the order is not `placed` any more.
        Invalid: the total is more than can be counted.
        UnknownProducts: lines that need a product which is not in the catalog.
        InsufficientStock: every product of which too few can be added. `requested` are the units that the order was to
            have, and `available` the units that it could have.
        TotalChanged: the order would come to another total than the expected one.
    """
    order = request.order
    after = order.after(Step.EDIT, actor, now)
    before = order.units
    if request.requested == before and not request.coupons:
        _check_total(request.expected_total, order.total)
        return None
    _check_catalog(request, before, offers)
    possible = {product_id: available[product_id] + before.get(product_id, 0) for product_id in request.units}
    if short := shortages({each: request.requested[each] for each in request.units}, possible, offers):
        raise InsufficientStock(short)
    old_lines = {line.product_id: line for line in order.lines}
    lines = [
        old_lines[product_id]._replace(quantity=units)
        if product_id not in request.units
        else _at_todays_price(offers[product_id], units, old_lines.get(product_id), pricer)
        for product_id, units in request.requested.items()
    ]
    after, redemptions = _repriced(request, after, lines, pricer)
    _check_total(request.expected_total, after.total)
    changes = {product_id: units - before.get(product_id, 0) for product_id, units in request.requested.items()}
    changes |= {product_id: -units for product_id, units in before.items() if product_id not in request.requested}
    movements = [
        StockMovement(new_id(), product_id, _kind(units), abs(units), now, actor.id, order.id)
        for product_id, units in changes.items()
        if units
    ]
    event = OrderEvent.of(new_id(), EVENT_OF[Step.EDIT], after, actor, total_before=order.total)
    return OrderChange(after, movements, event, redemptions)


def _at_todays_price(offer: Offer, units: int, before: OrderLine | None, pricer: OrderPricer) -> OrderLine:
    """The line at today's list price. It keeps its tax rate and its categories, if the order has one already."""
    line = line_of(offer, units, pricer)
    if before is None:
        return line
    return line._replace(tax_rate=before.tax_rate, tax_class=before.tax_class, category_ids=before.category_ids)


def _repriced(
    request: EditRequest, after: Order, lines: Sequence[OrderLine], pricer: OrderPricer
) -> tuple[Order, tuple[Redemption, ...]]:
    """The order with these lines, priced with the promotions that it keeps and those of its new coupons."""
    price = pricer.price_order(
        *(after.customer_id, after.id, cart_of(lines), request.coupons),
        *(request.kept, request.redeemed, [code for code, _ in after.coupons]),
    )
    coupons = tuple(dict.fromkeys((*after.coupons, *price.coupons)))
    after = replace(
        after, promotions=price.promotions.versions, coupons=coupons, includes_tax=pricer.includes_tax
    ).with_lines(with_discounts(lines, price.pricing))
    return after, price.redemptions


def _check_total(expected: Money | None, total: Money) -> None:
    if expected is not None and expected != total:
        raise TotalChanged(str(expected), str(total), total.currency)


def _kind(units: int) -> MovementKind:
    return MovementKind.ALLOCATED if units > 0 else MovementKind.DEALLOCATED


def _check_catalog(request: EditRequest, before: Mapping[UUID, int], offers: Mapping[UUID, Offer]) -> None:
    product_ids, faults = [], []
    for index, product_id in enumerate(line.product_id for line in request.lines):
        if product_id not in request.units or product_id in offers:
            continue
        message = f"there is no product {product_id} in the catalog; "
        had = before.get(product_id, 0)
        message += (
            f"the order may keep {had} of it at most, not {request.requested[product_id]}"
            if had
            else "remove this line"
        )
        product_ids.append(product_id)
        faults.append(Fault(f"lines.{index}.product_id", message, "unknown_product"))
    if faults:
        raise UnknownProducts(product_ids, faults)
