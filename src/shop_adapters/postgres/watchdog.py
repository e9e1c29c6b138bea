"""Ends waits for the database that would never end: the network may swallow what either side says, and tell nobody.

PostgreSQL's own timeouts end a statement on the server, and the kernel's keepalives find a host that is gone. Neither
helps a client whose connection still stands but carries nothing, as after a fail-over of a proxy. So a thread looks at
all connections that wait, and shuts those that have waited for too long: their callers get an error at once.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from sqlalchemy import text

_EVERY_S = 0.25

NO_LIMIT = text("""
SELECT set_config(name, '0', true) FROM pg_settings
WHERE name IN ('statement_timeout', 'transaction_timeout', 'idle_in_transaction_session_timeout')
""")
"""The server gives the rest of a transaction as much time as it needs. Before 17 it knows no transaction_timeout."""


class Watch:
    """How long a connection may wait for its next answer.

    Attributes:
        asked_at: when something was sent last, on the monotonic clock; to be set by whoever sends.
        seconds: how long; infinite: no limit.
    """

    __slots__ = ("asked_at", "connection", "seconds")

    def __init__(self, connection: psycopg.Connection[Any], seconds: float) -> None:
        self.connection, self.seconds = connection, seconds
        self.asked_at = time.monotonic()


_watches: set[Watch] = set()
_lock = threading.Lock()
_threads: list[threading.Thread] = []
os.register_at_fork(after_in_child=_threads.clear)  # a fork has no threads


@contextmanager
def watched(connection: psycopg.Connection[Any], seconds: float) -> Iterator[Watch]:
    """While the block uses `connection`, shut it if it waits for longer than `seconds`."""
    watch = Watch(connection, seconds)
    with _lock:
        _watches.add(watch)
        if not _threads:
            _threads.append(threading.Thread(target=_look, name="database-watchdog", daemon=True))
            _threads[0].start()
    try:
        yield watch
    finally:
        with _lock:  # so that it is not shut when somebody else has it
            _watches.discard(watch)


def _look() -> None:
    while True:
        time.sleep(_EVERY_S)
        now = time.monotonic()
        with _lock:
            for watch in [watch for watch in _watches if now - watch.asked_at > watch.seconds]:
                _watches.discard(watch)
                with suppress(OSError, psycopg.Error):
                    _shut(watch.connection)


def _shut(connection: psycopg.Connection[Any]) -> None:
    with socket.socket(fileno=os.dup(connection.fileno())) as copy:
        connection.fileno()  # raises if it was closed meanwhile: then the copy may be of another socket
        copy.shutdown(socket.SHUT_RDWR)
