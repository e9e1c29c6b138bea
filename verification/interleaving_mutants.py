"""Faults to plant into any unit of work, so that whoever looks for races can show that he finds them.

Each is something that an adapter could get wrong in good faith: a lock left out, a read before it, a key committed on
its own. All are on the outside of a unit of work: the adapter below stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

from shop_core.idempotency import Claim, CustomerKey
from shop_core.inventory.model import StockLevel
from shop_core.orders.model import Order
from shop_core.ports import Begin, OutboxMessage, UnitOfWork
from shop_core.reservations.model import Reservation, ReservationUsage


class Altered:
    """Something with a few things changed."""

    def __init__(self, inner: object, **changed: object) -> None:
        self._inner = inner
        self._changed = changed

    def __getattr__(self, name: str) -> Any:
        return self._changed[name] if name in self._changed else getattr(self._inner, name)


@dataclass(frozen=True)
class Fault:
    """Something wrong.

    Args:
        alter: what of a unit of work becomes something else.
        play: the play of `encounters` in which it shows.
    """

    alter: Callable[[UnitOfWork, Begin], dict[str, object]]
    play: str

    def spoil(self, begin: Begin) -> Begin:
        """The same units of work, with the fault."""

        @contextmanager
        def begun() -> Iterator[UnitOfWork]:
            with begin() as uow:
                yield cast("UnitOfWork", Altered(uow, **self.alter(uow, begin)))

        return begun


def _stock_unlocked(uow: UnitOfWork, begin: Begin) -> dict[str, object]:
    def lock(ids: Iterable[UUID]) -> dict[UUID, StockLevel]:
        return {id_: level for id_ in sorted(ids) if (level := uow.stock.get(id_))}

    return {"stock": Altered(uow.stock, lock=lock)}


def _stock_read_before_locked(uow: UnitOfWork, begin: Begin) -> dict[str, object]:
    def lock(ids: Iterable[UUID]) -> dict[UUID, StockLevel]:
        wanted = sorted(ids)
        levels = {id_: level for id_ in wanted if (level := uow.stock.get(id_))}
        uow.stock.lock(wanted)
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
    def claim(claims: Sequence[Claim]) -> dict[CustomerKey, Claim]:
        return {}

    return {"keys": Altered(uow.keys, claim=claim, forget=lambda claims: None)}


def _keys_committed_ahead(uow: UnitOfWork, begin: Begin) -> dict[str, object]:
    def claim(claims: Sequence[Claim]) -> dict[CustomerKey, Claim]:
        if not claims:
            return {}
        with begin() as other:
            return other.keys.claim(claims)

    return {"keys": Altered(uow.keys, claim=claim)}


def _holders_unlocked(uow: UnitOfWork, begin: Begin) -> dict[str, object]:
    def lock_customers(ids: Iterable[UUID], now: Callable[[], datetime]) -> dict[UUID, ReservationUsage]:
        with begin() as other:
            return other.reservations.lock_customers(ids, now)

    return {"reservations": Altered(uow.reservations, lock_customers=lock_customers)}


def _reservations_read_once(uow: UnitOfWork, begin: Begin) -> dict[str, object]:
    """As an identity map does: what was read before the lock is believed after it."""
    seen: dict[UUID, Reservation] = {}

    def get_all(ids: Iterable[UUID]) -> dict[UUID, Reservation]:
        wanted = list(ids)
        seen.update(uow.reservations.get_all([id_ for id_ in wanted if id_ not in seen]))
        return {id_: seen[id_] for id_ in wanted if id_ in seen}

    return {"reservations": Altered(uow.reservations, get_all=get_all)}


def _due_believed_after_the_lock(uow: UnitOfWork, begin: Begin) -> dict[str, object]:
    """The sweep acts on what it found before it had the locks."""
    found: dict[UUID, Reservation] = {}

    def due(now: datetime, limit: int) -> list[Reservation]:
        reservations = uow.reservations.due(now, limit)
        found.update((reservation.id, reservation) for reservation in reservations)
        return reservations

    def get_all(ids: Iterable[UUID]) -> dict[UUID, Reservation]:
        wanted = list(ids)
        return uow.reservations.get_all(wanted) | {id_: found[id_] for id_ in wanted if id_ in found}

    return {"reservations": Altered(uow.reservations, due=due, get_all=get_all)}


def _time_of_the_beginning(uow: UnitOfWork, begin: Begin) -> dict[str, object]:
    """As `now()` of PostgreSQL: the time at which the transaction began, however long it waited since."""
    began = uow.now()
    return {"now": lambda: began}


def _letters_not_hidden(uow: UnitOfWork, begin: Begin) -> dict[str, object]:
    def take(now: datetime, limit: int, hidden_for: timedelta) -> list[OutboxMessage]:
        return uow.outbox.take(now, limit, timedelta(0))

    return {"outbox": Altered(uow.outbox, take=take)}


def _facts_committed_ahead(uow: UnitOfWork, begin: Begin) -> dict[str, object]:
    def add_all(events: Sequence[Any]) -> None:
        with begin() as other:
            other.events.add_all(events)

    return {"events": Altered(uow.events, add_all=add_all)}


FAULTS: dict[str, Fault] = {
    "stock is not locked": Fault(_stock_unlocked, "two_buyers_of_the_last_unit"),
    "stock is not locked (reserving)": Fault(_stock_unlocked, "reserving_and_buying_the_last_unit"),
    "stock is not locked (expiring)": Fault(_stock_unlocked, "buying_what_was_held_too_long"),
    "stock is read before it is locked": Fault(_stock_read_before_locked, "two_buyers_of_the_last_unit"),
    "only the first product is locked": Fault(_first_product_locked_alone, "baskets_that_share_their_last_product"),
    "orders are not locked": Fault(_orders_unlocked, "an_edit_and_a_cancellation"),
    "orders are not locked (editing)": Fault(_orders_unlocked, "two_edits_of_one_version"),
    "orders are read before they are locked": Fault(_orders_read_before_locked, "two_edits_of_one_version"),
    "keys are not claimed": Fault(_keys_unclaimed, "one_order_sent_twice"),
    "keys are committed ahead of their order": Fault(_keys_committed_ahead, "one_order_sent_twice"),
    "keys are committed ahead of their reservation": Fault(_keys_committed_ahead, "one_reservation_sent_twice"),
    "holders are not locked": Fault(_holders_unlocked, "reserving_more_than_one_may"),
    "reservations are read once": Fault(_reservations_read_once, "confirming_releasing_and_expiring"),
    "the sweep believes what it saw before": Fault(_due_believed_after_the_lock, "buying_what_was_held_too_long"),
    "time is that of the beginning": Fault(_time_of_the_beginning, "extending_and_expiring"),
    "time is that of the beginning (confirming)": Fault(_time_of_the_beginning, "confirming_releasing_and_expiring"),
    "letters are not hidden": Fault(_letters_not_hidden, "two_relays"),
    "facts are committed ahead of their change": Fault(_facts_committed_ahead, "buying_and_telling"),
}
"""By what is wrong."""
