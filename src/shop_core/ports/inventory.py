"""What remembers stock, and who holds some of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from shop_core.inventory.model import StockLevel, StockMovement
from shop_core.pagination import CursorRequest, Page
from shop_core.reservations.model import ExpiredLine, Reservation, ReservationUsage


class Stock(Protocol):
    """Stock levels and the ledger behind them."""

    def get(self, product_id: UUID) -> StockLevel | None: ...

    def lock(self, product_ids: Iterable[UUID]) -> dict[UUID, StockLevel]:
        """The levels of those products that exist, read after they were locked until the end of this unit of work."""

    def apply(self, movements: Sequence[StockMovement]) -> None:
        """Write movements to the ledger and change the counters by them: the only way in which stock changes.

        Raises:
            ProductNotFound, StockBelowZero, Oversold: a counter cannot change so. The whole unit of work is off.
        """

    def movements(self, product_id: UUID, page_request: CursorRequest) -> Page[StockMovement]:
        """The ledger of a product, newest first."""


class Reservations(Protocol):
    """Units held for customers. Who changes one has locked the stock of all its products: an adapter checks it."""

    def lock_customers(self, customer_ids: Iterable[UUID], now: Callable[[], datetime]) -> dict[UUID, ReservationUsage]:
        """What these customers hold, read after they were locked against reserving more in another unit of work.

        Args:
            now: the time to tell by what is expired, asked for after the lock.
        """

    def add_all(self, reservations: Sequence[Reservation]) -> None: ...

    def get_all(self, reservation_ids: Iterable[UUID]) -> dict[UUID, Reservation]:
        """Those that exist, as they were last stored: see `Reservation.at`."""

    def update_all(self, reservations: Sequence[Reservation]) -> None:
        """Store what became of them.

        Raises:
            LockOrderError: the stock of a product of one of them is not locked.
        """

    def due_lines(self, product_ids: Iterable[UUID], now: datetime) -> list[ExpiredLine]:
        """The lines of these products that are still held although their reservation's time is up at `now`."""

    def release_lines(self, lines: Sequence[ExpiredLine]) -> None:
        """Mark lines as held no more: others needed the units. Their reservations stay as they are."""

    def due(self, now: datetime, limit: int) -> list[Reservation]:
        """Up to `limit` reservations stored as active whose time is up at `now`, longest ago first."""
