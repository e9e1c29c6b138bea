"""The page about performance: what was measured, on what, and how to do it again."""

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
    told = [f"* {row.workload}: {row.checked}." for row in _once(findings.rows) if row.checked]
    wrong = [f"* {row.workload}: {fault}" for row in findings.rows for fault in row.faults]
    parts = [
        "# Performance",
        "`make bench` measures this and writes this page; `make bench ONLY=place,pages` prints some of it (groups:"
        " `place`, `sale`, `pages`, `lists`, `logins`, `start`, `memory`, `core`, `year`, `growth`), `LONG=1` goes to a"
        " million products and orders and replays the whole year. It needs `wrk` and takes ten minutes.",
        f"{_commit()}, {datetime.now(UTC):%Y-%m-%d}, in {seconds / 60:.0f} minutes. {_machine()}. {server_version},"
        f" with `fsync` and `synchronous_commit` on; a worker for each core; {_wrk()}.",
        "![How far each aim is reached, and growth](performance.svg)",
        "[Where the time goes](decisions/0017-where-the-time-goes.md) says why what is missed is missed.",
        "On a machine of few cores, which the load client shares, an absolute figure means little. So each workload and"
        " its yardstick run in turn, A B A B, after a warm-up, and the figure that counts is the ratio of each round:"
        " the middle one, the lowest and the highest.",
        "\n".join(table(findings.rows)),
    ]
    if findings.growths:
        parts += [
            "## Growth",
            "In this process, without HTTP, in shops of different sizes in turn. The slope is that of the cost of one:"
            f" 0 means that one costs the same however many there are; the aim is at most {FLAT_SLOPE_MAX}.",
            "\n".join(growth_table(findings.growths)),
        ]
    parts += ["## What was checked", "\n".join(told)]
    if wrong:
        parts += ["**Wrong answers:**", "\n".join(dict.fromkeys(wrong))]
    if findings.left_out:
        parts += ["## Left out", "\n".join(f"* {reason}" for reason in findings.left_out)]
    return "\n\n".join(parts) + "\n"


def _once(rows: list[Row]) -> list[Row]:
    """Without those of which is told what was told before."""
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
