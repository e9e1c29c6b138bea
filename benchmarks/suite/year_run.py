"""The year of a real shop, replayed over HTTP and audited: see `replay.py`."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from suite.ground import Ground
from suite.measuring import CannotMeasure, Findings, Row, Spread

_REPLAY = Path(__file__).parents[1] / "replay.py"


def year(ground: Ground, findings: Findings) -> None:
    """The first invoices of the year, or all."""
    file, invoices = ground.size.year, ground.size.invoices
    if file is None or not file.exists():
        raise CannotMeasure("the data set of the year is not there: give it as `make bench YEAR=online-retail.csv.xz`.")
    limit = ["--limit-invoices", str(invoices)] if invoices else []
    with ground.new_database("shop_bench_year") as database:
        done = subprocess.run(
            [sys.executable, str(_REPLAY), str(file), "--serve", *limit],
            env=ground.environment(database),
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
