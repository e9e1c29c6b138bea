"""The part of the machine that reserves, confirms, lets time pass, and sends requests again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import rule

from shop_core.accounts.model import NOBODY, SYSTEM, Actor
from shop_core.errors import Invalid, Refusal, ReservationNotFound, Unauthenticated
from shop_core.idempotency import Result
from shop_core.inventory.model import LineRequest
from shop_core.money import Money
from shop_core.orders.model import PlacementRequest
from shop_core.reservations.model import TTL_MAX, Reservation, ReservationRequest
from shop_testing.catalog_rules import UNKNOWN, picked, picks
from shop_testing.driver import check_outcome, told_type
from shop_testing.expected_batches import Request
from shop_testing.order_rules import CUSTOMERS, OrderRules, actors, baskets, is_valid

small_baskets = st.lists(st.tuples(st.integers(0, 2), st.integers(1, 4)), min_size=1, max_size=2)
keys = st.none() | st.sampled_from(["a", "b"])
ttls = st.sampled_from([1, 10, 60, 600, 86_400])
pauses = st.sampled_from([0.5, 1, 9, 60, 600, 86_400])
customers = st.sampled_from(CUSTOMERS)


class ReservationRules(OrderRules):
    """Reservations from holding to the end, and keys; a part of `ShopMachine`."""

    @rule(seconds=pauses)
    def let_time_pass(self, seconds: float) -> None:
        self.clock.move(timedelta(seconds=seconds))

    # ---- holding

    @rule(customer=customers, basket=small_baskets | baskets, ttl=ttls, key=keys)
    def reserve(self, customer: Actor, basket: list[tuple[int, int]], ttl: int, key: str | None) -> None:
        lines = self._lines(basket)
        if is_valid(lines):
            self._reserve_them([self._hold(customer, lines, ttl, key)])
        else:
            refused = self.ask(lambda shop: shop.reservations.reserve(self._hold(customer, lines, ttl, key)))
            assert isinstance(refused, Invalid)

    @rule(customer=customers, pick=st.integers(0, 3), quantity=st.integers(1, 2), ttl=st.sampled_from([60, 600]))
    def hold(self, customer: Actor, pick: int, quantity: int, ttl: int) -> None:
        """The plain case, so that there are reservations to work on."""
        self._reserve_them([self._hold(customer, self._lines([(pick, quantity)]), ttl, None)])

    @rule(pick=st.integers(0, 1))
    def buy_what_is_held(self, pick: int) -> None:
        """The plain case of a confirmation."""
        self.confirm_it(self._reservation(pick))

    @rule(batch=st.lists(st.tuples(customers, small_baskets, ttls, keys), max_size=4))
    def reserve_a_batch(self, batch: list[tuple[Actor, list[tuple[int, int]], int, str | None]]) -> None:
        self._reserve_them([self._hold(who, self._lines(basket), ttl, key) for who, basket, ttl, key in batch])

    # ---- ending

    @rule(pick=picks, who=st.just("owner") | actors, ttl=ttls | st.sampled_from([0, 86_401]))
    def extend(self, pick: int, who: str, ttl: int) -> None:
        reservation_id, life = self._reservation(pick), timedelta(seconds=ttl)
        actor = self._holder(reservation_id, who)
        answer = self.ask(lambda shop: shop.reservations.extend(actor, reservation_id, life))
        if not 1 <= ttl <= 86_400:
            assert isinstance(answer, Invalid)
            return
        now = self.clock()
        assert told_type(answer) is (self._hidden(actor, reservation_id) or self._refusal(reservation_id))
        if isinstance(answer, Reservation):
            known = self.expected.reservations[reservation_id]
            known.expires_at = max(known.expires_at, min(now + life, known.created_at + TTL_MAX))
            self._check_reservation(answer)

    @rule(pick=picks, who=st.just("owner") | actors)
    def release(self, pick: int, who: str) -> None:
        reservation_id = self._reservation(pick)
        actor = self._holder(reservation_id, who)
        answer = self.ask(lambda shop: shop.reservations.release(actor, reservation_id))
        hidden = self._hidden(actor, reservation_id)
        if hidden is None and self.expected.reservations[reservation_id].state == "released":
            assert isinstance(answer, Reservation)
        else:
            assert told_type(answer) is (hidden or self._refusal(reservation_id))
        if isinstance(answer, Reservation):
            self.expected.ended(self.expected.reservations[reservation_id], "released")
            self._check_reservation(answer)

    @rule(pick=picks, customer=st.none() | customers, key=keys, known_total=st.none() | st.booleans())
    def confirm(self, pick: int, customer: Actor | None, key: str | None, known_total: bool | None) -> None:
        self.confirm_it(self._reservation(pick), customer, key, known_total)

    def confirm_it(
        self,
        reservation_id: UUID,
        customer: Actor | None = None,
        key: str | None = None,
        known_total: bool | None = None,
    ) -> None:
        """Place the order of a reservation: its owner does, or with `customer` whoever that is."""
        who = customer or self._holder(reservation_id, "owner")
        known = self.expected.reservations.get(reservation_id)
        total = None if known is None else self._total(known.units, known_total)
        self.place_them(
            [PlacementRequest(who.account_id, reservation_id=reservation_id, key=key, expected_total=total)]
        )

    @rule(limit=st.sampled_from([1, 2, 200]))
    def sweep(self, limit: int) -> None:
        count = self.ask(lambda shop: shop.reservations.sweep(limit))
        due = self.expected.due(self.clock())[:limit]
        assert count == len(due)
        for reservation_id in due:
            self.expected.ended(self.expected.reservations[reservation_id], "expired")

    @rule(pick=picks, who=actors)
    def read_a_reservation(self, pick: int, who: str) -> None:
        reservation_id = self._reservation(pick)
        actor = self._holder(reservation_id, who)
        answer = self.ask(lambda shop: shop.reservations.get(actor, reservation_id))
        assert told_type(answer) is self._hidden(actor, reservation_id)
        if isinstance(answer, Reservation):
            self._check_reservation(answer)

    # ---- keys

    @rule(
        customer=customers,
        basket=small_baskets,
        key=st.sampled_from(["a", "b"]),
        known_total=st.none() | st.booleans(),
        times=st.integers(1, 3),
    )
    def place_with_a_key(
        self, customer: Actor, basket: list[tuple[int, int]], key: str, known_total: bool | None, times: int
    ) -> None:
        lines = self._lines(basket)
        if is_valid(lines):
            units = PlacementRequest(customer.account_id, lines).units
            total = self._total(units, known_total) if units.keys() <= self.expected.products.keys() else None
            request = PlacementRequest(customer.account_id, lines, key=key, expected_total=total)
            self.place_them([request] * times)

    @rule(
        batch=st.lists(st.tuples(customers, small_baskets, keys, st.none() | picks), min_size=1, max_size=5),
    )
    def place_a_mixed_batch(self, batch: list[tuple[Actor, list[tuple[int, int]], str | None, int | None]]) -> None:
        requests = []
        for who, basket, key, pick in batch:
            if pick is None:
                requests.append(PlacementRequest(who.account_id, self._lines(basket), key=key))
            else:
                reservation_id = self._reservation(pick)
                owner = self._holder(reservation_id, "owner")
                requests.append(PlacementRequest(owner.account_id, reservation_id=reservation_id, key=key))
        self.place_them(requests)

    @rule(pick=picks)
    def send_again(self, pick: int) -> None:
        """A request that was carried out before, word for word."""
        made = [request for request, _ in self.expected.keys.values()]
        if not made:
            return
        request = made[-1 - pick % len(made)]
        if isinstance(request, PlacementRequest):
            self.place_them([request])
        elif isinstance(request, ReservationRequest):
            self._reserve_them([request])

    # ---- asking and checking

    def _reserve_them(self, requests: Sequence[ReservationRequest]) -> None:
        outcomes = self.ask(lambda shop: shop.reservations.reserve_all(requests))
        assert not isinstance(outcomes, Refusal)
        asked: Sequence[Request] = requests
        for request, verdict, outcome in zip(requests, self.verdicts(asked), outcomes, strict=True):
            if check_outcome(verdict, outcome, outcomes):
                assert isinstance(outcome, Result)
                if not outcome.replayed:
                    self.expected.reserved(outcome.value.id, request, self.clock())
                    self.note_key(request, outcome.value.id)
                self._check_reservation(outcome.value)

    def _check_reservation(self, reservation: Reservation) -> None:
        known, now = self.expected.reservations[reservation.id], self.clock()
        assert (reservation.customer_id, reservation.state) == (known.customer_id, known.state_at(now))
        assert (reservation.units, reservation.held) == (known.units, known.held)
        assert (reservation.created_at, reservation.expires_at) == (known.created_at, known.expires_at)
        assert (reservation.order_id, reservation.seen_at) == (known.order_id, now)

    def _hidden(self, actor: Actor, reservation_id: UUID) -> type[Refusal] | None:
        if actor is NOBODY:
            return Unauthenticated
        known = self.expected.reservations.get(reservation_id)
        is_seen = known is not None and (actor.is_staff or known.customer_id == actor.id)
        return None if is_seen else ReservationNotFound

    def _refusal(self, reservation_id: UUID) -> type[Refusal] | None:
        return self.expected.refusal_to_end(reservation_id, self.clock())

    # ---- picking

    def _reservation(self, pick: int) -> UUID:
        return picked(pick, list(self.expected.reservations))

    def _holder(self, reservation_id: UUID, who: str) -> Actor:
        if who in {"staff", "nobody"}:
            return SYSTEM if who == "staff" else NOBODY
        if reservation_id == UNKNOWN:
            return CUSTOMERS[0]
        owner_id = self.expected.reservations[reservation_id].customer_id
        return next(customer for customer in CUSTOMERS if (customer.id == owner_id) == (who == "owner"))

    def _total(self, units: dict[UUID, int] | object, is_right: bool | None) -> Money | None:
        """What the units cost today, or something else; None: whoever asks does not care."""
        if is_right is None or not isinstance(units, dict):
            return None
        total = sum(self.expected.products[key].price * quantity for key, quantity in units.items())
        return Money(total if is_right else total + 1, self.currency)

    @staticmethod
    def _hold(customer: Actor, lines: tuple[LineRequest, ...], ttl: int, key: str | None) -> ReservationRequest:
        return ReservationRequest(customer.account_id, lines, timedelta(seconds=ttl), key)
