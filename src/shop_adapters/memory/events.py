"""Events, and the queues of what is to leave the shop, in memory."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Generic
from uuid import UUID

from shop_adapters.listing import order_events_of, seq_of
from shop_adapters.memory.listing import cut
from shop_adapters.memory.store import OutboxRow, Table
from shop_adapters.memory.transaction import Transaction
from shop_core.events import Event, OrderEvent
from shop_core.mail.model import Mail, mails_about
from shop_core.pagination import CursorRequest, OffsetRequest, Page, PageRequest
from shop_core.ports import Mails, Queued
from shop_core.ports.events import M


class MemoryEvents:
    """`shop_core.ports.Events`."""

    def __init__(self, transaction: Transaction, mails: Mails | None = None) -> None:
        self._transaction = transaction
        self._mails = mails

    def add_all(self, events: Sequence[Event]) -> None:
        """Store new events, put each into the outbox, and queue the mails about them, if there are any.

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
                earlier = timelines.of(event.order_id)
                if earlier and event.seq in {each.seq for each in earlier}:
                    raise ValueError(f"order {event.order_id} has an event {event.seq} already")
                timelines.extend(event.order_id, [event])
            transaction.insert(transaction.outbox, {event.id: OutboxRow(Queued(event)) for event in events})
        if self._mails is not None:
            self._mails.add_all(mails_about([event for event in events if isinstance(event, OrderEvent)]))

    def timeline(self, customer_id: UUID, order_id: UUID, page_request: PageRequest) -> Page[OrderEvent]:
        """What happened to that customer's order, oldest first."""
        listing = order_events_of(order_id)
        if isinstance(page_request, CursorRequest) and page_request.cursor is not None:
            seq_of(listing.read(page_request.cursor), order_id)
        with self._transaction.statement():
            events = self._transaction.order_events.of(order_id)
        return cut(listing, (event for event in events if event.customer_id == customer_id), page_request)

    def reasons(self, before: datetime) -> dict[UUID, tuple[int, datetime]]:
        """How many events from before then have words, by customer, and when the first of them happened."""
        with self._transaction.statement():
            timelines = self._transaction.order_events.all().values()
        found: dict[UUID, tuple[int, datetime]] = {}
        for event in (event for timeline in timelines for event in timeline if event.reason and event.at < before):
            count, first_at = found.get(event.customer_id, (0, event.at))
            found[event.customer_id] = count + 1, min(first_at, event.at)
        return found

    def erase_reasons(self, customer_id: UUID, before: datetime | None = None) -> None:
        """Erase the words of the events of all orders of a customer, also where they wait to be published."""
        transaction = self._transaction

        def is_to_go(event: OrderEvent) -> bool:
            return bool(event.reason) and (before is None or event.at < before)

        with transaction.statement():
            for order_id in transaction.orders_of.of(customer_id):
                events = transaction.order_events.of(order_id)
                kept = [event._replace(reason="") if is_to_go(event) else event for event in events]
                transaction.order_events.rewrite(order_id, kept)
            for event_id, row in transaction.outbox.all().items():
                event = row.message.event
                if isinstance(event, OrderEvent) and event.customer_id == customer_id and is_to_go(event):
                    transaction.claim(transaction.outbox.name, (event_id,))
                    message = row.message._replace(event=event._replace(reason=""))
                    transaction.outbox.put(event_id, row._replace(message=message))


class MemoryQueue(Generic[M]):
    """`shop_core.ports.Queue`."""

    def __init__(self, transaction: Transaction, rows: Table[UUID, OutboxRow[M]]) -> None:
        self._transaction = transaction
        self._rows = rows

    def take(self, now: datetime, limit: int, hidden_for: timedelta) -> list[Queued[M]]:
        """Up to `limit` messages that are due, hidden from all other relays until `now + hidden_for`.

        Those that wait longest come first. Rows are locked without waiting: what another relay is about to take or to
        delete is skipped, together with what comes after it.
        """
        outbox = self._rows
        with self._transaction.statement():
            free = (row for subject in self._by_subject() for row in self._free(subject, now))
            taken = {row.message.event.id: row for row in islice(free, limit)}
            outbox.put_all({event_id: row._replace(due_at=now + hidden_for) for event_id, row in taken.items()})
        messages = [row.message for row in taken.values()]
        return sorted(messages, key=lambda message: message.event.subject_id)  # it is stable

    def delivered(self, event_ids: Collection[UUID]) -> None:
        """These have arrived: they leave the outbox."""
        outbox = self._rows
        with self._transaction.statement():
            self._transaction.claim(outbox.name, event_ids)
            for event_id in outbox.get_all(event_ids):
                outbox.remove(event_id)

    def postpone(self, event_id: UUID, until: datetime, error: str) -> None:
        """An attempt failed: the messages of the subject wait until then."""
        self._failed(event_id, error, due_at=until)

    def give_up(self, event_id: UUID, error: str) -> None:
        """No further attempts: the message is dead, and those after it go on."""
        self._failed(event_id, error, is_dead=True)

    def release(self, event_ids: Collection[UUID], now: datetime) -> None:
        """These were not tried after all: they may be taken again from `now` on."""
        outbox = self._rows
        with self._transaction.statement():
            self._transaction.claim(outbox.name, event_ids)
            waiting = {event_id: row for event_id, row in outbox.get_all(event_ids).items() if not row.is_dead}
            outbox.put_all({event_id: row._replace(due_at=now) for event_id, row in waiting.items()})

    def dead(self, page_request: OffsetRequest) -> Page[Queued[M]]:
        """The dead messages, oldest first: by the id of their event."""
        with self._transaction.statement():
            rows = self._rows.all()
        messages = [row.message for _, row in sorted(rows.items()) if row.is_dead]
        return Page(
            tuple(messages[page_request.offset : page_request.offset + page_request.limit]), count=len(messages)
        )

    def requeue(self, event_ids: Collection[UUID], now: datetime) -> int:
        """Try dead messages again from the start; returns how many of them were dead."""
        outbox = self._rows
        with self._transaction.statement():
            self._transaction.claim(outbox.name, event_ids)
            dead = {event_id: row for event_id, row in outbox.get_all(event_ids).items() if row.is_dead}
            outbox.put_all({event_id: OutboxRow(Queued(row.message.event), now) for event_id, row in dead.items()})
        return len(dead)

    def count_dead(self, before: datetime) -> tuple[int, datetime | None]:
        """How many dead messages are about something before then, and when the first of it happened."""
        times = [row.message.event.at for row in self._dead_before(before).values()]
        return len(times), min(times, default=None)

    def delete_dead(self, before: datetime, limit: int) -> int:
        """Delete dead messages about something before then, no more than `limit`; returns how many."""
        with self._transaction.statement():
            found = sorted(self._dead_before(before))[:limit]
            self._transaction.claim(self._rows.name, found)
            dead = [event_id for event_id in found if event_id in self._dead_before(before)]  # as they are by now
            for event_id in dead:
                self._rows.remove(event_id)
        return len(dead)

    def waiting(self) -> tuple[int, datetime | None]:
        """How many messages wait, and when the oldest of their events happened."""
        with self._transaction.statement():
            times = [row.message.event.at for row in self._rows.all().values() if not row.is_dead]
        return len(times), min(times, default=None)

    def _dead_before(self, before: datetime) -> dict[UUID, OutboxRow[M]]:
        with self._transaction.statement():
            rows = self._rows.all()
        return {event_id: row for event_id, row in rows.items() if row.is_dead and row.message.event.at < before}

    def _by_subject(self) -> list[list[OutboxRow[M]]]:
        """The messages of each subject that are not dead, in order; subjects by when their first is due."""
        subjects: dict[UUID, list[OutboxRow[M]]] = {}
        for _, row in sorted(self._rows.all().items()):
            if not row.is_dead:
                subjects.setdefault(row.message.event.subject_id, []).append(row)
        in_order = [sorted(rows, key=lambda row: row.message.event.seq) for rows in subjects.values()]
        return sorted(in_order, key=lambda rows: (rows[0].due_at, rows[0].message.event.id))

    def _free(self, rows: Sequence[OutboxRow[M]], now: datetime) -> Iterator[OutboxRow[M]]:
        """Those before the first that has to wait or is locked by another relay; now locked."""
        for row in rows:
            name, event_id = self._rows.name, row.message.event.id
            if row.due_at > now or not self._transaction.try_claim(name, event_id):
                return
            yield row

    def _failed(self, event_id: UUID, error: str, **changed: Any) -> None:
        outbox = self._rows
        with self._transaction.statement():
            self._transaction.claim(outbox.name, (event_id,))
            if (row := outbox.get(event_id)) is not None:
                message = row.message._replace(attempts=row.message.attempts + 1, error=error)
                outbox.put(event_id, row._replace(message=message, **changed))


class MemoryMails(MemoryQueue[Mail]):
    """`shop_core.ports.Mails`."""

    def add_all(self, mails: Sequence[Mail]) -> None:
        """Add mails that are due at once, but those that are there already."""
        with self._transaction.statement():
            self._transaction.claim(self._rows.name, [mail.id for mail in mails])
            there = self._rows.get_all([mail.id for mail in mails])
            self._rows.put_all({mail.id: OutboxRow(Queued(mail)) for mail in mails if mail.id not in there})

    def erase_all(self, account_id: UUID, address: str) -> None:
        """Forget the mails of an account, and those to whoever has confirmed an address."""
        with self._transaction.statement():
            for mail_id, row in self._rows.all().items():
                mail = row.message.event
                if mail.account_id == account_id or (address and mail.account_id is None and mail.address == address):
                    self._transaction.claim(self._rows.name, (mail_id,))
                    self._rows.remove(mail_id)
