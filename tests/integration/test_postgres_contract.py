"""The shop on PostgreSQL keeps every promise of the ports."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest
from sqlalchemy import text
from verification.databases import PATIENT
from verification.mutants.found_by_contracts import CONTRACT_MUTANTS, ContractMutant

from shop_adapters.ids import uuid7
from shop_adapters.postgres import PostgresAdapters
from shop_testing import MovableClock, contract_tests

NEWEST = "id = (SELECT id FROM stock_movements WHERE product_id = :of ORDER BY id DESC LIMIT 1)"
DAMAGES = {
    **{
        counter: f"UPDATE stock_levels SET {counter} = {counter} + :value WHERE product_id = :of"
        for counter in ("on_hand", "allocated", "reserved", "shortfall")
    },
    "ledger": f"DELETE FROM stock_movements WHERE {NEWEST}",
    "order total": "UPDATE orders SET total_minor = total_minor + :value WHERE id = :of",
    "order status": "UPDATE orders SET status = :value WHERE id = :of",
    "order version": "UPDATE orders SET version = version + :value WHERE id = :of",
    "timeline": "DELETE FROM order_events WHERE order_id = :of",
    "held lines": "UPDATE reservation_lines SET is_held = false WHERE reservation_id = :of",
    "expiry of lines": (
        "UPDATE reservation_lines SET expires_at = expires_at + interval '1 second' WHERE reservation_id = :of"
    ),
    "reservation state": "UPDATE reservations SET state = :value WHERE id = :of",
    "reservation order": "UPDATE reservations SET order_id = CAST(:value AS uuid) WHERE id = :of",
    "key": "UPDATE idempotency_keys SET result_id = CAST(:value AS uuid) WHERE customer_id = :of",
}


class OnPostgres:
    @pytest.fixture
    def adapters(
        self, fresh_postgres_adapters: Callable[..., PostgresAdapters], clock: MovableClock
    ) -> PostgresAdapters:
        adapters = fresh_postgres_adapters(clock if self.moves_time else None, uuid7)  # type: ignore[attr-defined]
        return adapters.with_timeouts(PATIENT)

    def damage(self, adapters: PostgresAdapters, what: str, of: UUID, value: int | str) -> None:
        if what not in DAMAGES:
            pytest.skip("a CHECK forbids it")
        with adapters.engine.begin() as connection:
            assert connection.execute(text(DAMAGES[what]), {"of": of, "value": value}).rowcount == 1


globals().update(contract_tests(OnPostgres))


@pytest.mark.parametrize("known", [m for m in CONTRACT_MUTANTS if not m.is_in_memory], ids=lambda one: one.mutant.name)
def test_the_suites_find(known: ContractMutant, fresh_postgres_adapters: Callable[..., PostgresAdapters]) -> None:
    clock = MovableClock()
    with known.mutant.applied(), pytest.raises(AssertionError):
        known.check(fresh_postgres_adapters(clock, uuid7), clock)
