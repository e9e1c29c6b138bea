"""More buyers than a coupon has uses, at two servers, while both and the database under them are killed.

    python -m verification.coupons --buyers 40 --uses 25 --seed 7

Each buyer orders twice at the same moment, once at each server, with a coupon that a customer may use once, and asks
again with the same keys until both are answered. Then as many orders have it as it had uses, or as there are buyers.
All of these are cancelled or deleted, each twice, which gives each use back once; then everybody buys again. Another
promotion, which applies to every order, is counted beside it. Each server has two workers.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from verification import final_state as verify
from verification.accounts import Staff, new_customers
from verification.client import Connection, Response
from verification.process_kills import KINDS, ProcessKiller, tended
from verification.retrying_client import GaveUp, RetryingClient
from verification.server import ShopServer

_USES = b"""
SELECT (SELECT uses FROM promotion_uses WHERE id = %(id)s), count(*) FILTER (WHERE given_back_at IS NULL),
       count(DISTINCT customer_id) FILTER (WHERE given_back_at IS NULL)
FROM redemptions
WHERE promotion_id = %(id)s
"""


@dataclass(slots=True)
class Report:
    """What was done, and what was found."""

    answers: Counter[str] = field(default_factory=Counter)
    kills: Counter[str] = field(default_factory=Counter)
    retried: int = 0
    findings: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """For people."""
        return [
            f"answers: {', '.join(f'{count} x {what}' for what, count in sorted(self.answers.items()))}",
            f"kills: {', '.join(f'{count} x {what}' for what, count in sorted(self.kills.items()))}; "
            f"{self.retried} requests were sent again",
            f"found wrong: {len(self.findings)}" + "".join(f"\n    {line}" for line in self.findings[:20]),
        ]


class Buyer(RetryingClient):
    """Somebody who wants the coupon.

    Attributes:
        orders: the ids of those that have it.
    """

    orders: Sequence[str] = ()

    async def buy(self, code: str, products: Sequence[str]) -> None:
        """Two orders with the coupon at the same moment; only one may have it."""
        pairs = zip(products, self.connections, strict=True)
        answers = await asyncio.gather(*(self._order(code, *pair) for pair in pairs))
        self.orders = [answer.json["id"] for answer in answers if answer.status == 201]
        for answer in answers:
            self.counts[str(answer.status) + answer.code] += 1

    async def give_back(self) -> None:
        """Cancel or delete, and once more."""
        for order_id in self.orders:
            how = [("cancel", "POST", f"/orders/{order_id}/cancel"), ("delete", "DELETE", f"/orders/{order_id}")]
            for verb, method, path in [self.rng.choice(how), how[1]]:
                answer = await self.insist(verb, method, path, None)  # type: ignore[arg-type]
                if answer.status not in (200, 204):
                    self.findings.append(f"{method} {path}: {answer.status} {answer.code}")

    async def _order(self, code: str, product: str, connection: Connection) -> Response:
        body = {"lines": [{"product_id": product, "quantity": 1}], "coupons": [code]}
        key = f"{code}-{product}"
        return await self.insist("place", "POST", "/orders", body, key=key, connection=connection)


async def run(
    folder: Path, *, seed: int, buyers: int, uses: int, rounds: int = 1, kinds: Sequence[str] = KINDS
) -> Report:
    """Do it, in a folder of its own."""
    report = Report()
    with ShopServer(folder) as server, ShopServer(folder, beside=server) as other:
        staff = await Staff.log_in(server.port)
        products = list(await staff.new_products(4, 1_000_000, f"coupons-{seed}"))
        await staff.new_promotion()
        tokens = await new_customers(server.port, buyers)
        for number in range(rounds):
            code = f"RUSH-{seed}-{number}"
            promotion = await staff.new_coupon(code, {"max_uses": uses})
            rush = [
                Buyer(each, Random(f"{code}/{each}"), (Connection(server.port), Connection(other.port)), *account)
                for each, account in enumerate(tokens.items())
            ]
            killers = [ProcessKiller(server, code, (0.1, 0.5), kinds)]
            if of_other := [kind for kind in kinds if kind in ("worker", "server")]:
                killers.append(ProcessKiller(other, f"{code}/other", (0.1, 0.5), of_other))
            expected = min(buyers, uses)
            for turn in ("first", "second"):
                codes = code if turn == "first" else f"{code} "  # the same coupon, another key
                choices = [buyer.rng.sample(products, 2) for buyer in rush]
                await _under_fire(killers, [b.buy(codes, c) for b, c in zip(rush, choices, strict=True)])
                report.findings += _check(server, promotion, turn, expected)
                granted = sum(len(buyer.orders) for buyer in rush)
                if granted != expected:
                    report.findings.append(f"{turn}: {granted} orders were granted the coupon, not {expected}")
                await _under_fire(killers, [buyer.give_back() for buyer in rush])
                report.findings += _check(server, promotion, f"{turn}, given back", 0)
            for buyer in rush:
                report.findings += buyer.findings
                report.retried += buyer.counts["retried"]
                report.answers += Counter({what: n for what, n in buyer.counts.items() if what[:3].isdigit()})
                buyer.hang_up()
            for killer in killers:
                report.findings += killer.findings
                report.kills += Counter(kill.kind for kill in killer.kills)
        staff.hang_up()
        report.findings += await asyncio.to_thread(verify.audit, server)
        if deadlocks := verify.deadlocks(server):
            report.findings.append(f"{deadlocks} deadlocks")
        report.findings += server.exits
        # The other one does not start while the database is away, and whoever started it tries again.
        report.findings += [said for said in other.exits if "cannot use the database" not in said]
    return report


async def _under_fire(killers: Sequence[ProcessKiller], work: Sequence[Coroutine[Any, Any, None]]) -> None:
    """All of it at once, and kills until it is done; then everything stands again."""
    tending = [asyncio.create_task(tended(killer.server)) for killer in killers]
    shopping = asyncio.gather(*work)

    async def rage(killer: ProcessKiller) -> None:
        await killer.rage(0, 1)
        while not shopping.done():
            await killer.rage(0, 1)

    await asyncio.gather(*map(rage, killers))
    try:
        await shopping
    except GaveUp as failure:
        killers[0].findings.append(f"no answer: {failure}")
    for task in tending:
        task.cancel()


def _check(server: ShopServer, promotion: str, when: str, expected: int) -> list[str]:
    """Whether the counter, the redemptions and their customers are as many as they must be."""
    with server.database() as database:
        found = database.execute(_USES, {"id": promotion}).fetchone()
    is_right = found == (expected,) * 3
    return [] if is_right else [f"{when}: {found} are counted, redeemed, and the customers, not {expected}"]


def main() -> None:
    """Run it from the command line: exit code 1 if anything was found."""
    parser = argparse.ArgumentParser(prog="python -m verification.coupons", description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=time.time_ns() % 1_000_000)
    parser.add_argument("--buyers", type=int, default=40)
    parser.add_argument("--uses", type=int, default=25)
    parser.add_argument("--rounds", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="shop-coupons-") as folder:
        report = asyncio.run(run(Path(folder), **vars(given)))
    print(f"seed {given.seed}", *report.lines(), sep="\n")
    sys.exit(1 if report.findings else 0)


if __name__ == "__main__":
    main()
