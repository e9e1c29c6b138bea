"""Random work on a shop in memory: after every step everything adds up. And the machine itself can find faults."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import rule, run_state_machine_as_test

from shop_adapters.memory import MemoryAdapters
from shop_core.inventory.model import StockLevel
from shop_core.orders import amendment, service
from shop_core.orders.model import Order, PlacementRequest
from shop_core.orders.placement import PlacementDraft
from shop_core.orders.totals import cart_of, quote
from shop_core.ports import Adapters, UnitOfWork
from shop_core.reservations.model import ReservationLimits
from shop_testing import PriceMachine, SeededIds, ShopMachine, TradeMachine
from shop_testing.fixtures import Altered
from shop_testing.machine.trade import CUSTOMERS

MODEST = settings(
    max_examples=30,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
# Found within some dozens as a rule; so many, because a test must not fail by chance.
SEARCH = settings(MODEST, max_examples=5_000, phases=[Phase.generate], database=None, print_blob=False)


class InMemory(ShopMachine):
    def open_adapters(self) -> Sequence[Adapters]:
        return [MemoryAdapters(clock=self.clock, new_id=SeededIds())]


class TradeInMemory(TradeMachine):
    def open_adapters(self) -> Sequence[Adapters]:
        return [MemoryAdapters(clock=self.clock, new_id=SeededIds())]


class GrossPricesInMemory(PriceMachine):
    includes_tax = True

    def open_adapters(self) -> Sequence[Adapters]:
        return [MemoryAdapters(clock=self.clock, new_id=SeededIds(), includes_tax=self.includes_tax)]


class NetPricesInMemory(GrossPricesInMemory):
    includes_tax = False


TestInMemory = InMemory.TestCase
TestInMemory.settings = MODEST
TestGrossPrices, TestNetPrices = GrossPricesInMemory.TestCase, NetPricesInMemory.TestCase
TestGrossPrices.settings = TestNetPrices.settings = settings(MODEST, max_examples=20)


def test_two_shops_that_are_alike_answer_alike_and_two_with_other_ids_do_not() -> None:
    def two(*seeds: int) -> type[ShopMachine]:
        class Two(ShopMachine):
            def open_adapters(self) -> Sequence[Adapters]:
                return [MemoryAdapters(clock=self.clock, new_id=SeededIds(seed)) for seed in seeds]

        return Two

    few = settings(MODEST, max_examples=8, database=None, print_blob=False)
    run_state_machine_as_test(two(1, 1), settings=few)
    with pytest.raises(AssertionError, match="two shops answer differently"):
        run_state_machine_as_test(two(1, 2), settings=few)


_grant = PlacementDraft.grant


def _whatever_the_total(draft: PlacementDraft, request: PlacementRequest, *others: Any) -> Order:
    return _grant(draft, replace(request, expected_total=None), *others)


@pytest.mark.parametrize(
    "mutant",
    [
        pytest.param(
            (StockLevel, "available", property(lambda level: level.on_hand - level.allocated + 1)), id="counts wrong"
        ),
        pytest.param((ReservationLimits, "check", lambda *_: None), id="there is no cap"),
        pytest.param((PlacementDraft, "grant", _whatever_the_total), id="any total will do"),
    ],
)
def test_a_mutant_of_the_core_is_found(monkeypatch: pytest.MonkeyPatch, mutant: tuple[type, str, object]) -> None:
    where, name, wrong = mutant
    monkeypatch.setattr(where, name, wrong)
    with pytest.raises((AssertionError, ExceptionGroup)):  # a wrong answer, or a unit of work that breaks down
        run_state_machine_as_test(TradeInMemory, settings=SEARCH)


@pytest.mark.parametrize(
    ("where", "name", "wrong"),
    [
        pytest.param(
            service,
            "quote",
            lambda *given, **named: quote(*(*given[:4], ()), **named),
            id="a quote forgets its coupons",
        ),
        pytest.param(amendment, "cart_of", lambda lines: cart_of(lines)[::-1][:1], id="an edit forgets a line"),
    ],
)
def test_a_mistake_with_prices_is_found(
    monkeypatch: pytest.MonkeyPatch, where: object, name: str, wrong: object
) -> None:
    monkeypatch.setattr(where, name, wrong)
    with pytest.raises((AssertionError, ExceptionGroup, LookupError)):
        run_state_machine_as_test(GrossPricesInMemory, settings=settings(SEARCH, max_examples=1_000))


@pytest.mark.parametrize(
    ("repository", "changes"),
    [
        pytest.param("reservations", {"due_lines": lambda *_: []}, id="what is due is not taken back"),
        pytest.param("keys", {"claim": lambda *_, **__: {}}, id="keys are forgotten"),
        pytest.param("keys", {"forget": lambda *_: None}, id="refusals are remembered"),
        pytest.param("outbox", {"delivered": lambda *_: None}, id="what arrived is published again"),
    ],
)
def test_a_mutant_of_an_adapter_is_found_beside_a_sound_one(repository: str, changes: dict[str, Any]) -> None:
    class Mutant(MemoryAdapters):
        @contextmanager
        def begin(self) -> Iterator[UnitOfWork]:
            with super().begin() as uow:
                changed = Altered(getattr(uow, repository), **changes)
                yield cast("UnitOfWork", Altered(uow, **{repository: changed}))

    class MutantBesideSound(TradeMachine):
        @rule()
        def publish_and_a_day_later_again(self) -> None:
            """More often than it would come by chance, so that the search is short."""
            self.buy(CUSTOMERS[0], 0, 1)
            self.relay(100, False)
            self.let_time_pass(86_400)
            self.relay(100, False)

        def open_adapters(self) -> Sequence[Adapters]:
            return [kind(clock=self.clock, new_id=SeededIds()) for kind in (MemoryAdapters, Mutant)]

    with pytest.raises((AssertionError, ExceptionGroup)):
        run_state_machine_as_test(MutantBesideSound, settings=SEARCH)
