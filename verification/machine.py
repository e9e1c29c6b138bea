"""Random work on a shop in memory and on one in PostgreSQL, side by side: every answer must be the same.

    python -m verification.machine --steps 100000 --seed 7

Every other turn runs the whole machine. The turns between only trade, on a catalog that does not change: there nearly
every step places, reserves, confirms, releases, expires or repeats something.

After every step the answers are compared with each other and with the rules, said a second time in plain Python, and
all counters with what they must be; after every tenth, and at the end of each life, both audits must be silent. The
first difference ends the run with the shortest sequence of steps that leads to it. Time is moved, not waited for.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from random import SystemRandom
from typing import ClassVar

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import RULE_MARKER, invariant, run_state_machine_as_test
from sqlalchemy import Engine, text

from shop_adapters.embedded import EmbeddedPostgres
from shop_adapters.memory import MemoryAdapters
from shop_adapters.passwords import ScryptPasswords
from shop_adapters.postgres import PostgresAdapters, make_engine
from shop_adapters.postgres.migrate import migrate
from shop_adapters.postgres.schema import metadata
from shop_core.ports import Adapters
from shop_testing import SeededIds, SideBySide
from shop_testing.account_rules import AccountRules
from shop_testing.catalog_changes import CatalogChangeRules
from shop_testing.catalog_rules import CatalogRules
from shop_testing.order_rules import OrderRules
from shop_testing.reservation_rules import ReservationRules

STEPS_A_LIFE = 100
LIVES_A_TURN = 20
AUDIT_EVERY = 10
KEPT = {"shop_facts", "tasks", "catalog_version"}
"""Tables whose rows the migrations write."""


def _marked(base: type) -> list[str]:
    """The names of the rules that a part of the machine brings along."""
    return [name for name, member in vars(base).items() if hasattr(member, RULE_MARKER)]


class Lives(SideBySide):
    """The machine on both adapters; each life starts with two empty shops."""

    engine: ClassVar[Engine]
    steps: ClassVar[int] = 0
    lives: ClassVar[int] = 0
    made: ClassVar[Counter[str]] = Counter()

    def open_adapters(self) -> Sequence[Adapters]:
        Lives.lives += 1
        with self.engine.begin() as connection:
            for table in reversed(metadata.sorted_tables):
                if table.name not in KEPT:
                    connection.execute(table.delete())
        passwords = ScryptPasswords(n=2**4)
        postgres = PostgresAdapters(
            self.engine, b"the secret of the proof, 32 bytes", clock=self.clock, new_id=SeededIds(), passwords=passwords
        )
        return [MemoryAdapters(clock=self.clock, new_id=SeededIds()), postgres]

    def teardown(self) -> None:
        super().everything_adds_up()
        expected = self.expected
        self.made["orders"] += len(expected.orders)
        self.made["keys"] += len(expected.keys)
        self.made["reservations"] += len(expected.reservations)
        self.made.update(f"reservations {reservation.state}" for reservation in expected.reservations.values())

    @invariant()
    def everything_adds_up(self) -> None:
        Lives.steps += 1
        if Lives.steps % AUDIT_EVERY == 0:
            super().everything_adds_up()


_QUIET = (
    *(name for base in (AccountRules, CatalogRules, CatalogChangeRules) for name in _marked(base)),
    *(name for name in _marked(OrderRules) + _marked(ReservationRules) if name.startswith(("read_", "find_"))),
    *("the_tree_shows_every_category_once", "read_the_ledger"),
)
Trade: type[Lives] = type("Trade", (Lives,), dict.fromkeys(_QUIET))  # a rule that is None is none
"""The same without the rules of accounts and catalog, and without looking things up."""


def run(url: str, steps: int, chosen: int) -> float:
    """Drive both shops for at least so many steps; how long it took, in seconds.

    Raises:
        AssertionError, ExceptionGroup: they differ, or one of them breaks a rule.
    """
    Lives.engine = make_engine(url, connections=4)
    migrate(Lives.engine, "EUR")
    how = settings(
        stateful_step_count=STEPS_A_LIFE,
        deadline=None,
        database=None,
        print_blob=False,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    start, turn = time.monotonic(), 0
    try:
        while Lives.steps < steps:
            lives = min(LIVES_A_TURN, -(-(steps - Lives.steps) // STEPS_A_LIFE))
            machine = seed(chosen + turn)(Trade if turn % 2 == 0 else Lives)
            run_state_machine_as_test(machine, settings=settings(how, max_examples=lives))
            turn += 1
    finally:
        Lives.engine.dispose()
    return time.monotonic() - start


def _in_a_hurry(url: str) -> None:
    """Nothing crashes here: without the wait for the disk more steps are tried in the same time."""
    engine = make_engine(url, connections=1)
    with engine.begin() as connection:
        name = connection.execute(text("SELECT current_database()")).scalar_one()
        connection.execute(text(f'ALTER DATABASE "{name}" SET synchronous_commit = off'))
    engine.dispose()


def main() -> int:
    """Run it, and print the counts. Exits 1 at the first difference."""
    parser = argparse.ArgumentParser(prog="python -m verification.machine", description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=100_000, help="how many at least (default: %(default)s)")
    parser.add_argument("--seed", type=int, help="of the random choices (default: another one each time)")
    parser.add_argument("--database-url", help="an empty database to use (default: a server of its own)")
    given = parser.parse_args()
    chosen = given.seed if given.seed is not None else SystemRandom().randrange(2**32)
    print(f"machine: {given.steps} steps on memory and PostgreSQL, seed {chosen}", flush=True)
    differences = 0
    start = time.monotonic()
    try:
        if given.database_url:
            run(given.database_url, given.steps, chosen)
        else:
            folder = tempfile.TemporaryDirectory(prefix="shop-proof-")
            with folder as path, EmbeddedPostgres(Path(path, "data")) as server:
                _in_a_hurry(server.url())
                run(server.url(), given.steps, chosen)
    except (AssertionError, ExceptionGroup) as difference:
        differences = 1
        sys.excepthook(type(difference), difference, difference.__traceback__)
    seconds = time.monotonic() - start
    made = ", ".join(f"{count} {what}" for what, count in sorted(Lives.made.items()))
    print(f"machine: steps={Lives.steps} lives={Lives.lives} seed={chosen} differences={differences}")
    print(f"machine: {made}; {seconds:.0f} s, {Lives.steps / seconds:.0f} steps/s")
    return min(1, differences)


if __name__ == "__main__":
    sys.exit(main())
