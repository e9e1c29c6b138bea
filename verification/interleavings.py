"""Use cases in every order of their calls, on the shop in memory; and the same with faults planted, to be found.

    python -m verification.interleavings --schedules 2000 --samples 500 --seed 7

Prints, for each play, how many schedules were run and whether there are others; then, for each fault, after how many
schedules it was found. Exits with 1 if a play fails or a fault is missed. A failure comes with its schedule, and

    python -m verification.interleavings --play two_buyers_of_the_last_unit --replay AABBA

does it again.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Collection, Hashable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import cycle
from threading import Condition
from typing import Any, cast
from uuid import UUID

from shop_adapters.memory import MemoryAdapters
from shop_adapters.memory.locks import Owner, RowLocks
from shop_core.inventory.model import StockLevel
from shop_core.ports import Begin, Clock, NewId, UnitOfWork
from verification.exploration import Report, explore, play
from verification.interleaving_mutants import FAULTS, Altered
from verification.race_fixtures import OpenAdapters, Spoil
from verification.race_scenarios import PLAYS, case_of


def in_memory(mutex: Condition, clock: Clock, new_id: NewId) -> MemoryAdapters:
    """The shop in memory, for one schedule."""
    return MemoryAdapters(clock=clock, new_id=new_id, mutex=mutex)


# ---- faults inside the shop in memory; those of `verification.interleaving_mutants` are around it


class LeakyLocks(RowLocks):
    """Locks that nobody has to wait for, in one table; the adapter believes that it has them."""

    def __init__(self, mutex: Condition, table: str) -> None:
        super().__init__(mutex, timeout_s=10)
        self._leak = table

    def try_claim(self, owner: Owner, held: dict[str, set[Hashable]], table: str, key: Hashable) -> bool:
        return table == self._leak or super().try_claim(owner, held, table, key)

    def release(self, held: dict[str, set[Hashable]]) -> None:
        for key in held.pop(self._leak, ()):
            self._holders[self._leak].pop(key, None)
        super().release(held)

    def _is_free(self, owner: Owner, held: dict[str, set[Hashable]], table: str, keys: Collection[Hashable]) -> bool:
        return table == self._leak or super()._is_free(owner, held, table, keys)


def leaky(table: str) -> OpenAdapters:
    """The shop in memory, in which the rows of one table are not locked."""

    def opened(mutex: Condition, clock: Clock, new_id: NewId) -> MemoryAdapters:
        adapters = in_memory(mutex, clock, new_id)
        adapters._store.locks = LeakyLocks(mutex, table)
        return adapters

    return opened


class AnyOrder:
    """Lets rows be locked in whatever order."""

    def check(self, table: str, ids: Iterable[UUID]) -> list[UUID]:
        return list(ids)


class Careless(MemoryAdapters):
    """The shop in memory, in which rows may be locked in any order."""

    @contextmanager
    def begin(self) -> Iterator[UnitOfWork]:
        with super().begin() as uow:
            cast("Any", uow)._transaction.lock_order = AnyOrder()
            yield uow


def careless(mutex: Condition, clock: Clock, new_id: NewId) -> MemoryAdapters:
    """That, for one schedule."""
    return Careless(clock=clock, new_id=new_id, mutex=mutex)


def unsorted_locks(begin: Begin) -> Begin:
    """Each unit of work locks its stock row by row, every other one from the other end."""
    directions = cycle((False, True))

    @contextmanager
    def begun() -> Iterator[UnitOfWork]:
        with begin() as uow:
            is_backward = next(directions)

            def lock(ids: Iterable[UUID]) -> dict[UUID, StockLevel]:
                levels: dict[UUID, StockLevel] = {}
                for id_ in sorted(ids, reverse=is_backward):
                    levels |= uow.stock.lock([id_])
                return levels

            yield cast("UnitOfWork", Altered(uow, stock=Altered(uow.stock, lock=lock)))

    return begun


@dataclass(frozen=True)
class Planted:
    """A fault, where it shows, and on which adapters."""

    name: str
    play: str
    open_adapters: OpenAdapters = in_memory
    spoil: Spoil | None = None


PLANTED = [
    *(Planted(name, fault.play, spoil=fault.spoil) for name, fault in FAULTS.items()),
    *(
        Planted(f"the rows of {table} have no lock at all", name, leaky(table))
        for table, name in [
            ("stock", "two_buyers_of_the_last_unit"),
            ("stock", "three_buyers_of_two_units"),
            ("stock", "baskets_that_share_their_last_product"),
            ("stock", "reserving_and_buying_the_last_unit"),
            ("stock", "buying_what_was_held_too_long"),
            ("reservations", "buying_parts_of_what_was_held_too_long"),
            ("stock", "confirming_releasing_and_expiring"),
            ("stock", "extending_and_expiring"),
            ("orders", "an_edit_and_a_cancellation"),
            ("orders", "two_edits_of_one_version"),
            ("keys", "one_order_sent_twice"),
            ("keys", "one_reservation_sent_twice"),
            ("holders", "reserving_more_than_one_may"),
        ]
    ),
    Planted(
        "two sweeps at once believe what they saw before",
        "two_sweeps",
        leaky("tasks"),
        FAULTS["the sweep believes what it saw before"].spoil,
    ),
    Planted("stock is locked in no order", "baskets_in_opposite_directions", careless, unsorted_locks),
]
"""Everything that must be found."""


def search(planted: Planted, schedules_max: int, samples: int, seed: int) -> Report:
    """Look for a fault."""
    case = case_of(planted.play, planted.open_adapters, planted.spoil)
    return explore(case, schedules_max=schedules_max, samples=samples, seed=seed)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run it from the command line. Returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m verification.interleavings", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--schedules", type=int, default=2_000, help="per play, at most (%(default)s)")
    parser.add_argument("--samples", type=int, default=500, help="by chance, where there are more (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of the samples (%(default)s)")
    parser.add_argument("--play", choices=sorted(PLAYS), help="only this one")
    parser.add_argument("--replay", metavar="WORD", help="only this schedule of the play")
    chosen = parser.parse_args(arguments)
    if chosen.replay is not None:
        if chosen.play is None:
            parser.error("--replay needs --play")
        schedule, failure = play(case_of(chosen.play, in_memory), chosen.replay)
        print(failure or schedule)
        return int(failure is not None)
    began = time.perf_counter()
    names = [chosen.play] if chosen.play else list(PLAYS)
    plays_ok = _run_plays(names, chosen.schedules, chosen.samples, chosen.seed)
    faults_ok = _run_faults([each for each in PLANTED if each.play in names], chosen.schedules, chosen.seed)
    print(f"seed {chosen.seed}, {time.perf_counter() - began:.0f} s")
    return 0 if plays_ok and faults_ok else 1


def _run_plays(names: Sequence[str], schedules_max: int, samples: int, seed: int) -> bool:
    total, failed = 0, 0
    for name in names:
        report = explore(case_of(name, in_memory), schedules_max=schedules_max, samples=samples, seed=seed)
        total += report.runs
        failed += report.failure is not None
        extent = "all" if report.is_complete else f"up to {report.preemptions} preemptions, {report.samples} samples"
        print(f"{name:40} {report.schedules:6} schedules, {extent:33} {report.failure or 'ok'}", flush=True)
    print(f"{len(names)} plays, {total} schedules, {failed} failed\n")
    return failed == 0


def _run_faults(faults: Sequence[Planted], schedules_max: int, seed: int) -> bool:
    found = 0
    for planted in faults:
        report = search(planted, schedules_max, schedules_max, seed)
        found += report.failure is not None
        says = f"found by schedule {report.runs}" if report.failure else f"MISSED in {report.runs} schedules"
        print(f"{planted.name:48} {planted.play:40} {says}", flush=True)
    print(f"{len(faults)} faults planted, {found} found")
    return found == len(faults)


if __name__ == "__main__":
    sys.exit(main())
