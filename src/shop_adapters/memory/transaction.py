"""Statements, locks and commit of a unit of work."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

from shop_adapters.lock_order import LockOrder
from shop_adapters.memory.store import AppendOnlyTable, K, R, Store, Table

_NONE: frozenset[Any] = frozenset()


class Transaction:
    """One unit of work's own view of the store. Belongs to one thread at a time.

    It is PostgreSQL's READ COMMITTED: each statement sees what is committed when it runs, and what this unit of work
    did before; a row that it locks or writes is its own until the end, and is read after the wait.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._held: dict[str, set[Any]] = {}
        self._failure: Exception | None = None
        self._is_open = True
        self._last_checks: list[Callable[[], None]] = []
        self._changed: set[UUID] = set()
        self._has_changed_catalog = self._has_changed_categories = False
        self.feed = store.feed
        self.lock_order = LockOrder()
        self.accounts = Table("accounts", store.accounts)
        self.usernames = Table("usernames", store.usernames)
        self.tokens = Table("refresh tokens", store.tokens)
        self.sessions = AppendOnlyTable(store.sessions)
        self.attempts = Table("attempts", store.attempts)
        self.categories = Table("categories", store.categories)
        self.slugs = Table("slugs", store.slugs)
        self.products = Table("products", store.products)
        self.skus = Table("SKUs", store.skus)
        self.families = Table("families", store.families)
        self.options = Table("options", store.options)
        self.media_files = Table("media files", store.media_files)
        self.stock = Table("stock", store.stock)
        self.low_stock_levels = Table("low stock levels", store.low_stock_levels)
        self.ledger = AppendOnlyTable(store.ledger)
        self.orders = Table("orders", store.orders)
        self.orders_of = AppendOnlyTable(store.orders_of)
        self.order_events = AppendOnlyTable(store.order_events)
        self.stock_events = Table("stock events", store.stock_events)
        self.outbox = Table("outbox", store.outbox)
        self.mails = Table("mails", store.mails)
        self.keys = Table("keys", store.keys)
        self.reservations = Table("reservations", store.reservations)
        self.open_reservations = Table("open reservations", store.open_reservations)
        self.promotions = Table("promotions", store.promotions)
        self.promotion_versions = Table("promotion versions", store.promotion_versions)
        self.coupons = Table("coupons", store.coupons)
        self.coupon_codes = Table("coupon codes", store.coupon_codes)
        self.uses = Table("uses", store.uses)
        self.use_limits = Table("use limits", store.use_limits)
        self.redemptions = Table("redemptions", store.redemptions)
        self.tax_rates = Table("tax rates", store.tax_rates)
        self._tables: tuple[Table[Any, Any] | AppendOnlyTable[Any, Any], ...] = (
            *(self.accounts, self.usernames, self.tokens, self.sessions, self.attempts),
            *(self.categories, self.slugs, self.products, self.skus, self.families, self.options),
            self.media_files,
            *(self.stock, self.low_stock_levels, self.ledger, self.orders, self.orders_of, self.order_events),
            *(self.stock_events, self.outbox, self.mails, self.keys),
            *(self.reservations, self.open_reservations),
            *(self.promotions, self.promotion_versions, self.coupons, self.coupon_codes),
            *(self.uses, self.use_limits, self.redemptions, self.tax_rates),
        )

    @contextmanager
    def statement(self) -> Iterator[None]:
        """What runs inside sees one state of the store, and happens as a whole.

        As in PostgreSQL, nothing works any more after a statement that failed.

        Raises:
            RuntimeError: the unit of work has ended, or a statement of it failed before.
        """
        with self._store.mutex:
            self._check_usable()
            try:
                yield
            except Exception as failure:
                self._failure = failure
                raise

    def claim(self, table: str, keys: Collection[Any]) -> bool:
        """Lock rows until the end, or wait for them.

        Returns:
            Whether it had to wait: then what was read of them before is old.

        Raises:
            Unavailable: others kept them for too long.
        """
        return bool(keys) and self._store.locks.claim(self, self._held, table, keys)

    def try_claim(self, table: str, key: Hashable) -> bool:
        """Lock a row until the end, if nobody else has it. Never waits."""
        return self._store.locks.try_claim(self, self._held, table, key)

    def has_locked(self, table: str, keys: Iterable[Hashable]) -> bool:
        """Whether this unit of work has locked all these rows."""
        return self._held.get(table, _NONE).issuperset(keys)

    def now(self) -> datetime:
        """The time on the clock of the store. The mutex is free meanwhile: a clock may do as it likes."""
        with self.statement():
            pass
        return self._store.clock()

    def insert(self, table: Table[K, R], rows: Mapping[K, R]) -> None:
        """Add rows under keys that nobody has, nor is about to commit.

        Raises:
            ValueError: a key is taken.
        """
        self.claim(table.name, rows)
        if taken := table.get_all(rows):
            raise ValueError(f"{table.name} has {next(iter(taken))!r} already")
        table.put_all(rows)

    def take_name(self, names: Table[K, R], name: K, row_key: R, refusal: Callable[[], Exception]) -> None:
        """Make a unique name this row's; waits for others that are about to take or free it.

        Raises:
            the refusal: another row has it.
        """
        self.claim(names.name, (name,))
        if names.get(name) is not None:
            raise refusal()
        names.put(name, row_key)

    def at_commit(self, check: Callable[[], None]) -> None:
        """Call `check` during the commit, when no other unit of work can commit; it may raise to prevent it."""
        self._last_checks.append(check)

    def change_catalog(self, product_ids: Iterable[UUID] = (), *, has_categories: bool = False) -> None:
        """Note that the catalog shows these products, or categories, in another way from the commit on."""
        self._has_changed_catalog = True
        self._changed.update(product_ids)
        self._has_changed_categories |= has_categories

    def commit(self) -> None:
        """Make everything visible to all at once.

        Raises:
            Refusal: a check of `at_commit` prevents it.
            RuntimeError: a statement failed, and its caller ignored that.
        """
        now = self._store.clock() if self._has_changed_catalog else None  # before the mutex: a clock may do as it likes
        with self._store.mutex:
            self._check_usable()
            for check in self._last_checks:
                check()
            for table in self._tables:
                table.commit()
            if now is not None:
                self.feed.advance(self._changed, now, has_categories=self._has_changed_categories)
            self._store.commits += 1

    def close(self) -> None:
        """Drop what is not committed, and unlock."""
        with self._store.mutex:
            self._is_open = False
            self._store.locks.release(self._held)

    def _check_usable(self) -> None:
        if not self._is_open:
            raise RuntimeError("this unit of work has ended: open another one")
        if self._failure is not None:
            raise RuntimeError("a statement of this unit of work failed: nothing of it counts") from self._failure
