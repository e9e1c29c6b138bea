"""Where it is measured: a database of our own on the PostgreSQL in use, a shop on it, and an empty server beside it."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from uuid import UUID

import psycopg
from sqlalchemy import URL, Engine, make_url, text
from verification import databases
from verification.shop_process import UNLIMITED, free_port, running

from benchmarks import seed_data
from benchmarks.measurement import CannotMeasure
from benchmarks.pgbench import Pgbench
from benchmarks.real_year.client import PATIENCE_S
from benchmarks.real_year.shop_command import shop_command
from shop_adapters.embedded import EmbeddedPostgres
from shop_adapters.postgres import make_engine
from shop_adapters.postgres.migrate import migrate
from shop_adapters.tokens import JwtTokens
from shop_core import Actor, Role

SHOPPERS = 100
"""Customers who place orders; numbers from 1, those of pgbench too."""
FAITHFUL, OCCASIONAL = 1_001, 1_002
"""The numbers of the customer with many orders, and of the one with ten."""
OCCASIONAL_ORDERS = 10
SALES = 5
"""Products that are kept for flash sales: the last ones."""
_UNSOLD = 50
"""The last products, which only flash sales touch."""
_TOKEN_LIFE = timedelta(hours=12)
RELAY_S_MAX = 15
_WAITING = "SELECT count(*) FROM outbox WHERE due_at < now() AND NOT is_dead"
_COMMIT_ALWAYS = """
import sys, time, psycopg
connection = psycopg.connect(sys.argv[1], autocommit=True)
connection.execute("SET synchronous_commit = off")
while True:
    connection.execute("SELECT pg_current_xact_id()", prepare=True)
    time.sleep(0.002)
"""


@dataclass(frozen=True, slots=True)
class Size:
    """How much of everything, and for how long.

    Args:
        products: in the catalog.
        faithful_orders: of the customer with many.
        rounds: how often each side is measured.
        seconds: how long each time; whole ones.
        buyers: in a flash sale.
        clients: of pgbench that are tried, to find with how many it is fastest.
        invoices: of the year that is replayed; 0: all.
        growth: numbers of things at which the costs are compared.
        lines: numbers of lines.
    """

    products: int = 100_000
    faithful_orders: int = 10_000
    rounds: int = 4
    seconds: float = 2
    buyers: int = 10_000
    clients: tuple[int, ...] = (2, 4, 8, 16, 32)
    invoices: int = 2_000
    growth: tuple[int, ...] = (1_000, 10_000, 100_000)
    lines: tuple[int, ...] = (1, 3, 10, 30, 100, 300, 1_000)
    year: Path | None = None

    @property
    def sale_units(self) -> int:
        """In stock for a flash sale."""
        return self.buyers // 10


@dataclass(slots=True)
class Environment:
    """What the workloads stand on.

    Args:
        server: the URL of a database of the server, to make others from.
        pgbench_command: beside that server's other programs, or from PATH.
        size: how much of everything.
        folder: for files that are gone in the end.
    """

    server: URL
    pgbench_command: str
    size: Size
    folder: Path
    stack: ExitStack
    secret: str = field(default_factory=lambda: secrets.token_hex(32))
    _main: Shop | None = None
    _empty_urls: dict[str, str] = field(default_factory=dict)

    @property
    def shop(self) -> Shop:
        """The shop with all the products, filled and started when first asked for."""
        if self._main is None:
            database = self.stack.enter_context(self.new_database("shop_bench"))
            engine = make_engine(database.render_as_string(hide_password=False), connections=4, wait_s=30)
            self.stack.callback(engine.dispose)
            _fill(engine, self.size)
            url = self.stack.enter_context(self.served(database))
            self._main = Shop(database, engine, url, self)
        return self._main

    @property
    def is_filled(self) -> bool:
        """Whether anybody asked for the shop."""
        return self._main is not None

    def version(self) -> str:
        """Of the PostgreSQL."""
        engine = make_engine(self.server.render_as_string(hide_password=False), connections=1)
        with engine.connect() as connection:
            said = str(connection.execute(text("SHOW server_version")).scalar_one())
        engine.dispose()
        return f"PostgreSQL {said.partition(' ')[0]}"

    def empty_url(self, command: Callable[[int], list[str]]) -> str:
        """The address of the empty handler, in the server that this command starts on a port."""
        if command.__name__ not in self._empty_urls:
            variables = self.variables(self.shop.database)
            port = free_port()
            self.stack.enter_context(running(command(port), f"http://127.0.0.1:{port}", variables))
            self._empty_urls[command.__name__] = f"http://127.0.0.1:{port}/empty"
        return self._empty_urls[command.__name__]

    @contextmanager
    def new_database(self, name: str) -> Iterator[URL]:
        """An empty shop in a database of its own, dropped at the end of the block."""
        name = f"{name}_{secrets.token_hex(3)}"
        url = make_url(databases.new_database(self.server, name))
        try:
            engine = make_engine(url.render_as_string(hide_password=False), connections=1)
            migrate(engine, "EUR")
            engine.dispose()
            yield url
        finally:
            databases.drop_database(self.server, name)

    @contextmanager
    def served(self, database: URL, *options: str) -> Iterator[str]:
        """The address of a `shop serve` on a database."""
        port = free_port()
        command = shop_command("serve", "--port", str(port), *options, data_dir=None)
        url = f"http://127.0.0.1:{port}"
        with running(command, url, self.variables(database)):
            yield url

    def variables(self, database: URL) -> dict[str, str]:
        """Of processes that use a database: ours, with the address and the secret."""
        root = str(Path(__file__).parents[1])
        path = os.pathsep.join(filter(None, [os.environ.get("PYTHONPATH"), root]))
        url = database.render_as_string(hide_password=False)
        ours = {"PYTHONPATH": path, "SHOP_DATABASE_URL": url, "SHOP_SECRET_KEY": self.secret}
        return os.environ | UNLIMITED | ours

    def token(self, customer: UUID) -> str:
        """An access token that lives for the whole benchmark."""
        return JwtTokens(self.secret.encode()).access(Actor(customer, Role.CUSTOMER), datetime.now(UTC), _TOKEN_LIFE)

    def file(self, name: str, lines: Sequence[str]) -> Path:
        """A file with these lines."""
        path = self.folder / name
        path.write_text("".join(f"{line}\n" for line in lines))
        return path


@dataclass(frozen=True, slots=True)
class Shop:
    """A shop that runs, and its database."""

    database: URL
    engine: Engine
    url: str
    environment: Environment

    @property
    def sold(self) -> int:
        """How many products are for everybody, by number from 1."""
        return self.environment.size.products - _UNSOLD

    @property
    def pgbench(self) -> Pgbench:
        """pgbench on the same database."""
        return Pgbench(self.environment.pgbench_command, self.database)

    def shoppers(self) -> Path:
        """A file with a token of each shopper."""
        return self.environment.file(
            "shoppers", [self.environment.token(seed_data.customer_id(n + 1)) for n in range(SHOPPERS)]
        )

    def number(self, query: str, **given: object) -> int:
        """The number that a query finds."""
        with self.engine.connect() as connection:
            return int(connection.execute(text(query), given).scalar_one())

    def wait_for_relay(self) -> None:
        """Until the messages of the orders are gone: the relay's work belongs to those who caused it."""
        until = time.monotonic() + RELAY_S_MAX
        waiting = self.number(_WAITING)
        while waiting and time.monotonic() < until:
            time.sleep(0.3)
            before, waiting = waiting, self.number(_WAITING)
            if waiting >= before:
                return  # nobody relays

    def settle(self, path: str, token: str = "", body: bytes | None = None) -> None:
        """Until the shop answers again: it still works on requests whose client has left, and refuses others."""
        until = time.monotonic() + PATIENCE_S
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        if body is not None:
            headers["Content-Type"] = "application/json"
        while time.monotonic() < until:
            asked = urllib.request.Request(f"{self.url}{path}", body, headers)
            try:
                with urllib.request.urlopen(asked, timeout=PATIENCE_S):
                    return
            except urllib.error.HTTPError as refusal:
                if refusal.code != HTTPStatus.SERVICE_UNAVAILABLE:
                    raise
                time.sleep(0.02)

    @contextmanager
    def commits_beside(self) -> Iterator[None]:
        """Others commit meanwhile, 500 times a second, so that no answer can be kept; without any wait for disk."""
        plain = self.database.set(drivername="postgresql").render_as_string(hide_password=False)
        with subprocess.Popen([sys.executable, "-c", _COMMIT_ALWAYS, plain], stderr=subprocess.DEVNULL) as beside:
            try:
                yield
            finally:
                beside.kill()


@contextmanager
def open_environment(size: Size) -> Iterator[Environment]:
    """The PostgreSQL that SHOP_DATABASE_URL names, or the embedded one.

    Raises:
        CannotMeasure: pgbench is missing, or the server does not keep what it acknowledged.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="shop-bench-")))
        if named := os.environ.get("SHOP_DATABASE_URL"):
            server = make_url(named).set(drivername="postgresql+psycopg")
            pgbench = shutil.which("pgbench")
            if pgbench is None:
                raise CannotMeasure("pgbench is not on PATH: `apt-get install postgresql-contrib`, or the like.")
        else:
            embedded = stack.enter_context(EmbeddedPostgres(folder / "data"))
            server, pgbench = make_url(embedded.url()), str(embedded.binaries / "pgbench")
        _check_durable(server)
        yield Environment(server, pgbench, size, folder, stack.enter_context(ExitStack()))


def _check_durable(server: URL) -> None:
    with psycopg.connect(server.set(drivername="postgresql").render_as_string(hide_password=False)) as connection:
        for name in ("fsync", "synchronous_commit", "full_page_writes"):
            row = connection.execute(f"SHOW {name}").fetchone()
            if row is None or row[0] != "on":
                raise CannotMeasure(f"{name} of PostgreSQL is off: what may lose orders is not worth a figure.")


def _fill(engine: Engine, size: Size) -> None:
    last = size.products - SALES
    seed_data.add_products(engine, 1, last)
    seed_data.add_products(engine, last + 1, size.products, size.sale_units)
    sold = size.products - _UNSOLD
    many = size.faithful_orders
    seed_data.add_orders(engine, 1, many, customer=FAITHFUL, customers=1, products=sold)
    seed_data.add_orders(engine, many + 1, many + OCCASIONAL_ORDERS, customer=OCCASIONAL, customers=1, products=sold)
    seed_data.settle(engine)
