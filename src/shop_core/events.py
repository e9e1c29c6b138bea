"""What happened, one fact a change: past tense, never changed, written in the transaction of the change.

They are the timeline of each order, and they leave the shop through the outbox: see `shop_core.relay`. The `seq` of an
order's fact is the version that the change gave the order, so they are numbered 1, 2, 3 without a gap.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from shop_core.accounts.model import Actor, Role
from shop_core.money import Money
from shop_core.orders.model import Order, OrderStatus, Step

FORMAT = 1
"""The newest form of an event. A change of what its fields mean gets the next number; old events keep theirs."""


class OrderEventKind(StrEnum):
    """What happened."""

    PLACED = "placed"
    EDITED = "edited"
    CONFIRMED = "confirmed"
    SHIPPED = "shipped"
    DELIVERED = "delivered"
    CANCELLED = "cancelled"
    DELETED = "deleted"


EVENT_OF = {
    Step.EDIT: OrderEventKind.EDITED,
    Step.CONFIRM: OrderEventKind.CONFIRMED,
    Step.SHIP: OrderEventKind.SHIPPED,
    Step.DELIVER: OrderEventKind.DELIVERED,
    Step.CANCEL: OrderEventKind.CANCELLED,
    Step.DELETE: OrderEventKind.DELETED,
}
"""The fact that each step leaves behind."""


class OrderEvent(NamedTuple):
    """One change of one order.

    Args:
        id: of the event; who gets it twice can tell by that.
        seq: the version of the order after it.
        status: where the order stood after it.
        total: what was to be paid after it.
        at: when.
        actor_id: the account that did it; None for the shop itself.
        actor_role: of that account, at that time; None for the shop itself.
        total_before: of an edit: what was to be paid before it.
        format: the form of this event, see `FORMAT`.
    """

    id: UUID
    customer_id: UUID
    order_id: UUID
    seq: int
    kind: OrderEventKind
    status: OrderStatus
    total: Money
    at: datetime
    actor_id: UUID | None = None
    actor_role: Role | None = None
    total_before: Money | None = None
    format: int = FORMAT

    @classmethod
    def of(
        cls, event_id: UUID, kind: OrderEventKind, order: Order, actor: Actor, total_before: Money | None = None
    ) -> OrderEvent:
        """The fact that `actor` brought `order` to what it is now."""
        return cls(
            event_id,
            order.customer_id,
            order.id,
            order.version,
            kind,
            order.status,
            order.total,
            order.updated_at,
            actor.id,
            actor.role if actor.id else None,
            total_before,
        )

    @property
    def subject_id(self) -> UUID:
        """What it is about: the facts of one subject leave the shop in order."""
        return self.order_id

    @property
    def type(self) -> str:
        """What others know it by, e.g. `order.placed`."""
        return f"order.{self.kind}"


class StockEventKind(StrEnum):
    """What happened to stock without an order."""

    RESERVATION_EXPIRED = "reservation_expired"
    STOCK_SHORT = "stock_short"


class StockEvent(NamedTuple):
    """Something about stock that others may have to act on.

    Args:
        id: of the event; who gets it twice can tell by that.
        subject_id: the reservation that expired, or the product that is short.
        at: when.
        units: how many were held, or how many promised ones are missing now.
        customer_id: whose reservation it was.
        actor_id: the account that found units missing.
        format: the form of this event, see `FORMAT`.
    """

    id: UUID
    kind: StockEventKind
    subject_id: UUID
    at: datetime
    units: int
    customer_id: UUID | None = None
    actor_id: UUID | None = None
    format: int = FORMAT

    @property
    def seq(self) -> int:
        """Only the facts of orders are numbered."""
        return 0

    @property
    def type(self) -> str:
        """What others know it by."""
        return "reservation.expired" if self.kind is StockEventKind.RESERVATION_EXPIRED else "stock.short"


Event = OrderEvent | StockEvent
"""A fact."""
