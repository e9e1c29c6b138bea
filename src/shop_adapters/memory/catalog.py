"""Categories and products, in memory."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial
from uuid import UUID

from shop_adapters.listing import PRODUCTS
from shop_adapters.memory.listing import cut
from shop_adapters.memory.transaction import Transaction
from shop_core.catalog.model import (
    CatalogEntry,
    Category,
    CategoryEntry,
    Product,
    ProductQuery,
    is_found,
    words_of,
)
from shop_core.errors import CategoryNotFound, SkuTaken, SlugTaken
from shop_core.inventory.model import StockLevel
from shop_core.pagination import Numbered, Page, Piece


class MemoryCategories:
    """`shop_core.ports.Categories`."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def add(self, category: Category) -> None:
        """Store a new category. Raises SlugTaken; CategoryNotFound when its parent is not there."""
        transaction = self._transaction
        with transaction.statement():
            slug = category.slug
            transaction.take_name(transaction.slugs, slug, category.id, partial(SlugTaken, slug))
            transaction.insert(transaction.categories, {category.id: category})
            _check_category(transaction, category.parent_id)

    def get(self, category_id: UUID) -> CategoryEntry | None:
        """The category as the catalog shows it."""
        with self._transaction.statement():
            category = self._transaction.categories.get(category_id)
            products = self._transaction.products.all().values() if category else ()
        return CategoryEntry(category, _counted(products)[category_id]) if category else None

    def by_slug(self, slugs: Iterable[str]) -> dict[str, Category]:
        """Those of `slugs` that exist."""
        wanted = list(slugs)
        with self._transaction.statement():
            ids = self._transaction.slugs.get_all(wanted)
            categories = self._transaction.categories.get_all(ids.values())
        return {slug: categories[category_id] for slug, category_id in ids.items()}

    def page(self, piece: Numbered) -> Page[CategoryEntry]:
        """All categories by slug."""
        with self._transaction.statement():
            categories = self._transaction.categories.all().values()
            products = self._transaction.products.all().values()
        by_slug = sorted(categories, key=lambda category: category.slug)
        counts = _counted(products)
        chosen = by_slug[piece.offset : piece.offset + piece.limit]
        return Page(tuple(CategoryEntry(category, counts[category.id]) for category in chosen), count=len(by_slug))


class MemoryProducts:
    """`shop_core.ports.Products`."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def add_all(self, products: Sequence[Product]) -> None:
        """Store new products, all or none. Raises SkuTaken; CategoryNotFound."""
        transaction = self._transaction
        with transaction.statement():
            transaction.claim(transaction.skus.name, {product.sku for product in products})
            for product in products:
                self._take_sku(product)
            transaction.insert(transaction.products, {product.id: product for product in products})
            transaction.stock.put_all({product.id: StockLevel(product.id) for product in products})
            self._check_categories(products)

    def update_all(self, products: Sequence[Product]) -> None:
        """Store products that changed, all or none; what is not there stays so. Raises SkuTaken; CategoryNotFound."""
        transaction = self._transaction
        wanted = {product.id: product for product in products}
        with transaction.statement():
            transaction.claim(transaction.products.name, wanted)
            stored = transaction.products.get_all(wanted)
            moved = [(stored[key].sku, wanted[key]) for key in stored if stored[key].sku != wanted[key].sku]
            transaction.claim(transaction.skus.name, {sku for old, product in moved for sku in (old, product.sku)})
            for old, product in moved:
                self._take_sku(product)
                transaction.skus.remove(old)
            transaction.products.put_all({key: wanted[key] for key in stored})
            self._check_categories([wanted[key] for key in stored])

    def get(self, product_id: UUID) -> CatalogEntry | None:
        """The product as the catalog shows it; archived ones are not in the catalog."""
        with self._transaction.statement():
            product = self._transaction.products.get(product_id)
            level = self._transaction.stock.get(product_id)
        if product is None or product.archived_at is not None or level is None:
            return None
        return CatalogEntry(product, level.available)

    def get_all(self, product_ids: Iterable[UUID]) -> dict[UUID, Product]:
        """Those that exist, archived ones included."""
        wanted = list(product_ids)
        with self._transaction.statement():
            return self._transaction.products.get_all(wanted)

    def lock_by_sku(self, skus: Iterable[str]) -> dict[str, Product]:
        """Those that exist, archived ones included, locked for editing until the end of this unit of work."""
        wanted = set(skus)
        products = self._transaction.products
        with self._transaction.statement():
            ids = set(self._transaction.skus.get_all(wanted).values())
            self._transaction.claim(products.name, ids)
            locked = products.get_all(ids).values()
        return {product.sku: product for product in locked if product.sku in wanted}  # one may have got another SKU

    def page(self, query: ProductQuery, piece: Piece) -> Page[CatalogEntry]:
        """The products in the catalog that match `query`."""
        with self._transaction.statement():
            products = self._transaction.products.all().values()
            levels = self._transaction.stock.all()
            categories = self._transaction.categories.all()
        shelves = None if query.category_id is None else _with_those_below(query.category_id, categories)
        return cut(PRODUCTS[query.sort], _matching(query, shelves, products, levels), piece)

    def _take_sku(self, product: Product) -> None:
        self._transaction.take_name(self._transaction.skus, product.sku, product.id, partial(SkuTaken, product.sku))

    def _check_categories(self, products: Iterable[Product]) -> None:
        for product in products:
            _check_category(self._transaction, product.category_id)


def _check_category(transaction: Transaction, category_id: UUID | None) -> None:
    if category_id is not None and transaction.categories.get(category_id) is None:
        raise CategoryNotFound(category_id)


def _counted(products: Iterable[Product]) -> Counter[UUID | None]:
    """How many products of the catalog are directly in each category."""
    return Counter(product.category_id for product in products if product.archived_at is None)


def _with_those_below(category_id: UUID, categories: Mapping[UUID, Category]) -> set[UUID]:
    """The category and all its descendants; nothing if it is not there."""
    children: dict[UUID | None, list[UUID]] = {}
    for category in categories.values():
        children.setdefault(category.parent_id, []).append(category.id)
    found: set[UUID] = set()
    ahead = [category_id] if category_id in categories else []
    while ahead:
        found.update(ahead)
        ahead = [child for parent in ahead for child in children.get(parent, ()) if child not in found]
    return found


def _matching(
    query: ProductQuery,
    shelves: Collection[UUID] | None,
    products: Iterable[Product],
    levels: Mapping[UUID, StockLevel],
) -> list[CatalogEntry]:
    """The entries of the products that pass every filter, the dearest one (the words) last."""
    return [
        CatalogEntry(product, available)
        for product in products
        if product.archived_at is None
        and (shelves is None or product.category_id in shelves)
        and _is_within(product.price.minor, query.price_min, query.price_max)
        and _is_within(available := levels[product.id].available, query.available_min, query.available_max)
        and (query.words is None or is_found(query.words, words_of(product)))
    ]


def _is_within(value: int, least: int | None, most: int | None) -> bool:
    return (least is None or value >= least) and (most is None or value <= most)
