"""Races between changes of one order, and for the units that they take and give back."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from shop_core.accounts.model import SYSTEM
from shop_core.errors import (
    IllegalStep,
    InsufficientStock,
    OrderNotFound,
    Stale,
)
from shop_core.events import OrderEvent
from shop_core.orders.model import HOLDS_STOCK, OrderStatus
from shop_testing.races.base import Outcomes, Race, RaceFixtures, Scenario, split


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
