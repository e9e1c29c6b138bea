"""Mutants of the shop in memory that a search through interleavings must find.

Each is something that an adapter could get wrong in good faith: a lock left out, a read before it, a key committed on
its own. Most change a unit of work from outside, and would do so on any adapter; some change the locks in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from itertools import cycle
from threading import Condition
from typing import Any, cast
from uuid import UUID

from shop_adapters.memory import MemoryAdapters
from shop_adapters.memory.locks import Owner, RowLocks
from shop_core.idempotency import CustomerKey, KeyClaim
from shop_core.inventory.model import StockLevel
from shop_core.orders.model import Order
from shop_core.ports import Adapters, Begin, Clock, NewId, OutboxMessage, UnitOfWork
from shop_core.pricing.rules import Rules, Uses
from shop_core.reservations.model import Reservation, ReservationUsage
from shop_testing.fixtures import Altered

OpenAdapters = Callable[[Condition, Clock, NewId], Adapters]
"""Opens empty adapters that wait on that condition, with that clock and those ids."""

Alter = Callable[[UnitOfWork, Begin], dict[str, object]]
"""The attributes of a unit of work that are to be others."""


def in_memory(mutex: Condition, clock: Clock, new_id: NewId) -> MemoryAdapters:
    """The shop in memory, for one schedule."""
    return MemoryAdapters(clock=clock, new_id=new_id, mutex=mutex)


@dataclass(frozen=True)
class InterleavingMutant:
    """Something wrong.

    Args:
        race: of `shop_testing.races`, in which it shows.
        alter: what is wrong with every unit of work.
        open_adapters: adapters with something wrong.
    """

    name: str
    race: str
    alter: Alter | None = None
    open_adapters: OpenAdapters = in_memory


def altered(begin: Begin, alter: Alter) -> Begin:
    """The same units of work, with other attributes."""

    @contextmanager
    def begun() -> Iterator[UnitOfWork]:
        with begin() as uow:
            yield cast("UnitOfWork", Altered(uow, **alter(uow, begin)))

    return begun


# ---- around any unit of work


def _stock_unlocked(uow: UnitOfWork, begin: Begin) -> dict[str, object]:
    def lock(ids: Iterable[UUID]) -> dict[UUID, StockLevel]:
        return {id_: level for id_ in sorted(ids) if (level := uow.stock.get(id_))}

    return {"stock": Altered(uow.stock, lock=lock)}


def _stock_read_before_locked(uow: UnitOfWork, begin: Begin) -> dict[str, object]:
    def lock(ids: Iterable[UUID]) -> dict[UUID, StockLevel]:
        requested = sorted(ids)
        levels = {id_: level for id_ in requested if (level := uow.stock.get(id_))}
        uow.stock.lock(requested)
        return levels

    return {"stock": Altered(uow.stock, lock=lock)}


def _first_product_locked_alone(uow: UnitOfWork, begin: Begin) -> dict[str, object]:
    def lock(ids: Iterable[UUID]) -> dict[UUID, StockLevel]:
        first, *others = sorted(ids)
        unlocked = {id_: level for id_ in others if (level := uow.stock.get(id_))}
        return uow.stock.lock([first]) | unlocked

    return {"stock": Altered(uow.stock, lock=lock)}


def _orders_unlocked(uow: UnitOfWork, begin: Begin) -> dict[str, object]:
    return {"orders": Altered(uow.orders, lock=uow.orders.get)}


def _orders_read_before_locked(uow: UnitOfWork, begin: Begin) -> dict[str, object]:
    def lock(order_id: UUID, customer_id: UUID | None = None) -> Order | None:
        order = uow.orders.get(order_id, customer_id)
        uow.orders.lock(order_id, customer_id)
        return order

    return {"orders": Altered(uow.orders, lock=lock)}


def _keys_unclaimed(uow: UnitOfWork, begin: Begin) -> dict[str, object]:
    def claim(claims: Sequence[KeyClaim], *, wait: bool = True) -> dict[CustomerKey, KeyClaim]:
        return {}

    return {"keys": Altered(uow.keys, claim=claim, forget=lambda claims: None)}


def _keys_committed_ahead(uow: UnitOfWork, begin: Begin) -> dict[str, object]:
    def claim(claims: Sequence[KeyClaim], *, wait: bool = True) -> dict[CustomerKey, KeyClaim]:
        if not claims:
            return {}
        with begin() as other:
            return other.keys.claim(claims, wait=wait)

    return {"keys": Altered(uow.keys, claim=claim)}


def _customers_unlocked(uow: UnitOfWork, begin: Begin) -> dict[str, object]:
    def lock_customers(ids: Iterable[UUID], now: Callable[[], datetime]) -> dict[UUID, ReservationUsage]:
        with begin() as other:
            return other.reservations.lock_customers(ids, now)

    return {"reservations": Altered(uow.reservations, lock_customers=lock_customers)}


def _reservations_read_once(uow: UnitOfWork, begin: Begin) -> dict[str, object]:
    """As an identity map does: what was read before the lock is believed after it."""
    seen: dict[UUID, Reservation] = {}

    def get_all(ids: Iterable[UUID]) -> dict[UUID, Reservation]:
        requested = list(ids)
        seen.update(uow.reservations.get_all([id_ for id_ in requested if id_ not in seen]))
        return {id_: seen[id_] for id_ in requested if id_ in seen}

    return {"reservations": Altered(uow.reservations, get_all=get_all)}


def _due_believed_after_the_lock(uow: UnitOfWork, begin: Begin) -> dict[str, object]:
    """The sweep acts on what it found before it had the locks."""
    found: dict[UUID, Reservation] = {}

    def due(now: datetime, limit: int, after: Reservation | None = None) -> list[Reservation]:
        reservations = uow.reservations.due(now, limit, after)
        found.update((reservation.id, reservation) for reservation in reservations)
        return reservations

    def get_all(ids: Iterable[UUID]) -> dict[UUID, Reservation]:
        requested = list(ids)
        return uow.reservations.get_all(requested) | {id_: found[id_] for id_ in requested if id_ in found}

    return {"reservations": Altered(uow.reservations, due=due, get_all=get_all)}


def _time_of_the_beginning(uow: UnitOfWork, begin: Begin) -> dict[str, object]:
    """As `now()` of PostgreSQL: the time at which the transaction began, however long it waited since."""
    began = uow.now()
    return {"now": lambda: began}


def _rules_read_early(uow: UnitOfWork, begin: Begin) -> dict[str, object]:
    first = cache(uow.prices.rules)

    def rules(*, anew: bool = False) -> Rules:
        return first()

    return {"prices": Altered(uow.prices, rules=rules)}


def _rules_and_limits_read_early(uow: UnitOfWork, begin: Begin) -> dict[str, object]:
    def uses(ids: Iterable[UUID], customer_ids: Iterable[UUID], *, lock: bool) -> Uses:
        requested = list(ids)
        limits = uow.prices.uses(requested, (), lock=False).limits
        return replace(uow.prices.uses(requested, customer_ids, lock=lock), limits=limits)

    return {"prices": Altered(_rules_read_early(uow, begin)["prices"], uses=uses)}


def _messages_not_hidden(uow: UnitOfWork, begin: Begin) -> dict[str, object]:
    def take(now: datetime, limit: int, hidden_for: timedelta) -> list[OutboxMessage]:
        return uow.outbox.take(now, limit, timedelta(0))

    return {"outbox": Altered(uow.outbox, take=take)}


def _facts_committed_ahead(uow: UnitOfWork, begin: Begin) -> dict[str, object]:
    def add_all(events: Sequence[Any]) -> None:
        with begin() as other:
            other.events.add_all(events)

    return {"events": Altered(uow.events, add_all=add_all)}


# ---- inside the shop in memory


class LeakyLocks(RowLocks):
    """Locks that nobody has to wait for, in one table; the adapter believes that it has them."""

    def __init__(self, mutex: Condition, table: str) -> None:
        super().__init__(mutex, timeout_s=10)
        self._leak = table

    def try_claim(self, owner: Owner, held: dict[str, set[Hashable]], table: str, key: Hashable) -> bool:
        if table != self._leak:
            return super().try_claim(owner, held, table, key)
        held.setdefault(table, set()).add(key)
        return True

    def release(self, held: dict[str, set[Hashable]]) -> None:
        for key in held.pop(self._leak, ()):
            self._holders.get(self._leak, {}).pop(key, None)
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

    def enter(self, table: str, ids: Iterable[UUID]) -> list[UUID]:
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


def _locked_from_either_end() -> Alter:
    """Each unit of work locks its stock row by row, every other one from the other end."""
    directions = cycle((False, True))

    def alter(uow: UnitOfWork, begin: Begin) -> dict[str, object]:
        is_backward = next(directions)

        def lock(ids: Iterable[UUID]) -> dict[UUID, StockLevel]:
            levels: dict[UUID, StockLevel] = {}
            for id_ in sorted(ids, reverse=is_backward):
                levels |= uow.stock.lock([id_])
            return levels

        return {"stock": Altered(uow.stock, lock=lock)}

    return alter


INTERLEAVING_MUTANTS = [
    InterleavingMutant("stock is not locked", "two buyers of the last unit", _stock_unlocked),
    InterleavingMutant("stock is not locked (reserving)", "reserving and buying the last unit", _stock_unlocked),
    InterleavingMutant("stock is not locked (expiring)", "units of an expired reservation", _stock_unlocked),
    InterleavingMutant("stock is read before it is locked", "two buyers of the last unit", _stock_read_before_locked),
    InterleavingMutant(
        "only the first product is locked", "baskets that share their last product", _first_product_locked_alone
    ),
    InterleavingMutant("orders are not locked", "edit and cancel", _orders_unlocked),
    InterleavingMutant("orders are not locked (editing)", "two edits of one version", _orders_unlocked),
    InterleavingMutant(
        "orders are read before they are locked", "two edits of one version", _orders_read_before_locked
    ),
    InterleavingMutant("keys are not claimed", "one order sent twice", _keys_unclaimed),
    InterleavingMutant("keys are committed ahead of their order", "one order sent twice", _keys_committed_ahead),
    InterleavingMutant(
        "keys are committed ahead of their reservation", "one reservation sent twice", _keys_committed_ahead
    ),
    InterleavingMutant("customers are not locked", "reservations of one customer", _customers_unlocked),
    InterleavingMutant("reservations are read once", "confirm, release and expire", _reservations_read_once),
    InterleavingMutant(
        "the sweep believes what it saw before", "units of an expired reservation", _due_believed_after_the_lock
    ),
    InterleavingMutant("time is that of the beginning", "extend and expire", _time_of_the_beginning),
    InterleavingMutant(
        "time is that of the beginning (confirming)", "confirm, release and expire", _time_of_the_beginning
    ),
    InterleavingMutant("rules are read before uses are locked", "two orders and a correction", _rules_read_early),
    InterleavingMutant(
        "rules and limits are read before uses are locked", "buying, editing and a limit", _rules_and_limits_read_early
    ),
    InterleavingMutant("messages are not hidden", "two relays", _messages_not_hidden),
    InterleavingMutant("facts are committed ahead of their change", "buying and publishing", _facts_committed_ahead),
    *(
        InterleavingMutant(f"the rows of {table} have no lock at all", race, open_adapters=leaky(table))
        for table, race in [
            ("stock", "two buyers of the last unit"),
            ("stock", "three buyers of two units"),
            ("stock", "baskets that share their last product"),
            ("stock", "reserving and buying the last unit"),
            ("stock", "units of an expired reservation"),
            ("reservations", "parts of an expired reservation"),
            ("stock", "confirm, release and expire"),
            ("stock", "extend and expire"),
            ("orders", "edit and cancel"),
            ("orders", "two edits of one version"),
            ("keys", "one order sent twice"),
            ("keys", "one reservation sent twice"),
            ("customers", "reservations of one customer"),
            ("uses", "buying, editing and a limit"),
        ]
    ),
    InterleavingMutant(
        "two sweeps at once believe what they saw before", "two sweeps", _due_believed_after_the_lock, leaky("tasks")
    ),
    InterleavingMutant(
        "stock is locked in no order", "baskets in opposite directions", _locked_from_either_end(), careless
    ),
]
"""Everything that must be found."""
