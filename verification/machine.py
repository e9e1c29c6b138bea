"""Random work on a shop in memory and on one in PostgreSQL: every answer must be the same.

    python -m verification.machine --steps 100000 --seed 7

Turns alternate. The first kind only trades, on a catalog that does not change: nearly every step places, reserves,
confirms, releases, expires or repeats something. The second trades with promotions, coupons and taxes. The third runs
the whole machine.

After every step the answers are compared word for word, and no unit may be promised twice; after every tenth, and at
the end of each life, both audits must find nothing. The first difference ends the run with the shortest sequence of
steps that leads to it. Time is moved, not waited for.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Sequence
from random import SystemRandom
from typing import ClassVar

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import invariant, run_state_machine_as_test
from sqlalchemy import Engine

from shop_adapters.memory import MemoryAdapters
from shop_core.ports import Adapters
from shop_testing import PriceMachine, SeededIds, ShopMachine, TradeMachine
from verification.databases import adapters_on, database, empty

STEPS_A_LIFE = 100
LIVES_A_TURN = 20
AUDIT_EVERY = 10


class BothAdapters(TradeMachine):
    """The machine on both adapters; each life starts with two empty shops."""

    engine: ClassVar[Engine]
    steps: ClassVar[int] = 0
    lives: ClassVar[int] = 0
    made: ClassVar[Counter[str]] = Counter()

    def open_adapters(self) -> Sequence[Adapters]:
        BothAdapters.lives += 1
        empty(self.engine)
        postgres = adapters_on(self.engine, self.clock, SeededIds())
        return [MemoryAdapters(clock=self.clock, new_id=SeededIds()), postgres]

    def teardown(self) -> None:
        super().everything_adds_up()
        self.made.update(orders=len(self.orders), keys=len(self.keys), reservations=len(self.reservations))

    @invariant()
    def everything_adds_up(self) -> None:
        BothAdapters.steps += 1
        if BothAdapters.steps % AUDIT_EVERY == 0:
            super().everything_adds_up()


class Prices(BothAdapters, PriceMachine):
    """Trade with prices."""


class Everything(BothAdapters, ShopMachine):
    """All rules."""


TURNS = (BothAdapters, Prices, Everything)


def run(engine: Engine, steps: int, chosen: int) -> None:
    """Drive both shops for at least so many steps.

    Raises:
        AssertionError, ExceptionGroup: they differ, or one of them breaks a promise.
    """
    BothAdapters.engine = engine
    how = settings(
        stateful_step_count=STEPS_A_LIFE,
        deadline=None,
        database=None,
        print_blob=False,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    turn = 0
    while BothAdapters.steps < steps:
        lives = min(LIVES_A_TURN, -(-(steps - BothAdapters.steps) // STEPS_A_LIFE))
        machine = seed(chosen + turn)(TURNS[turn % len(TURNS)])
        run_state_machine_as_test(machine, settings=settings(how, max_examples=lives))
        turn += 1


def main() -> int:
    """Run it, and print the counts. Exits 1 at the first difference."""
    parser = argparse.ArgumentParser(prog="python -m verification.machine", description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=100_000, help="how many at least (default: %(default)s)")
    parser.add_argument("--seed", type=int, help="of the random choices (default: another one each time)")
    given = parser.parse_args()
    chosen = given.seed if given.seed is not None else SystemRandom().randrange(2**32)
    print(f"machine: {given.steps} steps on memory and PostgreSQL, seed {chosen}", flush=True)
    differences, start = 0, time.monotonic()
    with database("shop_machine") as engine:
        try:
            run(engine, given.steps, chosen)
        except (AssertionError, ExceptionGroup) as difference:
            differences = 1
            sys.excepthook(type(difference), difference, difference.__traceback__)
    seconds = time.monotonic() - start
    made = ", ".join(f"{count} {what}" for what, count in sorted(BothAdapters.made.items()))
    print(f"machine: steps={BothAdapters.steps} lives={BothAdapters.lives} seed={chosen} differences={differences}")
    print(f"machine: {made}; {seconds:.0f} s, {BothAdapters.steps / seconds:.0f} steps/s")
    return differences


if __name__ == "__main__":
    sys.exit(main())
