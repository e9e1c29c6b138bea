"""Mails that wait to be sent, and messages, which say what a mail is to tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from shop_core.events import OrderEvent, OrderEventKind
from shop_core.orders.model import Order


class MailKind(StrEnum):
    """What a mail is about."""

    PASSWORD_RESET = "password_reset"
    EMAIL_CONFIRMATION = "email_confirmation"
    ORDER_PLACED = "order_placed"
    ORDER_SHIPPED = "order_shipped"
    ORDER_CANCELLED = "order_cancelled"


_KIND_OF = {
    OrderEventKind.PLACED: MailKind.ORDER_PLACED,
    OrderEventKind.SHIPPED: MailKind.ORDER_SHIPPED,
    OrderEventKind.CANCELLED: MailKind.ORDER_CANCELLED,
}


class Mail(NamedTuple):
    """A mail that is still to be sent.

    Args:
        at: when what it reports happened, or was asked for.
        account_id: whose mail it is; None: of whoever has confirmed `address`. If several have, a mail for each takes
            its place when it is to be sent.
        address: that is to be confirmed; or that somebody entered who forgot their password, as `comparable` has it.
    """

    id: UUID
    kind: MailKind
    at: datetime
    account_id: UUID | None = None
    address: str = ""
    order_id: UUID | None = None

    @property
    def subject_id(self) -> UUID:
        """Itself: mails have no order among themselves."""
        return self.id

    @property
    def type(self) -> str:
        """The name of its type."""
        return f"mail.{self.kind}"

    @property
    def seq(self) -> int:
        """Mails are not numbered."""
        return 0


def mails_about(events: Sequence[OrderEvent]) -> list[Mail]:
    """The mails that tell customers of what happened to their orders; each has the id of its event."""
    return [
        Mail(event.id, _KIND_OF[event.kind], event.at, event.customer_id, order_id=event.order_id)
        for event in events
        if event.kind in _KIND_OF
    ]


@dataclass(frozen=True, slots=True)
class MailMessage:
    """What is to be said to whom. How it is said is the mailer's.

    Args:
        id: the same whenever this is sent again.
        to: the address.
        name: how to address the reader.
        username: of the account.
        code: that was asked for, good until `expires_at`.
        order: that it is about.
    """

    id: str
    kind: MailKind
    at: datetime
    to: str
    name: str
    username: str
    code: str = field(default="", repr=False)
    expires_at: datetime | None = None
    order: Order | None = None
