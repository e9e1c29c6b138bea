"""Writes docs/performance.md: the results, the machine, and how to repeat the measurement."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.measurement import FLAT_SLOPE_MAX, Findings, Growth, Row, shown
from benchmarks.wrk import find_wrk


def table(rows: list[Row]) -> list[str]:
    """The rows as a table in Markdown."""
    lines = ["| workload | ours | compared with | measured (lowest to highest) | aim | |", "|---|---|---|---|---|---|"]
    for row in rows:
        aim = f"{row.aim.sense.value} {row.aim.figure:,g}" if row.aim else "-"
        spread = f"{shown(row.measured.low)} to {shown(row.measured.high)}"
        measured = f"**{shown(row.measured.median)}** {row.unit} ({spread})"
        cells = [row.workload, row.ours, row.yardstick, measured, aim, row.verdict]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def growth_table(growths: list[Growth]) -> list[str]:
    """The growths as a table in Markdown."""
    lines = ["| what | milliseconds for one, by number | log-log slope | |", "|---|---|---|---|"]
    for growth in growths:
        costs = ", ".join(f"{number:,}: {shown(spread.median)}" for number, spread in growth.costs.items())
        lines.append(f"| {growth.title} | {costs} | {growth.slope:.2f} | {growth.verdict} |")
    return lines


def page(findings: Findings, seconds: float, server_version: str) -> str:
    """The whole page."""
    checked = [f"* {row.workload}: {row.checked}." for row in _once(findings.rows) if row.checked]
    wrong = [f"* {row.workload}: {fault}" for row in findings.rows for fault in row.faults]
    parts = [
        "# Performance",
        "`make bench` measures everything on this page and writes it. It needs `wrk` and takes ten minutes."
        " `make bench ONLY=place,pages` prints some of it (groups: `place`, `sale`, `prices`, `pages`, `lists`,"
        " `orders`, `logins`, `start`, `memory`, `core`, `year`, `growth`). `LONG=1` goes to a million products and"
        " orders and replays a whole year.",
        f"{_commit()}, {datetime.now(UTC):%Y-%m-%d}, in {seconds / 60:.0f} minutes. {_machine()}. {server_version},"
        f" with `fsync` and `synchronous_commit` on; one worker for each core; {_wrk()}.",
        "![How far each aim is reached, and growth](performance.svg)",
        "[Where the time goes](decisions/0017-where-the-time-goes.md) explains why some aims are missed.",
        "Server, database and load client share few cores, so absolute figures mean little. Each workload and its"
        " yardstick run in turn, A B A B, after a warm-up. Compare the ratios: the median of the rounds is in bold, the"
        " lowest and the highest are in brackets.",
        "\n".join(table(findings.rows)),
    ]
    if findings.growths:
        parts += [
            "## Growth",
            "Measured in one process without HTTP, in shops of different sizes in turn. The slope is that of the cost"
            " of one operation: 0 means that it costs the same however many there are. The aim is at most"
            f" {FLAT_SLOPE_MAX}.",
            "\n".join(growth_table(findings.growths)),
        ]
    parts += ["## What was checked", "\n".join(checked)]
    if wrong:
        parts += ["**Wrong answers:**", "\n".join(dict.fromkeys(wrong))]
    if findings.left_out:
        parts += ["## Left out", "\n".join(f"* {reason}" for reason in findings.left_out)]
    return "\n\n".join(parts) + "\n"


def _once(rows: list[Row]) -> list[Row]:
    """One row for each note about checks."""
    return list({row.checked: row for row in reversed(rows)}.values())[::-1]


def _commit() -> str:
    root = Path(__file__).parents[1]

    def git(*words: str) -> str:
        return subprocess.run(["git", *words], cwd=root, capture_output=True, text=True).stdout.strip()

    changed = " with changes" if git("status", "--porcelain", "--untracked-files=no") else ""
    return f"Commit {git('rev-parse', '--short', 'HEAD') or 'unknown'}{changed}"


def _machine() -> str:
    processor = platform.processor() or platform.machine()
    try:
        if found := re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE):
            processor = found[1]
        memory = f", {os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB"
    except (OSError, ValueError):
        memory = ""
    return f"{processor}, {os.cpu_count()} cores{memory}; {platform.system()}, Python {platform.python_version()}"


def _wrk() -> str:
    said = subprocess.run([find_wrk(), "--version"], capture_output=True, text=True)
    return " ".join((said.stdout + said.stderr).split()[:2])
