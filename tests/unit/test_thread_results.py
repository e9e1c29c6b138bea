"""Results of threads reach whoever waits for them on the loop, many by one call."""

from __future__ import annotations

import asyncio
from concurrent.futures import Future

import pytest

from shop_http.server.worker_pools import Results
from shop_testing.concurrency import TIMEOUT_S


class CountingLoop(asyncio.SelectorEventLoop):
    """A loop that counts how often other threads woke it."""

    woken = 0

    def call_soon_threadsafe(self, *args, **more):  # type: ignore[no-untyped-def]
        """Count, and go on."""
        self.woken += 1
        return super().call_soon_threadsafe(*args, **more)


def test_results_that_come_together_wake_the_loop_once() -> None:
    loop, results = CountingLoop(), Results()

    async def fixtures() -> list[int]:
        futures = [Future[int]() for _ in range(60)]
        waiting = [results.of(future) for future in futures]

        def train() -> None:
            for number, future in enumerate(futures):
                future.set_result(number)

        before = loop.woken
        train()  # on the loop's own thread, so that it cannot wake in between
        assert await asyncio.gather(*waiting) == list(range(60))
        assert loop.woken - before == 1
        return [await results.of(future) for future in futures]

    try:
        assert loop.run_until_complete(fixtures()) == list(range(60)), "and those that had come before"
    finally:
        loop.close()


def test_every_result_arrives_however_threads_and_loop_meet() -> None:
    results = Results()

    async def fixtures() -> None:
        for _ in range(200):
            futures = [Future[int]() for _ in range(8)]
            waiting = [results.of(future) for future in futures]
            ended = [asyncio.to_thread(future.set_result, number) for number, future in enumerate(futures)]
            await asyncio.wait_for(asyncio.gather(*ended), TIMEOUT_S)
            assert await asyncio.wait_for(asyncio.gather(*waiting), TIMEOUT_S) == list(range(8))

    asyncio.run(fixtures())


def test_failures_and_cancellations_arrive_as_such() -> None:
    results = Results()

    async def fixtures() -> None:
        broken, called_off, forgotten = Future[int](), Future[int](), Future[int]()
        fails, ends, left = (results.of(future) for future in (broken, called_off, forgotten))
        broken.set_exception(KeyError("lost"))
        called_off.cancel()
        called_off.set_running_or_notify_cancel()
        with pytest.raises(KeyError, match="lost"):
            await fails
        with pytest.raises(asyncio.CancelledError):
            await ends
        left.cancel()
        await asyncio.sleep(0)
        assert forgotten.cancelled(), "who waits no more takes his request off the platform"

    asyncio.run(fixtures())


def test_a_loop_that_was_closed_before_the_result_came_holds_up_nobody_on_the_next() -> None:
    results, late = Results(), Future[int]()

    async def leaves() -> None:
        results.of(late)

    async def stays() -> int:
        future = Future[int]()
        waiting = results.of(future)
        future.set_result(3)
        return await asyncio.wait_for(waiting, TIMEOUT_S)

    asyncio.run(leaves())
    late.set_result(1)
    assert asyncio.run(stays()) == 3
