"""Use cases that meet at the same product, order, key or reservation: the plays for `interleaving.explore`.

Each sets its scene with few units, so that whoever gets in wrongly breaks something, and says what must be so after
every schedule. `time passes` is a job like the others: a reservation expires between any two calls.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from shop_core.accounts.model import SYSTEM
from shop_core.catalog.model import Product
from shop_core.errors import (
    IllegalStep,
    InsufficientStock,
    ReservationExpired,
    ReservationResolved,
    Stale,
    TooMuchReserved,
)
from shop_core.events import Event
from shop_core.inventory.model import LineRequest
from shop_core.orders.model import Order, OrderStatus
from shop_core.reservations.model import Reservation, ReservationLimits, ReservationRequest, ReservationState
from shop_testing.fixtures import request
from verification.exploration import Case, Play
from verification.race_fixtures import LIFE, TIME_PASSES, OpenAdapters, Spoil, Stage


def _split(outcomes: Mapping[str, Any], *refusals: type[Exception]) -> tuple[list[Any], list[BaseException]]:
    """Who got what he wanted, and who was refused; no other refusal than these will do."""
    refused = [outcome for outcome in outcomes.values() if isinstance(outcome, BaseException)]
    for refusal in refused:
        assert isinstance(refusal, refusals), f"{type(refusal).__name__}: {refusal}"
    return [outcome for outcome in outcomes.values() if not isinstance(outcome, BaseException)], refused


# ---- the plays


def two_buyers_of_the_last_unit(stage: Stage) -> Play:
    """One gets it, the other is told that there is none."""

    def check(outcomes: Mapping[str, Any]) -> None:
        won, refused = _split(outcomes, InsufficientStock)
        assert (len(won), len(refused)) == (1, 1)
        assert stage.level(stage.lamp) == (1, 1, 0)
        stage.check()

    jobs = {"ada buys": stage.buys(stage.ada, (stage.lamp, 1)), "bob buys": stage.buys(stage.bob, (stage.lamp, 1))}
    return Play(jobs, check)


def three_buyers_of_two_units(stage: Stage) -> Play:
    """Two of them get one."""
    chair = stage.fixtures.product("Chair", units=2)

    def check(outcomes: Mapping[str, Any]) -> None:
        won, refused = _split(outcomes, InsufficientStock)
        assert (len(won), len(refused)) == (2, 1)
        assert stage.level(chair) == (2, 2, 0)
        stage.check()

    return Play(
        {f"{name} buys": stage.buys(stage.fixtures.customer(), (chair, 1)) for name in ("ada", "bob", "eve")}, check
    )


def baskets_in_opposite_directions(stage: Stage) -> Play:
    """Nobody waits in a ring, and one gets everything."""
    chair = stage.fixtures.product("Chair", units=1)

    def check(outcomes: Mapping[str, Any]) -> None:
        won, refused = _split(outcomes, InsufficientStock)
        assert (len(won), len(refused)) == (1, 1)
        assert stage.level(stage.lamp) == stage.level(chair) == (1, 1, 0)
        stage.check()

    there, back = ((stage.lamp, 1), (chair, 1)), ((chair, 1), (stage.lamp, 1))
    return Play({"ada buys": stage.buys(stage.ada, *there), "bob buys": stage.buys(stage.bob, *back)}, check)


def baskets_that_share_their_last_product(stage: Stage) -> Play:
    """The lock of the first product of each does not keep them apart."""
    chair, mat = stage.fixtures.product("Chair", units=1), stage.fixtures.product("Mat", units=1)

    def check(outcomes: Mapping[str, Any]) -> None:
        won, refused = _split(outcomes, InsufficientStock)
        assert (len(won), len(refused)) == (1, 1)
        assert stage.level(mat) == (1, 1, 0)
        stage.check()

    with_a_lamp, with_a_chair = ((stage.lamp, 1), (mat, 1)), ((chair, 1), (mat, 1))
    return Play(
        {"ada buys": stage.buys(stage.ada, *with_a_lamp), "bob buys": stage.buys(stage.bob, *with_a_chair)}, check
    )


def reserving_and_buying_the_last_unit(stage: Stage) -> Play:
    """One gets it, to keep or for a while."""

    def check(outcomes: Mapping[str, Any]) -> None:
        (won,), _ = _split(outcomes, InsufficientStock)
        assert stage.level(stage.lamp) == ((1, 1, 0) if isinstance(won, Order) else (1, 0, 1))
        stage.check()

    reserve = lambda: stage.reserved(stage.ada, (stage.lamp, 1))  # noqa: E731
    return Play({"ada reserves": reserve, "bob buys": stage.buys(stage.bob, (stage.lamp, 1))}, check)


def confirming_releasing_and_expiring(stage: Stage) -> Play:
    """A reservation ends once: as an order, released, or expired."""
    reservation = stage.reserved(stage.ada, (stage.lamp, 1))
    shop = stage.shop

    def check(outcomes: Mapping[str, Any]) -> None:
        changes = {name: outcomes[name] for name in ("confirm", "release")}
        won, _ = _split(changes, ReservationExpired, ReservationResolved)
        assert len(won) <= 1, "it ended twice"
        if stage.came_before("stock.lock", 0):
            assert not isinstance(changes["confirm"], Order), "an expired reservation became an order"
        assert isinstance(outcomes["sweep"], int), outcomes["sweep"]
        shop.reservations.sweep()  # in case that the other one came too early
        state = shop.reservations.get(stage.ada, reservation.id).state
        is_sold = isinstance(changes["confirm"], Order)
        ended = ReservationState.CONFIRMED if is_sold else ReservationState.RELEASED
        assert state is (ended if won else ReservationState.EXPIRED)
        assert stage.level(stage.lamp) == (1, int(is_sold), 0)
        told = [event.type for event in stage.told()]
        assert told == (["order.placed"] if is_sold else [] if won else ["reservation.expired"])
        stage.check()

    jobs: dict[str, Callable[[], object]] = {
        "confirm": stage.buys(stage.ada, reservation_id=reservation.id),
        "release": lambda: shop.reservations.release(stage.ada, reservation.id),
        "sweep": shop.reservations.sweep,
        TIME_PASSES: stage.time_passes,
    }
    return Play(jobs, check)


def extending_and_expiring(stage: Stage) -> Play:
    """It is extended before its time is up, or not at all."""
    reservation = stage.reserved(stage.ada, (stage.lamp, 1))
    shop = stage.shop

    def check(outcomes: Mapping[str, Any]) -> None:
        extended = outcomes["extend"]
        _split({"extend": extended}, ReservationExpired)
        is_kept = isinstance(extended, Reservation)
        if stage.came_before("stock.lock", 0):
            assert not is_kept, "an expired reservation was extended"
        assert isinstance(outcomes["sweep"], int), outcomes["sweep"]
        shop.reservations.sweep()
        state = shop.reservations.get(stage.ada, reservation.id).state
        assert state is (ReservationState.ACTIVE if is_kept else ReservationState.EXPIRED)
        assert stage.level(stage.lamp) == (1, 0, int(is_kept))
        assert len(stage.told()) == int(not is_kept)
        stage.check()

    jobs: dict[str, Callable[[], object]] = {
        "extend": lambda: shop.reservations.extend(stage.ada, reservation.id, 2 * LIFE),
        "sweep": shop.reservations.sweep,
        TIME_PASSES: stage.time_passes,
    }
    return Play(jobs, check)


def buying_what_was_held_too_long(stage: Stage) -> Play:
    """The unit of an expired reservation is sold once, and nobody is told "sold out" before; two sweeps or none."""
    reservation = stage.reserved(stage.fixtures.customer(), (stage.lamp, 1))
    stage.clock.move(LIFE)
    shop = stage.shop

    def check(outcomes: Mapping[str, Any]) -> None:
        buyers = {name: outcomes[name] for name in ("ada buys", "bob buys")}
        won, refused = _split(buyers, InsufficientStock)
        assert (len(won), len(refused)) == (1, 1)
        assert isinstance(outcomes["sweep"], int), outcomes["sweep"]
        shop.reservations.sweep()
        assert shop.reservations.get(SYSTEM, reservation.id).state is ReservationState.EXPIRED
        assert stage.level(stage.lamp) == (1, 1, 0)
        assert sorted(event.type for event in stage.told()) == ["order.placed", "reservation.expired"]
        stage.check()

    jobs: dict[str, Callable[[], object]] = {
        "ada buys": stage.buys(stage.ada, (stage.lamp, 1)),
        "bob buys": stage.buys(stage.bob, (stage.lamp, 1)),
        "sweep": shop.reservations.sweep,
    }
    return Play(jobs, check)


def buying_parts_of_what_was_held_too_long(stage: Stage) -> Play:
    """Two who lock different products take from one expired reservation: what the one takes back stays taken back."""
    chair = stage.fixtures.product("Chair", units=1)
    stage.reserved(stage.fixtures.customer(), (stage.lamp, 1), (chair, 1))
    stage.clock.move(LIFE)

    def check(outcomes: Mapping[str, Any]) -> None:
        won, _ = _split(outcomes)
        assert len(won) == 2
        stage.check()
        stage.shop.reservations.sweep()
        assert stage.level(stage.lamp) == stage.level(chair) == (1, 1, 0)
        stage.check()

    jobs: dict[str, Callable[[], object]] = {
        "ada buys": stage.buys(stage.ada, (stage.lamp, 1)),
        "bob buys": stage.buys(stage.bob, (chair, 1)),
    }
    return Play(jobs, check)


def two_sweeps(stage: Stage) -> Play:
    """What is over is told once."""
    chair = stage.fixtures.product("Chair", units=2)
    stage.reserved(stage.ada, (stage.lamp, 1), (chair, 1))
    stage.reserved(stage.bob, (chair, 1))
    stage.clock.move(LIFE)

    def check(outcomes: Mapping[str, Any]) -> None:
        _split(outcomes)
        assert [event.type for event in stage.told()] == ["reservation.expired"] * 2
        assert stage.level(stage.lamp) == (1, 0, 0)
        assert stage.level(chair) == (2, 0, 0)
        stage.check()

    return Play({"one": stage.shop.reservations.sweep, "other": stage.shop.reservations.sweep}, check)


def reserving_more_than_one_may(stage: Stage) -> Play:
    """Two products, so that no lock of stock keeps the two requests apart; the customer may have one reservation."""
    chair = stage.fixtures.product("Chair", units=1)
    shop = stage.shop_with(ReservationLimits(reservations_max=1))

    def reserves(product: Product) -> Callable[[], Reservation]:
        wanted = ReservationRequest(stage.ada.account_id, (LineRequest(product.id, 1),), LIFE)
        return lambda: shop.reservations.reserve(wanted)

    def check(outcomes: Mapping[str, Any]) -> None:
        won, refused = _split(outcomes, TooMuchReserved)
        assert (len(won), len(refused)) == (1, 1)
        stage.check()

    return Play({"a lamp": reserves(stage.lamp), "a chair": reserves(chair)}, check)


def an_edit_and_a_cancellation(stage: Stage) -> Play:
    """The order ends cancelled; it was edited before or not at all."""
    chair = stage.fixtures.product("Chair", units=5)
    order = stage.shop.orders.place(request(stage.ada, (chair, 2)))
    orders = stage.shop.orders

    def check(outcomes: Mapping[str, Any]) -> None:
        won, _ = _split(outcomes, IllegalStep)
        assert outcomes["cancel"] in won
        assert sorted(done.version for done in won) == list(range(2, 2 + len(won)))
        kept = orders.get(stage.ada, order.id)
        assert kept.status is OrderStatus.CANCELLED
        assert [event.seq for event in stage.told()] == list(range(1, kept.version + 1))
        assert stage.level(chair) == (5, 0, 0)
        stage.check()

    jobs: dict[str, Callable[[], object]] = {
        "edit": lambda: orders.edit(stage.ada, order.id, [LineRequest(chair.id, 3)]),
        "cancel": lambda: orders.cancel(stage.ada, order.id),
    }
    return Play(jobs, check)


def two_edits_of_one_version(stage: Stage) -> Play:
    """One of them is too late."""
    chair = stage.fixtures.product("Chair", units=9)
    order = stage.shop.orders.place(request(stage.ada, (chair, 1)))

    def edit(units: int) -> Callable[[], Order]:
        return lambda: stage.shop.orders.edit(stage.ada, order.id, [LineRequest(chair.id, units)], [1])

    def check(outcomes: Mapping[str, Any]) -> None:
        (won,), refused = _split(outcomes, Stale)
        assert len(refused) == 1
        assert stage.level(chair) == (9, won.units[chair.id], 0)
        stage.check()

    return Play({"to two": edit(2), "to three": edit(3)}, check)


def one_order_sent_twice(stage: Stage) -> Play:
    """The same key: one order, and both are told of it."""
    chair = stage.fixtures.product("Chair", units=5)
    job = stage.buys(stage.ada, (chair, 1), key="k")

    def check(outcomes: Mapping[str, Any]) -> None:
        won, refused = _split(outcomes)
        assert not refused
        assert won[0] == won[1], "two orders, or two answers"
        assert stage.level(chair) == (5, 1, 0)
        stage.check()

    return Play({"once": job, "again": job}, check)


def one_reservation_sent_twice(stage: Stage) -> Play:
    """The same key: one reservation, and both are told of it."""
    chair = stage.fixtures.product("Chair", units=5)
    job = lambda: stage.reserved(stage.ada, (chair, 1), key="k")  # noqa: E731

    def check(outcomes: Mapping[str, Any]) -> None:
        won, refused = _split(outcomes)
        assert not refused
        assert won[0] == won[1], "two reservations, or two answers"
        assert stage.level(chair) == (5, 0, 1)
        stage.check()

    return Play({"once": job, "again": job}, check)


def two_relays(stage: Stage) -> Play:
    """Every fact is told, once, in order."""
    order = stage.shop.orders.place(request(stage.ada, (stage.lamp, 1)))
    stage.shop.orders.confirm(SYSTEM, order.id)
    heard: list[Event] = []

    def relay() -> int:
        return stage.shop.outbox.relay(_Ear(stage, heard))

    def check(outcomes: Mapping[str, Any]) -> None:
        _split(outcomes)
        assert [event.seq for event in heard] == [1, 2]
        assert stage.told() == []
        stage.check()

    return Play({"one": relay, "other": relay}, check)


def buying_and_telling(stage: Stage) -> Play:
    """Nothing is told that did not happen, or has not happened yet."""
    heard: list[Event] = []

    def relay() -> int:
        return stage.shop.outbox.relay(_Ear(stage, heard))

    def check(outcomes: Mapping[str, Any]) -> None:
        _split(outcomes, InsufficientStock)
        stage.shop.outbox.relay(_Ear(stage, heard))
        assert [event.type for event in heard] == ["order.placed"]
        stage.check()

    jobs: dict[str, Callable[[], object]] = {
        "ada buys": stage.buys(stage.ada, (stage.lamp, 1)),
        "bob buys": stage.buys(stage.bob, (stage.lamp, 1)),
        "relay": relay,
    }
    return Play(jobs, check)


class _Ear:
    """Hears what is told, and checks that it is so."""

    def __init__(self, stage: Stage, heard: list[Event]) -> None:
        self._stage = stage
        self._heard = heard

    def publish(self, event: Event) -> None:
        self._stage.schedule.step("publish")
        with self._stage.adapters.begin() as uow:
            assert uow.orders.get(event.subject_id) is not None, f"{event.type} was told, and there is no such order"
        self._heard.append(event)


PLAYS: dict[str, Callable[[Stage], Play]] = {
    play.__name__: play
    for play in (
        *(two_buyers_of_the_last_unit, three_buyers_of_two_units, baskets_in_opposite_directions),
        baskets_that_share_their_last_product,
        *(reserving_and_buying_the_last_unit, reserving_more_than_one_may, buying_what_was_held_too_long),
        buying_parts_of_what_was_held_too_long,
        *(confirming_releasing_and_expiring, extending_and_expiring, two_sweeps),
        *(an_edit_and_a_cancellation, two_edits_of_one_version),
        *(one_order_sent_twice, one_reservation_sent_twice, two_relays, buying_and_telling),
    )
}


def case_of(name: str, open_adapters: OpenAdapters, spoil: Spoil | None = None) -> Case:
    """One of `PLAYS` on these adapters."""
    return lambda schedule: PLAYS[name](Stage(schedule, open_adapters, spoil))
