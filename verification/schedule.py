"""One run of some jobs in an order that is decided step by step: see `exploration`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from threading import Condition, Lock, Thread, get_ident
from typing import Any, cast

from shop_core.ports import Begin, UnitOfWork
from shop_testing.concurrency import TIMEOUT_S

FIRST_LETTER = ord("A")
Job = Callable[[], object]


class _Abandoned(BaseException):
    """The run is over: unwind."""


@dataclass(frozen=True, slots=True)
class Step:
    """Who got the turn, and for what.

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
        """Whether giving the turn to `task` takes it from one who could go on."""
        return int(self.holder is not None and task != self.holder and self.holder in self.open_to)


@dataclass(slots=True)
class _Task:
    number: int
    name: str
    turn: Lock = field(default_factory=Lock)
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
        prefix: the numbers of the jobs that get the turn first. Afterwards a job keeps the turn as long as it can.
        chance: decides afterwards instead.
        patience_s: after how many seconds a job that does not come back is given up. None should ever need it.
    """

    def __init__(self, prefix: bytes = b"", chance: Random | None = None, *, patience_s: float = TIMEOUT_S) -> None:
        self.mutex: Condition = _Mutex(self)
        self.steps: list[Step] = []
        self.deadlock = ""
        self._prefix = prefix
        self._chance = chance
        self.patience_s = patience_s
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
            with begin() as uow:
                try:
                    yield cast("UnitOfWork", _Stepping(uow, self))
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
            task.turn.acquire()
            threads.append(Thread(target=self._run, args=(task, job), daemon=True))
            threads[-1].start()
            self._await_main(task)
        self._has_begun = True
        if (first := self._next()) is not None:
            first.turn.release()
            self._await_main(first)
        self._is_over = True
        for task, thread in zip(self._tasks, threads, strict=True):
            if not task.is_done:
                task.turn.release()
            thread.join(self.patience_s)
        return {task.name: task.error or task.outcome for task in self._tasks}

    def _await_main(self, task: _Task) -> None:
        if not self._main.acquire(timeout=self.patience_s):
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
        (following.turn if following else self._main).release()

    def _hand_over(self, task: _Task) -> None:
        """Called by the job that has the turn; returns when it has the turn again."""
        if self._is_over:
            raise _Abandoned
        following = self._next() if self._has_begun else None
        if following is not task:
            (following.turn if following else self._main).release()
            task.turn.acquire()
        if self._is_over:
            raise _Abandoned

    def _next(self) -> _Task | None:
        """Who gets the turn; None when all have ended, or nobody can go on."""
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
        if len(self.steps) < len(self._prefix):
            prefix = self._prefix[len(self.steps)]
            if prefix in able:
                return prefix
            self._prefix = b""  # it does not do the same again: `explore` sees it by `chosen`
        if self._chance is not None:
            return self._chance.choice(able)
        return holder if holder is not None and holder in able else able[0]

    # ---- what is left of it

    @property
    def word(self) -> str:
        """The schedule, one character a step."""
        return "".join(chr(FIRST_LETTER + step.task) for step in self.steps)

    @property
    def chosen(self) -> bytes:
        """The same, as numbers."""
        return bytes(step.task for step in self.steps)

    @property
    def preemptions(self) -> int:
        """How often the turn was taken from one who could go on."""
        return sum(step.costs(step.task) for step in self.steps)

    def __str__(self) -> str:
        width = max((len(task.name) for task in self._tasks), default=0)
        lines = [
            f"  {chr(FIRST_LETTER + step.task)} {self._tasks[step.task].name:{width}}  {step.label}"
            for step in self.steps
        ]
        return "\n".join([f"schedule {self.word} ({self.preemptions} preemptions)", *lines])


class _Mutex(Condition):
    """Who waits on it hands over the turn; who is no job of the schedule waits as usual."""

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
