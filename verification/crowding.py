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
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

from sqlalchemy import text

from shop_adapters.embedded import EmbeddedPostgres
from shop_adapters.passwords import ScryptPasswords
from shop_adapters.postgres import PostgresAdapters, make_engine
from shop_adapters.tokens import JwtTokens
from shop_core import Actor, Role, Shop
from shop_core.catalog.model import Product
from shop_core.inventory.model import LINES_MAX
from shop_core.reservations.model import ReservationLimits
from shop_testing.fixtures import Fixtures, to_hold
from verification.client import API, Connection, Lost
from verification.server import ShopServer

P99_S_MAX = 1.0
LOCKED_S = 7.0
BUYERS = 4


@dataclass
class Waits:
    """How long orders took, and what they were answered."""

    seconds: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)

    def p99(self) -> float:
        """So long at most for 99 of 100."""
        return sorted(self.seconds)[int(len(self.seconds) * 0.99)]


@dataclass
class Target:
    """A running shop, with as many products as an order may have lines."""

    server: ShopServer
    adapters: PostgresAdapters
    products: list[Product]
    secret: bytes

    def token(self) -> str:
        """Of a new customer."""
        actor = Actor(uuid4(), Role.CUSTOMER)
        return JwtTokens(self.secret).access(actor, datetime.now(UTC), timedelta(hours=1))

    async def buy(self, waits: Waits, products: list[Product], until: Callable[[], bool]) -> None:
        """Order one product after the other."""
        connection, token = Connection(self.server.port), self.token()
        while not until():
            body = {"lines": [{"product_id": str(random.choice(products).id), "quantity": 1}]}
            began = time.monotonic()
            try:
                status = (await connection.ask("POST", f"{API}/orders", body, token=token)).status
            except Lost:
                status = 0
            waits.seconds.append(time.monotonic() - began)
            waits.statuses[status] += 1


async def expiring(target: Target, count: int, seconds: float) -> Waits:
    """So many large reservations end in one second."""
    shop, fixtures = Shop(target.adapters, ReservationLimits(10_000)), Fixtures(target.adapters)
    customer = fixtures.customer()
    began, life_s = time.monotonic(), 10 + count * 1.0
    for _ in range(count):
        left = life_s - (time.monotonic() - began)
        lines = [(product, 1) for product in target.products]
        await asyncio.to_thread(shop.reservations.reserve, to_hold(customer, *lines, seconds=max(1.0, left)))
    await asyncio.sleep(max(0.0, life_s - (time.monotonic() - began) - 1))
    return await _others(target, target.products, seconds + 1)


async def locked(target: Target) -> Waits:
    """Somebody locks the row of one product, which others want, too."""
    product, *others = target.products
    with target.adapters.engine.connect() as connection:
        connection.execute(text("SELECT FROM stock_levels WHERE product_id = :id FOR UPDATE"), {"id": product.id}).all()
        ends_at = time.monotonic() + LOCKED_S
        wanting = Waits()
        buyers = [target.buy(wanting, [product], lambda: time.monotonic() > ends_at) for _ in range(BUYERS)]
        waits, _ = await asyncio.gather(_others(target, others, LOCKED_S), asyncio.gather(*buyers))
    print(f"  of the locked product: {dict(wanting.statuses)}, at most {max(wanting.seconds):.2f} s", flush=True)
    if max(wanting.seconds) > 3.5 or set(wanting.statuses) - {503}:
        waits.statuses[0] += 1
    return waits


async def reserving(target: Target, seconds: float) -> Waits:
    """Customers reserve all products, again and again."""
    ends_at = time.monotonic() + seconds
    made: Counter[int] = Counter()

    async def reserve() -> None:
        connection = Connection(target.server.port)
        while time.monotonic() < ends_at:
            lines = [{"product_id": str(product.id), "quantity": 1} for product in target.products]
            form = {"lines": lines, "ttl_seconds": 1}
            try:
                answer = await connection.ask("POST", f"{API}/reservations", form, token=target.token())
                made[answer.status] += 1
            except Lost:
                made[0] += 1

    attack = asyncio.gather(*(reserve() for _ in range(BUYERS)))
    waits, _ = await asyncio.gather(_others(target, target.products, seconds), attack)
    print(f"  reservations of {LINES_MAX} lines: {dict(made)}", flush=True)
    return waits


async def _others(target: Target, products: list[Product], seconds: float) -> Waits:
    waits, ends_at = Waits(), time.monotonic() + seconds
    await asyncio.gather(*(target.buy(waits, products, lambda: time.monotonic() > ends_at) for _ in range(BUYERS)))
    return waits


async def try_all(target: Target, reservations: int, seconds: float) -> int:
    """Try all cases; returns how many found something."""
    faults = 0
    cases: list[tuple[str, Coroutine[None, None, Waits]]] = [
        ("nothing else happens", _others(target, target.products, 3)),
        (f"{reservations} reservations of {LINES_MAX} lines end", expiring(target, reservations, seconds)),
        (f"a row is locked for {LOCKED_S:g} s", locked(target)),
        ("large reservations without a pause", reserving(target, seconds)),
    ]
    for name, acts in cases:
        waits = await acts
        is_wrong = waits.p99() > P99_S_MAX or set(waits.statuses) - {201}
        faults += bool(is_wrong)
        print(
            f"{name}: {len(waits.seconds)} orders of others {dict(waits.statuses)},"
            f" p99 {waits.p99():.3f} s, max {max(waits.seconds):.3f} s{'   <-- too long' if is_wrong else ''}",
            flush=True,
        )
    return faults


def main() -> None:
    """Run all cases."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reservations", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--seed", default="1")
    options = parser.parse_args()
    random.seed(options.seed)
    with (
        tempfile.TemporaryDirectory() as folder,
        ShopServer(Path(folder), variables={"SHOP_EVENTS": "none"}) as server,
        EmbeddedPostgres(server.data_dir) as postgres,
    ):
        engine = make_engine(postgres.url(), connections=4)
        secret = (server.data_dir / "secret_key").read_bytes()
        adapters = PostgresAdapters(engine, secret, passwords=ScryptPasswords(2**4))
        target = Target(server, adapters, Fixtures(adapters).products(LINES_MAX, units=1_000_000), secret)
        faults = asyncio.run(try_all(target, options.reservations, options.seconds))
        if discrepancies := Shop(adapters).audit():
            print(f"the audit finds {discrepancies[:3]}")
        engine.dispose()
    sys.exit(1 if faults or discrepancies else 0)


if __name__ == "__main__":
    main()
