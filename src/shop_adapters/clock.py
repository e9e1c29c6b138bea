"""Clocks: the real time, and one that only moves by `advance`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from threading import Lock

system_clock: Callable[[], datetime] = partial(datetime.now, UTC)
"""The time now, in UTC, aware."""


class ManualClock:
    """A clock that stands still between two calls of `advance`. Threads may share one.

    Args:
        start: the first time it shows; aware, in any zone.

    Raises:
        ValueError: `start` is naive: it could mean any zone.

    >>> clock = ManualClock(datetime(2026, 1, 31, 12, tzinfo=UTC))
    >>> clock.advance(timedelta(hours=18))
    datetime.datetime(2026, 2, 1, 6, 0, tzinfo=datetime.timezone.utc)
    """

    def __init__(self, start: datetime) -> None:
        if start.tzinfo is None:
            raise ValueError(f"{start!r} has no time zone: say datetime(..., tzinfo=UTC)")
        self._now = start.astimezone(UTC)
        self._lock = Lock()

    def __call__(self) -> datetime:
        """The time now, in UTC, aware."""
        return self._now

    def advance(self, by: timedelta) -> datetime:
        """Let time pass; a negative `by` turns the clock back, as real ones are sometimes. Returns the new time."""
        with self._lock:
            self._now += by
            return self._now
