"""The shop in memory keeps every promise of the ports."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

import pytest
from verification.mutants.found_by_contracts import CONTRACT_MUTANTS, ContractMutant

from shop_adapters.memory import MemoryAdapters
from shop_core.money import Money
from shop_core.orders.model import Order, OrderStatus
from shop_core.ports import Adapters
from shop_testing import (
    AccountsContract,
    AttemptsContract,
    AuditContract,
    CatalogContract,
    KeyedChangesContract,
    KeysContract,
    MovableClock,
    OrderAmendmentContract,
    OrderListsContract,
    OrderPlacementContract,
    OrdersContract,
    OutboxContract,
    PasswordsContract,
    RacesContract,
    RefreshTokensContract,
    ReservationExpiryContract,
    ReservationsContract,
    SessionsContract,
    StockContract,
    TokensContract,
    UnitOfWorkContract,
)


class InMemory:
    @pytest.fixture
    def adapters(self) -> MemoryAdapters:
        return MemoryAdapters()


class InMovableTime:
    @pytest.fixture
    def adapters(self, clock: MovableClock) -> MemoryAdapters:
        return MemoryAdapters(clock=clock)


class TestUnitOfWork(InMemory, UnitOfWorkContract): ...


class TestAccounts(InMemory, AccountsContract): ...


class TestRefreshTokens(InMemory, RefreshTokensContract): ...


class TestAttempts(InMovableTime, AttemptsContract): ...


class TestSessions(InMemory, SessionsContract): ...


class TestCatalog(InMemory, CatalogContract): ...


class TestStock(InMemory, StockContract): ...


class TestOrders(InMemory, OrdersContract): ...


class TestOrderLists(InMemory, OrderListsContract): ...


class TestOrderAmendment(InMemory, OrderAmendmentContract): ...


class TestOrderPlacement(InMemory, OrderPlacementContract): ...


class TestReservations(InMovableTime, ReservationsContract): ...


class TestReservationExpiry(InMovableTime, ReservationExpiryContract): ...


class TestRaces(InMovableTime, RacesContract): ...


class TestKeys(InMovableTime, KeysContract): ...


class TestKeyedChanges(InMovableTime, KeyedChangesContract): ...


class TestOutbox(InMovableTime, OutboxContract): ...


class TestPasswords(InMemory, PasswordsContract): ...


class TestTokens(InMemory, TokensContract): ...


class TestAudit(InMemory, AuditContract):
    """Differences are made behind the back of the adapter, in the dictionaries of its store."""

    def corrupt_counter(self, adapters: Adapters, product_id: UUID, counter: str, change: int) -> None:
        stock = _memory(adapters)._store.stock
        stock[product_id] = stock[product_id]._replace(**{counter: getattr(stock[product_id], counter) + change})

    def corrupt_ledger(self, adapters: Adapters, product_id: UUID) -> None:
        del _memory(adapters)._store.ledger[product_id][-1]

    def corrupt_order_total(self, adapters: Adapters, order: Order, change: int) -> None:
        total = Money(order.total.minor + change, order.total.currency)
        _memory(adapters)._store.orders[order.id] = replace(order, total=total)

    def corrupt_order_status(self, adapters: Adapters, order: Order, status: OrderStatus) -> None:
        _memory(adapters)._store.orders[order.id] = replace(order, status=status)

    def corrupt_order_version(self, adapters: Adapters, order: Order, change: int) -> None:
        _memory(adapters)._store.orders[order.id] = replace(order, version=order.version + change)

    def corrupt_timeline(self, adapters: Adapters, order: Order) -> None:
        del _memory(adapters)._store.order_events[order.id][-1]


def _memory(adapters: Adapters) -> MemoryAdapters:
    assert isinstance(adapters, MemoryAdapters)
    return adapters


@pytest.mark.parametrize(
    "known", [one for one in CONTRACT_MUTANTS if one.is_in_memory], ids=lambda one: one.mutant.name
)
def test_the_suites_find(known: ContractMutant) -> None:
    with known.mutant.applied(), pytest.raises(AssertionError):
        known.check(MemoryAdapters(clock=(clock := MovableClock())), clock)
