"""What remembers what happened, and tells it to others."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol
from uuid import UUID

from shop_core.events import Event, OrderEvent
from shop_core.pagination import OffsetRequest, Page, PageRequest


class Events(Protocol):
    """What happened. Events are added, never changed or taken away; each is also put into the outbox."""

    def add_all(self, events: Sequence[Event]) -> None: ...

    def timeline(self, customer_id: UUID, order_id: UUID, page_request: PageRequest) -> Page[OrderEvent]:
        """What happened to that customer's order, oldest first."""


class OutboxMessage(NamedTuple):
    """An event on its way out.

    Args:
        attempts: how often it was tried in vain.
        error: why, the last time.
    """

    event: Event
    attempts: int = 0
    error: str = ""


class Outbox(Protocol):
    """The events that have still to be told to others, and those that nobody would take."""

    def take(self, now: datetime, limit: int, hidden_for: timedelta) -> list[OutboxMessage]:
        """Up to about `limit` letters that may be tried now, hidden from every other taker until `now + hidden_for`.

        Those of one subject come in order (by `seq`, then by id), and none of a subject whose first letter has to wait
        or is in somebody else's hands. A taker that dies leaves them to the next one, once they are hidden no more.
        """

    def delivered(self, event_ids: Collection[UUID]) -> None:
        """These have arrived: they leave the outbox."""

    def postpone(self, event_id: UUID, until: datetime, error: str) -> None:
        """One attempt more was in vain; the subject's letters wait until then."""

    def give_up(self, event_id: UUID, error: str) -> None:
        """No attempt will be made any more: the letter is dead, and those after it go on."""

    def release(self, event_ids: Collection[UUID], now: datetime) -> None:
        """These were not tried after all: they may be taken again from `now` on."""

    def dead(self, page_request: OffsetRequest) -> Page[OutboxMessage]:
        """The dead letters, oldest first."""

    def requeue(self, event_ids: Collection[UUID], now: datetime) -> int:
        """Dead letters that shall be tried again from the start; how many of them there were."""

    def waiting(self) -> tuple[int, datetime | None]:
        """How many letters wait, and when the oldest of their events happened."""


class EventPublisher(Protocol):
    """Where events go: a log, a webhook, a queue."""

    def publish(self, event: Event) -> None:
        """Tell it. It may be told again: who receives it compares the id.

        Raises:
            Undelivered: it did not arrive, or nobody knows whether it did.
        """


class Undelivered(Exception):
    """An event did not arrive.

    Args:
        reason: in a line.
        is_final: trying again is of no use.
    """

    def __init__(self, reason: str, *, is_final: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.is_final = is_final
