"""Placing orders, and taking them through their life."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import partial
from itertools import accumulate
from uuid import UUID

from shop_core.accounts.model import Actor, Role
from shop_core.batching import Batch, product_ids_of, result_of
from shop_core.catalog.model import Offer
from shop_core.errors import OrderNotFound, check_version
from shop_core.events import OrderEvent
from shop_core.idempotency import IdempotencyKey
from shop_core.inventory.model import (
    LINES_MAX,
    LineRequest,
    StockLevel,
    StockMovement,
    check_catalog,
    check_reason,
    requested_units,
    shortages,
)
from shop_core.money import Money
from shop_core.orders.amendment import AmendmentDraft, EditRequest, OrderChange, step
from shop_core.orders.model import Order, OrderQuery, OrderStatus, PlacementRequest, Step
from shop_core.orders.placement import Outcome, PlacementDraft
from shop_core.orders.prices import OpenCheckout, Quote, line_of, quote
from shop_core.pagination import Page, PageRequest
from shop_core.ports import Begin, NewId, UnitOfWork
from shop_core.pricing.checkout import Checkout, limited
from shop_core.pricing.coupons import Redemption, coupon_codes
from shop_core.pricing.model import Promotion
from shop_core.pricing.rules import Rules, Uses
from shop_core.reservations.model import Reservation
from shop_core.text import normalized

Versions = Collection[int] | None
"""A change is refused unless one of these versions is the newest; None: any."""
Key = IdempotencyKey | None


class OrderService:
    """The verbs of an order."""

    def __init__(self, begin: Begin, new_id: NewId) -> None:
        self._begin = begin
        self._new_id = new_id

    def place_all(
        self, requests: Sequence[PlacementRequest], ids: Sequence[UUID] | None = None, *, wait: bool = True
    ) -> tuple[Outcome, ...]:
        """Place many orders in one unit of work. Returns once all of them are committed.

        Requests are independent, first come, first served: each gets a `Result` with the order, or the `Refusal` that
        it would get alone after those before it; `Busy` also for reservations with more lines than a batch may have.

        Args:
            ids: one for each order, so that a lost commit can be looked up; see `find_committed`.
            wait: if False, a request whose products others have locked is `Busy`, and the others are decided at once.

        Raises:
            Unavailable: the store could not be reached. If the connection broke during the commit, it is unknown
                whether the orders were placed; a request with a key may safely be sent again.
        """
        batch: Batch[PlacementRequest, Order] = Batch(requests, ids or [self._new_id() for _ in requests])
        product_ids = product_ids_of(requests)
        with self._begin() as uow:
            earlier_ids = batch.claim_keys(uow.keys)
            earlier_orders = uow.orders.get_all(earlier_ids) if earlier_ids else {}
            has_reservations = any(request.reservation_id for request in requests)
            named = self._reservations_of(uow, batch, requests) if has_reservations else {}
            product_ids.update(*(reservation.units for reservation in named.values()))
            levels = uow.stock.lock(product_ids) if wait else _lock_free(uow, batch, requests, product_ids, named)
            offers = uow.products.offers(levels)  # a product that was added after the lock is not there yet
            reservations = uow.reservations.get_all(named) if named else {}  # again, now locked
            archived = _archived(uow, levels.keys() - offers.keys()) if named else {}
            checkout = _checkout_of_all(uow, requests)
            now, new_id = uow.now(), self._new_id
            new_draft = partial(PlacementDraft, offers, reservations, archived, checkout, now=now, new_id=new_id)
            decision = batch.decide(uow, levels, new_draft, earlier_orders, now=now, new_id=new_id)
            placed = decision.draft
            uow.orders.add_all(placed.orders)
            uow.events.add_all(placed.events)
            if placed.confirmed:
                uow.reservations.update_all(placed.confirmed)
            uow.stock.apply([*decision.expired, *placed.movements])
            if placed.redemptions:
                uow.prices.redeem(placed.redemptions)
            batch.settle_keys(uow.keys, decision.new_claims)
        return decision.outcomes

    def place(self, request: PlacementRequest) -> Order:
        """Place one order: a batch of one.

        Raises:
            UnknownProducts: lines whose product is not in the catalog.
            InsufficientStock: every short line, with what is available; nothing was taken.
            TotalChanged: the order comes to another total than the expected one.
            CouponNotUsable: a coupon is unknown, does not run now, or is used up.
            ReservationNotFound, ReservationExpired, ReservationResolved: about the reservation that it names.
            KeyReused: its key was used for another request.
            Invalid: the total is more than can be counted.
        """
        return result_of(self.place_all([request]))

    def quote(self, actor: Actor, lines: Sequence[LineRequest], coupons: Sequence[str] = ()) -> Quote:
        """What an order of these lines would cost the actor now, and why. Nothing is written, nothing is promised.

        Args:
            actor: anybody; limits for each customer are looked at for those who are logged in.

        Raises:
            UnknownProducts: lines whose product is not in the catalog.
            CouponNotUsable, Invalid
        """
        requested, codes = requested_units(lines), coupon_codes(coupons)
        customers = [actor.id] if actor.id else []
        with self._begin() as uow:
            offers = uow.products.offers(requested)
            check_catalog(lines, offers)
            levels = uow.stock.get_all(requested)
            checkout = _checkout(uow, uow.prices.rules(), codes, customers, is_quote=True)
            now = uow.now()
        available = {product_id: level.available for product_id, level in levels.items()}
        quoted = [line_of(offers[product_id], units) for product_id, units in requested.items()]
        short = shortages(requested, available, offers)
        return quote(quoted, offers, short, checkout(now) if checkout else None, actor.id, codes)

    def find_committed(self, requests: Sequence[PlacementRequest], ids: Sequence[UUID]) -> dict[UUID, Order]:
        """The orders of a batch that were placed, after its commit was lost.

        A commit that is still under way holds the stock of its products, so this waits for it. An order that is not
        found afterwards was not placed and never will be: it may be placed again.

        Args:
            requests, ids: the arguments of `place_all`.

        Raises:
            Unavailable: the store could not be reached.
        """
        reservation_ids = {request.reservation_id for request in requests if request.reservation_id}
        product_ids = product_ids_of(requests)
        with self._begin() as uow:
            for reservation in uow.reservations.get_all(reservation_ids).values() if reservation_ids else ():
                product_ids.update(reservation.units)
            uow.stock.lock(product_ids)
            return uow.orders.get_all(ids)

    @staticmethod
    def _reservations_of(
        uow: UnitOfWork, batch: Batch[PlacementRequest, Order], requests: Sequence[PlacementRequest]
    ) -> dict[UUID, Reservation]:
        """The reservations that requests name, as many as have no more lines than a batch may have."""
        ids = [request.reservation_id for request in requests]
        counts = uow.reservations.line_counts(filter(None, ids))
        are_too_many = [lines > LINES_MAX for lines in accumulate(counts.get(id_, 0) if id_ else 0 for id_ in ids)]
        batch.postpone(are_too_many)
        return uow.reservations.get_all(
            id_ for id_, is_over in zip(ids, are_too_many, strict=True) if id_ and not is_over
        )

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
        """The actor's own orders, newest first, without those that they deleted.

        Raises:
            Unauthenticated: no account acts.
        """
        query = OrderQuery(customer_id=actor.account_id)
        with self._begin() as uow:
            return uow.orders.page(query, page_request)

    def find(self, actor: Actor, query: OrderQuery, page_request: PageRequest) -> Page[Order]:
        """The orders that match, newest first: staff see all orders, also deleted ones; others their own.

        Raises:
            Unauthenticated: nobody is logged in.
            Forbidden: a customer asks for the orders of another one.
            InvalidCursor: the cursor was not made by this list.
        """
        seen = query.visible_to(actor)
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
        self,
        actor: Actor,
        order_id: UUID,
        lines: Sequence[LineRequest],
        versions: Versions = None,
        coupons: Sequence[str] = (),
        *,
        expected_total: Money | None = None,
        key: Key = None,
    ) -> Order:
        """Replace the lines of an order while it is placed; for its owner. All or nothing.

        Only the difference is taken from stock or returned. A line that does not grow keeps its price; other lines get
        today's, see `shop_core.orders.amendment.edit`. An edit that changes nothing writes nothing: the version stays.

        Args:
            actor: the customer whose order it is.
            lines: all lines that the order is to have; a product may stand in several.
            versions: change it only if the order is at one of these; see `check_version`.
            coupons: codes that come with the edit. Without one, the promotions stay those with which the order was
                placed, whatever became of them since.
            expected_total: change it only if it then comes to this total.
            key: makes a retry safe; see `IdempotencyKey`.

        Raises:
            Invalid: the lines break a rule.
            OrderNotFound: there is none, it is somebody else's, or it was deleted.
            NotTheOwner: the actor is staff, and it is not their own order.
            Stale, IllegalStep, CouponNotUsable, KeyReused
            UnknownProducts: lines that need a product which is not in the catalog.
            InsufficientStock: every short product, with the units that the order was to have and could have.
            TotalChanged: the order would come to another total than the expected one.
        """
        requested, codes = requested_units(lines), coupon_codes(coupons)
        total = expected_total.minor if expected_total else None
        asked: list[str | int | UUID | None] = [total]
        asked += [part for line in lines for part in (line.product_id, line.quantity)]
        asked += ["coupons", *codes] if codes else []
        with self._begin() as uow:
            is_repeat = key is not None and key.was_used(uow.keys.claim, actor.account_id, "edit", order_id, *asked)
            order = self._lock(uow, actor, order_id, Step.EDIT)
            if is_repeat:
                return order
            codes = tuple(code for code in codes if code not in dict(order.coupons))
            if requested != order.units or codes:
                check_version(order.version, versions)
            order.check_step(Step.EDIT)
            levels = uow.stock.lock(requested.keys() | order.units.keys())
            offers = uow.products.offers(requested.keys() & levels.keys())  # as `place_all` does
            agreed = uow.prices.versions(order.promotions) if order.promotions else []
            redeemed = uow.prices.redeemed(order.customer_id, order.id) if order.promotions else []
            checkout = _checkout(uow, uow.prices.rules(), codes, [order.customer_id], agreed)
            now, new_id = uow.now(), self._new_id
            request = EditRequest(order, lines, requested, expected_total, codes, agreed, redeemed)
            batch: Batch[EditRequest, Order] = Batch([request], [order_id])
            new_draft = partial(AmendmentDraft, offers, actor, checkout, now=now, new_id=new_id)
            decision = batch.decide(uow, levels, new_draft, {}, now=now, new_id=new_id)
            edited, change = result_of(decision.outcomes), decision.draft.change
            if change is not None:
                uow.orders.replace_lines(edited)
                self._write(uow, change, decision.expired)
                _exchange(uow, redeemed, change.redemptions, now)
        return edited

    def cancel(
        self, actor: Actor, order_id: UUID, versions: Versions = None, reason: str = "", *, key: Key = None
    ) -> Order:
        """Cancel the order, as its owner or as staff; its units can be sold again at once.

        To cancel an order that is cancelled already changes nothing.

        Args:
            versions: change it only if the order is at one of these; see `check_version`.
            reason: in words, for the timeline and the event.
            key: makes a retry safe; see `IdempotencyKey`. The same for the methods below.

        Raises:
            OrderNotFound: there is none, it is somebody else's, or its owner deleted it.
            Stale, KeyReused
            IllegalStep: it was already shipped.
            Invalid: the reason is too long, or has characters that are not allowed.
        """
        why = normalized(reason)
        check_reason(why, is_needed=False)
        return self._take(Step.CANCEL, actor, order_id, versions, key, why)

    def delete(self, actor: Actor, order_id: UUID, versions: Versions = None, *, key: Key = None) -> Order:
        """Remove the order from its owner's history, for good; it is cancelled first if that is still possible.

        Its owner no longer finds it. Staff do, with `deleted_at`; ledger and timeline keep what happened. To delete it
        again changes nothing.

        Raises:
            OrderNotFound: there is none, or it is somebody else's.
            NotTheOwner: the actor is staff, and it is not their own order.
            Stale, KeyReused
            IllegalStep: it was shipped.
        """
        return self._take(Step.DELETE, actor, order_id, versions, key)

    def confirm(self, actor: Actor, order_id: UUID, versions: Versions = None, *, key: Key = None) -> Order:
        """Accept the order: from now on it is being prepared. Staff only.

        Raises:
            Unauthenticated, Forbidden: the actor is not staff.
            OrderNotFound, Stale, IllegalStep, KeyReused
        """
        actor.require(Role.STAFF)
        return self._take(Step.CONFIRM, actor, order_id, versions, key)

    def ship(self, actor: Actor, order_id: UUID, versions: Versions = None, *, key: Key = None) -> Order:
        """Record that the carrier has the units: they leave the stock. Staff only.

        Raises:
            Unauthenticated, Forbidden: the actor is not staff.
            OrderNotFound, Stale, IllegalStep, KeyReused
            StockBelowZero: fewer units are on hand than the order has (a shortfall was recorded).
        """
        actor.require(Role.STAFF)
        return self._take(Step.SHIP, actor, order_id, versions, key)

    def deliver(self, actor: Actor, order_id: UUID, versions: Versions = None, *, key: Key = None) -> Order:
        """Record that the customer has it. Staff only.

        Raises:
            Unauthenticated, Forbidden: the actor is not staff.
            OrderNotFound, Stale, IllegalStep, KeyReused
        """
        actor.require(Role.STAFF)
        return self._take(Step.DELIVER, actor, order_id, versions, key)

    def _take(self, taken: Step, actor: Actor, order_id: UUID, versions: Versions, key: Key, reason: str = "") -> Order:
        asked = (taken, order_id, reason) if reason else (taken, order_id)
        with self._begin() as uow:
            is_repeat = key is not None and key.was_used(uow.keys.claim, actor.account_id, *asked)
            order = self._lock(uow, actor, order_id, taken)
            if is_repeat or order.is_after(taken):
                return order
            check_version(order.version, versions)
            order.check_step(taken)
            if order.moves_stock(taken):
                uow.stock.lock(order.units)
            now = uow.now()
            change = step(order, taken, actor, reason, now=now, new_id=self._new_id)
            self._write(uow, change)
            if order.promotions and change.order.status is OrderStatus.CANCELLED:
                uow.prices.give_back(uow.prices.redeemed(order.customer_id, order.id), now)
        return change.order

    @staticmethod
    def _lock(uow: UnitOfWork, actor: Actor, order_id: UUID, taken: Step) -> Order:
        """The order, locked, after it was checked that the actor may take this step."""
        order = uow.orders.lock(order_id, _owner(actor))
        if order is None and taken is Step.DELETE:  # it may be deleted already; then nothing can change it any more
            order = uow.orders.get_all([order_id]).get(order_id)
            order = order if order is not None and order.is_deleted_by(actor) else None
        if order is None or (taken is Step.EDIT and order.is_deleted_by(actor)):
            raise OrderNotFound(order_id)
        if taken in (Step.EDIT, Step.DELETE):
            order.check_owner(actor)
        return order

    @staticmethod
    def _write(uow: UnitOfWork, change: OrderChange, expired: Sequence[StockMovement] = ()) -> None:
        uow.orders.update(change.order)
        uow.stock.apply([*expired, *change.movements])
        uow.events.add_all([change.event])


def _lock_free(
    uow: UnitOfWork,
    batch: Batch[PlacementRequest, Order],
    requests: Sequence[PlacementRequest],
    product_ids: Collection[UUID],
    reservations: Mapping[UUID, Reservation],
) -> dict[UUID, StockLevel]:
    """Lock the products that nobody else has locked, and postpone the requests that need others."""
    levels, busy = uow.stock.try_lock(product_ids)
    needed = [(reservations.get(each.reservation_id) if each.reservation_id else None) or each for each in requests]
    batch.postpone(not busy.isdisjoint(each.units) for each in needed)
    return levels


def _archived(uow: UnitOfWork, product_ids: Collection[UUID]) -> dict[UUID, Offer]:
    """What archived products were sold as: their reservations are honoured."""
    found = uow.products.get_all(product_ids).values() if product_ids else ()
    return {each.id: Offer(each.id, each.sku, each.name, each.price, (), each.tax_class) for each in found}


def _owner(actor: Actor) -> UUID | None:
    """Whose orders the actor may see: everybody's (None) for staff, else their own."""
    return None if actor.is_staff else actor.account_id


def _checkout_of_all(uow: UnitOfWork, requests: Sequence[PlacementRequest]) -> OpenCheckout | None:
    codes = {code for request in requests for code in request.coupons}
    rules = uow.prices.rules()
    if not codes and (rules is None or rules.only_by_coupon):
        return None
    return _checkout(uow, rules, codes, {request.customer_id for request in requests})


def _checkout(
    uow: UnitOfWork,
    rules: Rules | None,
    codes: Collection[str],
    customer_ids: Collection[UUID],
    agreed: Sequence[Promotion] = (),
    *,
    is_quote: bool = False,
) -> OpenCheckout | None:
    """Makes what prices the orders of a draft; None in a shop without promotions and taxes.

    Args:
        rules: of the shop.
        codes: the coupons that come with the orders.
        customer_ids: of the orders.
        agreed: for an edit: the promotions that the order was priced with.
        is_quote: nothing is locked.
    """
    if rules is None and not codes and not agreed:
        return None
    rules = rules or Rules()
    coupons = uow.prices.coupons_by_code(codes) if codes else {}
    limited_ids = limited(rules, coupons.values(), agreed)
    uses = uow.prices.uses(limited_ids, customer_ids, lock=not is_quote) if limited_ids else Uses()
    return partial(Checkout, rules, coupons, uses)


def _exchange(uow: UnitOfWork, before: Sequence[Redemption], after: Sequence[Redemption], now: datetime) -> None:
    """Give back the uses that an edited order does not have any more, and write those that are new."""
    used_before, used_after = ({redemption.promotion_id for redemption in each} for each in (before, after))
    uow.prices.give_back([redemption for redemption in before if redemption.promotion_id not in used_after], now)
    uow.prices.redeem([redemption for redemption in after if redemption.promotion_id not in used_before])
