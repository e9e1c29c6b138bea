"""The unit of work, put together."""

from __future__ import annotations

from datetime import datetime

from shop_adapters.memory.accounts import MemoryAccounts, MemoryRefreshTokens
from shop_adapters.memory.attempts import MemoryAttempts
from shop_adapters.memory.audit import AuditData, audit
from shop_adapters.memory.catalog import MemoryProducts
from shop_adapters.memory.catalog_feed import MemoryCatalogFeed
from shop_adapters.memory.categories import MemoryCategories
from shop_adapters.memory.events import MemoryEvents, MemoryMails, MemoryQueue
from shop_adapters.memory.families import MemoryFamilies
from shop_adapters.memory.keys import MemoryKeys
from shop_adapters.memory.media_files import MemoryMediaFiles
from shop_adapters.memory.orders import MemoryOrders
from shop_adapters.memory.prices import MemoryPrices
from shop_adapters.memory.reservations import MemoryReservations
from shop_adapters.memory.stock import MemoryStock
from shop_adapters.memory.transaction import Transaction
from shop_core.ports import Discrepancy


class MemoryUnitOfWork:
    """All repositories, on one transaction."""

    def __init__(self, transaction: Transaction, includes_tax: bool, has_mail: bool) -> None:
        self._transaction = transaction
        self.accounts = MemoryAccounts(transaction)
        self.refresh_tokens = MemoryRefreshTokens(transaction)
        self.attempts = MemoryAttempts(transaction)
        self.categories = MemoryCategories(transaction)
        self.families = MemoryFamilies(transaction)
        self.products = MemoryProducts(transaction)
        self.catalog_feed = MemoryCatalogFeed(transaction)
        self.media_files = MemoryMediaFiles(transaction)
        self.prices = MemoryPrices(transaction, includes_tax)
        self.stock = MemoryStock(transaction)
        self.orders = MemoryOrders(transaction)
        self.outbox = MemoryQueue(transaction, transaction.outbox)
        self.mails = MemoryMails(transaction, transaction.mails)
        self.events = MemoryEvents(transaction, self.mails if has_mail else None)
        self.keys = MemoryKeys(transaction)
        self.reservations = MemoryReservations(transaction)

    def now(self) -> datetime:
        """The time on the clock that the adapters were given."""
        return self._transaction.now()

    def try_lock_task(self, task: str) -> bool:
        """Lock a task until the end of this unit of work; False if another one has it. Never waits."""
        with self._transaction.statement():
            return self._transaction.try_claim("tasks", task)

    def audit(self) -> list[Discrepancy]:
        """All records that contradict each other, in one consistent view."""
        transaction = self._transaction
        with transaction.statement():
            books = AuditData(
                transaction.stock.all(),
                transaction.ledger.all(),
                transaction.orders.all(),
                transaction.order_events.all(),
                transaction.reservations.all(),
                transaction.keys.all(),
                transaction.uses.all(),
                transaction.redemptions.all(),
            )
        return audit(books)  # rows are frozen: nobody need wait for the sums
