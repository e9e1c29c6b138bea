"""Threads that do what they are told at the moment for which they are told it."""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable
from itertools import count
from threading import Condition, Thread

GAP_S_MAX = 0.03
AHEAD_NS_MAX = 1_500_000_000


class TimedJobs:
    """A few threads and what they have to do when. Leave the `with` to wait until all is done.

    Args:
        workers: how many threads.
        late_ms_max: how late they may come; later means that there is too much to do.

    Whoever sends work in ahead asks `gap_s` how far apart it should be: it grows while the threads come late.
    """

    def __init__(self, workers: int = 8, late_ms_max: float = 4) -> None:
        self._jobs: list[tuple[int, int, Callable[[], object]]] = []
        self._numbers = count()
        self._changed = Condition()
        self._is_closed = False
        self._failure: BaseException | None = None
        self._threads = [Thread(target=self._work, daemon=True) for _ in range(workers)]
        self.gap_s = 0.01
        self.late_ns = 0
        self._late_ns_max = int(late_ms_max * 1e6)

    def __enter__(self) -> TimedJobs:
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

    def catch_up(self, last_ns: int) -> None:
        """Wait while what was sent in last is far ahead, or the threads are much too late."""
        while last_ns - time.time_ns() > AHEAD_NS_MAX:
            time.sleep(0.005)
        while self.late_ns > 4 * self._late_ns_max and self._jobs and self._jobs[0][0] < time.time_ns():
            time.sleep(0.002)

    def _next(self) -> Callable[[], object] | None:
        with self._changed:
            while True:
                now = time.time_ns()
                if self._jobs and self._jobs[0][0] <= now:
                    due, _, job = heapq.heappop(self._jobs)
                    self.late_ns = now - due
                    self.gap_s = min(self.gap_s * (1.01 if self.late_ns > self._late_ns_max else 0.99), GAP_S_MAX)
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
