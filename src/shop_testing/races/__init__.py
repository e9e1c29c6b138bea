"""The contract of use cases that happen at the same time: one wins where one must, and no unit is lost or doubled.

Each race has few units, so that a use case that gets in wrongly breaks something. `RacesContract` runs the races in
threads on any adapters, with a shop in which use cases that no lock keeps apart always meet. `verification` runs the
same races in every order of their calls.
"""

from __future__ import annotations

from functools import partial
from random import Random

import pytest

from shop_core.accounts.model import SYSTEM
from shop_core.inventory.model import LineRequest
from shop_core.orders.model import PlacementRequest
from shop_core.pagination import OffsetRequest
from shop_core.ports import Adapters
from shop_core.pricing.benefits import Benefit, OrderAmount, OrderPercent, Percent
from shop_core.pricing.model import PromotionDetails
from shop_core.shop import Shop
from shop_testing.concurrency import together
from shop_testing.contract import Contract
from shop_testing.determinism import MovableClock
from shop_testing.fixtures import Fixtures, request, to_hold
from shop_testing.races.base import TIME_PASSES, Race, RaceFixtures, Scenario
from shop_testing.races.keys_and_outbox import buying_and_publishing, twins, two_relays
from shop_testing.races.last_units import buyers, expired_units, parts_of_an_expired_reservation, two_baskets
from shop_testing.races.order_changes import cancellations, changes, edits, edits_and_orders, units_given_back
from shop_testing.races.promotions import correction, lowered_limit
from shop_testing.races.reservation_ends import ends, reservations_of_one_customer, two_sweeps

__all__ = ["CROWDS", "RACES", "TIME_PASSES", "Race", "RaceFixtures", "RacesContract", "Scenario"]

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
    "buying, editing and a limit": lowered_limit,
    "two orders and a correction": correction,
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
        for _ in range(self.rounds):
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

    def test_orders_that_use_several_promotions_and_coupons_never_wait_for_each_other_in_a_ring(
        self, fixtures: Fixtures, contended: Shop
    ) -> None:
        """Some limited, some not, in every order of the codes; each order is edited, and cancelled or deleted."""
        stocked = fixtures.products(12, units=1_000)
        price = stocked[0].price
        benefits: list[Benefit] = [Percent(1000), OrderPercent(500), OrderAmount(price)]
        for number, benefit in enumerate(benefits):
            details = PromotionDetails(f"Automatic {number}", benefit, customer_uses_max=99 if number == 2 else None)
            contended.prices.create_promotion(SYSTEM, details)
        for number in range(3):
            details = PromotionDetails(f"Coupon {number}", OrderAmount(price), needs_coupon=True)
            offer = contended.prices.create_promotion(SYSTEM, details).promotion.id
            contended.prices.create_coupons(SYSTEM, offer, code=f"RING{number}", uses_max=1_000 if number else None)

        def trade(seed: int) -> None:
            random, who, product = Random(seed), fixtures.customer(), stocked[seed]
            for _ in range(3):
                codes = tuple(random.sample(["RING0", "RING1", "RING2"], k=random.randint(0, 3)))
                lines = (LineRequest(product.id, random.randint(1, 3)),)
                order = contended.orders.place(PlacementRequest(who.account_id, lines, coupons=codes))
                contended.orders.edit(who, order.id, [LineRequest(product.id, 4)], coupons=["RING1"])
                (contended.orders.cancel if random.random() < 0.5 else contended.orders.delete)(who, order.id)

        assert together(*[partial(trade, seed) for seed in range(12)]) == [None] * 12, "a deadlock is Unavailable"
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
