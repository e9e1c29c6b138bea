"""Stock levels and their ledger, in memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from shop_adapters.listing import MOVEMENTS
from shop_adapters.memory.listing import cut
from shop_adapters.memory.transaction import Transaction
from shop_core.errors import ProductNotFound
from shop_core.inventory.model import EFFECTS, StockLevel, StockMovement
from shop_core.pagination import CursorRequest, Page


class MemoryStock:
    """`shop_core.ports.Stock`."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def get(self, product_id: UUID) -> StockLevel | None:
        """The counters of a product, not locked."""
        with self._transaction.statement():
            return self._transaction.stock.get(product_id)

    def get_all(self, product_ids: Iterable[UUID]) -> dict[UUID, StockLevel]:
        """The levels of those products that exist, not locked."""
        with self._transaction.statement():
            return self._transaction.stock.get_all(product_ids)

    def lock(self, product_ids: Iterable[UUID]) -> dict[UUID, StockLevel]:
        """The levels of those products that exist, read after they were locked until the end of this unit of work."""
        ids = self._transaction.lock_order.enter("stock", product_ids)
        stock = self._transaction.stock
        with self._transaction.statement():
            levels = stock.get_all(ids)
            has_waited = self._transaction.claim(stock.name, levels)
            return stock.get_all(levels) if has_waited else levels

    def try_lock(self, product_ids: Iterable[UUID]) -> tuple[dict[UUID, StockLevel], set[UUID]]:
        """Lock those that no other unit of work has locked; never waits. Their levels, and the ids of the others."""
        stock = self._transaction.stock
        with self._transaction.statement():
            found = stock.get_all(sorted(set(product_ids)))
            free = [product_id for product_id in found if self._transaction.try_claim(stock.name, product_id)]
            self._transaction.lock_order.enter("stock", free)
            return stock.get_all(free), found.keys() - set(free)

    def apply(self, movements: Sequence[StockMovement]) -> None:
        """Write movements to the ledger and change the counters by them: the only way in which stock changes.

        Raises:
            ProductNotFound, StockBelowZero, Oversold: a counter cannot change so. The whole unit of work fails.
        """
        by_product: dict[UUID, list[StockMovement]] = {}
        for movement in movements:
            by_product.setdefault(movement.product_id, []).append(movement)
        stock = self._transaction.stock
        if not self._transaction.has_locked(stock.name, set(by_product)):
            self._transaction.lock_order.enter("stock", by_product)
        with self._transaction.statement():
            self._transaction.claim(stock.name, by_product)
            levels = stock.get_all(by_product)
            if len(levels) < len(by_product):
                raise ProductNotFound(next(product_id for product_id in by_product if product_id not in levels))
            after = {}
            for (product_id, level), its_movements in zip(levels.items(), by_product.values(), strict=True):
                for movement in its_movements:
                    level = level.after(movement)
                after[product_id] = level
            stock.put_all(after)
            self._transaction.ledger.extend_all(by_product)

    def short(self, limit: int) -> list[StockLevel]:
        """Up to `limit` levels with a shortfall, the greatest first."""
        with self._transaction.statement():
            found = [level for level in self._transaction.stock.all().values() if level.shortfall]
        return sorted(found, key=lambda level: (-level.shortfall, level.product_id))[:limit]

    def low_stock_levels(self, product_ids: Iterable[UUID]) -> dict[UUID, int]:
        """The low stock levels of those products that have one."""
        with self._transaction.statement():
            return self._transaction.low_stock_levels.get_all(product_ids)

    def set_low_stock_level(self, product_id: UUID, level: int | None) -> None:
        """Store the low stock level of a product, or that it has none; its stock is locked."""
        self._transaction.lock_order.enter("stock", [product_id])
        levels = self._transaction.low_stock_levels
        with self._transaction.statement():
            self._transaction.claim(self._transaction.stock.name, (product_id,))
            if level is not None:
                levels.put(product_id, level)
            elif levels.get(product_id) is not None:
                levels.remove(product_id)

    def changes_since(self, moments: Mapping[UUID, datetime]) -> dict[UUID, int]:
        """By how many units what is on hand has changed after the moment of each product, counts left aside.

        A product with a count of after its moment is left out.
        """
        changes: dict[UUID, int] = {}
        for product_id, moment in moments.items():
            with self._transaction.statement():
                ledger = self._transaction.ledger.of(product_id)
            later = [movement for movement in ledger if movement.at > moment]
            if not any(movement.is_count for movement in later):
                changes[product_id] = sum(EFFECTS[each.kind].on_hand * each.quantity for each in later)
        return changes

    def movements(self, product_id: UUID, page_request: CursorRequest) -> Page[StockMovement]:
        """The ledger of a product, newest first."""
        with self._transaction.statement():
            movements = self._transaction.ledger.of(product_id)
        return cut(MOVEMENTS, movements, page_request)
