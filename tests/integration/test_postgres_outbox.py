"""The outbox on PostgreSQL: many takers, late notes, and what it looks at to find its messages."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from shop_adapters.postgres import PostgresAdapters
from shop_core import SYSTEM, OffsetRequest, Shop
from shop_core.accounts.model import Role
from shop_core.events import Event, OrderEvent, OrderEventKind, StockEvent, StockEventKind
from shop_core.orders.model import Order, OrderStatus
from shop_core.ports import OutboxMessage
from shop_testing import Fixtures
from shop_testing.concurrency import TIMEOUT_S, in_background, still_waits
from shop_testing.fixtures import request

HIDDEN = timedelta(seconds=60)
NOW = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.fixture
def fixtures(postgres_adapters: PostgresAdapters) -> Fixtures:
    return Fixtures(postgres_adapters)


def _event(fixtures: Fixtures, order: Order, seq: int, event_id: UUID) -> OrderEvent:
    total, at = order.total, order.created_at
    kind, status, who = OrderEventKind.EDITED, OrderStatus.PLACED, (order.customer_id, Role.CUSTOMER)
    return OrderEvent(event_id, order.customer_id, order.id, seq, kind, status, total, at, *who, total)


def _add(fixtures: Fixtures, *events: Event) -> None:
    with fixtures.begin() as uow:
        uow.events.add_all(events)


def _take(fixtures: Fixtures, now: datetime = NOW, limit: int = 100) -> list[OutboxMessage]:
    with fixtures.begin() as uow:
        return uow.outbox.take(now, limit, HIDDEN)


def test_facts_about_stock_come_back_as_they_were_added(fixtures: Fixtures) -> None:
    product, ada = fixtures.new_id(), fixtures.new_id()
    events = [
        StockEvent(fixtures.new_id(), StockEventKind.STOCK_SHORT, product, NOW, 3, None, ada),
        StockEvent(fixtures.new_id(), StockEventKind.RESERVATION_EXPIRED, fixtures.new_id(), NOW, 2_000_000_000, ada),
    ]
    _add(fixtures, *events)
    assert {message.event for message in _take(fixtures)} == set(events)


def test_a_dead_message_that_is_sent_again_takes_nothing_out_of_other_hands(fixtures: Fixtures) -> None:
    order = fixtures.new_order()
    events = [_event(fixtures, order, seq, fixtures.new_id()) for seq in (1, 2, 3)]
    _add(fixtures, *events)
    _take(fixtures)
    with fixtures.begin() as uow:
        uow.outbox.give_up(events[0].id, "410 Gone")
    with fixtures.begin() as uow:
        assert uow.outbox.requeue([event.id for event in events], NOW) == 1
    assert [message.event.seq for message in _take(fixtures)] == [1]  # 2 and 3 are still with the first taker


def test_a_note_waits_for_a_taker_that_looks_at_the_message_and_is_not_lost(fixtures: Fixtures) -> None:
    """Passed over, as takers do, it was lost: the ten takers above published events twice, after a minute."""
    event = _event(fixtures, fixtures.new_order(), 1, fixtures.new_id())
    _add(fixtures, event)

    def note() -> None:
        with fixtures.begin() as uow:
            uow.outbox.delivered([event.id])

    with fixtures.begin() as uow:
        assert [message.event for message in uow.outbox.take(NOW + HIDDEN, 9, HIDDEN)] == [event]
        late = in_background(note)
        assert still_waits(late)
    late.result(TIMEOUT_S)
    with fixtures.begin() as uow:
        assert uow.outbox.waiting() == (0, None)


def test_a_shop_that_publishes_nothing_puts_nothing_into_its_outbox(postgres_adapters: PostgresAdapters) -> None:
    quiet = PostgresAdapters(postgres_adapters.engine, b"the secret of the tests, 32 bytes", has_outbox=False)
    shop, fixtures = Shop(quiet), Fixtures(quiet)
    lamp, ada = fixtures.product(units=1), fixtures.customer()
    order = shop.orders.place(request(ada, (lamp, 1)))
    shop.inventory.adjust(SYSTEM, lamp.id, -1, "lost")
    assert shop.outbox.waiting(SYSTEM) == (0, None)
    assert [event.kind for event in shop.orders.events(ada, order.id, OffsetRequest()).items] == ["placed"]
    assert shop.audit() == []
