"""What changed in the catalog."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from shop_core.catalog.changes import CatalogChanges
from shop_core.catalog.model import Category
from shop_http.schemas.catalog import ProductBody, UrlOf
from shop_http.schemas.common import Timestamp


class CategoryInCopy(Struct, kw_only=True):
    """A category. How many products are in it is seen from the products."""

    id: UUID
    name: str
    slug: str
    parent: UUID | UnsetType = UNSET

    @classmethod
    def of(cls, category: Category) -> CategoryInCopy:
        """The schema of `category`."""
        return cls(id=category.id, name=category.name, slug=category.slug, parent=category.parent_id or UNSET)


class CatalogChangesBody(Struct, kw_only=True):
    """What to change in a copy of the catalog. When `has_more` is false, the copy is the catalog of one moment.

    `results` are products as they are now. `gone` are ids of products that left the catalog. What is in neither stays
    as it is. `categories` are there if any changed, and then they are all that there are. `next_cursor` is the `after`
    to go on with, at once or tomorrow.
    """

    results: tuple[ProductBody, ...]
    gone: tuple[UUID, ...]
    categories: tuple[CategoryInCopy, ...] | UnsetType = UNSET
    next_cursor: Annotated[str, Meta(description="opaque")]
    has_more: bool
    server_now: Timestamp

    @classmethod
    def of(cls, changes: CatalogChanges, url_of: UrlOf) -> CatalogChangesBody:
        """The schema of `changes`."""
        return cls(
            results=tuple(ProductBody.of(entry, url_of) for entry in changes.products),
            gone=changes.gone,
            categories=UNSET if changes.categories is None else tuple(map(CategoryInCopy.of, changes.categories)),
            next_cursor=changes.cursor,
            has_more=changes.has_more,
            server_now=changes.at,
        )
