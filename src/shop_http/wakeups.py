"""What threads have done, brought back to the loop: many results wake it once.

`asyncio.wrap_future` wakes the loop for each result, by a system call. A train ends sixty of them at once.
"""

from __future__ import annotations

import asyncio
from collections import deque
from concurrent.futures import Future
from typing import Any, TypeVar

T = TypeVar("T")


class Wakeups:
    """Waits for futures of threads, on one loop at a time."""

    def __init__(self) -> None:
        self._done: deque[tuple[asyncio.Future[Any], Future[Any]]] = deque()
        self._called: asyncio.AbstractEventLoop | None = None  # the loop that is about to look

    def wrap(self, future: Future[T]) -> asyncio.Future[T]:
        """The same, to be awaited. To cancel it cancels `future`."""
        loop = asyncio.get_running_loop()
        waiting: asyncio.Future[T] = loop.create_future()
        waiting.add_done_callback(lambda ended: future.cancel() if ended.cancelled() else None)

        def bring(ended: Future[T]) -> None:
            self._done.append((waiting, ended))
            if self._called is not loop and not loop.is_closed():
                self._called = loop
                loop.call_soon_threadsafe(self._wake)

        future.add_done_callback(bring)
        return waiting

    def _wake(self) -> None:
        self._called = None  # before looking: who comes after the look calls again
        while self._done:
            waiting, ended = self._done.popleft()
            if waiting.done() or waiting.get_loop().is_closed():  # nobody waits any more
                continue
            if ended.cancelled():
                waiting.cancel()
            elif (failure := ended.exception()) is not None:
                waiting.set_exception(failure)
            else:
                waiting.set_result(ended.result())
