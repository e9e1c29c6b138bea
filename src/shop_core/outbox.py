"""How facts leave the shop: at least once, and in order for each subject.

An event is put into the outbox in the unit of work of what it tells, so none is lost and none is told of what never
happened. A relay takes letters, publishes them, and only then takes them out; one that dies in between tells them
twice. A letter that nobody takes holds up those of the same order, reservation or product, until it is given up.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from shop_core.accounts.model import Actor, Role
from shop_core.pagination import OffsetRequest, Page
from shop_core.ports import Begin, Clock, EventPublisher, OutboxMessage, Undelivered

ATTEMPTS_MAX = 12
VISIBILITY_TIMEOUT = timedelta(seconds=60)
PUBLISH_TIME_MAX = timedelta(seconds=30)
_FIRST_WAIT = timedelta(seconds=1)
_LONGEST_WAIT = timedelta(hours=1)


def retry_delay(attempts: int) -> timedelta:
    """How long to wait after so many attempts in vain: 1 s, 2 s, 4 s, ... 1 h; 12 attempts take about 35 minutes.

    >>> [int(wait_after(attempts).total_seconds()) for attempts in (1, 2, 3, 11, 99)]
    [1, 2, 4, 1024, 3600]
    """
    return min(_FIRST_WAIT * (1 << min(attempts - 1, 20)), _LONGEST_WAIT)


class OutboxService:
    """The relay's work, and what staff see of it."""

    def __init__(self, begin: Begin, clock: Clock) -> None:
        self._begin = begin
        self._clock = clock

    def relay(self, publisher: EventPublisher, limit: int = 100) -> int:
        """Publish letters that are due. No unit of work is open while it waits for the publisher.

        Several relays may run at once: no letter is in two hands at the same time.

        Args:
            publisher: where to; it must give up on a letter within 15 seconds.
            limit: about how many letters at most.

        Returns:
            How many were taken; 0 means that nothing is due.
        """
        with self._begin() as uow:
            letters = uow.outbox.take(uow.now(), limit, VISIBILITY_TIMEOUT)
        if letters:
            self._note(letters, self._publish(letters, publisher))
        return len(letters)

    def waiting(self, actor: Actor) -> tuple[int, datetime | None]:
        """How many letters wait, and when the oldest of their events happened. Staff only.

        Raises:
            Unauthenticated, Forbidden: the actor is not staff.
        """
        actor.require(Role.STAFF)
        with self._begin() as uow:
            return uow.outbox.waiting()

    def dead(self, actor: Actor, page_request: OffsetRequest) -> Page[OutboxMessage]:
        """The letters that nobody took, oldest first. Staff only.

        Raises:
            Unauthenticated, Forbidden: the actor is not staff.
        """
        actor.require(Role.STAFF)
        with self._begin() as uow:
            return uow.outbox.dead(page_request)

    def requeue(self, actor: Actor, event_ids: Collection[UUID]) -> int:
        """Try dead letters again from the start; later facts may have arrived before them. Staff only.

        Returns:
            How many of them were dead.

        Raises:
            Unauthenticated, Forbidden: the actor is not staff.
        """
        actor.require(Role.STAFF)
        with self._begin() as uow:
            return uow.outbox.requeue(event_ids, uow.now())

    def _publish(self, letters: Sequence[OutboxMessage], publisher: EventPublisher) -> dict[UUID, Undelivered | None]:
        """What became of every letter that was tried, by its event; None: it arrived."""
        stop = self._clock() + PUBLISH_TIME_MAX
        held_up: set[UUID] = set()
        tried: dict[UUID, Undelivered | None] = {}
        for event in (letter.event for letter in letters):
            if event.subject_id in held_up or self._clock() >= stop:
                held_up.add(event.subject_id)
                continue
            tried[event.id] = None
            try:
                publisher.publish(event)
            except Undelivered as undelivered:
                tried[event.id] = undelivered
                held_up.add(event.subject_id)
        return tried

    def _note(self, letters: Sequence[OutboxMessage], tried: Mapping[UUID, Undelivered | None]) -> None:
        with self._begin() as uow:
            now = uow.now()
            uow.outbox.delivered([event_id for event_id, failure in tried.items() if failure is None])
            uow.outbox.release([letter.event.id for letter in letters if letter.event.id not in tried], now)
            for letter in letters:
                if failure := tried.get(letter.event.id):
                    attempts = letter.attempts + 1
                    if failure.is_final or attempts >= ATTEMPTS_MAX:
                        uow.outbox.give_up(letter.event.id, failure.reason)
                    else:
                        uow.outbox.postpone(letter.event.id, now + retry_delay(attempts), failure.reason)
