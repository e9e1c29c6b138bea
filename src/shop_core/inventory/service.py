"""Stock in and out of the shelves, other than by orders."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from functools import partial
from uuid import UUID

from shop_core.accounts.model import Actor, Role
from shop_core.catalog.model import UNCHANGED, Unchanged
from shop_core.errors import Invalid, ProductNotFound, check_seen
from shop_core.events import StockEvent, StockEventKind
from shop_core.idempotency import Key
from shop_core.inventory.model import (
    MovementKind,
    StockLevel,
    StockMovement,
    check_counted,
    check_low_stock_level,
    check_reason,
    count_changes,
    count_reason,
    levels_after,
)
from shop_core.pagination import CursorRequest, Page
from shop_core.ports import Begin, NewId, UnitOfWork
from shop_core.text import normalized
from shop_core.times import time_faults


class InventoryService:
    """What staff do with stock."""

    def __init__(self, begin: Begin, new_id: NewId) -> None:
        self._begin = begin
        self._new_id = new_id

    def receive(
        self, actor: Actor, product_id: UUID, quantity: int, reason: str = "", *, key: Key = None
    ) -> StockLevel:
        """Units came in.

        Args:
            actor: staff.
            product_id: of which product.
            quantity: how many, 1 to 1,000,000.
            reason: in words, e.g. the delivery note.
            key: makes a retry safe; see `IdempotencyKey`.

        Returns:
            The counters after it.

        Raises:
            Unauthenticated, Forbidden: the actor is not staff.
            ProductNotFound, Invalid, KeyReused
        """
        return self._record(actor, product_id, MovementKind.RECEIVED, quantity, reason, key)

    def adjust(self, actor: Actor, product_id: UUID, change: int, reason: str, *, key: Key = None) -> StockLevel:
        """What is on hand turned out to be more or less than recorded: found, lost, damaged.

        Units that are promised already can be found missing too: then the level shows a shortfall.

        Args:
            change: units found (positive) or missing (negative), not 0.
            reason: in words; one that begins with `COUNTED` makes it a count, see `count_all`.
            key: makes a retry safe; see `IdempotencyKey`.

        Raises:
            Unauthenticated, Forbidden: the actor is not staff.
            StockBelowZero: more are said to be missing than are on hand.
            ProductNotFound, KeyReused
            Invalid: it breaks a rule; also without a reason, which nobody could find out later.
        """
        actor.require(Role.STAFF)
        check_reason(reason)
        return self._record(actor, product_id, MovementKind.ADJUSTED, change, reason, key)

    def count(
        self,
        actor: Actor,
        product_id: UUID,
        counted: int,
        reason: str,
        *,
        recorded: int | None = None,
        key: Key = None,
    ) -> StockLevel:
        """A stock-take of one product: bring what is on hand to what was counted.

        Args:
            counted: units physically there.
            reason: in words, e.g. which list; in the ledger it begins with `COUNTED`.
            recorded: how many were recorded on hand when the two were compared; None: any number. Two people who count
                the same shelf would otherwise both correct it.
            key: makes a retry safe; see `IdempotencyKey`.

        Raises:
            Unauthenticated, Forbidden: the actor is not staff.
            ProductNotFound, KeyReused
            Invalid: so many cannot be counted, there is no reason, or another number than `recorded` is on hand by now.
        """
        actor.require(Role.STAFF)
        changes = partial(count_changes, counted=counted, recorded=recorded)
        return self._record(actor, product_id, MovementKind.ADJUSTED, counted, count_reason(reason), key, changes)

    def count_all(
        self, actor: Actor, counted: Mapping[UUID, int], reason: str, *, as_of: Mapping[UUID, datetime] = {}
    ) -> dict[UUID, StockLevel]:
        """A stock-take: bring what is on hand to what was counted, product by product, all or none.

        What came and went after the count stays: 5 counted before 2 were shipped are 3. So the same count again changes
        nothing. A product keeps a later count that corrected something; one that found nothing wrong leaves no trace.

        Args:
            counted: units physically there, by product.
            reason: in words, e.g. which list; in the ledger it begins with `COUNTED`.
            as_of: when a product was counted; now where it is not in here.

        Raises:
            Unauthenticated, Forbidden: the actor is not staff.
            ProductNotFound
            Invalid: a count is negative or more than can be counted, there is no reason, or a time breaks its rule.
        """
        actor.require(Role.STAFF)
        why = count_reason(reason)
        for product_id, units in counted.items():  # also of products that keep a later count
            check_counted(product_id, units)
        if faults := [fault for time in as_of.values() for fault in time_faults("as_of", time)]:
            raise Invalid(*faults)
        with self._begin() as uow:
            levels = uow.stock.lock(counted)
            now = uow.now()
            moments = {product_id: min(now, as_of.get(product_id, now)) for product_id in counted}
            since = uow.stock.changes_since({each: at for each, at in moments.items() if each in as_of})
            before, movements = dict(levels), list[StockMovement]()
            for product_id, units in counted.items():
                if product_id not in levels:
                    raise ProductNotFound(product_id)
                if product_id in as_of and product_id not in since:
                    continue
                kind, at, changed = MovementKind.ADJUSTED, moments[product_id], since.get(product_id, 0)
                for change in count_changes(levels[product_id], max(0, units + changed) if changed else units):
                    movement = StockMovement(self._new_id(), product_id, kind, change, at, actor.id, reason=why)
                    levels[product_id] = levels[product_id].after(movement)
                    movements.append(movement)
            uow.stock.apply(movements)
            self._tell_shortfalls(uow, actor, before, levels, now)
        return levels

    def level(self, actor: Actor, product_id: UUID) -> StockLevel:
        """The counters of a product.

        Raises:
            Unauthenticated, Forbidden: the actor is not staff.
            ProductNotFound
        """
        actor.require(Role.STAFF)
        with self._begin() as uow:
            level = uow.stock.get(product_id)
        if level is None:
            raise ProductNotFound(product_id)
        return level

    def levels(self, actor: Actor, product_ids: Iterable[UUID]) -> dict[UUID, StockLevel]:
        """The counters of those products that exist, all of one moment.

        Raises:
            Unauthenticated, Forbidden: the actor is not staff.
        """
        actor.require(Role.STAFF)
        with self._begin() as uow:
            return uow.stock.lock(product_ids)

    def levels_with_time(self, actor: Actor, product_ids: Iterable[UUID]) -> tuple[dict[UUID, StockLevel], datetime]:
        """As `levels`, and when that was: they have what came and went up to then, and nothing of later.

        Raises:
            Unauthenticated, Forbidden: the actor is not staff.
        """
        actor.require(Role.STAFF)
        with self._begin() as uow:
            return uow.stock.lock(product_ids), uow.now()

    def short(self, actor: Actor, limit: int) -> list[StockLevel]:
        """Up to `limit` levels of products of which promised units are missing, the greatest shortfall first.

        Raises:
            Unauthenticated, Forbidden: the actor is not staff.
        """
        actor.require(Role.STAFF)
        with self._begin() as uow:
            return uow.stock.short(limit)

    def low_stock_levels(self, actor: Actor, product_ids: Iterable[UUID]) -> dict[UUID, int]:
        """Below how many units that can be sold each of these products counts as low; of those that have a level.

        Raises:
            Unauthenticated, Forbidden: the actor is not staff.
        """
        actor.require(Role.STAFF)
        with self._begin() as uow:
            return uow.stock.low_stock_levels(product_ids)

    def set_low_stock_level(
        self,
        actor: Actor,
        product_id: UUID,
        level: int | None,
        *,
        seen: int | Unchanged | None = UNCHANGED,
        key: Key = None,
    ) -> StockLevel:
        """Say below how many units a product counts as low: see `CatalogService.low_stock`.

        Args:
            level: in units that can be sold, 1 to 1,000,000; None: it never counts as low.
            seen: the level that it replaces; `UNCHANGED`: any.
            key: makes a retry safe; see `IdempotencyKey`.

        Returns:
            The counters, which stay as they are.

        Raises:
            Unauthenticated, Forbidden: the actor is not staff.
            ProductNotFound, KeyReused
            Invalid: the level breaks its rule, or the product has another one than `seen` by now.
        """
        actor.require(Role.STAFF)
        if level is not None:
            check_low_stock_level(level)
        with self._begin() as uow:
            asked = ("low_stock", product_id, level)
            is_replay = key is not None and key.claim(uow.keys.claim, actor.account_id, *asked)
            counters = uow.stock.lock([product_id]).get(product_id)
            if counters is None:
                raise ProductNotFound(product_id)
            if is_replay:
                return counters
            if seen is not UNCHANGED:
                stored = uow.stock.low_stock_levels([product_id]).get(product_id)
                check_seen("low_stock_level", seen, stored, level)
            uow.stock.set_low_stock_level(product_id, level)
            return counters

    def movements(self, actor: Actor, product_id: UUID, page_request: CursorRequest) -> Page[StockMovement]:
        """The ledger of a product, newest first.

        Raises:
            Unauthenticated, Forbidden: the actor is not staff.
            ProductNotFound
        """
        actor.require(Role.STAFF)
        with self._begin() as uow:
            if uow.stock.get(product_id) is None:
                raise ProductNotFound(product_id)
            return uow.stock.movements(product_id, page_request)

    def _record(
        self,
        actor: Actor,
        product_id: UUID,
        kind: MovementKind,
        quantity: int,
        reason: str,
        key: Key,
        changes: Callable[[StockLevel], list[int]] | None = None,
    ) -> StockLevel:
        """Record units that came or went; or, with `changes`, those that bring the level to a counted quantity."""
        actor.require(Role.STAFF)
        with self._begin() as uow:
            asked = ("counted" if changes else kind, product_id, quantity, reason)
            is_replay = key is not None and key.claim(uow.keys.claim, actor.account_id, "stock", *asked)
            level = uow.stock.lock([product_id]).get(product_id)
            if level is None:
                raise ProductNotFound(product_id)
            if is_replay:
                return level
            at, why = uow.now(), normalized(reason)
            movements = [
                StockMovement(self._new_id(), product_id, kind, units, at, actor.id, reason=why)
                for units in (changes(level) if changes else [quantity])
            ]
            after = levels_after({product_id: level}, movements)
            uow.stock.apply(movements)
            self._tell_shortfalls(uow, actor, {product_id: level}, after, at)
        return after[product_id]

    def _tell_shortfalls(
        self,
        uow: UnitOfWork,
        actor: Actor,
        before: Mapping[UUID, StockLevel],
        after: Mapping[UUID, StockLevel],
        now: datetime,
    ) -> None:
        """Announce every product of which more promised units are missing than before: somebody has to act."""
        uow.events.add_all(
            [
                StockEvent(self._new_id(), StockEventKind.STOCK_SHORT, product_id, now, level.shortfall, None, actor.id)
                for product_id, level in after.items()
                if level.shortfall > before[product_id].shortfall
            ]
        )
