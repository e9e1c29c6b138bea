"""Orders, in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from shop_adapters.listing import ORDERS
from shop_adapters.memory.listing import cut
from shop_adapters.memory.transaction import Transaction
from shop_core.orders.model import Order
from shop_core.pagination import Page, Piece


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
        """The order; only if it is that customer's, when one is given."""
        with self._transaction.statement():
            return self._visible(order_id, customer_id)

    def lock(self, order_id: UUID, customer_id: UUID | None = None) -> Order | None:
        """The same, read after it was locked until the end of this unit of work."""
        self._transaction.lock_order.check("orders", [order_id])
        with self._transaction.statement():
            if self._visible(order_id, customer_id) is None:
                return None  # what is not there, or not his, is not locked either
            self._transaction.claim("orders", (order_id,))
            return self._visible(order_id, customer_id)

    def update(self, order: Order) -> None:
        """Store the order's new status, version and time; nothing happens if it is not there."""
        self._transaction.lock_order.check("orders", [order.id])
        orders = self._transaction.orders
        with self._transaction.statement():
            self._transaction.claim(orders.name, (order.id,))
            if (stored := orders.get(order.id)) is not None:
                changed = replace(stored, status=order.status, version=order.version, updated_at=order.updated_at)
                orders.put(order.id, changed)

    def page(self, customer_id: UUID, piece: Piece) -> Page[Order]:
        """A customer's orders, newest first."""
        with self._transaction.statement():
            orders = self._transaction.orders.get_all(self._transaction.orders_of.of(customer_id))
        return cut(ORDERS, orders.values(), piece)

    def _visible(self, order_id: UUID, customer_id: UUID | None) -> Order | None:
        order = self._transaction.orders.get(order_id)
        return order if order is not None and customer_id in (None, order.customer_id) else None
