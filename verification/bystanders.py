"""Customers who only want to order, while somebody else does something, and how long they wait for it."""

from __future__ import annotations

import asyncio
import os
import random
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

from shop_adapters.embedded import EmbeddedPostgres
from shop_adapters.passwords import ScryptPasswords
from shop_adapters.postgres import PostgresAdapters, make_engine
from shop_adapters.tokens import JwtTokens
from shop_core import Actor, Role
from shop_core.catalog.model import Product
from shop_core.inventory.model import LINES_MAX
from shop_testing.fixtures import Fixtures
from verification.client import API, Connection, Lost
from verification.server import ShopServer

BUYERS = 4


@dataclass
class Waits:
    """How long orders took, and what they were answered."""

    seconds: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)

    def p99(self) -> float:
        """So long at most for 99 of 100."""
        return sorted(self.seconds)[int(len(self.seconds) * 0.99)]

    def is_wrong(self, p99_s_max: float) -> bool:
        """Whether somebody got no order, or one of 100 waited for longer."""
        return not self.seconds or self.p99() > p99_s_max or bool(set(self.statuses) - {201})

    def __str__(self) -> str:
        return (
            f"{len(self.seconds)} orders of others {dict(self.statuses)},"
            f" p99 {self.p99():.3f} s, max {max(self.seconds):.3f} s"
        )


@dataclass
class BusyShop:
    """A running shop, with as many products as an order may have lines."""

    server: ShopServer
    adapters: PostgresAdapters
    products: list[Product]
    secret: bytes

    def token(self, actor: Actor | None = None) -> str:
        """Of a new customer, or of `actor`."""
        actor = actor or Actor(uuid4(), Role.CUSTOMER)
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
        connection.close()

    async def others(self, products: list[Product], seconds: float) -> Waits:
        """A few customers order for so long."""
        waits, ends_at = Waits(), time.monotonic() + seconds
        await asyncio.gather(*(self.buy(waits, products, lambda: time.monotonic() > ends_at) for _ in range(BUYERS)))
        return waits


@contextmanager
def busy_shop(variables: Mapping[str, str] | None = None) -> Iterator[BusyShop]:
    """Such a shop, with settings of its own besides."""
    with (
        tempfile.TemporaryDirectory(prefix="shop-busy-") as folder,
        ShopServer(Path(folder), variables={"SHOP_EVENTS": "none", **(variables or {})}) as server,
        EmbeddedPostgres(server.data_dir) as postgres,
    ):
        engine = make_engine(postgres.url(), connections=4)
        secret = (server.data_dir / "secret_key").read_bytes()
        adapters = PostgresAdapters(engine, secret, passwords=ScryptPasswords(2**4))
        yield BusyShop(server, adapters, Fixtures(adapters).products(LINES_MAX, units=1_000_000), secret)
        engine.dispose()


def busyness() -> str:
    """What else this machine had to do, for a report of times."""
    return f"load averages {' '.join(f'{each:.1f}' for each in os.getloadavg())}, {os.cpu_count()} cores"
