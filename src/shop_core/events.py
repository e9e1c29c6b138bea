"""Events: one for each change, in the past tense, written in the transaction of the change.

They are the timeline of each order, and leave the shop through the outbox: see `shop_core.outbox`. The `seq` of an
order's event is the version that the change gave the order, so events are numbered 1, 2, 3 without a gap.
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
"""The newest format of an event. A change of what its fields mean gets the next number; old events keep theirs."""


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
"""The event of each step."""


class OrderEvent(NamedTuple):
    """One change of one order.

    Args:
        id: of the event; receivers recognise duplicates by it.
        seq: the version of the order after it.
        status: of the order after it.
        total: of the order after it.
        at: when.
        actor_id: the account that did it; None for the shop itself.
        actor_role: of that account, at that time; None for the shop itself.
        total_before: of an edit: the total before it.
        format: see `FORMAT`.
        reason: of a cancellation, in words, for people.
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
    reason: str = ""

    @classmethod
    def of(
        cls, event_id: UUID, kind: OrderEventKind, order: Order, actor: Actor, total_before: Money | None = None
    ) -> OrderEvent:
        """The event that `actor` changed `order` to what it is now."""
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
        """What it is about: the events of one subject leave the shop in order."""
        return self.order_id

    @property
    def type(self) -> str:
        """The name of its type, e.g. `order.placed`."""
        return f"order.{self.kind}"


class StockEventKind(StrEnum):
    """What happened without an order."""

    RESERVATION_EXPIRED = "reservation_expired"
    STOCK_SHORT = "stock_short"
    ACCOUNT_ERASED = "account_erased"


class StockEvent(NamedTuple):
    """Something that happened without an order: to a reservation, to the stock of a product, or to an account.

    It has the name of its table, `stock_events`, which had no accounts at first.

    Args:
        id: of the event; receivers recognise duplicates by it.
        subject_id: the reservation that expired, the product that is short, or the account that was erased.
        at: when.
        units: how many were reserved, or how many promised ones are missing now.
        customer_id: whose reservation or account it was.
        actor_id: the account that found units missing, or that erased the account.
        format: see `FORMAT`.
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
        """Only the events of orders are numbered."""
        return 0

    @property
    def type(self) -> str:
        """The name of its type."""
        return self.kind.replace("_", ".", 1)


Event = OrderEvent | StockEvent
"""Any event."""
