"""Checks the promises of the shop by force: `python -m verification --seed 7`, or `make verify SEED=7`.

Each part is a program of its own, `python -m verification.<part>`, that prints its counts and ends with 0 if it found
nothing wrong. The same seed makes the same choices again. What was done goes to `verification/results.json` too.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

HERE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the verification.

    Args:
        name: of its module.
        shows: in a few words.
        usual: its arguments, besides the seed.
        long: the same for `--long`.
    """

    name: str
    shows: str
    usual: str = ""
    long: str = ""


PARTS = (
    Part(
        "machine", "the adapters in memory and on PostgreSQL give the same answers", "--steps 100000", "--steps 1000000"
    ),
    Part(
        *("interleavings", "two to four use cases in every order of their calls"),
        long="--schedules 50000 --samples 20000",
    ),
    Part(
        *("races", "use cases at the same time on PostgreSQL end as if one came after the other"),
        long="--rounds 1000 --baskets 100000",
    ),
    Part(
        *("chaos", "no order is lost or doubled while connections break and server and database are killed"),
        *("--rounds 3 --seconds 12", "--rounds 30 --seconds 60 --stride 1"),
    ),
    Part(
        *("fuzz", "no request makes the server fail, however malformed it is"),
        *("--requests 100000", "--requests 1000000"),
    ),
    Part(
        *("catalog_feed", "copies of the catalog are right whatever is committed late, rolled back, lost or forgotten"),
        *("--pulls 100000", "--pulls 1000000 --on-postgres 30000"),
    ),
    Part(
        *("order_copies", "copies of orders are right whatever is committed late, rolled back, deleted or set back"),
        *("--pulls 50000", "--pulls 1000000 --on-postgres 30000"),
    ),
    Part(
        *("fresh_reads", "no read of the catalog is older than what was acknowledged before it, in any process"),
        *("--reads 100000", "--reads 1000000"),
    ),
    Part("prices", "the laws of pricing hold for generated carts", "--cases 20000", "--cases 100000"),
    Part(
        *("coupons", "a coupon is used as often as it may be, while workers, server and database are killed"),
        *("--buyers 40 --uses 25", "--buyers 200 --uses 120 --rounds 5"),
    ),
    Part(
        *(
            "lossy_phone",
            "a phone that loses 60 % of the answers gets what it wishes once, and no success as a failure",
        ),
        *("--wishes 12", "--wishes 200"),
    ),
    Part("schema", "every response is as /openapi.json describes it", "--examples 50", "--examples 500"),
    Part(
        *("hostile_clients", "floods of connections, heavy requests and a log that nobody reads hold up nobody else"),
        *("--seconds 10", "--seconds 120"),
    ),
    Part(
        *("restarts", "restarts of workers and database under load cost no request"),
        *("--rolling 10 --database 20", "--rolling 100 --database 100"),
    ),
    Part(
        *("crowding", "few heavy requests and locked rows do not hold up everybody's orders"),
        *("--reservations 50 --seconds 10", "--reservations 200 --seconds 60"),
    ),
    Part("old_servers", "servers of every earlier schema go on while the database is migrated", long="--seconds 20"),
    Part("mutants", "mistakes that somebody could make are found (mutants)", long="--seconds 300 --without 120"),
)


@dataclass(slots=True)
class Result:
    """What a part did.

    Args:
        exit_code: 0 if it found nothing wrong; None if it is not there.
        seconds: by the clock on the wall.
        output: its lines.
    """

    part: str
    shows: str
    command: str
    exit_code: int | None
    seconds: float = 0.0
    output: list[str] = field(default_factory=list)


def main() -> int:
    """Run the parts: 0 if all of them found nothing wrong."""
    parser = argparse.ArgumentParser(prog="python -m verification", description=__doc__.partition("\n")[0])
    parser.add_argument("--seed", type=int, help="of all random choices (default: a new one)")
    parser.add_argument("--long", action="store_true", help="run for hours instead of minutes")
    parser.add_argument(
        "--only",
        choices=[part.name for part in PARTS],
        action="append",
        help="run only this part; may be given several times",
    )
    given = parser.parse_args()
    seed = time.time_ns() % 1_000_000 if given.seed is None else given.seed
    commit, before, began = _commit(), _cpu_seconds(), time.monotonic()
    print(f"seed {seed}, commit {commit}", flush=True)
    results = [_run(part, seed, given.long) for part in PARTS if not given.only or part.name in given.only]
    totals = {
        "seed": seed,
        "commit": commit,
        "long": given.long,
        "cores": os.cpu_count(),
        "seconds": round(time.monotonic() - began, 1),
        "cpu_seconds": round(_cpu_seconds() - before, 1),
    }
    report = totals | {"parts": [asdict(result) for result in results]}
    (HERE / "results.json").write_text(json.dumps(report, indent=2) + "\n")
    print("\n" + "\n".join(_table(results)))
    print(
        f"\nseed {seed}, commit {commit}: {totals['seconds']} s on {totals['cores']} cores,"
        f" {totals['cpu_seconds']} s of machine time. Again: make verify SEED={seed}"
        + (" LONG=1" if given.long else "")
    )
    return 0 if all(result.exit_code == 0 for result in results) else 1


def _run(part: Part, seed: int, is_long: bool) -> Result:
    arguments = (
        "-m",
        f"verification.{part.name}",
        "--seed",
        str(seed),
        *(part.long if is_long else part.usual).split(),
    )
    result = Result(part.name, part.shows, " ".join(("python", *arguments)), None)
    print(f"\n{part.name}: {part.shows}", flush=True)
    if importlib.util.find_spec(f"verification.{part.name}") is None:
        print(f"  there is no verification.{part.name}", flush=True)
        return result
    began = time.monotonic()
    with subprocess.Popen([sys.executable, *arguments], stdout=subprocess.PIPE, text=True, cwd=HERE.parent) as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(f"  {line}", end="", flush=True)
            result.output.append(line.rstrip("\n"))
    result.exit_code, result.seconds = process.returncode, round(time.monotonic() - began, 1)
    return result


def _table(results: list[Result]) -> list[str]:
    """The results as a table in Markdown, for docs/consistency.md."""
    lines = ["| part | what it shows | s | |", "|---|---|---|---|"]
    outcomes = {0: "nothing wrong", None: "**not there**"}
    for one in results:
        outcome = outcomes.get(one.exit_code, f"**wrong** (exit code {one.exit_code})")
        lines.append(f"| {one.part} | {one.shows} | {one.seconds:.0f} | {outcome} |")
    return lines


def _commit() -> str:
    """Which code this is."""

    def git(*arguments: str) -> str:
        done = subprocess.run(["git", *arguments], capture_output=True, text=True, cwd=HERE.parent, check=False)
        return done.stdout.strip() if done.returncode == 0 else ""

    try:
        changed = git("status", "--porcelain", "--untracked-files=no")
        return (git("rev-parse", "--short=12", "HEAD") or "unknown") + (" with changes" if changed else "")
    except OSError:
        return "unknown"


def _cpu_seconds() -> float:
    """What we and all processes that we waited for have used."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


if __name__ == "__main__":
    sys.exit(main())
