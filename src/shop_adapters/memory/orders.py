"""Orders, in memory."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from shop_adapters.listing import orders_of
from shop_adapters.memory.listing import cut
from shop_adapters.memory.transaction import Transaction
from shop_core.orders.comparison import Span, TaggedOrder
from shop_core.orders.model import HOLDS_STOCK, Order, OrderQuery, OrderStatus
from shop_core.orders.sales import DaySales
from shop_core.pagination import Page, PageRequest
from shop_core.ports import OrderActivity


class MemoryOrders:
    """`shop_core.ports.Orders`."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def add_all(self, orders: Sequence[Order]) -> None:
        """Store new orders."""
        transaction = self._transaction
        with transaction.statement():
            transaction.insert(transaction.orders, {order.id: order for order in orders})
            for order in orders:
                transaction.orders_of.extend(order.customer_id, [order.id])

    def get(self, order_id: UUID, customer_id: UUID | None = None) -> Order | None:
        """The order; if a customer is given, only if it belongs to them and they did not delete it."""
        with self._transaction.statement():
            return self._visible(order_id, customer_id)

    def get_all(self, order_ids: Iterable[UUID]) -> dict[UUID, Order]:
        """Those that exist, deleted ones too."""
        ids = set(order_ids)
        with self._transaction.statement():
            return self._transaction.orders.get_all(ids)

    def lock(self, order_id: UUID, customer_id: UUID | None = None) -> Order | None:
        """The same, read after it was locked until the end of this unit of work."""
        self._transaction.lock_order.enter("orders", [order_id])
        with self._transaction.statement():
            if self._visible(order_id, customer_id) is None:
                return None  # an order that is missing or belongs to somebody else is not locked
            self._transaction.claim("orders", (order_id,))
            return self._visible(order_id, customer_id)

    def update(self, order: Order) -> None:
        """Store everything of the order that can change, except its lines; nothing happens if it is not there."""
        names = ("status", "total", "version", "deleted_at", "promotions", "coupons", "includes_tax")
        self._change(order, **{name: getattr(order, name) for name in names})

    def replace_lines(self, order: Order) -> None:
        """Store the order's lines in the place of those that it had; nothing happens if it is not there."""
        self._change(order, lines=order.lines)

    def page(self, query: OrderQuery, page_request: PageRequest) -> Page[Order]:
        """The orders that match `query`."""
        orders = self._transaction.orders
        with self._transaction.statement():
            found = (
                orders.all()
                if query.customer_id is None
                else orders.get_all(self._transaction.orders_of.of(query.customer_id))
            )
        return cut(orders_of(query), filter(query.matches, found.values()), page_request)

    def tag_sums(self, customer_id: UUID, firsts: Sequence[UUID], oldest: UUID) -> list[int]:
        """The tags of a customer's orders by XOR: of those before the first id, and of those from each id on."""
        sums = [0] * (len(firsts) + 1)
        for order in self._all_of(customer_id):
            if order.id >= oldest:
                sums[bisect_right(firsts, order.id)] ^= order.tag
        return sums

    def tags(self, customer_id: UUID, spans: Sequence[Span], limit: int) -> list[TaggedOrder]:
        """The orders of a customer in `spans`, newest first, at most `limit`, without those that they deleted."""
        found = sorted(
            (
                TaggedOrder(order.id, order.tag)
                for order in self._all_of(customer_id)
                if any(span.first <= order.id < span.end for span in spans)
            ),
            reverse=True,
        )
        return found[:limit]

    def _all_of(self, customer_id: UUID) -> list[Order]:
        """Those that they did not delete."""
        with self._transaction.statement():
            found = self._transaction.orders.get_all(self._transaction.orders_of.of(customer_id)).values()
        return [order for order in found if order.deleted_at is None]

    def activity(self, customer_ids: Collection[UUID]) -> dict[UUID, OrderActivity]:
        """What there is of the orders, deleted ones too, of each of these customers who has any."""
        found: dict[UUID, OrderActivity] = {}
        with self._transaction.statement():
            for customer_id in customer_ids:
                if orders := self._transaction.orders.get_all(self._transaction.orders_of.of(customer_id)).values():
                    is_any_open = any(order.status in HOLDS_STOCK for order in orders)
                    found[customer_id] = OrderActivity(max(order.updated_at for order in orders), is_any_open)
        return found

    def sales(self, since: datetime) -> list[DaySales]:
        """The days since then on which something was ordered, in order; cancelled orders do not count."""
        with self._transaction.statement():
            found = [each for each in self._transaction.orders.all().values() if each.created_at >= since]
        by_day: dict[date, list[int]] = {}
        for order in found:
            if order.status is not OrderStatus.CANCELLED:
                by_day.setdefault(order.created_at.astimezone(UTC).date(), []).append(order.total.minor)
        return [DaySales(day, len(totals), sum(totals)) for day, totals in sorted(by_day.items())]

    def _change(self, order: Order, **changed: Any) -> None:
        self._transaction.lock_order.enter("orders", [order.id])
        orders = self._transaction.orders
        with self._transaction.statement():
            self._transaction.claim(orders.name, (order.id,))
            if (stored := orders.get(order.id)) is not None:
                orders.put(order.id, replace(stored, updated_at=order.updated_at, **changed))

    def _visible(self, order_id: UUID, customer_id: UUID | None) -> Order | None:
        order = self._transaction.orders.get(order_id)
        if order is None or customer_id is None:
            return order
        return order if order.customer_id == customer_id and order.deleted_at is None else None
