"""The shop in memory keeps every promise of the ports."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest
from verification.mutants.found_by_contracts import CONTRACT_MUTANTS, ContractMutant

from shop_adapters.memory import MemoryAdapters
from shop_core.money import Money
from shop_core.orders.model import OrderStatus
from shop_core.reservations.model import ReservationState
from shop_testing import MovableClock, contract_tests


class InMemory:
    """Differences for the audit are made behind the back of the adapter, in the dictionaries of its store. Races
    are run in many orders of their calls by `test_interleavings`.
    """

    rounds = 1

    @pytest.fixture
    def adapters(self, clock: MovableClock) -> MemoryAdapters:
        return MemoryAdapters(clock=clock if self.moves_time else None)  # type: ignore[attr-defined]

    def damage(self, adapters: MemoryAdapters, what: str, of: UUID, value: int | str) -> None:
        store = adapters._store
        match what, value:
            case "ledger", _:
                del store.ledger[of][-1]
            case "timeline", _:
                del store.order_events[of][-1]
            case "order total", int():
                order = store.orders[of]
                store.orders[of] = replace(order, total=Money(order.total.minor + value, order.total.currency))
            case "order status", str():
                store.orders[of] = replace(store.orders[of], status=OrderStatus(value))
            case "order version", int():
                store.orders[of] = replace(store.orders[of], version=store.orders[of].version + value)
            case "held lines", _:
                lines = tuple(line._replace(is_held=False) for line in store.reservations[of].lines)
                store.reservations[of] = replace(store.reservations[of], lines=lines)
            case "expiry of lines", _:
                pytest.skip("a line has no time of its own in memory")
            case "reservation state", str():
                store.reservations[of] = replace(store.reservations[of], state=ReservationState(value))
            case (("reservation order" | "order too early"), str()):
                store.reservations[of] = replace(store.reservations[of], order_id=UUID(value))
            case "key", str():
                ((slot, claim),) = [(slot, claim) for slot, claim in store.keys.items() if claim.customer_id == of]
                store.keys[slot] = claim._replace(result_id=UUID(value))
            case _, int():
                level = store.stock[of]
                store.stock[of] = level._replace(**{what: getattr(level, what) + value})


globals().update(contract_tests(InMemory))


@pytest.mark.parametrize(
    "known", [one for one in CONTRACT_MUTANTS if one.is_in_memory], ids=lambda one: one.mutant.name
)
def test_the_suites_find(known: ContractMutant) -> None:
    with known.mutant.applied(), pytest.raises(AssertionError):
        known.check(MemoryAdapters(clock=(clock := MovableClock())), clock)
