"""Few heavy requests must not hold up everybody's orders, tried on a real server, and how long others wait.

    python -m verification.crowding --reservations 50 --seconds 10

- Reservations of 2,000 lines each end in the same second.
- One product's row is locked by somebody who does not let go for seven seconds.
- Customers reserve 2,000 lines again and again, without the limit of lines.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import time
from collections import Counter
from collections.abc import Coroutine

from sqlalchemy import text

from shop_core import Shop
from shop_core.inventory.model import LINES_MAX
from shop_core.reservations.model import TTL_MAX, ReservationLimits
from shop_testing.fixtures import Fixtures, to_hold
from verification.bystanders import BUYERS, BusyShop, Waits, busy_shop, busyness
from verification.client import API, Connection, Lost

P99_S_MAX = 1.0
LOCKED_S = 7.0


async def expiring(busy: BusyShop, count: int, seconds: float) -> Waits:
    """So many large reservations end in one second, and are swept."""
    shop, fixtures = Shop(busy.adapters, ReservationLimits(count * LINES_MAX)), Fixtures(busy.adapters)
    customer, lines = fixtures.customer(), [(product, 1) for product in busy.products]
    for _ in range(count):
        await asyncio.to_thread(shop.reservations.reserve, to_hold(customer, *lines, seconds=TTL_MAX.total_seconds()))
    with busy.adapters.engine.begin() as connection:
        for table in ("reservations", "reservation_lines"):
            connection.execute(text(f"UPDATE {table} SET expires_at = now() + interval '1 second'"))
    began = time.monotonic()
    waits = await busy.others(busy.products, seconds)
    with busy.adapters.engine.begin() as connection:
        ended = connection.execute(text("SELECT count(*) FROM reservations WHERE state = 'expired'")).scalar_one()
    print(f"  {ended} of {count} reservations were ended in {time.monotonic() - began:.0f} s", flush=True)
    if not ended:
        waits.statuses[0] += 1
    return waits


async def locked(busy: BusyShop) -> Waits:
    """Somebody locks the row of one product, which others want, too."""
    product, *others = busy.products
    with busy.adapters.engine.connect() as connection:
        connection.execute(text("SELECT FROM stock_levels WHERE product_id = :id FOR UPDATE"), {"id": product.id}).all()
        ends_at = time.monotonic() + LOCKED_S
        wanting = Waits()
        buyers = [busy.buy(wanting, [product], lambda: time.monotonic() > ends_at) for _ in range(BUYERS)]
        waits, _ = await asyncio.gather(busy.others(others, LOCKED_S), asyncio.gather(*buyers))
    print(f"  of the locked product: {dict(wanting.statuses)}, at most {max(wanting.seconds):.2f} s", flush=True)
    if max(wanting.seconds) > 3.5 or set(wanting.statuses) - {503}:
        waits.statuses[0] += 1
    return waits


async def reserving(busy: BusyShop, seconds: float) -> Waits:
    """Customers reserve all products, again and again."""
    ends_at = time.monotonic() + seconds
    made: Counter[int] = Counter()

    async def reserve() -> None:
        connection = Connection(busy.server.port)
        while time.monotonic() < ends_at:
            lines = [{"product_id": str(product.id), "quantity": 1} for product in busy.products]
            form = {"lines": lines, "ttl_seconds": 1}
            try:
                answer = await connection.ask("POST", f"{API}/reservations", form, token=busy.token())
                made[answer.status] += 1
            except Lost:
                made[0] += 1

    attack = asyncio.gather(*(reserve() for _ in range(BUYERS)))
    waits, _ = await asyncio.gather(busy.others(busy.products, seconds), attack)
    print(f"  reservations of {LINES_MAX} lines: {dict(made)}", flush=True)
    return waits


async def try_all(busy: BusyShop, reservations: int, seconds: float) -> int:
    """Try all cases; returns how many found something."""
    faults = 0
    cases: list[tuple[str, Coroutine[None, None, Waits]]] = [
        ("nothing else happens", busy.others(busy.products, 3)),
        (f"{reservations} reservations of {LINES_MAX} lines end", expiring(busy, reservations, seconds)),
        (f"a row is locked for {LOCKED_S:g} s", locked(busy)),
        ("large reservations without a pause", reserving(busy, seconds)),
    ]
    for name, acts in cases:
        waits = await acts
        is_wrong = waits.is_wrong(P99_S_MAX)
        faults += is_wrong
        print(f"{name}: {waits}{'   <-- too long' if is_wrong else ''}", flush=True)
    return faults


def main() -> None:
    """Run all cases."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reservations", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--seed", default="1")
    options = parser.parse_args()
    random.seed(options.seed)
    with busy_shop() as busy:
        faults = asyncio.run(try_all(busy, options.reservations, options.seconds))
        if discrepancies := Shop(busy.adapters).audit():
            print(f"the audit finds {discrepancies[:3]}")
    print(f"findings: {faults + len(discrepancies)}; {busyness()}")
    sys.exit(1 if faults or discrepancies else 0)


if __name__ == "__main__":
    main()
