"""The one order in which rows are locked, so that no two units of work can wait for each other."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal
from uuid import UUID

from shop_core.ports import LockOrderError

Table = Literal["keys", "customers", "orders", "stock", "uses", "products", "categories", "families"]

_TABLES: tuple[Table, ...] = ("keys", "customers", "orders", "stock", "uses", "products", "categories", "families")
_AFTER = {table: frozenset(_TABLES[place + 1 :]) for place, table in enumerate(_TABLES)}
_NOTHING: frozenset[int] = frozenset()


class LockOrder:
    """What one unit of work has locked, in the order of `shop_core.ports`: keys, customers, orders, stock, uses of
    promotions, products, categories, families; in each of these by ascending id.

    An adapter calls it before it locks. Rows that a unit of work adds need no call: until it commits, no other can see
    them or wait for them.

    Attributes:
        entered: how many calls of `enter` there were. A clock that was read at this count was read after the last lock.

    >>> a, b = UUID(int=1), UUID(int=2)
    >>> order = LockOrder()
    >>> order.enter("stock", [b, a]) == [a, b]
    True
    >>> order.enter("orders", [a])
    Traceback (most recent call last):
    shop_core.ports.unit_of_work.LockOrderError: orders must be locked before stock
    """

    __slots__ = ("_held", "entered")

    def __init__(self) -> None:
        self.entered = 0
        self._held: dict[Table, set[int]] = {}  # the numbers of the ids: hashed and compared without a Python call

    def enter(self, table: Table, ids: Iterable[UUID]) -> list[UUID]:
        """Enter rows that are about to be locked: returns their ids, each once, ascending. Raises LockOrderError: a
        later table was locked before, or a row of this one with a greater id.
        """
        self.entered += 1
        requested, held = {id_.int: id_ for id_ in ids}, self._held.get(table, _NOTHING)
        if fresh := requested.keys() - held:
            if held or not _AFTER[table].isdisjoint(self._held):
                self._check_fresh(table, fresh)
            self._held[table] = fresh | held
        return [requested[number] for number in sorted(requested)]

    def unlocked(self, table: Table, ids: Iterable[UUID]) -> list[UUID]:
        """Those of these that are not locked."""
        held = self._held.get(table, _NOTHING)
        return [id_ for id_ in ids if id_.int not in held]

    def require(self, table: Table, ids: Iterable[UUID]) -> None:
        """Check that these are locked.

        Raises:
            LockOrderError: one of them is not locked.
        """
        if missing := self.unlocked(table, ids):
            raise LockOrderError(f"{table} must be locked before this: {min(missing)} is not")

    def _check_fresh(self, table: Table, fresh: set[int]) -> None:
        for later in self._held:
            if later in _AFTER[table]:
                raise LockOrderError(f"{table} must be locked before {later}")
        if held := self._held.get(table):
            lowest, highest = min(fresh), max(held)
            if lowest < highest:
                rule = f"{table} must be locked by ascending id: {UUID(int=lowest)} after {UUID(int=highest)}"
                raise LockOrderError(rule)
