"""How events leave the shop: at least once, and in order for each subject.

An event is put into the outbox in the unit of work of the change that it reports: none is lost, and none reports a
change that was rolled back. A relay takes messages, publishes them and then deletes them; if it dies in between, they
are published twice. A message that cannot be delivered holds up those of the same order, reservation or product, until
the relay gives it up.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Generic
from uuid import UUID

from shop_core.accounts.model import Actor, Role
from shop_core.events import Event
from shop_core.pagination import OffsetRequest, Page
from shop_core.ports import Begin, Clock, Publisher, Queue, Queued, ReceiverGone, Undelivered, UnitOfWork
from shop_core.ports.events import M

ATTEMPTS_MAX = 12
VISIBILITY_TIMEOUT = timedelta(seconds=60)
PUBLISH_TIME_MAX = timedelta(seconds=30)

OnFailure = Callable[[Queued[M], datetime | None], None]
"""Gets each message whose attempt failed, with that attempt counted, and when it is tried again; None: never."""


def retry_delay(attempts: int) -> timedelta:
    """How long to wait after so many failed attempts. With `ATTEMPTS_MAX` the last one comes after about 35 minutes.

    >>> [int(retry_delay(attempts).total_seconds()) for attempts in (1, 2, 3, ATTEMPTS_MAX - 1)]
    [1, 2, 4, 1024]
    """
    return timedelta(seconds=1 << (attempts - 1))


class QueueService(Generic[M]):
    """The relay of a queue, and what staff see of it.

    Args:
        queue: of a unit of work.
    """

    def __init__(self, begin: Begin, clock: Clock, queue: Callable[[UnitOfWork], Queue[M]]) -> None:
        self._begin = begin
        self._clock = clock
        self._queue = queue

    def relay(
        self,
        publisher: Publisher[M],
        limit: int = 100,
        is_stopping: Callable[[], bool] = lambda: False,
        on_failure: OnFailure[M] = lambda message, due_at: None,
    ) -> int:
        """Publish messages that are due. No unit of work is open while it waits for the publisher.

        Several relays may run at once. They do not have the same messages, unless one takes longer than
        `VISIBILITY_TIMEOUT`: then what it has is published twice.

        Args:
            publisher: it must give up on a message within 15 seconds.
            limit: about how many messages at most.
            is_stopping: asked before each message; once it is true, the rest waits for another relay.
            on_failure: told of each failed attempt, once that is recorded.

        Returns:
            How many were taken; 0 means that nothing is due.

        Raises:
            ReceiverGone: as the publisher did, after all results were recorded; what was not published waits.
            Exception: whatever else the publisher raised that is not `Undelivered`, likewise. It counts as an attempt.
        """
        with self._begin() as uow:
            messages = self._queue(uow).take(uow.now(), limit, VISIBILITY_TIMEOUT)
        if messages:
            faults: list[Exception] = []
            for failed, due_at in self._record(messages, self._publish(messages, publisher, faults, is_stopping)):
                on_failure(failed, due_at)
            if faults:
                raise faults[0]
        return len(messages)

    def waiting(self, actor: Actor) -> tuple[int, datetime | None]:
        """How many messages wait, and when the oldest of their events happened. Staff only.

        Raises:
            Unauthenticated, Forbidden: the actor is not staff.
        """
        actor.require(Role.STAFF)
        with self._begin() as uow:
            return self._queue(uow).waiting()

    def dead(self, actor: Actor, page_request: OffsetRequest) -> Page[Queued[M]]:
        """The messages that were given up, oldest first. Staff only.

        Raises:
            Unauthenticated, Forbidden: the actor is not staff.
        """
        actor.require(Role.STAFF)
        with self._begin() as uow:
            return self._queue(uow).dead(page_request)

    def requeue(self, actor: Actor, event_ids: Collection[UUID]) -> int:
        """Try dead messages again from the start; later events may have arrived before them. Staff only.

        Returns:
            How many of them were dead.

        Raises:
            Unauthenticated, Forbidden: the actor is not staff.
        """
        actor.require(Role.STAFF)
        with self._begin() as uow:
            return self._queue(uow).requeue(event_ids, uow.now())

    def _publish(
        self,
        messages: Sequence[Queued[M]],
        publisher: Publisher[M],
        faults: list[Exception],
        is_stopping: Callable[[], bool],
    ) -> dict[UUID, Undelivered | None]:
        """The result of every attempt, by event; None: it arrived. `faults` gets what no publisher should raise."""
        stop_at = self._clock() + PUBLISH_TIME_MAX
        held_up: set[UUID] = set()
        results: dict[UUID, Undelivered | None] = {}
        for event in (message.event for message in messages):
            if event.subject_id in held_up or self._clock() >= stop_at or is_stopping():
                held_up.add(event.subject_id)
                continue
            try:
                publisher.publish(event)
            except ReceiverGone as gone:
                faults.append(gone)
                break
            except Undelivered as undelivered:
                results[event.id] = undelivered
                held_up.add(event.subject_id)
            except Exception as fault:
                faults.append(fault)
                results[event.id] = Undelivered(f"the publisher failed: {type(fault).__name__}")
                held_up.add(event.subject_id)
            else:
                results[event.id] = None
        return results

    def _record(
        self, messages: Sequence[Queued[M]], results: Mapping[UUID, Undelivered | None]
    ) -> list[tuple[Queued[M], datetime | None]]:
        """Record the results; returns the failures, for `on_failure`."""
        failures: list[tuple[Queued[M], datetime | None]] = []
        with self._begin() as uow:
            now, queue = uow.now(), self._queue(uow)
            queue.delivered([event_id for event_id, failure in results.items() if failure is None])
            queue.release([message.event.id for message in messages if message.event.id not in results], now)
            for message in messages:
                if failure := results.get(message.event.id):
                    attempts = message.attempts + 1
                    is_last = failure.is_final or attempts >= ATTEMPTS_MAX
                    due_at = None if is_last else now + retry_delay(attempts)
                    if due_at is None:
                        queue.give_up(message.event.id, failure.reason)
                    else:
                        queue.postpone(message.event.id, due_at, failure.reason)
                    failures.append((Queued(message.event, attempts, failure.reason), due_at))
        return failures


class OutboxService(QueueService[Event]):
    """The queue of the events that others are to be told."""

    def __init__(self, begin: Begin, clock: Clock) -> None:
        super().__init__(begin, clock, lambda uow: uow.outbox)
