"""The shop on PostgreSQL keeps every promise of the ports."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest
from sqlalchemy import delete, select, update
from verification.mutants.found_by_contracts import CONTRACT_MUTANTS, ContractMutant

from shop_adapters.ids import uuid7
from shop_adapters.postgres import PostgresAdapters
from shop_adapters.postgres.schema import order_events, orders, stock_levels, stock_movements
from shop_core.orders.model import Order, OrderStatus
from shop_core.ports import Adapters, Clock, NewId
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


class OnPostgres:
    @pytest.fixture
    def adapters(self, postgres_adapters: PostgresAdapters) -> PostgresAdapters:
        return postgres_adapters


class InMovableTime:
    @pytest.fixture
    def adapters(
        self, fresh_postgres_adapters: Callable[[Clock, NewId], PostgresAdapters], clock: MovableClock
    ) -> PostgresAdapters:
        return fresh_postgres_adapters(clock, uuid7)


class TestUnitOfWork(OnPostgres, UnitOfWorkContract): ...


class TestAccounts(OnPostgres, AccountsContract): ...


class TestRefreshTokens(OnPostgres, RefreshTokensContract): ...


class TestAttempts(InMovableTime, AttemptsContract): ...


class TestSessions(OnPostgres, SessionsContract): ...


class TestCatalog(OnPostgres, CatalogContract): ...


class TestStock(OnPostgres, StockContract): ...


class TestOrders(OnPostgres, OrdersContract): ...


class TestOrderLists(OnPostgres, OrderListsContract): ...


class TestOrderAmendment(OnPostgres, OrderAmendmentContract): ...


class TestOrderPlacement(OnPostgres, OrderPlacementContract): ...


class TestReservations(InMovableTime, ReservationsContract): ...


class TestReservationExpiry(InMovableTime, ReservationExpiryContract): ...


class TestRaces(InMovableTime, RacesContract): ...


class TestKeys(InMovableTime, KeysContract): ...


class TestKeyedChanges(InMovableTime, KeyedChangesContract): ...


class TestOutbox(InMovableTime, OutboxContract): ...


class TestPasswords(OnPostgres, PasswordsContract): ...


class TestTokens(OnPostgres, TokensContract): ...


class TestAudit(OnPostgres, AuditContract):
    """Differences are made by SQL. The CHECKs allow these: what they forbid need not be looked for."""

    def corrupt_counter(self, adapters: Adapters, product_id: UUID, counter: str, change: int) -> None:
        column = stock_levels.c[counter]
        wrong = {column.name: column + change}
        _execute(adapters, update(stock_levels).where(stock_levels.c.product_id == product_id).values(wrong))

    def corrupt_ledger(self, adapters: Adapters, product_id: UUID) -> None:
        line = stock_movements.c
        newest = select(line.id).where(line.product_id == product_id).order_by(line.id.desc()).limit(1)
        _execute(adapters, delete(stock_movements).where(line.id.in_(newest)))

    def corrupt_order_total(self, adapters: Adapters, order: Order, change: int) -> None:
        wrong = {"total_minor": orders.c.total_minor + change}
        _execute(adapters, update(orders).where(orders.c.id == order.id).values(wrong))

    def corrupt_order_status(self, adapters: Adapters, order: Order, status: OrderStatus) -> None:
        _execute(adapters, update(orders).where(orders.c.id == order.id).values(status=str(status)))

    def corrupt_order_version(self, adapters: Adapters, order: Order, change: int) -> None:
        wrong = {"version": orders.c.version + change}
        _execute(adapters, update(orders).where(orders.c.id == order.id).values(wrong))

    def corrupt_timeline(self, adapters: Adapters, order: Order) -> None:
        _execute(adapters, delete(order_events).where(order_events.c.order_id == order.id))


def _execute(adapters: Adapters, statement: object) -> None:
    assert isinstance(adapters, PostgresAdapters)
    with adapters.engine.begin() as connection:
        assert connection.execute(statement).rowcount == 1  # type: ignore[call-overload]


@pytest.mark.parametrize("known", [m for m in CONTRACT_MUTANTS if not m.is_in_memory], ids=lambda one: one.mutant.name)
def test_the_suites_find(
    known: ContractMutant, fresh_postgres_adapters: Callable[[Clock, NewId], PostgresAdapters]
) -> None:
    clock = MovableClock()
    with known.mutant.applied(), pytest.raises(AssertionError):
        known.check(fresh_postgres_adapters(clock, uuid7), clock)
