"""`python -m verification.races`: what happens at the same moment on PostgreSQL, over and over.

The one clock is the real one of the database: reservations live for their second, and the threads are sent off so that
they arrive when it is over. (That the disk is not waited for, see `verification.databases`, makes more of them meet.)
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from itertools import pairwise
from random import Random
from threading import Event as Signal
from threading import Thread
from uuid import UUID

from sqlalchemy import Engine

from shop_core.inventory.model import LineRequest
from shop_core.orders.model import PlacementRequest
from shop_core.reservations.model import ReservationRequest, ReservationState
from verification.all_mutants import MUTANTS
from verification.databases import database, deadlocks
from verification.history import Op
from verification.race_database import RaceDatabase
from verification.timed_jobs import TimedJobs

WORKERS = 8
_MS = 1_000_000
_LEAD_NS = 1_050 * _MS  # no reservation lives for less than a second
_PRODUCTS = 8


@dataclass
class Result:
    """What came of a kind of race.

    Args:
        counts: what to print.
        wrong: what must not be.
    """

    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    seconds: float = 0.0


def race_of_ends(engine: Engine, races: int, seed: int) -> Result:
    """Confirm, release, extend and expire one reservation at the same moment: it has one end."""
    random, stop = Random(seed), Signal()
    ground = RaceDatabase(engine, races, [races * 3] * _PRODUCTS)
    sweeper = Thread(target=ground.sweep_until, args=(stop,), daemon=True)
    sweeper.start()
    held, aim = list[Op](), _Aim()
    with TimedJobs(WORKERS) as timetable:
        last = 0
        while len(held) < races:
            wanted = []
            for client in range(len(held), min(len(held) + 20, races)):
                units = {product_id: random.randint(1, 3) for product_id in random.sample(ground.products, 2)}
                last = max(last + int(timetable.gap_s * 3e9), time.time_ns() + _LEAD_NS)
                wanted.append(ground.reserve(client, units, last))
            for op in ground.customers.reserve(*wanted):
                held.append(op)
                if op.outcome == "ok":
                    _send_off(ground, timetable, random, aim, op)
            timetable.catch_up(last)
    time.sleep(1.3)  # what was extended expires too
    stop.set()
    sweeper.join()
    return _ends(ground, held)


@dataclass
class _Aim:
    """How long before the end of a reservation to set off, so that neither the threads nor the sweep always win."""

    early_ns: int = 50 * _MS

    def learn(self, op: Op) -> None:
        """Who was told that it expired came too late."""
        step = _MS if op.code == "reservation_expired" else -_MS
        self.early_ns = min(max(self.early_ns + step, 0), 300 * _MS)


def _send_off(ground: RaceDatabase, timetable: TimedJobs, random: Random, aim: _Aim, held: Op) -> None:
    client, reservation_id = held.client, str(held.result_id)
    customers, moment = ground.customers, held.detail["expires_ns"] - aim.early_ns + random.randint(-3 * _MS, 3 * _MS)
    jobs: list[Callable[[], object]] = [
        lambda: aim.learn(ground.place(client, reservation_id=reservation_id)),
        partial(customers.release, client, reservation_id),
        partial(customers.extend, client, reservation_id, timedelta(seconds=1)),
    ]
    random.shuffle(jobs)
    for job in jobs:
        timetable.at(moment + random.randint(0, _MS), job)


def _ends(ground: RaceDatabase, held: list[Op]) -> Result:
    result, by_reservation = Result(wrong=ground.faults()), dict[str, list[Op]]()
    for op in ground.customers.log:
        if op.op != "reserve":
            by_reservation.setdefault(op.detail["reservation_id"], []).append(op)
    told = Counter(str(op.detail["reservation_id"]) for op in ground.expired())
    states: dict[str, ReservationState] = {}
    with ground.adapters.begin() as uow:
        for reservation in uow.reservations.get_all(UUID(op.result_id) for op in held if op.result_id).values():
            states[str(reservation.id)] = reservation.state
    for reservation_id, ops in by_reservation.items():
        won = {op.op for op in ops if op.outcome == "ok"}
        ends = [name for name in ("confirm", "release") if name in won] + ["expire"] * told[reservation_id]
        said = {"confirm": "confirmed", "release": "released", "expire": "expired"}
        if len(ends) != 1 or states[reservation_id] != said[ends[0]]:
            result.wrong.append(f"ends: {reservation_id} has {ends}, and is {states[reservation_id]}")
        result.counts["races"] += 1
        result.counts.update(f"won by {end}" for end in ends)
        result.counts["extended first"] += "extend" in won
        by_start = sorted(ops, key=lambda op: op.start_ns)
        result.counts["met"] += any(b.start_ns < a.end_ns for a, b in pairwise(by_start))
    return result


def race_for_the_last(engine: Engine, rounds: int, seed: int) -> Result:
    """Ten times as many buyers as units, in every other round while reservations of the units expire.

    Nobody sweeps meanwhile: who needs units that are due has to take them himself.
    """
    random = Random(seed)
    ground = RaceDatabase(engine, 64, [])
    units: dict[str, int] = {}
    with TimedJobs(WORKERS, late_ms_max=250) as timetable:  # all of a round come at once
        last = 0
        for number in range(rounds):
            count = random.randint(1, 4)
            product_id = ground.add_product(count)
            units[str(product_id)] = count
            last = max(last + int(timetable.gap_s * 10e9 * count), time.time_ns() + _LEAD_NS)
            spread = 0
            if number % 2:
                spread = 20 * _MS
                held = random.randint(1, count)
                asked = [ground.reserve(60 + unit, {product_id: 1}, last) for unit in range(held)]
                ground.customers.reserve(*asked)
            for buyer in range(10 * count):
                late = random.randint(-spread, spread) if buyer < 8 * count else 2 * spread
                line = (LineRequest(product_id, 1),)
                timetable.at(last + late, partial(ground.place, random.randrange(60), line))
            timetable.catch_up(last)
    while ground.sweep():
        pass
    return _sold(ground, units)


def _sold(ground: RaceDatabase, units: dict[str, int]) -> Result:
    result = Result(wrong=ground.faults())
    sold: Counter[str] = Counter()
    for op in ground.customers.log:
        result.counts[f"{op.op} {op.outcome}"] += 1
        if op.op == "place" and op.outcome == "ok":
            sold.update(op.wanted)
    result.counts["rounds"] = len(units)
    result.wrong += [
        f"sold: {sold[product_id]} of {count} units" for product_id, count in units.items() if sold[product_id] != count
    ]
    return result


def race_of_baskets(engine: Engine, baskets: int, seed: int) -> Result:
    """Baskets of 1 to 50 lines over 20 products, with edits, cancels and reservations: nobody waits in a circle."""
    stop, before = Signal(), deadlocks(engine)
    ground = RaceDatabase(engine, 600, [60_000] * 20)
    sweeper = Thread(target=ground.sweep_until, args=(stop,), daemon=True)
    sweeper.start()
    with TimedJobs(WORKERS) as timetable:
        for number in range(baskets):
            timetable.at(0, partial(_basket, ground, Random(f"{seed}/{number}")))
    stop.set()
    sweeper.join()
    result = Result(wrong=ground.faults())
    result.counts.update(f"{op.op} {op.outcome}" for op in ground.customers.log)
    result.counts["deadlocks"] = max(deadlocks(engine) - before, ground.customers.trouble.deadlocks)
    if result.counts["deadlocks"]:
        result.wrong.append(f"deadlocks: {result.counts['deadlocks']}")
    return result


def _basket(ground: RaceDatabase, random: Random) -> None:
    """A customer with a large basket, and what he does with it; a few of them on one batch."""
    customers, client = ground.customers, random.randrange(len(ground.customers.actors))

    def lines() -> tuple[LineRequest, ...]:
        chosen = random.choices(ground.products, k=random.randint(1, 50))
        return tuple(LineRequest(product_id, random.randint(1, 2)) for product_id in chosen)

    if random.random() < 0.5:
        asked = [(other, PlacementRequest(customers.actors[other].account_id, lines())) for other in (client, 0, 1)]
        orders = customers.place(*asked[: random.randint(1, 3)])
        for order in orders:
            if order.outcome == "ok":
                customers.edit(order.client, str(order.result_id), lines())
                if random.random() < 0.7:
                    customers.cancel(order.client, str(order.result_id))
        return
    request = ReservationRequest(customers.actors[client].account_id, lines(), timedelta(seconds=1))
    held = customers.reserve((client, request))[0]
    if held.outcome == "ok" and random.random() < 0.4:
        customers.release(client, str(held.result_id))
    elif held.outcome == "ok" and random.random() < 0.6:
        ground.place(client, reservation_id=str(held.result_id))


RACES: dict[str, Callable[[Engine, int, int], Result]] = {
    "ends": race_of_ends,
    "last": race_for_the_last,
    "baskets": race_of_baskets,
}


def run(name: str, engine: Engine, times: int, seed: int) -> Result:
    """One kind of race, timed."""
    started = time.monotonic()
    result = RACES[name](engine, times, seed)
    result.seconds = time.monotonic() - started
    return result


def main() -> int:
    """All races; exit 1 if anything was wrong."""
    parser = argparse.ArgumentParser(prog="python -m verification.races", description=__doc__)
    parser.add_argument("--ends", type=int, default=10_000, help="reservations that are ended in every way at once")
    parser.add_argument("--last", "--rounds", type=int, default=1_000, help="rounds of 10 N buyers for N units")
    parser.add_argument("--baskets", type=int, default=10_000, help="large baskets")
    parser.add_argument("--seed", type=int, default=time.time_ns() % 10**6)
    parser.add_argument("--bug", choices=sorted(MUTANTS), help="plant this one: then something must be wrong")
    chosen, wrong = parser.parse_args(), 0
    for name in RACES:
        planted = MUTANTS[chosen.bug].planted() if chosen.bug else nullcontext()
        if times := getattr(chosen, name):
            with database(f"shop_{name}", WORKERS + 4) as engine, planted:
                result = run(name, engine, times, chosen.seed)
            counts = ", ".join(f"{count} {what}" for what, count in sorted(result.counts.items()))
            print(
                f"{name}: seed {chosen.seed}, {result.seconds:.0f} s: {counts}; wrong: {len(result.wrong)}", flush=True
            )
            for line in result.wrong[:10]:
                print(f"    {line[:200]}")
            wrong += len(result.wrong)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
