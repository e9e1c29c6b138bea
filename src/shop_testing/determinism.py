"""A clock and ids that two shops can have alike, so that their answers can be compared word for word."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random
from threading import Lock
from uuid import UUID

START = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)


class TickingClock:
    """Every look at it is one tick later than the one before."""

    def __init__(self, start: datetime = START, tick: timedelta = timedelta(microseconds=1_001)) -> None:
        self._ticks = count()
        self._start = start
        self._tick = tick

    def __call__(self) -> datetime:
        return self._start + next(self._ticks) * self._tick


class MovableClock:
    """A clock that stands still until it is moved. Threads, and shops that are to answer alike, may share one."""

    def __init__(self, start: datetime = START) -> None:
        self._now = start
        self._lock = Lock()

    def __call__(self) -> datetime:
        return self._now

    def move(self, by: timedelta) -> datetime:
        """Let time pass, or go back. Returns the new time."""
        with self._lock:
            self._now += by
            return self._now

    def move_to(self, time: datetime) -> None:
        """Let it be `time`, unless it is later already."""
        with self._lock:
            self._now = max(self._now, time)


class SeededIds:
    """UUIDv7s that sort in the order in which they were made, and are the same for the same seed. For threads, too.

    Args:
        seed: another seed gives other ids.
        start: the time that the first id carries; each further one carries 244 ns more.
    """

    def __init__(self, seed: int = 7, start: datetime = START) -> None:
        self._random = Random(seed)
        self._stamps = count((int(start.timestamp() * 1_000) << 12) + 1)
        self._lock = Lock()

    def __call__(self) -> UUID:
        with self._lock:
            stamp, tail = next(self._stamps), self._random.getrandbits(62)
        return UUID(int=stamp >> 12 << 80 | 0x7 << 76 | (stamp & 0xFFF) << 64 | 0b10 << 62 | tail)
