"""Races for the last units, those of expired reservations among them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from shop_core.accounts.model import SYSTEM
from shop_core.errors import (
    InsufficientStock,
)
from shop_core.orders.model import Order
from shop_core.reservations.model import Reservation, ReservationState
from shop_testing.races.base import LIFE, Outcomes, Race, RaceFixtures, Scenario, split


def buyers(count: int, units: int, reserving: int = 0) -> Scenario:
    """So many customers, of whom the last ones only reserve, want one unit each: as many get one as there are."""

    def scenario(fixtures: RaceFixtures) -> Race:
        chair = fixtures.product("Chair", units=units)

        def check(outcomes: Outcomes) -> None:
            won, refused = split(outcomes, InsufficientStock)
            assert (len(won), len(refused)) == (min(count, units), max(0, count - units))
            kinds = Counter(map(type, won))
            assert fixtures.counters(chair) == (units, kinds[Order], kinds[Reservation])
            fixtures.check()

        jobs: dict[str, Callable[[], object]] = {}
        for number in range(count):
            wants = fixtures.reserves if number >= count - reserving else fixtures.buys
            jobs[f"customer {number}"] = wants(fixtures.customer(), (chair, 1))
        return Race(jobs, check)

    return scenario


def two_baskets(ada: str, bob: str) -> Scenario:
    """Each wants one unit of some products, of which there is one each, in this order: one gets everything."""

    def scenario(fixtures: RaceFixtures) -> Race:
        goods = {name: fixtures.product(name, units=1) for name in sorted({*ada, *bob})}

        def check(outcomes: Outcomes) -> None:
            (won,), refused = split(outcomes, InsufficientStock)
            assert len(refused) == 1
            for product in goods.values():
                assert fixtures.counters(product) == (1, won.units.get(product.id, 0), 0)
            fixtures.check()

        baskets = {"ada": (fixtures.ada, ada), "bob": (fixtures.bob, bob)}
        jobs = {
            f"{name} buys": fixtures.buys(who, *((goods[each], 1) for each in basket))
            for name, (who, basket) in baskets.items()
        }
        return Race(jobs, check)

    return scenario


def expired_units(customers: int, sweeps: int) -> Scenario:
    """Units of expired reservations are sold once, and nobody is told "sold out" before; however many sweep."""

    def scenario(fixtures: RaceFixtures) -> Race:
        units = max(1, customers // 2)
        chair = fixtures.product("Chair", units=units)
        held = [fixtures.reserves(fixtures.customer(), (chair, 1))() for _ in range(units)]
        fixtures.time.move(LIFE)

        def check(outcomes: Outcomes) -> None:
            won, refused = split(
                {name: outcome for name, outcome in outcomes.items() if "buys" in name}, InsufficientStock
            )
            assert (len(won), len(refused)) == (min(customers, units), max(0, customers - units))
            assert all(isinstance(outcomes[name], int) for name in outcomes if "sweep" in name)
            fixtures.shop.reservations.sweep()  # in case that the others came too early
            for one in held:
                assert fixtures.shop.reservations.get(SYSTEM, one.id).state is ReservationState.EXPIRED
            assert fixtures.counters(chair) == (units, len(won), 0)
            events = Counter(event.type for event in fixtures.unpublished())
            assert events == Counter({"order.placed": len(won), "reservation.expired": units})
            fixtures.check()

        jobs: dict[str, Callable[[], object]] = {
            f"customer {number} buys": fixtures.buys(fixtures.customer(), (chair, 1)) for number in range(customers)
        }
        jobs |= {f"sweep {number}": fixtures.shop.reservations.sweep for number in range(sweeps)}
        return Race(jobs, check)

    return scenario


def parts_of_an_expired_reservation(fixtures: RaceFixtures) -> Race:
    """Two who lock different products take from one expired reservation: what one takes back stays taken back."""
    chair = fixtures.product("Chair", units=1)
    fixtures.reserves(fixtures.customer(), (fixtures.lamp, 1), (chair, 1))()
    fixtures.time.move(LIFE)

    def check(outcomes: Outcomes) -> None:
        assert len(split(outcomes)[0]) == 2
        fixtures.check()
        fixtures.shop.reservations.sweep()
        assert fixtures.counters(fixtures.lamp) == fixtures.counters(chair) == (1, 1, 0)
        fixtures.check()

    jobs = {
        "ada buys": fixtures.buys(fixtures.ada, (fixtures.lamp, 1)),
        "bob buys": fixtures.buys(fixtures.bob, (chair, 1)),
    }
    return Race(jobs, check)
