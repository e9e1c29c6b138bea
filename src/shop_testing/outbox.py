"""The contract of the outbox: no fact is lost, and those of one order arrive in order, however many relays run."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from threading import Lock
from uuid import UUID

import pytest

from shop_core.accounts.model import NOBODY, SYSTEM, Actor
from shop_core.catalog.model import Product
from shop_core.errors import Forbidden, Unauthenticated
from shop_core.events import Event, OrderEvent, OrderEventKind
from shop_core.inventory.model import LineRequest
from shop_core.orders.model import Order
from shop_core.outbox import ATTEMPTS_MAX, VISIBILITY_TIMEOUT, retry_delay
from shop_core.pagination import OffsetRequest
from shop_core.ports import OutboxMessage, ReceiverGone, Undelivered
from shop_core.shop import Shop
from shop_testing.concurrency import together
from shop_testing.contract import Contract
from shop_testing.determinism import MovableClock
from shop_testing.fixtures import Fixtures, request

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)


class Listener:
    """A publisher that writes down what it is told, and refuses what it was told to refuse."""

    def __init__(self) -> None:
        self.heard: list[Event] = []
        self.refuses: dict[UUID, Undelivered] = {}  # by event, or by subject
        self._lock = Lock()

    def publish(self, event: Event) -> None:
        with self._lock:
            if refusal := self.refuses.get(event.id) or self.refuses.get(event.subject_id):
                raise refusal
            self.heard.append(event)

    def seqs(self, order: Order) -> list[int]:
        """The numbers of the facts about an order, as they arrived."""
        return [event.seq for event in self.heard if event.subject_id == order.id]


class OutboxContract(Contract):
    """Letters from the change that they tell to the publisher."""

    moves_time = True
    units = 99

    @pytest.fixture
    def listener(self) -> Listener:
        """Receives the messages."""
        return Listener()

    # ---- what goes in

    def test_every_change_of_an_order_is_told_once_and_in_order(
        self, fixtures: Fixtures, shop: Shop, lamp: Product, listener: Listener
    ) -> None:
        ada = fixtures.customer()
        order = shop.orders.place(request(ada, (lamp, 1)))
        shop.orders.edit(ada, order.id, [LineRequest(lamp.id, 2)])
        for step in (shop.orders.confirm, shop.orders.ship, shop.orders.deliver):
            step(SYSTEM, order.id)
        assert _relay_all(shop, listener) == 5
        timeline = shop.orders.events(ada, order.id, OffsetRequest()).items
        assert listener.heard == list(timeline)
        assert [event.type for event in listener.heard] == [
            "order.placed",
            "order.edited",
            "order.confirmed",
            "order.shipped",
            "order.delivered",
        ]
        assert shop.outbox.relay(listener) == 0

    def test_what_was_rolled_back_is_not_told(
        self, fixtures: Fixtures, shop: Shop, lamp: Product, listener: Listener
    ) -> None:
        order = fixtures.new_order({lamp: 1})
        with pytest.raises(ZeroDivisionError), fixtures.begin() as uow:
            uow.events.add_all([_event(fixtures, order)])
            raise ZeroDivisionError
        assert shop.outbox.relay(listener) == 0

    # ---- order

    def test_the_order_of_a_subject_is_that_of_its_numbers_whatever_the_ids(self, fixtures: Fixtures) -> None:
        order = fixtures.new_order()
        ids = sorted((fixtures.new_id() for _ in range(3)), reverse=True)
        events = [_event(fixtures, order, seq)._replace(id=id_) for seq, id_ in enumerate(ids, start=1)]
        with fixtures.begin() as uow:
            uow.events.add_all(events[::-1])
        assert _taken(fixtures, 10) == events

    def test_a_message_that_waits_holds_up_its_subject_and_nobody_else(
        self, fixtures: Fixtures, shop: Shop, clock: MovableClock, lamp: Product, listener: Listener
    ) -> None:
        held_up, free = (shop.orders.place(request(fixtures.customer(), (lamp, 1))) for _ in range(2))
        for order in (held_up, free):
            shop.orders.confirm(SYSTEM, order.id)
        listener.refuses[held_up.id] = Undelivered("busy")
        _relay_all(shop, listener)
        assert (listener.seqs(held_up), listener.seqs(free)) == ([], [1, 2])
        listener.refuses.clear()
        assert _relay_all(shop, listener) == 0, "it has to wait for a second"
        shop.orders.ship(SYSTEM, held_up.id)
        assert _relay_all(shop, listener) == 0, "and so do those after it"
        clock.move(SECOND)
        _relay_all(shop, listener)
        assert listener.seqs(held_up) == [1, 2, 3]

    def test_what_was_taken_together_with_a_message_that_nobody_took_waits_with_it(
        self, fixtures: Fixtures, shop: Shop, clock: MovableClock, lamp: Product, listener: Listener
    ) -> None:
        order = shop.orders.place(request(fixtures.customer(), (lamp, 1)))
        shop.orders.confirm(SYSTEM, order.id)
        first = shop.orders.events(SYSTEM, order.id, OffsetRequest()).items[0]
        listener.refuses[first.id] = Undelivered("busy")
        assert _relay_all(shop, listener) == 2
        listener.refuses.clear()
        clock.move(SECOND)
        _relay_all(shop, listener)
        assert listener.seqs(order) == [1, 2]

    def test_at_most_so_many_are_taken_and_the_rest_follows_in_order(
        self, fixtures: Fixtures, shop: Shop, lamp: Product, listener: Listener
    ) -> None:
        orders = [shop.orders.place(request(fixtures.customer(), (lamp, 1))) for _ in range(3)]
        for order in orders:
            shop.orders.confirm(SYSTEM, order.id)
        taken = 0
        while count := shop.outbox.relay(listener, limit=2):
            assert count <= 2
            taken += count
        assert taken == 6
        assert [listener.seqs(order) for order in orders] == [[1, 2]] * 3

    # ---- takers

    def test_what_one_has_taken_nobody_else_gets_until_it_is_hidden_no_more(
        self, fixtures: Fixtures, shop: Shop, clock: MovableClock, lamp: Product
    ) -> None:
        """A taker that dies: its messages, and those that came after them, go to the next one."""
        order = shop.orders.place(request(fixtures.customer(), (lamp, 1)))
        (first,) = _taken(fixtures, 10)
        shop.orders.confirm(SYSTEM, order.id)
        clock.move(MINUTE - timedelta(microseconds=1))
        assert _taken(fixtures, 10) == []
        clock.move(timedelta(microseconds=1))
        again = _taken(fixtures, 10)
        assert again[0] == first
        assert [event.seq for event in again] == [1, 2]

    def test_two_takers_at_once_have_nothing_in_common(self, fixtures: Fixtures, shop: Shop, lamp: Product) -> None:
        for _ in range(4):
            shop.orders.place(request(fixtures.customer(), (lamp, 1)))
        with fixtures.begin() as one, fixtures.begin() as other:
            mine = one.outbox.take(one.now(), 2, MINUTE)
            others = other.outbox.take(other.now(), 4, MINUTE)
        assert len(mine) == 2
        assert _ids(mine).isdisjoint(_ids(others))
        with fixtures.begin() as uow:
            rest = uow.outbox.take(uow.now(), 4, MINUTE)
        assert len(mine) + len(others) + len(rest) == 4

    def test_a_subject_whose_first_message_is_in_hand_is_left_alone(
        self, fixtures: Fixtures, shop: Shop, lamp: Product
    ) -> None:
        order = shop.orders.place(request(fixtures.customer(), (lamp, 1)))
        with fixtures.begin() as one:
            assert len(one.outbox.take(one.now(), 1, MINUTE)) == 1
            shop.orders.confirm(SYSTEM, order.id)
            assert _taken(fixtures, 10) == []

    def test_relays_in_many_threads_tell_everything_once_and_in_order(
        self, fixtures: Fixtures, shop: Shop, lamp: Product, listener: Listener
    ) -> None:
        orders = [shop.orders.place(request(fixtures.customer(), (lamp, 1))) for _ in range(12)]
        for step in (shop.orders.confirm, shop.orders.ship):
            for order in orders:
                step(SYSTEM, order.id)
        together(*[partial(_relay_all, shop, listener, 5)] * 4)
        _relay_all(shop, listener)
        assert [listener.seqs(order) for order in orders] == [[1, 2, 3]] * 12

    def test_no_fact_is_missing_when_orders_change_while_relays_run(
        self, fixtures: Fixtures, shop: Shop, lamp: Product, listener: Listener
    ) -> None:
        def live(customer: Actor) -> Order:
            order = shop.orders.place(request(customer, (lamp, 1)))
            for step in (shop.orders.confirm, shop.orders.ship, shop.orders.deliver):
                step(SYSTEM, order.id)
            return order

        def relay() -> None:
            for _ in range(30):
                shop.outbox.relay(listener, 3)

        lives = [partial(live, fixtures.customer()) for _ in range(5)]
        orders = [order for order in together(relay, relay, *lives) if isinstance(order, Order)]
        _relay_all(shop, listener)
        assert [listener.seqs(order) for order in orders] == [[1, 2, 3, 4]] * 5

    # ---- failures

    def test_a_message_is_tried_again_ever_later_and_in_the_end_given_up(
        self, fixtures: Fixtures, shop: Shop, clock: MovableClock, lamp: Product, listener: Listener
    ) -> None:
        order = shop.orders.place(request(fixtures.customer(), (lamp, 1)))
        listener.refuses[order.id] = Undelivered("503 from there")
        for attempt in range(1, ATTEMPTS_MAX + 1):
            assert shop.outbox.relay(listener) == 1
            clock.move(retry_delay(attempt) - timedelta(microseconds=1))
            assert shop.outbox.relay(listener) == 0
            clock.move(timedelta(microseconds=1))
        assert shop.outbox.relay(listener) == 0
        (message,) = shop.outbox.dead(SYSTEM, OffsetRequest()).items
        assert (message.event.subject_id, message.attempts, message.error) == (order.id, ATTEMPTS_MAX, "503 from there")

    def test_a_final_no_is_not_asked_twice_and_those_after_it_go_on(
        self, fixtures: Fixtures, shop: Shop, lamp: Product, listener: Listener
    ) -> None:
        order = shop.orders.place(request(fixtures.customer(), (lamp, 1)))
        listener.refuses[order.id] = Undelivered("never", is_final=True)
        _relay_all(shop, listener)
        listener.refuses.clear()
        shop.orders.confirm(SYSTEM, order.id)
        _relay_all(shop, listener)
        assert listener.seqs(order) == [2]
        assert shop.outbox.dead(SYSTEM, OffsetRequest()).count == 1

    def test_a_receiver_that_is_gone_loses_nothing_and_gets_the_rest_in_order_once_it_is_back(
        self, fixtures: Fixtures, shop: Shop, lamp: Product, listener: Listener
    ) -> None:
        orders = [shop.orders.place(request(fixtures.customer(), (lamp, 1))) for _ in range(2)]
        for order in orders:
            shop.orders.confirm(SYSTEM, order.id)
        listener.refuses[orders[1].id] = ReceiverGone("410 Gone")
        for _ in range(ATTEMPTS_MAX + 1):
            with pytest.raises(ReceiverGone):
                shop.outbox.relay(listener)
        listener.refuses.clear()
        _relay_all(shop, listener)
        assert [listener.seqs(order) for order in orders] == [[1, 2]] * 2
        assert shop.outbox.dead(SYSTEM, OffsetRequest()).count == 0

    def test_dead_messages_are_listed_oldest_first_and_sent_again_from_the_start(
        self, fixtures: Fixtures, shop: Shop, lamp: Product, listener: Listener
    ) -> None:
        orders = [shop.orders.place(request(fixtures.customer(), (lamp, 1))) for _ in range(3)]
        listener.refuses = {order.id: Undelivered("no", is_final=True) for order in orders}
        _relay_all(shop, listener)
        listener.refuses.clear()
        page = shop.outbox.dead(SYSTEM, OffsetRequest(2, 1))
        assert ([message.event.subject_id for message in page.items], page.count) == ([o.id for o in orders[1:]], 3)
        ids = [message.event.id for message in page.items]
        assert shop.outbox.requeue(SYSTEM, [*ids, fixtures.new_id()]) == 2
        assert shop.outbox.requeue(SYSTEM, ids) == 0, "they are not dead any more"
        with fixtures.begin() as uow:
            assert [message.attempts for message in uow.outbox.take(uow.now(), 9, MINUTE)] == [0, 0]
            uow.outbox.release(ids, uow.now())
        assert _relay_all(shop, listener) == 2
        assert sorted(event.subject_id for event in listener.heard) == [o.id for o in orders[1:]]
        assert shop.outbox.dead(SYSTEM, OffsetRequest()).count == 1

    def test_dead_messages_are_for_staff(self, fixtures: Fixtures, shop: Shop) -> None:
        with pytest.raises(Forbidden):
            shop.outbox.dead(fixtures.customer(), OffsetRequest())
        with pytest.raises(Unauthenticated):
            shop.outbox.requeue(NOBODY, [])

    def test_who_waits_is_counted_from_the_oldest_fact(
        self, fixtures: Fixtures, shop: Shop, clock: MovableClock, lamp: Product, listener: Listener
    ) -> None:
        assert _waiting(fixtures) == (0, None)
        first = clock()
        for _ in range(3):
            shop.orders.place(request(fixtures.customer(), (lamp, 1)))
            clock.move(SECOND)
        _taken(fixtures, 10)
        assert _waiting(fixtures) == (3, first)
        clock.move(VISIBILITY_TIMEOUT)
        _relay_all(shop, listener)
        assert _waiting(fixtures) == (0, None)


def _event(fixtures: Fixtures, order: Order, seq: int = 1) -> OrderEvent:
    return OrderEvent.of(
        fixtures.new_id(), OrderEventKind.PLACED, replace(order, version=seq), Actor(order.customer_id, SYSTEM.role)
    )


def _relay_all(shop: Shop, listener: Listener, limit: int = 100) -> int:
    """Relay until nothing is due; how many were taken."""
    taken = 0
    while count := shop.outbox.relay(listener, limit):
        taken += count
    return taken


def _taken(fixtures: Fixtures, limit: int) -> list[Event]:
    with fixtures.begin() as uow:
        return [message.event for message in uow.outbox.take(uow.now(), limit, MINUTE)]


def _ids(messages: Collection[OutboxMessage]) -> set[UUID]:
    return {message.event.id for message in messages}


def _waiting(fixtures: Fixtures) -> tuple[int, datetime | None]:
    with fixtures.begin() as uow:
        return uow.outbox.waiting()
