"""Taking placed orders through their life."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import partial
from uuid import UUID

from shop_core.accounts.model import Actor, Role
from shop_core.batching import Batch, expire_due, result_of
from shop_core.errors import NotAllOnHand, OrderNotFound, Shortage, Versions, check_version
from shop_core.idempotency import Key
from shop_core.inventory.model import LineRequest, StockLevel, StockMovement, check_reason, requested_units
from shop_core.money import Money
from shop_core.orders.amendment import AmendmentDraft, EditRequest, OrderChange, step
from shop_core.orders.model import Order, OrderStatus, Step
from shop_core.orders.totals import PricerAt
from shop_core.ports import Begin, NewId, UnitOfWork
from shop_core.pricing.coupons import Redemption, coupon_codes
from shop_core.pricing.model import Promotion
from shop_core.pricing.order_pricer import OrderPricer, possibly_used
from shop_core.pricing.rules import Rules, Uses
from shop_core.text import normalized


class OrderChanges:
    """The part of `OrderService` that changes placed orders."""

    _begin: Begin
    _new_id: NewId

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
        """Replace the lines of an order while it is placed, as its owner or as staff. All or nothing.

        Only the difference is taken from stock or returned. A line that does not grow keeps its price; other lines get
        today's, see `shop_core.orders.amendment.edit`. An edit that changes nothing writes nothing: the version stays.

        Args:
            actor: the customer whose order it is; or staff, for the customer: the timeline says who it was.
            lines: all lines that the order is to have; a product may stand in several.
            versions: change it only if the order is at one of these; see `check_version`. They do not matter if the
                order has these lines already and no coupon is new.
            coupons: codes that come with the edit. Without one, the promotions stay those with which the order was
                placed, whatever became of them since.
            expected_total: change it only if it then comes to this total.
            key: makes a retry safe; see `IdempotencyKey`.

        Raises:
            Invalid: the lines break a rule.
            OrderNotFound: there is none, it is somebody else's, or it was deleted.
            Stale, IllegalStep, CouponNotUsable, KeyReused
            Unavailable: the store could not be reached, or was lost during the commit. With a key, the same edit may
                safely be sent again.
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
            is_replay = key is not None and key.claim(uow.keys.claim, actor.account_id, "edit", order_id, *asked)
            order = self._lock(uow, actor, order_id, Step.EDIT)
            if is_replay:
                return order
            codes = tuple(code for code in codes if code not in dict(order.coupons))
            if requested != order.units or codes:  # else what is asked for is there, see decision 0022
                check_version(order.version, versions)
            order.check_step(Step.EDIT, actor)
            levels = uow.stock.lock(requested.keys() | order.units.keys())
            offers = uow.products.offers(requested.keys() & levels.keys())  # as `place_all` does
            kept = uow.prices.versions(order.promotions) if order.promotions else []
            redeemed = uow.prices.redeemed(order.customer_id, order.id) if order.promotions else []
            all_codes = (*codes, *dict(order.coupons))
            pricer_at = read_pricer(uow, uow.prices.rules(), all_codes, [order.customer_id], kept, redeemed)
            now, new_id = uow.now(), self._new_id
            request = EditRequest(order, lines, requested, expected_total, codes, kept, redeemed)
            # Its key is claimed: a batch of one only takes back what expired reservations hold, if the edit needs it.
            batch: Batch[EditRequest, Order] = Batch([request], [order_id])
            new_draft = partial(AmendmentDraft, offers, actor, pricer_at, now=now, new_id=new_id)
            decision = batch.decide(levels, new_draft, {}, partial(expire_due, uow, now=now, new_id=new_id))
            edited, change = result_of(decision.outcomes).value, decision.draft.change
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
            NotAllOnHand: fewer units are on hand than the order has (a shortfall was recorded).
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
            is_replay = key is not None and key.claim(uow.keys.claim, actor.account_id, *asked)
            order = self._lock(uow, actor, order_id, taken)
            if is_replay or order.is_after(taken):
                return order
            check_version(order.version, versions)
            order.check_step(taken, actor)
            levels = uow.stock.lock(order.units) if order.moves_stock(taken) else {}
            if taken is Step.SHIP:
                _check_on_hand(order, levels)
            now = uow.now()
            change = step(order, taken, actor, reason, now=now, new_id=self._new_id)
            self._write(uow, change)
            if order.promotions and change.order.status is OrderStatus.CANCELLED:
                uow.prices.give_back(uow.prices.redeemed(order.customer_id, order.id), now)
        return change.order

    @staticmethod
    def _lock(uow: UnitOfWork, actor: Actor, order_id: UUID, taken: Step) -> Order:
        """The order, locked, after it was checked that the actor may take this step."""
        order = uow.orders.lock(order_id, owner_of(actor))
        if order is None and taken is Step.DELETE:  # it may be deleted already; then nothing can change it any more
            order = uow.orders.get_all([order_id]).get(order_id)
            order = order if order is not None and order.is_deleted_by(actor) else None
        if order is None or (taken is Step.EDIT and order.is_deleted_by(actor)):
            raise OrderNotFound(order_id)
        if taken is Step.DELETE:
            order.check_owner(actor)
        return order

    @staticmethod
    def _write(uow: UnitOfWork, change: OrderChange, expired: Sequence[StockMovement] = ()) -> None:
        uow.orders.update(change.order)
        uow.stock.apply([*expired, *change.movements])
        uow.events.add_all([change.event])


def _check_on_hand(order: Order, levels: Mapping[UUID, StockLevel]) -> None:
    """Raise NotAllOnHand: of some products the order has more units than there are."""
    on_hand = {product_id: level.on_hand for product_id, level in levels.items()}
    missing = [
        Shortage(line.product_id, line.quantity, on_hand[line.product_id], line.sku, line.name)
        for line in order.lines
        if on_hand[line.product_id] < line.quantity
    ]
    if missing:
        raise NotAllOnHand(missing)


def owner_of(actor: Actor) -> UUID | None:
    """Whose orders the actor may see: everybody's (None) for staff, else their own."""
    return None if actor.is_staff else actor.account_id


def read_pricer(
    uow: UnitOfWork,
    rules: Rules,
    codes: Collection[str],
    customer_ids: Collection[UUID],
    kept: Sequence[Promotion] = (),
    redeemed: Sequence[Redemption] = (),
    *,
    is_quote: bool = False,
) -> PricerAt:
    """Read what a batch needs to price its orders: coupons and uses. Whoever changes or withdraws a promotion locks its
    uses, so they are read again after the lock: what was acknowledged before is never priced with.

    Args:
        rules: of the shop, as they were read before the lock.
        codes: the coupons that come with the orders; for an edit also those that the order has.
        customer_ids: of the orders.
        kept: for an edit: the promotions that the order was priced with.
        redeemed: for an edit: the uses that the order has.
        is_quote: nothing is locked.

    Returns:
        What makes a fresh `OrderPricer` for each attempt. Which tax rates and categories it agrees for lines never
        depends on `codes`.
    """
    coupons = uow.prices.coupons_by_code(codes) if codes else {}
    usable = possibly_used(rules, coupons.values(), kept)
    ids = {each.id for each in usable}.union(*(redemption.used_ids for redemption in redeemed))
    customers = customer_ids if any(each.customer_uses_max for each in usable) else ()
    uses = uow.prices.uses(ids, customers, lock=not is_quote) if ids else Uses()
    keeps_categories = rules.keeps_categories or bool(kept)
    if ids and not is_quote and (newest := uow.prices.rules(anew=True)) != rules:  # staff changed them before the lock
        rules = newest.only(ids)
        uses = uow.prices.uses(ids, customer_ids, lock=True)
    return partial(OrderPricer, rules, coupons, uses, keeps_categories=keeps_categories)


def _exchange(uow: UnitOfWork, before: Sequence[Redemption], after: Sequence[Redemption], now: datetime) -> None:
    """Give back the uses that an edited order does not have any more, and write those that are new: also of another
    version of a promotion that it used already, or by another coupon of it."""
    kept = {use.identity for use in before} & {use.identity for use in after}
    uow.prices.give_back([use for use in before if use.identity not in kept], now)
    uow.prices.redeem([use for use in after if use.identity not in kept])
