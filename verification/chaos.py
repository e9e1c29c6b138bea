"""Real processes on a bad day: customers with bad connections, while server and database are killed under them.

    python -m verification.chaos --seed 7 --rounds 3 --seconds 20

A round brings new products of which there are too few. For some seconds customers place, reserve, confirm, release,
extend, cancel and edit through a proxy that cuts their connections, and ask again with the same key until they are
answered, while `kill -9` strikes workers, the server, sessions of the database and the database. Then it is quiet, the
rest is sold out, and everything that anybody was told is compared with what is there.

The seed makes all choices: what each customer does, where each connection is cut, and what is killed in which order.
When the machine does what, it does not make.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from statistics import median

from verification import final_state as verify
from verification.accounts import Staff, new_customers
from verification.client import Connection
from verification.cut_connections import cut_everywhere
from verification.history import Op, save
from verification.history_checker import Kept, check
from verification.http_customers import TTLS_S, HttpCustomer
from verification.process_kills import ProcessKiller, tended
from verification.proxy import Proxy, seeded
from verification.retrying_client import GaveUp
from verification.server import ShopServer

HOLDS_S_MAX = max(TTLS_S) + 60.0  # generous: a second or two on a machine that has nothing else to do
OUTBOX_S_MAX = 90.0


@dataclass(frozen=True, slots=True)
class Plan:
    """How long and how hard.

    Args:
        seed: of all choices.
        rounds: each with new products.
        seconds: of kills in a round.
        kills_min: in a round, however long they take.
        buyers: customers at once.
        products: of a round.
        units: of each product at the start.
        stride: cut at every so many bytes of what is asked and answered; 0: leave that part out.
        drains: wait until the outbox is empty; it takes up to a minute after a relay was killed.
        histories: a folder for what the customers saw, or None.
        say: gets a line now and then.
    """

    seed: int
    rounds: int = 3
    seconds: float = 20.0
    kills_min: int = 5
    buyers: int = 64
    products: int = 8
    units: int = 40
    stride: int = 9
    drains: bool = True
    histories: Path | None = None
    say: Callable[[str], None] = field(default=lambda _: None)


@dataclass(slots=True)
class Report:
    """What was done, and what was found."""

    rounds: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    kills: Counter[str] = field(default_factory=Counter)
    cuts: Counter[str] = field(default_factory=Counter)
    every_byte: Counter[str] = field(default_factory=Counter)
    made_before: int = 0
    back_s: dict[str, list[float]] = field(default_factory=dict)
    exits: list[str] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def lines(self) -> list[str]:
        """For people."""
        back = (f"{kind} {median(times):.2f}/{max(times):.2f}" for kind, times in sorted(self.back_s.items()))
        return [
            f"{self.rounds} rounds in {self.seconds:.0f} s, {sum(self.kills.values())} kills: {_said(self.kills)}",
            f"ready again after (median/worst, s): {', '.join(back)}",
            f"cut at byte after byte: {_said(self.every_byte)}; {self.made_before} retries found it done",
            f"connections cut: {sum(self.cuts.values())} ({_said(self.cuts)})",
            f"customers: {_said(self.counts)}",
            f"server ended by itself: {len(self.exits)}" + "".join(f"\n    {line}" for line in self.exits),
            f"found wrong: {len(self.findings)}" + "".join(f"\n    {line}" for line in self.findings),
        ]


async def run(plan: Plan, folder: Path) -> Report:
    """Do it, in a folder of its own."""
    report, started = Report(), time.monotonic()
    with ShopServer(folder) as server:
        staff = await Staff.log_in(server.port)
        customers = await new_customers(server.port, plan.buyers)
        if plan.stride:
            await _cut_everywhere(plan, server, staff, customers, report)
        for number in range(plan.rounds):
            plan.say(f"chaos: round {number + 1} of {plan.rounds}, {len(report.findings)} findings so far")
            await _round(plan, number, server, staff, customers, report)
            report.rounds += 1
        staff.hang_up()
        plan.say("chaos: the last facts leave the outbox")
        with server.database() as database:
            if plan.drains:
                report.findings += await asyncio.to_thread(verify.outbox_drains, database, OUTBOX_S_MAX)
                report.findings += verify.events_published(database, server)
            report.findings += verify.halves(database)
        report.findings += await asyncio.to_thread(verify.audit, server)
        report.counts["deadlocks"] = verify.deadlocks(server)
        if report.counts["deadlocks"]:
            report.findings.append(f"{report.counts['deadlocks']} x 40P01 in {server.data_dir / 'postgres.log'}")
        report.exits = server.exits
    report.seconds = time.monotonic() - started
    return report


async def _cut_everywhere(
    plan: Plan, server: ShopServer, staff: Staff, customers: dict[str, str], report: Report
) -> None:
    plan.say(f"chaos: connections cut at every {plan.stride} bytes")
    (product,) = await staff.new_products(1, 1_000_000, f"{plan.seed}-cuts")
    cuts = await cut_everywhere(server.port, list(customers.values()), product, str(plan.seed), plan.stride)
    report.findings += cuts.findings
    report.every_byte = cuts.done
    report.made_before = cuts.made_before
    with server.database() as database:
        report.findings += verify.halves(database)


async def _round(
    plan: Plan, number: int, server: ShopServer, staff: Staff, customers: dict[str, str], report: Report
) -> None:
    seed = f"{plan.seed}/{number}"
    stock = await staff.new_products(plan.products, plan.units, f"{plan.seed}-{number}")
    products = list(stock)
    killer = ProcessKiller(server, seed)
    async with Proxy(server.port, seeded(seed)) as proxy:
        buyers = [
            HttpCustomer(client, seed, (Connection(proxy.port), Connection(proxy.port)), username, customers[username])
            for client, username in enumerate(customers)
        ]
        until = time.monotonic() + plan.seconds
        shopping = [asyncio.create_task(buyer.shop(products, lambda: time.monotonic() >= until)) for buyer in buyers]
        await killer.rage(until, plan.kills_min)
        proxy.pass_all()
        operator = asyncio.create_task(tended(server))
        try:
            await asyncio.gather(*shopping)
            await _sell_out(server, buyers, products, seed)
        except GaveUp as failure:
            report.findings.append(f"no answer: {failure}")
        finally:
            operator.cancel()
        report.cuts += proxy.cuts
    await _compare(plan, number, server, buyers, stock, report)
    for kill in killer.kills:
        report.kills[kill.kind] += 1
        if kill.back_s is not None:
            report.back_s.setdefault(kill.kind, []).append(kill.back_s)
    report.findings += killer.findings
    for buyer in buyers:
        report.findings += buyer.findings
        report.counts += buyer.counts
        buyer.hang_up()


async def _sell_out(server: ShopServer, buyers: Sequence[HttpCustomer], products: Sequence[str], seed: str) -> None:
    """Every customer learns what became of their requests; then the rest is sold to whoever is first."""
    await asyncio.gather(*(buyer.come_to_rest() for buyer in buyers))
    await asyncio.to_thread(_until_nothing_is_held, server)
    rng = Random(f"{seed}/sell out")
    await asyncio.gather(*(buyer.buy_out(product) for product in products for buyer in rng.sample(list(buyers), 4)))
    await asyncio.gather(*(buyer.come_to_rest() for buyer in buyers))


def _until_nothing_is_held(server: ShopServer) -> None:
    """Some never heard of what they reserved; it ends in time."""
    with server.database() as database:
        verify.nothing_is_held(database, HOLDS_S_MAX)


async def _compare(
    plan: Plan, number: int, server: ShopServer, buyers: Sequence[HttpCustomer], stock: dict[str, int], report: Report
) -> None:
    ops: list[Op] = sorted((op for buyer in buyers for op in buyer.ops), key=lambda op: op.start_ns)
    if plan.histories:
        save(plan.histories / f"chaos-{plan.seed}-{number}.jsonl", ops)
    with server.database() as database:
        report.findings += await asyncio.to_thread(verify.holds_end, database, HOLDS_S_MAX)
        report.findings += verify.halves(database) + verify.sold(database, stock)
        orders, reservations = verify.orders_kept(database), verify.reservations_kept(database)
        keys = verify.keys_kept(database)
    numbers = {buyer.username: buyer.number for buyer in buyers}
    acknowledged = [id_ for buyer in buyers for id_ in buyer.made.values()]
    report.findings += verify.acknowledged_are_there(acknowledged, orders.keys() | reservations.keys())
    ours = {
        id_: ({} if status == "cancelled" else units)
        for id_, (status, units) in orders.items()
        if units.keys() <= stock.keys()
    }
    mine = {key for buyer in buyers for key in buyer.requests}
    kept_keys = {(numbers[name], key): id_ for (name, key), id_ in keys.items() if key in mine}
    made = set(kept_keys.values())
    kept = Kept(ours, {id_: state for id_, state in reservations.items() if id_ in made}, kept_keys)
    anomalies = check(ops, stock, kept)
    report.findings += [f"{one.rule}: {one.of}: {one.says}" for one in anomalies]
    report.counts["orders"] += len(ours)
    report.counts["units sold"] += sum(stock.values())
    report.counts["keys"] += len(kept_keys)


def _said(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {what}" for what, count in sorted(counts.items()))


def to_stderr(line: str) -> None:
    """Where progress goes."""
    print(f"  {line}", file=sys.stderr, flush=True)


def main() -> None:
    """Run it from the command line: exit code 1 if anything was found."""
    parser = argparse.ArgumentParser(prog="python -m verification.chaos", description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--buyers", type=int, default=64)
    parser.add_argument("--stride", type=int, default=9, help="cut at every so many bytes; 0: not at all")
    parser.add_argument("--keep", type=Path, help="an empty folder for data, logs and histories")
    given = parser.parse_args()
    plan = Plan(
        given.seed,
        given.rounds,
        given.seconds,
        buyers=given.buyers,
        stride=given.stride,
        histories=given.keep,
        say=to_stderr,
    )
    with tempfile.TemporaryDirectory(prefix="shop-chaos-") as folder:
        report = asyncio.run(run(plan, given.keep or Path(folder)))
    print(f"seed {plan.seed}", *report.lines(), sep="\n")
    sys.exit(1 if report.findings else 0)


if __name__ == "__main__":
    main()
