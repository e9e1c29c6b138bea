"""What the rows of an import mean for the catalog, and their way into it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from shop_core.catalog.families import Family, OptionsKey, located_families, merged_options, options_key, sorted_options
from shop_core.catalog.model import (
    UNCHANGED,
    Category,
    ImportRow,
    Product,
    ProductDetails,
    check_currency,
)
from shop_core.catalog.tree import Path, located
from shop_core.errors import Fault, Invalid
from shop_core.ports import UnitOfWork


@dataclass(frozen=True, slots=True)
class ImportResult:
    """The products of an import.

    Args:
        restored: those that had left the catalog, and are in it again.
        incomplete: SKUs of new products whose rows have no name or no price: these were not created.
        refused: of a preview: why rows cannot be imported, by SKU; the others can, if these are left out.
        new_families, new_categories: those that were missing.
    """

    created: tuple[Product, ...]
    updated: tuple[Product, ...]
    unchanged: tuple[Product, ...]
    restored: tuple[Product, ...] = ()
    incomplete: tuple[str, ...] = ()
    refused: Mapping[str, Invalid] = field(default_factory=dict)
    new_families: tuple[Family, ...] = ()
    new_categories: tuple[Category, ...] = ()

    @property
    def all(self) -> tuple[Product, ...]:
        """All products that the rows named."""
        return self.created + self.updated + self.unchanged + self.restored


@dataclass(frozen=True, slots=True)
class ImportPlan:
    """What previewed rows would have changed for those after them, in a file that is imported in several parts."""

    families: dict[UUID, Family] = field(default_factory=dict)
    categories: dict[UUID, Category] = field(default_factory=dict)
    options: dict[str, OptionsKey | None] = field(default_factory=dict)

    def add(self, preview: ImportResult) -> None:
        """Note a preview whose rows would be imported."""
        self.families.update({family.id: family for family in preview.new_families})
        self.categories.update({category.id: category for category in preview.new_categories})
        self.options.update({product.sku: options_key(product) for product in _written(preview)})


@dataclass(frozen=True, slots=True)
class ProductImport:
    """An import, in a unit of work.

    Args:
        now: when the products change.
        plan: of rows that were previewed before; None: these are written.
    """

    uow: UnitOfWork
    now: datetime
    new_id: Callable[[], UUID]
    currency: str
    plan: ImportPlan | None

    def run(self, rows: Sequence[ProductDetails | ImportRow]) -> ImportResult:
        """See `CatalogService.import_products`."""
        by_sku = {row.sku: row if isinstance(row, ImportRow) else ImportRow.of(row) for row in rows}
        if len(by_sku) < len(rows):
            raise Invalid(Fault("sku", "stands in two rows of one import", "duplicate"))
        known = self.uow.products.lock_by_sku(by_sku)
        result = self._without_taken_options(self._result(by_sku, known), known)
        if self.plan is None:
            for refusal in result.refused.values():
                raise refusal
            self._write(result, known)
        return result

    def _result(self, rows: Mapping[str, ImportRow], known: Mapping[str, Product]) -> ImportResult:
        categories, new_categories, no_category = self._categories(rows)
        by_id, families, new_families, no_family = self._families(rows, known)
        named = _Named(categories, families, by_id, no_category, no_family)
        incomplete, refused = list[str](), dict[str, Invalid]()
        created, updated, unchanged, restored = (list[Product]() for _ in range(4))
        for sku, row in rows.items():
            product = known.get(sku)
            before = product.restored(self.now) if product else None  # itself if it never left
            details = row.changes.details(before) if before else row.new_details()
            if details is None:
                incomplete.append(sku)
                continue
            try:
                check_currency(details, self.currency)
                details = named.details(details, row)
                if before is None:
                    created.append(details.product(self.new_id(), self.now))
                else:
                    after = before.edited(details, self.now)
                    (restored if before is not product else unchanged if after is product else updated).append(after)
            except Invalid as refusal:
                refused[sku] = refusal
        return ImportResult(
            tuple(created),
            tuple(updated),
            tuple(unchanged),
            tuple(restored),
            tuple(incomplete),
            refused,
            tuple(new_families),
            tuple(new_categories),
        )

    def _categories(
        self, rows: Mapping[str, ImportRow]
    ) -> tuple[dict[Path, Category], list[Category], dict[Path, Invalid]]:
        paths = sorted({row.category for row in rows.values() if row.category is not UNCHANGED and row.category})
        if not paths:
            return {}, [], {}
        planned = self.plan.categories if self.plan else {}
        tree = {entry.category.id: entry.category for entry in self.uow.categories.all()}
        found = located(paths, tree | planned, self.new_id)
        if found[1] and self.plan is None:  # read again under the lock: somebody else may be making them
            found = located(paths, self.uow.categories.lock_all(), self.new_id)
        return found

    def _families(
        self, rows: Mapping[str, ImportRow], known: Mapping[str, Product]
    ) -> tuple[dict[UUID, Family], dict[str, Family], list[Family], dict[str, Invalid]]:
        """All that matter by their id; and those that rows name, as `located_families` has them."""
        requested: dict[str, list[str]] = {}
        for row in rows.values():
            if row.family is not UNCHANGED and row.family:
                requested.setdefault(row.family, []).extend(name for name, value in row.options if value)
        planned = self.plan.families if self.plan else {}
        if not requested:
            ids = [product.family_id for product in known.values()] + [row.changes.family_id for row in rows.values()]
            by_id = self.uow.families.get_all({one for one in ids if isinstance(one, UUID)})
            return by_id | planned, {}, [], {}
        by_id = {family.id: family for family in self.uow.families.all()} | planned
        found, made, refused = located_families(requested, by_id.values(), self.new_id)
        if made and self.plan is None:  # read again under the lock: somebody else may be making them
            by_id = self.uow.families.lock_all()
            found, made, refused = located_families(requested, by_id.values(), self.new_id)
        return by_id | {family.id: family for family in made}, found, made, refused

    def _without_taken_options(self, result: ImportResult, known: Mapping[str, Product]) -> ImportResult:
        """The result, without products whose options another one has; they are refused."""
        before = {sku: options_key(product) for sku, product in known.items()}
        taking = {p.sku: key for p in _written(result) if (key := options_key(p)) and key != before.get(p.sku)}
        if not taking:
            return result
        planned = self.plan.options if self.plan else {}
        after = {product.sku: options_key(product) for product in result.all}
        stored = self.uow.products.in_families({family_id for family_id, _ in taking.values()})
        others = {product.sku: options_key(product) for product in stored} | planned
        holders = {key: sku for sku, key in (others | after).items() if key and sku not in taking}
        refused = dict(result.refused)
        for sku, key in taking.items():
            if (holder := holders.setdefault(key, sku)) != sku:
                values = ", ".join(value for _, value in key[1])
                refused[sku] = Invalid(Fault("options", f"{values!r} in this family is {holder!r} already", "taken"))

        def kept(products: tuple[Product, ...]) -> tuple[Product, ...]:
            return tuple(product for product in products if product.sku not in refused)

        return replace(
            result,
            created=kept(result.created),
            updated=kept(result.updated),
            restored=kept(result.restored),
            refused=refused,
        )

    def _write(self, result: ImportResult, known: Mapping[str, Product]) -> None:
        for category in result.new_categories:
            self.uow.categories.add(category)
        for family in result.new_families:
            self.uow.families.add(family)
        taking = {options_key(product): product.sku for product in _written(result)}
        in_the_way = [p for p in known.values() if (key := options_key(p)) and taking.get(key, p.sku) != p.sku]
        self.uow.products.update_all([replace(product, family_id=None, options=()) for product in in_the_way])
        self.uow.products.add_all(result.created)
        self.uow.products.update_all(result.updated + result.restored)


def _written(result: ImportResult) -> Iterator[Product]:
    yield from result.created
    yield from result.updated
    yield from result.restored


@dataclass(frozen=True, slots=True)
class _Named:
    """What rows name: where it leads, or why it leads nowhere; and the families by their id."""

    categories: Mapping[Path, Category]
    families: Mapping[str, Family]
    by_id: Mapping[UUID, Family]
    no_category: Mapping[Path, Invalid]
    no_family: Mapping[str, Invalid]

    def details(self, details: ProductDetails, row: ImportRow) -> ProductDetails:
        """The details with what the row names, and with options in the order of the family. Raises Invalid."""
        if row.category is not UNCHANGED:
            if row.category in self.no_category:
                raise self.no_category[row.category]
            details = replace(details, category_id=self.categories[row.category].id if row.category else None)
        if row.family is not UNCHANGED:
            if row.family in self.no_family:
                raise self.no_family[row.family]
            details = replace(details, family_id=self.families[row.family].id if row.family else None)
        family = self.by_id.get(details.family_id) if details.family_id else None
        if row.options or row.family is not UNCHANGED:
            details = replace(details, options=merged_options(details.options, row.options, family))
        return replace(details, options=sorted_options(details, family))
