"""In memory and on PostgreSQL the shop gives the same answers to the same work, word for word."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from shop_adapters.memory import MemoryAdapters
from shop_adapters.postgres import PostgresAdapters
from shop_core.ports import Adapters, Clock, NewId
from shop_testing import PriceMachine, SeededIds, ShopMachine, TradeMachine

FEW = settings(
    max_examples=10,
    stateful_step_count=30,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@pytest.mark.parametrize("machine", [ShopMachine, PriceMachine])
def test_memory_and_postgres_answer_alike(
    fresh_postgres_adapters: Callable[[Clock, NewId], PostgresAdapters], machine: type[TradeMachine]
) -> None:
    class MemoryAndPostgres(machine):  # type: ignore[valid-type, misc]
        def open_adapters(self) -> Sequence[Adapters]:
            return [
                MemoryAdapters(clock=self.clock, new_id=SeededIds()),
                fresh_postgres_adapters(self.clock, SeededIds()),
            ]

    run_state_machine_as_test(MemoryAndPostgres, settings=FEW)
