"""Logging in: how much beside the hash it takes, and what others feel of a flood of it."""

from __future__ import annotations

import time
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
        "flood": others_in_a_flood,
    }
    figures = in_turn(sides, environment.size.rounds)
    found, checked = tuple(dict.fromkeys(faults)), "every answer was 200"
    hashes = f"{middle(figures['hashes'])}/s: one argon2 hash after the other"
    beside_hashes = ratios(figures["logins"], figures["hashes"])
    flood = f"within {middle(figures['flood'])} ms"
    calm = f"within {middle(figures['calm'])} ms: the same without the flood"
    beside_calm = ratios(figures["flood"], figures["calm"])
    what = "a product by id in a flood of logins: 99 of 100 answers"
    findings.rows += [
        Row("log in", f"{middle(figures['logins'])}/s", hashes, beside_hashes, "×", at_least(0.95), checked, found),
        Row(what, flood, calm, beside_calm, "× its time", at_most(2), checked, found),
    ]


def _hashes(seconds: float) -> float:
    """Passwords checked a second, one after the other."""
    passwords = Argon2Passwords()
    kept = passwords.hash(PASSWORD)
    done, begun = 0, time.perf_counter()
    while time.perf_counter() < begun + seconds:
        passwords.verify(kept, PASSWORD)
        done += 1
    return done / (time.perf_counter() - begun)
