"""Mistakes that somebody could make in the PostgreSQL adapter."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from random import Random
from threading import Thread, get_ident
from typing import Any
from uuid import UUID

from sqlalchemy import Executable, text

from shop_adapters.postgres import PostgresAdapters, inventory
from shop_adapters.postgres.arrays import Uuids, columns
from shop_adapters.postgres.database import Row, Transaction
from shop_adapters.postgres.events import PostgresEvents
from shop_adapters.postgres.inventory import PostgresStock
from shop_adapters.postgres.orders import PostgresKeys, PostgresOrders
from shop_adapters.postgres.reservations import PostgresReservations
from shop_core.events import OrderEvent, OrderEventKind
from shop_core.inventory.model import MovementKind, StockLevel
from shop_core.ports import UnitOfWork
from verification.mutants.registry import Patch, mutant

# ---- locks


@mutant("stock is read, and not locked")
def missing_stock_lock() -> list[Patch]:
    lock = "FOR NO KEY UPDATE"
    assert lock in inventory._LOCK.text
    return [(inventory, "_LOCK", text(inventory._LOCK.text.replace(lock, "")))]


@mutant("stock is read, then locked, and what was read before is believed")
def check_before_lock() -> list[Patch]:
    right = PostgresStock.lock

    def lock(self: PostgresStock, product_ids: Any) -> dict[UUID, StockLevel]:
        ids = set(product_ids)
        seen = {product_id: level for product_id in ids if (level := self.get(product_id))}
        right(self, ids)
        return seen

    return [(PostgresStock, "lock", lock)]


@mutant("stock is locked in the order in which it comes")
def unsorted_locks() -> list[Patch]:
    random = Random(7)

    def lock(self: PostgresStock, product_ids: Any) -> dict[UUID, StockLevel]:
        ids = self._transaction.lock_order.enter("stock", product_ids)
        random.shuffle(ids)
        levels: dict[UUID, StockLevel] = {}
        for product_id in ids:
            for *level, said in self._transaction.run(inventory._LOCK, {"ids": Uuids([product_id])}):
                levels[level[0]] = StockLevel(*level)
                self._transaction.note_time(said)
        return levels

    return [(PostgresStock, "lock", lock)]


# ---- commits


@mutant("the answer goes out, and the commit comes a moment later")
def answer_before_commit() -> list[Patch]:
    right = PostgresAdapters.begin

    @contextmanager
    def begin(self: PostgresAdapters) -> Iterator[UnitOfWork]:
        unit = right(self)
        uow = unit.__enter__()
        try:
            yield uow
        except BaseException as error:
            unit.__exit__(type(error), error, error.__traceback__)
            raise

        def commit() -> None:
            time.sleep(0.02)
            unit.__exit__(None, None, None)

        Thread(target=commit, daemon=True).start()

    return [(PostgresAdapters, "begin", begin)]


@mutant("one commit in twenty fails, and nobody looks")
def commit_lost() -> list[Patch]:
    right, random = PostgresAdapters.begin, Random(7)

    @contextmanager
    def begin(self: PostgresAdapters) -> Iterator[UnitOfWork]:
        class Lost(Exception): ...

        try:
            with right(self) as uow:
                yield uow
                if random.random() < 0.05:
                    raise Lost
        except Lost:
            pass

    return [(PostgresAdapters, "begin", begin)]


@mutant("every statement commits on its own")
def no_transaction() -> list[Patch]:
    right = Transaction.run

    def run(self: Transaction, statement: Executable, *arguments: Any) -> list[Row]:
        rows = right(self, statement, *arguments)
        self._connection.commit()
        return rows

    return [(Transaction, "run", run)]


# ---- keys


@mutant("keys are not written")
def key_not_written() -> list[Patch]:
    return [(PostgresKeys, "claim", lambda self, claims, **_: {})]


@mutant("a key is anybody's")
def key_without_customer() -> list[Patch]:
    claim_right, forget_right, nobody = PostgresKeys.claim, PostgresKeys.forget, UUID(int=0)

    def claim(self: PostgresKeys, claims: Any, **how: Any) -> Any:
        taken = claim_right(self, [claim._replace(customer_id=nobody) for claim in claims], **how)
        return {claim.customer_key: taken[nobody, claim.key] for claim in claims if (nobody, claim.key) in taken}

    def forget(self: PostgresKeys, claims: Any) -> None:
        forget_right(self, [claim._replace(customer_id=nobody) for claim in claims])

    return [(PostgresKeys, "claim", claim), (PostgresKeys, "forget", forget)]


# ---- time


@mutant("each thread has its own clock, up to half a second wrong, and expiry goes by it")
def wrong_clock() -> list[Patch]:
    right = Transaction.now

    def wrong(self: Transaction) -> Any:
        return right(self) + timedelta(milliseconds=Random(get_ident()).uniform(-500, 500))

    return [(Transaction, "now", wrong)]


@mutant("whoever needs units takes those of reservations whose time is not up")
def expiry_without_due_check() -> list[Patch]:
    right = PostgresReservations.due_lines
    return [
        (
            PostgresReservations,
            "due_lines",
            lambda self, ids, now, limit: right(self, ids, now + timedelta(hours=1), limit),
        )
    ]


@mutant("lines that were let go are not marked, and go again")
def let_go_twice() -> list[Patch]:
    return [(PostgresReservations, "release_lines", lambda self, lines: None)]


# ---- stock


@mutant("an order of several lines is stored without the last one")
def half_an_order() -> list[Patch]:
    right = PostgresOrders.add_all

    def add_all(self: PostgresOrders, orders: Any) -> None:
        right(self, [replace(order, lines=order.lines[:-1] or order.lines) for order in orders])

    return [(PostgresOrders, "add_all", add_all)]


@mutant("units given back by orders are not written to the ledger")
def ledger_line_missing() -> list[Patch]:
    right = PostgresStock.apply

    def apply(self: PostgresStock, movements: Any) -> None:
        right(self, [movement for movement in movements if movement.kind is not MovementKind.DEALLOCATED])
        if lost := [movement for movement in movements if movement.kind is MovementKind.DEALLOCATED]:
            levels = columns(inventory._CHANGE_LEVELS, inventory._changes(lost))
            self._transaction.run(inventory._CHANGE_LEVELS, {"is_correction": False, **levels})

    return [(PostgresStock, "apply", apply)]


@mutant("released units are written to the ledger, and to no counter")
def counter_left_behind() -> list[Patch]:
    right = inventory._changes
    return [
        (inventory, "_changes", lambda movements: right([m for m in movements if m.kind is not MovementKind.RELEASED]))
    ]


# ---- facts


@mutant("nobody writes down that an order was cancelled")
def event_missing() -> list[Patch]:
    right = PostgresEvents.add_all

    def is_lost(event: Any) -> bool:
        return isinstance(event, OrderEvent) and event.kind is OrderEventKind.CANCELLED

    return [(PostgresEvents, "add_all", lambda self, events: right(self, [e for e in events if not is_lost(e)]))]


@mutant("nobody is told that a reservation expired")
def expiry_not_told() -> list[Patch]:
    right = PostgresEvents.add_all
    orders = OrderEvent
    return [(PostgresEvents, "add_all", lambda self, events: right(self, [e for e in events if isinstance(e, orders)]))]
