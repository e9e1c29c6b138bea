"""Background jobs go on whatever happens, in a rhythm that spares what is broken, and stop when they are told to."""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Event, current_thread

import pytest

from shop_adapters.background import Repeating
from shop_testing.concurrency import TIMEOUT_S


class Rhythm:
    """Waiting that takes no time, is written down, and ends the whole after so many waits."""

    def __init__(self, waits: int) -> None:
        self.waited: list[float] = []
        self._left = waits

    def __call__(self, seconds: float) -> bool:
        self.waited.append(seconds)
        self._left -= 1
        return self._left == 0


def failing(times: int) -> Callable[[], int]:
    """A job that fails so often and then works."""
    calls = iter(range(10_000))

    def job() -> int:
        if next(calls) < times:
            raise OSError("the database\nis away")
        return 0

    return job


def test_a_job_is_called_at_once_and_then_every_so_many_seconds() -> None:
    calls: list[int] = []
    rhythm = Rhythm(3)
    Repeating(lambda: calls.append(1), 0.25, "sweep", wait=rhythm).run()
    assert rhythm.waited == [0.25, 0.25, 0.25]
    assert len(calls) == 3


def test_a_job_that_has_more_to_do_goes_on_without_a_wait() -> None:
    results = iter([200, 200, 17, 200, 0])
    rhythm = Rhythm(2)
    Repeating(lambda: next(results), 0.25, "sweep", lambda count: count == 200, wait=rhythm).run()
    assert rhythm.waited == [0.25, 0.25]
    assert list(results) == []


def test_a_job_that_fails_is_called_again_later_each_time_and_as_before_once_it_works() -> None:
    rhythm = Rhythm(10)
    Repeating(failing(7), 0.25, "sweep", wait=rhythm).run()
    assert rhythm.waited == [0.25, 0.5, 1, 2, 4, 5, 5, 0.25, 0.25, 0.25]


def test_a_job_that_is_rare_anyway_is_not_called_more_often_because_it_fails() -> None:
    rhythm = Rhythm(3)
    Repeating(failing(2), 60, "report", wait=rhythm).run()
    assert rhythm.waited == [60, 60, 60]


def test_each_failure_is_one_line_in_the_log_and_the_recovery_too(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "shop.background"):
        Repeating(failing(2), 0.25, "sweep", wait=Rhythm(4)).run()
    first, second, recovery = [record.getMessage() for record in caplog.records]
    assert first.startswith("sweep failed at test_background.py:")
    assert first.endswith(": OSError: the database is away; next try in 0.25 s")
    assert second.endswith("next try in 0.5 s")
    assert recovery == "sweep works again after 2 failures"
    assert all(record.exc_info is None for record in caplog.records)


def test_a_predicate_that_fails_is_survived_like_a_job_that_fails() -> None:
    rhythm = Rhythm(2)
    Repeating(lambda: None, 0.25, "sweep", lambda result: 1 / 0 > 1, wait=rhythm).run()
    assert rhythm.waited == [0.25, 0.5]


def test_it_runs_in_a_daemon_thread_of_its_name_until_it_is_stopped() -> None:
    seen: list[tuple[str, bool]] = []
    called = Event()

    def job() -> None:
        seen.append((current_thread().name, current_thread().daemon))
        called.set()

    repeating = Repeating(job, 3_600, "relay")
    assert not repeating.is_alive
    repeating.start()
    assert called.wait(TIMEOUT_S)
    assert repeating.is_alive
    assert repeating.stop(TIMEOUT_S), "it waits for the hour to end instead of the end"
    assert not repeating.is_alive
    assert seen == [("relay", True)]
    assert repeating.stop(), "stopping it again does no harm"


def test_one_that_always_has_more_to_do_can_be_stopped() -> None:
    called = Event()
    repeating = Repeating(called.set, 3_600, "relay", lambda result: True)
    repeating.start()
    assert called.wait(TIMEOUT_S)
    assert repeating.stop(TIMEOUT_S)


def test_stopping_waits_for_the_job_but_not_for_ever() -> None:
    begun, go_on = Event(), Event()

    def job() -> None:
        begun.set()
        go_on.wait(TIMEOUT_S)

    repeating = Repeating(job, 3_600, "relay")
    repeating.start()
    assert begun.wait(TIMEOUT_S)
    assert not repeating.stop(0.01)
    go_on.set()
    assert repeating.stop(TIMEOUT_S)


def test_a_job_may_stop_its_own_repetition() -> None:
    repeating: Repeating[bool] = Repeating(lambda: repeating.stop(), 3_600, "once")
    repeating.start()
    assert repeating.stop(TIMEOUT_S)
    assert not repeating.is_alive


def test_it_is_started_once() -> None:
    repeating = Repeating(lambda: None, 3_600, "relay")
    repeating.start()
    with pytest.raises(RuntimeError, match="relay was started before"):
        repeating.start()
    assert repeating.stop(TIMEOUT_S)


def test_to_stop_what_never_started_is_fine() -> None:
    assert Repeating(lambda: None, 3_600, "relay").stop()


@pytest.mark.parametrize("every_s", [0, -1])
def test_a_job_without_a_pause_is_refused(every_s: float) -> None:
    with pytest.raises(ValueError, match="relay must wait for more than 0 seconds"):
        Repeating(lambda: None, every_s, "relay")
