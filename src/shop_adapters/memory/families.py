"""Families of products, in memory."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from uuid import UUID

from shop_adapters.memory.transaction import Transaction
from shop_core.catalog.families import Family
from shop_core.errors import FamilyInUse, FamilyNotFound
from shop_core.pagination import OffsetRequest, Page

_ADDING = "adding"
"""Locked beside the rows by whoever adds one."""


class MemoryFamilies:
    """`shop_core.ports.Families`."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def add(self, family: Family) -> None:
        """Store a new family."""
        with self._transaction.statement():
            self._transaction.claim("families", (_ADDING,))
            self._transaction.insert(self._transaction.families, {family.id: family})

    def get(self, family_id: UUID) -> Family | None:
        """The family, if there is one."""
        return self.get_all([family_id]).get(family_id)

    def get_all(self, family_ids: Iterable[UUID]) -> dict[UUID, Family]:
        """Those that exist."""
        requested = list(family_ids)
        with self._transaction.statement():
            return self._transaction.families.get_all(requested)

    def page(self, page_request: OffsetRequest) -> Page[Family]:
        """All families, newest first."""
        newest_first = self.all()
        end = page_request.offset + page_request.limit
        return Page(tuple(newest_first[page_request.offset : end]), count=len(newest_first))

    def all(self) -> Sequence[Family]:
        """All families, newest first."""
        with self._transaction.statement():
            families = self._transaction.families.all()
        return [families[family_id] for family_id in sorted(families, reverse=True)]

    def lock_all(self) -> dict[UUID, Family]:
        """All families, read after they were locked until the end of this unit of work. Nobody adds one meanwhile."""
        with self._transaction.statement():
            ids = self._transaction.lock_order.enter("families", self._transaction.families.all())
            self._transaction.claim("families", (_ADDING, *ids))
            return self._transaction.families.all()

    def lock(self, family_id: UUID) -> Family | None:
        """The family, read after it was locked until the end of this unit of work."""
        self._transaction.lock_order.enter("families", [family_id])
        with self._transaction.statement():
            self._transaction.claim("families", (family_id,))
        return self.get(family_id)

    def update(self, family: Family) -> None:
        """Store a family that changed."""
        with self._transaction.statement():
            self._transaction.families.put(family.id, family)
            products = self._transaction.products.all().values()
            self._transaction.change_catalog(each.id for each in products if each.family_id == family.id)

    def remove(self, family_id: UUID) -> None:
        """Forget a family. Raises FamilyInUse, also if something is put into it meanwhile; FamilyNotFound."""
        if self.lock(family_id) is None:
            raise FamilyNotFound(family_id)
        with self._transaction.statement():
            self._check_unused(family_id)
            self._transaction.families.remove(family_id)
            self._transaction.at_commit(partial(self._check_unused, family_id))

    def _check_unused(self, family_id: UUID) -> None:
        products = self._transaction.products.all().values()
        if members := sum(product.family_id == family_id for product in products):
            raise FamilyInUse(family_id, members)
