"""Asks one question of all shops, and expects one answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TypeVar
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine

from shop_core.errors import Refusal
from shop_core.pagination import CursorRequest, OffsetRequest
from shop_core.ports import Adapters
from shop_core.reservations.model import ReservationLimits
from shop_core.shop import Shop
from shop_testing.determinism import MovableClock

S = TypeVar("S")
T = TypeVar("T")

TICK = timedelta(microseconds=1_001)
LIMITS = ReservationLimits(reservations_max=4, units_max=12)
UNKNOWN = UUID("01940000-0000-7000-8000-000000000000")

picks = st.integers(0, 9)
"""One of those that there are, counted from the newest and round and round; 9 is an unknown id."""
versions = st.none() | st.sets(st.integers(1, 4), max_size=3)
page_requests = st.builds(OffsetRequest, st.integers(1, 4), st.integers(0, 3)) | st.builds(
    CursorRequest, st.integers(1, 4)
)


class Driver(RuleBasedStateMachine):
    """The part of a machine that knows how many shops there are.

    Attributes:
        clock: of all shops; it moves a tick with every question.
        products, categories, accounts: the ids of those that were made.
        owners: of orders and reservations, by their id.
    """

    def __init__(self) -> None:
        super().__init__()
        self.clock = MovableClock()
        self.adapters = tuple(self.open_adapters())
        self.shops = tuple(Shop(adapters, LIMITS) for adapters in self.adapters)
        self.currency = self.shops[0].currency
        self.products: list[UUID] = []
        self.categories: list[UUID] = []
        self.accounts: list[UUID] = []
        self.orders: dict[UUID, UUID] = {}
        self.reservations: dict[UUID, UUID] = {}

    def open_adapters(self) -> Sequence[Adapters]:
        """Empty adapters that go by `self.clock`. Several must have ids that go alike, or they differ."""
        raise NotImplementedError("return the adapters to drive: see shop_testing.machine")

    def close_adapters(self) -> None:
        """Called at the end, whatever happened."""

    def teardown(self) -> None:
        self.close_adapters()

    def ask(self, question: Callable[[Shop], T]) -> T | Refusal:
        """The answer, or refusal, that all shops give alike, a moment after the one before."""
        self.clock.move(TICK)
        return _one_answer([answer(question, shop) for shop in self.shops])

    def ask_ports(self, question: Callable[[Adapters], T]) -> T | Refusal:
        """The same, past the services."""
        return _one_answer([answer(question, adapters) for adapters in self.adapters])


def picked(pick: int, oldest_first: Sequence[UUID]) -> UUID:
    """One of those, or an unknown id."""
    return UNKNOWN if pick == 9 or not oldest_first else oldest_first[-1 - pick % len(oldest_first)]


def answer(question: Callable[[S], T], of: S) -> T | Refusal:
    """What it answers, or its refusal."""
    try:
        return question(of)
    except Refusal as refusal:
        return refusal


def _one_answer(answers: Sequence[T | Refusal]) -> T | Refusal:
    first, *others = answers
    for other in others:
        assert _by_value(other) == _by_value(first), "two shops answer differently"
    return first


def _by_value(answer: object) -> object:
    """`answer` in a form that compares by value: a refusal by its type, code, message and details."""
    if isinstance(answer, Refusal):
        return type(answer), answer.code, answer.message, vars(answer)
    if isinstance(answer, tuple | list):
        return [_by_value(part) for part in answer]
    return answer
