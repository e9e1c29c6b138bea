"""The contract of use cases that happen at the same time: one wins where one must, and no unit is lost or doubled.

Each race has few units, so that a use case that gets in wrongly breaks something. `RacesContract` runs the races in
threads on any adapters, with a shop in which use cases that no lock keeps apart always meet. `verification` runs the
same races in every order of their calls.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from random import Random
from typing import Any

import pytest

from shop_core.accounts.model import SYSTEM, Actor
from shop_core.catalog.model import Product
from shop_core.errors import (
    IllegalStep,
    InsufficientStock,
    OrderNotFound,
    Refusal,
    ReservationExpired,
    ReservationResolved,
    Stale,
    TooMuchReserved,
)
from shop_core.events import Event, OrderEvent
from shop_core.inventory.model import LineRequest
from shop_core.orders.model import HOLDS_STOCK, Order, OrderStatus
from shop_core.pagination import OffsetRequest
from shop_core.ports import Adapters
from shop_core.reservations.model import Reservation, ReservationLimits, ReservationState
from shop_core.shop import Shop
from shop_testing.concurrency import together
from shop_testing.contract import Contract
from shop_testing.determinism import MovableClock
from shop_testing.fixtures import Fixtures, request, to_hold

LIFE = timedelta(minutes=10)
TIME_PASSES = "time passes"
ROUNDS = 4

Outcomes = Mapping[str, Any]
"""What each job returned, or the refusal that it got."""


@dataclass(frozen=True)
class Race:
    """What happens at the same time, and what must be so afterwards.

    Args:
        jobs: the use cases, by name.
        check: is given their outcomes; raises AssertionError.
    """

    jobs: Mapping[str, Callable[[], object]]
    check: Callable[[Outcomes], None]


class RaceFixtures(Fixtures):
    """What a race starts from: a shop whose time stands still, two customers, and a lamp of which there is one.

    Args:
        clock: of the adapters.
        make_shop: makes the shop in which the jobs race, with what a customer may have reserved.
    """

    def __init__(
        self, adapters: Adapters, clock: MovableClock, make_shop: Callable[[ReservationLimits | None], Shop]
    ) -> None:
        super().__init__(adapters)
        self.time = clock
        self.make_shop = make_shop
        self.shop = make_shop(None)
        self.lamp = self.product("Lamp", units=1)
        self.ada, self.bob = self.customer(), self.customer()

    def time_passes(self) -> datetime:
        """A job: from now on, what was reserved before has expired."""
        self.step(TIME_PASSES)
        return self.time.move(LIFE)

    def step(self, label: str) -> None:
        """A point at which others may come in between, for who runs the jobs step by step."""

    def time_passed_before(self, job: int, label: str) -> bool:
        """Whether time certainly passed before that job made that call."""
        return False

    def buys(self, customer: Actor, *lines: tuple[Product, int], **details: Any) -> Callable[[], Order]:
        """A job: a customer places an order."""
        requested = request(customer, *lines, **details)
        return lambda: self.shop.orders.place(requested)

    def reserves(
        self, customer: Actor, *lines: tuple[Product, int], key: str | None = None
    ) -> Callable[[], Reservation]:
        """A job: a customer reserves units."""
        requested = to_hold(customer, *lines, seconds=LIFE.total_seconds(), key=key)
        return lambda: self.shop.reservations.reserve(requested)

    def edits(self, order: Order, *lines: tuple[Product, int], version: int | None = None) -> Callable[[], Order]:
        """A job: the owner gives the order other lines."""
        owner = self.owner(order)
        requested = [LineRequest(product.id, units) for product, units in lines]
        return lambda: self.shop.orders.edit(owner, order.id, requested, None if version is None else [version])

    def counters(self, product: Product) -> tuple[int, int, int]:
        """On hand, allocated, reserved."""
        level = self.level(product.id)
        return level.on_hand, level.allocated, level.reserved

    def unpublished(self) -> list[Event]:
        """What the outbox has still to publish."""
        with self.begin() as uow:
            messages = uow.outbox.take(self.time() + timedelta(days=1), 999, timedelta(0))
        return [message.event for message in messages]

    def check(self) -> None:
        """What must be so after everything."""
        assert self.shop.audit() == []


Scenario = Callable[[RaceFixtures], Race]
"""Sets a new scene, always the same one."""


def split(outcomes: Outcomes, *refusals: type[Exception]) -> tuple[list[Any], list[BaseException]]:
    """What the jobs got that were not refused, and the refusals; no others than these will do."""
    refused = [outcome for outcome in outcomes.values() if isinstance(outcome, BaseException)]
    for refusal in refused:
        assert isinstance(refusal, refusals), f"{type(refusal).__name__}: {refusal}"
    return [outcome for outcome in outcomes.values() if not isinstance(outcome, BaseException)], refused


# ---- the last units


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


# ---- the end of a reservation


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


# ---- changes of one order


def changes(one: str, other: str, *, confirmed: bool = False) -> Scenario:
    """Two changes of one order happen one after the other, or one of them is refused."""

    def scenario(fixtures: RaceFixtures) -> Race:
        chair, table, orders = (
            fixtures.product("Chair", units=9),
            fixtures.product("Table", units=9),
            fixtures.shop.orders,
        )
        order = fixtures.buys(fixtures.ada, (chair, 2))()
        if confirmed:
            orders.confirm(SYSTEM, order.id)
        steps: dict[str, Callable[[], object]] = {
            "edit": fixtures.edits(order, (chair, 1), (table, 3)),
            "cancel": lambda: orders.cancel(fixtures.ada, order.id),
            "delete": lambda: orders.delete(fixtures.ada, order.id),
            "confirm": lambda: orders.confirm(SYSTEM, order.id),
            "ship": lambda: orders.ship(SYSTEM, order.id),
        }

        def check(outcomes: Outcomes) -> None:
            done, _ = split(outcomes, IllegalStep, OrderNotFound)
            won = {order.version: order for order in done}.values()  # both see what a deletion did, if both delete
            before = 2 if confirmed else 1
            assert sorted(order.version for order in won) == list(range(before + 1, before + 1 + len(won)))
            if confirmed:
                assert len(won) == 1, "both steps won, and they exclude each other"
            kept = max(won, key=lambda done: done.version)
            assert orders.get(SYSTEM, order.id) == kept
            assert [event.seq for event in fixtures.unpublished()] == list(range(1, kept.version + 1))
            for product in (chair, table):
                units = kept.units.get(product.id, 0)
                shipped = units if kept.status is OrderStatus.SHIPPED else 0
                assert fixtures.counters(product) == (9 - shipped, units if kept.status in HOLDS_STOCK else 0, 0)
            fixtures.check()

        return Race({f"{one} first": steps[one], f"{other} second": steps[other]}, check)

    return scenario


def edits(count: int, *, of_one_version: bool) -> Scenario:
    """Of one version, one wins and the others are stale; else all happen, and each sees the one before."""

    def scenario(fixtures: RaceFixtures) -> Race:
        chair, table = fixtures.product("Chair", units=99), fixtures.product("Table", units=99)
        order = fixtures.buys(fixtures.ada, (chair, 1))()
        version = 1 if of_one_version else None

        def check(outcomes: Outcomes) -> None:
            won, refused = split(outcomes, Stale)
            assert (len(won), len(refused)) == ((1, count - 1) if of_one_version else (count, 0))
            assert sorted(done.version for done in won) == list(range(2, 2 + len(won)))
            kept = max(won, key=lambda done: done.version)
            for product in (chair, table):
                assert fixtures.counters(product) == (99, kept.units.get(product.id, 0), 0)
            events = [event for event in fixtures.unpublished() if isinstance(event, OrderEvent)]
            assert [later.total_before for later in events[1:]] == [earlier.total for earlier in events[:-1]]
            fixtures.check()

        jobs = {
            f"to {units}": fixtures.edits(order, (chair, units), (table, 20 - units), version=version)
            for units in range(2, 2 + count)
        }
        return Race(jobs, check)

    return scenario


def cancellations(count: int) -> Scenario:
    """Units are given back once, and everybody is told so."""

    def scenario(fixtures: RaceFixtures) -> Race:
        chair = fixtures.product("Chair", units=9)
        order = fixtures.buys(fixtures.ada, (chair, 2))()
        fixtures.buys(fixtures.bob, (chair, 7))()

        def check(outcomes: Outcomes) -> None:
            done, refused = split(outcomes)
            assert (len(done), len(set(map(repr, done))), refused) == (count, 1, [])
            assert fixtures.counters(chair) == (9, 7, 0)
            fixtures.check()

        cancel = partial(fixtures.shop.orders.cancel, fixtures.ada, order.id)
        return Race({f"cancel {number}": cancel for number in range(count)}, check)

    return scenario


def edits_and_orders(count: int, units: int) -> Scenario:
    """So many orders that are to grow, and as many new ones, want the last units."""

    def scenario(fixtures: RaceFixtures) -> Race:
        chair, table = fixtures.product("Chair", units=units), fixtures.product("Table", units=20)
        jobs: dict[str, Callable[[], object]] = {}
        for number in range(count):
            order = fixtures.buys(fixtures.ada, (table, 1))()
            jobs[f"edit {number}"] = fixtures.edits(order, (table, 1), (chair, 1))
            jobs[f"order {number}"] = fixtures.buys(fixtures.customer(), (chair, 1))

        def check(outcomes: Outcomes) -> None:
            won, refused = split(outcomes, InsufficientStock)
            assert (len(won), len(refused)) == (units, 2 * count - units)
            assert fixtures.counters(chair) == (units, units, 0)
            fixtures.check()

        return Race(jobs, check)

    return scenario


def units_given_back(customers: int) -> Scenario:
    """What an edit and a deletion give back is sold once."""

    def scenario(fixtures: RaceFixtures) -> Race:
        chair, table = fixtures.product("Chair", units=4), fixtures.product("Table", units=4)
        edited = fixtures.buys(fixtures.ada, (chair, 2), (table, 1))()
        deleted = fixtures.buys(fixtures.bob, (chair, 2))()

        def check(outcomes: Outcomes) -> None:
            split(outcomes, InsufficientStock)
            while fixtures.counters(chair)[1] < 4:
                fixtures.buys(fixtures.customer(), (chair, 1))()
            with pytest.raises(InsufficientStock):
                fixtures.buys(fixtures.customer(), (chair, 1))()
            assert fixtures.counters(chair) == (4, 4, 0)
            fixtures.check()

        jobs: dict[str, Callable[[], object]] = {
            "edit": fixtures.edits(edited, (table, 1)),
            "delete": lambda: fixtures.shop.orders.delete(fixtures.bob, deleted.id),
        }
        return Race(
            jobs | {f"order {n}": fixtures.buys(fixtures.customer(), (chair, 1)) for n in range(customers)}, check
        )

    return scenario


# ---- keys and the outbox


def twins(count: int, *, reserving: bool = False) -> Scenario:
    """Requests with the same key: one is carried out, and all are told of it."""

    def scenario(fixtures: RaceFixtures) -> Race:
        chair = fixtures.product("Chair", units=5)
        wants = fixtures.reserves if reserving else fixtures.buys
        job = wants(fixtures.ada, (chair, 1), key="k")

        def check(outcomes: Outcomes) -> None:
            won, _ = split(outcomes)
            assert all(outcome == won[0] for outcome in won), "two were made, or two answers given"
            assert fixtures.counters(chair) == (5, 0, 1) if reserving else (5, 1, 0)
            fixtures.check()

        return Race({f"twin {number}": job for number in range(count)}, check)

    return scenario


def two_relays(fixtures: RaceFixtures) -> Race:
    """Every event is published, once, in order."""
    order = fixtures.buys(fixtures.ada, (fixtures.lamp, 1))()
    fixtures.shop.orders.confirm(SYSTEM, order.id)
    published: list[Event] = []

    def check(outcomes: Outcomes) -> None:
        split(outcomes)
        assert [event.seq for event in published] == [1, 2]
        assert fixtures.unpublished() == []
        fixtures.check()

    relay = partial(fixtures.shop.outbox.relay, _RacingPublisher(fixtures, published))
    return Race({"one": relay, "other": relay}, check)


def buying_and_publishing(fixtures: RaceFixtures) -> Race:
    """Nothing is published that did not happen, or has not happened yet."""
    published: list[Event] = []
    relay = partial(fixtures.shop.outbox.relay, _RacingPublisher(fixtures, published))

    def check(outcomes: Outcomes) -> None:
        split(outcomes, InsufficientStock)
        relay()
        assert [event.type for event in published] == ["order.placed"]
        fixtures.check()

    jobs: dict[str, Callable[[], object]] = {
        "ada buys": fixtures.buys(fixtures.ada, (fixtures.lamp, 1)),
        "bob buys": fixtures.buys(fixtures.bob, (fixtures.lamp, 1)),
        "relay": relay,
    }
    return Race(jobs, check)


class _RacingPublisher:
    """Writes down what is published, and checks that it happened."""

    def __init__(self, fixtures: RaceFixtures, published: list[Event]) -> None:
        self._fixtures = fixtures
        self._published = published

    def publish(self, event: Event) -> None:
        self._fixtures.step("publish")
        with self._fixtures.begin() as uow:
            assert uow.orders.get(event.subject_id) is not None, f"{event.type} was published, and there is no order"
        self._published.append(event)


RACES: dict[str, Scenario] = {
    "two buyers of the last unit": buyers(2, units=1),
    "three buyers of two units": buyers(3, units=2),
    "reserving and buying the last unit": buyers(2, units=1, reserving=1),
    "baskets in opposite directions": two_baskets("ab", "ba"),
    "baskets that share their last product": two_baskets("ac", "bc"),
    "units of an expired reservation": expired_units(2, sweeps=1),
    "parts of an expired reservation": parts_of_an_expired_reservation,
    "confirm and confirm": ends("confirm", "confirm too"),
    "confirm and release": ends("confirm", "release"),
    "confirm and expire": ends("confirm", "sweep", TIME_PASSES),
    "release and expire": ends("release", "sweep", TIME_PASSES),
    "confirm, release and expire": ends("confirm", "release", "sweep", TIME_PASSES),
    "confirm, expire and be sold": ends("confirm", "bob buys", TIME_PASSES),
    "release, expire and be sold": ends("release", "bob buys", TIME_PASSES),
    "extend and expire": ends("extend", "sweep", TIME_PASSES),
    "extend, expire and be sold": ends("extend", "bob buys", TIME_PASSES),
    "two sweeps": two_sweeps,
    "reservations of one customer": reservations_of_one_customer(2, limit=1),
    "edit and cancel": changes("edit", "cancel"),
    "edit and confirm": changes("edit", "confirm"),
    "edit and delete": changes("edit", "delete"),
    "cancel and delete": changes("cancel", "delete"),
    "cancel and ship": changes("cancel", "ship", confirmed=True),
    "delete and ship": changes("delete", "ship", confirmed=True),
    "ship and ship": changes("ship", "ship", confirmed=True),
    "delete and delete": changes("delete", "delete", confirmed=True),
    "two edits of one version": edits(2, of_one_version=True),
    "two edits": edits(2, of_one_version=False),
    "one order sent twice": twins(2),
    "one reservation sent twice": twins(2, reserving=True),
    "two relays": two_relays,
    "buying and publishing": buying_and_publishing,
}
"""Few jobs each, so that every order of their calls can be tried."""

CROWDS: dict[str, Scenario] = {
    "twenty buyers of the last unit": buyers(20, units=1),
    "twenty buyers of twenty units": buyers(20, units=20),
    "eight who buy or reserve three units": buyers(8, units=3, reserving=4),
    "eight buyers of expired units, and two sweeps": expired_units(8, sweeps=2),
    "every end of a reservation": ends("confirm", "release", "extend", "sweep", "bob buys", TIME_PASSES),
    "six reservations of a customer who may have three": reservations_of_one_customer(6, limit=3),
    "ten edits of one version": edits(10, of_one_version=True),
    "ten edits": edits(10, of_one_version=False),
    "ten cancellations": cancellations(10),
    "six edits and six orders that want three units": edits_and_orders(6, units=3),
    "units given back": units_given_back(8),
    "eight orders with one key": twins(8),
    "eight reservations with one key": twins(8, reserving=True),
}


class RacesContract(Contract):
    """All races in threads; their `adapters` must go by `clock`."""

    moves_time = True

    @pytest.mark.parametrize("name", [*RACES, *CROWDS])
    def test_a_race_ends_as_if_one_came_after_the_other(
        self, adapters: Adapters, clock: MovableClock, name: str
    ) -> None:
        for _ in range(ROUNDS):
            fixtures = RaceFixtures(adapters, clock, lambda limits: self.contended_shop(adapters, limits))
            with adapters.begin() as uow:
                uow.outbox.delivered([event.id for event in fixtures.unpublished()])  # of the rounds before
            race = (RACES | CROWDS)[name](fixtures)
            outcomes = together(*race.jobs.values())
            race.check(dict(zip(race.jobs, outcomes, strict=True)))

    def test_baskets_that_overlap_in_any_order_never_wait_for_each_other_in_a_ring(
        self, fixtures: Fixtures, contended: Shop
    ) -> None:
        """Some buy, some reserve and confirm, and some swap what their order has for what another one has."""
        products = [fixtures.product(f"Product {number}", units=1_000) for number in range(6)]

        def trade(seed: int) -> None:
            random, who = Random(seed), fixtures.customer()
            order = contended.orders.place(request(who, (products[seed % 6], 1)))
            for turn in range(3):
                basket = [(product, 1) for product in random.sample(products, k=random.randint(2, 6))]
                if turn == 0:
                    contended.orders.place(request(who, *basket))
                elif turn == 1:
                    contended.orders.place(request(who, of=contended.reservations.reserve(to_hold(who, *basket))))
                else:
                    requested = [LineRequest(product.id, units) for product, units in basket]
                    contended.orders.edit(who, order.id, requested)

        assert together(*[partial(trade, seed) for seed in range(20)]) == [None] * 20, "a deadlock is Unavailable"
        assert contended.audit() == []

    def test_an_order_is_never_seen_with_an_old_total_and_new_lines(self, fixtures: Fixtures, shop: Shop) -> None:
        chair, ada = fixtures.product("Chair", units=99), fixtures.customer()
        order = shop.orders.place(request(ada, (chair, 1)))

        def edit() -> int:
            for number in range(30):
                shop.orders.edit(ada, order.id, [LineRequest(chair.id, 1 + number % 3)])
            return 0

        def read() -> int:
            seen = [shop.orders.get(ada, order.id) for _ in range(60)]
            seen += [shop.orders.mine(ada, OffsetRequest()).items[0] for _ in range(20)]
            return sum(one.total.minor != sum(line.total.minor for line in one.lines) for one in seen)

        assert together(edit, read, read) == [0, 0, 0]
