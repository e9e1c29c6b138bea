"""A busy hour of a shop with two servers, in a few minutes: customers, a flash sale, and what may go wrong meanwhile.

All of it is real: `shop serve`, PostgreSQL, HTTP. Only the hour is shorter, and its customers are in more of a hurry.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random

from verification.client import API, Connection, Lost
from verification.databases import migrated_database, temporary_server
from verification.http_customers import HttpCustomer
from verification.retrying_client import PASSWORD
from verification.shop_process import SHOP, free_port, running, shop_with_admin

from shop_adapters.postgres import PostgresAdapters, make_engine
from shop_core import SYSTEM, Money, ProductDetails, Registration, Shop

SECRET = "the secret of the busy hour, 32 bytes"
WEBHOOK_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
VISITORS, CUSTOMERS, HUNTERS = 16, 12, 40
BARGAINS = 1_200

RECEIVER_AWAY, SALE, SLOW, GUESSES, REPLACED = (0.15, 0.30), (0.42, 0.54), 0.60, (0.68, 0.76), 0.84
"""When what happens, as parts of the hour."""


class Receiver:
    """Takes the events of the shop, but for a while."""

    def __init__(self) -> None:
        self.is_away = False
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["content-length"]))
                self.send_response(503 if receiver.is_away else 204)
                self.end_headers()

            def log_message(self, format: str, *_: object) -> None:
                """Nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/events"

    @contextlib.contextmanager
    def listening(self) -> Iterator[Receiver]:
        thread = threading.Thread(target=self._server.serve_forever)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            thread.join()
            self._server.server_close()


@dataclass(frozen=True, slots=True)
class BusyShop:
    """A shop before its hour begins: a database with products and customers, and no server yet.

    Args:
        environment: of its servers.
        receiver: of its events.
        products: the ids of those that are not in the flash sale.
        bargain: the id of the one that is.
        usernames: of the customers.
        ports: of the servers.
    """

    environment: Mapping[str, str]
    receiver: Receiver
    products: tuple[str, ...]
    bargain: str
    usernames: tuple[str, ...]
    ports: tuple[int, int] = field(default_factory=lambda: (free_port(), free_port()))

    @property
    def targets(self) -> list[str]:
        """Of Prometheus."""
        return [f"127.0.0.1:{port}" for port in self.ports]

    def serving(self, port: int) -> contextlib.AbstractContextManager[object]:
        """One of the servers."""
        return running([SHOP, "serve", "--port", str(port)], f"http://127.0.0.1:{port}", self.environment)


@contextlib.contextmanager
def busy_shop() -> Iterator[BusyShop]:
    """A shop on a temporary PostgreSQL."""
    with temporary_server() as server, Receiver().listening() as receiver:
        url = migrated_database(server, "shop_busy_hour")
        webhook = {"SHOP_EVENTS": "webhook", "SHOP_WEBHOOK_URL": receiver.url, "SHOP_WEBHOOK_SECRET": WEBHOOK_SECRET}
        own = {"SHOP_DATABASE_URL": url, "SHOP_SECRET_KEY": SECRET, "SHOP_METRICS": "public"}
        environment = shop_with_admin("boss", PASSWORD, **own, **webhook)
        engine = make_engine(url, connections=1)
        stocked = Shop(PostgresAdapters(engine, SECRET.encode()))
        products = [_product(stocked, number, 2_000) for number in range(40)]
        bargain = _product(stocked, 40, BARGAINS)
        usernames = tuple(f"customer{number}" for number in range(HUNTERS))
        for username in usernames:
            stocked.accounts.register(Registration(username, PASSWORD))
        engine.dispose()
        yield BusyShop(environment, receiver, tuple(products), bargain, usernames)


def _product(stocked: Shop, number: int, units: int) -> str:
    details = ProductDetails(f"LAMP-{number}", f"Lamp number {number}", Money(1_000 + 10 * number, "EUR"))
    product_id = stocked.catalog.create_product(SYSTEM, details).product.id
    stocked.inventory.receive(SYSTEM, product_id, units)
    return str(product_id)


class Hour:
    """The hour, in so many seconds.

    Args:
        shop: where it is played. Its servers run, in `servers`, so that one can be replaced.
    """

    def __init__(self, shop: BusyShop, seconds: float, servers: contextlib.ExitStack) -> None:
        self._shop, self._seconds, self._servers = shop, seconds, servers
        self._began = 0.0

    async def play(self) -> None:
        """Everybody at once, until it is over."""
        self._began = time.monotonic()
        async with asyncio.TaskGroup() as everybody:
            for number in range(VISITORS):
                everybody.create_task(self._visitor(number))
            for number in range(CUSTOMERS):
                everybody.create_task(self._customer(number))
            for number in range(HUNTERS):
                everybody.create_task(self._hunter(number))
            for task in (self._receiver(), self._slow_clients(), self._guesser(), self._replacement()):
                everybody.create_task(task)

    # ---- time

    @property
    def _part(self) -> float:
        """Of the hour that is over."""
        return (time.monotonic() - self._began) / self._seconds

    async def _until(self, part: float) -> None:
        await asyncio.sleep(max(0.0, (part - self._part) * self._seconds))

    async def _pause(self, rng: Random, seconds: float) -> None:
        """About so long, when the shop is busiest, in the middle; three times as long in the beginning and the end."""
        await asyncio.sleep(rng.uniform(0.2, 1.8) * seconds * (3 - 2 * math.sin(math.pi * min(1.0, self._part))))

    # ---- clients

    def _connections(self, number: int) -> tuple[Connection, Connection]:
        """To both servers; every other client prefers the other one."""
        one, other = (Connection(port) for port in self._shop.ports)
        return (one, other) if number % 2 else (other, one)

    async def _visitor(self, number: int) -> None:
        """Looks around, without a login; what they have seen already is not sent again."""
        rng, connections = Random(f"visitor {number}"), self._connections(number)
        tags: dict[str, str] = {}
        while self._part < 1:
            paths = ["/products?limit=20", f"/products/{rng.choice(self._shop.products)}", "/categories"]
            paths += [f"/products?keyword=lamp+{rng.randrange(40)}", f"/products/{self._shop.bargain[:-4]}0000"]
            path = API + rng.choices(paths, (4, 8, 1, 4, 0.3))[0]
            known = {"If-None-Match": tags[path]} if path in tags else {}
            for connection in connections:  # a load balancer would choose the other server, too
                with contextlib.suppress(Lost):
                    answer = await connection.ask("GET", path, headers=known)
                    if "etag" in answer.headers:
                        tags[path] = answer.headers["etag"]
                    break
            await self._pause(rng, 0.25)

    async def _customer(self, number: int) -> None:
        """Orders, reserves, cancels and asks again for what was answered, and logs in now and then."""
        customer = HttpCustomer(number, "hour", self._connections(number), self._shop.usernames[number])
        await self._until(0.1 * number / CUSTOMERS)
        verbs = (customer.place, customer.reserve, customer.confirm, customer.cancel, customer.again)
        while self._part < 1:
            if customer.rng.random() < 0.05 or not customer.token:
                await customer.log_in()
            await customer.rng.choices(verbs, (8, 4, 2, 2, 2))[0](self._shop.products)
            await self._pause(customer.rng, 0.4)

    async def _hunter(self, number: int) -> None:
        """Waits for the flash sale, and buys until there is nothing left; then tries a little longer."""
        customer = HttpCustomer(100 + number, "sale", self._connections(number), self._shop.usernames[number])
        await self._until(SALE[0] - 0.1 * (1 - number / HUNTERS))
        await customer.log_in()
        await self._until(SALE[0])
        while self._part < SALE[1]:
            await customer.buy_out(self._shop.bargain)
            await asyncio.sleep(customer.rng.uniform(0.2, 1))

    async def _slow_clients(self) -> None:
        """Connections on which no request arrives as a whole."""
        await self._until(SLOW)
        opened = [await asyncio.open_connection("127.0.0.1", self._shop.ports[0]) for _ in range(12)]
        for _, writer in opened:
            writer.write(b"GET /api/v1/products HTTP/1.1\r\nHost: ")
        for reader, writer in opened:
            await reader.read()  # until the server ends it
            writer.close()

    async def _guesser(self) -> None:
        """Tries passwords of one account."""
        await self._until(GUESSES[0])
        connection, tried = Connection(self._shop.ports[0]), 0
        while self._part < GUESSES[1]:
            guess = {"username": self._shop.usernames[-1], "password": f"password{(tried := tried + 1)}"}
            with contextlib.suppress(Lost):
                await connection.ask("POST", f"{API}/auth/token", guess)
            await asyncio.sleep(0.15)

    # ---- the rest of the world

    async def _receiver(self) -> None:
        """Of the events: it is away for a while."""
        for part in RECEIVER_AWAY:
            await self._until(part)
            self._shop.receiver.is_away = not self._shop.receiver.is_away

    async def _replacement(self) -> None:
        """One server ends, and another one takes its place."""
        await self._until(REPLACED)
        await asyncio.to_thread(self._servers.close)
        await asyncio.to_thread(self._servers.enter_context, self._shop.serving(self._shop.ports[1]))
