"""Storage of orders and idempotency keys."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol
from uuid import UUID

from shop_core.idempotency import CustomerKey, KeyClaim
from shop_core.orders.comparison import Span, TaggedOrder
from shop_core.orders.model import Order, OrderQuery
from shop_core.orders.sales import DaySales
from shop_core.pagination import Page, PageRequest


class OrderActivity(NamedTuple):
    """What there is of the orders of a customer.

    Args:
        changed_at: when one of them last changed.
        is_any_open: whether one of them still holds stock.
    """

    changed_at: datetime
    is_any_open: bool


class Orders(Protocol):
    """Placed orders. The customer leads every key, so callers name the customer where they know them."""

    def add_all(self, orders: Sequence[Order]) -> None: ...

    def get(self, order_id: UUID, customer_id: UUID | None = None) -> Order | None:
        """The order, never half of an edit. With a customer: only if it is theirs and they did not delete it."""

    def get_all(self, order_ids: Iterable[UUID]) -> dict[UUID, Order]:
        """Those that exist, deleted ones too."""

    def lock(self, order_id: UUID, customer_id: UUID | None = None) -> Order | None:
        """The same as `get`, read after it was locked until the end of this unit of work."""

    def update(self, order: Order) -> None:
        """Store everything of the order that can change, except its lines."""

    def replace_lines(self, order: Order) -> None:
        """Replace the lines of the order."""

    def page(self, query: OrderQuery, page_request: PageRequest) -> Page[Order]:
        """The orders that match `query`, newest or oldest first."""

    def tag_sums(self, customer_id: UUID, firsts: Sequence[UUID], oldest: UUID) -> list[int]:
        """The tags of a customer's orders by XOR: of those before the first id, and of those from each id on.

        Args:
            customer_id: whose; orders that they deleted do not count.
            firsts: ids, sorted.
            oldest: older orders do not count.
        """

    def tags(self, customer_id: UUID, spans: Sequence[Span], limit: int) -> list[TaggedOrder]:
        """The orders of a customer in `spans`, newest first, at most `limit`, without those that they deleted."""

    def activity(self, customer_ids: Collection[UUID]) -> dict[UUID, OrderActivity]:
        """What there is of the orders, deleted ones too, of each of these customers who has any."""

    def sales(self, since: datetime) -> list[DaySales]:
        """The days since then on which something was ordered, in order; cancelled orders do not count."""


class Keys(Protocol):
    """Which idempotency key stands for what. They never expire; they go with the account."""

    def claim(self, claims: Sequence[KeyClaim], *, wait: bool = True) -> dict[CustomerKey, KeyClaim]:
        """Store each claim whose key is free. Pass one claim for each key.

        If another unit of work is storing the same key, this waits for it.

        Args:
            wait: if False, it waits for a moment at most.

        Returns:
            The earlier claims of keys that are not free; they stay as they are.

        Raises:
            Busy: it would have to wait for longer. Nothing more can be done in this unit of work.
        """

    def forget(self, claims: Sequence[KeyClaim]) -> None:
        """Free keys that this unit of work claimed: their requests were refused."""

    def erase_all(self, customer_id: UUID) -> None:
        """Delete every key of a customer."""
