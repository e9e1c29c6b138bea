"""`python -m proof.bugs`: plant one bug after the other and see how fast the proof finds each.

The last line of defence is planted too: what the database itself would refuse counts as found by `answer` or `error`.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Engine

from proof.planted import BUGS, Bug
from proof.stores import adapters_on, database, empty
from proof.workload import Workload
from shop_adapters.clock import ManualClock

ROUND_S = 2.5
CONNECTIONS = 16


@dataclass(frozen=True)
class Hunt:
    """How a bug was looked for.

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


def hunt(engine: Engine, bug: Bug | None, seed: int, seconds_max: float) -> Hunt:
    """Rounds of everything at once, with the bug or without one, until something is wrong or the time is up."""
    operations, number, started = 0, 0, time.monotonic()
    while True:
        empty(engine)
        found, done = _round(engine, bug, f"{seed}/{number}")
        operations += done
        number += 1
        seconds = time.monotonic() - started
        if found or seconds > seconds_max:
            return Hunt(found, operations, seconds)


def _round(engine: Engine, bug: Bug | None, seed: str) -> tuple[list[str], int]:
    clock = ManualClock(datetime.now(UTC))
    workload = Workload(adapters_on(engine), adapters_on(engine, clock), clock, seed)
    if bug is None:
        result = workload.run(ROUND_S)
    else:
        with bug.planted():
            result = workload.run(ROUND_S)
    return result.found, result.operations


def main() -> int:
    """Hunt them all."""
    parser = argparse.ArgumentParser(prog="python -m proof.bugs", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"only these; of {', '.join(BUGS)}")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 10**6)
    parser.add_argument("--seconds", type=float, default=40, help="how long to look for one at most")
    parser.add_argument("--without", type=float, default=10, help="how long to look where there is none")
    chosen = parser.parse_args()
    missed, started = [], time.monotonic()
    print(f"seed {chosen.seed}; {len(chosen.names or BUGS)} bugs; PostgreSQL")
    with database("shop_bugs", CONNECTIONS) as engine:
        right = hunt(engine, None, chosen.seed, chosen.without)
        print(f"{'(no bug)':34}{right.by:28}{right.operations:8} operations {right.seconds:7.1f} s", flush=True)
        for line in right.found[:5]:
            print(f"    {line}")
        for name in chosen.names or BUGS:
            result = hunt(engine, BUGS[name], chosen.seed, chosen.seconds)
            missed += [] if result.found else [name]
            print(f"{name:34}{result.by:28}{result.operations:8} operations {result.seconds:7.1f} s", flush=True)
            for line in result.found[:1]:
                print(f"    {line[:150]}")
    count, seconds = len(chosen.names or BUGS), time.monotonic() - started
    print(f"{count - len(missed)} of {count} bugs found in {seconds:.0f} s; false alarms: {len(right.found)}")
    return 1 if missed or right.found else 0


if __name__ == "__main__":
    sys.exit(main())
