"""Facts and how they leave: their types, the waits between attempts, and a relay that dies."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from uuid import UUID

import pytest

from shop_core.accounts.model import SYSTEM, Actor, Role
from shop_core.events import EVENT_OF, OrderEvent, OrderEventKind, StockEvent, StockEventKind
from shop_core.money import Money
from shop_core.orders.model import Order, OrderLine, OrderStatus, Step
from shop_core.outbox import ATTEMPTS_MAX, PUBLISH_TIME_MAX, VISIBILITY_TIMEOUT, retry_delay
from shop_testing.determinism import START

ADA = Actor(UUID(int=0xADA), Role.CUSTOMER)


# ---- waiting


def test_waits_double_from_a_second_on_and_all_attempts_take_about_35_minutes() -> None:
    waits = [retry_delay(attempts) for attempts in range(1, ATTEMPTS_MAX)]
    assert waits[0] == timedelta(seconds=1)
    assert all(later == 2 * earlier for earlier, later in pairwise(waits))
    assert timedelta(minutes=34) < sum(waits, timedelta(0)) < timedelta(minutes=36)


def test_a_relay_stops_trying_long_before_others_may_take_its_messages() -> None:
    """A letter may take 15 seconds: the last one that is begun must be over before it is hidden no more."""
    assert PUBLISH_TIME_MAX + timedelta(seconds=15) < VISIBILITY_TIMEOUT


# ---- facts


def test_every_step_leaves_a_fact_behind() -> None:
    assert EVENT_OF.keys() == set(Step)
    assert {*EVENT_OF.values(), OrderEventKind.PLACED} == set(OrderEventKind)


def test_a_fact_about_an_order_says_what_the_order_is_now() -> None:
    line = OrderLine(UUID(int=1), "SKU", "Lamp", Money(295, "EUR"), 2)
    order = Order(UUID(int=7), ADA.account_id, OrderStatus.PLACED, (line,), Money(590, "EUR"), START, START)
    event = OrderEvent.of(UUID(int=9), OrderEventKind.PLACED, order, ADA)
    assert (event.subject_id, event.seq, event.status, event.total) == (order.id, 1, OrderStatus.PLACED, order.total)
    assert (event.type, event.actor_id, event.actor_role) == ("order.placed", ADA.id, Role.CUSTOMER)
    by_the_shop = OrderEvent.of(UUID(int=9), OrderEventKind.CANCELLED, order, SYSTEM)
    assert (by_the_shop.actor_id, by_the_shop.actor_role) == (None, None)


@pytest.mark.parametrize(
    ("kind", "known_by"),
    [(StockEventKind.RESERVATION_EXPIRED, "reservation.expired"), (StockEventKind.STOCK_SHORT, "stock.short")],
)
def test_a_fact_about_stock_has_no_number(kind: StockEventKind, known_by: str) -> None:
    event = StockEvent(UUID(int=9), kind, UUID(int=1), START, 3)
    assert (event.seq, event.type, event.subject_id) == (0, known_by, UUID(int=1))
