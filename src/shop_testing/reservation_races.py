"""The contract of reservations that several want to end at the same moment: one wins, and no unit is lost or doubled.

`crowded` makes those meet whom no lock keeps apart. The ends of a reservation, its cap and twins were seen to fail so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest

from shop_core.accounts.model import Actor
from shop_core.catalog.model import Product
from shop_core.errors import (
    InsufficientStock,
    Refusal,
    ReservationExpired,
    ReservationResolved,
    TooMuchReserved,
)
from shop_core.inventory.model import StockLevel
from shop_core.orders.model import Order
from shop_core.ports import Adapters
from shop_core.reservations.model import Reservation, ReservationLimits, ReservationState
from shop_core.shop import Shop
from shop_testing.concurrency import TIMEOUT_S, in_background, still_waits, together
from shop_testing.contract import Contract
from shop_testing.determinism import MovableClock
from shop_testing.fixtures import Fixtures, request, to_hold
from shop_testing.reservation_expiry import letters

ROUNDS = 4
TTL = timedelta(seconds=60)


class ReservationRacesContract(Contract):
    """Confirm, release, extend, expire and reserve at the same moment."""

    def test_nothing_is_extended_while_what_its_customer_holds_is_counted(
        self, adapters: Adapters, fixtures: Fixtures, shop: Shop, clock: MovableClock
    ) -> None:
        """Or the one who counts takes it for expired, lets him hold as much again, and it goes on all the same."""
        ada, lamp = fixtures.customer(), fixtures.product("Lamp", units=3)
        held = shop.reservations.reserve(to_hold(ada, (lamp, 3), seconds=TTL.total_seconds()))
        with adapters.begin() as uow:
            uow.reservations.lock_customers([held.customer_id], uow.now)
            extending = in_background(lambda: shop.reservations.extend(ada, held.id, TTL))
            assert still_waits(extending), "it is extended while somebody counts"
            clock.move_to(held.expires_at)
        with pytest.raises(ReservationExpired):
            extending.result(TIMEOUT_S)

    @pytest.mark.parametrize(
        "names",
        [
            ("confirm", "release"),
            ("confirm", "confirm"),
            ("confirm", "expire"),
            ("confirm", "need"),
            ("release", "expire"),
            ("release", "need"),
            ("confirm", "release", "expire"),
            ("confirm", "release", "extend", "expire", "need"),
        ],
        ids=" ".join,
    )
    def test_a_reservation_ends_once(
        self, adapters: Adapters, fixtures: Fixtures, contended: Shop, clock: MovableClock, names: tuple[str, ...]
    ) -> None:
        for _ in range(ROUNDS):
            lamp, ada, bob = fixtures.product("Lamp", units=3), fixtures.customer(), fixtures.customer()
            held = contended.reservations.reserve(to_hold(ada, (lamp, 3), seconds=TTL.total_seconds()))
            start = clock()
            ways = _ways(contended, clock, ada, bob, held, lamp)

            outcomes = together(*[ways[name] for name in names])

            clock.move_to(start + 3 * TTL)  # an extension is over by now too
            contended.reservations.sweep()
            kept = contended.reservations.get(ada, held.id)
            _check_the_end(kept, names, outcomes)
            bought = sum(isinstance(outcome, Order) for outcome in outcomes)
            assert bought <= 1, "its units were sold twice"
            assert fixtures.level(lamp.id) == StockLevel(lamp.id, on_hand=3, allocated=3 * bought)
            told = [event for event in letters(adapters) if event.subject_id == held.id]
            assert len(told) == (kept.state is ReservationState.EXPIRED)
            assert contended.audit() == []

    def test_an_extension_and_the_end_of_the_time_exclude_each_other(
        self, fixtures: Fixtures, contended: Shop, clock: MovableClock
    ) -> None:
        for _ in range(ROUNDS):
            lamp, ada, bob = fixtures.product("Lamp", units=3), fixtures.customer(), fixtures.customer()
            held = contended.reservations.reserve(to_hold(ada, (lamp, 3), seconds=TTL.total_seconds()))
            ways = _ways(contended, clock, ada, bob, held, lamp)
            extended, bought = together(ways["extend"], ways["need"])
            if isinstance(extended, Reservation):
                assert isinstance(bought, InsufficientStock)
                assert contended.reservations.get(ada, held.id).state is ReservationState.ACTIVE
            else:
                assert isinstance(extended, ReservationExpired)
                assert isinstance(bought, Order)
            assert contended.audit() == []

    def test_the_last_units_are_held_once(self, fixtures: Fixtures, contended: Shop) -> None:
        for _ in range(ROUNDS):
            lamp = fixtures.product("Lamp", units=3)
            wants: list[Callable[[], Order | Reservation]] = []
            for _ in range(4):
                wants.append(partial(contended.reservations.reserve, to_hold(fixtures.customer(), (lamp, 1))))
                wants.append(partial(contended.orders.place, request(fixtures.customer(), (lamp, 1))))
            outcomes = together(*wants)
            kinds = Counter(type(outcome) for outcome in outcomes)
            assert (kinds[Order] + kinds[Reservation], kinds[InsufficientStock]) == (3, 5)
            level = fixtures.level(lamp.id)
            assert (level.allocated, level.reserved) == (kinds[Order], kinds[Reservation])
            assert contended.audit() == []

    def test_the_cap_holds_for_a_customer_in_many_threads(self, contended: Shop, fixtures: Fixtures) -> None:
        contended.reservations._limits = ReservationLimits(reservations_max=3)
        ada = fixtures.customer()
        lamps = [fixtures.product(f"Lamp {number}", units=9) for number in range(6)]  # no stock lock in common
        outcomes = together(*[partial(contended.reservations.reserve, to_hold(ada, (lamp, 1))) for lamp in lamps])
        assert Counter(map(type, outcomes)) == {Reservation: 3, TooMuchReserved: 3}

    def test_units_that_expire_while_many_want_them_are_sold_once_each(
        self, fixtures: Fixtures, contended: Shop, clock: MovableClock
    ) -> None:
        lamp = fixtures.product("Lamp", units=4)
        for _ in range(2):
            contended.reservations.reserve(to_hold(fixtures.customer(), (lamp, 2), seconds=TTL.total_seconds()))
        clock.move(TTL)
        buyers = [partial(contended.orders.place, request(fixtures.customer(), (lamp, 1))) for _ in range(8)]
        outcomes = together(contended.reservations.sweep, contended.reservations.sweep, *buyers)[2:]
        assert Counter(map(type, outcomes)) == {Order: 4, InsufficientStock: 4}
        assert fixtures.level(lamp.id) == StockLevel(lamp.id, on_hand=4, allocated=4)
        assert contended.audit() == []

    def test_reservations_of_the_same_products_in_other_orders_never_wait_for_each_other(
        self, fixtures: Fixtures, contended: Shop
    ) -> None:
        products = [fixtures.product(f"Lamp {number}", units=99) for number in range(5)]
        ada, bob = fixtures.customer(), fixtures.customer()

        def hold_and_confirm(who: Actor, turn: int) -> None:
            wanted = [(product, 1) for product in products[turn:] + products[:turn]]
            held = contended.reservations.reserve(to_hold(who, *wanted[:: 1 if turn % 2 else -1]))
            contended.orders.place(request(who, of=held))

        together(*[partial(hold_and_confirm, who, turn) for turn in range(5) for who in (ada, bob)])
        assert [fixtures.level(product.id).allocated for product in products] == [10] * 5
        assert contended.audit() == []


def _ways(
    shop: Shop, clock: MovableClock, ada: Actor, bob: Actor, held: Reservation, lamp: Product
) -> dict[str, Callable[[], object]]:
    """The ways in which a reservation can end, or go on."""
    end = clock() + TTL

    def expire() -> int:
        clock.move_to(end)
        return shop.reservations.sweep()

    def need() -> Order:
        clock.move_to(end)
        return shop.orders.place(request(bob, (lamp, 3)))

    return {
        "confirm": partial(shop.orders.place, request(ada, of=held)),
        "release": partial(shop.reservations.release, ada, held.id),
        "extend": partial(shop.reservations.extend, ada, held.id, 2 * TTL),
        "expire": expire,
        "need": need,
    }


def _check_the_end(kept: Reservation, names: tuple[str, ...], outcomes: list[object]) -> None:
    """The reservation is what the one winner made of it, and the losers were told so."""
    pairs = list(zip(names, outcomes, strict=True))
    orders = [outcome for name, outcome in pairs if name == "confirm" and isinstance(outcome, Order)]
    releases = [outcome for name, outcome in pairs if name == "release" and isinstance(outcome, Reservation)]
    assert len(orders) + len(releases) <= 1, "it ended twice"
    expected = ReservationState.CONFIRMED if orders else ReservationState.RELEASED if releases else None
    assert kept.state is (expected or ReservationState.EXPIRED)
    assert kept.order_id == (orders[0].id if orders else None)
    for name, outcome in pairs:
        if isinstance(outcome, Refusal):
            may_be = InsufficientStock if name == "need" else ReservationExpired | ReservationResolved
            assert isinstance(outcome, may_be)
