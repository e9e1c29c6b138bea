"""Races for the end of a reservation: it ends once."""

from __future__ import annotations

from collections.abc import Callable

from shop_core.errors import (
    InsufficientStock,
    Refusal,
    ReservationExpired,
    ReservationResolved,
    TooMuchReserved,
)
from shop_core.orders.model import Order
from shop_core.reservations.model import Reservation, ReservationLimits, ReservationState
from shop_testing.races.base import LIFE, TIME_PASSES, Outcomes, Race, RaceFixtures, Scenario, split


def ends(*names: str) -> Scenario:
    """A reservation ends once: as an order, released, or expired. An extension comes in time, or not at all."""

    def scenario(fixtures: RaceFixtures) -> Race:
        shop, lamp = fixtures.shop, fixtures.lamp
        held = fixtures.reserves(fixtures.ada, (lamp, 1))()
        ways: dict[str, Callable[[], object]] = {
            "confirm": fixtures.buys(fixtures.ada, of=held),
            "confirm too": fixtures.buys(fixtures.ada, of=held),
            "release": lambda: shop.reservations.release(fixtures.ada, held.id),
            "extend": lambda: shop.reservations.extend(fixtures.ada, held.id, 2 * LIFE),
            "sweep": shop.reservations.sweep,
            "bob buys": fixtures.buys(fixtures.bob, (lamp, 1)),
            TIME_PASSES: fixtures.time_passes,
        }

        def check(outcomes: Outcomes) -> None:
            tried = {name: outcomes[name] for name in names if name not in {"sweep", "bob buys", TIME_PASSES}}
            won, _ = split(tried, ReservationExpired, ReservationResolved)
            for number, name in enumerate(names):
                if name in {"confirm", "extend"} and fixtures.time_passed_before(number, "stock.lock"):
                    assert isinstance(outcomes[name], Refusal), "an expired reservation was used"
            was_extended = isinstance(outcomes.get("extend"), Reservation)
            if was_extended and TIME_PASSES in names and len(won) == 1:
                assert shop.reservations.get(fixtures.ada, held.id).state is ReservationState.ACTIVE
                assert not isinstance(outcomes.get("bob buys"), Order)
            fixtures.time.move(3 * LIFE)  # an extension is over by now too
            shop.reservations.sweep()
            kept = shop.reservations.get(fixtures.ada, held.id)
            orders = [outcome for outcome in won if isinstance(outcome, Order)]
            releases = [tried["release"]] if isinstance(tried.get("release"), Reservation) else []
            assert len(orders) + len(releases) <= 1, "it ended twice"
            ended = ReservationState.CONFIRMED if orders else ReservationState.RELEASED if releases else None
            assert kept.state is (ended or ReservationState.EXPIRED)
            assert kept.order_id == (orders[0].id if orders else None)
            bought = outcomes.get("bob buys")
            assert isinstance(bought, Order | InsufficientStock | None)
            sold = len(orders) + isinstance(bought, Order)
            assert sold <= 1, "its unit was sold twice"
            assert fixtures.counters(lamp) == (1, sold, 0)
            expired = [event for event in fixtures.unpublished() if event.subject_id == held.id]
            assert len(expired) == (kept.state is ReservationState.EXPIRED)
            fixtures.check()

        return Race({name: ways[name] for name in names}, check)

    return scenario


def two_sweeps(fixtures: RaceFixtures) -> Race:
    """What expired is published once."""
    chair = fixtures.product("Chair", units=2)
    fixtures.reserves(fixtures.ada, (fixtures.lamp, 1), (chair, 1))()
    fixtures.reserves(fixtures.bob, (chair, 1))()
    fixtures.time.move(LIFE)

    def check(outcomes: Outcomes) -> None:
        split(outcomes)
        assert [event.type for event in fixtures.unpublished()] == ["reservation.expired"] * 2
        assert fixtures.counters(fixtures.lamp) == (1, 0, 0)
        assert fixtures.counters(chair) == (2, 0, 0)
        fixtures.check()

    return Race({"one": fixtures.shop.reservations.sweep, "other": fixtures.shop.reservations.sweep}, check)


def reservations_of_one_customer(tries: int, limit: int) -> Scenario:
    """Of different products, so that no lock of stock keeps them apart; the customer may have so many."""

    def scenario(fixtures: RaceFixtures) -> Race:
        fixtures.shop = fixtures.make_shop(ReservationLimits(reservations_max=limit))
        goods = [fixtures.product(f"Product {number}", units=1) for number in range(tries)]

        def check(outcomes: Outcomes) -> None:
            won, refused = split(outcomes, TooMuchReserved)
            assert (len(won), len(refused)) == (limit, tries - limit)
            fixtures.check()

        return Race({product.name: fixtures.reserves(fixtures.ada, (product, 1)) for product in goods}, check)

    return scenario
