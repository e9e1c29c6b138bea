"""Reservations: the table of their life, time, the cap, and the one pure function that decides who holds what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shop_core.batching import Batch, BatchDecision
from shop_core.catalog.model import Offer
from shop_core.errors import (
    Busy,
    InsufficientStock,
    Invalid,
    KeyReused,
    Refusal,
    ReservationExpired,
    ReservationResolved,
    TooMuchReserved,
    UnknownProducts,
)
from shop_core.idempotency import Result
from shop_core.inventory.model import LINES_MAX, LineRequest, MovementKind, StockLevel, StockMovement
from shop_core.money import Money
from shop_core.reservations.model import (
    RESERVATION_LIFECYCLE,
    TTL_MAX,
    TTL_MIN,
    ExpiredLine,
    Reservation,
    ReservationLimits,
    ReservationRequest,
    ReservationState,
    ReservationStep,
    ReservationUsage,
    ReservedLine,
)
from shop_core.reservations.reserving import ReservationDraft, expiry_of, give_back
from shop_testing import SeededIds

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
INSTANT = timedelta(microseconds=1)
ADA, BOB = UUID(int=0xADA), UUID(int=0xB0B)
IDS = [UUID(int=number) for number in range(1, 5)]
ARCHIVED, GHOST = IDS[-1], UUID(int=99)
OFFERS = {key: Offer(key, f"SKU-{key.int}", "Lamp", Money(100, "EUR")) for key in IDS if key != ARCHIVED}
LIMITS = ReservationLimits(reservations_max=3, units_max=9)

lines = st.lists(
    st.builds(LineRequest, st.sampled_from([*IDS[:3] * 4, ARCHIVED, GHOST]), st.integers(1, 3)), min_size=1, max_size=3
)
requests_ = st.builds(
    ReservationRequest,
    st.sampled_from([ADA, BOB]),
    lines.map(tuple),
    st.sampled_from([MINUTE, 2 * MINUTE]),
    st.sampled_from([None, None, "k", "l"]),
)
batches = st.lists(requests_, max_size=8)
stocks = st.fixed_dictionaries({key: st.integers(0, 9) for key in IDS})
pauses = st.integers(0, 180).map(lambda seconds: timedelta(seconds=seconds))


def held(*, units: int = 2, state: ReservationState = ReservationState.ACTIVE, is_held: bool = True) -> Reservation:
    line = ReservedLine(IDS[0], units, is_held)
    return Reservation(UUID(int=7), ADA, state, (line,), NOON, NOON + MINUTE)


def decided(requests: list[ReservationRequest], stock: dict[UUID, int]) -> BatchDecision[Reservation, ReservationDraft]:
    levels = {key: StockLevel(key, on_hand=units) for key, units in stock.items()}
    new_id = SeededIds(7)
    ids = [new_id() for _ in requests]
    batch: Batch[ReservationRequest, Reservation] = Batch(requests, ids)
    return batch.decide_once(ReservationDraft(OFFERS, {}, LIMITS, now=NOON, new_id=new_id), levels, {})


def test_however_often_a_batch_is_decided_it_takes_back_no_more_lines_than_a_batch_may() -> None:
    """Whoever is short in the end may get units of what is still due: they are told to try again."""
    vase, bowl, cup = IDS[:3]
    due = {vase: LINES_MAX - 1, cup: 1}
    levels = {key: StockLevel(key, on_hand=due.get(key, 0) + (key != vase), reserved=due.get(key, 0)) for key in IDS}
    new_id, asked = SeededIds(7), list[tuple[set[UUID], int]]()

    def expire(product_ids: Iterable[UUID], limit: int) -> list[StockMovement]:
        asked.append((set(product_ids), limit))
        lines = [ExpiredLine(new_id(), BOB, key, 1) for key in asked[-1][0] for _ in range(due.get(key, 0))]
        return expiry_of(lines[:limit], NOON, new_id)

    requests = [
        ReservationRequest(BOB, (LineRequest(vase, 1), LineRequest(bowl, 1))),
        ReservationRequest(ADA, (LineRequest(bowl, 1),), key="k"),
        ReservationRequest(ADA, (LineRequest(cup, 1),), key="k"),
        ReservationRequest(BOB, (LineRequest(cup, 1),)),
    ]
    batch: Batch[ReservationRequest, Reservation] = Batch(requests, [new_id() for _ in requests])
    new_draft = partial(ReservationDraft, OFFERS, {}, LIMITS, now=NOON, new_id=new_id)
    decision = batch.decide(levels, new_draft, {}, expire)
    assert asked == [({vase, bowl}, LINES_MAX), ({cup}, 1)]
    assert [type(outcome) for outcome in decision.outcomes] == [Result, Busy, Result, Result]
    assert len(decision.expired) == LINES_MAX


# ---- the life of a reservation


@pytest.mark.parametrize("state", ReservationState)
@pytest.mark.parametrize("step", ReservationStep)
def test_a_step_follows_the_table_or_is_refused(state: ReservationState, step: ReservationStep) -> None:
    before = held(state=state, is_held=state is ReservationState.ACTIVE)
    now = before.expires_at if step is ReservationStep.EXPIRE else NOON
    if step in RESERVATION_LIFECYCLE[state]:
        assert before.after(step, now).state is RESERVATION_LIFECYCLE[state][step]
    else:
        expected = ReservationExpired if state is ReservationState.EXPIRED else ReservationResolved
        with pytest.raises(expected):
            before.after(step, now)


def test_the_table_names_every_state_and_every_step_and_only_active_goes_on() -> None:
    assert RESERVATION_LIFECYCLE.keys() == set(ReservationState)
    assert RESERVATION_LIFECYCLE[ReservationState.ACTIVE].keys() == set(ReservationStep)
    assert [state for state, steps in RESERVATION_LIFECYCLE.items() if steps] == [ReservationState.ACTIVE]


@given(st.lists(st.tuples(st.sampled_from(ReservationStep), pauses), max_size=12))
def test_a_reservation_ends_once_whatever_is_tried(attempts: list[tuple[ReservationStep, timedelta]]) -> None:
    reservation, now, ends = held(), NOON, 0
    for step, pause in attempts:
        now += pause
        was_expired = reservation.at(now).state is ReservationState.EXPIRED
        try:
            reservation = reservation.after(step, now, UUID(int=1) if step is ReservationStep.CONFIRM else None)
        except (ReservationExpired, ReservationResolved, ValueError):
            continue
        assert step is ReservationStep.EXPIRE or not was_expired, "it came back to life"
        ends += reservation.state is not ReservationState.ACTIVE
        assert bool(reservation.held) == (reservation.state is ReservationState.ACTIVE)
    assert ends <= 1


def test_it_is_expired_from_the_very_instant_on() -> None:
    reservation = held()
    assert reservation.at(reservation.expires_at - INSTANT).state is ReservationState.ACTIVE
    assert reservation.at(reservation.expires_at).state is ReservationState.EXPIRED
    for step in (ReservationStep.CONFIRM, ReservationStep.RELEASE, ReservationStep.EXTEND):
        reservation.check_step(step, reservation.expires_at - INSTANT)
        with pytest.raises(ReservationExpired):
            reservation.check_step(step, reservation.expires_at)


def test_nothing_but_time_makes_it_expire() -> None:
    with pytest.raises(ValueError, match="expires at"):
        held().after(ReservationStep.EXPIRE, NOON + MINUTE - INSTANT)


@pytest.mark.parametrize("step", [ReservationStep.CONFIRM, ReservationStep.RELEASE, ReservationStep.EXTEND])
def test_one_whose_units_were_let_go_is_lost_also_by_a_clock_that_was_set_back(step: ReservationStep) -> None:
    with pytest.raises(ReservationExpired):
        held(is_held=False).check_step(step, NOON)


@given(ttl=st.timedeltas(TTL_MIN, TTL_MAX), pause=st.timedeltas(timedelta(0), MINUTE - INSTANT))
def test_an_extension_never_shortens_and_stays_within_24_hours(ttl: timedelta, pause: timedelta) -> None:
    before = held()
    after = before.extended(ttl, NOON + pause)
    assert after.expires_at == max(before.expires_at, min(NOON + pause + ttl, NOON + TTL_MAX))
    assert (after.state, after.held, after.created_at) == (before.state, before.held, before.created_at)


# ---- what is asked for


@pytest.mark.parametrize("ttl", [timedelta(0), -MINUTE, TTL_MIN - INSTANT, TTL_MAX + INSTANT])
def test_a_time_to_live_is_from_one_second_to_a_day(ttl: timedelta) -> None:
    with pytest.raises(Invalid) as refused:
        ReservationRequest(ADA, (LineRequest(IDS[0], 1),), ttl)
    assert refused.value.faults[0].field == "ttl_seconds"


@pytest.mark.parametrize(
    ("has", "units", "is_refused"),
    [
        (ReservationUsage(0, 0), 9, None),
        (ReservationUsage(0, 0), 10, "units"),
        (ReservationUsage(2, 8), 1, None),
        (ReservationUsage(2, 8), 2, "units"),
        (ReservationUsage(3, 3), 1, "reservations"),
    ],
)
def test_the_cap_counts_reservations_and_units(has: ReservationUsage, units: int, is_refused: str | None) -> None:
    if is_refused is None:
        LIMITS.check(has, units)
    else:
        with pytest.raises(TooMuchReserved) as refused:
            LIMITS.check(has, units)
        assert refused.value.what == is_refused


# ---- deciding


@given(requests=batches, stock=stocks)
def test_units_are_conserved_and_nobody_holds_more_than_there_is(
    requests: list[ReservationRequest], stock: dict[UUID, int]
) -> None:
    decision = decided(requests, stock)
    taken: Counter[UUID] = Counter()
    for reservation in decision.draft.reservations:
        taken.update(reservation.units)
    moved: Counter[UUID] = Counter()
    for movement in decision.draft.movements:
        assert movement.kind is MovementKind.RESERVED
        moved[movement.product_id] += movement.quantity
    assert taken == moved
    assert all(moved[key] <= units for key, units in stock.items())


@given(requests=batches, stock=stocks)
def test_each_gets_what_is_left_and_is_refused_only_for_a_reason(
    requests: list[ReservationRequest], stock: dict[UUID, int]
) -> None:
    left, keys = dict(stock), dict[tuple[UUID, str], ReservationRequest]()
    has: dict[UUID, list[int]] = {ADA: [], BOB: []}
    for request, outcome in zip(requests, decided(requests, stock).outcomes, strict=True):
        total, mine = sum(request.units.values()), has[request.customer_id]
        before = keys.get((request.customer_id, request.key)) if request.key else None
        if before is not None:
            expected: type = Result if before == request else KeyReused
            assert isinstance(outcome, expected)
            assert not isinstance(outcome, Result) or outcome.replayed
        elif {ARCHIVED, GHOST} & request.units.keys():
            assert isinstance(outcome, UnknownProducts)
        elif any(units > left[key] for key, units in request.units.items()):
            assert isinstance(outcome, InsufficientStock)
        elif len(mine) >= LIMITS.reservations_max or sum(mine) + total > LIMITS.units_max:
            assert isinstance(outcome, TooMuchReserved)
        else:
            assert isinstance(outcome, Result)
            assert (outcome.replayed, outcome.value.expires_at) == (False, NOON + request.ttl)
            mine.append(total)
            for key, units in request.units.items():
                left[key] -= units
            if request.key:
                keys[request.customer_id, request.key] = request


@given(requests=batches, stock=stocks)
def test_a_refused_request_takes_nothing_from_the_others(
    requests: list[ReservationRequest], stock: dict[UUID, int]
) -> None:
    decision = decided(requests, stock)
    served = [r for r, outcome in zip(requests, decision.outcomes, strict=True) if not isinstance(outcome, Refusal)]
    again = decided(served, stock)
    assert all(isinstance(outcome, Result) for outcome in again.outcomes)
    assert [one.units for one in again.draft.reservations] == [one.units for one in decision.draft.reservations]


# ---- giving back


@pytest.mark.parametrize(
    ("step", "kind"),
    [(ReservationStep.RELEASE, MovementKind.RELEASED), (ReservationStep.EXPIRE, MovementKind.EXPIRED)],
)
def test_only_what_is_still_held_is_given_back(step: ReservationStep, kind: MovementKind) -> None:
    lines = (ReservedLine(IDS[0], 2), ReservedLine(IDS[1], 3, is_held=step is ReservationStep.RELEASE))
    reservation = Reservation(UUID(int=7), ADA, ReservationState.ACTIVE, lines, NOON, NOON + MINUTE)
    now = NOON if step is ReservationStep.RELEASE else NOON + MINUTE
    after, movements = give_back(reservation, step, ADA, now, SeededIds(7))
    assert {m.product_id: m.quantity for m in movements} == reservation.held
    assert {(m.kind, m.reservation_id, m.at) for m in movements} == {(kind, reservation.id, now)}
    assert after.held == {}


def test_lines_that_are_let_go_are_in_the_ledger_one_by_one() -> None:
    due = [ExpiredLine(UUID(int=7), ADA, IDS[0], 2), ExpiredLine(UUID(int=8), BOB, IDS[0], 3)]
    movements = expiry_of(due, NOON, SeededIds(7))
    assert [(m.kind, m.quantity, m.reservation_id, m.actor_id) for m in movements] == [
        (MovementKind.EXPIRED, 2, UUID(int=7), None),
        (MovementKind.EXPIRED, 3, UUID(int=8), None),
    ]
