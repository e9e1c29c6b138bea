"""A relay may die at any moment, and a receiver may be slow: facts arrive all the same, in order for each subject.

The contract of the outbox is in `shop_testing.outbox`; this is about the relay.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from random import Random
from typing import cast
from uuid import UUID

import pytest

from shop_adapters.background import Repeating
from shop_adapters.memory import MemoryAdapters
from shop_adapters.publishers import MemoryPublisher
from shop_core import Actor, LineRequest, OffsetRequest, Order, Registration, Role, Shop
from shop_core.events import Event
from shop_core.mail.model import MailMessage
from shop_core.outbox import ATTEMPTS_MAX, PUBLISH_TIME_MAX, VISIBILITY_TIMEOUT, OutboxService
from shop_core.ports import Adapters, EventPublisher, Undelivered, UnitOfWork
from shop_http.server.composition import _jobs
from shop_testing import Fixtures, MovableClock
from shop_testing.concurrency import TIMEOUT_S
from shop_testing.fixtures import Altered, request

STAFF = Actor(UUID(int=1), Role.STAFF)


@pytest.fixture
def publisher() -> MemoryPublisher:
    return MemoryPublisher()


@pytest.fixture
def order_with_events(shop: Shop, fixtures: Fixtures) -> Callable[[int], Order]:
    """Makes an order with so many events to publish."""
    lamp = fixtures.product("Lamp", units=999)

    def order(facts: int) -> Order:
        ada = fixtures.customer()
        placed = shop.orders.place(request(ada, (lamp, 1)))
        for units in range(2, facts + 1):
            placed = shop.orders.edit(ada, placed.id, [LineRequest(lamp.id, units)])
        return placed

    return order


def heard(publisher: MemoryPublisher) -> dict[UUID, list[int]]:
    """What arrived, by subject."""
    by_subject: dict[UUID, list[int]] = defaultdict(list)
    for event in publisher.events:
        by_subject[event.subject_id].append(event.seq)
    return by_subject


def waiting(adapters: MemoryAdapters) -> int:
    with adapters.begin() as uow:
        return uow.outbox.waiting()[0]


class Killed(BaseException):
    """The process ends here, as with kill -9: nothing after it runs."""


class Mortal:
    """A publisher whose process dies before or after it published an event."""

    def __init__(self, publisher: EventPublisher, *, before: int | None = None, after: int | None = None) -> None:
        self._publisher = publisher
        self._before = before
        self._after = after

    def publish(self, event: Event) -> None:
        if event.seq == self._before:
            raise Killed
        self._publisher.publish(event)
        if event.seq == self._after:
            raise Killed


def test_a_relay_that_dies_after_telling_and_before_noting_tells_it_twice_and_loses_nothing(
    shop: Shop, clock: MovableClock, publisher: MemoryPublisher, order_with_events: Callable[[int], Order]
) -> None:
    order = order_with_events(3)
    with pytest.raises(Killed):
        shop.outbox.relay(Mortal(publisher, after=2))
    assert shop.outbox.relay(publisher) == 0, "they are in the hands of one who may still be alive"
    clock.move(VISIBILITY_TIMEOUT)
    assert shop.outbox.relay(publisher) == 3
    assert heard(publisher) == {order.id: [1, 2, 1, 2, 3]}
    assert len({event.id for event in publisher.events}) == 3, "a receiver recognises a repetition by the id"


def test_a_relay_that_dies_before_telling_loses_nothing(
    shop: Shop, clock: MovableClock, publisher: MemoryPublisher, order_with_events: Callable[[int], Order]
) -> None:
    order = order_with_events(2)
    with pytest.raises(Killed):
        shop.outbox.relay(Mortal(publisher, before=1))
    clock.move(VISIBILITY_TIMEOUT)
    shop.outbox.relay(publisher)
    assert heard(publisher) == {order.id: [1, 2]}


def test_a_relay_that_cannot_record_a_delivery_publishes_again(
    adapters: MemoryAdapters, clock: MovableClock, publisher: MemoryPublisher, order_with_events: Callable[[int], Order]
) -> None:
    """The database goes away between the two units of work."""
    order = order_with_events(2)
    begun: list[int] = []

    @contextmanager
    def begin() -> Iterator[UnitOfWork]:
        begun.append(1)
        with adapters.begin() as uow:
            yield uow
            if len(begun) == 2:
                raise Killed

    outbox = OutboxService(begin, clock)
    with pytest.raises(Killed):
        outbox.relay(publisher)
    clock.move(VISIBILITY_TIMEOUT)
    outbox.relay(publisher)
    assert heard(publisher) == {order.id: [1, 2, 1, 2]}
    assert waiting(adapters) == 0


class Faulty:
    """A publisher that has a bug with one order."""

    def __init__(self, publisher: MemoryPublisher, order: Order) -> None:
        self.publisher, self.order = publisher, order

    def publish(self, event: Event) -> None:
        if event.subject_id == self.order.id:
            raise ValueError("a bug")
        self.publisher.publish(event)


def test_a_fault_of_the_publisher_costs_one_attempt_of_its_message_and_no_other(
    shop: Shop, clock: MovableClock, publisher: MemoryPublisher, order_with_events: Callable[[int], Order]
) -> None:
    first, second, third = (order_with_events(1) for _ in range(3))
    for _ in range(ATTEMPTS_MAX):
        with pytest.raises(ValueError, match="a bug"):
            shop.outbox.relay(Faulty(publisher, second))
        clock.move(timedelta(hours=1))
    assert heard(publisher) == {first.id: [1], third.id: [1]}
    (dead,) = shop.outbox.dead(STAFF, OffsetRequest()).items
    assert (dead.event.subject_id, dead.error) == (second.id, "the publisher failed: ValueError")
    assert shop.outbox.relay(publisher) == 0


def test_a_slow_receiver_takes_no_longer_than_messages_stay_hidden_and_the_rest_is_released_at_once(
    shop: Shop, clock: MovableClock, publisher: MemoryPublisher, order_with_events: Callable[[int], Order]
) -> None:
    orders = [order_with_events(1) for _ in range(5)]

    class Slow:
        def publish(self, event: Event) -> None:
            clock.move(timedelta(seconds=12))
            publisher.publish(event)

    began = clock()
    assert shop.outbox.relay(Slow()) == 5
    assert len(publisher.events) == 3
    assert clock() - began < min(VISIBILITY_TIMEOUT, PUBLISH_TIME_MAX + timedelta(seconds=15))
    assert shop.outbox.relay(publisher) == 2, "those that were not tried wait for nobody"
    assert heard(publisher) == {order.id: [1] for order in orders}


class Held:
    """A publisher and a mailer that hold each message until they are let go."""

    def __init__(self) -> None:
        self.begun, self.go_on = threading.Event(), threading.Event()
        self.ids: list[object] = []

    def publish(self, message: Event | MailMessage) -> None:
        self.begun.set()
        assert self.go_on.wait(TIMEOUT_S)
        self.ids.append(message.id)

    send = publish


@pytest.mark.parametrize("kind", ["events", "mails"])
def test_a_worker_that_ends_finishes_the_message_under_way_and_leaves_the_others_to_the_next(
    adapters: MemoryAdapters, order_with_events: Callable[[int], Order], kind: str
) -> None:
    order_with_events(3)
    shop = Shop(cast(Adapters, Altered(adapters, has_mail=True)))
    for name in ("ada", "bob", "eve"):
        shop.accounts.register(Registration(name, "numbers are music", f"{name}@example.org"))
    held = Held()
    job = _jobs(shop, held, None, int)[-1] if kind == "events" else _jobs(shop, None, held, int)[-1]
    assert isinstance(job, Repeating)
    job.start()
    assert held.begun.wait(TIMEOUT_S)
    assert not job.stop(0.01)
    held.go_on.set()
    assert job.stop(TIMEOUT_S)
    assert len(held.ids) == 1
    assert (shop.outbox.relay(held) if kind == "events" else shop.mails.send(held)) == 2, "they wait for nobody"
    assert len(set(held.ids)) == len(held.ids) == 3


def test_no_unit_of_work_is_open_while_it_waits_for_the_receiver(
    adapters: MemoryAdapters, clock: MovableClock, order_with_events: Callable[[int], Order]
) -> None:
    order_with_events(2)
    open_now: list[int] = []
    seen: list[int] = []

    @contextmanager
    def begin() -> Iterator[UnitOfWork]:
        open_now.append(1)
        with adapters.begin() as uow:
            yield uow
        open_now.pop()

    class Looks:
        def publish(self, event: Event) -> None:
            seen.append(len(open_now))

    OutboxService(begin, clock).relay(Looks())
    assert seen == [0, 0]


@pytest.mark.parametrize("seed", range(20))
def test_everything_arrives_in_order_however_often_publishing_fails_or_the_process_dies(
    shop: Shop,
    adapters: MemoryAdapters,
    clock: MovableClock,
    publisher: MemoryPublisher,
    order_with_events: Callable[[int], Order],
    seed: int,
) -> None:
    random = Random(seed)
    orders = [order_with_events(random.randint(1, 5)) for _ in range(6)]
    publisher.fail(lambda event: Undelivered("bad luck") if random.random() < 0.3 else None)
    for _ in range(500):
        mortal = Mortal(publisher, **{random.choice(["before", "after"]): random.randint(1, 12)})
        with suppress(Killed):
            shop.outbox.relay(mortal, limit=random.randint(1, 30))
        clock.move(timedelta(seconds=random.choice([0, 1, 5, 70])))
        if waiting(adapters) == 0:
            break
    assert waiting(adapters) == 0
    assert shop.outbox.dead(STAFF, OffsetRequest()).items == ()
    assert {subject: list(dict.fromkeys(seqs)) for subject, seqs in heard(publisher).items()} == {
        order.id: list(range(1, order.version + 1)) for order in orders
    }
