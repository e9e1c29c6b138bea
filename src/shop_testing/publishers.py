"""The contract of an event publisher."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

import pytest

from shop_core.accounts.model import Role
from shop_core.events import Event, OrderEvent, OrderEventKind, StockEvent, StockEventKind
from shop_core.money import Money
from shop_core.orders.model import OrderStatus
from shop_core.ports import EventPublisher, Undelivered

_AT = datetime(2026, 1, 31, 12, 30, 59, 999_999, tzinfo=UTC)


@dataclass(frozen=True)
class PublisherBench:
    """A publisher, and a look at the other end.

    Args:
        arrived: the ids of the events that were tried, in that order, failed attempts included if they can be seen.
        fall_ill: from now on nothing can be delivered; None if that cannot happen.
        recover: from now on it can again.
    """

    publisher: EventPublisher
    arrived: Callable[[], list[UUID]]
    fall_ill: Callable[[], None] | None = None
    recover: Callable[[], None] | None = None


def some_event(number: int, kind: OrderEventKind | StockEventKind = OrderEventKind.PLACED) -> Event:
    """An event whose id ends in `number`."""
    event_id, subject, customer = UUID(int=number), UUID(int=1 << 64), UUID(int=2 << 64)
    if isinstance(kind, StockEventKind):
        return StockEvent(event_id, kind, subject, _AT, number, customer)
    total = Money(number, "EUR")
    return OrderEvent(
        event_id, customer, subject, number, kind, OrderStatus.PLACED, total, _AT, customer, Role.CUSTOMER, total
    )


class PublisherContract:
    """What any publisher must do: subclass it with a fixture `bench`."""

    @pytest.fixture
    def bench(self) -> PublisherBench:
        """The publisher under test, to which nothing was told yet."""
        raise NotImplementedError(f"{type(self).__name__} needs a fixture `bench`: see PublisherBench")

    def test_events_of_every_kind_arrive_in_the_order_in_which_they_are_told(self, bench: PublisherBench) -> None:
        events = [some_event(number, kind) for number, kind in enumerate([*OrderEventKind, *StockEventKind], 1)]
        for event in events:
            bench.publisher.publish(event)
        assert bench.arrived() == [event.id for event in events]

    def test_an_event_that_is_told_twice_has_the_same_id_both_times(self, bench: PublisherBench) -> None:
        bench.publisher.publish(some_event(1))
        bench.publisher.publish(some_event(1))
        assert bench.arrived() == [UUID(int=1), UUID(int=1)]

    def test_threads_may_share_it(self, bench: PublisherBench) -> None:
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(bench.publisher.publish, map(some_event, range(40))))
        assert sorted(bench.arrived()) == [UUID(int=number) for number in range(40)]

    def test_what_cannot_be_delivered_is_said_in_a_line_and_works_again_once_it_can(
        self, bench: PublisherBench
    ) -> None:
        if bench.fall_ill is None or bench.recover is None:
            pytest.skip("nothing can go wrong there")
        bench.publisher.publish(some_event(1))
        bench.fall_ill()
        for _ in range(2):
            with pytest.raises(Undelivered) as failure:
                bench.publisher.publish(some_event(2))
            assert failure.value.reason.isprintable()
            assert not failure.value.is_final
        bench.recover()
        bench.publisher.publish(some_event(2))
        assert bench.arrived()[0] == UUID(int=1)
        assert bench.arrived()[-1] == UUID(int=2)
