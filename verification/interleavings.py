"""Use cases in every order of their calls, on the shop in memory; and mutants of it, which must be found.

    python -m verification.interleavings --schedules 1000 --samples 300 --seed 7

Prints, for each race, how many schedules were run and whether there are others; then, for each mutant, after how many
schedules it was found. Exits with 1 if a race fails or a mutant is missed. A failure comes with its schedule, and

    python -m verification.interleavings --race "two buyers of the last unit" --replay AABBA

does it again.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from typing import cast

from shop_core.ports import Adapters
from shop_core.shop import Shop
from shop_testing.determinism import MovableClock, SeededIds
from shop_testing.fixtures import Altered
from shop_testing.races import RACES, TIME_PASSES, RaceFixtures
from verification.exploration import Case, Report, explore, run_schedule
from verification.interleaving_mutants import (
    INTERLEAVING_MUTANTS,
    Alter,
    InterleavingMutant,
    OpenAdapters,
    altered,
    in_memory,
)
from verification.schedule import Schedule


class SteppedFixtures(RaceFixtures):
    """What a race starts from, in a shop whose units of work go by a schedule."""

    def __init__(self, schedule: Schedule, open_adapters: OpenAdapters, alter: Alter | None) -> None:
        clock = MovableClock()
        adapters = open_adapters(schedule.mutex, clock, SeededIds())
        begin = schedule.opens(adapters.begin)
        stepped = cast("Adapters", Altered(adapters, begin=altered(begin, alter) if alter else begin))
        super().__init__(adapters, clock, lambda limits: Shop(stepped, limits))
        self.schedule = schedule

    def step(self, label: str) -> None:
        self.schedule.step(label)

    def time_passed_before(self, job: int, label: str) -> bool:
        labels = [(step.task, step.label) for step in self.schedule.steps]
        passed = [place for place, (_, its) in enumerate(labels) if its == TIME_PASSES]
        return bool(passed) and (job, label) not in labels[: passed[0]]


def case_of(race: str, open_adapters: OpenAdapters = in_memory, alter: Alter | None = None) -> Case:
    """One of `RACES` on these adapters."""
    return lambda schedule: RACES[race](SteppedFixtures(schedule, open_adapters, alter))


def search(mutant: InterleavingMutant, schedules_max: int, samples: int, seed: int) -> Report:
    """Look for a mutant."""
    case = case_of(mutant.race, mutant.open_adapters, mutant.alter)
    return explore(case, schedules_max=schedules_max, samples=samples, seed=seed)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it from the command line. Returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m verification.interleavings", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--schedules", type=int, default=1_000, help="per race, at most (%(default)s)")
    parser.add_argument("--samples", type=int, default=300, help="random ones, where there are more (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of the random ones (%(default)s)")
    parser.add_argument("--race", choices=sorted(RACES), help="only this one")
    parser.add_argument("--replay", metavar="WORD", help="only this schedule of the race")
    chosen = parser.parse_args(arguments)
    if chosen.replay is not None:
        if chosen.race is None:
            parser.error("--replay needs --race")
        schedule, failure = run_schedule(case_of(chosen.race), chosen.replay)
        print(failure or schedule)
        return int(failure is not None)
    began = time.perf_counter()
    names = [chosen.race] if chosen.race else list(RACES)
    races_ok = _run_races(names, chosen.schedules, chosen.samples, chosen.seed)
    mutants = [mutant for mutant in INTERLEAVING_MUTANTS if mutant.race in names]
    mutants_ok = _run_mutants(mutants, chosen.schedules, chosen.seed)
    print(f"seed {chosen.seed}, {time.perf_counter() - began:.0f} s")
    return 0 if races_ok and mutants_ok else 1


def _run_races(names: Sequence[str], schedules_max: int, samples: int, seed: int) -> bool:
    total, failed = 0, 0
    for name in names:
        report = explore(case_of(name), schedules_max=schedules_max, samples=samples, seed=seed)
        total += report.runs
        failed += report.failure is not None
        extent = "all" if report.is_complete else f"up to {report.preemptions} preemptions, {report.samples} samples"
        print(f"{name:40} {report.schedules:6} schedules, {extent:33} {report.failure or 'ok'}", flush=True)
    print(f"{len(names)} races, {total} schedules, {failed} failed\n")
    return failed == 0


def _run_mutants(mutants: Sequence[InterleavingMutant], schedules_max: int, seed: int) -> bool:
    found = 0
    for mutant in mutants:
        report = search(mutant, schedules_max, schedules_max, seed)
        found += report.failure is not None
        result = f"found by schedule {report.runs}" if report.failure else f"MISSED in {report.runs} schedules"
        print(f"{mutant.name:48} {mutant.race:40} {result}", flush=True)
    print(f"{len(mutants)} mutants, {found} found")
    return found == len(mutants)


if __name__ == "__main__":
    sys.exit(main())
