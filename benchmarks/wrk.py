"""The load client: wrk, with what it sends in `load.lua`."""

from __future__ import annotations

import json
import math
import random
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.measurement import CannotMeasure

_SCRIPT = Path(__file__).with_name("load.lua")
_ANSWERS_S_MAX = 30
NOT_GOOD = 400
"""And above: wrk tells reads apart no further."""


@dataclass(frozen=True, slots=True)
class Load:
    """What came of a load.

    Args:
        seconds: from the first request to the last answer.
        requests: answers that were read.
        unanswered: requests without an answer.
        broken: connections that failed, and answers that did not come in time.
        statuses: answers by status; of reads only 200, for what was good, and `NOT_GOOD` for the rest.
        sold_out: 409s whose code says that there is not enough in stock.
        p99_ms: within which 99 of 100 answers came.
    """

    seconds: float
    requests: int
    unanswered: int
    broken: int
    statuses: dict[int, int]
    sold_out: int
    p50_ms: float
    p99_ms: float

    def rate(self, status: int = 200) -> float:
        """Answers of a status, a second."""
        return self.statuses.get(status, 0) / self.seconds if self.seconds else 0.0

    def faults(self, *good: int) -> list[str]:
        """What there was beside answers of these statuses."""
        bad = {status: count for status, count in self.statuses.items() if status not in good}
        found = [
            f"{count:,} answers of status {status}{' or numbers' if status == NOT_GOOD else ''}"
            for status, count in bad.items()
        ]
        if self.broken:
            found.append(f"{self.broken:,} requests broken or late")
        return found


def find_wrk() -> str:
    """The command.

    Raises:
        CannotMeasure: it is not there.
    """
    command = shutil.which("wrk")
    if command is None:
        raise CannotMeasure("wrk is not installed: `apt-get install wrk`, or your system's package of that name.")
    return command


def _command(url: str, kind: str, file: Path, numbers: Sequence[int], connections: int, *how: float) -> list[str]:
    seconds, limit, pace_ms = how
    longest_s = math.ceil(seconds) + (_ANSWERS_S_MAX if kind != "get" or pace_ms else 0)
    given = [kind, round(seconds * 1000), round(limit), pace_ms, random.randrange(1, 10**6), file, *numbers]
    flags = ["-t1", f"-c{connections}", f"-d{longest_s}s", f"--timeout={_ANSWERS_S_MAX}s", "-s", str(_SCRIPT)]
    return [find_wrk(), *flags, url, "--", *map(str, given)]


def load(
    url: str,
    kind: str,
    file: Path,
    *numbers: int,
    connections: int,
    seconds: float,
    limit: int = 0,
    pace_ms: float = 0,
) -> Load:
    """Send requests of a kind, see `load.lua`, as fast as they are answered.

    Args:
        seconds: how long to send; everything is waited for then, but reads without a pace, which are cut off (whole
            seconds): use `Shop.settle` after those.
        limit: so many requests at most; 0: any number.
        pace_ms: each connection waits so long before each request.

    Raises:
        CannotMeasure: wrk is missing, or it failed.
    """
    command = _command(url, kind, file, numbers, connections, seconds, limit, pace_ms)
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 2 * _ANSWERS_S_MAX)
    return _read(done.stdout, done.stderr)


@contextmanager
def load_beside(
    url: str, kind: str, file: Path, *numbers: int, connections: int, seconds: float, pace_ms: float = 0
) -> Iterator[None]:
    """The same, beside what is done in the block; stopped at its end, if not over yet."""
    command = _command(url, kind, file, numbers, connections, seconds, 0, pace_ms)
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as beside:
        try:
            yield
        finally:
            beside.terminate()


def _read(output: str, errors: str) -> Load:
    lines = [line for line in output.splitlines() if line.startswith("RESULT ")]
    if not lines:
        said = " ".join((errors or output).split())[-300:]
        raise CannotMeasure(f"wrk did not measure anything: {said}")
    report: dict[str, Any] = json.loads(lines[0].removeprefix("RESULT "))
    statuses = {int(status): count for status, count in report["statuses"].items()}
    if not statuses:
        statuses = {200: report["requests"] - report["bad"]} | ({NOT_GOOD: report["bad"]} if report["bad"] else {})
    return Load(
        seconds=report["milliseconds"] / 1e3 or report["microseconds"] / 1e6,
        requests=report["requests"],
        unanswered=report["started"] - report["answered"],
        broken=report["broken"],
        statuses=statuses,
        sold_out=report["refused"],
        p50_ms=report["p50_us"] / 1e3,
        p99_ms=report["p99_us"] / 1e3,
    )
