"""Random schedules of writers, and of copies that follow them: what the checks of both kinds of copies have in common.

Several units of work are open at the same time, and are committed late or rolled back. Copies ask in between. Now and
then a shop in memory is set back to a backup.
"""

from __future__ import annotations

import argparse
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import Any, ClassVar
from uuid import UUID

from shop_adapters.memory import MemoryAdapters
from shop_core import Shop
from shop_core.ports import UnitOfWork
from shop_testing import MovableClock
from shop_testing.fixtures import Fixtures
from verification.mutants.registry import Mutant

COPIES, OPEN_MAX = 6, 4
Step = tuple[int, Callable[[], None]]
"""A weight, and what to do."""


class Missed(AssertionError):
    """A copy is not what the shop has."""


class CopySchedule(ABC):
    """A random schedule.

    Args:
        adapters: with nothing in them; only those in memory are set back to backups.
        clock: by which they go.
        seed: of all choices.

    Attributes:
        done: how often which step was done.
    """

    ASKED: ClassVar[str]
    """What a copy does when it asks, as `done` counts it."""

    def __init__(self, adapters: Any, clock: MovableClock, seed: object) -> None:
        self.adapters, self.clock, self.rng = adapters, clock, Random(f"{seed}")
        self.shop, self.fixtures, self.done = Shop(adapters), Fixtures(adapters), Counter[str]()
        self._open: list[tuple[AbstractContextManager[UnitOfWork], UUID]] = []  # each, and what it writes
        self._backup: Any = None
        self.prepare()
        steps = [*self.steps(), (6, self._begin), (6, self._end)]
        if isinstance(adapters, MemoryAdapters):
            steps.append((1, self._set_back))
        self._weights, self._steps = zip(*steps, strict=True)

    @abstractmethod
    def prepare(self) -> None:
        """Make what the shop and the copies have at the start."""

    @abstractmethod
    def steps(self) -> list[Step]:
        """What is done, beside writing late."""

    @abstractmethod
    def opened(self) -> tuple[AbstractContextManager[UnitOfWork], UUID] | None:
        """A unit of work that has written something which no other open one has, and what; None: there is nothing."""

    @abstractmethod
    def backup(self) -> Any:
        """What a shop in memory has."""

    @abstractmethod
    def set_back_to(self, backup: Any) -> None:
        """Make it what the shop has."""

    def run(self, times: int) -> None:
        """Go on until copies have asked so often.

        Raises:
            Missed
        """
        while self.done[self.ASKED] < times:
            self.clock.move(timedelta(microseconds=self.rng.randint(1, 1_000)))
            (step,) = self.rng.choices(self._steps, self._weights)
            step()
        self.end_all()

    def is_held(self, id_: UUID) -> bool:
        """Whether an open unit of work writes it."""
        return any(held == id_ for _, held in self._open)

    def end_all(self) -> None:
        """Commit what is open, or roll it back."""
        while self._open:
            self._end()

    def _begin(self) -> None:
        if len(self._open) < OPEN_MAX and (opened := self.opened()):
            self._open.append(opened)

    def _end(self) -> None:
        if self._open:
            opened, _ = self._open.pop(self.rng.randrange(len(self._open)))
            failure = RuntimeError() if self.rng.random() < 0.3 else None
            self.done["rolled back" if failure else "committed late"] += 1
            opened.__exit__(type(failure) if failure else None, failure, None)

    def _set_back(self) -> None:
        """Make a backup; or set the shop back to it."""
        self.end_all()
        if self._backup is None or self.rng.random() < 0.5:
            self._backup = self.backup()
        else:
            self.set_back_to(self._backup)
            self.adapters._store.commits += 1
            self.done["set back to a backup"] += 1


@dataclass(frozen=True)
class Check:
    """A kind of copies, and mistakes with which they must be found wrong.

    Args:
        name: of the module.
        told_by: what a mistake may raise, beside `Missed`.
        tried_with: after how many questions a mistake must be found.
    """

    name: str
    schedule: type[CopySchedule]
    mistakes: Iterable[Mutant]
    told_by: type[Exception]
    tried_with: int

    def in_memory(self, times: int, seed: object) -> Counter[str]:
        """A schedule in memory; what was done.

        Raises:
            Missed
        """
        clock = MovableClock()
        schedule = self.schedule(MemoryAdapters(clock=clock), clock, seed)
        schedule.run(times)
        return schedule.done

    def is_found(self, mistake: Mutant, times: int, seed: object) -> bool:
        """Whether a schedule finds it."""
        with mistake.applied():
            try:
                self.in_memory(times, seed)
            except (Missed, self.told_by):
                return True
        return False

    def main(self, text: str) -> int:
        """0 if no copy was wrong, and every mistake was found."""
        parser = argparse.ArgumentParser(prog=f"python -m verification.{self.name}", description=text.splitlines()[0])
        parser.add_argument("--pulls", type=int, default=100_000, help="in memory (default: %(default)s)")
        parser.add_argument("--on-postgres", type=int, default=3_000, help="pulls there (default: %(default)s)")
        parser.add_argument("--seed", type=int, default=7)
        given = parser.parse_args()
        mistakes = list(self.mistakes)
        missed = [each.name for each in mistakes if not self.is_found(each, self.tried_with, given.seed)]
        print(f"mistakes that were put in: {len(mistakes)}, not found: {', '.join(missed) or 'none'}", flush=True)
        began, done, each = time.monotonic(), Counter[str](), min(5_000, given.pulls)
        for number in range(-(-given.pulls // each)):
            done += self.in_memory(each, f"{given.seed}/{number}")
        print(f"in memory, {time.monotonic() - began:.0f} s: {_counted(done)}", flush=True)
        if given.on_postgres:
            began = time.monotonic()
            with _postgres(self.name) as (adapters, clock):
                schedule = self.schedule(adapters, clock, given.seed)
                schedule.run(given.on_postgres)
            print(f"on PostgreSQL, {time.monotonic() - began:.0f} s: {_counted(schedule.done)}")
        return 1 if missed else 0


@contextmanager
def _postgres(name: str) -> Iterator[tuple[Any, MovableClock]]:
    from verification.databases import adapters_on, database

    clock = MovableClock()
    with database(name) as engine:
        yield adapters_on(engine, clock), clock


def _counted(done: Counter[str]) -> str:
    return ", ".join(f"{count} x {what}" for what, count in done.most_common()) + "; copies that were wrong: 0"
