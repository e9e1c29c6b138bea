"""Copies of the catalog follow its changes feed, in random schedules: `python -m verification.catalog_feed`.

Several units of work are open at the same time; they edit, archive, delete and restore products, families and
categories, and are committed late, or rolled back. Copies pull in between, some often and some after months. Old
changes are forgotten, and now and then the shop is set back to a backup. Whenever a pull says that there is no more,
the copy must be what the shop shows at this moment. First the same is done with mistakes in it, which must be found.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from copy import copy as shallow
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from shop_adapters.memory import MemoryAdapters
from shop_adapters.memory.transaction import Transaction
from shop_core import SYSTEM, CategoryChanges, Money, OffsetRequest, ProductChanges, ProductDetails
from shop_core.catalog import service
from shop_core.catalog.changes import CatalogChanges, FeedPosition, FeedView, changes_after
from shop_core.catalog.model import Product
from shop_core.errors import CategoryInUse, ProductNotFound
from shop_core.ports import UnitOfWork
from shop_testing import CatalogCopy
from shop_testing.catalog_feed import shown_by
from verification.copy_schedules import COPIES, Check, CopySchedule, Missed, Step
from verification.mutants.registry import Mutant, Patch

PRODUCTS_MAX = 40


class CatalogSchedule(CopySchedule):
    """A random schedule of the catalog."""

    ASKED = "pull"

    def prepare(self) -> None:
        """Two families, and copies with pages of some size."""
        self._truth: tuple[object, object] = (None, None)
        self._families = [self.shop.families.create(SYSTEM, f"Family {number}", ["size"]).id for number in range(2)]
        self.copies = [CatalogCopy(self.shop, limit=self.rng.choice([1, 2, 3, 7, 200])) for _ in range(COPIES)]

    def steps(self) -> list[Step]:
        """Each with its weight."""
        return [
            (60, self._pull),
            (4, self._create),
            (5, self._edit),
            (3, self._remove),
            (2, self._restore),
            (1, self._import),
            (1, self._change_category),
            (1, self._rename_family),
            (1, self._pass_time),
        ]

    # ---- who reads

    def _pull(self) -> None:
        copy = self.rng.choice(self.copies[: self.rng.randint(1, COPIES)])  # the last ones seldom
        changes = copy.pull()
        self.done["pull"] += 1
        if changes.has_more:
            return
        self.done["complete"] += 1
        token = self.adapters.snapshot() if isinstance(self.adapters, MemoryAdapters) else None
        if token is None or self._truth[0] != token:
            self._truth = token, shown_by(self.shop)
        if (copy.products, copy.categories) != self._truth[1]:
            raise Missed(f"after {self.done['pull']} pulls: {copy.difference}")

    # ---- who writes

    def opened(self) -> tuple[AbstractContextManager[UnitOfWork], UUID] | None:
        """One that edits a product which no other one has."""
        product = self._free()
        if product is None:
            return None
        opened = self.adapters.begin()
        opened.__enter__().products.update_all([replace(product, name=self._name(), version=product.version + 1)])
        return opened, product.id

    def _create(self) -> None:
        if len(self._products()) < PRODUCTS_MAX:
            family = self.rng.choice([None, *self._families])
            options: dict[str, Any] = {"family_id": family, "options": (("size", self._name()),)} if family else {}
            product = self.fixtures.product(self._name(), units=self.rng.choice([0, 0, 3]), **options)
            self.done["created"] += bool(product)

    def _edit(self) -> None:
        if product := self._free():
            category = self.rng.choice([None, *self._category_ids()])
            changes = ProductChanges(name=self._name(), category_id=category)
            self.shop.catalog.edit_product(SYSTEM, product.id, changes)
            self.done["edited"] += 1

    def _remove(self) -> None:
        if product := self._free():
            self.shop.catalog.remove_product(SYSTEM, product.id)
            self.done["removed"] += 1

    def _restore(self) -> None:
        gone = [id_ for copy in self.copies for id_ in copy.products if id_ not in {p.id for p in self._products()}]
        if gone:
            with suppress(ProductNotFound):
                self.shop.catalog.restore_product(SYSTEM, self.rng.choice(gone))
                self.done["restored"] += 1

    def _import(self) -> None:
        """Many products at one version."""
        self.end_all()
        price = Money(self.rng.randint(1, 99), "EUR")
        if rows := [ProductDetails(each.sku, each.name, price) for each in self._products()]:
            self.shop.catalog.import_products(SYSTEM, rows)
            self.done["imported"] += 1

    def _change_category(self) -> None:
        ids = self._category_ids()
        if len(ids) < 3:
            self.shop.catalog.create_category(SYSTEM, self._name())
        elif self.rng.random() < 0.5:
            self.shop.catalog.edit_category(SYSTEM, self.rng.choice(ids), CategoryChanges(name=self._name()))
        else:
            with suppress(CategoryInUse):
                self.shop.catalog.remove_category(SYSTEM, self.rng.choice(ids))
        self.done["categories changed"] += 1

    def _rename_family(self) -> None:
        self.shop.families.edit(SYSTEM, self.rng.choice(self._families), self._name())
        self.done["family renamed"] += 1

    def _pass_time(self) -> None:
        self.clock.move(timedelta(days=self.rng.choice([1, 20, 60])))
        self.shop.catalog.purge_changes()
        self.done["forgot"] += 1

    def backup(self) -> dict[str, Any]:
        """All tables, and the feed."""
        store = vars(self.adapters._store)
        tables = {name: shallow(table) for name, table in store.items() if isinstance(table, dict)}
        return {**tables, "feed": {key: shallow(value) for key, value in vars(store["feed"]).items()}}

    def set_back_to(self, backup: dict[str, Any]) -> None:
        """All tables, and the feed."""
        store = vars(self.adapters._store)
        for name, table in backup.items():
            there = vars(store["feed"]) if name == "feed" else store[name]
            there.clear()
            there.update({key: shallow(value) for key, value in table.items()} if name == "feed" else table)

    def _free(self) -> Product | None:
        """A product that no open unit of work edits."""
        free = [each for each in self._products() if not self.is_held(each.id)]
        return self.rng.choice(free) if free else None

    def _products(self) -> list[Product]:
        products, _ = shown_by(self.shop)
        return [product for product, _ in products.values()]

    def _category_ids(self) -> list[UUID]:
        return [entry.category.id for entry in self.shop.catalog.categories(OffsetRequest()).items]

    def _name(self) -> str:
        return f"{self.rng.getrandbits(40):x}"


# ---- mistakes that must be found


def _answer(change: Callable[[FeedPosition | None, FeedView, int], CatalogChanges]) -> list[Patch]:
    return [(service, "changes_after", change)]


def _version_alone() -> list[Patch]:
    def answer(position: FeedPosition | None, view: FeedView, limit: int) -> CatalogChanges:
        right = changes_after(position, view, limit)
        beyond = replace(FeedPosition.of(right.cursor), product_id=UUID(int=2**128 - 1))
        return replace(right, cursor=beyond.cursor)

    return _answer(answer)


def _version_at_start() -> list[Patch]:
    def change(self: Transaction, product_ids: Any = (), *, has_categories: bool = False) -> None:
        self.feed.advance(product_ids, self._store.clock(), has_categories=has_categories)

    return [(Transaction, "change_catalog", change)]


def _no_stamps() -> list[Patch]:
    def answer(position: FeedPosition | None, view: FeedView, limit: int) -> CatalogChanges:
        return changes_after(position, replace(view, knows_position=True), limit)

    return _answer(answer)


def _forgotten_unnoticed() -> list[Patch]:
    def answer(position: FeedPosition | None, view: FeedView, limit: int) -> CatalogChanges:
        return changes_after(position, replace(view, knows_position=True, purged=0), limit)

    return _answer(answer)


def _base_moves() -> list[Patch]:
    def answer(position: FeedPosition | None, view: FeedView, limit: int) -> CatalogChanges:
        right = changes_after(position, view, limit)
        return replace(right, cursor=replace(FeedPosition.of(right.cursor), base=view.version).cursor)

    return _answer(answer)


MISTAKES = (
    Mutant("version-alone", "the cursor is a version, and a page ends among products of one", _version_alone),
    Mutant("version-at-start", "a change has the version of its beginning, not of its commit", _version_at_start),
    Mutant("no-stamps", "lost changes are not distinguished from others at the same version", _no_stamps),
    Mutant("forgotten-unnoticed", "a copy that is too old goes on", _forgotten_unnoticed),
    Mutant("base-moves", "a copy counts as complete before it is", _base_moves),
)


CHECK = Check("catalog_feed", CatalogSchedule, MISTAKES, KeyError, tried_with=20_000)

if __name__ == "__main__":
    sys.exit(CHECK.main(__doc__))
