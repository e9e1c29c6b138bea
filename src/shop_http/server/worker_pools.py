"""Worker pools: the threads that handlers run in, by how long they take, so that slow ones never hold up fast ones.

Each pool has its own threads and a bounded queue. A request that finds the queue full is refused at once, instead of
waiting for a response that comes too late. A flood of logins fills the pool of the password hashes and no other.
"""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from enum import StrEnum
from threading import BoundedSemaphore
from typing import TypeVar

from shop_core.errors import Unavailable

T = TypeVar("T")
HASHING_NICE = 10


class Pool(StrEnum):
    """What sort of work a handler does."""

    FAST = "fast"
    SLOW = "slow"  # searches, counts, lists of everybody's: many rows looked at
    HASHING = "hashing"  # passwords: some 20 milliseconds of pure computing, by intent


class WorkerPools:
    """Runs blocking work, each piece in its pool.

    Args:
        threads: of each pool.
        waiting_max: how many may wait for each pool.
    """

    def __init__(self, threads: Mapping[Pool, int], waiting_max: Mapping[Pool, int]) -> None:
        self._executors = {
            pool: ThreadPoolExecutor(
                count,
                thread_name_prefix=f"shop-http-{pool}",
                initializer=_yield_to_others if pool is Pool.HASHING else None,
            )
            for pool, count in threads.items()
        }
        self._places = {pool: BoundedSemaphore(count + waiting_max[pool]) for pool, count in threads.items()}

    @classmethod
    def for_connections(cls, connections: int) -> WorkerPools:
        """Pools for so many connections to the database: the fast and the slow one share them out, one each at least.
        Threads that hash passwords need theirs for a moment only, from those beside: `BACKGROUND_CONNECTIONS`.
        """
        slow = max(1, connections // 4)
        cores = os.cpu_count() or 1
        threads = {Pool.FAST: max(1, connections - slow), Pool.SLOW: slow, Pool.HASHING: max(1, cores - 1)}
        return cls(threads, {Pool.FAST: 256, Pool.SLOW: 96, Pool.HASHING: 16})

    async def run(self, pool: Pool, work: Callable[[], T]) -> T:
        """The result of `work`, from a thread of that pool.

        Raises:
            Unavailable: too many wait there, or the server is shutting down. Nothing was done.
        """
        return await asyncio.wrap_future(self.submit(pool, work))

    def submit(self, pool: Pool, work: Callable[[], T]) -> Future[T]:
        """Have `work` done by a thread of that pool. Raises Unavailable: see `run`."""
        places = self._places[pool]
        if not places.acquire(blocking=False):
            raise Unavailable("Too many requests of this kind wait. Nothing was done: try again a little later.")
        try:
            future = self._executors[pool].submit(copy_context().run, work)  # so that traces know whose work it is
        except RuntimeError as closed:  # an executor has no other word for it
            places.release()
            raise Unavailable("The server is shutting down. Nothing was done: send the request again.") from closed
        future.add_done_callback(lambda _: places.release())
        return future

    def close(self) -> None:
        """Let the work that has begun finish."""
        for executor in self._executors.values():
            executor.shutdown()


def _yield_to_others() -> None:
    """Give this thread a lower priority than the process has, so that a flood of logins leaves the cores to all others.

    Not the lowest, 19, unless the process is near it: a login would then wait for seconds while anything else keeps the
    machine busy. Only Linux has priorities of threads. There, PRIO_PROCESS takes the id of a thread, too.
    """
    if sys.platform == "linux":
        with suppress(OSError):
            nice = os.getpriority(os.PRIO_PROCESS, os.getpid()) + HASHING_NICE
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), min(nice, 19))
