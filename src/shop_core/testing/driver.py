"""Asks one question of several shops, and wants one answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from hypothesis.stateful import RuleBasedStateMachine

from shop_core.errors import Refusal
from shop_core.ports import Adapters
from shop_core.shop import Shop
from shop_core.testing.expectations import Expected

T = TypeVar("T")


class Driver(RuleBasedStateMachine):
    """The part of a machine that knows that there may be two shops."""

    def __init__(self) -> None:
        super().__init__()
        self.adapters = tuple(self.open_adapters())
        self.shops = tuple(Shop(adapters) for adapters in self.adapters)
        self.currency = self.shops[0].currency
        self.expected = Expected()

    def open_adapters(self) -> Sequence[Adapters]:
        """Empty adapters, one or two. Two must have clocks and ids that go alike, or their answers differ."""
        raise NotImplementedError("return the adapters to drive: see shop_core.testing")

    def close_adapters(self) -> None:
        """Called at the end, whatever happened."""

    def teardown(self) -> None:
        self.close_adapters()

    def ask(self, question: Callable[[Shop], T]) -> T | Refusal:
        """The answer, or refusal, that all shops give alike."""
        return _one_answer([_answer(question, shop) for shop in self.shops])

    def ask_ports(self, question: Callable[[Adapters], T]) -> T | Refusal:
        """The same, past the services."""
        return _one_answer([_answer(question, adapters) for adapters in self.adapters])


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


def told_type(answer: object) -> type[Refusal] | None:
    """Which refusal it is; None if it is none."""
    return type(answer) if isinstance(answer, Refusal) else None


def is_one_of(answer: object, refusals: Iterable[type[Refusal]]) -> bool:
    """Whether it is one of those refusals."""
    return isinstance(answer, tuple(refusals))
