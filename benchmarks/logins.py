"""Logging in: how much beside the hash it takes, and what others feel of a flood of it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from benchmarks import seed_data
from benchmarks.environment import Environment
from benchmarks.measurement import Findings, Measure, Row, at_least, at_most, in_turn, middle, ratios
from benchmarks.real_year.client import API, packed
from benchmarks.wrk import load, load_beside
from shop_adapters.passwords import Argon2Passwords
from shop_adapters.postgres import PostgresAdapters
from shop_core import Registration
from shop_core import Shop as Core
from shop_http.server.worker_pools import HASHING_NICE

USERS = 8
PASSWORD = "a long walk through the benchmark"
CONNECTIONS, FLOOD_CONNECTIONS, OTHER_CONNECTIONS = 4, 32, 2


def logins(environment: Environment, findings: Findings) -> None:
    """Logins a second against hashes a second, and another route beside a flood."""
    shop, seconds = environment.shop, environment.size.seconds
    core = Core(PostgresAdapters(shop.engine, environment.secret.encode()))
    names = [f"bench.{time.time_ns() % 10**9}.{number}" for number in range(USERS)]
    for name in names:
        core.accounts.register(Registration(name, PASSWORD))
    bodies = environment.file("logins", [packed(username=name, password=PASSWORD).decode() for name in names])
    product = environment.file(
        "product", [f"{API}/products/{seed_data.product_id(number)}\t" for number in range(1, 500)]
    )
    faults: list[str] = []

    def log_in() -> float:
        done = load(shop.url, "login", bodies, connections=CONNECTIONS, seconds=seconds)
        faults.extend(done.faults(200))
        return done.rate()

    def others() -> float:
        done = load(shop.url, "get", product, connections=OTHER_CONNECTIONS, seconds=seconds, pace_ms=5)
        faults.extend(done.faults(200))
        return done.p99_ms

    def others_beside_loops() -> float:
        with loops_beside():
            return others()

    def others_in_a_flood() -> float:
        with load_beside(shop.url, "login", bodies, connections=FLOOD_CONNECTIONS, seconds=seconds + 2):
            time.sleep(0.3)
            p99_ms = others()
        shop.settle(f"{API}/auth/token", body=packed(username=names[0], password=PASSWORD))
        return p99_ms

    sides: dict[str, Measure] = {
        "logins": log_in,
        "hashes": partial(_hashes, seconds),
        "calm": others,
        "loops": others_beside_loops,
        "flood": others_in_a_flood,
    }
    figures = in_turn(sides, environment.size.rounds)
    found, checked = tuple(dict.fromkeys(faults)), "every answer was 200"
    hashes = f"{middle(figures['hashes'])}/s: one argon2 hash after the other"
    beside_hashes = ratios(figures["logins"], figures["hashes"])
    flood = f"within {middle(figures['flood'])} ms"
    calm = f"within {middle(figures['calm'])} ms: the same without the flood"
    loops = f"within {middle(figures['loops'])} ms: the same beside loops of low priority that do nothing"
    beside_calm, beside_loops = (ratios(figures["flood"], figures[side]) for side in ("calm", "loops"))
    what = "a product by id in a flood of logins: 99 of 100 answers"
    findings.rows += [
        Row("log in", f"{middle(figures['logins'])}/s", hashes, beside_hashes, "×", at_least(0.95), checked, found),
        Row(what, flood, calm, beside_calm, "× its time", at_most(2), checked, found),
        Row(what, flood, loops, beside_loops, "× its time"),
    ]


@contextmanager
def loops_beside() -> Iterator[None]:
    """Each core is busy meanwhile, with as low a priority as the hashes have: what no server can spare its clients."""
    command = [sys.executable, "-c", f"import os\nos.nice({HASHING_NICE})\nwhile True: pass"]
    loops = [subprocess.Popen(command) for _ in range(os.cpu_count() or 1)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def _hashes(seconds: float) -> float:
    """Passwords checked a second, one after the other."""
    passwords = Argon2Passwords()
    kept = passwords.hash(PASSWORD)
    done, begun = 0, time.perf_counter()
    while time.perf_counter() < begun + seconds:
        passwords.verify(kept, PASSWORD)
        done += 1
    return done / (time.perf_counter() - begun)
