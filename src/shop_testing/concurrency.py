"""Things that happen at the same time. Nothing here can hang, and no exception of a thread is lost."""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, wait
from contextlib import contextmanager
from datetime import datetime
from threading import Barrier, Condition, Event, Thread
from typing import TypeVar, cast

from shop_core.errors import Refusal
from shop_core.ports import Begin, Clock, UnitOfWork
from shop_testing.fixtures import Altered

T = TypeVar("T")

TIMEOUT_S = 60.0
WAITING_S = 0.2
SWITCH_INTERVAL_S = 1e-5


def in_background(job: Callable[[], T]) -> Future[T]:
    """Run `job` in a thread of its own. Ask for its `.result(TIMEOUT_S)`: that also raises what it raised."""
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(job())
        except BaseException as raised:
            future.set_exception(raised)

    Thread(target=run, daemon=True).start()  # a daemon: one that hangs must not keep the tests from ending
    return future


def still_waits(future: Future[T], seconds: float = WAITING_S) -> bool:
    """Whether the job does not get through within `seconds`: something holds it up."""
    return not wait([future], timeout=seconds).done


def second_in_line(begin: Begin, first: Callable[[UnitOfWork], object], second: Callable[[UnitOfWork], T]) -> T:
    """What `second` gets, which has to wait until the unit of work of `first` is committed."""
    arrived = Event()

    def wait_in_line() -> T:
        with begin() as uow:
            arrived.set()
            return second(uow)

    with begin() as uow:
        first(uow)
        waiting = in_background(wait_in_line)
        assert arrived.wait(TIMEOUT_S)
        assert still_waits(waiting), "the lock kept nobody out"
    return waiting.result(TIMEOUT_S)


class Rendezvous:
    """A clock that holds whoever looks at it until somebody else does too, but not for longer than a moment.

    A use case looks at the clock after it locked and read, and before it writes. So two that a missing lock lets in
    meet there, both with what they read, every time; where the lock is, each just waits a moment alone.
    """

    def __init__(self, clock: Clock, seconds: float = 0.02) -> None:
        self._clock = clock
        self._seconds = seconds
        self._changed = Condition()
        self._looks = 0

    def opens(self, begin: Begin) -> Begin:
        """The same units of work, in which who asks for the time meets others."""

        @contextmanager
        def begun() -> Iterator[UnitOfWork]:
            with begin() as uow:

                def now() -> datetime:
                    self.meet()
                    return uow.now()

                yield cast("UnitOfWork", Altered(uow, now=now))

        return begun

    def __call__(self) -> datetime:
        self.meet()
        return self._clock()

    def meet(self) -> None:
        """Wait a moment for somebody else who looks at the clock."""
        with self._changed:
            self._looks += 1
            mine = self._looks
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._looks > mine, self._seconds)


def together(*jobs: Callable[[], T], timeout_s: float = TIMEOUT_S) -> list[T | Refusal]:
    """Run all jobs at the same moment, each in its own thread.

    Returns:
        What each job returned, or the refusal that it got, in the order of the jobs.

    Raises:
        TimeoutError: not all ended in time; the message says where the others stand.
        BaseException: any other exception of a job.
    """
    start = Barrier(len(jobs))

    def at_the_start(job: Callable[[], T]) -> T | Refusal:
        start.wait(timeout_s)
        try:
            return job()
        except Refusal as refusal:
            return refusal

    interval = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_INTERVAL_S)  # so that threads in one process interleave inside a use case too
    try:
        futures = [in_background(lambda job=job: at_the_start(job)) for job in jobs]  # type: ignore[misc]
        results = _results(futures, time.monotonic() + timeout_s)
    finally:
        sys.setswitchinterval(interval)
    return results


def _results(futures: Sequence[Future[T]], deadline: float) -> list[T]:
    _, hanging = wait(futures, timeout=max(0.0, deadline - time.monotonic()))
    if hanging:
        stacks = ("".join(traceback.format_stack(frame, limit=8)) for frame in sys._current_frames().values())
        raise TimeoutError(f"{len(hanging)} of {len(futures)} threads did not end:\n" + "\n".join(stacks))
    return [future.result() for future in futures]
