"""Asks one question of several shops, and wants one answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import TypeVar
from uuid import UUID

from hypothesis.stateful import RuleBasedStateMachine

from shop_core.errors import InsufficientStock, Refusal
from shop_core.idempotency import Result
from shop_core.ports import Adapters
from shop_core.reservations.model import ReservationLimits
from shop_core.shop import Shop
from shop_testing.determinism import MovableClock
from shop_testing.expectations import Expected
from shop_testing.expected_batches import Request, Verdict, verdicts

T = TypeVar("T")

TICK = timedelta(microseconds=1_001)
LIMITS = ReservationLimits(reservations_max=4, units_max=12)


class Driver(RuleBasedStateMachine):
    """The part of a machine that knows that there may be two shops."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = MovableClock()
        self.adapters = tuple(self.open_adapters())
        self.shops = tuple(Shop(adapters, LIMITS) for adapters in self.adapters)
        self.currency = self.shops[0].currency
        self.expected = Expected()

    def open_adapters(self) -> Sequence[Adapters]:
        """Empty adapters, one or two, that go by `self.clock`. Two must have ids that go alike, or they differ."""
        raise NotImplementedError("return the adapters to drive: see shop_testing")

    def close_adapters(self) -> None:
        """Called at the end, whatever happened."""

    def teardown(self) -> None:
        self.close_adapters()

    def ask(self, question: Callable[[Shop], T]) -> T | Refusal:
        """The answer, or refusal, that all shops give alike, a moment after the one before."""
        self.clock.move(TICK)
        return _one_answer([_answer(question, shop) for shop in self.shops])

    def ask_ports(self, question: Callable[[Adapters], T]) -> T | Refusal:
        """The same, past the services."""
        return _one_answer([_answer(question, adapters) for adapters in self.adapters])

    # ---- requests that come together

    def verdicts(self, requests: Sequence[Request]) -> list[Verdict]:
        """What must have been answered to these just now."""
        return verdicts(self.expected, requests, self.clock(), LIMITS)

    def note_key(self, request: Request, made: UUID) -> None:
        """The key of the request stands for what it made."""
        if request.key is not None:
            self.expected.keys[request.customer_id, request.key] = request, made


S = TypeVar("S")


def _answer(question: Callable[[S], T], of: S) -> T | Refusal:
    try:
        return question(of)
    except Refusal as refusal:
        return refusal


def _one_answer(answers: Sequence[T | Refusal]) -> T | Refusal:
    first, *others = answers
    for other in others:
        assert told(other) == told(first), "two shops answer differently"
    return first


def told(answer: object) -> object:
    """`answer` in a form that compares by value: a refusal by its type, code, message and details."""
    if isinstance(answer, Refusal):
        return type(answer), answer.code, answer.message, vars(answer)
    if isinstance(answer, tuple | list):
        return [told(part) for part in answer]
    return answer


def check_outcome(verdict: Verdict, outcome: object, batch: Sequence[object]) -> bool:
    """Whether something was made, now or before; after it was compared with what must be."""
    assert told_type(outcome) is verdict.refusal
    if isinstance(outcome, InsufficientStock):
        told = [(short.product_id, short.requested, short.available) for short in outcome.shortages]
        assert told == verdict.short
    if not isinstance(outcome, Result):
        return False
    assert outcome.replayed == (verdict.repeats is not None)
    if isinstance(verdict.repeats, int):
        first = batch[verdict.repeats]
        assert isinstance(first, Result)
        assert outcome.value == first.value
    elif verdict.repeats is not None:
        assert outcome.value.id == verdict.repeats
    return True


def told_type(answer: object) -> type[Refusal] | None:
    """Which refusal it is; None if it is none."""
    return type(answer) if isinstance(answer, Refusal) else None


def is_one_of(answer: object, refusals: Iterable[type[Refusal]]) -> bool:
    """Whether it is one of those refusals."""
    return isinstance(answer, tuple(refusals))
