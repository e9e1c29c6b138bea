"""Jobs that run again and again in the background of a shop: the sweep, the relay ..."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from threading import Event, Thread, current_thread
from typing import Generic, TypeVar

T = TypeVar("T")

WAIT_S_MAX = 5.0
_logger = logging.getLogger("shop.background")


class Repeating(Generic[T]):
    """Calls a job in a thread of its own until it is stopped. A job that fails is called again, later each time.

    Args:
        job: what to do. It should take a few seconds at most: stopping waits for it.
        every_s: how many seconds to wait after each call.
        name: of the thread, and in the log.
        again_at_once: whether to call again without a wait after a call that returned this.
        stopping: set when it is to stop; for a job that asks, or for several that stop together.
        wait: waits for so many seconds or until it is stopped, and returns whether it is; for tests.

    >>> beats = iter([False, False, True])  # stop after the third call
    >>> Repeating(lambda: print("tick"), 0.25, "clockwork", wait=lambda seconds: next(beats)).run()
    tick
    tick
    tick
    """

    def __init__(
        self,
        job: Callable[[], T],
        every_s: float,
        name: str,
        again_at_once: Callable[[T], bool] = lambda result: False,
        *,
        stopping: Event | None = None,
        wait: Callable[[float], bool] | None = None,
    ) -> None:
        if every_s <= 0:
            raise ValueError(f"{name} must wait for more than 0 seconds, not {every_s}")
        self._job = job
        self._every_s = every_s
        self._again_at_once = again_at_once
        self._name = name
        self._stopping = stopping or Event()
        self._wait = wait or self._stopping.wait
        self._failures = 0
        self._thread: Thread | None = None

    def start(self) -> None:
        """Start. After a fork, start it in the child: a fork has no threads.

        Raises:
            RuntimeError: it was started before.
        """
        if self._thread is not None:
            raise RuntimeError(f"{self._name} was started before")
        self._thread = Thread(target=self.run, name=self._name, daemon=True)
        self._thread.start()

    def stop(self, timeout_s: float = 16.0) -> bool:
        """Stop, and wait until the present call has ended. It need not have been started.

        Args:
            timeout_s: how long to wait: by default longer than a relay may take for one message.

        Returns:
            Whether it ended in time. If not, it dies with the process.
        """
        self._stopping.set()
        if self._thread is None or self._thread is current_thread():
            return True
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    @property
    def is_alive(self) -> bool:
        """Whether it was started and has not ended."""
        return self._thread is not None and self._thread.is_alive()

    def run(self) -> None:
        """Repeat in the present thread, until it is stopped."""
        while not self._stopping.is_set():
            wait_s = self._once()
            if wait_s > 0 and self._wait(wait_s):
                return

    def _once(self) -> float:
        """Call the job; returns how long to wait."""
        try:
            is_more = self._again_at_once(self._job())
        except Exception as error:
            self._failures += 1
            wait_s = min(self._every_s * 2.0 ** min(self._failures - 1, 20), max(WAIT_S_MAX, self._every_s))
            _logger.error("%s failed %s; next try in %.3g s", self._name, _in_a_line(error), wait_s)
            return wait_s
        if self._failures:
            _logger.info("%s works again after %d failures", self._name, self._failures)
            self._failures = 0
        return 0.0 if is_more else self._every_s


def _in_a_line(error: Exception) -> str:
    """The error in one line: its place and its message, which may have many lines."""
    frames = traceback.extract_tb(error.__traceback__)
    where = f"at {frames[-1].filename.rpartition('/')[2]}:{frames[-1].lineno}" if frames else ""
    return " ".join(f"{where}: {type(error).__name__}: {error}".split())[:300]
