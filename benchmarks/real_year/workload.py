"""The year of a real shop, replayed over HTTP and audited: see `replay.py`."""

from __future__ import annotations

import re
import subprocess
import sys

from benchmarks.environment import Environment
from benchmarks.measurement import CannotMeasure, Findings, Row, Spread


def year(environment: Environment, findings: Findings) -> None:
    """The first invoices of the year, or all."""
    file, invoices = environment.size.year, environment.size.invoices
    if file is None or not file.exists():
        raise CannotMeasure("the data set of the year is not there: give it as `make bench YEAR=online-retail.csv.xz`.")
    limit = ["--limit-invoices", str(invoices)] if invoices else []
    with environment.new_database("shop_bench_year") as database:
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.real_year.replay", str(file), "--serve", *limit],
            env=environment.variables(database),
            capture_output=True,
            text=True,
        )
    rates = re.search(r"([\d,]+) orders/s, ([\d,]+) order rows/s", done.stdout)
    if rates is None:
        raise CannotMeasure(f"the replay did not end: {' '.join((done.stderr or done.stdout).split())[-300:]}")
    orders, rows = (int(figure.replace(",", "")) for figure in rates.groups())
    faults = [line for line in done.stdout.splitlines() if line.startswith("FAULT")]
    findings.rows.append(
        Row(
            f"replay of a real year, {'its first ' + format(invoices, ',') if invoices else 'all'} invoices",
            f"{orders:,} orders/s",
            "-",
            Spread.of([rows]),
            "order rows/s",
            checked="every order compared with its invoice, all stock with what must be left, the audit found nothing",
            faults=tuple(faults if done.returncode else ()),
        )
    )
