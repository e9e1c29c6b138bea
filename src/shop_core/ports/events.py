"""Storage of events and the outbox, and publishing."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Generic, NamedTuple, Protocol, TypeVar
from uuid import UUID

from shop_core.events import Event, OrderEvent
from shop_core.mail.model import Mail, MailMessage
from shop_core.pagination import OffsetRequest, Page, PageRequest


class Events(Protocol):
    """Events are added, never changed or deleted, but for `erase_reasons`."""

    def add_all(self, events: Sequence[Event]) -> None:
        """Store new events, and queue what follows from them: if the shop has an outbox, a message for each; if it has
        mail, the mails to the customers of the orders; see `shop_core.mail.model.mails_about`.
        """

    def timeline(self, customer_id: UUID, order_id: UUID, page_request: PageRequest) -> Page[OrderEvent]:
        """What happened to that customer's order, oldest first."""

    def reasons(self, before: datetime) -> dict[UUID, tuple[int, datetime]]:
        """How many events from before then have words, by customer, and when the first of them happened."""

    def erase_reasons(self, customer_id: UUID, before: datetime | None = None) -> None:
        """Erase the words of the events of all orders of a customer; of those from before then, if it is given."""


class Message(Protocol):
    """What a queue holds: an event, or a mail."""

    @property
    def id(self) -> UUID: ...

    @property
    def subject_id(self) -> UUID: ...

    @property
    def seq(self) -> int: ...

    @property
    def at(self) -> datetime: ...


M = TypeVar("M", bound=Message)
C = TypeVar("C", bound=Message, contravariant=True)


class Queued(NamedTuple, Generic[M]):
    """An event, or a mail, on its way out.

    Args:
        event: or the mail.
        attempts: how many failed.
        error: of the last failed attempt.
    """

    event: M
    attempts: int = 0
    error: str = ""


OutboxMessage = Queued[Event]


class Queue(Protocol[M]):
    """What is still to be published, and what could not be."""

    def take(self, now: datetime, limit: int, hidden_for: timedelta) -> list[Queued[M]]:
        """Up to about `limit` messages that are due, hidden from all other relays until `now + hidden_for`.

        Those of one subject come in order (by `seq`, then by id), and none of a subject whose first message has to wait
        or was taken by another relay. If a relay dies, others take its messages once they are no longer hidden.
        """

    def delivered(self, event_ids: Collection[UUID]) -> None:
        """These have arrived: they leave the outbox."""

    def postpone(self, event_id: UUID, until: datetime, error: str) -> None:
        """An attempt failed: the messages of the subject wait until then."""

    def give_up(self, event_id: UUID, error: str) -> None:
        """No further attempts: the message is dead, and those after it go on."""

    def release(self, event_ids: Collection[UUID], now: datetime) -> None:
        """These were not tried after all: they may be taken again from `now` on."""

    def dead(self, page_request: OffsetRequest) -> Page[Queued[M]]:
        """The dead messages, oldest first."""

    def requeue(self, event_ids: Collection[UUID], now: datetime) -> int:
        """Try dead messages again from the start; returns how many of them were dead."""

    def count_dead(self, before: datetime) -> tuple[int, datetime | None]:
        """How many dead messages are about something before then, and when the first of it happened."""

    def delete_dead(self, before: datetime, limit: int) -> int:
        """Delete dead messages about something before then, no more than `limit`; returns how many."""

    def waiting(self) -> tuple[int, datetime | None]:
        """How many messages wait, and when the oldest of their events happened."""


class Outbox(Queue[Event], Protocol):
    """The events that are still to be published, and those that could not be."""


class Mails(Queue[Mail], Protocol):
    """The mails that are still to be sent, and those that could not be. They have no order."""

    def add_all(self, mails: Sequence[Mail]) -> None:
        """Add mails that are due at once, but those that are there already."""

    def erase_all(self, account_id: UUID, address: str) -> None:
        """Forget the mails of an account, and those to whoever has confirmed an address, as `Mail.address` has it."""


class Publisher(Protocol[C]):
    """Where messages of a queue go."""

    def publish(self, event: C, /) -> None:
        """Publish it. The same one may come again: receivers compare the id.

        Raises:
            Undelivered: it did not arrive, or that is unknown.
            ReceiverGone: it did not arrive, and no other one will.
        """


class EventPublisher(Publisher[Event], Protocol):
    """Where events go: a log, a webhook, a queue."""


class Mailer(Protocol):
    """Writes messages and sends them."""

    def send(self, message: MailMessage) -> None:
        """Send it, within 15 seconds. The same message may come again: it has the same id.

        Raises:
            Undelivered: it did not arrive, or that is unknown.
        """


class Undelivered(Exception):
    """An event did not arrive.

    Args:
        reason: in one line.
        is_final: trying again is useless.
    """

    def __init__(self, reason: str, *, is_final: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.is_final = is_final


class ReceiverGone(Undelivered):
    """The receiver takes nothing any more: all messages wait until it does, and no attempt is counted."""
