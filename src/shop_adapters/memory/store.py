"""What is committed, and how one unit of work sees it together with its own changes."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from threading import Condition
from typing import Generic, NamedTuple, TypeVar
from uuid import UUID

from shop_adapters.memory.feed_record import FeedRecord
from shop_adapters.memory.locks import RowLocks
from shop_core.accounts.model import Account
from shop_core.accounts.sessions import RefreshToken
from shop_core.catalog.families import Family
from shop_core.catalog.images import MediaKey
from shop_core.catalog.model import Category, Options, Product
from shop_core.events import Event, OrderEvent, StockEvent
from shop_core.idempotency import CustomerKey, KeyClaim
from shop_core.inventory.model import StockLevel, StockMovement
from shop_core.mail.model import Mail
from shop_core.orders.model import Order
from shop_core.ports import Clock, Queued
from shop_core.ports.events import M
from shop_core.pricing.coupons import Coupon, Redemption
from shop_core.pricing.model import Promotion
from shop_core.pricing.taxes import TaxRate
from shop_core.reservations.model import Reservation

K = TypeVar("K", bound=Hashable)
R = TypeVar("R")

ALWAYS_DUE = datetime.min.replace(tzinfo=UTC)


class OutboxRow(NamedTuple, Generic[M]):
    """A message in a queue.

    Args:
        due_at: no relay may take it before.
        is_dead: no relay may take it at all.
    """

    message: Queued[M]
    due_at: datetime = ALWAYS_DUE
    is_dead: bool = False


class Store:
    """Everything that is committed. The mutex guards every access; rows are frozen values and are only replaced.

    Args:
        lock_timeout_s: how long a unit of work waits for rows that others have locked, in seconds.
        clock: by which things expire.
        mutex: the condition to wait on, for tests that want to know who waits.
    """

    def __init__(self, lock_timeout_s: float, clock: Clock, mutex: Condition | None = None) -> None:
        self.clock = clock
        self.mutex = mutex or Condition()
        self.commits = 0
        self.locks = RowLocks(self.mutex, lock_timeout_s)
        self.accounts: dict[UUID, tuple[Account, str]] = {}
        self.usernames: dict[str, UUID] = {}
        self.tokens: dict[bytes, RefreshToken] = {}
        self.sessions: dict[UUID, list[bytes]] = {}
        self.attempts: dict[bytes, datetime] = {}
        self.categories: dict[UUID, Category] = {}
        self.slugs: dict[str, UUID] = {}
        self.products: dict[UUID, Product] = {}
        self.skus: dict[str, UUID] = {}
        self.families: dict[UUID, Family] = {}
        self.options: dict[tuple[UUID, Options], UUID] = {}
        self.media_files: dict[MediaKey, tuple[datetime, ...]] = {}
        self.feed = FeedRecord(clock())
        self.stock: dict[UUID, StockLevel] = {}
        self.low_stock_levels: dict[UUID, int] = {}
        self.ledger: dict[UUID, list[StockMovement]] = {}
        self.orders: dict[UUID, Order] = {}
        self.orders_of: dict[UUID, list[UUID]] = {}
        self.order_events: dict[UUID, list[OrderEvent]] = {}
        self.stock_events: dict[UUID, StockEvent] = {}
        self.outbox: dict[UUID, OutboxRow[Event]] = {}
        self.mails: dict[UUID, OutboxRow[Mail]] = {}
        self.keys: dict[CustomerKey, KeyClaim] = {}
        self.reservations: dict[UUID, Reservation] = {}
        self.open_reservations: dict[UUID, UUID] = {}
        self.promotions: dict[UUID, Promotion] = {}
        self.promotion_versions: dict[tuple[UUID, int], Promotion] = {}
        self.coupons: dict[UUID, Coupon] = {}
        self.coupon_codes: dict[str, UUID] = {}
        self.uses: dict[UUID, int] = {}
        self.use_limits: dict[UUID, int | None] = {}
        self.redemptions: dict[UUID, tuple[Redemption, ...]] = {}
        self.tax_rates: dict[tuple[str, datetime | None], TaxRate] = {}


class Table(Generic[K, R]):
    """A table as one unit of work sees it: what is committed, under its own changes.

    Every method is called with the mutex held.
    """

    __slots__ = ("_changed", "_committed", "_removed", "name")

    def __init__(self, name: str, committed: dict[K, R]) -> None:
        self.name = name
        self._committed = committed
        self._changed: dict[K, R] = {}
        self._removed: set[K] = set()

    def get(self, key: K) -> R | None:
        """The row, if there is one."""
        if self._changed and (row := self._changed.get(key)) is not None:
            return row
        if self._removed and key in self._removed:
            return None
        return self._committed.get(key)

    def get_all(self, keys: Iterable[K]) -> dict[K, R]:
        """Those that exist."""
        get = self.get if self._changed or self._removed else self._committed.get
        return {key: row for key in keys if (row := get(key)) is not None}

    def all(self) -> dict[K, R]:
        """A copy of the whole table."""
        everything = self._committed | self._changed
        for key in self._removed:
            everything.pop(key, None)
        return everything

    def put(self, key: K, row: R) -> None:
        """Add or replace a row."""
        self.put_all({key: row})

    def put_all(self, rows: Mapping[K, R]) -> None:
        """Add or replace rows."""
        self._changed.update(rows)
        if self._removed:
            self._removed.difference_update(rows)

    def remove(self, key: K) -> None:
        """Take a row away."""
        self._changed.pop(key, None)
        self._removed.add(key)

    def commit(self) -> None:
        """Make the changes visible to all."""
        self._committed.update(self._changed)
        for key in self._removed:
            self._committed.pop(key, None)


class AppendOnlyTable(Generic[K, R]):
    """Lists that only grow, by key, as one unit of work sees them. Every method is called with the mutex held."""

    __slots__ = ("_added", "_committed", "_rewritten")

    def __init__(self, committed: dict[K, list[R]]) -> None:
        self._committed = committed
        self._added: dict[K, list[R]] = {}
        self._rewritten: dict[K, list[R]] = {}

    def of(self, key: K) -> list[R]:
        """A copy of one list, in the order in which its items were committed."""
        begins = self._rewritten.get(key, [])
        return [*begins, *self._committed.get(key, [])[len(begins) :], *self._added.get(key, ())]

    def rewrite(self, key: K, items: Sequence[R]) -> None:
        """Change items of one list, which stay as many: an erasure changes what nothing else may."""
        committed = len(self._committed.get(key, ()))
        self._rewritten[key] = [*items[:committed]]
        self._added[key] = [*items[committed:]]

    def all(self) -> dict[K, list[R]]:
        """A copy of every list."""
        return {key: self.of(key) for key in self._committed.keys() | self._added.keys()}

    def extend(self, key: K, items: Sequence[R]) -> None:
        """Add items to the list of `key`."""
        self._added.setdefault(key, []).extend(items)

    def extend_all(self, lists: Mapping[K, list[R]]) -> None:
        """Add items to several lists."""
        if not self._added:
            self._added = dict(lists)
            return
        for key, items in lists.items():
            self.extend(key, items)

    def commit(self) -> None:
        """Make what was added visible to all."""
        for key, items in self._rewritten.items():
            if items:
                self._committed[key][: len(items)] = items
        for key, items in self._added.items():
            if (committed := self._committed.get(key)) is not None:
                committed.extend(items)
            else:
                self._committed[key] = items
