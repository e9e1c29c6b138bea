"""Random work on a shop in memory: after every step everything adds up. And the machine itself can find faults."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RULE_MARKER, run_state_machine_as_test

from shop_adapters.memory import MemoryAdapters
from shop_adapters.memory.events import MemoryOutbox
from shop_adapters.memory.keys import MemoryKeys
from shop_adapters.memory.reservations import MemoryReservations
from shop_core.inventory.model import StockLevel
from shop_core.orders import placement as placing
from shop_core.ports import Adapters
from shop_core.reservations.model import ReservationLimits
from shop_testing import SeededIds, ShopMachine, SideBySide
from shop_testing.account_rules import AccountRules
from shop_testing.catalog_changes import CatalogChangeRules
from shop_testing.catalog_rules import CatalogRules

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


def _marked(base: type) -> list[str]:
    return [name for name, member in vars(base).items() if hasattr(member, RULE_MARKER)]


_QUIET = (name for base in (AccountRules, CatalogRules, CatalogChangeRules) for name in _marked(base))
Trade = type("Trade", (MemoryMachine,), dict.fromkeys(_QUIET))
"""A catalog that does not change, so that faults of trading are found soon."""
# Found within some dozens as a rule; so many, because a test must not fail by chance.
PLANTED = settings(MODEST, max_examples=5_000, phases=[Phase.generate], database=None, print_blob=False)

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


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param((MemoryReservations, "due_lines", lambda *_: []), id="what is due is not taken back"),
        pytest.param((MemoryKeys, "claim", lambda *_: {}), id="keys are forgotten"),
        pytest.param((MemoryKeys, "forget", lambda *_: None), id="refusals are remembered"),
        pytest.param((ReservationLimits, "check", lambda *_: None), id="there is no cap"),
        pytest.param((placing, "_check_total", lambda *_: None), id="any total will do"),
        pytest.param((MemoryOutbox, "delivered", lambda *_: None), id="what arrived is told again"),
    ],
)
def test_a_planted_fault_of_reservations_keys_or_caps_is_found_out(
    monkeypatch: pytest.MonkeyPatch, fault: tuple[type, str, object]
) -> None:
    where, name, wrong = fault
    monkeypatch.setattr(where, name, wrong)
    with pytest.raises((AssertionError, ExceptionGroup)):  # a wrong answer, or a unit of work that breaks down
        run_state_machine_as_test(Trade, settings=PLANTED)
