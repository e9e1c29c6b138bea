"""Runs use cases in every order in which their calls can fall, one schedule after the other, and finds the bad ones.

Each use case has a thread, and one of them at a time has the baton. Before every call of a port (begin, each method of
a repository, now, commit, rollback) the baton may go to another one. Schedules come by the number of their preemptions
(switches away from one who could go on), as in CHESS (Musuvathi et al., OSDI 2008): most races need one or two. When
there are few schedules, all are run; else the first ones, and then samples from a seed.

Nothing here looks at the time. Whoever waits for a lock says so, because the adapters under test wait on a condition
that is the scheduler's: he gets the baton once what he waits for is true. If nobody can go on, that is a deadlock. So
a schedule is a word such as `AABBA`, and played again it does the same again.
"""

from __future__ import annotations

import traceback
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from threading import Condition, Lock, Thread, get_ident
from typing import Any, cast

from shop_core.ports import Begin, UnitOfWork
from shop_core.testing.threads import TIMEOUT_S

FIRST_LETTER = ord("A")
Job = Callable[[], object]


class _Abandoned(BaseException):
    """The run is over: unwind."""


@dataclass(frozen=True, slots=True)
class Step:
    """Who got the baton, and for what.

    Args:
        task: its number.
        label: the call that it was about to make.
        open_to: who could have got it, by number.
        holder: who had it before; None at the start.
    """

    task: int
    label: str
    open_to: bytes
    holder: int | None

    def costs(self, task: int) -> int:
        """Whether giving the baton to `task` takes it from one who could go on."""
        return int(self.holder is not None and task != self.holder and self.holder in self.open_to)


@dataclass(slots=True)
class _Task:
    number: int
    name: str
    baton: Lock = field(default_factory=Lock)
    label: str = ""
    waits_for: Callable[[], bool] | None = None
    is_done: bool = False
    outcome: object = None
    error: BaseException | None = None

    @property
    def can_go_on(self) -> bool:
        return not self.is_done and (self.waits_for is None or self.waits_for())


class Schedule:
    """One run of some jobs, in an order that is decided step by step.

    Args:
        wanted: the numbers of the jobs that get the baton first; who has it keeps it afterwards, as long as he can.
        chance: decides afterwards instead.
        patience_s: after how many seconds a job that does not come back is given up. None should ever need it.
    """

    def __init__(self, wanted: bytes = b"", chance: Random | None = None, *, patience_s: float = TIMEOUT_S) -> None:
        self.mutex: Condition = _Mutex(self)
        self.steps: list[Step] = []
        self.deadlock = ""
        self._wanted = wanted
        self._chance = chance
        self._patience_s = patience_s
        self._tasks: list[_Task] = []
        self._threads: dict[int, _Task] = {}
        self._main = Lock()
        self._main.acquire()
        self._has_begun = False
        self._is_over = False

    # ---- for the adapters under test

    def opens(self, begin: Begin) -> Begin:
        """The same units of work, with a step before each of their calls."""

        @contextmanager
        def begun() -> Iterator[UnitOfWork]:
            self.step("begin")
            with begin() as work:
                try:
                    yield cast("UnitOfWork", _Stepping(work, self))
                except Exception:
                    self.step("rollback")
                    raise
                self.step("commit")

        return begun

    def step(self, label: str) -> None:
        """Let the scheduler decide who goes on. Who is not a job of it just does."""
        task = self._threads.get(get_ident())
        if task is not None:
            task.label = label
            self._hand_over(task)

    def wait(self, condition: Callable[[], bool]) -> bool:
        """Let others go on until the condition is true. False: who asks is not a job."""
        task = self._threads.get(get_ident())
        if task is None:
            return False
        task.waits_for = condition
        self._hand_over(task)
        task.waits_for = None
        return True

    # ---- the run

    def perform(self, jobs: Mapping[str, Job]) -> dict[str, object]:
        """Run them all.

        Returns:
            What each job returned, or the exception that it raised.

        Raises:
            TimeoutError: a job waits for something that the scheduler does not know of.
        """
        self._tasks = [_Task(number, name) for number, name in enumerate(jobs)]
        threads = []
        for task, job in zip(self._tasks, jobs.values(), strict=True):
            task.baton.acquire()
            threads.append(Thread(target=self._run, args=(task, job), daemon=True))
            threads[-1].start()
            self._await_main(task)
        self._has_begun = True
        if (first := self._next()) is not None:
            first.baton.release()
            self._await_main(first)
        self._is_over = True
        for task, thread in zip(self._tasks, threads, strict=True):
            if not task.is_done:
                task.baton.release()
            thread.join(self._patience_s)
        return {task.name: task.error or task.outcome for task in self._tasks}

    def _await_main(self, task: _Task) -> None:
        if not self._main.acquire(timeout=self._patience_s):
            raise TimeoutError(f"{task.name} does not come back from {task.label or 'its start'}: {self}")

    def _run(self, task: _Task, job: Job) -> None:
        self._threads[get_ident()] = task
        try:
            task.outcome = job()
        except _Abandoned:
            return
        except BaseException as error:
            task.error = error
        task.is_done = True
        following = self._next() if self._has_begun else None
        (following.baton if following else self._main).release()

    def _hand_over(self, task: _Task) -> None:
        """Called by the one who has the baton; returns when he has it again."""
        if self._is_over:
            raise _Abandoned
        following = self._next() if self._has_begun else None
        if following is not task:
            (following.baton if following else self._main).release()
            task.baton.acquire()
        if self._is_over:
            raise _Abandoned

    def _next(self) -> _Task | None:
        """Who gets the baton; None when all have ended, or nobody can go on."""
        able = bytes(task.number for task in self._tasks if task.can_go_on)
        if not able:
            waiting = [f"{task.name} in {task.label}" for task in self._tasks if not task.is_done]
            self.deadlock = "nobody can go on: " + ", ".join(waiting) if waiting else ""
            return None
        holder = self.steps[-1].task if self.steps else None
        chosen = self._choose(able, holder)
        self.steps.append(Step(chosen, self._tasks[chosen].label, able, holder))
        return self._tasks[chosen]

    def _choose(self, able: bytes, holder: int | None) -> int:
        if len(self.steps) < len(self._wanted):
            wanted = self._wanted[len(self.steps)]
            if wanted in able:
                return wanted
            self._wanted = b""  # it does not do the same again: `explore` sees it by `chosen`
        if self._chance is not None:
            return self._chance.choice(able)
        return holder if holder is not None and holder in able else able[0]

    # ---- what is left of it

    @property
    def word(self) -> str:
        """The schedule, a letter a step."""
        return "".join(chr(FIRST_LETTER + step.task) for step in self.steps)

    @property
    def chosen(self) -> bytes:
        """The same, as numbers."""
        return bytes(step.task for step in self.steps)

    @property
    def preemptions(self) -> int:
        """How often the baton was taken from one who could go on."""
        return sum(step.costs(step.task) for step in self.steps)

    def __str__(self) -> str:
        width = max((len(task.name) for task in self._tasks), default=0)
        lines = [
            f"  {chr(FIRST_LETTER + step.task)} {self._tasks[step.task].name:{width}}  {step.label}"
            for step in self.steps
        ]
        return "\n".join([f"schedule {self.word} ({self.preemptions} preemptions)", *lines])


class _Mutex(Condition):
    """Who waits on it hands over the baton; who is no job of the schedule waits as usual."""

    def __init__(self, schedule: Schedule) -> None:
        super().__init__()
        self._schedule = schedule

    def wait_for(self, predicate: Callable[[], Any], timeout: float | None = None) -> Any:
        while not predicate():
            self.release()
            try:
                is_job = self._schedule.wait(lambda: bool(predicate()))
            finally:
                self.acquire()
            if not is_job:
                return super().wait_for(predicate, timeout)
        return True


class _Stepping:
    """A unit of work, or a repository of one, with a step before each call."""

    def __init__(self, inner: object, schedule: Schedule, name: str = "") -> None:
        self._inner = inner
        self._schedule = schedule
        self._name = name

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        label = f"{self._name}.{name}" if self._name else name
        if not callable(found):
            return _Stepping(found, self._schedule, label)

        def call(*args: Any, **kwargs: Any) -> Any:
            self._schedule.step(label)
            return found(*args, **kwargs)

        return call


# ---- many schedules


@dataclass(frozen=True)
class Play:
    """What happens at the same time, and what must be so afterwards.

    Args:
        jobs: the use cases, by name.
        check: is given what each job returned or raised; raises AssertionError.
    """

    jobs: Mapping[str, Job]
    check: Callable[[Mapping[str, Any]], None]


Case = Callable[[Schedule], Play]
"""Sets a new scene, always the same one, on adapters that wait on the schedule's mutex."""


@dataclass(frozen=True)
class Failure:
    """A schedule after which something was wrong. `play(case, failure.word)` does it again."""

    word: str
    reason: str
    steps: str

    def __str__(self) -> str:
        return f"{self.reason}\n{self.steps}\nreplay: play(case, {self.word!r})"


@dataclass(frozen=True)
class Report:
    """What an exploration saw.

    Args:
        schedules: how many were run, no two the same; samples come on top.
        samples: how many were run by chance; some may be alike.
        is_complete: there are no others.
        preemptions: the most that a schedule had, without the samples.
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


def play(case: Case, word: str = "", chance: Random | None = None) -> tuple[Schedule, Failure | None]:
    """Run one schedule, and say what was wrong.

    Args:
        case: what to run.
        word: who goes on first, step by step, e.g. `AABBA`; from there on, each as long as he can.
        chance: decides from there on instead.
    """
    schedule = Schedule(bytes(ord(letter) - FIRST_LETTER for letter in word), chance)
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
    run, most = 0, 0
    while waiting and run < schedules_max:
        cost = min(waiting)
        wanted = waiting[cost].popleft()
        schedule = Schedule(wanted)
        failure = _failure(schedule, case)
        run, most = run + 1, max(most, cost)
        if not schedule.chosen.startswith(wanted):
            raise RuntimeError(f"{wanted!r} could not be played again: the case depends on more than its schedule")
        if failure:
            return Report(run, 0, False, most, seed, failure)
        for more, branch in _branches(schedule.steps, len(wanted)):
            waiting.setdefault(more, deque()).append(branch)
        if not waiting[cost]:
            del waiting[cost]
    if not waiting:
        return Report(run, 0, True, most, seed, None)
    for number in range(samples):
        schedule, failure = play(case, chance=Random(f"{seed} {number}"))
        if failure:
            return Report(run, number + 1, False, most, seed, failure)
    return Report(run, samples, False, most, seed, None)


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
    the_play = case(schedule)
    outcomes = schedule.perform(the_play.jobs)
    reason = schedule.deadlock
    if not reason:
        try:
            the_play.check(outcomes)
        except AssertionError as wrong:
            reason = _in_words(wrong)
    return Failure(schedule.word, reason, str(schedule)) if reason else None


def _in_words(wrong: AssertionError) -> str:
    """The message, or else the line: `assert` says nothing by itself."""
    if text := str(wrong):
        return text
    frame = traceback.extract_tb(wrong.__traceback__)[-1]
    return f"{frame.name}, line {frame.lineno}: {frame.line}"
