"""Stock: the counters are the fold of the ledger, and no movement oversells."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shop_core.errors import Invalid, Oversold, Refusal, StockBelowZero
from shop_core.inventory.model import (
    EFFECTS,
    ON_HAND_MAX,
    QUANTITY_MAX,
    REASON_LENGTH_MAX,
    MovementKind,
    StockLevel,
    StockMovement,
    fold,
)

LAMP = UUID(int=1)
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)

counters = st.integers(0, 12)


@st.composite
def levels(draw: st.DrawFn) -> StockLevel:
    """Any state that honest work can reach: short only by what is missing."""
    on_hand, allocated, reserved = draw(counters), draw(counters), draw(counters)
    return StockLevel(LAMP, on_hand, allocated, reserved, max(0, allocated + reserved - on_hand))


@st.composite
def movements(draw: st.DrawFn) -> StockMovement:
    kind = draw(st.sampled_from(MovementKind))
    sign = draw(st.sampled_from([1, -1])) if kind is MovementKind.ADJUSTED else 1
    return move(kind, sign * draw(st.integers(1, 15)))


def move(kind: MovementKind, quantity: int, reason: str = "") -> StockMovement:
    return StockMovement(UUID(int=2), LAMP, kind, quantity, NOON, reason=reason)


@given(level=levels(), movement=movements())
def test_a_movement_changes_the_counters_by_its_effect_or_not_at_all(
    level: StockLevel, movement: StockMovement
) -> None:
    try:
        after = level.after(movement)
    except (StockBelowZero, Oversold):
        return
    effect = EFFECTS[movement.kind]
    assert after.on_hand - level.on_hand == effect.on_hand * movement.quantity
    assert after.allocated - level.allocated == effect.allocated * movement.quantity
    assert after.reserved - level.reserved == effect.reserved * movement.quantity


@given(level=levels(), movement=movements())
def test_only_a_correction_makes_promised_units_short(level: StockLevel, movement: StockMovement) -> None:
    try:
        after = level.after(movement)
    except Refusal:
        return
    assert after.shortfall == max(0, after.allocated + after.reserved - after.on_hand)
    assert after.shortfall <= level.shortfall or movement.kind is MovementKind.ADJUSTED


@given(level=levels(), movement=movements())
def test_a_movement_is_refused_only_for_a_reason(level: StockLevel, movement: StockMovement) -> None:
    effect, units = EFFECTS[movement.kind], movement.quantity
    before = level.on_hand, level.allocated, level.reserved
    goes_below = any(counter + change * units < 0 for counter, change in zip(before, effect, strict=True))
    oversells = movement.kind in {MovementKind.ALLOCATED, MovementKind.RESERVED} and units > level.available
    expected = StockBelowZero if goes_below else Oversold if oversells else None
    if expected is None:
        assert level.after(movement).on_hand >= 0
    else:
        with pytest.raises(expected):
            level.after(movement)


@given(st.lists(movements(), max_size=25))
def test_the_fold_is_the_sum_of_the_ledger(attempts: list[StockMovement]) -> None:
    level, ledger = StockLevel(LAMP), []
    for movement in attempts:
        try:
            level = level.after(movement)
        except Refusal:
            continue
        ledger.append(movement)
    assert fold(LAMP, ledger) == level
    assert level.on_hand == sum(EFFECTS[movement.kind].on_hand * movement.quantity for movement in ledger)
    assert level.allocated == sum(EFFECTS[movement.kind].allocated * movement.quantity for movement in ledger)
    assert level.reserved == sum(EFFECTS[movement.kind].reserved * movement.quantity for movement in ledger)
    assert level.allocated + level.reserved <= level.on_hand + level.shortfall


@given(level=levels(), units=st.integers(1, 12))
def test_confirming_held_units_takes_nothing_that_is_free_even_while_units_are_short(
    level: StockLevel, units: int
) -> None:
    if units <= level.reserved:
        after = level.after(move(MovementKind.CONFIRMED, units))
        assert (after.available, after.shortfall) == (level.available, level.shortfall)
        assert (after.allocated, after.reserved) == (level.allocated + units, level.reserved - units)


@pytest.mark.parametrize(
    ("take", "back"),
    [
        (MovementKind.ALLOCATED, MovementKind.DEALLOCATED),
        (MovementKind.RESERVED, MovementKind.RELEASED),
        (MovementKind.RESERVED, MovementKind.EXPIRED),
    ],
)
@given(level=levels(), units=st.integers(1, 12))
def test_promising_and_giving_back_changes_nothing(
    take: MovementKind, back: MovementKind, level: StockLevel, units: int
) -> None:
    if units <= level.available:
        assert level.after(move(take, units)).after(move(back, units)) == level


@given(on_hand=counters, allocated=counters, reserved=counters)
def test_available_units_are_never_below_zero(on_hand: int, allocated: int, reserved: int) -> None:
    level = StockLevel(LAMP, on_hand, allocated, reserved, shortfall=allocated + reserved)
    assert level.available == max(0, on_hand - allocated - reserved)


def test_every_kind_of_movement_has_an_effect() -> None:
    assert EFFECTS.keys() == set(MovementKind)
    assert all(any(effect) for effect in EFFECTS.values())


@pytest.mark.parametrize("counter", ["on_hand", "allocated", "reserved", "shortfall"])
def test_no_counter_is_below_zero(counter: str) -> None:
    with pytest.raises(StockBelowZero):
        StockLevel(LAMP, **{"on_hand": 9, counter: -1})


def test_more_cannot_be_promised_than_is_there_and_known_to_be_short() -> None:
    assert StockLevel(LAMP, on_hand=2, allocated=3, reserved=1, shortfall=2).available == 0
    with pytest.raises(Oversold):
        StockLevel(LAMP, on_hand=2, allocated=3, reserved=1, shortfall=1)


def test_more_than_can_be_counted_is_refused() -> None:
    with pytest.raises(Invalid):
        StockLevel(LAMP, on_hand=ON_HAND_MAX).after(move(MovementKind.RECEIVED, 1))


@pytest.mark.parametrize("kind", sorted(set(MovementKind) - {MovementKind.ADJUSTED}))
@pytest.mark.parametrize("quantity", [0, -1, QUANTITY_MAX + 1])
def test_a_movement_has_a_positive_quantity(kind: MovementKind, quantity: int) -> None:
    with pytest.raises(Invalid) as refused:
        move(kind, quantity)
    assert refused.value.faults[0].field == "quantity"


def test_a_correction_may_go_either_way_but_not_nowhere() -> None:
    assert move(MovementKind.ADJUSTED, -QUANTITY_MAX).quantity == -QUANTITY_MAX
    for quantity in (0, QUANTITY_MAX + 1, -QUANTITY_MAX - 1):
        with pytest.raises(Invalid):
            move(MovementKind.ADJUSTED, quantity)


@pytest.mark.parametrize("reason", ["x" * (REASON_LENGTH_MAX + 1), "a\x00b", "two\nlines"])
def test_a_reason_is_one_readable_line(reason: str) -> None:
    with pytest.raises(Invalid) as refused:
        move(MovementKind.RECEIVED, 1, reason)
    assert refused.value.faults[0].field == "reason"
