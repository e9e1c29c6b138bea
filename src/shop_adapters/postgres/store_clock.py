"""The one clock of all processes: that of the database."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select

from shop_adapters.lock_order import LockOrder
from shop_adapters.postgres.schema import Time
from shop_adapters.postgres.transaction import PreparedStatement, Transaction
from shop_core.ports import Clock

TIME = func.clock_timestamp(type_=Time)
"""The time on it, in a statement; not now(), which stands still at the start of the transaction."""
_TIME = PreparedStatement(select(TIME))


class StoreClock:
    """What time it is for one unit of work: at or after its last lock.

    A statement that ran after a lock may bring the time along, and then asking costs no round trip.

    Args:
        clock: tells the time in the place of the database's, for tests that move it.
    """

    def __init__(self, transaction: Transaction, order: LockOrder, clock: Clock | None) -> None:
        self._transaction = transaction
        self._order = order
        self._clock = clock
        self._noted: tuple[int, datetime] | None = None

    def note(self, time: datetime) -> None:
        """The database said so, in an answer that it began after it had given the last lock."""
        self._noted = self._order.asked, time

    def __call__(self) -> datetime:
        """The time, no earlier than the last lock."""
        if self._clock is not None:
            return self._clock()
        if self._noted is None or self._noted[0] != self._order.asked:
            self.note(self._transaction.value(_TIME))
        assert self._noted is not None
        return self._noted[1]
