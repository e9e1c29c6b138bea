"""The unit of work on PostgreSQL: one transaction, READ COMMITTED, on one pooled connection."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import Engine, text

from shop_adapters.clock import system_clock
from shop_adapters.ids import uuid7
from shop_adapters.observation import ObserveStatements
from shop_adapters.passwords import Argon2Passwords
from shop_adapters.postgres.accounts import PostgresAccounts
from shop_adapters.postgres.audit import discrepancies
from shop_adapters.postgres.catalog import PostgresProducts
from shop_adapters.postgres.catalog_feed import PostgresCatalogFeed
from shop_adapters.postgres.catalog_version import CatalogVersion
from shop_adapters.postgres.categories import PostgresCategories
from shop_adapters.postgres.database import Transaction, TransactionTimeouts, transaction
from shop_adapters.postgres.events import PostgresEvents
from shop_adapters.postgres.families import PostgresFamilies
from shop_adapters.postgres.inventory import PostgresStock
from shop_adapters.postgres.mails import PostgresMails
from shop_adapters.postgres.media_files import PostgresMediaFiles
from shop_adapters.postgres.orders import PostgresKeys, PostgresOrders
from shop_adapters.postgres.outbox import PostgresOutbox
from shop_adapters.postgres.prices import PostgresPrices, RulesCache
from shop_adapters.postgres.product_lists import CatalogCaches
from shop_adapters.postgres.reservations import PostgresReservations
from shop_adapters.postgres.sessions import PostgresAttempts, PostgresRefreshTokens
from shop_adapters.revocations import MemoryRevocations
from shop_adapters.tokens import JwtTokens
from shop_core.ports import Clock, Discrepancy, ImageEncoder, Media, NewId, PasswordHasher, Tokens, UnitOfWork

if TYPE_CHECKING:  # to pyright a cached property is none, and the ports of a unit of work are properties
    cached_property = property
else:
    from functools import cached_property

_TRY_LOCK_TASK = text("""
SELECT name FROM tasks WHERE name = :task FOR UPDATE SKIP LOCKED
""")


class PostgresAdapters:
    """Everything that a `Shop` needs, with PostgreSQL as its memory. Satisfies `shop_core.ports.Adapters`.

    Args:
        engine: as `make_engine` makes it, on a database that `shop_adapters.postgres.migrate` has prepared.
        secret: at least 32 bytes, from which the keys of the tokens are made; the same in every process.
        previous_secrets: accepted, but not used for anything new, while `secret` is being changed.
        currency: ISO 4217 code of all prices.
        includes_tax: whether prices are gross; if not, taxes are added to them.
        timeouts: how long a transaction may take; None: the usual ones.
        clock: tells all times, for tests that move it. Without one, stock, orders and reservations go by the clock of
            the database, which is one for all processes; sessions too.
            Only access tokens are read by this process's clock, see `check_clock`.
        new_id, passwords, tokens: others than the usual ones, for tests and special needs.
        has_outbox: whether events are put into the outbox. Without it, no event is ever published, and nothing has to
            empty the outbox; the timelines of orders have the events in any case.
        has_mail: whether customers get mails, which something then has to send.
        media, image_encoder: where pictures are kept, and what makes their files, e.g.
            `shop_adapters.media.object_store.media_at` and `shop_adapters.media.encoder.PictureProcess`. Without both,
            the shop has no pictures of its own.
        observe: observes the statements, for traces.

    Raises:
        ValueError: a secret is too short.
    """

    def __init__(
        self,
        engine: Engine,
        secret: bytes,
        *,
        previous_secrets: Sequence[bytes] = (),
        currency: str = "EUR",
        includes_tax: bool = True,
        clock: Clock | None = None,
        new_id: NewId = uuid7,
        passwords: PasswordHasher | None = None,
        tokens: Tokens | None = None,
        timeouts: TransactionTimeouts | None = None,
        has_outbox: bool = True,
        has_mail: bool = False,
        media: Media | None = None,
        image_encoder: ImageEncoder | None = None,
        observe: ObserveStatements | None = None,
    ) -> None:
        self.engine = engine
        self.currency = currency
        self.clock: Clock = clock or system_clock
        self.new_id = new_id
        self.passwords: PasswordHasher = passwords or Argon2Passwords()
        self.new_revocations = MemoryRevocations
        self.tokens: Tokens = tokens or JwtTokens(secret, previous_secrets)
        self._store_clock = clock
        self._timeouts = timeouts or TransactionTimeouts()
        self._caches, self._rules = CatalogCaches(), RulesCache(includes_tax=includes_tax)
        self._has_outbox = has_outbox
        self.has_mail = has_mail
        self.media = media
        self.image_encoder = image_encoder
        self._observe = observe

    def with_timeouts(self, timeouts: TransactionTimeouts) -> PostgresAdapters:
        """The same, on the same connections, whose transactions may take as long as these say."""
        other = copy(self)
        other._timeouts = timeouts
        return other

    @contextmanager
    def begin(self) -> Iterator[UnitOfWork]:
        """See `shop_core.ports.Begin`: committed at the end, rolled back on any exception.

        Raises:
            Unavailable: no connection could be had in time, the database is not there, or it ended the transaction.
        """
        with transaction(self.engine, self._timeouts, self._store_clock, self._observe) as opened:
            uow = PostgresUnitOfWork(opened, self.currency, self._caches, self._rules, self._has_outbox, self.has_mail)
            yield uow
            if not opened.has_failed:
                uow.catalog_version.write()

    def close(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()


class PostgresUnitOfWork:
    """See `shop_core.ports.UnitOfWork`. Made by `PostgresAdapters.begin`."""

    def __init__(
        self,
        transaction: Transaction,
        currency: str,
        caches: CatalogCaches,
        rules: RulesCache,
        has_outbox: bool,
        has_mail: bool,
    ) -> None:
        self._caches = caches
        self._rules = rules
        self._has_outbox = has_outbox
        self._has_mail = has_mail
        self._transaction = transaction
        self._currency = currency

    @cached_property
    def accounts(self) -> PostgresAccounts:
        return PostgresAccounts(self._transaction)

    @cached_property
    def refresh_tokens(self) -> PostgresRefreshTokens:
        return PostgresRefreshTokens(self._transaction)

    @cached_property
    def attempts(self) -> PostgresAttempts:
        return PostgresAttempts(self._transaction)

    @cached_property
    def catalog_version(self) -> CatalogVersion:
        """Raised at the end, if the catalog was changed."""
        return CatalogVersion(self._transaction)

    @cached_property
    def categories(self) -> PostgresCategories:
        return PostgresCategories(self._transaction, self.catalog_version)

    @cached_property
    def families(self) -> PostgresFamilies:
        return PostgresFamilies(self._transaction, self.catalog_version)

    @cached_property
    def products(self) -> PostgresProducts:
        return PostgresProducts(self._transaction, self._currency, self.catalog_version, self._caches)

    @cached_property
    def catalog_feed(self) -> PostgresCatalogFeed:
        return PostgresCatalogFeed(self._transaction, self._currency)

    @cached_property
    def media_files(self) -> PostgresMediaFiles:
        return PostgresMediaFiles(self._transaction)

    @cached_property
    def prices(self) -> PostgresPrices:
        return PostgresPrices(self._transaction, self._currency, self.catalog_version, self._rules)

    @cached_property
    def stock(self) -> PostgresStock:
        return PostgresStock(self._transaction)

    @cached_property
    def orders(self) -> PostgresOrders:
        return PostgresOrders(self._transaction, self._currency)

    @cached_property
    def events(self) -> PostgresEvents:
        return PostgresEvents(
            self._transaction, self._currency, self._has_outbox, self.mails if self._has_mail else None
        )

    @cached_property
    def outbox(self) -> PostgresOutbox:
        return PostgresOutbox(self._transaction, self._currency)

    @cached_property
    def mails(self) -> PostgresMails:
        return PostgresMails(self._transaction)

    @cached_property
    def keys(self) -> PostgresKeys:
        return PostgresKeys(self._transaction)

    @cached_property
    def reservations(self) -> PostgresReservations:
        return PostgresReservations(self._transaction)

    def now(self) -> datetime:
        return self._transaction.now()

    def try_lock_task(self, task: str) -> bool:
        return bool(self._transaction.run(_TRY_LOCK_TASK, {"task": task}))

    def audit(self) -> list[Discrepancy]:
        return discrepancies(self._transaction)
