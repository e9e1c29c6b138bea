"""Random work on a shop in memory: after every step everything adds up. And the machine itself can find faults."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from shop_adapters.memory import MemoryAdapters
from shop_core.inventory.model import StockLevel
from shop_core.ports import Adapters
from shop_core.testing import SeededIds, ShopMachine, SideBySide

MODEST = settings(
    max_examples=60,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


class MemoryMachine(ShopMachine):
    def open_adapters(self) -> Sequence[Adapters]:
        return [MemoryAdapters(clock=self.clock, new_id=SeededIds())]


class TwoInMemory(SideBySide):
    def open_adapters(self) -> Sequence[Adapters]:
        return [MemoryAdapters(clock=self.clock, new_id=SeededIds()) for _ in range(2)]


class OneIsForgetful(SideBySide):
    """The second shop has other ids: its answers cannot be the same."""

    def open_adapters(self) -> Sequence[Adapters]:
        return [MemoryAdapters(clock=self.clock, new_id=SeededIds(seed)) for seed in range(2)]


TestMemoryMachine = MemoryMachine.TestCase
TestMemoryMachine.settings = MODEST
TestTwoInMemory = TwoInMemory.TestCase
TestTwoInMemory.settings = settings(MODEST, max_examples=15)


def test_two_shops_that_answer_differently_are_told_apart() -> None:
    with pytest.raises(AssertionError, match="two shops answer differently"):
        run_state_machine_as_test(OneIsForgetful, settings=settings(MODEST, database=None, print_blob=False))


def test_a_shop_that_counts_wrong_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """A planted fault: one unit that is not there is shown as available."""
    monkeypatch.setattr(StockLevel, "available", property(lambda level: level.on_hand - level.allocated + 1))
    with pytest.raises((AssertionError, ExceptionGroup)):
        run_state_machine_as_test(MemoryMachine, settings=settings(MODEST, database=None, print_blob=False))
