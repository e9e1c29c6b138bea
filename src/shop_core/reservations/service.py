"""Holding units for customers, and giving them back in time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from itertools import chain
from uuid import UUID

from shop_core.accounts.model import Actor
from shop_core.batching import decided, expire_due, settle
from shop_core.errors import Refusal, ReservationNotFound
from shop_core.events import StockEvent, StockEventKind
from shop_core.idempotency import KeyedResults, first_of_each
from shop_core.inventory.model import StockLevel
from shop_core.ports import Begin, NewId, UnitOfWork
from shop_core.reservations.allocation import Decision, Outcome, decide, give_back
from shop_core.reservations.model import (
    TTL_DEFAULT,
    HoldingLimits,
    Reservation,
    ReservationRequest,
    ReservationStep,
    check_ttl,
)

SWEEP_MAX = 200


class ReservationService:
    """What customers do with reservations, and the sweep that ends those whose time is up."""

    def __init__(self, begin: Begin, new_id: NewId, limits: HoldingLimits) -> None:
        self._begin = begin
        self._new_id = new_id
        self._limits = limits

    def reserve_all(
        self, requests: Sequence[ReservationRequest], ids: Sequence[UUID] | None = None
    ) -> tuple[Outcome, ...]:
        """Hold units for many customers at once: one unit of work, one answer for each request.

        Requests are independent, as in `OrderService.place_all`.

        Args:
            requests: first come, first served.
            ids: what each reservation is to be called, so that its fate can be found out; see `reserved`.

        Returns:
            For each request, in the same order, an `Answer` with the reservation, or a `Refusal` (InsufficientStock,
            UnknownProducts, TooMuchReserved, KeyReused).

        Raises:
            Unavailable: the store could not be reached. Nothing is known of the requests then; one with a key may
                safely be sent again.
        """
        ids = ids or [self._new_id() for _ in requests]
        claims = first_of_each(request.claim(id_) for request, id_ in zip(requests, ids, strict=True))
        with self._begin() as uow:
            taken = uow.keys.claim(claims)
            holdings = uow.reservations.lock_customers({request.customer_id for request in requests}, uow.now)
            levels = uow.stock.lock(set(chain.from_iterable(request.wanted for request in requests)))
            offers = uow.products.offers(levels)
            made = uow.reservations.get_all(claim.result_id for claim in taken.values())
            now = uow.now()
            made = {id_: reservation.at(now) for id_, reservation in made.items()}

            def decide_for(stock: Mapping[UUID, StockLevel]) -> Decision:
                answers = KeyedResults(taken, made)
                return decide(
                    requests, ids, answers, offers, stock, holdings, self._limits, now=now, new_id=self._new_id
                )

            decision, expired = decided(decide_for, levels, lambda: expire_due(uow, levels, now, self._new_id))
            uow.reservations.add_all(decision.reservations)
            uow.stock.apply([*expired, *decision.movements])
            settle(uow.keys, claims, taken, decision.won)
        return decision.outcomes

    def reserve(self, request: ReservationRequest) -> Reservation:
        """Hold units for one customer: a batch of one.

        Raises:
            UnknownProducts: lines whose product is not in the catalog.
            InsufficientStock: every short line, with what is available; nothing was taken.
            TooMuchReserved, KeyReused
        """
        (outcome,) = self.reserve_all([request])
        if isinstance(outcome, Refusal):
            raise outcome
        return outcome.value

    def reserved(self, requests: Sequence[ReservationRequest], ids: Sequence[UUID]) -> dict[UUID, Reservation]:
        """What became of a batch whose commit was lost, as `OrderService.placed` tells it of orders.

        Raises:
            Unavailable: the store could not be reached.
        """
        with self._begin() as uow:
            uow.stock.lock(set(chain.from_iterable(request.wanted for request in requests)))
            now = uow.now()
            return {id_: found.at(now) for id_, found in uow.reservations.get_all(ids).items()}

    def get(self, actor: Actor, reservation_id: UUID) -> Reservation:
        """A reservation of the actor's own, or anybody's for staff, as it is now.

        Raises:
            ReservationNotFound: there is none, or it is somebody else's.
        """
        with self._begin() as uow:
            return self._seen(uow, actor, reservation_id).at(uow.now())

    def extend(self, actor: Actor, reservation_id: UUID, ttl: timedelta = TTL_DEFAULT) -> Reservation:
        """Hold the units for longer: for `ttl` from now, 24 hours in all at most. It never revives an expired one.

        Raises:
            Invalid: `ttl` is not from 1 second to 24 hours.
            ReservationNotFound, ReservationExpired, ReservationResolved
        """
        check_ttl(ttl)
        with self._begin() as uow:
            # Whoever counts what the customer holds must not count this as over while it goes on.
            uow.reservations.lock_customers([self._seen(uow, actor, reservation_id).customer_id], uow.now)
            reservation = self._locked(uow, actor, reservation_id)
            after = reservation.extended(ttl, uow.now())
            uow.reservations.update_all([after])
        return after

    def release(self, actor: Actor, reservation_id: UUID) -> Reservation:
        """Give the units back before the time is up; by its owner or by staff. To release it again changes nothing.

        Raises:
            ReservationNotFound, ReservationExpired
            ReservationResolved: it became an order.
        """
        with self._begin() as uow:
            reservation = self._locked(uow, actor, reservation_id)
            now = uow.now()
            if reservation.is_released:
                return reservation.at(now)
            after, movements = give_back(reservation, ReservationStep.RELEASE, actor.id, now, self._new_id)
            uow.reservations.update_all([after])
            uow.stock.apply(movements)
        return after

    def sweep(self, limit: int = SWEEP_MAX) -> int:
        """End reservations whose time is up, and tell it. One sweep at a time, in however many processes.

        Nobody has to wait for it: what is expired is expired, and who needs its units takes them before.

        Args:
            limit: how many at most.

        Returns:
            How many there were; as many as `limit` means that there may be more. 0 if another sweep is at it.
        """
        with self._begin() as uow:
            due = uow.reservations.due(uow.now(), limit)
            if not due or not uow.alone("sweep"):  # in this order: to look leaves no trace, to lock does
                return 0
            uow.stock.lock(set(chain.from_iterable(reservation.units for reservation in due)))
            now = uow.now()
            locked = uow.reservations.get_all(reservation.id for reservation in due)
            ended, movements, events = [], [], []
            for reservation in (locked[reservation.id] for reservation in due):
                if reservation.is_due(now):
                    after, given = give_back(reservation, ReservationStep.EXPIRE, None, now, self._new_id)
                    ended.append(after)
                    movements += given
                    events.append(self._expired(after))
            uow.reservations.update_all(ended)
            uow.stock.apply(movements)
            uow.events.add_all(events)
        return len(due)

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
