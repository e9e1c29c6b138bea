"""Publishers that stay inside the process: a log line, a list."""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Lock

from shop_adapters.publishers.message import event_json
from shop_core.events import Event
from shop_core.ports import Undelivered


class LogPublisher:
    """One line of JSON per event, the same as a webhook gets, through `logging`.

    Args:
        logger: which one; `shop.events` by default.
        level: of the lines.
    """

    def __init__(self, logger: logging.Logger | None = None, level: int = logging.INFO) -> None:
        self._logger = logger or logging.getLogger("shop.events")
        self._level = level

    def publish(self, event: Event) -> None:
        """Log it."""
        self._logger.log(self._level, "%s", event_json(event).decode())


Trouble = Callable[[Event], Undelivered | None]
"""Why an event cannot be delivered now; None if it can."""


class MemoryPublisher:
    """Remembers what it was told, for tests and trials. Threads may share one.

    >>> publisher = MemoryPublisher()
    >>> publisher.fail(lambda event: Undelivered("nobody is at home"))
    >>> publisher.recover()
    >>> publisher.events
    ()
    """

    def __init__(self) -> None:
        self._events: list[Event] = []
        self._trouble: Trouble | None = None
        self._lock = Lock()

    @property
    def events(self) -> tuple[Event, ...]:
        """What arrived, in that order."""
        with self._lock:
            return tuple(self._events)

    def fail(self, trouble: Trouble) -> None:
        """From now on, ask `trouble` about each event first."""
        self._trouble = trouble

    def recover(self) -> None:
        """From now on, everything arrives."""
        self._trouble = None

    def publish(self, event: Event) -> None:
        """Remember it.

        Raises:
            Undelivered: as it was told to.
        """
        trouble = self._trouble
        if trouble and (failure := trouble(event)):
            raise failure
        with self._lock:
            self._events.append(event)
