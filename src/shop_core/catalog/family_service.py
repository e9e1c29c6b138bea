"""Families of products, as the catalog shows them and staff manage them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

from shop_core.accounts.model import Actor, Role
from shop_core.catalog.families import Family
from shop_core.catalog.model import UNCHANGED, Unchanged
from shop_core.errors import FamilyNotFound, check_version
from shop_core.idempotency import Key, made_before
from shop_core.pagination import OffsetRequest, Page
from shop_core.ports import Begin, NewId
from shop_core.text import normalized


class FamilyService:
    """Families. A product joins one by its details: see `ProductDetails`."""

    def __init__(self, begin: Begin, new_id: NewId) -> None:
        self._begin = begin
        self._new_id = new_id

    def get(self, family_id: UUID) -> Family:
        """A family.

        Raises:
            FamilyNotFound
        """
        with self._begin() as uow:
            family = uow.families.get(family_id)
        if family is None:
            raise FamilyNotFound(family_id)
        return family

    def page(self, page_request: OffsetRequest) -> Page[Family]:
        """All families, newest first."""
        with self._begin() as uow:
            return uow.families.page(page_request)

    def create(
        self,
        actor: Actor,
        name: str,
        option_names: Sequence[str] = (),
        description: str = "",
        *,
        key: Key = None,
    ) -> Family:
        """Add a family. Staff only.

        Args:
            option_names: what its products differ by, three at most; they never change.
            key: makes a retry safe; see `IdempotencyKey`. The same for the methods below.

        Raises:
            Unauthenticated, Forbidden: the actor is not staff.
            Invalid
            KeyReused: the key was used for another request, or for a family that is not there any more.
        """
        actor.require(Role.STAFF)
        names = tuple(map(normalized, option_names))
        family = Family(self._new_id(), normalized(name), names, normalized(description))
        asked = ("create family", family.name, family.description, *names)
        with self._begin() as uow:
            if key and key.claim(uow.keys.claim, actor.account_id, *asked, removable_id=family.id):
                return made_before(uow.families.get(key.result_id), key)
            uow.families.add(family)
        return family

    def edit(
        self,
        actor: Actor,
        family_id: UUID,
        name: str | Unchanged = UNCHANGED,
        description: str | Unchanged = UNCHANGED,
        versions: Collection[int] | None = None,
        *,
        key: Key = None,
    ) -> Family:
        """Change name or description. Staff only.

        Args:
            versions: the change is refused unless one of these is the newest; None: any.

        Raises:
            Unauthenticated, Forbidden: the actor is not staff.
            FamilyNotFound, Stale, Invalid, KeyReused
        """
        actor.require(Role.STAFF)
        with self._begin() as uow:
            asked = ("edit family", family_id, str(name), str(description))
            is_replay = key is not None and key.claim(uow.keys.claim, actor.account_id, *asked)
            family = uow.families.lock(family_id)
            if family is None:
                raise FamilyNotFound(family_id)
            edited = family if is_replay else family.edited(name, description)
            if edited is not family:
                check_version(family.version, versions)
                uow.families.update(edited)
        return edited

    def remove(self, actor: Actor, family_id: UUID, *, key: Key = None) -> None:
        """Remove a family without products. Staff only.

        Raises:
            Unauthenticated, Forbidden: the actor is not staff.
            FamilyNotFound
            FamilyInUse: products belong to it.
            KeyReused
        """
        actor.require(Role.STAFF)
        with self._begin() as uow:
            if key and key.claim(uow.keys.claim, actor.account_id, "remove family", family_id):
                return
            uow.families.remove(family_id)
