"""Orders: the table of their life, and the one pure function that decides who gets what."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shop_core.accounts.model import SYSTEM, Actor, Role
from shop_core.batching import Batch, BatchDecision
from shop_core.catalog.model import PRICE_MINOR_MAX, Offer
from shop_core.errors import IllegalStep, InsufficientStock, Invalid, NotAllOnHand, Refusal, Shortage, UnknownProducts
from shop_core.idempotency import Result
from shop_core.inventory.model import LINES_MAX, QUANTITY_MAX, LineRequest, MovementKind, NewId, StockLevel, fold
from shop_core.money import Money
from shop_core.orders.model import (
    HOLDS_STOCK,
    LIFECYCLE,
    Order,
    OrderLine,
    OrderQuery,
    OrderStatus,
    PlacementRequest,
    Step,
    stock_moved,
    total_of,
)
from shop_core.orders.placement import PlacementDraft
from shop_testing import SeededIds

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
ADA = UUID(int=0xADA)
IDS = [UUID(int=number) for number in range(1, 6)]
GHOST, SEVEN = UUID(int=99), UUID(int=7)
OFFERS = {
    product_id: Offer(product_id, f"SKU-{number}", f"Lamp {number}", Money(100 + number, "EUR"))
    for number, product_id in enumerate(IDS)
}
ARCHIVED = IDS[-1]
del OFFERS[ARCHIVED]  # of which there is stock, but no offer

lines = st.lists(
    st.builds(LineRequest, st.sampled_from([*IDS[:4] * 4, ARCHIVED, GHOST]), st.integers(1, 4)), min_size=1, max_size=5
)
batches = st.lists(st.builds(PlacementRequest, st.just(ADA), lines.map(tuple)), max_size=8)
stocks = st.fixed_dictionaries({product_id: st.integers(0, 9) for product_id in IDS})


def decided(requests: list[PlacementRequest], stock: dict[UUID, int]) -> BatchDecision[Order, PlacementDraft]:
    levels = {product_id: StockLevel(product_id, on_hand=units) for product_id, units in stock.items()}
    return decided_from(requests, OFFERS, levels, SeededIds(7))


def decided_from(
    requests: list[PlacementRequest], products: dict[UUID, Offer], levels: dict[UUID, StockLevel], new_id: NewId
) -> BatchDecision[Order, PlacementDraft]:
    ids = [new_id() for _ in requests]
    batch: Batch[PlacementRequest, Order] = Batch(requests, ids)
    return batch.decide_once(PlacementDraft(products, {}, {}, at=NOON, new_id=new_id), levels, {})


def placement_request(*lines: tuple[UUID, int]) -> PlacementRequest:
    return PlacementRequest(ADA, tuple(LineRequest(*line) for line in lines))


# ---- deciding


@given(requests=batches, stock=stocks)
def test_units_are_conserved(requests: list[PlacementRequest], stock: dict[UUID, int]) -> None:
    decision = decided(requests, stock)
    promised: Counter[UUID] = Counter()
    for order in decision.draft.orders:
        promised.update({line.product_id: line.quantity for line in order.lines})
    moved: Counter[UUID] = Counter()
    for movement in decision.draft.movements:
        assert movement.kind is MovementKind.ALLOCATED
        moved[movement.product_id] += movement.quantity
    assert promised == moved
    assert all(moved[product_id] <= units for product_id, units in stock.items())


@given(requests=batches, stock=stocks)
def test_requests_are_served_in_turn_and_none_is_refused_while_units_are_free(
    requests: list[PlacementRequest], stock: dict[UUID, int]
) -> None:
    left = dict(stock)
    for request, outcome in zip(requests, decided(requests, stock).outcomes, strict=True):
        short = {key: units for key, units in request.units.items() if units > left.get(key, 0)}
        if {ARCHIVED, GHOST} & request.units.keys():
            assert isinstance(outcome, UnknownProducts)
        elif short:
            assert isinstance(outcome, InsufficientStock)
            assert [(s.product_id, s.requested, s.available) for s in outcome.shortages] == [
                (key, units, left[key]) for key, units in short.items()
            ]
        else:
            assert isinstance(outcome, Result)
            for key, units in request.units.items():
                left[key] -= units


@given(requests=batches, stock=stocks)
def test_a_batch_is_decided_as_one_by_one(requests: list[PlacementRequest], stock: dict[UUID, int]) -> None:
    left = {product_id: StockLevel(product_id, on_hand=units) for product_id, units in stock.items()}
    new_id = SeededIds(7)
    singly: list[Result[Order] | Refusal] = []
    for request in requests:
        decision = decided_from([request], OFFERS, left, new_id)
        singly += decision.outcomes
        for movement in decision.draft.movements:
            left[movement.product_id] = left[movement.product_id].after(movement)
    together = decided(requests, stock)
    assert [outcome_of(outcome) for outcome in together.outcomes] == [outcome_of(outcome) for outcome in singly]
    for product_id, units in stock.items():
        of_this = [movement for movement in together.draft.movements if movement.product_id == product_id]
        level = StockLevel(product_id, on_hand=units)
        assert left[product_id].allocated == fold(product_id, []).allocated + sum(m.quantity for m in of_this)
        assert left[product_id].on_hand == level.on_hand


@given(requests=batches, stock=stocks)
def test_a_refused_request_takes_nothing_from_the_others(
    requests: list[PlacementRequest], stock: dict[UUID, int]
) -> None:
    decision = decided(requests, stock)
    served = [r for r, outcome in zip(requests, decision.outcomes, strict=True) if isinstance(outcome, Result)]
    again = decided(served, stock)
    assert all(isinstance(outcome, Result) for outcome in again.outcomes)
    assert [order.lines for order in again.draft.orders] == [order.lines for order in decision.draft.orders]


@given(requests=batches, stock=stocks)
def test_an_order_costs_what_its_lines_cost_and_has_each_product_once(
    requests: list[PlacementRequest], stock: dict[UUID, int]
) -> None:
    decision = decided(requests, stock)
    for order in decision.draft.orders:
        assert order.total.minor == sum(OFFERS[line.product_id].price.minor * line.quantity for line in order.lines)
        assert len({line.product_id for line in order.lines}) == len(order.lines)
        of_order = [movement for movement in decision.draft.movements if movement.order_id == order.id]
        assert [(m.product_id, m.quantity) for m in of_order] == [(x.product_id, x.quantity) for x in order.lines]
    ids = [order.id for order in decision.draft.orders] + [movement.id for movement in decision.draft.movements]
    assert len(set(ids)) == len(ids)


def test_a_total_beyond_counting_is_refused_and_takes_nothing() -> None:
    dear = {key: Offer(key, str(key), "Dear", Money(PRICE_MINOR_MAX, "EUR")) for key in map(UUID, _ids(100))}
    levels = {product_id: StockLevel(product_id, on_hand=QUANTITY_MAX) for product_id in dear}
    everything = PlacementRequest(ADA, tuple(LineRequest(product_id, QUANTITY_MAX) for product_id in dear))
    decision = decided_from([everything], dear, levels, SeededIds(7))
    assert isinstance(decision.outcomes[0], Invalid)
    assert decision.draft.movements == []


# ---- what is wanted


@given(lines.map(tuple))
def test_lines_of_one_product_are_summed_in_the_order_in_which_it_is_first_named(some: tuple[LineRequest, ...]) -> None:
    request = PlacementRequest(ADA, some)
    assert list(request.units) == list(dict.fromkeys(line.product_id for line in some))
    assert sum(request.units.values()) == sum(line.quantity for line in some)
    for product_id, units in request.units.items():
        assert units == sum(line.quantity for line in some if line.product_id == product_id)


@pytest.mark.parametrize(
    ("quantities", "field"),
    [
        ([0], "lines.0.quantity"),
        ([1, -1], "lines.1.quantity"),
        ([QUANTITY_MAX + 1], "lines.0.quantity"),
        ([1, QUANTITY_MAX], "lines.1.quantity"),
        ([QUANTITY_MAX, 1], "lines.1.quantity"),
    ],
)
def test_a_quantity_that_cannot_be_is_named_by_its_line(quantities: list[int], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        placement_request(*((IDS[0], quantity) for quantity in quantities))
    assert refused.value.faults[0].field == field


@pytest.mark.parametrize("count", [0, LINES_MAX + 1])
def test_an_order_has_at_least_one_line_and_not_too_many(count: int) -> None:
    with pytest.raises(Invalid) as refused:
        PlacementRequest(ADA, (LineRequest(IDS[0], 1),) * count)
    assert refused.value.faults[0].field == "lines"


# ---- the life of an order


@pytest.mark.parametrize("status", OrderStatus)
@pytest.mark.parametrize("step", Step)
def test_a_step_follows_the_table_or_is_refused_with_what_is_possible(status: OrderStatus, step: Step) -> None:
    order = _order(status)
    later = NOON + timedelta(hours=1)
    if step in LIFECYCLE[status]:
        after = order.after(step, SYSTEM, later)
        assert (after.status, after.version, after.updated_at) == (LIFECYCLE[status][step], 2, later)
        assert (after.id, after.lines, after.total, after.created_at) == (order.id, order.lines, order.total, NOON)
    else:
        for actor, theirs in (
            (Actor(ADA, Role.CUSTOMER), {Step.EDIT, Step.CANCEL, Step.DELETE}),
            (Actor(ADA, Role.STAFF), set(Step)),
            (SYSTEM, set(Step) - {Step.DELETE}),
        ):
            with pytest.raises(IllegalStep) as refused:
                order.after(step, actor, later)
            assert refused.value.possible == tuple(each for each in LIFECYCLE[status] if each in theirs)


@given(st.lists(st.sampled_from(Step), max_size=12))
def test_there_is_no_way_out_of_a_final_state_and_stock_moves_at_most_once(steps: list[Step]) -> None:
    order, moves, ended = _order(OrderStatus.PLACED), 0, False
    for step in steps:
        before = order.status
        try:
            order = order.after(step, SYSTEM, NOON)
        except IllegalStep:
            continue
        assert not ended
        moves += stock_moved(before, order.status) is not None
        ended = order.status is OrderStatus.DELIVERED or order.deleted_at is not None
    assert moves <= 1
    assert (moves == 0) == (order.status in HOLDS_STOCK)


def test_the_table_names_every_status_and_from_each_an_end_is_in_reach() -> None:
    assert LIFECYCLE.keys() == set(OrderStatus)
    assert {step for steps in LIFECYCLE.values() for step in steps} == set(Step)
    ends = {status for status, steps in LIFECYCLE.items() if steps.keys() <= {Step.DELETE}}
    assert ends == {OrderStatus.DELIVERED, OrderStatus.CANCELLED}
    for status in OrderStatus:
        reached = {status}
        for _ in OrderStatus:
            reached |= {after for before in reached for after in LIFECYCLE[before].values()}
        assert reached & ends
    assert HOLDS_STOCK == {OrderStatus.PLACED, OrderStatus.CONFIRMED}


def test_units_leave_the_shelf_when_an_order_is_shipped_and_are_free_again_when_it_is_called_off() -> None:
    moved = {
        (status, step): stock_moved(status, after)
        for status, steps in LIFECYCLE.items()
        for step, after in steps.items()
    }
    assert {key: kind for key, kind in moved.items() if kind} == {
        (OrderStatus.PLACED, Step.CANCEL): MovementKind.DEALLOCATED,
        (OrderStatus.PLACED, Step.DELETE): MovementKind.DEALLOCATED,
        (OrderStatus.CONFIRMED, Step.CANCEL): MovementKind.DEALLOCATED,
        (OrderStatus.CONFIRMED, Step.DELETE): MovementKind.DEALLOCATED,
        (OrderStatus.CONFIRMED, Step.SHIP): MovementKind.SHIPPED,
    }


@pytest.mark.parametrize("step", Step)
def test_an_order_that_was_deleted_takes_no_step_any_more(step: Step) -> None:
    deleted = _order(OrderStatus.PLACED).after(Step.DELETE, SYSTEM, NOON)
    assert (deleted.status, deleted.deleted_at, deleted.version) == (OrderStatus.CANCELLED, NOON, 2)
    with pytest.raises(IllegalStep) as refused:
        deleted.after(step, SYSTEM, NOON)
    assert refused.value.possible == ()


# ---- money and number


@given(st.lists(st.tuples(st.integers(0, PRICE_MINOR_MAX), st.integers(1, 1_000)), max_size=20))
def test_the_total_is_the_sum_of_the_lines(priced: list[tuple[int, int]]) -> None:
    some = [OrderLine(IDS[0], "S", "N", Money(price, "EUR"), units) for price, units in priced]
    assert total_of(some, "EUR").minor == sum(line.total.minor for line in some)


def test_an_order_has_a_number_that_can_be_read_out() -> None:
    order = _order(OrderStatus.PLACED)
    assert order.number == "261121-00000007"
    assert not set("ILOU") & set(order.number)


@given(st.sets(st.integers(0, 2**40 - 1), min_size=2, max_size=20))
def test_orders_of_one_day_with_other_random_ends_have_other_numbers(ends: set[int]) -> None:
    assert len({_order(OrderStatus.PLACED, UUID(int=end)).number for end in ends}) == len(ends)


def _order(status: OrderStatus, order_id: UUID = SEVEN) -> Order:
    line = OrderLine(IDS[0], "SKU-0", "Lamp", Money(100, "EUR"), 2)
    return Order(order_id, ADA, status, (line,), Money(200, "EUR"), NOON, NOON)


def _ids(count: int) -> list[str]:
    return [str(UUID(int=number)) for number in range(1, count + 1)]


def outcome_of(outcome: Result[Order] | Refusal) -> object:
    if isinstance(outcome, Result):
        return [(line.product_id, line.quantity) for line in outcome.value.lines]
    return type(outcome), outcome.message


@pytest.mark.parametrize("written", ["261121-7K3M9QX2", "#261121-7k3m9qx2", " 2611217K3M9QX2 "])
def test_an_order_is_found_by_its_number_however_people_write_it(written: str) -> None:
    assert OrderQuery(number=written).number == "261121-7K3M9QX2"


def test_of_many_products_that_are_not_on_hand_five_are_named_and_the_others_counted() -> None:
    missing = [Shortage(UUID(int=number), 2, 1, f"MUG-{number}", "Mug") for number in range(7)]
    named, _, rest = NotAllOnHand(missing).message.partition("MUG-4 Mug, 1 of 2 units")
    assert (named.count("MUG-"), rest.startswith("; and 2 more."), "MUG-" in rest) == (4, True, False)
    assert "more" not in NotAllOnHand(missing[:5]).message
