"""Races between requests with one key, and between relays of the outbox."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from shop_core.accounts.model import SYSTEM
from shop_core.errors import (
    InsufficientStock,
)
from shop_core.events import Event
from shop_testing.races.base import Outcomes, Race, RaceFixtures, Scenario, split


def twins(count: int, *, reserving: bool = False) -> Scenario:
    """Requests with the same key: one is carried out, and all are told of it."""

    def scenario(fixtures: RaceFixtures) -> Race:
        chair = fixtures.product("Chair", units=5)
        wants = fixtures.reserves if reserving else fixtures.buys
        job = wants(fixtures.ada, (chair, 1), key="k")

        def check(outcomes: Outcomes) -> None:
            won, _ = split(outcomes)
            assert all(outcome == won[0] for outcome in won), "two were made, or two answers given"
            assert fixtures.counters(chair) == ((5, 0, 1) if reserving else (5, 1, 0))
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
