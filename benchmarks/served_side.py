"""One side of `benchmarks.against --http`: a `shop serve` of some commit, and what an order over HTTP costs it."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg
from verification.shop_process import UNLIMITED, free_port, running

from benchmarks.measurement import CannotMeasure
from benchmarks.placing_process import COUPON, LINES, PRODUCTS
from benchmarks.wrk import load

CONNECTIONS = 64
BUYERS = 20
SECONDS = 2.0
PASSWORD = "a long walk through the benchmark"
_API = "/api/v1"
_TICK_S = 1 / os.sysconf("SC_CLK_TCK")


class ServedSide:
    """A server on a database that is filled already.

    Args:
        url: of the server.
        process: its number; those that it started are counted, too.
        postgresql: the number of PostgreSQL's first process.
        buyers: a file of their tokens, and of the coupon that each of their orders has.
    """

    def __init__(self, url: str, process: int, postgresql: int, buyers: Path) -> None:
        self._url, self._process, self._postgresql, self._buyers = url, process, postgresql, buyers

    def place(self) -> tuple[float, float, float]:
        """Microseconds of processor time of one order, of the server's processes and of PostgreSQL's; orders a second.

        Raises:
            CannotMeasure: an order was refused.
        """
        python, postgresql = _seconds_of(self._process), _seconds_of(self._postgresql)
        done = load(self._url, "place", self._buyers, LINES, PRODUCTS, 0, connections=CONNECTIONS, seconds=SECONDS)
        python, postgresql = _seconds_of(self._process) - python, _seconds_of(self._postgresql) - postgresql
        orders = done.statuses.get(201, 0)
        if faults := done.faults(201, 503):
            raise CannotMeasure("; ".join(faults))
        time.sleep(0.5)  # it writes what it has put off, which no other side shall feel
        return python / orders * 1e6, postgresql / orders * 1e6, done.rate(201)


@contextmanager
def served(shop: Path, database: str, folder: Path, *, has_coupon: bool) -> Iterator[ServedSide]:
    """A side, which ends with the block.

    Args:
        shop: the command of the commit.
        database: the URL of its database.
        folder: for the file of the tokens.
        has_coupon: whether each order has a coupon.
    """
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    variables = {"SHOP_DATABASE_URL": database, "SHOP_SECRET_KEY": secrets.token_hex(32)}
    with running([shop, "serve", "--port", str(port)], url, os.environ | UNLIMITED | variables) as process:
        buyers = folder / f"buyers-{port}"
        coupon = f"\t{COUPON}" if has_coupon else ""
        buyers.write_text("".join(f"{_token(url)}{coupon}\n" for _ in range(BUYERS)))
        plain = database.replace("postgresql+psycopg", "postgresql")
        with psycopg.connect(plain) as connection:
            postgresql = _parent_of(connection.info.backend_pid)
        yield ServedSide(url, process.pid, postgresql, buyers)


def installed(root: Path) -> Path:
    """The `shop` command of a commit, in an environment with the packages that it names."""
    made = subprocess.run(["make", "-C", str(root), "setup"], capture_output=True, text=True)
    if made.returncode:
        raise CannotMeasure(made.stderr.strip()[-500:])
    return root / ".venv" / "bin" / "shop"


def _token(url: str) -> str:
    """The access token of a new customer."""
    account = {"username": f"buyer.{secrets.token_hex(6)}", "password": PASSWORD}
    for path in ("/auth/register", "/auth/token"):
        headers = {"Content-Type": "application/json"}
        asked = urllib.request.Request(f"{url}{_API}{path}", json.dumps(account).encode(), headers)
        with urllib.request.urlopen(asked, timeout=30) as answer:
            body = json.load(answer)
    return str(body["access"])


def _seconds_of(process: int) -> float:
    """Processor time so far of a process, of those that it started, and of theirs, also of those that have ended."""
    try:
        ticks = sum(map(int, _fields_of(process)[11:15]))
        return ticks * _TICK_S + sum(map(_seconds_of, _children_of(process)))
    except (FileNotFoundError, ProcessLookupError):  # it has ended since its parent was asked
        return 0.0


def _children_of(process: int) -> list[int]:
    tasks = Path(f"/proc/{process}/task").iterdir()
    return [int(child) for task in tasks for child in (task / "children").read_text().split()]


def _parent_of(process: int) -> int:
    return int(_fields_of(process)[1])


def _fields_of(process: int) -> Sequence[str]:
    """Of its status, from the third on: the second is its name, in brackets."""
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
