"""Threads that do what they are told at the moment for which they are told it."""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable
from itertools import count
from threading import Condition, Thread

LATE_NS_MAX = 4_000_000


class Timetable:
    """A few threads and what they have to do when. Leave the `with` to wait until all is done.

    Args:
        workers: how many threads.

    Whoever sends work in ahead asks `gap_s` how far apart it should be: it grows while the threads come late.
    """

    def __init__(self, workers: int = 8) -> None:
        self._jobs: list[tuple[int, int, Callable[[], object]]] = []
        self._numbers = count()
        self._changed = Condition()
        self._is_closed = False
        self._failure: BaseException | None = None
        self._threads = [Thread(target=self._work, daemon=True) for _ in range(workers)]
        self.gap_s = 0.005

    def __enter__(self) -> Timetable:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()
        if self._failure is not None:
            raise self._failure

    def at(self, time_ns: int, job: Callable[[], object]) -> None:
        """Have some thread do `job` then."""
        with self._changed:
            heapq.heappush(self._jobs, (time_ns, next(self._numbers), job))
            self._changed.notify()

    @property
    def waiting(self) -> int:
        """How many jobs nobody has begun."""
        return len(self._jobs)

    def _next(self) -> Callable[[], object] | None:
        with self._changed:
            while True:
                now = time.time_ns()
                if self._jobs and self._jobs[0][0] <= now:
                    due, _, job = heapq.heappop(self._jobs)
                    self.gap_s *= 1.01 if now - due > LATE_NS_MAX else 0.995
                    return job
                if not self._jobs and self._is_closed:
                    return None
                self._changed.wait((self._jobs[0][0] - now) / 1e9 if self._jobs else None)

    def _work(self) -> None:
        while job := self._next():
            try:
                job()
            except BaseException as failure:
                self._failure = failure
        with self._changed:
            self._changed.notify_all()
