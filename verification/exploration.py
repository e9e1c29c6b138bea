"""Runs use cases in every order in which their calls can fall, one schedule after the other, and finds the bad ones.

Each use case has a thread, and one of them at a time has the turn. Before every call of a port (begin, each method of
a repository, now, commit, rollback) the turn may go to another one. Schedules come by the number of their preemptions
(switches away from a job that could go on), as in CHESS (Musuvathi et al., OSDI 2008): most races need one or two. When
there are few schedules, all are run; else the first ones, and then samples from a seed.

Nothing here looks at the time. Whoever waits for a lock says so, because the adapters under test wait on a condition
that is the scheduler's: it gets the turn once its condition is true. If no job can go on, that is a deadlock. So
a schedule is a word such as `AABBA`, and played again it does the same again.
"""

from __future__ import annotations

import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random

from shop_testing.races import Race
from verification.schedule import FIRST_LETTER, Schedule, Step

Case = Callable[[Schedule], Race]
"""Prepares a race, always the same one, on adapters that wait on the schedule's mutex."""


@dataclass(frozen=True)
class Failure:
    """A schedule after which something was wrong. `run_schedule(case, failure.word)` does it again."""

    word: str
    reason: str
    steps: str

    def __str__(self) -> str:
        return f"{self.reason}\n{self.steps}\nreplay: run_schedule(case, {self.word!r})"


@dataclass(frozen=True)
class Report:
    """What an exploration saw.

    Args:
        schedules: how many were run, no two the same; samples come on top.
        samples: how many were run by chance; some may be alike.
        is_complete: there are no others.
        preemptions: the highest number that a schedule had, without the samples.
        failure: the first one; nothing was run after it.
    """

    schedules: int
    samples: int
    is_complete: bool
    preemptions: int
    seed: int
    failure: Failure | None

    @property
    def runs(self) -> int:
        """All of them."""
        return self.schedules + self.samples


def run_schedule(case: Case, word: str = "", chance: Random | None = None) -> tuple[Schedule, Failure | None]:
    """Run one schedule, and say what was wrong.

    Args:
        case: what to run.
        word: which job goes on at each step, e.g. `AABBA`; after that, each runs as long as it can.
        chance: decides from there on instead.
    """
    schedule = Schedule(bytes(ord(character) - FIRST_LETTER for character in word), chance)
    return schedule, _failure(schedule, case)


def explore(case: Case, *, schedules_max: int = 1_000, samples: int = 0, seed: int = 1) -> Report:
    """Run schedules until one fails: those with few preemptions first.

    Args:
        case: what to run.
        schedules_max: how many at most.
        samples: how many to run by chance, if there are more schedules than that.
        seed: of those.

    Raises:
        RuntimeError: the same schedule did something else the second time, so the case depends on more than it.
    """
    waiting: dict[int, deque[bytes]] = {0: deque([b""])}
    run, preemptions = 0, 0
    while waiting and run < schedules_max:
        cost = min(waiting)
        prefix = waiting[cost].popleft()
        schedule = Schedule(prefix)
        failure = _failure(schedule, case)
        run, preemptions = run + 1, max(preemptions, cost)
        if not schedule.chosen.startswith(prefix):
            raise RuntimeError(f"{prefix!r} could not be played again: the case depends on more than its schedule")
        if failure:
            return Report(run, 0, False, preemptions, seed, failure)
        for branch_cost, branch in _branches(schedule.steps, len(prefix)):
            waiting.setdefault(branch_cost, deque()).append(branch)
        if not waiting[cost]:
            del waiting[cost]
    if not waiting:
        return Report(run, 0, True, preemptions, seed, None)
    for number in range(samples):
        schedule, failure = run_schedule(case, chance=Random(f"{seed} {number}"))
        if failure:
            return Report(run, number + 1, False, preemptions, seed, failure)
    return Report(run, samples, False, preemptions, seed, None)


def _branches(steps: Sequence[Step], begin: int) -> Iterator[tuple[int, bytes]]:
    """The schedules that leave this one at a step from `begin` on, with the preemptions that they have until there."""
    chosen = bytes(step.task for step in steps)
    cost = sum(step.costs(step.task) for step in steps[:begin])
    for place, step in enumerate(steps[begin:], begin):
        for other in step.open_to:
            if other != step.task:
                yield cost + step.costs(other), chosen[:place] + bytes([other])
        cost += step.costs(step.task)


def _failure(schedule: Schedule, case: Case) -> Failure | None:
    race = case(schedule)
    outcomes = schedule.perform(race.jobs)
    reason = schedule.deadlock
    if not reason:
        try:
            race.check(outcomes)
        except AssertionError as wrong:
            reason = _in_words(wrong)
    return Failure(schedule.word, reason, str(schedule)) if reason else None


def _in_words(wrong: AssertionError) -> str:
    """The message, or else the line: `assert` says nothing by itself."""
    if text := str(wrong):
        return text
    frame = traceback.extract_tb(wrong.__traceback__)[-1]
    return f"{frame.name}, line {frame.lineno}: {frame.line}"
