"""What happened to an order, one fact a change: past tense, never changed, written in the transaction of the change.

`seq` is the version that the change gave the order, so the facts of an order are numbered 1, 2, 3 without a gap.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
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


@dataclass(frozen=True, slots=True)
class OrderEvent:
    """One change of one order.

    Args:
        seq: the version of the order after it.
        status: where the order stood after it.
        total: what was to be paid after it.
        at: when.
        actor_id: the account that did it; None for the shop itself.
        actor_role: of that account, at that time; None for the shop itself.
        total_before: of an edit: what was to be paid before it.
        format: the form of this event, see `FORMAT`.
    """

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
    def of(cls, kind: OrderEventKind, order: Order, actor: Actor, total_before: Money | None = None) -> OrderEvent:
        """The fact that `actor` brought `order` to what it is now."""
        return cls(
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
