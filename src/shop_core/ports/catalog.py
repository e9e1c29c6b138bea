"""Storage of categories and products."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from shop_core.catalog.changes import FeedPosition, FeedView
from shop_core.catalog.families import Family
from shop_core.catalog.model import CatalogEntry, Category, CategoryEntry, Offer, Product
from shop_core.catalog.search import ProductQuery
from shop_core.pagination import OffsetRequest, Page, PageRequest


class Categories(Protocol):
    """The categories of the catalog."""

    def add(self, category: Category) -> None:
        """Store a new category. Raises SlugTaken; CategoryNotFound when its parent is not there."""

    def get(self, category_id: UUID) -> CategoryEntry | None: ...

    def by_slug(self, slugs: Iterable[str]) -> dict[str, Category]:
        """Those of `slugs` that exist."""

    def page(self, page_request: OffsetRequest) -> Page[CategoryEntry]:
        """All categories by slug."""

    def all(self) -> Sequence[CategoryEntry]:
        """All categories by slug, on one page."""

    def lock_all(self) -> dict[UUID, Category]:
        """The whole tree, read after it was locked until the end of this unit of work. Nobody adds to it meanwhile."""

    def update(self, category: Category) -> None:
        """Store a category that changed. Raises SlugTaken; CategoryNotFound when its parent is not there."""

    def remove(self, category_id: UUID) -> None:
        """Delete a category. Raises CategoryInUse, also if something is put into it meanwhile; CategoryNotFound."""


class Families(Protocol):
    """Families of products."""

    def add(self, family: Family) -> None: ...

    def get(self, family_id: UUID) -> Family | None: ...

    def get_all(self, family_ids: Iterable[UUID]) -> dict[UUID, Family]:
        """Those that exist."""

    def page(self, page_request: OffsetRequest) -> Page[Family]:
        """All families, newest first."""

    def all(self) -> Sequence[Family]:
        """All families, on one page."""

    def lock_all(self) -> dict[UUID, Family]:
        """All families, read after they were locked until the end of this unit of work. Nobody adds one meanwhile."""

    def lock(self, family_id: UUID) -> Family | None:
        """The family, read after it was locked until the end of this unit of work."""

    def update(self, family: Family) -> None:
        """Store a family that changed."""

    def remove(self, family_id: UUID) -> None:
        """Delete a family. Raises FamilyInUse, also if something is put into it meanwhile; FamilyNotFound."""


class Products(Protocol):
    """What the shop sells. Adding a product opens its stock level at zero."""

    def add_all(self, products: Sequence[Product]) -> None:
        """Store new products, all or none. Raises SkuTaken; OptionsTaken; CategoryNotFound; FamilyNotFound."""

    def update_all(self, products: Sequence[Product]) -> None:
        """Store products that changed, all or none. Raises SkuTaken; OptionsTaken; CategoryNotFound; FamilyNotFound."""

    def get(self, product_id: UUID) -> CatalogEntry | None:
        """The product as the catalog shows it; archived ones are not in the catalog."""

    def get_all(self, product_ids: Iterable[UUID]) -> dict[UUID, Product]:
        """Those that exist, archived ones included."""

    def in_families(self, family_ids: Iterable[UUID]) -> Sequence[Product]:
        """The products in the catalog that belong to these families."""

    def offers(self, product_ids: Iterable[UUID]) -> dict[UUID, Offer]:
        """The offers of those that are sold: archived products are not."""

    def lock(self, product_id: UUID) -> Product | None:
        """The product, also an archived one, read after it was locked until the end of this unit of work."""

    def remove(self, product_id: UUID) -> None:
        """Delete a product and its stock level. Nothing may refer to it; its stock must be locked."""

    def lock_by_sku(self, skus: Iterable[str]) -> dict[str, Product]:
        """Those that exist, archived ones included, locked for editing until the end of this unit of work."""

    def page(self, query: ProductQuery, page_request: PageRequest) -> Page[CatalogEntry]:
        """The products in the catalog that match `query`."""


class CatalogFeed(Protocol):
    """Which products changed at which version of the catalog.

    A unit of work that changes categories, products, or families with products in them raises the version, last before
    its commit, and so that versions are visible in their order. A change that is rolled back leaves no trace.
    """

    def read(self, position: FeedPosition | None, limit: int) -> FeedView | None:
        """What changed behind a position, all of one moment. To be called first in a unit of work.

        Args:
            position: None: everything.
            limit: of changes; see `FeedView.changed`.

        Returns:
            None: something changed the catalog without a record of what, e.g. a server of an earlier version: `renew`
            first.
        """

    def renew(self, *, is_forced: bool) -> None:
        """Record anew what is in the catalog, and end every position that was given out.

        Args:
            is_forced: also if every change is recorded.
        """

    def purge(self, before: datetime) -> None:
        """Forget what left the catalog before then. Positions that need it end."""
