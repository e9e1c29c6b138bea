"""Browsing the catalog, and keeping it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from shop_core.accounts.model import Actor, Role
from shop_core.catalog.model import (
    CatalogEntry,
    Category,
    CategoryEntry,
    Product,
    ProductDetails,
    ProductQuery,
)
from shop_core.errors import CategoryNotFound, Fault, Invalid, ProductNotFound
from shop_core.pagination import Numbered, Page, Piece
from shop_core.ports import Begin, Clock, NewId
from shop_core.text import normal


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of the rows of an import, as products."""

    created: tuple[Product, ...]
    updated: tuple[Product, ...]
    unchanged: tuple[Product, ...]

    @property
    def all(self) -> tuple[Product, ...]:
        """All products that the rows named."""
        return self.created + self.updated + self.unchanged


class CatalogService:
    """Products and categories."""

    def __init__(self, begin: Begin, clock: Clock, new_id: NewId, currency: str) -> None:
        self._begin = begin
        self._clock = clock
        self._new_id = new_id
        self._currency = currency

    def product(self, product_id: UUID) -> CatalogEntry:
        """A product of the catalog.

        Raises:
            ProductNotFound: there is none, or it was archived.
        """
        with self._begin() as work:
            entry = work.products.get(product_id)
        if entry is None:
            raise ProductNotFound(product_id)
        return entry

    def products(self, query: ProductQuery, piece: Piece) -> Page[CatalogEntry]:
        """The products that match `query`, a piece at a time.

        Raises:
            InvalidCursor: the cursor was not made by this list in this sort.
        """
        with self._begin() as work:
            return work.products.page(query, piece)

    def category(self, category_id: UUID) -> CategoryEntry:
        """A category.

        Raises:
            CategoryNotFound
        """
        with self._begin() as work:
            entry = work.categories.get(category_id)
        if entry is None:
            raise CategoryNotFound(category_id)
        return entry

    def categories(self, piece: Numbered) -> Page[CategoryEntry]:
        """All categories, by slug."""
        with self._begin() as work:
            return work.categories.page(piece)

    def create_product(self, actor: Actor, details: ProductDetails) -> CatalogEntry:
        """Put a new product into the catalog, with nothing in stock. Staff only.

        Raises:
            Unauthenticated, Forbidden: the actor is not staff.
            SkuTaken, CategoryNotFound, Invalid
        """
        actor.require(Role.STAFF)
        self._check_currency(details)
        product = details.product(self._new_id(), self._clock())
        with self._begin() as work:
            work.products.add_all([product])
        return CatalogEntry(product, available=0)

    def create_category(self, actor: Actor, name: str, slug: str, parent_id: UUID | None = None) -> CategoryEntry:
        """Add a category. Staff only.

        Raises:
            Unauthenticated, Forbidden: the actor is not staff.
            SlugTaken, CategoryNotFound (the parent), Invalid
        """
        actor.require(Role.STAFF)
        category = Category(self._new_id(), normal(name), slug, parent_id)
        with self._begin() as work:
            work.categories.add(category)
        return CategoryEntry(category, product_count=0)

    def ensure_categories(self, actor: Actor, names_by_slug: Mapping[str, str]) -> dict[str, Category]:
        """The categories with these slugs; those that are missing are added with the given name. Staff only.

        Raises:
            Unauthenticated, Forbidden: the actor is not staff.
            Invalid
        """
        actor.require(Role.STAFF)
        with self._begin() as work:
            found = work.categories.by_slug(names_by_slug)
            for slug, name in sorted(names_by_slug.items()):
                if slug not in found:
                    found[slug] = Category(self._new_id(), normal(name), slug)
                    work.categories.add(found[slug])
        return found

    def import_products(self, actor: Actor, rows: Sequence[ProductDetails]) -> Imported:
        """Bring products to what `rows` say, by SKU, all or none: new ones are created, others edited.

        A product that was archived stays so. Importing the same rows again changes nothing. Staff only.

        Raises:
            Unauthenticated, Forbidden: the actor is not staff.
            Invalid: a SKU stands in two rows.
            CategoryNotFound
        """
        actor.require(Role.STAFF)
        by_sku = {row.sku: row for row in rows}
        if len(by_sku) < len(rows):
            raise Invalid(Fault("sku", "stands in two rows of one import", "duplicate"))
        for row in rows:
            self._check_currency(row)
        now = self._clock()
        with self._begin() as work:
            known = work.products.lock_by_sku(by_sku)
            created = [row.product(self._new_id(), now) for sku, row in by_sku.items() if sku not in known]
            edited = [(known[sku], known[sku].edited(row, now)) for sku, row in by_sku.items() if sku in known]
            updated = [after for before, after in edited if after is not before]
            work.products.add_all(created)
            work.products.update_all(updated)
        unchanged = [after for before, after in edited if after is before]
        return Imported(tuple(created), tuple(updated), tuple(unchanged))

    def _check_currency(self, details: ProductDetails) -> None:
        if details.price.currency != self._currency:
            rule = f"must be in {self._currency}, the currency of this shop"
            raise Invalid(Fault("price", rule, "wrong_currency"))
