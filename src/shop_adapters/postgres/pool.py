"""The pool of connections, and the circuit breaker that makes them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import psycopg
from sqlalchemy import Engine, create_engine, event, make_url

PAUSE_S = 0.1
CONNECTION = {
    "connect_timeout": 5,
    "application_name": "shop",
    "client_encoding": "UTF8",  # not that of the role, the database or PGCLIENTENCODING
    # A host that is gone is noticed within 11 s, by whoever waits and by whoever sends.
    "keepalives": 1,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
"""Unless the URL says otherwise."""


class CircuitBreaker:
    """Connects, and tries rarely while the database is away.

    After a failure one caller at a time tries again, once every `pause_s` seconds, and all others get the same error
    at once. Otherwise every request would try, and a database that is just starting would not get to it.

    Args:
        pause_s: between two tries.
        connect: makes the connection.
        clock: seconds, for tests that move them.
    """

    def __init__(
        self,
        pause_s: float = PAUSE_S,
        connect: Callable[..., psycopg.Connection[Any]] = psycopg.connect,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._pause_s = pause_s
        self._connect = connect
        self._clock = clock
        self._trying = threading.Lock()
        self._failure: psycopg.OperationalError | None = None
        self._next_try_at = 0.0

    def __call__(self, *args: Any, **kwargs: Any) -> psycopg.Connection[Any]:
        """A new connection; the arguments are those of `connect`.

        Raises:
            psycopg.OperationalError: there is none, or there was none a moment ago.
        """
        failure = self._failure
        if failure is None:
            return self._try(args, kwargs)
        if self._clock() < self._next_try_at or not self._trying.acquire(blocking=False):
            raise type(failure)(*failure.args)
        try:
            return self._try(args, kwargs)
        finally:
            self._trying.release()

    def _try(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> psycopg.Connection[Any]:
        try:
            connection = self._connect(*args, **kwargs)
        except psycopg.OperationalError as failure:
            self._failure, self._next_try_at = failure, self._clock() + self._pause_s
            raise
        self._failure = None
        return connection


def make_engine(url: str, *, connections: int = 8, wait_s: float = 2.0, prepare_threshold: int | None = 5) -> Engine:
    """A pool of at most `connections` connections.

    Args:
        url: `postgresql://user:password@host:port/database`, or any other form that psycopg understands.
        connections: how many at most.
        wait_s: how many seconds a caller waits for a free one before they are refused.
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
        pool_pre_ping=False,  # a round trip for each unit of work; `transaction` notices a lost connection
        pool_reset_on_return=None,  # `transaction` ends what it began
        hide_parameters=True,  # tracebacks must not show addresses of people and hashes of passwords
        connect_args={
            **{name: value for name, value in CONNECTION.items() if name not in make_url(url).query},
            "prepare_threshold": prepare_threshold,
        },
    )
    connect = CircuitBreaker()
    event.listen(engine, "do_connect", lambda dialect, record, args, kwargs: connect(*args, **kwargs))
    return engine
