"""The races of `shop_testing.races`, again and again, in threads on PostgreSQL: `python -m verification.races`.

Every other round the use cases that no lock keeps apart are made to meet, as in the contract; else they meet by chance.
Then large baskets in every order, among which PostgreSQL must see no deadlock.
"""

from __future__ import annotations

import argparse
import sys
import time
from contextlib import nullcontext
from functools import partial
from random import Random

from sqlalchemy import Engine

from shop_core.errors import Refusal
from shop_core.shop import Shop
from shop_testing.concurrency import together
from shop_testing.contract import Contract
from shop_testing.determinism import MovableClock
from shop_testing.fixtures import Fixtures, request
from shop_testing.races import CROWDS, RACES, RaceFixtures
from verification.databases import PATIENT, adapters_on, database, deadlocks, empty
from verification.mutants import MUTANTS

BUYERS = 16
BASKET_PRODUCTS = 60


def run(engine: Engine, name: str, rounds: int) -> list[str]:
    """One race, so many times: what was wrong the first time that anything was."""
    for number in range(rounds):
        empty(engine)
        clock = MovableClock()
        adapters = adapters_on(engine, clock)
        make_shop = Contract.contended_shop if number % 2 == 0 else Shop
        fixtures = RaceFixtures(adapters, clock, partial(make_shop, adapters))
        race = (RACES | CROWDS)[name](fixtures)
        try:
            race.check(dict(zip(race.jobs, together(*race.jobs.values()), strict=True)))
        except Exception as wrong:
            return [f"{name}, round {number + 1}: {type(wrong).__name__}: {wrong}"]
    return []


def large_baskets(engine: Engine, count: int, seed: int) -> list[str]:
    """Orders of many products each, in any order, at the same moment: none waits for another one in a ring.

    All want the same rows, so they stand in a queue. They wait for as long as that takes: only a ring is wrong.
    """
    empty(engine)
    adapters, before = adapters_on(engine).with_timeouts(PATIENT), deadlocks(engine)
    fixtures, shop = Fixtures(adapters), Shop(adapters)
    products = [fixtures.product(f"Product {number}", units=1_000_000) for number in range(BASKET_PRODUCTS)]

    def buy(buyer: int) -> None:
        random = Random(f"{seed}/{buyer}")
        for _ in range(-(-count // BUYERS)):
            basket = random.sample(products, random.randint(20, BASKET_PRODUCTS))
            shop.orders.place(request(fixtures.customer(), *((product, 1) for product in basket)))

    outcomes = together(*[partial(buy, buyer) for buyer in range(BUYERS)], timeout_s=3_600)
    found = [f"large baskets: {outcome}" for outcome in outcomes if isinstance(outcome, Refusal)]
    found += [f"large baskets: {seen} deadlocks"] if (seen := deadlocks(engine) - before) else []
    return found + [f"large baskets: {difference}" for difference in shop.audit()]


def main() -> int:
    """All races; exit 1 if anything was wrong."""
    parser = argparse.ArgumentParser(prog="python -m verification.races", description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=25, help="of each race (%(default)s)")
    parser.add_argument("--baskets", type=int, default=5_000, help="large baskets (%(default)s)")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 10**6, help="of the baskets")
    parser.add_argument("--mutant", choices=sorted(MUTANTS), help="with this mutant: then something must be wrong")
    chosen, wrong, began = parser.parse_args(), list[str](), time.monotonic()
    mutant = MUTANTS[chosen.mutant].applied() if chosen.mutant else nullcontext()
    with database("shop_races", BUYERS + 8) as engine, mutant:
        for name in [*RACES, *CROWDS]:
            found = run(engine, name, chosen.rounds)
            print(f"{name:50} {chosen.rounds} rounds: {found or 'ok'}", flush=True)
            wrong += found
        found = large_baskets(engine, chosen.baskets, chosen.seed)
        print(f"{chosen.baskets} large baskets: {found or 'ok'}")
    print(f"seed {chosen.seed}, {time.monotonic() - began:.0f} s, wrong: {len(wrong + found)}")
    return 1 if wrong or found else 0


if __name__ == "__main__":
    sys.exit(main())
