"""`python -m verification.mutants`: apply one mutant after the other, and see how fast each is found.

Mutants of the last line of defence are among them: what the database itself refuses is found by `answer` or `error`.
"""

from __future__ import annotations

import argparse
import sys
import time
from contextlib import nullcontext
from dataclasses import dataclass

from sqlalchemy import Engine

from shop_adapters.memory import MemoryAdapters
from shop_core.ports import Adapters
from verification.databases import adapters_on, database, empty
from verification.mutants import MUTANTS, Mutant
from verification.workload import ShiftedClock, Workload

ROUND_S = 2.5
CONNECTIONS = 16


@dataclass(frozen=True)
class SearchResult:
    """How a mutant was looked for.

    Args:
        found: what was wrong in the first round in which anything was; empty: nothing was found.
    """

    found: list[str]
    operations: int
    seconds: float

    @property
    def by(self) -> str:
        """Who found it."""
        return ", ".join(sorted({line.split(":")[0] for line in self.found})) or "nobody"


def search(engine: Engine | None, mutant: Mutant | None, seed: int, seconds_max: float) -> SearchResult:
    """Rounds of everything at once, with the mutant or without one, until something is wrong or the time is up.

    Args:
        engine: of the database to hunt on; None: in memory.
    """
    operations, number, started = 0, 0, time.monotonic()
    while True:
        found, done = _round(engine, mutant, f"{seed}/{number}")
        operations += done
        number += 1
        seconds = time.monotonic() - started
        if found or seconds > seconds_max:
            return SearchResult(found, operations, seconds)


def _round(engine: Engine | None, mutant: Mutant | None, seed: str) -> tuple[list[str], int]:
    clock = ShiftedClock()
    adapters: Adapters
    later: Adapters
    if engine is None:
        adapters = later = MemoryAdapters(clock=clock)
    else:
        empty(engine)
        adapters, later = adapters_on(engine), adapters_on(engine, clock)
    workload = Workload(adapters, later, clock, seed)
    with mutant.applied() if mutant else nullcontext():
        result = workload.run(ROUND_S)
    return result.found, result.operations


def main() -> int:
    """Look for them all."""
    parser = argparse.ArgumentParser(prog="python -m verification.mutants", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"only these; of {', '.join(MUTANTS)}")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 10**6)
    parser.add_argument("--seconds", type=float, default=60, help="how long to look for one at most")
    parser.add_argument("--without", type=float, default=10, help="how long to look where there is none")
    chosen = parser.parse_args()
    names, started = chosen.names or list(MUTANTS), time.monotonic()
    print(f"seed {chosen.seed}; {len(names)} mutants on PostgreSQL, and those of the core in memory too")
    with database("shop_mutants", CONNECTIONS) as engine:
        alarms = [*_show("(no mutant)", engine, None, chosen), *_show("(no mutant)", None, None, chosen)]
        missed = [name for name in names if not _show(name, engine, MUTANTS[name], chosen)]
    in_core = [name for name in names if MUTANTS[name].is_in_core]
    missed += [name for name in in_core if not _show(name, None, MUTANTS[name], chosen)]
    count, seconds = len(names) + len(in_core), time.monotonic() - started
    print(f"{count - len(missed)} of {count} found in {seconds:.0f} s; missed: {missed}; false alarms: {len(alarms)}")
    return 1 if missed or alarms else 0


def _show(name: str, engine: Engine | None, mutant: Mutant | None, chosen: argparse.Namespace) -> list[str]:
    """Hunt, and print what came of it."""
    result = search(engine, mutant, chosen.seed, chosen.seconds if mutant else chosen.without)
    on, cost = "memory" if engine is None else "postgres", f"{result.operations:6} operations {result.seconds:6.1f} s"
    print(f"{name:34} {on:9} {cost}  by {result.by}", flush=True)
    for line in result.found[: 1 if mutant else 5]:
        print(f"    {line[:150]}", flush=True)
    return result.found


if __name__ == "__main__":
    sys.exit(main())
