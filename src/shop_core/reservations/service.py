"""Reserving units for customers, and giving them back in time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from itertools import chain
from uuid import UUID

from shop_core.accounts.model import Actor
from shop_core.batching import Batch, expire_due, product_ids_of, result_of
from shop_core.errors import ReservationNotFound
from shop_core.events import StockEvent, StockEventKind
from shop_core.idempotency import Key
from shop_core.pagination import CursorRequest, Page
from shop_core.ports import Begin, NewId, UnitOfWork
from shop_core.reservations.model import (
    TTL_DEFAULT,
    Reservation,
    ReservationLimits,
    ReservationQuery,
    ReservationRequest,
    ReservationStep,
    check_ttl,
)
from shop_core.reservations.reserving import Outcome, ReservationDraft, give_back

SWEEP_MAX = 200


class ReservationService:
    """What customers do with reservations, and the sweep that ends expired ones."""

    def __init__(self, begin: Begin, new_id: NewId, limits: ReservationLimits) -> None:
        self._begin = begin
        self._new_id = new_id
        self._limits = limits
        self._passed: Reservation | None = None  # a sweep begins after this one: those up to it were busy

    def reserve_all(
        self, requests: Sequence[ReservationRequest], ids: Sequence[UUID] | None = None, *, wait: bool = True
    ) -> tuple[Outcome, ...]:
        """Reserve units for many customers in one unit of work; requests are independent, as in `place_all` of orders.

        Args:
            requests: first come, first served.
            ids: one for each reservation, so that a lost commit can be looked up; see `find_committed`.
            wait: as in `place_all`.

        Returns:
            For each request a `Result` with the reservation, or a `Refusal`: those of `reserve`, or `Busy`.

        Raises:
            Unavailable: the store could not be reached. It may be unknown whether units were reserved; a request with
                a key may safely be sent again.
        """
        batch: Batch[ReservationRequest, Reservation] = Batch(requests, ids or [self._new_id() for _ in requests])
        with self._begin() as uow:
            earlier_ids = batch.claim_keys(uow.keys, wait=wait)
            customer_ids = {request.customer_id for request in requests}
            if wait:
                usage = uow.reservations.lock_customers(customer_ids, uow.now)
                levels = uow.stock.lock(product_ids_of(requests))
            else:
                usage, others = uow.reservations.try_lock_customers(customer_ids, uow.now)
                levels, busy = uow.stock.try_lock(product_ids_of(requests))
                batch.postpone(each.customer_id in others or not busy.isdisjoint(each.units) for each in requests)
            offers = uow.products.offers(levels)
            earlier = uow.reservations.get_all(earlier_ids)
            now, new_id = uow.now(), self._new_id
            earlier = {id_: reservation.at(now) for id_, reservation in earlier.items()}
            new_draft = partial(ReservationDraft, offers, usage, self._limits, now=now, new_id=new_id)
            decision = batch.decide(levels, new_draft, earlier, partial(expire_due, uow, now=now, new_id=new_id))
            uow.reservations.add_all(decision.draft.reservations)
            uow.stock.apply([*decision.expired, *decision.draft.movements])
            batch.settle_keys(uow.keys, decision.new_claims)
        return decision.outcomes

    def reserve(self, request: ReservationRequest) -> Reservation:
        """Reserve units for one customer: a batch of one.

        Raises:
            UnknownProducts: lines whose product is not in the catalog.
            InsufficientStock: every short line, with what is available; nothing was taken.
            TooMuchReserved, KeyReused
        """
        return result_of(self.reserve_all([request])).value

    def find_committed(self, requests: Sequence[ReservationRequest], ids: Sequence[UUID]) -> dict[UUID, Reservation]:
        """The reservations of a batch that were made, after its commit was lost: as `OrderService.find_committed`.

        Raises:
            Unavailable: the store could not be reached.
        """
        with self._begin() as uow:
            uow.stock.lock(product_ids_of(requests))
            now = uow.now()
            return {id_: found.at(now) for id_, found in uow.reservations.get_all(ids).items()}

    def get(self, actor: Actor, reservation_id: UUID) -> Reservation:
        """A reservation of the actor's own, or anybody's for staff, as it is now.

        Raises:
            ReservationNotFound: there is none, or it is somebody else's.
        """
        with self._begin() as uow:
            return self._seen(uow, actor, reservation_id).at(uow.now())

    def find(self, actor: Actor, query: ReservationQuery, page_request: CursorRequest) -> Page[Reservation]:
        """The reservations that match, newest first, as they are now: staff see everybody's, others their own.

        Raises:
            Unauthenticated: nobody is logged in.
            Forbidden: a customer asks for the reservations of another one.
            InvalidCursor: the cursor was not made by this list.
        """
        seen = query.visible_to(actor)
        with self._begin() as uow:
            now = uow.now()
            return uow.reservations.page(seen, now, page_request).map(lambda found: found.at(now))

    def extend(
        self,
        actor: Actor,
        reservation_id: UUID,
        ttl: timedelta = TTL_DEFAULT,
        *,
        key: Key = None,
    ) -> Reservation:
        """Extend a reservation: until `ttl` from now, at most 24 hours in all. An expired one stays expired.

        Args:
            key: makes a retry safe; see `IdempotencyKey`.

        Raises:
            Invalid: `ttl` is not from 1 second to 24 hours.
            ReservationNotFound, ReservationExpired, ReservationResolved, KeyReused
        """
        check_ttl(ttl)
        with self._begin() as uow:
            asked = ("extend", reservation_id, ttl // timedelta(microseconds=1))
            if key is not None and key.claim(uow.keys.claim, actor.account_id, *asked):
                return self._seen(uow, actor, reservation_id).at(uow.now())
            # Locked, so that nobody counts this reservation as expired while it is extended.
            uow.reservations.lock_customers([self._seen(uow, actor, reservation_id).customer_id], uow.now)
            reservation = self._locked(uow, actor, reservation_id)
            after = reservation.extended(ttl, uow.now())
            uow.reservations.update_all([after])
        return after

    def release(self, actor: Actor, reservation_id: UUID, *, key: Key = None) -> Reservation:
        """Give the units back before the time is up, as owner or as staff. Releasing it again changes nothing.

        Args:
            key: makes a retry safe; see `IdempotencyKey`.

        Raises:
            ReservationNotFound, ReservationExpired, KeyReused
            ReservationResolved: it became an order.
        """
        with self._begin() as uow:
            is_replay = key is not None and key.claim(uow.keys.claim, actor.account_id, "release", reservation_id)
            reservation = self._locked(uow, actor, reservation_id)
            now = uow.now()
            if is_replay or reservation.is_released:
                return reservation.at(now)
            after, movements = give_back(reservation, ReservationStep.RELEASE, actor.id, now, self._new_id)
            uow.reservations.update_all([after])
            uow.stock.apply(movements)
        return after

    def sweep(self, limit: int = SWEEP_MAX) -> int:
        """End expired reservations and publish it. One sweep runs at a time, in all processes together.

        Nobody has to wait for it: a request that needs the units of an expired reservation takes them before. It waits
        for nobody, either: a reservation whose products others have locked is left for later. If a sweep can end none
        of those that it looks at, the next one goes on after them; after the last one it begins anew.

        Args:
            limit: how many at most; they have no more than `LINES_MAX` lines together.

        Returns:
            How many it ended; if any, there may be more. 0 while another sweep runs.
        """
        with self._begin() as uow:
            due = uow.reservations.due(uow.now(), limit, self._passed)
            if not due and self._passed is not None:
                self._passed = None
                due = uow.reservations.due(uow.now(), limit)
            if not due or not uow.try_lock_task("sweep"):  # in this order: reading is free, locking is not
                return 0
            _, busy = uow.stock.try_lock(set(chain.from_iterable(reservation.units for reservation in due)))
            free = [reservation.id for reservation in due if busy.isdisjoint(reservation.units)]
            now = uow.now()
            locked = uow.reservations.get_all(free)
            ended, movements, events = [], [], []
            for reservation in (locked[reservation_id] for reservation_id in free):
                if reservation.is_due(now):
                    after, given = give_back(reservation, ReservationStep.EXPIRE, None, now, self._new_id)
                    ended.append(after)
                    movements += given
                    events.append(self._expired(after))
            uow.reservations.update_all(ended)
            uow.stock.apply(movements)
            uow.events.add_all(events)
        if not ended:
            self._passed = due[-1]
        return len(ended)

    def _expired(self, reservation: Reservation) -> StockEvent:
        units = sum(reservation.units.values())
        kind, at = StockEventKind.RESERVATION_EXPIRED, reservation.expires_at
        return StockEvent(self._new_id(), kind, reservation.id, at, units, reservation.customer_id)

    @staticmethod
    def _seen(uow: UnitOfWork, actor: Actor, reservation_id: UUID) -> Reservation:
        owner_id = None if actor.is_staff else actor.account_id
        reservation = uow.reservations.get_all([reservation_id]).get(reservation_id)
        if reservation is None or owner_id not in {None, reservation.customer_id}:
            raise ReservationNotFound(reservation_id)
        return reservation

    def _locked(self, uow: UnitOfWork, actor: Actor, reservation_id: UUID) -> Reservation:
        """The reservation, read again after the stock of its products was locked: nobody else changes it now."""
        uow.stock.lock(self._seen(uow, actor, reservation_id).units)
        return self._seen(uow, actor, reservation_id)
