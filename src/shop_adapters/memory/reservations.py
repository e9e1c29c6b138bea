"""Reservations, in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import accumulate
from uuid import UUID

from shop_adapters.listing import RESERVATIONS
from shop_adapters.memory.listing import cut
from shop_adapters.memory.transaction import Transaction
from shop_core.inventory.model import LINES_MAX
from shop_core.pagination import CursorRequest, Page
from shop_core.ports import LockOrderError
from shop_core.reservations.model import (
    ExpiredLine,
    Reservation,
    ReservationQuery,
    ReservationState,
    ReservationUsage,
)


class MemoryReservations:
    """`shop_core.ports.Reservations`."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def lock_customers(self, customer_ids: Iterable[UUID], now: Callable[[], datetime]) -> dict[UUID, ReservationUsage]:
        """What these customers hold, read after they were locked against reserving more in another unit of work."""
        ids = self._transaction.lock_order.enter("customers", customer_ids)
        with self._transaction.statement():
            self._transaction.claim("customers", ids)
        return self._usage(ids, now)

    def try_lock_customers(
        self, customer_ids: Iterable[UUID], now: Callable[[], datetime]
    ) -> tuple[dict[UUID, ReservationUsage], set[UUID]]:
        """The same of those that no other unit of work has locked, and the ids of the others; never waits."""
        ids = set(customer_ids)
        with self._transaction.statement():
            free = [id_ for id_ in sorted(ids) if self._transaction.try_claim("customers", id_)]
        self._transaction.lock_order.enter("customers", free)
        return self._usage(free, now), ids - set(free)

    def _usage(self, ids: Collection[UUID], now: Callable[[], datetime]) -> dict[UUID, ReservationUsage]:
        if not ids:
            return {}
        at, holdings = now(), dict.fromkeys(ids, ReservationUsage())
        with self._transaction.statement():
            for reservation in self._open(ids):
                if not reservation.is_due(at):
                    units = sum(reservation.units.values())
                    holdings[reservation.customer_id] = holdings[reservation.customer_id].adding(units)
        return holdings

    def add_all(self, reservations: Sequence[Reservation]) -> None:
        """Store new reservations."""
        transaction = self._transaction
        with transaction.statement():
            transaction.insert(transaction.reservations, {each.id: _as_stored(each) for each in reservations})
            transaction.open_reservations.put_all({each.id: each.customer_id for each in reservations})

    def get_all(self, reservation_ids: Iterable[UUID]) -> dict[UUID, Reservation]:
        """Those that exist, as they were last stored."""
        requested = list(reservation_ids)
        with self._transaction.statement():
            return self._transaction.reservations.get_all(requested)

    def update_all(self, reservations: Sequence[Reservation]) -> None:
        """Store what became of them; what is not there stays so.

        Raises:
            LockOrderError: the stock of a product of one of them is not locked.
        """
        transaction = self._transaction
        self._check_locked({line.product_id for each in reservations for line in each.lines})
        with transaction.statement():
            for each in reservations:
                if transaction.reservations.get(each.id) is not None:
                    transaction.reservations.put(each.id, _as_stored(each))
                    if each.state is not ReservationState.ACTIVE:
                        transaction.open_reservations.remove(each.id)

    def line_counts(self, reservation_ids: Iterable[UUID]) -> dict[UUID, int]:
        """How many lines those that exist have."""
        return {id_: len(reservation.lines) for id_, reservation in self.get_all(reservation_ids).items()}

    def due_lines(self, product_ids: Iterable[UUID], now: datetime, limit: int) -> list[ExpiredLine]:
        """Up to `limit` lines of these products that are held although their reservation's time is up at `now`.

        By product, then by time, then by reservation.
        """
        requested = set(product_ids)
        with self._transaction.statement():
            due = [reservation for reservation in self._open() if reservation.is_due(now)]
        due.sort(key=_expiry)
        lines = [
            ExpiredLine(reservation.id, reservation.customer_id, product_id, quantity)
            for reservation in due
            for product_id, quantity in reservation.held.items()
            if product_id in requested
        ]
        return sorted(lines, key=lambda line: line.product_id)[:limit]

    def release_lines(self, lines: Sequence[ExpiredLine]) -> None:
        """Mark lines as held no more: others needed the units. Their reservations stay as they are.

        Raises:
            LockOrderError: the stock of one of the products is not locked.
        """
        reservations = self._transaction.reservations
        self._check_locked({line.product_id for line in lines})
        freed = {(line.reservation_id, line.product_id) for line in lines}
        ids = sorted({line.reservation_id for line in lines})
        with self._transaction.statement():
            # All its lines are one row here: another unit of work may release another line of it now.
            self._transaction.claim(reservations.name, ids)
            for key, stored in reservations.get_all(ids).items():
                kept = tuple(
                    line._replace(is_held=line.is_held and (key, line.product_id) not in freed) for line in stored.lines
                )
                reservations.put(key, replace(stored, lines=kept))

    def page(self, query: ReservationQuery, now: datetime, page_request: CursorRequest) -> Page[Reservation]:
        """The reservations that match `query` at `now`, newest first, as they were last stored."""
        with self._transaction.statement():
            found = self._transaction.reservations.all()
        return cut(RESERVATIONS, (each for each in found.values() if query.matches(each, now)), page_request)

    def last_made(self, customer_ids: Collection[UUID]) -> dict[UUID, datetime]:
        """When each of these customers last reserved something; those who never did are left out."""
        with self._transaction.statement():
            found = sorted(self._transaction.reservations.all().values(), key=lambda each: each.created_at)
        return {each.customer_id: each.created_at for each in found if each.customer_id in customer_ids}

    def due(self, now: datetime, limit: int, after: Reservation | None = None) -> list[Reservation]:
        """Up to `limit` reservations stored as active whose time is up at `now`, longest ago first; after that one."""
        with self._transaction.statement():
            due = [each for each in self._open() if each.is_due(now) and (not after or _expiry(each) > _expiry(after))]
        due = sorted(due, key=_expiry)[:limit]
        lines = accumulate(len(reservation.lines) for reservation in due)
        return [reservation for reservation, total in zip(due, lines, strict=True) if total <= LINES_MAX]

    def _open(self, customer_ids: Collection[UUID] | None = None) -> Iterable[Reservation]:
        """Those stored as active, of these customers if any are named."""
        owners = self._transaction.open_reservations.all()
        requested = [key for key, owner in owners.items() if customer_ids is None or owner in customer_ids]
        return self._transaction.reservations.get_all(requested).values()

    def _check_locked(self, product_ids: Collection[UUID]) -> None:
        if not self._transaction.has_locked(self._transaction.stock.name, product_ids):
            raise LockOrderError("a reservation is changed although the stock of its products is not locked")


def _expiry(reservation: Reservation) -> tuple[datetime, UUID]:
    """Reservations expire in this order."""
    return reservation.expires_at, reservation.id


def _as_stored(reservation: Reservation) -> Reservation:
    """When somebody looked at it is not stored."""
    return replace(reservation, seen_at=None)


def units_held(reservations: Iterable[Reservation]) -> Counter[UUID]:
    """Units of each product that these still hold."""
    held: Counter[UUID] = Counter()
    for reservation in reservations:
        held.update(reservation.held)
    return held
