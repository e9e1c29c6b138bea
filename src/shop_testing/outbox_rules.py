"""The part of the machine that hears the facts: each once, and those of one order in order."""

from __future__ import annotations

from collections import Counter

from hypothesis import strategies as st
from hypothesis.stateful import rule

from shop_core.events import Event, OrderEvent, StockEventKind
from shop_core.outbox import ATTEMPTS_MAX
from shop_core.ports import Adapters, Undelivered
from shop_core.shop import Shop
from shop_testing.driver import Driver


class OutboxRules(Driver):
    """The relay; a part of `ShopMachine`."""

    def __init__(self) -> None:
        super().__init__()
        self._heard: dict[Shop, list[Event]] = {shop: [] for shop in self.shops}
        self._in_vain = 0

    @rule(limit=st.sampled_from([1, 3, 100]), is_deaf=st.integers(0, 3).map(lambda number: number == 0))
    def relay(self, limit: int, is_deaf: bool) -> None:
        is_deaf = is_deaf and self._in_vain < ATTEMPTS_MAX - 1  # so that no letter is given up
        self._in_vain += is_deaf
        self._relay(limit, is_deaf=is_deaf)

    @rule()
    def relay_everything(self) -> None:
        while self._relay(100, is_deaf=False):
            pass
        waiting = self.ask_ports(_waiting)
        if waiting:
            assert self._in_vain, "a letter waits although none was told in vain"
            return
        heard = self._heard[self.shops[0]]
        told = Counter(event.subject_id for event in heard if isinstance(event, OrderEvent))
        assert told == {key: order.version for key, order in self.expected.orders.items()}
        expired = [event for event in heard if event.type == "reservation.expired"]
        assert {event.subject_id for event in expired} == {
            key for key, reservation in self.expected.reservations.items() if reservation.state == "expired"
        }
        assert len({event.subject_id for event in expired}) == len(expired)

    def _relay(self, limit: int, *, is_deaf: bool) -> int:
        def told(shop: Shop) -> tuple[int, list[Event]]:
            heard = _Deaf() if is_deaf else _Hears(self._heard[shop])
            return shop.outbox.relay(heard, limit), self._heard[shop]

        answer = self.ask(told)
        assert isinstance(answer, tuple)
        count, heard = answer
        next_of: Counter[object] = Counter()
        for event in heard:
            if isinstance(event, OrderEvent):
                next_of[event.order_id] += 1
                assert event.seq == next_of[event.order_id], "a fact is missing, or out of order"
            else:
                assert event.kind in StockEventKind
        return count


class _Hears:
    """A publisher that writes down what it is told."""

    def __init__(self, heard: list[Event]) -> None:
        self._heard = heard

    def publish(self, event: Event) -> None:
        self._heard.append(event)


class _Deaf:
    """A publisher that nothing arrives at."""

    def publish(self, event: Event) -> None:
        raise Undelivered("nobody there")


def _waiting(adapters: Adapters) -> int:
    with adapters.begin() as uow:
        return uow.outbox.waiting()[0]
