"""The unit of work on PostgreSQL: one transaction, READ COMMITTED, on one pooled connection."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from sqlalchemy import Engine, bindparam, select
from sqlalchemy.exc import SQLAlchemyError

from shop_adapters.lock_order import LockOrder
from shop_adapters.postgres.accounts import PostgresAccounts, PostgresRefreshTokens
from shop_adapters.postgres.attempts import PostgresAttempts
from shop_adapters.postgres.audit import discrepancies
from shop_adapters.postgres.catalog import PostgresProducts
from shop_adapters.postgres.categories import PostgresCategories
from shop_adapters.postgres.errors import in_our_words
from shop_adapters.postgres.events import PostgresEvents
from shop_adapters.postgres.inventory import PostgresStock
from shop_adapters.postgres.keys import PostgresKeys
from shop_adapters.postgres.orders import PostgresOrders
from shop_adapters.postgres.outbox import PostgresOutbox
from shop_adapters.postgres.page_index_cache import CatalogVersion, PageIndexCache
from shop_adapters.postgres.reservations import PostgresReservations
from shop_adapters.postgres.schema import tasks
from shop_adapters.postgres.store_clock import StoreClock
from shop_adapters.postgres.transaction import PreparedStatement, Transaction
from shop_core.ports import Clock, Discrepancy


@dataclass(frozen=True)
class Limits:
    """How long a transaction may take, in seconds. Beyond that it is off, and its caller is told to try again: a client
    that froze must not keep rows from all others.

    Args:
        lock_s: waiting for a row.
        statement_s: one statement.
        idle_s: doing nothing between two statements.
    """

    lock_s: float = 10
    statement_s: float = 60
    idle_s: float = 30

    @cached_property
    def begin(self) -> bytes:
        """The message that opens a transaction with these limits, and without plans that read all of a table.

        A session keeps the plan of a statement, and of the check of a foreign key. Made while a table is small it would
        read all of it, and go on to do so as it grows, until the statistics are renewed: a minute in which a new shop
        may sell ten thousand orders, the last of them at a tenth of the speed.
        """
        lock, statement, idle = (round(seconds * 1000) for seconds in (self.lock_s, self.statement_s, self.idle_s))
        return (
            f"BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL lock_timeout = {lock};"
            f" SET LOCAL statement_timeout = {statement};"
            f" SET LOCAL idle_in_transaction_session_timeout = {idle}; SET LOCAL enable_seqscan = off"
        ).encode()


_ALONE = PreparedStatement(
    select(tasks.c.name).where(tasks.c.name == bindparam("task")).with_for_update(skip_locked=True)
)


class PostgresUnitOfWork:
    """See `shop_core.ports.UnitOfWork`. Made by `begin`."""

    def __init__(
        self, transaction: Transaction, currency: str, clock: Clock | None, landmarks: PageIndexCache, has_outbox: bool
    ) -> None:
        self._landmarks = landmarks
        self._has_outbox = has_outbox
        self._transaction = transaction
        self._currency = currency
        self._lock_order = LockOrder()
        self._clock = StoreClock(transaction, self._lock_order, clock)

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
        return PostgresCategories(self._transaction, self._lock_order, self.catalog_version)

    @cached_property
    def products(self) -> PostgresProducts:
        return PostgresProducts(
            self._transaction, self._lock_order, self._currency, self.catalog_version, self._landmarks
        )

    @cached_property
    def stock(self) -> PostgresStock:
        return PostgresStock(self._transaction, self._lock_order, self._clock)

    @cached_property
    def orders(self) -> PostgresOrders:
        return PostgresOrders(self._transaction, self._lock_order, self._clock, self._currency)

    @cached_property
    def events(self) -> PostgresEvents:
        return PostgresEvents(self._transaction, self._currency, self._has_outbox)

    @cached_property
    def outbox(self) -> PostgresOutbox:
        return PostgresOutbox(self._transaction, self._currency)

    @cached_property
    def keys(self) -> PostgresKeys:
        return PostgresKeys(self._transaction, self._lock_order)

    @cached_property
    def reservations(self) -> PostgresReservations:
        return PostgresReservations(self._transaction, self._lock_order, self._clock)

    def now(self) -> datetime:
        return self._clock()

    def try_lock(self, task: str) -> bool:
        return bool(self._transaction.run(_ALONE, {"task": task}))

    def audit(self) -> list[Discrepancy]:
        return discrepancies(self._transaction.connection)


@contextmanager
def begin(
    engine: Engine,
    currency: str,
    clock: Clock | None = None,
    landmarks: PageIndexCache | None = None,
    limits: Limits | None = None,
    *,
    has_outbox: bool = True,
) -> Iterator[PostgresUnitOfWork]:
    """One transaction: committed at the end, rolled back on any exception.

    Args:
        clock: tells the time in the place of the database's.
        landmarks: what this process knows of the catalog's lists.
        limits: how long it may take; None: the usual ones.
        has_outbox: whether events are put into the outbox, to be told to others.

    Raises:
        Unavailable: no connection could be had in time, the database is not there, or it gave up on this one.
    """
    with in_our_words(), _transaction(engine, limits or Limits()) as transaction:
        uow = PostgresUnitOfWork(transaction, currency, clock, landmarks or PageIndexCache(), has_outbox)
        yield uow
        if transaction.is_spoilt:
            raise RuntimeError("a statement of this unit of work was refused: let the exception leave the `with`")
        uow.catalog_version.settle()


@contextmanager
def _transaction(engine: Engine, limits: Limits) -> Iterator[Transaction]:
    """A transaction that says itself how long it may take, and how it is planned.

    It opens with one message that holds BEGIN and the settings. So they cost no round trip, and hold for it alone: a
    server between us and the database may give the next one to somebody else.
    """
    with engine.connect() as connection:
        transaction = Transaction(connection)
        try:
            transaction.send(limits.begin)
            yield transaction
            transaction.send(b"COMMIT")
        except BaseException:
            # By SQLAlchemy: if the connection is gone there is nothing to roll back, and it replaces all of the pool.
            with suppress(SQLAlchemyError):
                connection.exec_driver_sql("ROLLBACK")
            raise
        finally:
            transaction.end()
