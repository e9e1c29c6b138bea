"""Events, and the outbox that they leave by, in memory."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Any
from uuid import UUID

from shop_adapters.listing import order_events_of, seq_of
from shop_adapters.memory.listing import cut
from shop_adapters.memory.store import OutboxRow
from shop_adapters.memory.transaction import Transaction
from shop_core.events import Event, OrderEvent
from shop_core.pagination import CursorRequest, OffsetRequest, Page, PageRequest
from shop_core.ports import OutboxMessage


class MemoryEvents:
    """`shop_core.ports.Events`."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def add_all(self, events: Sequence[Event]) -> None:
        """Store new events, and put each into the outbox.

        Raises:
            ValueError: an order has an event with that number already, or the id is taken.
        """
        transaction = self._transaction
        timelines = transaction.order_events
        with transaction.statement():
            for event in events:
                if not isinstance(event, OrderEvent):
                    transaction.insert(transaction.stock_events, {event.id: event})
                    continue
                if any(before.seq == event.seq for before in timelines.of(event.order_id)):
                    raise ValueError(f"order {event.order_id} has an event {event.seq} already")
                timelines.extend(event.order_id, [event])
            transaction.insert(transaction.outbox, {event.id: OutboxRow(OutboxMessage(event)) for event in events})

    def timeline(self, customer_id: UUID, order_id: UUID, page_request: PageRequest) -> Page[OrderEvent]:
        """What happened to that customer's order, oldest first."""
        listing = order_events_of(order_id)
        if isinstance(page_request, CursorRequest) and page_request.cursor is not None:
            seq_of(listing.read(page_request.cursor), order_id)
        with self._transaction.statement():
            events = self._transaction.order_events.of(order_id)
        return cut(listing, (event for event in events if event.customer_id == customer_id), page_request)


class MemoryOutbox:
    """`shop_core.ports.Outbox`."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def take(self, now: datetime, limit: int, hidden_for: timedelta) -> list[OutboxMessage]:
        """Up to `limit` letters that may be tried now, hidden from every other taker until `now + hidden_for`.

        What waits longest comes first. The rows are locked without waiting: what another taker is about to take, or
        to take out, is passed over, together with what comes after it.
        """
        outbox = self._transaction.outbox
        with self._transaction.statement():
            free = (post for subject in self._by_subject() for post in self._free(subject, now))
            taken = {post.letter.event.id: post for post in islice(free, limit)}
            outbox.put_all({event_id: replace(post, due_at=now + hidden_for) for event_id, post in taken.items()})
        letters = [post.letter for post in taken.values()]
        return sorted(letters, key=lambda letter: letter.event.subject_id)  # it is stable

    def delivered(self, event_ids: Collection[UUID]) -> None:
        """These have arrived: they leave the outbox."""
        outbox = self._transaction.outbox
        with self._transaction.statement():
            self._transaction.claim(outbox.name, event_ids)
            for event_id in outbox.get_all(event_ids):
                outbox.remove(event_id)

    def postpone(self, event_id: UUID, until: datetime, error: str) -> None:
        """One attempt more was in vain; the subject's letters wait until then."""
        self._failed(event_id, error, due_at=until)

    def give_up(self, event_id: UUID, error: str) -> None:
        """No attempt will be made any more: the letter is dead, and those after it go on."""
        self._failed(event_id, error, is_dead=True)

    def release(self, event_ids: Collection[UUID], now: datetime) -> None:
        """These were not tried after all: they may be taken again from `now` on."""
        outbox = self._transaction.outbox
        with self._transaction.statement():
            self._transaction.claim(outbox.name, event_ids)
            waiting = {event_id: post for event_id, post in outbox.get_all(event_ids).items() if not post.is_dead}
            outbox.put_all({event_id: replace(post, due_at=now) for event_id, post in waiting.items()})

    def dead(self, page_request: OffsetRequest) -> Page[OutboxMessage]:
        """The dead letters, oldest first: by the id of their event."""
        with self._transaction.statement():
            posts = self._transaction.outbox.all()
        letters = [post.letter for _, post in sorted(posts.items()) if post.is_dead]
        return Page(tuple(letters[page_request.offset : page_request.offset + page_request.limit]), count=len(letters))

    def requeue(self, event_ids: Collection[UUID], now: datetime) -> int:
        """Dead letters that shall be tried again from the start; how many of them there were."""
        outbox = self._transaction.outbox
        with self._transaction.statement():
            self._transaction.claim(outbox.name, event_ids)
            dead = {event_id: post for event_id, post in outbox.get_all(event_ids).items() if post.is_dead}
            outbox.put_all(
                {event_id: OutboxRow(OutboxMessage(post.letter.event), now) for event_id, post in dead.items()}
            )
        return len(dead)

    def waiting(self) -> tuple[int, datetime | None]:
        """How many letters wait, and when the oldest of their events happened."""
        with self._transaction.statement():
            times = [post.letter.event.at for post in self._transaction.outbox.all().values() if not post.is_dead]
        return len(times), min(times, default=None)

    def _by_subject(self) -> list[list[OutboxRow]]:
        """The letters of each subject that are not dead, in order; subjects by when their first is due."""
        subjects: dict[UUID, list[OutboxRow]] = {}
        for _, post in sorted(self._transaction.outbox.all().items()):
            if not post.is_dead:
                subjects.setdefault(post.letter.event.subject_id, []).append(post)
        in_order = [sorted(posts, key=lambda post: post.letter.event.seq) for posts in subjects.values()]
        return sorted(in_order, key=lambda posts: (posts[0].due_at, posts[0].letter.event.id))

    def _free(self, posts: Sequence[OutboxRow], now: datetime) -> Iterator[OutboxRow]:
        """Those up to the first that has to wait, or is in somebody else's hands; locked."""
        for post in posts:
            name, event_id = self._transaction.outbox.name, post.letter.event.id
            if post.due_at > now or not self._transaction.try_claim(name, event_id):
                return
            yield post

    def _failed(self, event_id: UUID, error: str, **changed: Any) -> None:
        outbox = self._transaction.outbox
        with self._transaction.statement():
            self._transaction.claim(outbox.name, (event_id,))
            if (post := outbox.get(event_id)) is not None:
                letter = replace(post.letter, attempts=post.letter.attempts + 1, error=error)
                outbox.put(event_id, replace(post, letter=letter, **changed))
