"""The shop on PostgreSQL 14 or newer: SQLAlchemy Core over psycopg 3."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager

from sqlalchemy import Engine, create_engine, event

from shop_adapters.clock import system_clock
from shop_adapters.ids import uuid7
from shop_adapters.passwords import Argon2Passwords
from shop_adapters.postgres.circuit_breaker import CircuitBreaker
from shop_adapters.postgres.page_index_cache import PageIndexCache
from shop_adapters.postgres.unit_of_work import Limits, PostgresUnitOfWork, begin
from shop_adapters.revocations import MemoryRevocations
from shop_adapters.tokens import JwtTokens
from shop_core.ports import Clock, NewId, PasswordHasher, Tokens

__all__ = ["PostgresAdapters", "make_engine"]


def make_engine(url: str, *, connections: int = 8, wait_s: float = 2.0, prepare_threshold: int | None = 5) -> Engine:
    """A pool of at most `connections` connections; who finds none free within `wait_s` seconds is refused.

    Args:
        url: `postgresql://user:password@host:port/database`, or any other form that psycopg understands.
        prepare_threshold: after so many uses a statement is kept prepared; None: never, as it must be behind a
            PgBouncer that gives each transaction another session.
    """
    engine = create_engine(
        url,
        isolation_level="READ COMMITTED",
        pool_size=connections,
        max_overflow=0,
        pool_timeout=wait_s,
        pool_use_lifo=True,  # few warm connections rather than many cold ones
        pool_pre_ping=False,  # a round trip per unit of work; a lost connection is told apart when it shows
        hide_parameters=True,  # they would be in tracebacks: addresses of people, hashes of passwords
        connect_args={"connect_timeout": 5, "application_name": "shop", "prepare_threshold": prepare_threshold},
    )
    doorman = CircuitBreaker()
    # The first lost connection empties the pool (SQLAlchemy does that): nobody finds out about the others one by one.
    event.listen(engine, "do_connect", lambda dialect, record, args, kwargs: doorman(*args, **kwargs))
    return engine


class PostgresAdapters:
    """Everything that a `Shop` needs, with PostgreSQL as its memory. Satisfies `shop_core.ports.Adapters`.

    Args:
        engine: as `make_engine` makes it, on a database that `shop_adapters.postgres.migrate` has prepared.
        secret: at least 32 bytes, from which the keys of the tokens are made; the same in every process.
        previous_secrets: accepted, but not used for anything new: for the time of a change of `secret`.
        currency: ISO 4217 code of all prices.
        limits: how long a transaction may take; None: the usual ones.
        clock: tells all times, for tests that move it. Without one, stock, orders and reservations go by the clock of
            the database, which is one for all processes; accounts and tokens by this process's.
        new_id, passwords, tokens: others than the usual ones, for tests and special needs.
        has_outbox: whether events are put into the outbox. Without, nobody is ever told of what happens meanwhile, and
            nothing has to take it out again; the timelines of orders have it in any case.

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
        clock: Clock | None = None,
        new_id: NewId = uuid7,
        passwords: PasswordHasher | None = None,
        tokens: Tokens | None = None,
        limits: Limits | None = None,
        has_outbox: bool = True,
    ) -> None:
        self.engine = engine
        self._landmarks = PageIndexCache()
        self._limits = limits or Limits()
        self._has_outbox = has_outbox
        self.currency = currency
        self.clock: Clock = clock or system_clock
        self._store_clock = clock
        self.new_id = new_id
        self.passwords: PasswordHasher = passwords or Argon2Passwords()
        self.new_revocations = MemoryRevocations
        self.tokens: Tokens = tokens or JwtTokens(secret, previous_secrets)

    def begin(self) -> AbstractContextManager[PostgresUnitOfWork]:
        """See `shop_core.ports.Begin`."""
        return begin(
            self.engine, self.currency, self._store_clock, self._landmarks, self._limits, has_outbox=self._has_outbox
        )

    def close(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()
