"""Use cases in every order of their calls, on the shop in memory: nothing breaks, and what is broken is found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from math import comb
from threading import Event
from typing import Any

import pytest
from verification.exploration import Case, explore, run_schedule
from verification.interleaving_mutants import INTERLEAVING_MUTANTS, InterleavingMutant, leaky
from verification.interleavings import case_of, main, search
from verification.schedule import Schedule

from shop_testing.concurrency import TIMEOUT_S
from shop_testing.races import RACES, Race

FEW = 60
"""Schedules of each race that every test run tries; `python -m verification.interleavings` tries more."""


# ---- the races


@pytest.mark.parametrize("name", RACES)
def test_the_shop_keeps_its_promises_in_every_order_of_the_calls(name: str) -> None:
    report = explore(case_of(name), schedules_max=FEW, samples=FEW // 2, seed=7)
    assert report.failure is None, report.failure
    assert report.is_complete or report.runs == FEW + FEW // 2


@pytest.mark.parametrize(
    ("name", "schedules_min"),
    [
        ("edit and cancel", 80),
        ("two edits of one version", 90),
        ("one order sent twice", 90),
        ("one reservation sent twice", 90),
    ],
)
def test_where_a_lock_comes_early_there_are_so_few_schedules_that_all_are_run(name: str, schedules_min: int) -> None:
    report = explore(case_of(name), schedules_max=500)
    assert report.failure is None, report.failure
    assert report.is_complete
    assert report.schedules >= schedules_min


# ---- and mutants that are found


@pytest.mark.parametrize("mutant", INTERLEAVING_MUTANTS, ids=lambda mutant: f"{mutant.name} - {mutant.race}")
def test_a_mutant_is_found_and_its_schedule_shows_it_again(mutant: InterleavingMutant) -> None:
    report = search(mutant, schedules_max=150, samples=0, seed=1)
    assert report.failure is not None, f"missed in {report.schedules} schedules"
    _, again = run_schedule(case_of(mutant.race, mutant.open_adapters, mutant.alter), report.failure.word)
    assert again is not None
    assert (again.word, again.steps) == (report.failure.word, report.failure.steps)
    assert again.reason.splitlines()[0] == report.failure.reason.splitlines()[0]


def test_two_sweeps_at_once_would_only_do_needless_work() -> None:
    """`try_lock_task` spares them the waiting; what keeps them right is the lock of the stock, and the second look."""
    report = explore(case_of("two sweeps", leaky("tasks")), schedules_max=FEW)
    assert report.failure is None, report.failure


# ---- the scheduler itself


def steps(schedule: Schedule, *labels: str) -> Callable[[], None]:
    """A job that does nothing but take its steps."""

    def job() -> None:
        for label in labels:
            schedule.step(label)

    return job


def fine(outcomes: Mapping[str, Any]) -> None:
    """Nothing can be wrong."""


@pytest.mark.parametrize(("one", "other"), [(1, 1), (2, 2), (3, 2), (4, 4)])
def test_two_jobs_have_as_many_schedules_as_there_are_ways_to_shuffle_their_steps(one: int, other: int) -> None:
    words: list[str] = []

    def case(schedule: Schedule) -> Race:
        return Race(
            {"one": steps(schedule, *"abcd"[:one]), "other": steps(schedule, *"abcd"[:other])},
            lambda outcomes: words.append(schedule.word),
        )

    report = explore(case)
    assert report.is_complete
    assert report.schedules == len(set(words)) == len(words) == comb(one + other, one)


def test_three_jobs_come_in_every_order() -> None:
    words: list[str] = []

    def case(schedule: Schedule) -> Race:
        jobs = {name: steps(schedule, "step") for name in ("one", "two", "three")}
        return Race(jobs, lambda outcomes: words.append(schedule.word))

    assert explore(case).is_complete
    assert sorted(words) == ["ABC", "ACB", "BAC", "BCA", "CAB", "CBA"]


def test_schedules_with_few_preemptions_come_first() -> None:
    preemptions: list[int] = []

    def case(schedule: Schedule) -> Race:
        jobs = {name: steps(schedule, *"abc") for name in ("one", "other")}
        return Race(jobs, lambda outcomes: preemptions.append(schedule.preemptions))

    explore(case)
    assert preemptions == sorted(preemptions)
    assert preemptions[:2] == [0, 0]
    assert preemptions[-1] == 4, "ABABAB: all but the first and the last change is against somebody who could go on"


def lost_update(schedule: Schedule) -> Race:
    """Two who add one to what they read before."""
    store = {"count": 0}

    def add() -> None:
        schedule.step("read")
        count = store["count"]
        schedule.step("write")
        store["count"] = count + 1

    def check(outcomes: Mapping[str, Any]) -> None:
        if store["count"] != 2:
            raise AssertionError(f"counted {store['count']}")

    return Race({"one": add, "other": add}, check)


def test_a_lost_update_is_found_with_one_preemption_and_can_be_played_again() -> None:
    report = explore(lost_update)
    assert report.failure is not None
    assert report.failure.word == "ABBA"
    assert report.failure.reason == "counted 1"
    assert report.preemptions == 1
    assert str(report.failure).splitlines()[1:] == [
        "schedule ABBA (1 preemptions)",
        "  A one    read",
        "  B other  read",
        "  B other  write",
        "  A one    write",
        "replay: run_schedule(case, 'ABBA')",
    ]
    assert run_schedule(lost_update, "ABBA")[1] == report.failure
    assert run_schedule(lost_update, "AABB")[1] is None


def test_samples_find_what_the_first_schedules_miss_and_the_seed_finds_it_again() -> None:
    reports = [explore(lost_update, schedules_max=1, samples=50, seed=3) for _ in range(2)]
    assert reports[0].failure is not None
    assert (reports[0].schedules, reports[0].samples) == (1, reports[1].samples)
    assert reports[0] == reports[1]


def locking(*orders: str) -> Case:
    """Jobs that take the locks a and b in the given order, one by one."""

    def case(schedule: Schedule) -> Race:
        taken: set[str] = set()

        def job(order: str) -> None:
            for name in order:
                schedule.step(f"lock {name}")
                with schedule.mutex:
                    schedule.mutex.wait_for(lambda name=name: name not in taken)  # type: ignore[misc]
                    taken.add(name)
            schedule.step("unlock")
            with schedule.mutex:
                taken.difference_update(order)
                schedule.mutex.notify_all()

        jobs = {f"job {number}": partial(job, order) for number, order in enumerate(orders)}
        return Race(jobs, fine)

    return case


def test_jobs_that_wait_for_each_other_in_a_ring_are_found() -> None:
    report = explore(locking("ab", "ba"))
    assert report.failure is not None
    assert report.failure.reason == "nobody can go on: job 0 in lock b, job 1 in lock a"


def test_jobs_that_wait_for_each_other_in_one_direction_get_through_in_every_schedule() -> None:
    report = explore(locking("ab", "ab"))
    assert report.failure is None, report.failure
    assert report.is_complete
    assert report.schedules > 4


def test_a_waiting_job_goes_on_only_once_its_condition_holds() -> None:
    schedule, failure = run_schedule(locking("a", "a"), "AB")
    assert failure is None
    assert schedule.word == "ABABB", "A locks, B waits, A unlocks, B goes on, B unlocks"
    assert [list(step.open_to) for step in schedule.steps] == [[0, 1], [0, 1], [0], [1], [1]]


def test_a_case_that_does_not_do_the_same_again_is_refused() -> None:
    runs: list[int] = []

    def case(schedule: Schedule) -> Race:
        runs.append(1)
        return Race({"one": steps(schedule, *("abc" if len(runs) == 1 else "a")), "other": steps(schedule, "a")}, fine)

    with pytest.raises(RuntimeError, match="depends on more than its schedule"):
        explore(case)


def test_a_job_that_waits_for_what_the_scheduler_does_not_know_of_is_named() -> None:
    never = Event()
    schedule = Schedule()

    def hangs() -> None:
        schedule.patience_s = 0.05  # only from here on, so that a slow start is not taken for it
        schedule.step("lock")
        never.wait(TIMEOUT_S)

    with pytest.raises(TimeoutError, match="hangs does not come back from lock"):
        schedule.perform({"hangs": hangs})
    never.set()


def test_an_exception_is_the_outcome_of_its_job() -> None:
    schedule = Schedule()

    def fails() -> None:
        schedule.step("a")
        raise ValueError("no")

    outcomes = schedule.perform({"fails": fails, "works": lambda: 7})
    assert isinstance(outcomes["fails"], ValueError)
    assert outcomes["works"] == 7


def test_a_thread_outside_the_schedule_waits_as_usual() -> None:
    schedule = Schedule()
    with schedule.mutex:
        assert schedule.mutex.wait_for(lambda: True)
        assert not schedule.mutex.wait_for(lambda: False, timeout=0.01)


# ---- the command


def test_the_command_prints_what_was_run_and_what_was_found(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--schedules", "40", "--samples", "5", "--seed", "7", "--race", "one order sent twice"]) == 0
    said = capsys.readouterr().out
    assert "one order sent twice" in said
    assert "40 schedules, up to" in said
    assert "1 races, 45 schedules, 0 failed" in said
    assert "3 mutants, 3 found" in said
    assert "seed 7" in said


def test_the_command_plays_a_schedule_again(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--race", "one order sent twice", "--replay", "ABAB"]) == 0
    assert capsys.readouterr().out.splitlines()[0].startswith("schedule ABAB")
