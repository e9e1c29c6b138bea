"""Storage of stock and reservations."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from shop_core.inventory.model import StockLevel, StockMovement
from shop_core.pagination import CursorRequest, Page
from shop_core.reservations.model import ExpiredLine, Reservation, ReservationQuery, ReservationUsage


class Stock(Protocol):
    """Stock levels and the ledger behind them."""

    def get(self, product_id: UUID) -> StockLevel | None: ...

    def get_all(self, product_ids: Iterable[UUID]) -> dict[UUID, StockLevel]:
        """The levels of those products that exist, not locked."""

    def lock(self, product_ids: Iterable[UUID]) -> dict[UUID, StockLevel]:
        """The levels of those products that exist, read after they were locked until the end of this unit of work."""

    def try_lock(self, product_ids: Iterable[UUID]) -> tuple[dict[UUID, StockLevel], set[UUID]]:
        """Lock those that no other unit of work has locked; never waits.

        Returns:
            Their levels, and the ids of the products that others have locked.
        """

    def apply(self, movements: Sequence[StockMovement]) -> None:
        """Write movements to the ledger and change the counters by them: the only way in which stock changes.

        Raises:
            ProductNotFound, StockBelowZero, Oversold: a counter cannot change so. The whole unit of work fails.
        """

    def short(self, limit: int) -> list[StockLevel]:
        """Up to `limit` levels with a shortfall, the greatest first."""

    def low_stock_levels(self, product_ids: Iterable[UUID]) -> dict[UUID, int]:
        """The low stock levels of those products that have one."""

    def set_low_stock_level(self, product_id: UUID, level: int | None) -> None:
        """Store the low stock level of a product, or that it has none; its stock is locked."""

    def changes_since(self, moments: Mapping[UUID, datetime]) -> dict[UUID, int]:
        """By how many units what is on hand has changed after the moment of each product, counts left aside.

        A product with a count of after its moment is left out: that count has the last word.
        """

    def movements(self, product_id: UUID, page_request: CursorRequest) -> Page[StockMovement]:
        """The ledger of a product, newest first."""


class Reservations(Protocol):
    """Units reserved for customers. The stock of all products is locked before one changes: an adapter checks it."""

    def lock_customers(self, customer_ids: Iterable[UUID], now: Callable[[], datetime]) -> dict[UUID, ReservationUsage]:
        """What these customers have reserved, read after they were locked against other units of work that reserve.

        Args:
            now: tells what has expired; called after the lock.
        """

    def try_lock_customers(
        self, customer_ids: Iterable[UUID], now: Callable[[], datetime]
    ) -> tuple[dict[UUID, ReservationUsage], set[UUID]]:
        """The same of those that no other unit of work has locked, and the ids of the others; never waits for a row."""

    def add_all(self, reservations: Sequence[Reservation]) -> None: ...

    def get_all(self, reservation_ids: Iterable[UUID]) -> dict[UUID, Reservation]:
        """Those that exist, as they were last stored: see `Reservation.at`."""

    def line_counts(self, reservation_ids: Iterable[UUID]) -> dict[UUID, int]:
        """How many lines those that exist have."""

    def update_all(self, reservations: Sequence[Reservation]) -> None:
        """Store changed reservations.

        Raises:
            LockOrderError: the stock of a product of one of them is not locked.
        """

    def due_lines(self, product_ids: Iterable[UUID], now: datetime, limit: int) -> list[ExpiredLine]:
        """Up to `limit` lines of these products that reservations still hold although they have expired at `now`."""

    def release_lines(self, lines: Sequence[ExpiredLine]) -> None:
        """Mark lines as no longer held: others need the units. Their reservations stay as they are."""

    def page(self, query: ReservationQuery, now: datetime, page_request: CursorRequest) -> Page[Reservation]:
        """The reservations that match `query` at `now`, newest first, as they were last stored."""

    def last_made(self, customer_ids: Collection[UUID]) -> dict[UUID, datetime]:
        """When each of these customers last reserved something; those who never did are left out."""

    def due(self, now: datetime, limit: int, after: Reservation | None = None) -> list[Reservation]:
        """Up to `limit` reservations stored as active that have expired at `now`, longest ago first.

        Together they have at most `LINES_MAX` lines.

        Args:
            after: only those that come after this one in that order, whatever became of it; None: all.
        """
