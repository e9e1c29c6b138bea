"""The threads that handlers run in, apart by how long they take, so that slow ones never hold up fast ones.

Each lane has its own threads and a bounded queue: who finds it full is refused at once, instead of waiting for an
answer that comes too late. A flood of logins fills the lane of the password hashes and no other, and takes no more
memory than its threads.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from enum import StrEnum
from threading import BoundedSemaphore
from typing import TypeVar

from shop_core.errors import Unavailable
from shop_http.wakeups import Wakeups

T = TypeVar("T")


class Pool(StrEnum):
    """What sort of work a handler does."""

    FAST = "fast"
    SLOW = "slow"  # searches, counts, lists of everybody's: many rows looked at
    HASHING = "hashing"  # passwords: some 20 milliseconds of pure computing, by intent


class WorkerPools:
    """Runs handlers, each in its lane.

    Args:
        threads: of each lane.
        waiting_max: how many may wait in each lane.
    """

    def __init__(self, threads: Mapping[Pool, int], waiting_max: Mapping[Pool, int]) -> None:
        self._executors = {
            lane: ThreadPoolExecutor(count, thread_name_prefix=f"shop-http-{lane}") for lane, count in threads.items()
        }
        self._wakeups = Wakeups()
        self._places = {lane: BoundedSemaphore(count + waiting_max[lane]) for lane, count in threads.items()}

    async def run(self, lane: Pool, work: Callable[[], T]) -> T:
        """The result of `work`, from a thread of that lane.

        Raises:
            Unavailable: too many wait there, or the server is closing down. Nothing was done.
        """
        places = self._places[lane]
        if not places.acquire(blocking=False):
            raise Unavailable("Too many requests of this kind wait. Nothing was done: try again a little later.")
        try:
            future: Future[T] = self._executors[lane].submit(work)
        except RuntimeError as closed:  # an executor has no other word for it
            places.release()
            raise Unavailable("The server is closing down. Nothing was done: ask again.") from closed
        future.add_done_callback(lambda _: places.release())
        return await self._wakeups.wrap(future)

    def executor(self, lane: Pool) -> ThreadPoolExecutor:
        """The threads of a lane, for what has a bound of its own."""
        return self._executors[lane]

    def close(self) -> None:
        """Let those finish who are at work."""
        for executor in self._executors.values():
            executor.shutdown()
