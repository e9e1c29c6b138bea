"""Browsing and editing the catalog."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from uuid import UUID

from shop_core.accounts.model import Actor, Role
from shop_core.catalog.category_service import CategoryService
from shop_core.catalog.changes import KEPT, CatalogChanges, FeedPosition, changes_after
from shop_core.catalog.families import sorted_options
from shop_core.catalog.images import keys_of
from shop_core.catalog.importing import ImportPlan, ImportResult, ProductImport
from shop_core.catalog.model import (
    CatalogEntry,
    ImportRow,
    Product,
    ProductChanges,
    ProductDetails,
    check_currency,
)
from shop_core.catalog.search import ProductQuery
from shop_core.errors import Busy, ProductNotFound, SkuTaken, Versions, check_version
from shop_core.idempotency import Key, fields_of, made_before
from shop_core.pagination import LIMIT_DEFAULT, CursorRequest, Page, PageRequest
from shop_core.ports import Begin, Clock, NewId, UnitOfWork
from shop_core.text import normalized_code


class CatalogService(CategoryService):
    """Products and categories."""

    def __init__(self, begin: Begin, clock: Clock, new_id: NewId, currency: str) -> None:
        super().__init__(begin, new_id)
        self._clock = clock
        self._currency = currency

    def product(self, product_id: UUID) -> CatalogEntry:
        """A product of the catalog.

        Raises:
            ProductNotFound: there is none, or it was archived.
        """
        with self._begin() as uow:
            return _found(uow.products.get(product_id), product_id)

    def product_by_sku(self, sku: str) -> CatalogEntry | None:
        """The product of the catalog with that SKU, if there is one."""
        with self._begin() as uow:
            return next(iter(uow.products.page(ProductQuery(sku=sku), CursorRequest(1)).items), None)

    def stored_product(self, actor: Actor, product_id: UUID) -> Product:
        """A product, also one that was archived. Staff only.

        Raises:
            Unauthenticated, Forbidden: the actor is not staff.
            ProductNotFound: there is none.
        """
        actor.require(Role.STAFF)
        with self._begin() as uow:
            product = uow.products.get_all([product_id]).get(product_id)
        if product is None:
            raise ProductNotFound(product_id)
        return product

    def stored_product_by_sku(self, actor: Actor, sku: str) -> Product | None:
        """The product with that SKU, also one that was archived, if there is one. Staff only.

        Raises:
            Unauthenticated, Forbidden: the actor is not staff.
        """
        actor.require(Role.STAFF)
        if (entry := self.product_by_sku(sku)) is not None:
            return entry.product
        with self._begin() as uow:  # few are archived, so few are locked just to be read
            return uow.products.lock_by_sku([normalized_code(sku)]).get(normalized_code(sku))

    def products(self, query: ProductQuery, page_request: PageRequest) -> Page[CatalogEntry]:
        """The products that match `query`, one page at a time.

        Raises:
            InvalidCursor: the cursor was not made by this list in this sort.
        """
        with self._begin() as uow:
            return uow.products.page(query, page_request)

    def low_stock(self, actor: Actor, page_request: PageRequest) -> Page[CatalogEntry]:
        """The products of which fewer can be sold than their low stock level, newest first. Staff only.

        Raises:
            Unauthenticated, Forbidden: the actor is not staff.
        """
        actor.require(Role.STAFF)
        return self.products(ProductQuery(low_stock=True), page_request)

    def changes(self, after: str | None = None, limit: int = LIMIT_DEFAULT) -> CatalogChanges:
        """What changed in the catalog after a cursor, for those who keep a copy of it; see `CatalogChanges`.

        Sales are no changes: a product's units are those of now, and go on changing without a mention here.

        Args:
            after: `CatalogChanges.cursor` of the answer before; None: the whole catalog.
            limit: how many products to show at most, from 1 to 200.

        Raises:
            Invalid: `limit` is not in 1..200.
            InvalidCursor: the cursor was not made by this.
            CursorExpired: it is older than 90 days, or the shop was restored from a backup since: begin without one.
        """
        limit, position = CursorRequest(limit).limit, None if after is None else FeedPosition.of(after)
        for _ in range(2):
            with self._begin() as uow:
                view = uow.catalog_feed.read(position, limit)
            if view is not None:
                return changes_after(position, view, limit)
            self._renew_feed(is_forced=False)
        raise Busy

    def purge_changes(self) -> None:
        """Forget what left the catalog 90 days ago.

        To be called now and then, by any number of processes.
        """
        with self._begin() as uow:
            uow.catalog_feed.purge(uow.now() - KEPT)

    def touch(self, actor: Actor) -> None:
        """End every cursor of `changes`, so that all copies are made anew: after rows were changed by hand. Admins
        only.

        Raises:
            Unauthenticated, Forbidden: the actor is no admin.
        """
        actor.require(Role.ADMIN)
        self._renew_feed(is_forced=True)

    def _renew_feed(self, *, is_forced: bool) -> None:
        with self._begin() as uow:
            uow.catalog_feed.renew(is_forced=is_forced)

    def create_product(self, actor: Actor, details: ProductDetails, *, key: Key = None) -> CatalogEntry:
        """Add a product to the catalog, with nothing in stock. Staff only.

        Args:
            key: makes a retry safe; see `IdempotencyKey`. The same for the methods below.

        Raises:
            Unauthenticated, Forbidden: the actor is not staff.
            SkuTaken, OptionsTaken, CategoryNotFound, FamilyNotFound, Invalid
            KeyReused: the key was used for another request, or for a product that is not there any more.
        """
        actor.require(Role.STAFF)
        check_currency(details, self._currency)
        made, asked = self._new_id(), ("create product", *fields_of(details))
        with self._naming_archived(), self._begin() as uow:
            if key and key.claim(uow.keys.claim, actor.account_id, *asked, removable_id=made):
                return made_before(uow.products.get(key.result_id), key)
            details, family_name = _in_family(uow, details)
            product = details.product(made, self._clock())
            uow.products.add_all([product])
        return CatalogEntry(product, 0, family_name)

    def replace_product(
        self, actor: Actor, product_id: UUID, details: ProductDetails, versions: Versions = None, *, key: Key = None
    ) -> CatalogEntry:
        """Replace every detail of a product. Staff only.

        Args:
            versions: the change is refused unless one of these is the newest; None: any. If nothing would change, any.

        Raises:
            Unauthenticated, Forbidden: the actor is not staff.
            Stale: it was edited since.
            ProductNotFound, SkuTaken, OptionsTaken, CategoryNotFound, FamilyNotFound, Invalid, KeyReused
        """
        return self._edit_product(
            actor, product_id, lambda _: details, versions, key, ["replace product", *fields_of(details)]
        )

    def edit_product(
        self, actor: Actor, product_id: UUID, changes: ProductChanges, versions: Versions = None, *, key: Key = None
    ) -> CatalogEntry:
        """Change some details of a product. Staff only.

        Args:
            versions: the change is refused unless one of these is the newest; None: any. If nothing would change, any.

        Raises:
            Unauthenticated, Forbidden: the actor is not staff.
            Stale: it was edited since.
            ProductNotFound, SkuTaken, OptionsTaken, CategoryNotFound, FamilyNotFound, Invalid, KeyReused
        """
        return self._edit_product(
            actor, product_id, changes.details, versions, key, ["edit product", *fields_of(changes)]
        )

    def remove_product(self, actor: Actor, product_id: UUID, versions: Versions = None, *, key: Key = None) -> None:
        """Remove a product from the catalog. Staff only.

        If the stock ledger names it, it is archived, since orders refer to it. Otherwise it is deleted, and its SKU is
        free again. Its stock is locked before the ledger is read, as placing does: an order at the same moment comes
        before, so that the product is archived, or it finds the product unknown. To remove an archived one changes
        nothing.

        Args:
            versions: the change is refused unless one of these is the newest; None: any.

        Raises:
            Unauthenticated, Forbidden: the actor is not staff.
            Stale: it was edited since.
            ProductNotFound: there is none.
            KeyReused
        """
        actor.require(Role.STAFF)
        with self._begin() as uow:
            if key and key.claim(uow.keys.claim, actor.account_id, "remove product", product_id):
                return
            uow.stock.lock([product_id])
            product = uow.products.lock(product_id)
            if product is None:
                raise ProductNotFound(product_id)
            if product.archived_at is not None:
                return
            check_version(product.version, versions)
            has_ledger = bool(uow.stock.movements(product_id, CursorRequest(1)).items)
            now = self._clock()
            if has_ledger:
                uow.products.update_all([product.archived(now)])
            else:
                uow.products.remove(product_id)
                if product.images:
                    uow.media_files.note(keys_of(product.images))

    def import_products(
        self,
        actor: Actor,
        rows: Sequence[ProductDetails | ImportRow],
        *,
        preview: bool = False,
        plan: ImportPlan | None = None,
    ) -> ImportResult:
        """Create or edit products by SKU, so that they are as `rows` say: all or none.

        What a row does not mention stays as it is. Categories and families that are missing are made. A product that
        had left the catalog is restored. Importing the same rows again changes nothing. Staff only.

        Args:
            preview: change nothing, only tell what would become of the rows.
            plan: of a preview: what earlier rows of the same file would have changed.

        Raises:
            Unauthenticated, Forbidden: the actor is not staff.
            Invalid: a SKU stands in two rows; and, unless this is a preview: a detail breaks its rule, a category or a
                family is ambiguous, options are not those of the family, or another product has them.
            CategoryNotFound, FamilyNotFound
        """
        actor.require(Role.STAFF)
        planned = (plan or ImportPlan()) if preview else None
        with self._begin() as uow:
            return ProductImport(uow, self._clock(), self._new_id, self._currency, planned).run(rows)

    def restore_product(
        self, actor: Actor, product_id: UUID, versions: Versions = None, *, key: Key = None
    ) -> CatalogEntry:
        """Put a product that was archived back into the catalog, in no category; one that is there stays. Staff only.

        Args:
            versions: the change is refused unless one of these is the newest; None: any.

        Raises:
            Unauthenticated, Forbidden: the actor is not staff.
            Stale: it was edited since.
            ProductNotFound: there is none.
            KeyReused
        """
        actor.require(Role.STAFF)
        with self._begin() as uow:
            is_replay = key is not None and key.claim(uow.keys.claim, actor.account_id, "restore product", product_id)
            product = uow.products.lock(product_id)
            if product is None or (is_replay and product.archived_at):
                raise ProductNotFound(product_id)
            restored = product.restored(self._clock())
            if restored is not product:
                check_version(product.version, versions)
                uow.products.update_all([restored])
            return _found(uow.products.get(product_id), product_id)

    @contextmanager
    def _naming_archived(self) -> Iterator[None]:
        """Around a unit of work: whoever is refused a SKU learns which product to restore, if nobody can find it."""
        try:
            yield
        except SkuTaken as taken:
            with self._begin() as uow:
                owner = uow.products.lock_by_sku([taken.sku]).get(taken.sku)
            if owner is None or owner.archived_at is None:
                raise
            raise SkuTaken(taken.sku, owner.id) from None

    def _edit_product(
        self,
        actor: Actor,
        product_id: UUID,
        details_of: Callable[[Product], ProductDetails],
        versions: Versions,
        key: Key,
        asked: Iterable[str],
    ) -> CatalogEntry:
        actor.require(Role.STAFF)
        with self._naming_archived(), self._begin() as uow:
            is_replay = key is not None and key.claim(uow.keys.claim, actor.account_id, product_id, *asked)
            product = uow.products.lock(product_id)
            if product is None or product.archived_at is not None:
                raise ProductNotFound(product_id)
            if is_replay:
                return _found(uow.products.get(product_id), product_id)
            details, family_name = _in_family(uow, details_of(product))
            check_currency(details, self._currency)
            edited = product.edited(details, self._clock())
            if edited is not product:
                check_version(product.version, versions)
                uow.products.update_all([edited])
            level = uow.stock.get(product_id)
        return CatalogEntry(edited, level.available if level else 0, family_name)


def _found(entry: CatalogEntry | None, product_id: UUID) -> CatalogEntry:
    if entry is None:
        raise ProductNotFound(product_id)
    return entry


def _in_family(uow: UnitOfWork, details: ProductDetails) -> tuple[ProductDetails, str]:
    """The details with their options in the order of the family's option names, and its name; see `sorted_options`."""
    family = uow.families.get(details.family_id) if details.family_id else None
    return replace(details, options=sorted_options(details, family)), family.name if family else ""
