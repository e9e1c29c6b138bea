"""The unit of work, put together."""

from __future__ import annotations

from shop_adapters.memory.accounts import MemoryAccounts, MemoryRefreshTokens
from shop_adapters.memory.audit import audit
from shop_adapters.memory.catalog import MemoryProducts
from shop_adapters.memory.categories import MemoryCategories
from shop_adapters.memory.orders import MemoryOrderEvents, MemoryOrders
from shop_adapters.memory.stock import MemoryStock
from shop_adapters.memory.transaction import Transaction
from shop_core.ports import Discrepancy


class MemoryWork:
    """All repositories, on one transaction."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction
        self.accounts = MemoryAccounts(transaction)
        self.refresh_tokens = MemoryRefreshTokens(transaction)
        self.categories = MemoryCategories(transaction)
        self.products = MemoryProducts(transaction)
        self.stock = MemoryStock(transaction)
        self.orders = MemoryOrders(transaction)
        self.order_events = MemoryOrderEvents(transaction)

    def audit(self) -> list[Discrepancy]:
        """Everything that does not add up, in one consistent view."""
        with self._transaction.statement():
            levels = self._transaction.stock.all()
            ledger = self._transaction.ledger.all()
            orders = self._transaction.orders.all()
            events = self._transaction.order_events.all()
        return audit(levels, ledger, orders, events)  # rows are frozen: nobody need wait for the sums
