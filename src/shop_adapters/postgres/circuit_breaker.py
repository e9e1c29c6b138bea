"""Asks a database that is away rarely, however many want it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import psycopg

PAUSE_S = 0.1


class CircuitBreaker:
    """Connects. After a connection could not be had, one caller at a time tries again, once every `pause_s` seconds.

    All others are told at once what the last one was told. Otherwise every request would knock at a database that is
    just starting, and a whole shop of them keeps it from doing so.

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
        self._not_before = 0.0

    def __call__(self, *args: Any, **kwargs: Any) -> psycopg.Connection[Any]:
        """A new connection; the arguments are those of `connect`.

        Raises:
            psycopg.OperationalError: there is none, or there was none a moment ago.
        """
        failure = self._failure
        if failure is None:
            return self._try(args, kwargs)
        if self._clock() < self._not_before or not self._trying.acquire(blocking=False):
            raise type(failure)(*failure.args)
        try:
            return self._try(args, kwargs)
        finally:
            self._trying.release()

    def _try(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> psycopg.Connection[Any]:
        try:
            made = self._connect(*args, **kwargs)
        except psycopg.OperationalError as failure:
            self._failure, self._not_before = failure, self._clock() + self._pause_s
            raise
        self._failure = None
        return made
