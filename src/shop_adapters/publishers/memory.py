"""A publisher that remembers, for tests."""

from __future__ import annotations

from collections.abc import Callable
from threading import Lock

from shop_core.events import Event
from shop_core.ports import Undelivered


class MemoryPublisher:
    """Remembers what was published. Threads may share one.

    >>> publisher = MemoryPublisher()
    >>> publisher.fail(lambda event: Undelivered("the receiver is down"))
    >>> publisher.recover()
    >>> publisher.events
    ()
    """

    def __init__(self) -> None:
        self._events: list[Event] = []
        self._failure_of: Callable[[Event], Undelivered | None] | None = None
        self._lock = Lock()

    @property
    def events(self) -> tuple[Event, ...]:
        """What arrived, in that order."""
        with self._lock:
            return tuple(self._events)

    def fail(self, failure_of: Callable[[Event], Undelivered | None]) -> None:
        """From now on events fail for which this returns a failure."""
        self._failure_of = failure_of

    def recover(self) -> None:
        """From now on all events arrive."""
        self._failure_of = None

    def publish(self, event: Event) -> None:
        """Remember it.

        Raises:
            Undelivered: see `fail`.
        """
        failure_of = self._failure_of
        if failure_of and (failure := failure_of(event)):
            raise failure
        with self._lock:
            self._events.append(event)
