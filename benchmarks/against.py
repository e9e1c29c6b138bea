"""What placing costs, beside an older commit: `python -m benchmarks.against 4cdd3c7`.

The commit is checked out into a temporary worktree. Each side is a process with a database of its own on the same
PostgreSQL, and they take turns (A B C D A B C D ...): batches of orders, through the core, without HTTP. Printed is
processor time, of the process and of the server process of its connection: other programs disturb it least. The older
commit places without promotions and taxes, whatever the other sides do; it must have `orders.place_all`.

With `--http` each side is `shop serve`, with the packages of its commit, under a load of 64 connections: processor time
is that of all its processes and of PostgreSQL, and the orders of each second are printed too.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple, Protocol

from verification import databases
from verification.shop_process import SHOP

from benchmarks.environment import Size, open_environment
from benchmarks.measurement import CannotMeasure, Spread, ratios
from benchmarks.placing_process import VARIANTS
from benchmarks.served_side import installed, served

ROOT = Path(__file__).parents[1]


class Cost(NamedTuple):
    """Processor time of one order in microseconds; and orders a second, over HTTP."""

    python: float
    postgresql: float
    rate: float = 0

    @property
    def both(self) -> float:
        """The sum."""
        return self.python + self.postgresql


class Side(Protocol):
    """What places orders when it is told to."""

    def place(self) -> Sequence[float]:
        """What an order costs in the next measurement. Raises CannotMeasure."""
        ...


class CoreSide:
    """A process that places orders when it is told to.

    Args:
        root: of the code that it runs.
        variant: what the shop has, one of `VARIANTS`.
        database: the URL of an empty database.
    """

    def __init__(self, root: Path, variant: str, database: str) -> None:
        # -P: what the process imports is that commit's, also where a file beside its own has the same name.
        command = [sys.executable, "-P", str(ROOT / "benchmarks" / "placing_process.py"), database, variant]
        path = os.pathsep.join([str(root / "src"), str(root)])
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": path}
        )

    def place(self) -> Cost:
        """What an order costs in the next measurement.

        Raises:
            CannotMeasure: the process ended.
        """
        assert self._process.stdin
        assert self._process.stdout
        try:
            print("place", file=self._process.stdin, flush=True)
        except BrokenPipeError:
            raise CannotMeasure("a side ended, see above") from None
        if not (answer := self._process.stdout.readline()):
            raise CannotMeasure("a side ended, see above")
        return Cost(*map(float, answer.split()))

    def end(self) -> None:
        """End the process."""
        self._process.communicate()


@contextmanager
def checked_out(commit: str, folder: Path) -> Iterator[Path]:
    """The files of a commit, in a worktree that is gone at the end.

    Raises:
        CannotMeasure: there is no such commit.
    """
    root, git = folder / "older", ["git", "-C", str(ROOT), "worktree"]
    added = subprocess.run([*git, "add", "--detach", str(root), commit], capture_output=True, text=True)
    if added.returncode:
        raise CannotMeasure(added.stderr.strip())
    try:
        yield root
    finally:
        subprocess.run([*git, "remove", "--force", str(root)], check=True)


def measure(commit: str, variants: list[str], rounds: int, *, is_http: bool) -> dict[str, list[Cost]]:
    """What an order costs in each round: that of the older commit, by its name, and those of the variants."""
    with ExitStack() as stack:
        environment = stack.enter_context(open_environment(Size()))
        older = stack.enter_context(checked_out(commit, environment.folder))
        sides: dict[str, Side] = {}
        for number, (name, root) in enumerate([(commit, older), *((variant, ROOT) for variant in variants)]):
            database = f"shop_against_{number}"
            url = databases.new_database(environment.server, database)
            stack.callback(databases.drop_database, environment.server, database)
            variant = name if root is ROOT else VARIANTS[0]
            filled = CoreSide(root, variant, url)
            if is_http:
                filled.place()
                filled.end()
                shop = installed(root) if root is older else SHOP
                has_coupon = variant == VARIANTS[-1]
                sides[name] = stack.enter_context(served(shop, url, environment.folder, has_coupon=has_coupon))
            else:
                stack.callback(filled.end)
                sides[name] = filled
        for side in sides.values():
            side.place()  # to warm up
        costs: dict[str, list[Cost]] = {name: [] for name in sides}
        for _ in range(rounds):
            for name, side in sides.items():
                costs[name].append(Cost(*side.place()))
        return costs


def _words(spread: Spread, digits: int) -> str:
    return f"{spread.median:.{digits}f} ({spread.low:.{digits}f}-{spread.high:.{digits}f})"


def main() -> int:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.against", description=__doc__)
    parser.add_argument("commit", help="the older commit")
    parser.add_argument("variants", nargs="*", default=[*VARIANTS], help=f"of {', '.join(VARIANTS)}; all unless given")
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--http", action="store_true", help="over HTTP, with servers")
    given = parser.parse_args()
    try:
        costs = measure(given.commit, given.variants, given.rounds, is_http=given.http)
    except CannotMeasure as missing:
        print(missing, file=sys.stderr)
        return 2
    older = costs[given.commit]
    columns = ("python", "postgresql", "both", *(("rate",) if given.http else ()))
    heads = ("Python", "PostgreSQL", "both", "orders/s")[: len(columns)]
    shares = "older / this of Python and of both" + ("; this / older of orders/s" if given.http else "")
    print(f"{'µs an order':12}" + "".join(f"{head:>21}" for head in heads) + f"   {shares}")
    for name, taken in costs.items():
        ours, theirs = ({each: [getattr(cost, each) for cost in side] for each in columns} for side in (taken, older))
        spreads = "".join(f"{_words(Spread.of(figures), 0):>21}" for figures in ours.values())
        compared = [ratios(theirs[each], ours[each]) for each in ("python", "both")]
        compared += [ratios(ours["rate"], theirs["rate"])] if given.http else []
        print(f"{name:12}{spreads}   " + "  ".join(_words(each, 2) for each in compared))
    return 0


if __name__ == "__main__":
    sys.exit(main())
