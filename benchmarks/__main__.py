"""Measure the shop against its yardsticks, and write docs/performance.md with its picture.

    make bench                     everything, some ten minutes
    make bench ONLY=place,pages    some groups of workloads, printed only
    make bench LONG=1              up to a million products and orders, and the whole year

It uses the embedded PostgreSQL, or the server that SHOP_DATABASE_URL names (as a user who may create databases). Exit
status: 0 when it was measured and every answer was right, 1 if one was wrong, 2 if something is missing.
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from verification.shop_process import CannotStart

from benchmarks import growth, logins, own_orders, placement, prices, reads, start_and_memory
from benchmarks.environment import Environment, Size, open_environment
from benchmarks.measurement import CannotMeasure, Findings, Row, Spread
from benchmarks.page import growth_table, page, table
from benchmarks.picture import picture
from benchmarks.real_year import workload as year_run
from benchmarks.real_year.shop_command import shop_command
from benchmarks.wrk import find_wrk
from shop_adapters.embedded import EmbeddedPostgresError
from shop_adapters.postgres import PostgresAdapters
from shop_core import Shop as Core

ROOT = Path(__file__).parents[1]
GROUPS: dict[str, Callable[[Environment, Findings], None]] = {
    "start": start_and_memory.start,
    "core": start_and_memory.core,
    "place": placement.place,
    "sale": placement.sale,
    "prices": prices.prices,
    "pages": reads.pages,
    "lists": reads.lists,
    "orders": own_orders.own_orders,
    "logins": logins.logins,
    "memory": start_and_memory.memory,
    "year": year_run.year,
    "growth": growth.grow,
}
TINY = Size(
    products=1_000,
    faithful_orders=100,
    rounds=1,
    seconds=1,
    buyers=600,
    clients=(2,),
    invoices=20,
    growth=(100, 1_000),
    lines=(1, 10, 100),
)
"""For tests of the benchmark itself: its figures mean nothing."""
SHORT = {"page": "pages"}
"""Other names of groups."""


def measure(size: Size, groups: Sequence[str]) -> tuple[Findings, str]:
    """Measure these groups: the findings, and the version of the PostgreSQL."""
    findings = Findings()
    find_wrk()
    shop_command(data_dir=None)
    with open_environment(size) as environment:
        for name in groups:
            begun, rows = time.monotonic(), len(findings.rows)
            say(f"{name} ...")
            try:
                GROUPS[name](environment, findings)
            except CannotMeasure as missing:
                findings.left_out.append(f"{name}: {missing}")
                say(f"  left out: {missing}")
            for row in findings.rows[rows:]:
                say(f"  {as_text(row)}")
            say(f"  ({time.monotonic() - begun:.0f} s)")
        if environment.is_filled:
            findings.rows += audited(environment)
        return findings, environment.version()


def audited(environment: Environment) -> list[Row]:
    """What the audit says of all that was done, as a row only if something does not add up."""
    shop = environment.shop
    found = Core(PostgresAdapters(shop.engine, environment.secret.encode())).audit()
    say(f"audit of all of it, the rows of pgbench too: {len(found)} differences")
    if not found:
        return []
    first = found[0]
    fault = f"{first.what} of {first.of}: {first.stored} stored, {first.expected} expected"
    return [
        Row("the audit of it all", f"{len(found):,} differences", "-", Spread.of([len(found)]), "", faults=(fault,))
    ]


def as_text(row: Row) -> str:
    """A row in one line."""
    aim = f", aim {row.aim.sense.value} {row.aim.figure:,g}: {row.verdict}" if row.aim else f": {row.verdict}"
    versus = f" vs. {row.yardstick}" if row.yardstick != "-" else ""
    faults = "".join(f"\n    WRONG: {fault}" for fault in row.faults)
    figure = row.measured
    return (
        f"{row.workload}: {row.ours}{versus}; {figure.median:,.2f} {row.unit}"
        f" ({figure.low:,.2f} to {figure.high:,.2f}){aim}{faults}"
    )


def say(text: str) -> None:
    """Print at once, also into a pipe."""
    print(text, flush=True)


def arguments_of(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", default="", help=f"groups with commas between: {', '.join(GROUPS)}")
    parser.add_argument("--long", action="store_true", help="up to a million products and orders, and the whole year")
    parser.add_argument("--tiny", action="store_true", help="for tests of the benchmark: figures that mean nothing")
    parser.add_argument("--year", type=Path, default=ROOT.parent / "shared" / "data" / "online-retail.csv.xz")
    given = parser.parse_args(argv)
    names = [SHORT.get(name, name) for name in filter(None, map(str.strip, given.only.split(",")))]
    if unknown := [name for name in names if name not in GROUPS]:
        parser.error(f"there is no group {unknown[0]!r}: choose from {', '.join(GROUPS)}")
    given.groups = [name for name in GROUPS if name in names or not names]
    return given


def size_of(given: argparse.Namespace) -> Size:
    """How much of everything."""
    size = replace(TINY if given.tiny else Size(), year=given.year)
    if given.long:
        size = replace(size, invoices=0, growth=(*size.growth, 1_000_000))
    return size


def run(given: argparse.Namespace) -> int:
    """Measure, print, and write the page if everything was measured."""
    begun = time.monotonic()
    findings, version = measure(size_of(given), given.groups)
    seconds = time.monotonic() - begun
    say("\n" + "\n".join(table(findings.rows)))
    if findings.growths:
        say("\n" + "\n".join(growth_table(findings.growths)))
    say(f"\n{seconds:.0f} seconds")
    if len(given.groups) == len(GROUPS) and not given.tiny:
        (ROOT / "docs" / "performance.md").write_text(page(findings, seconds, version))
        (ROOT / "docs" / "performance.svg").write_text(picture(findings))
        say("written: docs/performance.md, docs/performance.svg")
    return 1 if any(row.faults for row in findings.rows) else 0


def main(argv: Sequence[str] | None = None) -> int:
    """Run, with a last line for people whatever happens."""
    signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))  # so that what was started is stopped
    try:
        return run(arguments_of(argv))
    except (CannotStart, CannotMeasure, EmbeddedPostgresError) as missing:
        print(missing, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
