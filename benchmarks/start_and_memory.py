"""What a shop takes before it does anything: time to start, and memory; and the core without any of it."""

from __future__ import annotations

import gc
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from threading import Event, Thread
from uuid import UUID, uuid4

from verification.shop_process import free_port, running

from benchmarks import seed_data
from benchmarks.environment import Environment
from benchmarks.measurement import CannotMeasure, Findings, Row, Spread, at_least, at_most, in_turn, middle
from benchmarks.placement import CONNECTIONS, LINES
from benchmarks.reads import PAGE_SIZE, get
from benchmarks.real_year.shop_command import shop_command
from benchmarks.wrk import load
from shop_adapters.memory import MemoryAdapters
from shop_core import SYSTEM, LineRequest, Money, PlacementRequest, ProductDetails
from shop_core import Shop as Core

BATCH = 64
"""As many orders as the order batcher takes."""
_CORE_PRODUCTS = 10_000
COLLECTOR_THRESHOLDS = (50_000, 50, 50)


def start(environment: Environment, findings: Findings) -> None:
    """`shop serve` on a data directory that exists, its PostgreSQL included."""
    data_dir = environment.folder / "start"
    variables = {name: value for name, value in os.environ.items() if not name.startswith("SHOP_")}
    subprocess.run(shop_command("migrate", data_dir=str(data_dir)), env=variables, check=True, capture_output=True)

    def serve() -> float:
        port = free_port()
        command = shop_command("serve", "--port", str(port), data_dir=str(data_dir))
        begun = time.perf_counter()
        with running(command, f"http://127.0.0.1:{port}", variables):
            return time.perf_counter() - begun

    def framework() -> float:
        begun = time.perf_counter()
        subprocess.run([sys.executable, "-c", "import litestar"], check=True)
        return time.perf_counter() - begun

    figures = in_turn({"serve": serve, "import": framework}, environment.size.rounds)
    ours, imported = f"{middle(figures['serve'])} s", f"{middle(figures['import'])} s: `import litestar`"
    what, measured = "start of `shop serve`, until it is ready", Spread.of(figures["serve"])
    findings.rows.append(Row(what, ours, imported, measured, "s", at_most(2), "/health/ready answered 200"))


def memory(environment: Environment, findings: Findings) -> None:
    """A worker of a shop that has just started, and the same under load."""
    if not Path("/proc/self/smaps_rollup").exists():
        raise CannotMeasure("memory of a worker is only read on Linux, from /proc.")
    shop, seconds = environment.shop, environment.size.seconds
    products = environment.file("all", [f"/api/v1/products?limit={PAGE_SIZE}&offset={n * 37}\t" for n in range(1_000)])
    tokens = shop.shoppers()
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = shop_command("serve", "--port", str(port), data_dir=None)
    with running(command, url, environment.variables(shop.database)) as server:
        time.sleep(1)
        idle = _worker_bytes(server.pid)
        with _Highest(server.pid) as highest:
            for _ in range(2):
                load(url, "place", tokens, LINES, shop.sold, 0, connections=CONNECTIONS, seconds=seconds)
                load(url, "get", products, connections=CONNECTIONS, seconds=seconds)
    ours, before = f"{highest.bytes / 2**20:.0f} MiB", f"{idle / 2**20:.0f} MiB: idle, just started"
    measured = Spread.of([highest.bytes / idle])
    findings.rows.append(Row("memory of a worker under load", ours, before, measured, "×", at_most(1.5)))
    findings.rows.append(_texts(environment))


def _texts(environment: Environment) -> Row:
    """What a worker takes more after all pages of the catalog were read, and after products one by one, than before.

    The figure is that of the whole process: what reading takes beside the texts is in it.
    """
    shop, products = environment.shop, environment.size.products
    pages = [f"/api/v1/products?limit={PAGE_SIZE}&page={n + 1}" for n in range(-(-products // PAGE_SIZE))]
    each = environment.file("each", [f"/api/v1/products/{seed_data.product_id(n + 1)}\t" for n in range(products)])
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = shop_command("serve", "--workers", "1", "--port", str(port), data_dir=None)
    with running(command, url, environment.variables(shop.database)) as server:
        load(url, "get", each, connections=1, seconds=1)  # its threads and connections are there
        before = _worker_bytes(server.pid)
        for path in pages:
            get(f"{url}{path}")
        by_pages = _worker_bytes(server.pid) - before
        load(url, "get", each, connections=CONNECTIONS, seconds=10 * environment.size.seconds)
        grown = Spread.of([(_worker_bytes(server.pid) - before) / 2**20])
    what = f"memory of the texts of {products:,} products"
    ours, then = f"{grown.median:.0f} MiB", f"{by_pages / 2**20:.0f} MiB: after each page once"
    return Row(what, ours, then, grown, "MiB", at_most(60), "every page was read, then products for 20 s")


class _Highest:
    """The most memory that a worker of a server takes meanwhile."""

    def __init__(self, server: int) -> None:
        self.bytes = 0
        self._server = server
        self._done = Event()
        self._thread = Thread(target=self._watch)

    def __enter__(self) -> _Highest:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(0.2):
            self.bytes = max(self.bytes, _worker_bytes(self._server))


def _worker_bytes(server: int) -> int:
    """Resident memory of the largest Python process below a server: a worker, or the fork server it came from."""
    sizes = [0]
    below = _children(server)
    for child in [*below, *(grandchild for one in below for grandchild in _children(one))]:
        try:
            lines = Path(f"/proc/{child}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue  # gone, or PostgreSQL under another account
        if "python" in Path(f"/proc/{child}/cmdline").read_text():
            sizes += [int(line.split()[1]) * 1024 for line in lines if line.startswith("Rss:")]
    return max(sizes)


def _children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def core(environment: Environment, findings: Findings) -> None:
    """The core in memory, on one core of the machine: no HTTP, no database."""
    shop = Core(MemoryAdapters())
    details = [ProductDetails(f"SKU-{n}", f"Lamp {n}", Money(250, "EUR")) for n in range(_CORE_PRODUCTS)]
    ids = [product.id for product in shop.catalog.import_products(SYSTEM, details).created]
    shop.inventory.count_all(SYSTEM, dict.fromkeys(ids, 1_000_000), "for the benchmark")
    sides = {
        "batches": partial(_place, shop, ids, environment, BATCH),
        "single": partial(_place, shop, ids, environment, 1),
    }
    with _calm_collector():
        figures = in_turn(sides, environment.size.rounds)
    for name, what in (("batches", f"batches of {BATCH}"), ("single", "one by one")):
        measured = Spread.of(figures[name])
        aim = at_least(20_000) if name == "batches" else None
        title = f"the core alone, in memory: place, {what}"
        settings = f"gc.freeze() once the catalog is loaded, and gc.set_threshold{COLLECTOR_THRESHOLDS}"
        findings.rows.append(Row(title, f"{middle(figures[name])}/s", "-", measured, "orders/s a core", aim, settings))


@contextmanager
def _calm_collector() -> Iterator[None]:
    """The garbage collector as a process should set it that holds a whole shop in memory: see `MemoryAdapters`."""
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()  # so that the catalog is not traversed again and again
    gc.set_threshold(*COLLECTOR_THRESHOLDS)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def _place(shop: Core, ids: list[UUID], environment: Environment, batch: int) -> float:
    """Orders a second of processor time."""
    customers = [uuid4() for _ in range(100)]
    placed, took, until = 0, 0.0, time.perf_counter() + environment.size.seconds
    while time.perf_counter() < until:
        requests = [
            PlacementRequest(random.choice(customers), tuple(LineRequest(id_, 1) for id_ in random.sample(ids, LINES)))
            for _ in range(batch)
        ]
        begun = time.process_time()
        outcomes = shop.orders.place_all(requests)
        took += time.process_time() - begun
        placed += len(outcomes)
    return placed / took
