"""Placing orders, and finding them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from functools import partial
from itertools import accumulate
from uuid import UUID

from shop_core.accounts.model import Actor, Role
from shop_core.batching import Batch, expire_due, product_ids_of, result_of
from shop_core.catalog.model import Offer
from shop_core.errors import OrderNotFound
from shop_core.events import OrderEvent
from shop_core.inventory.model import (
    LINES_MAX,
    LineRequest,
    StockLevel,
    check_catalog,
    requested_units,
    shortages,
)
from shop_core.orders.changes import OrderChanges, owner_of, read_pricer
from shop_core.orders.comparison import FIRST_ID, OrderCopy, OrderDifferences, differences
from shop_core.orders.model import Order, OrderQuery, PlacementRequest
from shop_core.orders.placement import Outcome, PlacementDraft
from shop_core.orders.sales import DaySales
from shop_core.orders.totals import Quote, line_of, quote
from shop_core.pagination import Page, PageRequest
from shop_core.ports import Begin, NewId, UnitOfWork
from shop_core.pricing.coupons import coupon_codes
from shop_core.reservations.model import Reservation


class OrderService(OrderChanges):
    """Everything that can be done with orders. `edit`, `cancel`, `delete`, `confirm`, `ship` and `deliver` are in the
    base class.
    """

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
                If others are storing one of the keys, `Busy` is raised, and nothing was done.

        Raises:
            Unavailable: the store could not be reached. If the connection broke during the commit, it is unknown
                whether the orders were placed; a request with a key may safely be sent again.
        """
        batch: Batch[PlacementRequest, Order] = Batch(requests, ids or [self._new_id() for _ in requests])
        with self._begin() as uow:
            earlier_ids = batch.claim_keys(uow.keys, wait=wait)
            earlier_orders = uow.orders.get_all(earlier_ids) if earlier_ids else {}
            named = self._reservations_of(uow, batch, requests) if any(each.reservation_id for each in requests) else {}
            product_ids = product_ids_of([*requests, *named.values()])
            levels = uow.stock.lock(product_ids) if wait else _try_lock(uow, batch, requests, product_ids, named)
            offers = uow.products.offers(levels)  # a product that was added after the lock is not there yet
            reservations = uow.reservations.get_all(named) if named else {}  # again, now locked
            archived = _archived(uow, levels.keys() - offers.keys()) if named else {}
            rules = uow.prices.rules()
            codes = {code for request in requests for code in request.coupons}
            is_sum = rules.is_sum_without_coupons and not codes
            pricer_at = None if is_sum else read_pricer(uow, rules, codes, {each.customer_id for each in requests})
            now, new_id = uow.now(), self._new_id
            new_draft = partial(PlacementDraft, offers, reservations, archived, rules, pricer_at, at=now, new_id=new_id)
            decision = batch.decide(levels, new_draft, earlier_orders, partial(expire_due, uow, now=now, new_id=new_id))
            placed = decision.draft
            uow.orders.add_all(placed.orders)
            uow.events.add_all(placed.events)
            if placed.ordered:
                uow.reservations.update_all(list(placed.ordered.values()))
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

        Returns:
            With a key that was used before: that order as it is by now, with `deleted_at` if its customer deleted it.
        """
        return result_of(self.place_all([request])).value

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
            levels = uow.stock.get_all(requested)
            offers = uow.products.offers(levels)  # as `place_all` does
            check_catalog(lines, offers)
            pricer_at = read_pricer(uow, uow.prices.rules(), codes, customers, is_quote=True)
            pricer = pricer_at(now := uow.now())
            available = {product_id: level.available for product_id, level in levels.items()}
            if short := shortages(requested, available, offers):  # placing takes back units that expired
                for line in uow.reservations.due_lines([each.product_id for each in short], now, LINES_MAX):
                    available[line.product_id] += line.quantity
                short = shortages(requested, available, offers)
        quoted = [line_of(offers[product_id], units, pricer) for product_id, units in requested.items()]
        return quote(quoted, short, pricer, actor.id, codes)

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
        with self._begin() as uow:
            named = uow.reservations.get_all(reservation_ids) if reservation_ids else {}
            uow.stock.lock(product_ids_of([*requests, *named.values()]))
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
            order = uow.orders.get(order_id, owner_of(actor))
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

    def compare(self, actor: Actor, copy: OrderCopy) -> OrderDifferences:
        """Where a copy of the actor's own orders differs from what they are now.

        Raises:
            Unauthenticated: no account acts.
        """
        customer_id = actor.account_id
        with self._begin() as uow:
            spans = copy.differing(uow.orders.tag_sums(customer_id, copy.firsts, copy.oldest or FIRST_ID))
            found = uow.orders.tags(customer_id, spans, copy.limit + 1) if spans else []
            return differences(spans, found, copy.limit, uow.now())

    def find(self, actor: Actor, query: OrderQuery, page_request: PageRequest) -> Page[Order]:
        """The orders that match, newest first by default: staff see all orders, also deleted ones; others their own.

        Raises:
            Unauthenticated: nobody is logged in.
            Forbidden: a customer asks for the orders of another one.
            InvalidCursor: the cursor was not made by this list.
        """
        seen = query.visible_to(actor)
        with self._begin() as uow:
            return uow.orders.page(seen, page_request)

    def sales(self, actor: Actor, days: int) -> list[DaySales]:
        """What was ordered on each of the last days in UTC, today the last; a day without orders has 0. Staff only.

        Raises:
            Unauthenticated, Forbidden: the actor is not staff.
        """
        actor.require(Role.STAFF)
        with self._begin() as uow:
            today = uow.now().astimezone(UTC).date()
            first = today - timedelta(days=days - 1)
            found = {each.day: each for each in uow.orders.sales(datetime.combine(first, time(), UTC))}
        every = [first + timedelta(days=day) for day in range(days)]
        return [found.get(day, DaySales(day, 0, 0)) for day in every]

    def events(self, actor: Actor, order_id: UUID, page_request: PageRequest) -> Page[OrderEvent]:
        """What happened to an order, oldest first; for its owner and for staff.

        Raises:
            OrderNotFound: there is none, it is somebody else's, or its owner deleted it.
            InvalidCursor: the cursor was not made by this order's timeline.
        """
        with self._begin() as uow:
            order = uow.orders.get(order_id, owner_of(actor))
            if order is None:
                raise OrderNotFound(order_id)
            return uow.events.timeline(order.customer_id, order_id, page_request)


def _try_lock(
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
    """What archived products were sold as: their reservations are honoured. They are in no category any more, so no
    promotion of one applies to them.
    """
    found = uow.products.get_all(product_ids).values() if product_ids else ()
    return {each.id: Offer(each.id, each.sku, each.name, each.price, each.options, each.tax_class) for each in found}
