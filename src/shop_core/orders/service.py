"""Placing orders, and taking them through their life."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from uuid import UUID

from shop_core.accounts.model import Actor, Role
from shop_core.errors import OrderNotFound, Refusal
from shop_core.orders.model import STOCK_MOVED_BY, Order, PlacementRequest, Step
from shop_core.orders.placing import Outcome, decide, stock_movements
from shop_core.pagination import Page, Piece
from shop_core.ports import Begin, Clock, NewId


class OrderService:
    """The verbs of an order."""

    def __init__(self, begin: Begin, clock: Clock, new_id: NewId) -> None:
        self._begin = begin
        self._clock = clock
        self._new_id = new_id

    def place_all(self, requests: Sequence[PlacementRequest]) -> tuple[Outcome, ...]:
        """Place many orders at once: one unit of work, one answer for each request.

        Requests are independent: each gets the order, or the refusal, that it would have got alone after those
        before it. Returned only once all orders are committed.

        Args:
            requests: first come, first served.

        Returns:
            For each request, in the same order, an `Order` or a `Refusal` (InsufficientStock, UnknownProducts,
            or Invalid where the total is more than can be counted).

        Raises:
            Unavailable: the store could not be reached; whether the batch was committed is then unknown only if
                the connection broke during the commit itself.
        """
        product_ids = set(chain.from_iterable(request.wanted for request in requests))
        with self._begin() as work:
            levels = work.stock.lock(product_ids)
            products = work.products.get_all(product_ids)
            decision = decide(requests, products, levels, now=self._clock(), new_id=self._new_id)
            work.orders.add_all(decision.orders)
            work.stock.apply(decision.movements)
        return decision.outcomes

    def place(self, request: PlacementRequest) -> Order:
        """Place one order: a batch of one.

        Raises:
            UnknownProducts: lines whose product is not in the catalog.
            InsufficientStock: every short line, with what is available; nothing was taken.
        """
        (outcome,) = self.place_all([request])
        if isinstance(outcome, Refusal):
            raise outcome
        return outcome

    def get(self, actor: Actor, order_id: UUID) -> Order:
        """An order of the actor's own, or anybody's for staff.

        Raises:
            OrderNotFound: there is none, or it is somebody else's.
        """
        with self._begin() as work:
            order = work.orders.get(order_id, _owner(actor))
        if order is None:
            raise OrderNotFound(order_id)
        return order

    def mine(self, actor: Actor, piece: Piece) -> Page[Order]:
        """The actor's own orders, newest first.

        Raises:
            Unauthenticated: no account acts.
        """
        customer_id = actor.account_id
        with self._begin() as work:
            return work.orders.page(customer_id, piece)

    def cancel(self, actor: Actor, order_id: UUID) -> Order:
        """Call the order off, by its owner or by staff; its units can be sold again at once.

        Raises:
            OrderNotFound: there is none, or it is somebody else's.
            IllegalStep: it was shipped or cancelled already.
        """
        return self._take(Step.CANCEL, actor, order_id)

    def confirm(self, actor: Actor, order_id: UUID) -> Order:
        """Accept the order: from now on it is being prepared. Staff only.

        Raises:
            Unauthenticated, Forbidden: the actor is not staff.
            OrderNotFound, IllegalStep
        """
        actor.require(Role.STAFF)
        return self._take(Step.CONFIRM, actor, order_id)

    def ship(self, actor: Actor, order_id: UUID) -> Order:
        """Hand the units over to the carrier: they leave the stock. Staff only.

        Raises:
            Unauthenticated, Forbidden: the actor is not staff.
            OrderNotFound, IllegalStep
            StockBelowZero: fewer units are on hand than the order has (a shortfall was recorded).
        """
        actor.require(Role.STAFF)
        return self._take(Step.SHIP, actor, order_id)

    def deliver(self, actor: Actor, order_id: UUID) -> Order:
        """Record that the customer has it. Staff only.

        Raises:
            Unauthenticated, Forbidden: the actor is not staff.
            OrderNotFound, IllegalStep
        """
        actor.require(Role.STAFF)
        return self._take(Step.DELIVER, actor, order_id)

    def _take(self, step: Step, actor: Actor, order_id: UUID) -> Order:
        with self._begin() as work:
            order = work.orders.lock(order_id, _owner(actor))
            if order is None:
                raise OrderNotFound(order_id)
            now = self._clock()
            order = order.after(step, now)
            work.orders.update(order)
            if kind := STOCK_MOVED_BY.get(step):
                movements = stock_movements(order, kind, actor.id, now, self._new_id)
                work.stock.lock(line.product_id for line in order.lines)
                work.stock.apply(movements)
        return order


def _owner(actor: Actor) -> UUID | None:
    """Whose orders the actor may see: everybody's (None) for staff, else only his own."""
    return None if actor.is_staff else actor.account_id
