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
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import psycopg

from verification import final_state as verify
from verification.accounts import Staff, log_in, new_customers
from verification.client import API, Connection, Lost
from verification.retrying_client import PASSWORD
from verification.server import ShopServer

CLIENTS = 8
ROLLING_S_MAX = 60.0
BACK_S_MAX = 1.0
PAUSE_S = (0.2, 0.6)
THINKS_S = 0.01
RENEWED_S = 120
"""A token lives for five minutes, and many restarts take longer."""
STUCK_S = 10.0
"""Longer than any answer may take: a thread that hangs in a lost connection would."""


@dataclass
class Load:
    """What customers saw who look, order and reserve without a pause.

    Args:
        answers: how many of each status.
        bad: how many of each fault of the server, with what it said of it.
        lost: requests that got no answer, with the reason.
        token: of the buyer as whom all of them ask.
        oks: the moments (of `time.monotonic`) of the orders and reservations that were made.
        slowest_s: the longest wait for an answer.
    """

    answers: Counter[int] = field(default_factory=Counter)
    bad: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    oks: list[float] = field(default_factory=list)
    slowest_s: float = 0.0
    ids: list[str] = field(default_factory=list)
    token: str = ""
    is_over: bool = False

    def failures(self, *allowed: int) -> list[str]:
        """What no customer may see."""
        bad = [f"{count} x {what}" for what, count in self.bad.items() if int(what[:3]) not in allowed]
        return bad + self.lost


@dataclass
class Report:
    """What was done and what was found.

    Args:
        back_s: for each restart of the database, the time from its first connection to the first sale after it.
        refused_connects: connections that the shop asked for while the database was starting or ending.
    """

    rolled: int = 0
    rolling: Counter[int] = field(default_factory=Counter)
    restarted: int = 0
    restarting: Counter[int] = field(default_factory=Counter)
    back_s: list[float] = field(default_factory=list)
    refused_connects: int = 0
    slowest_s: float = 0.0
    orders: int = 0
    findings: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """For people."""
        lines = [
            f"rolling restarts: {self.rolled}, answers: {_said(self.rolling)}",
            f"restarts of the database: {self.restarted}, answers: {_said(self.restarting)}",
        ]
        if back := sorted(self.back_s):
            lines += [
                f"sold again after the database was there, s: median {back[len(back) // 2]:.3f}, worst {back[-1]:.3f};"
                f" slowest answer {self.slowest_s:.2f}",
                f"connections asked for too early: {self.refused_connects}",
            ]
        return [
            *lines,
            f"acknowledged orders and reservations that are there: {self.orders}",
            f"found wrong: {len(self.findings)}" + "".join(f"\n    {line}" for line in self.findings[:20]),
        ]


async def run(folder: Path, *, seed: int, rolling: int, database: int, clients: int = CLIENTS) -> Report:
    """Do it, in a folder of its own."""
    report, rng = Report(), Random(seed)
    with ShopServer(folder) as server:
        staff = await Staff.log_in(server.port)
        products = list(await staff.new_products(8, 1_000_000, "restarts"))
        staff.hang_up()
        (buyer,) = await new_customers(server.port, 1)
        if rolling:
            async with _load(server, buyer, clients, products, seed) as load:
                for _ in range(rolling):
                    await _roll(server, report)
                    await asyncio.sleep(rng.uniform(*PAUSE_S))
            report.rolling = load.answers
            report.findings += [f"rolling: {line}" for line in load.failures()]
            _count_kept(server, load, report)
        if database:
            async with _load(server, buyer, clients, products, seed + 1) as load:
                for _ in range(database):
                    await asyncio.sleep(rng.uniform(*PAUSE_S))
                    await _restart_database(server, load, report)
            report.restarting = load.answers
            report.slowest_s = load.slowest_s
            report.findings += [f"database: {line}" for line in load.failures(503)]
            if load.slowest_s > STUCK_S:
                report.findings.append(f"an answer took {load.slowest_s:.1f} s")
            _count_kept(server, load, report)
            report.refused_connects = server.database_log().count("FATAL:  the database system is")
        report.findings += await asyncio.to_thread(verify.audit, server)
        if not server.is_serving():
            report.findings.append(f"the server ended: {server.log.read_text()[-500:]}")
    return report


async def _roll(server: ShopServer, report: Report) -> None:
    """Have all workers replaced, and wait until they are."""
    before = server.worker_pids()
    os.kill(server.server_pid, signal.SIGHUP)
    began = time.monotonic()
    while time.monotonic() < began + ROLLING_S_MAX:
        now = await asyncio.to_thread(server.worker_pids)
        if not now & before and len(now) == server.workers:
            report.rolled += 1
            return
        await asyncio.sleep(0.05)
    report.findings.append(f"workers {before} were not replaced in {ROLLING_S_MAX:.0f} s")


async def _restart_database(server: ShopServer, load: Load, report: Report) -> None:
    """What `pg_ctl restart -m immediate` does: no session ends in peace, and the start recovers from the log."""
    old = server.postmaster_pid()
    accepting: list[float] = []
    with server.database() as connection:
        url = connection.info.dsn
    asked = threading.Thread(target=_until_accepting, args=(url, server, old, accepting), daemon=True)
    assert old is not None
    os.kill(old, signal.SIGQUIT)
    asked.start()
    await asyncio.to_thread(asked.join)
    deadline = accepting[0] + STUCK_S if accepting else 0
    while time.monotonic() < deadline:
        if load.oks and load.oks[-1] > accepting[0]:
            back_s = next(at for at in load.oks if at > accepting[0]) - accepting[0]
            report.back_s.append(back_s)
            report.restarted += 1
            if back_s > BACK_S_MAX:
                report.findings.append(f"the shop sold again only {back_s:.2f} s after the database was there")
            load.oks.clear()
            return
        await asyncio.sleep(0.005)
    report.findings.append("the shop did not come back after a restart of the database")


def _until_accepting(url: str, server: ShopServer, old: int, accepting: list[float]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with contextlib.suppress(psycopg.Error):
            if server.is_database_there(old):
                with psycopg.connect(url, autocommit=True, connect_timeout=2) as connection:
                    connection.execute("SELECT 1")
                accepting.append(time.monotonic())
                return
        time.sleep(0.002)


@contextlib.asynccontextmanager
async def _load(server: ShopServer, buyer: str, clients: int, products: list[str], seed: int) -> Any:
    load = Load(token=await log_in(server.port, buyer, PASSWORD))
    renewing = asyncio.create_task(_renew(server.port, buyer, load))
    jobs = [asyncio.create_task(_client(server.port, load, products, f"{seed}-{one}")) for one in range(clients)]
    try:
        yield load
    finally:
        load.is_over = True
        renewing.cancel()
        await asyncio.gather(*jobs)


async def _renew(port: int, buyer: str, load: Load) -> None:
    """Log in anew before the token ends."""
    while True:
        await asyncio.sleep(RENEWED_S)
        for _ in range(10):
            with contextlib.suppress(Lost, KeyError):  # just then the database restarts, or it is answered 503
                load.token = await log_in(port, buyer, PASSWORD)
                break
            await asyncio.sleep(1)


async def _client(port: int, load: Load, products: list[str], name: str) -> None:
    """Looks, orders and reserves, on a connection that is kept while the server keeps it."""
    line, rng, number = Connection(port), Random(name), 0
    while not load.is_over:
        number += 1
        product = rng.choice(products)
        lines = {"lines": [{"product_id": product, "quantity": 1}]}
        key = {"Idempotency-Key": f"restarts-{name}-{number}"}
        method, path, body, headers = rng.choice(
            (
                ("GET", f"/products/{product}", None, {}),
                ("GET", "/products?limit=5", None, {}),
                ("POST", "/orders", lines, key),
                ("POST", "/reservations", lines | {"ttl_seconds": 1}, key),
            )
        )
        await asyncio.sleep(rng.uniform(0, 2 * THINKS_S))
        began = time.monotonic()
        try:
            answer = await line.ask(method, API + path, body, token=load.token, headers=headers, wait_s=STUCK_S + 5)
        except Lost as lost:
            load.lost.append(str(lost))
            continue
        now = time.monotonic()
        load.slowest_s = max(load.slowest_s, now - began)
        load.answers[answer.status] += 1
        if answer.status == 201:
            load.oks.append(now)
            load.ids.append(answer.json["id"])
        if answer.status >= 500 or answer.status == 401:
            load.bad[f"{answer.status} {answer.json['detail']}"] += 1
            await asyncio.sleep(0.02)
    line.close()


def _count_kept(server: ShopServer, load: Load, report: Report) -> None:
    """Every order and reservation that was acknowledged is there."""
    with server.database() as connection:
        kept = connection.execute(
            "SELECT count(*) FROM (SELECT id FROM orders UNION ALL SELECT id FROM reservations) AS made"
            " WHERE id = ANY(%s::uuid[])",
            [load.ids],
        ).fetchone()
    assert kept is not None
    report.orders += kept[0]
    if kept[0] != len(load.ids):
        report.findings.append(f"{len(load.ids) - kept[0]} acknowledged orders or reservations are not there")


def _said(counts: Counter[int]) -> str:
    return ", ".join(f"{count} x {status}" for status, count in sorted(counts.items()))


def main() -> None:
    """Run it from the command line: exit code 1 if anything was found."""
    parser = argparse.ArgumentParser(prog="python -m verification.restarts", description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000)
    parser.add_argument("--rolling", type=int, default=100)
    parser.add_argument("--database", type=int, default=100)
    parser.add_argument("--clients", type=int, default=CLIENTS)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="shop-restarts-") as folder:
        report = asyncio.run(
            run(
                Path(folder),
                seed=given.seed,
                rolling=given.rolling,
                database=given.database,
                clients=given.clients,
            )
        )
    print(f"seed {given.seed}", *report.lines(), sep="\n")
    sys.exit(1 if report.findings else 0)


if __name__ == "__main__":
    main()
