"""The unit of work, and what a shop is built from."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from shop_core.inventory.model import NewId
from shop_core.ports.accounts import Accounts, Attempts, PasswordHasher, RefreshTokens, Revocations, Tokens
from shop_core.ports.catalog import CatalogFeed, Categories, Families, Products
from shop_core.ports.events import Events, Mails, Outbox
from shop_core.ports.inventory import Reservations, Stock
from shop_core.ports.media import ImageEncoder, Media, MediaFiles
from shop_core.ports.orders import Keys, Orders
from shop_core.ports.pricing import Prices


class LockOrderError(RuntimeError):
    """A use case takes locks against the documented order. A programming error, never an answer to a user."""


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """Two records of one fact that differ. An audit lists these and repairs nothing.

    Args:
        what: which fact, e.g. `on_hand`, `allocated`, `order total`.
        of: the product or order.
        stored: what the one record says.
        expected: what the other one makes it.
    """

    what: str
    of: UUID
    stored: int | str
    expected: int | str


class UnitOfWork(Protocol):
    """All or nothing. It reads what others have committed and what it wrote itself; locked rows stay as read."""

    @property
    def accounts(self) -> Accounts: ...
    @property
    def refresh_tokens(self) -> RefreshTokens: ...
    @property
    def attempts(self) -> Attempts: ...
    @property
    def categories(self) -> Categories: ...
    @property
    def families(self) -> Families: ...
    @property
    def products(self) -> Products: ...
    @property
    def catalog_feed(self) -> CatalogFeed: ...
    @property
    def media_files(self) -> MediaFiles: ...
    @property
    def prices(self) -> Prices: ...
    @property
    def stock(self) -> Stock: ...
    @property
    def orders(self) -> Orders: ...
    @property
    def events(self) -> Events: ...
    @property
    def outbox(self) -> Outbox: ...
    @property
    def mails(self) -> Mails: ...
    @property
    def keys(self) -> Keys: ...
    @property
    def reservations(self) -> Reservations: ...

    def now(self) -> datetime:
        """The time on the one clock of the store, UTC, aware: now, or at least after the last lock was taken.

        This clock alone decides what has expired, however wrong the clocks of the processes are.
        """

    def try_lock_task(self, task: str) -> bool:
        """Lock a task until the end of this unit of work; False if another one has it. Never waits."""

    def audit(self) -> list[Discrepancy]:
        """All records that contradict each other, in one consistent view.

        On hand, allocated and reserved against the fold of the ledger; allocated against the lines of orders that
        hold stock; reserved against the lines that reservations hold; held lines against the state of their
        reservation; confirmed reservations against their orders; keys against what they made, unless that is removable;
        the shortfall against its counters; order totals against their lines; discounts of lines against their parts;
        uses of promotions and coupons against redemptions that were not given back; version and status of each order
        against its last event, and its version against the number of its events.
        """


Begin = Callable[[], AbstractContextManager[UnitOfWork]]
"""Opens a unit of work. Raises Unavailable when the store cannot be reached in time."""


Clock = Callable[[], datetime]
"""The time now, in UTC, aware."""


class Adapters(Protocol):
    """One choice for every port: what a `Shop` is built from."""

    @property
    def begin(self) -> Begin: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def new_id(self) -> NewId: ...
    @property
    def passwords(self) -> PasswordHasher: ...
    @property
    def tokens(self) -> Tokens: ...
    @property
    def new_revocations(self) -> Callable[[], Revocations]:
        """Makes an empty list of ended sessions; each `Shop` has its own."""

    @property
    def has_mail(self) -> bool:
        """Whether the shop sends mails: else none is put into the queue."""

    @property
    def media(self) -> Media | None:
        """Where pictures are kept; None: the shop has none of its own."""

    @property
    def image_encoder(self) -> ImageEncoder | None:
        """Makes the files of pictures; None: the same."""

    @property
    def currency(self) -> str:
        """The one currency of the shop, an ISO 4217 code."""
