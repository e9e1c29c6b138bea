"""Compares what README says in figures with what is counted: `make claims`, or `python -m tools.check_claims --write`.

It counts the lines of code of each package, the files and lines that a request runs through, and the tests. Figures
of speed are compared with docs/performance.md, which `make bench` writes. `--write` puts the right figures into README.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from tools import count_lines, request_path
from tools.request_path import ROOT, RequestPath

README = ROOT / "README.md"
PERFORMANCE = ROOT / "docs" / "performance.md"
PACKAGES = (
    *("src/shop_core", "src/shop_adapters", "src/shop_http", "src/shop_testing"),
    *("tests", "verification", "benchmarks"),
)


@dataclass(frozen=True, slots=True)
class Claim:
    """A figure in README.

    Args:
        context: a regular expression with the figure as its one group.
        counted: the right figure.
        step: README has it rounded down to a multiple of this, and may be up to 5 % off. 1: it must be exact.
    """

    context: str
    counted: int
    step: int = 1

    @property
    def figure(self) -> str:
        """The figure as README should have it."""
        return f"{self.counted // self.step * self.step:,}"

    def is_true(self, stated: str) -> bool:
        """Whether README may go on saying this."""
        return stated == self.figure or (self.step > 1 and abs(int(stated.replace(",", "")) / self.counted - 1) < 0.05)


def packages() -> list[Claim]:
    """The lines of code of each package."""
    return [Claim(rf"^\| `{each}` \| ([\d,]+) \|", count_lines.count(ROOT / each), step=100) for each in PACKAGES]


def request_paths(paths: dict[str, RequestPath]) -> list[Claim]:
    """The files and lines that each request runs through."""
    claims = []
    for name, path in paths.items():
        context = rf"`{name}` runs\s+through\s+"
        claims.append(Claim(rf"{context}(\d+) files", len(path.files)))
        claims.append(Claim(rf"{context}\d+ files and about ([\d,]+) lines", path.lines, step=10))
    return claims


def tests() -> list[Claim]:
    """The number of tests that `make test` runs."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    found = re.search(r"^(\d+)(?:/\d+)? tests collected", done.stdout, re.MULTILINE)
    if not found:
        raise RuntimeError(f"the tests cannot be counted:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return [Claim(r"more than ([\d,]+)\s+tests", int(found[1]), step=100)]


def speeds() -> list[Claim]:
    """The figures of README's table of workloads, each named as in docs/performance.md."""
    measured: dict[str, tuple[str, str]] = {}
    for line in PERFORMANCE.read_text().splitlines():
        if line.startswith("| ") and len(cells := [cell.strip() for cell in line.strip("|").split("|")]) == 6:
            measured.setdefault(cells[0], (cells[1], cells[2]))
    claims = []
    for workload in re.findall(r"^\| ([^|]+) \| [\d,]+ a second \| ", README.read_text(), re.MULTILINE):
        if workload not in measured:
            raise RuntimeError(f"docs/performance.md has no workload called {workload!r}")
        for column, cell in enumerate(measured[workload]):
            context = rf"^\| {re.escape(workload)} \| " + ("", r"[\d,]+ a second \| ")[column] + r"([\d,]+)"
            figure = cell.partition("/s")[0].partition(" ")[0]
            claims.append(Claim(context, int(figure.replace(",", ""))))
    return claims


def corrected(text: str, claims: Iterable[Claim]) -> tuple[str, list[str]]:
    """The text with the right figures, and what was wrong in it."""
    wrong = []
    for claim in claims:
        found = re.search(claim.context, text, re.MULTILINE)
        if not found:
            wrong.append(f"README says nothing that matches {claim.context!r}")
        elif not claim.is_true(found[1]):
            wrong.append(f"README says {' '.join(found[0].split())!r}: {claim.counted:,} counted")
            text = text[: found.start(1)] + claim.figure + text[found.end(1) :]
    return text, wrong


def main() -> int:
    """Compare, or write."""
    parser = argparse.ArgumentParser(description="Compare the figures in README with what is counted.")
    parser.add_argument("--write", action="store_true", help="put the right figures into README")
    write = parser.parse_args().write
    with ThreadPoolExecutor() as threads:
        collected = threads.submit(tests)
        paths = request_path.measure()
        claims = [*packages(), *request_paths(paths), *speeds(), *collected.result()]
    text, wrong = corrected(README.read_text(), claims)
    if write:
        README.write_text(text)
    elif wrong:
        print(*wrong, "To mend README: python -m tools.check_claims --write", sep="\n", file=sys.stderr)
    past = [*request_path.past_limits(paths), *count_lines.past_limits()]
    if past:
        ways = "`python -m tools.request_path -v` and `python -m tools.count_lines` show more."
        print(*past, ways, sep="\n", file=sys.stderr)
    return 1 if past or (wrong and not write) else 0


if __name__ == "__main__":
    sys.exit(main())
