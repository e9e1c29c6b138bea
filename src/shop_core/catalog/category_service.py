"""The categories of the catalog."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from shop_core.accounts.model import Actor, Role
from shop_core.catalog.model import Category, CategoryChanges, CategoryEntry
from shop_core.catalog.tree import CategoryNode, check_place, free_slug, nested
from shop_core.errors import CategoryNotFound
from shop_core.idempotency import Key, fields_of, made_before
from shop_core.pagination import OffsetRequest, Page
from shop_core.ports import Begin, NewId
from shop_core.text import normalized


class CategoryService:
    """The part of `CatalogService` that is about categories.

    Every `key` makes a retry safe; see `IdempotencyKey`.
    """

    def __init__(self, begin: Begin, new_id: NewId) -> None:
        self._begin = begin
        self._new_id = new_id

    def category(self, category_id: UUID) -> CategoryEntry:
        """A category.

        Raises:
            CategoryNotFound
        """
        with self._begin() as uow:
            entry = uow.categories.get(category_id)
        if entry is None:
            raise CategoryNotFound(category_id)
        return entry

    def category_by_slug(self, slug: str) -> CategoryEntry | None:
        """The category with that slug, if there is one."""
        with self._begin() as uow:
            found = uow.categories.by_slug([slug]).get(slug)
            return uow.categories.get(found.id) if found else None

    def categories(self, page_request: OffsetRequest) -> Page[CategoryEntry]:
        """All categories, by slug."""
        with self._begin() as uow:
            return uow.categories.page(page_request)

    def category_tree(self, page_request: OffsetRequest) -> Page[CategoryNode]:
        """The categories at the top, by slug, each with everything below it."""
        with self._begin() as uow:
            roots = nested(uow.categories.all())
        return Page(roots[page_request.offset : page_request.offset + page_request.limit], count=len(roots))

    def create_category(
        self, actor: Actor, name: str, slug: str | None = None, parent_id: UUID | None = None, *, key: Key = None
    ) -> CategoryEntry:
        """Add a category. Staff only.

        Args:
            slug: None makes one of the name.

        Raises:
            Unauthenticated, Forbidden: the actor is not staff.
            SlugTaken, CategoryNotFound (the parent), Invalid
            KeyReused: the key was used for another request, or for a category that is not there any more.
        """
        actor.require(Role.STAFF)
        made, asked = self._new_id(), ("create category", name, slug, parent_id)
        with self._begin() as uow:
            if key and key.claim(uow.keys.claim, actor.account_id, *asked, removable_id=made):
                return made_before(uow.categories.get(key.result_id), key)
            tree = uow.categories.lock_all()
            free = free_slug(name, {each.slug for each in tree.values()}) if slug is None else slug
            category = Category(made, normalized(name), free, parent_id)
            check_place(category, tree)
            uow.categories.add(category)
        return CategoryEntry(category, product_count=0)

    def edit_category(
        self, actor: Actor, category_id: UUID, changes: CategoryChanges, *, key: Key = None
    ) -> CategoryEntry:
        """Rename or move a category, with everything that is in it and below it. Staff only.

        Raises:
            Unauthenticated, Forbidden: the actor is not staff.
            CategoryNotFound: it, or its new parent.
            CategoryCycle: the new parent is the category itself or below it.
            SlugTaken, Invalid, KeyReused
        """
        actor.require(Role.STAFF)
        with self._begin() as uow:
            is_replay = key is not None and key.claim(
                uow.keys.claim, actor.account_id, "edit category", category_id, *fields_of(changes)
            )
            # All of them: two moves, each valid alone, could close a cycle together.
            tree = uow.categories.lock_all()
            if category_id not in tree:
                raise CategoryNotFound(category_id)
            edited = tree[category_id] if is_replay else tree[category_id].edited(changes)
            if edited is not tree[category_id]:
                check_place(edited, tree)
                uow.categories.update(edited)
            entry = uow.categories.get(category_id)
        return entry or CategoryEntry(edited, product_count=0)

    def remove_category(self, actor: Actor, category_id: UUID, *, key: Key = None) -> None:
        """Remove an empty category. Staff only.

        Raises:
            Unauthenticated, Forbidden: the actor is not staff.
            CategoryInUse: products of the catalog are in it, or categories below it.
            CategoryNotFound, KeyReused
        """
        actor.require(Role.STAFF)
        with self._begin() as uow:
            if key and key.claim(uow.keys.claim, actor.account_id, "remove category", category_id):
                return
            uow.categories.remove(category_id)

    def ensure_categories(self, actor: Actor, names_by_slug: Mapping[str, str]) -> dict[str, Category]:
        """The categories with these slugs; those that are missing are added with the given name. Staff only.

        Raises:
            Unauthenticated, Forbidden: the actor is not staff.
            Invalid
        """
        actor.require(Role.STAFF)
        with self._begin() as uow:
            found = uow.categories.by_slug(names_by_slug)
            if names_by_slug.keys() - found.keys():  # read again under the lock: somebody else may be making them
                tree = uow.categories.lock_all().values()
                found = {each.slug: each for each in tree if each.slug in names_by_slug}
            for slug, name in sorted(names_by_slug.items()):
                if slug not in found:
                    found[slug] = Category(self._new_id(), normalized(name), slug)
                    uow.categories.add(found[slug])
        return found
