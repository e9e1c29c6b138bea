"""The shop is restarted under load, again and again: its workers one after the other, and the database under it.

    python -m verification.restarts --rolling 100 --database 100

Rolling restarts may cost nobody anything: every request is answered, and none with 5xx. While the database restarts,
requests may be refused with 503 and with nothing else; it counts how long after the database takes connections again
the shop sells again.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import psycopg

from verification import final_state as verify
from verification.accounts import Staff, new_customers
from verification.client import Connection
from verification.history import MAKES
from verification.http_customers import HttpCustomer
from verification.server import ShopServer, wait_until

CLIENTS = 8
ROLLING_S_MAX = 60.0
BACK_S_MAX = 1.0
STUCK_S = 10.0
PAUSE_S = (0.2, 0.6)
SECOND_NS = 1_000_000_000


@dataclass
class Report:
    """What was done and what was found.

    Args:
        done: how many restarts of each kind.
        answers: for each kind, how many requests were carried out, refused, or answered by 503 (`unknown`).
        back_s: for each restart of the database, the time from its first connection to the first sale after it.
        refused_connects: connections that the shop asked for while the database was starting or ending.
        orders: acknowledged orders and reservations that are there.
    """

    done: Counter[str] = field(default_factory=Counter)
    answers: dict[str, Counter[str]] = field(default_factory=dict)
    back_s: list[float] = field(default_factory=list)
    refused_connects: int = 0
    slowest_s: float = 0.0
    orders: int = 0
    findings: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """For people."""
        lines = [
            f"{kind}: {self.done[kind]} restarts, answers: "
            + ", ".join(f"{count} x {outcome}" for outcome, count in sorted(answers.items()))
            for kind, answers in self.answers.items()
        ]
        if back := sorted(self.back_s):
            lines += [
                f"sold again after the database was there, s: median {back[len(back) // 2]:.3f}, worst {back[-1]:.3f}",
                f"connections asked for too early: {self.refused_connects}",
            ]
        return [
            *lines,
            f"slowest answer, s: {self.slowest_s:.2f}",
            f"acknowledged orders and reservations that are there: {self.orders}",
            f"found wrong: {len(self.findings)}" + "".join(f"\n    {line}" for line in self.findings[:20]),
        ]


Restart = Callable[[ShopServer, Sequence[HttpCustomer], Report], Awaitable[None]]


async def run(folder: Path, *, seed: int, rolling: int, database: int, clients: int = CLIENTS) -> Report:
    """Do it, in a folder of its own."""
    report = Report()
    with ShopServer(folder) as server:
        staff = await Staff.log_in(server.port)
        products = list(await staff.new_products(8, 1_000_000, "restarts"))
        staff.hang_up()
        tokens = await new_customers(server.port, clients)
        for kind, times, restart in (("rolling", rolling, _roll), ("database", database, _restart_database)):
            if times:
                buyers = [
                    HttpCustomer(number, f"{seed}/{kind}", (Connection(server.port), Connection(server.port)), *account)
                    for number, account in enumerate(tokens.items())
                ]
                await _under_load(kind, times, restart, server, buyers, products, report)
        report.refused_connects = server.database_log().count("FATAL:  the database system is")
        report.findings += await asyncio.to_thread(verify.audit, server)
        if not server.is_serving():
            report.findings.append(f"the server ended: {server.log.read_text()[-500:]}")
    return report


async def _under_load(
    kind: str,
    times: int,
    restart: Restart,
    server: ShopServer,
    buyers: Sequence[HttpCustomer],
    products: Sequence[str],
    report: Report,
) -> None:
    """So many restarts of one kind while customers shop without a pause, and what they saw."""
    rng, over = Random(f"{kind}/{buyers[0].rng.random()}"), asyncio.Event()
    shopping = [asyncio.create_task(buyer.shop(products, over.is_set)) for buyer in buyers]
    try:
        for _ in range(times):
            await asyncio.sleep(rng.uniform(*PAUSE_S))
            await restart(server, buyers, report)
        await asyncio.sleep(PAUSE_S[0])
    finally:
        over.set()
        await asyncio.gather(*shopping)
    ops = [op for buyer in buyers for op in buyer.ops]
    report.answers[kind] = Counter(op.outcome for op in ops)
    report.slowest_s = max([report.slowest_s, *((op.end_ns - op.start_ns) / SECOND_NS for op in ops)])
    for buyer in buyers:
        report.findings += [f"{kind}: {what}" for what in (*buyer.lost, *buyer.findings)]
        if kind == "rolling":
            report.findings += [f"{kind}: {n} x {what}" for what, n in buyer.counts.items() if what.startswith("503")]
        buyer.hang_up()
    with server.database() as database:
        kept = verify.orders_kept(database).keys() | verify.reservations_kept(database).keys()
    made = [id_ for buyer in buyers for id_ in buyer.made.values()]
    report.orders += len(kept & set(made))
    report.findings += verify.acknowledged_are_there(made, kept)


async def _roll(server: ShopServer, _: Sequence[HttpCustomer], report: Report) -> None:
    """Have all workers replaced, and wait until they are."""
    before = server.worker_pids()

    def are_replaced() -> bool:
        now = server.worker_pids()
        return not now & before and len(now) == server.workers

    os.kill(server.server_pid, signal.SIGHUP)
    if await asyncio.to_thread(wait_until, are_replaced, ROLLING_S_MAX, 0.05):
        report.done["rolling"] += 1
    else:
        report.findings.append(f"workers {before} were not replaced in {ROLLING_S_MAX:.0f} s")


async def _restart_database(server: ShopServer, buyers: Sequence[HttpCustomer], report: Report) -> None:
    """What `pg_ctl restart -m immediate` does: no session ends in peace, and the start recovers from the log."""
    old = server.postmaster_pid()
    with server.database() as connection:
        url = connection.info.dsn
    assert old is not None
    os.kill(old, signal.SIGQUIT)
    there_ns = await asyncio.to_thread(_accepting_ns, url, server, old)
    deadline = time.monotonic() + STUCK_S
    while there_ns and time.monotonic() < deadline:
        latest = [op for buyer in buyers for op in buyer.ops[-9:] if op.op in MAKES and op.outcome == "ok"]
        if sold := [op.end_ns for op in latest if op.end_ns > there_ns]:
            report.done["database"] += 1
            report.back_s.append((min(sold) - there_ns) / SECOND_NS)
            if report.back_s[-1] > BACK_S_MAX:
                report.findings.append(f"sold again only {report.back_s[-1]:.2f} s after the database was there")
            return
        await asyncio.sleep(0.005)
    report.findings.append("the shop did not come back after a restart of the database")


def _accepting_ns(url: str, server: ShopServer, old: int) -> int:
    """When the database took a connection again; 0 if it did not within a minute."""

    def accepts() -> bool:
        with contextlib.suppress(psycopg.Error):
            if server.is_database_there(old):
                psycopg.connect(url, autocommit=True, connect_timeout=2).close()
                return True
        return False

    return time.time_ns() if wait_until(accepts, 60, 0.002) else 0


def main() -> None:
    """Run it from the command line: exit code 1 if anything was found."""
    parser = argparse.ArgumentParser(prog="python -m verification.restarts", description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000)
    parser.add_argument("--rolling", type=int, default=100)
    parser.add_argument("--database", type=int, default=100)
    parser.add_argument("--clients", type=int, default=CLIENTS)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="shop-restarts-") as folder:
        report = asyncio.run(run(Path(folder), **vars(given)))
    print(f"seed {given.seed}", *report.lines(), sep="\n")
    sys.exit(1 if report.findings else 0)


if __name__ == "__main__":
    main()
