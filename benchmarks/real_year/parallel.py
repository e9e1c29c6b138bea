"""Many clients at once: each kind of work is a phase, and within it what belongs together stays in order."""

from __future__ import annotations

import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Generic, TypeVar
from urllib.parse import SplitResult

from benchmarks.real_year.client import Connection, Refused, Wrong
from benchmarks.real_year.events import Tally

T = TypeVar("T")


class OrderedJobs(Generic[T]):
    """Hands out jobs in their order, but never two of one queue at the same time."""

    def __init__(self, jobs: Iterable[T], queue_of: Callable[[T], object]) -> None:
        self._jobs = deque((queue_of(job), job) for job in jobs)
        self._behind: dict[object, deque[T]] = {}  # the queues that are worked at, and what waits there
        self._lock = threading.Lock()

    def walk(self) -> Iterator[T]:
        """The jobs for one worker. A job counts as done when its worker asks for the next one."""
        queue: object = None
        while True:
            with self._lock:
                following = self._after(queue)
            if not following:
                return
            queue, job = following
            yield job

    def _after(self, queue: object) -> tuple[object, T] | None:
        """What a worker does after a job of `queue`: the one behind it, or else the next of a queue that is free."""
        if behind := self._behind.get(queue):
            return queue, behind.popleft()
        self._behind.pop(queue, None)
        while self._jobs:
            queue, job = self._jobs.popleft()
            if queue not in self._behind:
                self._behind[queue] = deque()
                return queue, job
            self._behind[queue].append(job)
        return None


class Phase:
    """One kind of work, done by all clients at once, with its progress and its time."""

    def __init__(self, title: str, url: SplitResult, clients: int, problems: Tally) -> None:
        self.title, self.url, self.clients = title, url, clients
        self.problems = problems
        self.done = 0
        self.seconds = 0.0
        self._lock = threading.Lock()
        self._stop = False

    def run(
        self, jobs: Sequence[T], work: Callable[[Connection, T], None], queue_of: Callable[[T], object] = id
    ) -> None:
        """Let every job be worked at; what is refused or wrong is noted as trouble, and the others go on."""
        queues = OrderedJobs(jobs, queue_of)
        threads = [threading.Thread(target=self._client, args=(queues, work), daemon=True) for _ in range(self.clients)]
        started = time.monotonic()
        for thread in threads:
            thread.start()
        try:
            with progress_of(self.title, len(jobs)) as show:
                for thread in threads:
                    while thread.is_alive():
                        thread.join(0.1)
                        show(self.done)
        finally:
            self._stop = True
        self.seconds = time.monotonic() - started

    def _client(self, queues: OrderedJobs[T], work: Callable[[Connection, T], None]) -> None:
        connection = Connection(self.url)
        for job in queues.walk():
            if self._stop:
                return
            try:
                work(connection, job)
            except Refused as refused:
                self._note(refused.code, f"{named(job)}: {refused}")
            except (Wrong, KeyError, TypeError, ValueError, ArithmeticError) as wrong:
                self._note(f"{self.title}: a wrong answer", f"{named(job)}: {wrong!r}")
            with self._lock:
                self.done += 1

    def _note(self, reason: str, example: str) -> None:
        with self._lock:
            self.problems.add(reason, example[:300])


def named(job: object) -> str:
    """What a job is about, for people."""
    for attribute in ("invoice", "sku"):
        if hasattr(job, attribute):
            return f"{attribute} {getattr(job, attribute)}"
    return str(job)


@contextmanager
def progress_of(title: str, total: int) -> Iterator[Callable[[int], None]]:
    """Shows how far the work is: a bar on a terminal, else a line every five seconds."""
    if sys.stdout.isatty():
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description:10}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns) as bar:
            task = bar.add_task(title, total=total)
            yield lambda done: bar.update(task, completed=done)
        return
    started = last = time.monotonic()

    def line(done: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= 5:
            last = now
            print(f"{title}: {done:,} of {total:,}, {done / (now - started):,.0f}/s", flush=True)

    yield line
