"""Placing orders, and taking them through their life."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import chain
from uuid import UUID

from shop_core.accounts.model import Actor, Role
from shop_core.batching import decided, expire_due, settle
from shop_core.errors import InsufficientStock, OrderNotFound, Refusal, check_version
from shop_core.events import OrderEvent
from shop_core.idempotency import Claim, KeyedResults, Slot, first_of_each
from shop_core.inventory.model import StockLevel, StockMovement, levels_after
from shop_core.inventory.wanted import LineRequest, requested_units
from shop_core.orders.amendment import Change, edit, step
from shop_core.orders.model import Order, OrderQuery, PlacementRequest, Step
from shop_core.orders.placement import Decision, Outcome, decide
from shop_core.pagination import Page, PageRequest
from shop_core.ports import Begin, NewId, UnitOfWork


class OrderService:
    """The verbs of an order."""

    def __init__(self, begin: Begin, new_id: NewId) -> None:
        self._begin = begin
        self._new_id = new_id

    def place_all(self, requests: Sequence[PlacementRequest], ids: Sequence[UUID] | None = None) -> tuple[Outcome, ...]:
        """Place many orders at once: one unit of work, one answer for each request.

        Requests are independent: each gets the order, or the refusal, that it would have got alone after those
        before it. Returned only once all orders are committed.

        Args:
            requests: first come, first served.
            ids: what each order is to be called, so that its fate can be found out; see `placed`.

        Returns:
            For each request, in the same order, an `Answer` with the order, or a `Refusal` (InsufficientStock,
            UnknownProducts, TotalChanged, KeyReused; of a reservation ReservationNotFound, ReservationExpired or
            ReservationResolved; Invalid where the total is more than can be counted).

        Raises:
            Unavailable: the store could not be reached. Whether the batch was committed is then unknown only if the
                connection broke during the commit itself; a request with a key may safely be sent again.
        """
        ids = ids or [self._new_id() for _ in requests]
        claims = first_of_each(request.claim(id_) for request, id_ in zip(requests, ids, strict=True))
        named = {request.reservation_id for request in requests if request.reservation_id}
        product_ids = set(chain.from_iterable(request.wanted for request in requests))
        with self._begin() as uow:
            taken = uow.keys.claim(claims)
            made = self._made(uow, taken)
            if named:
                seen = uow.reservations.get_all(named).values()
                product_ids.update(chain.from_iterable(reservation.units for reservation in seen))
            levels = uow.stock.lock(product_ids)
            offers = uow.products.offers(levels)  # one that was added after the lock is not there yet
            reservations = uow.reservations.get_all(named) if named else {}
            now = uow.now()

            def decide_for(stock: Mapping[UUID, StockLevel]) -> Decision:
                answers = KeyedResults(taken, made)
                return decide(requests, ids, answers, offers, stock, reservations, now=now, new_id=self._new_id)

            decision, expired = decided(decide_for, levels, lambda: expire_due(uow, levels, now, self._new_id))
            uow.orders.add_all(decision.orders)
            uow.events.add_all(decision.events)
            uow.reservations.update_all(decision.confirmed)
            uow.stock.apply([*expired, *decision.movements])
            settle(uow.keys, claims, taken, decision.won)
        return decision.outcomes

    def place(self, request: PlacementRequest) -> Order:
        """Place one order: a batch of one.

        Raises:
            UnknownProducts: lines whose product is not in the catalog.
            InsufficientStock: every short line, with what is available; nothing was taken.
            TotalChanged: it comes to another total than was expected.
            ReservationNotFound, ReservationExpired, ReservationResolved: of the reservation that it names.
            KeyReused: its key made something else before.
        """
        (outcome,) = self.place_all([request])
        if isinstance(outcome, Refusal):
            raise outcome
        return outcome.value

    def placed(self, requests: Sequence[PlacementRequest], ids: Sequence[UUID]) -> dict[UUID, Order]:
        """What became of a batch whose commit was lost: the orders of it that there are.

        A commit that is still under way is waited for: it holds the stock of its products until it is done. So what is
        not there afterwards never will be, and may be placed again.

        Args:
            requests, ids: what `place_all` was called with.

        Raises:
            Unavailable: the store could not be reached.
        """
        named = {request.reservation_id for request in requests if request.reservation_id}
        with self._begin() as uow:
            reserved = uow.reservations.get_all(named).values() if named else ()
            product_ids = chain.from_iterable(request.wanted for request in requests)
            uow.stock.lock({*product_ids, *chain.from_iterable(reservation.units for reservation in reserved)})
            found = (
                uow.orders.get(order_id, request.customer_id) for order_id, request in zip(ids, requests, strict=True)
            )
            return {order.id: order for order in found if order is not None}

    def get(self, actor: Actor, order_id: UUID) -> Order:
        """An order of the actor's own, or anybody's for staff.

        Raises:
            OrderNotFound: there is none, it is somebody else's, or its owner deleted it.
        """
        with self._begin() as uow:
            order = uow.orders.get(order_id, _owner(actor))
        if order is None:
            raise OrderNotFound(order_id)
        return order

    def mine(self, actor: Actor, page_request: PageRequest) -> Page[Order]:
        """The actor's own orders, newest first, without those that he deleted.

        Raises:
            Unauthenticated: no account acts.
        """
        query = OrderQuery(customer_id=actor.account_id)
        with self._begin() as uow:
            return uow.orders.page(query, page_request)

    def find(self, actor: Actor, query: OrderQuery, page_request: PageRequest) -> Page[Order]:
        """The orders that match, newest first: for staff everybody's, deleted ones too; else the actor's own.

        Raises:
            Unauthenticated: nobody is logged in.
            Forbidden: a customer asks for the orders of another one.
            InvalidCursor: the cursor was not made by this list.
        """
        seen = query.seen_by(actor)
        with self._begin() as uow:
            return uow.orders.page(seen, page_request)

    def events(self, actor: Actor, order_id: UUID, page_request: PageRequest) -> Page[OrderEvent]:
        """What happened to an order, oldest first; for its owner and for staff.

        Raises:
            OrderNotFound: there is none, it is somebody else's, or its owner deleted it.
            InvalidCursor: the cursor was not made by this order's timeline.
        """
        with self._begin() as uow:
            order = uow.orders.get(order_id, _owner(actor))
            if order is None:
                raise OrderNotFound(order_id)
            return uow.events.timeline(order.customer_id, order_id, page_request)

    def edit(
        self, actor: Actor, order_id: UUID, lines: Sequence[LineRequest], versions: Collection[int] | None = None
    ) -> Order:
        """Replace the lines of an order while it is placed; for its owner. All or nothing.

        Only the difference is taken from stock or given back. See `changing.edit` for what each line costs: in short,
        what is not more than before keeps its price, all else is agreed anew at today's. An edit that asks for what
        the order has already writes nothing, and the version stays.

        Args:
            actor: the customer whose order it is.
            order_id: which one.
            lines: all that the order shall have; a product may stand in several.
            versions: do it only if the order is at one of these; see `check_version`.

        Raises:
            Invalid: the lines break a rule.
            OrderNotFound: there is none, it is somebody else's, or it was deleted.
            NotTheOwner: the actor is staff, and it is not his own.
            Stale, IllegalStep
            UnknownProducts: lines that need a product which is not in the catalog.
            InsufficientStock: every short product, with how many more were asked for and how many could be added.
        """
        wanted = requested_units(lines)
        with self._begin() as uow:
            order = self._lock(uow, actor, order_id, versions, owner_only=True)
            order.check_step(Step.EDIT)
            levels = uow.stock.lock(wanted.keys() | order.units.keys())
            offers = uow.products.offers(wanted.keys() & levels.keys())  # as `place_all` does
            now = uow.now()
            expired: list[StockMovement] = []
            try:
                change = edit(order, lines, offers, levels, actor, now=now, new_id=self._new_id)
            except InsufficientStock:
                expired = expire_due(uow, levels, now, self._new_id)
                left = levels_after(levels, expired)
                change = edit(order, lines, offers, left, actor, now=now, new_id=self._new_id)
            if change is None:
                return order
            uow.orders.replace_lines(change.order)
            self._write(uow, change, expired)
        return change.order

    def cancel(self, actor: Actor, order_id: UUID, versions: Collection[int] | None = None) -> Order:
        """Call the order off, by its owner or by staff; its units can be sold again at once.

        Args:
            actor, order_id: who, and which.
            versions: do it only if the order is at one of these; see `check_version`.

        Raises:
            OrderNotFound: there is none, it is somebody else's, or its owner deleted it.
            Stale
            IllegalStep: it was shipped or cancelled already.
        """
        return self._take(Step.CANCEL, actor, order_id, versions)

    def delete(self, actor: Actor, order_id: UUID, versions: Collection[int] | None = None) -> Order:
        """Take the order out of its owner's history, for good; it is cancelled first if it still can be.

        Its owner does not find it any more. Staff do, with `deleted_at`; ledger and timeline keep what happened.

        Raises:
            OrderNotFound: there is none, it is somebody else's, or it was deleted.
            NotTheOwner: the actor is staff, and it is not his own.
            Stale
            IllegalStep: it was shipped.
        """
        return self._take(Step.DELETE, actor, order_id, versions, owner_only=True)

    def confirm(self, actor: Actor, order_id: UUID, versions: Collection[int] | None = None) -> Order:
        """Accept the order: from now on it is being prepared. Staff only.

        Raises:
            Unauthenticated, Forbidden: the actor is not staff.
            OrderNotFound, Stale, IllegalStep
        """
        actor.require(Role.STAFF)
        return self._take(Step.CONFIRM, actor, order_id, versions)

    def ship(self, actor: Actor, order_id: UUID, versions: Collection[int] | None = None) -> Order:
        """Hand the units over to the carrier: they leave the stock. Staff only.

        Raises:
            Unauthenticated, Forbidden: the actor is not staff.
            OrderNotFound, Stale, IllegalStep
            StockBelowZero: fewer units are on hand than the order has (a shortfall was recorded).
        """
        actor.require(Role.STAFF)
        return self._take(Step.SHIP, actor, order_id, versions)

    def deliver(self, actor: Actor, order_id: UUID, versions: Collection[int] | None = None) -> Order:
        """Record that the customer has it. Staff only.

        Raises:
            Unauthenticated, Forbidden: the actor is not staff.
            OrderNotFound, Stale, IllegalStep
        """
        actor.require(Role.STAFF)
        return self._take(Step.DELIVER, actor, order_id, versions)

    def _take(
        self, taken: Step, actor: Actor, order_id: UUID, versions: Collection[int] | None, *, owner_only: bool = False
    ) -> Order:
        with self._begin() as uow:
            order = self._lock(uow, actor, order_id, versions, owner_only=owner_only)
            order.check_step(taken)
            if order.moves_stock(taken):
                uow.stock.lock(order.units)
            change = step(order, taken, actor, now=uow.now(), new_id=self._new_id)
            self._write(uow, change)
        return change.order

    @staticmethod
    def _lock(
        uow: UnitOfWork, actor: Actor, order_id: UUID, versions: Collection[int] | None, *, owner_only: bool
    ) -> Order:
        """The order, locked, as the one that the actor may change and knows the newest version of."""
        order = uow.orders.lock(order_id, _owner(actor))
        if order is None:
            raise OrderNotFound(order_id)
        if owner_only:
            order.check_owner(actor)
            if order.deleted_at is not None:
                raise OrderNotFound(order_id)
        check_version(order.version, versions)
        return order

    @staticmethod
    def _made(uow: UnitOfWork, taken: Mapping[Slot, Claim]) -> dict[UUID, Order]:
        """The orders that earlier requests with these keys made, as they are now; also those deleted since."""
        found = (uow.orders.get(claim.result_id) for claim in taken.values())
        return {order.id: order for order in found if order is not None}

    @staticmethod
    def _write(uow: UnitOfWork, change: Change, expired: Sequence[StockMovement] = ()) -> None:
        uow.orders.update(change.order)
        uow.stock.apply([*expired, *change.movements])
        uow.events.add_all([change.event])


def _owner(actor: Actor) -> UUID | None:
    """Whose orders the actor may see: everybody's (None) for staff, else only his own."""
    return None if actor.is_staff else actor.account_id
