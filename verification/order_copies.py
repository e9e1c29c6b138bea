"""Copies of one's orders are compared with the orders, in random schedules: `python -m verification.order_copies`.

Two customers place orders, edit, cancel and delete them, and staff confirm them. Several units of work are open at the
same time: what they add or change is committed late, in another order than that of the ids, or rolled back. Now and
then the shop is set back to a backup, and goes on with other changes. Copies of all orders, or of those from one on,
compare in between, with ranges and limits of any size. Whenever nothing differs, the copy must be what the shop has;
it never loses an order that is there, and when nobody writes, it becomes right. First the same is done with mistakes in
it, which must be found.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, suppress
from copy import copy as shallow
from dataclasses import replace
from typing import Any
from uuid import UUID

from shop_adapters.memory.orders import MemoryOrders
from shop_core import SYSTEM, Actor
from shop_core.errors import OrderNotFound, Refusal
from shop_core.inventory.model import LineRequest
from shop_core.orders import comparison, model, service
from shop_core.orders.comparison import OrderCopy, OrderDifferences, Span, TaggedOrder
from shop_core.orders.model import Order
from shop_core.ports import UnitOfWork
from shop_testing.fixtures import request
from shop_testing.order_comparison import OwnOrders, own_orders
from verification.copy_schedules import COPIES, Check, CopySchedule, Missed, Step
from verification.mutants.registry import Mutant, Patch

ORDERS_MAX = 60
ASKED_MAX = 200
"""How often a copy may ask until nothing differs while nobody writes: each time brings it an order at least."""


class OrderSchedule(CopySchedule):
    """A random schedule of orders."""

    ASKED = "comparison"

    def prepare(self) -> None:
        """A product, and customers whose orders are copied."""
        self._lamp = self.fixtures.product("Lamp", units=1_000_000)
        self._customers = [self.fixtures.customer() for _ in range(2)]
        self.copies = [self._new_copy() for _ in range(COPIES)]

    def steps(self) -> list[Step]:
        """Each with its weight."""
        return [
            (30, self._compare),
            (6, self._place),
            (8, self._step),
            (4, self._edit),
            (1, self._replace_copy),
            (1, self._finish),
        ]

    def run(self, times: int) -> None:
        """Then each copy asks until nothing differs."""
        super().run(times)
        for copy in self.copies:
            self._catch_up(copy)

    # ---- who compares

    def _compare(self) -> None:
        self._ask(self.rng.choice(self.copies[: self.rng.randint(1, COPIES)]))  # the last ones seldom

    def _finish(self) -> None:
        self._catch_up(self.rng.choice(self.copies))

    def _catch_up(self, copy: OwnOrders) -> None:
        for _ in range(ASKED_MAX):
            if not self._ask(copy).ranges:
                return
        raise Missed(f"a copy does not become right, however often it asks: {len(copy.orders)} orders")

    def _ask(self, copy: OwnOrders) -> OrderDifferences:
        before = set(copy.orders)
        found = copy.compare()
        self.done["comparison"] += 1
        there = own_orders(self.shop, copy.owner)
        there = {id_: order for id_, order in there.items() if copy.oldest is None or id_ >= copy.oldest}
        if lost := (before - copy.orders.keys()) & there.keys():
            raise Missed(f"after {self.done['comparison']} comparisons: {len(lost)} orders left a copy, and are there")
        if not found.ranges:
            self.done["nothing differed"] += 1
            if copy.orders != there:
                wrong = [id_ for id_ in copy.orders.keys() | there.keys() if copy.orders.get(id_) != there.get(id_)]
                raise Missed(f"after {self.done['comparison']} comparisons: {len(wrong)} orders are wrong")
        return found

    def _new_copy(self) -> OwnOrders:
        size = self.rng.choice([1, 2, 5, 100])
        copy = OwnOrders(self.shop, self.rng.choice(self._customers), size, self.rng.choice([size, 2 * size, 1_000]))
        mine = sorted(own_orders(self.shop, copy.owner))
        return replace(copy, oldest=self.rng.choice([None, *mine[::7]]))

    def _replace_copy(self) -> None:
        self.copies[self.rng.randrange(COPIES)] = self._new_copy()

    # ---- who writes

    def _place(self) -> None:
        customer = self.rng.choice(self._customers)
        if len(own_orders(self.shop, customer)) < ORDERS_MAX:
            self.shop.orders.place(request(customer, (self._lamp, self.rng.randint(1, 3))))
            self.done["placed"] += 1

    def _step(self) -> None:
        if found := self._one():
            customer, order = found
            steps = model.Step
            step = self.rng.choice([steps.CONFIRM, steps.CANCEL, steps.DELETE, steps.DELETE])
            with suppress(Refusal):  # not possible in its status
                {
                    steps.CONFIRM: lambda: self.shop.orders.confirm(SYSTEM, order.id),
                    steps.CANCEL: lambda: self.shop.orders.cancel(customer, order.id),
                    steps.DELETE: lambda: self.shop.orders.delete(customer, order.id),
                }[step]()
                self.done[step.value] += 1

    def _edit(self) -> None:
        if found := self._one():
            customer, order = found
            with suppress(Refusal):
                self.shop.orders.edit(customer, order.id, (LineRequest(self._lamp.id, self.rng.randint(1, 9)),))
                self.done["edited"] += 1

    def opened(self) -> tuple[AbstractContextManager[UnitOfWork], UUID]:
        """One that adds an order, or changes one that no other has."""
        found = self._one()
        opened = self.adapters.begin()
        if found and self.rng.random() < 0.6:
            order = replace(found[1], version=found[1].version + 1, updated_at=self.clock())
            if self.rng.random() < 0.3:
                order = replace(order, deleted_at=self.clock())
            opened.__enter__().orders.update(order)
        else:
            customer = self.rng.choice(self._customers)
            order = self.fixtures.new_order({self._lamp: 1}, customer.account_id)
            opened.__enter__().orders.add_all([order])
        return opened, order.id

    def backup(self) -> dict[str, Any]:
        """All tables."""
        store = vars(self.adapters._store)
        return {name: _copied(table) for name, table in store.items() if isinstance(table, dict)}

    def set_back_to(self, backup: dict[str, Any]) -> None:
        """All tables."""
        for name, table in backup.items():
            there = getattr(self.adapters._store, name)
            there.clear()
            there.update(_copied(table))

    def _one(self) -> tuple[Actor, Order] | None:
        """An order that no open unit of work has, and whose it is."""
        customer = self.rng.choice(self._customers)
        free = [order for id_, order in sorted(own_orders(self.shop, customer).items()) if not self.is_held(id_)]
        return (customer, self.rng.choice(free)) if free else None


def _copied(table: dict[Any, Any]) -> dict[Any, Any]:
    return {key: shallow(value) for key, value in table.items()}


# ---- mistakes that must be found


def _no_tags() -> list[Patch]:
    """The ranges have only the ids."""
    return [(Order, "tag", property(lambda self: int.from_bytes(self.id.bytes[-8:], "big")))]


def _no_times() -> list[Patch]:
    return [(Order, "tag", property(lambda self: hash((self.id, self.version)) % 2**64))]


def _only_new() -> list[Patch]:
    differing = OrderCopy.differing

    def newest(self: OrderCopy, sums: Sequence[int]) -> list[Span]:
        return differing(self, sums)[:1] if not self.ranges or sums[-1] != self.ranges[-1].xor else []

    return [(OrderCopy, "differing", newest)]


def _nothing_before() -> list[Patch]:
    differing = OrderCopy.differing

    def later(self: OrderCopy, sums: Sequence[int]) -> list[Span]:
        return differing(self, [0 if self.ranges else sums[0], *sums[1:]])

    return [(OrderCopy, "differing", later)]


def _deleted_too() -> list[Patch]:
    def all_of(self: Any, customer_id: UUID) -> list[Order]:
        with self._transaction.statement():
            ids = self._transaction.orders_of.of(customer_id)
            return list(self._transaction.orders.get_all(ids).values())

    return [(MemoryOrders, "_all_of", all_of)]


def _whole_ranges() -> list[Patch]:
    """A range that was cut by the limit is told as if it were whole: what was not named seems gone."""

    def answer(spans: Sequence[Span], found: Sequence[TaggedOrder], limit: int, at: Any) -> OrderDifferences:
        right = comparison.differences(spans, found, limit, at)
        whole = [replace(each, first=span.first) for each, span in zip(right.ranges, spans, strict=False)]
        return replace(right, ranges=tuple(whole))

    return [(service, "differences", answer)]


MISTAKES = (
    Mutant("no-tags", "ranges are compared by ids alone", _no_tags),
    Mutant("no-times", "the same version after a restore has the same tag", _no_times),
    Mutant("only-new", "only the newest range is compared: what is committed late below it is missed", _only_new),
    Mutant("nothing-before", "orders before the first range are not looked for", _nothing_before),
    Mutant("deleted-too", "what a customer deleted is told as theirs", _deleted_too),
    Mutant("whole-ranges", "a range that the limit cut is told as if it were whole", _whole_ranges),
)


CHECK = Check("order_copies", OrderSchedule, MISTAKES, OrderNotFound, tried_with=5_000)

if __name__ == "__main__":
    sys.exit(CHECK.main(__doc__))
