"""Products, in memory."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from functools import partial
from uuid import UUID

from shop_adapters import listing
from shop_adapters.memory.categories import check_category
from shop_adapters.memory.listing import cut
from shop_adapters.memory.transaction import Transaction
from shop_core.catalog.families import Family, options_key
from shop_core.catalog.model import CatalogEntry, Category, Offer, Product
from shop_core.catalog.search import ProductQuery, is_found, terms_of
from shop_core.errors import FamilyNotFound, OptionsTaken, SkuTaken
from shop_core.inventory.model import StockLevel
from shop_core.pagination import Page, PageRequest


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
                self._take_options(product)
            transaction.insert(transaction.products, {product.id: product for product in products})
            transaction.stock.put_all({product.id: StockLevel(product.id) for product in products})
            self._refer_to_categories([product.id for product in products])
            if products:
                transaction.change_catalog(product.id for product in products)

    def update_all(self, products: Sequence[Product]) -> None:
        """Store products that changed, all or none; what is not there stays so. Raises SkuTaken; CategoryNotFound."""
        transaction = self._transaction
        requested = {product.id: product for product in products}
        transaction.lock_order.enter("products", requested)
        with transaction.statement():
            transaction.claim(transaction.products.name, requested)
            stored = transaction.products.get_all(requested)
            moved = [(stored[key].sku, requested[key]) for key in stored if stored[key].sku != requested[key].sku]
            transaction.claim(transaction.skus.name, {sku for old, product in moved for sku in (old, product.sku)})
            for old, product in moved:
                self._take_sku(product)
                transaction.skus.remove(old)
            for key, before in stored.items():
                if options_key(before) != options_key(requested[key]):
                    self._free_options(before)
                    self._take_options(requested[key])
            transaction.products.put_all({key: requested[key] for key in stored})
            self._refer_to_categories(stored)
            if stored:
                transaction.change_catalog(stored)

    def remove(self, product_id: UUID) -> None:
        """Forget a product and its stock level, if it is there."""
        transaction = self._transaction
        transaction.lock_order.enter("products", [product_id])
        with transaction.statement():
            transaction.claim(transaction.products.name, (product_id,))
            if (product := transaction.products.get(product_id)) is not None:
                transaction.claim(transaction.skus.name, (product.sku,))
                transaction.skus.remove(product.sku)
                self._free_options(product)
                transaction.stock.remove(product_id)
                if transaction.low_stock_levels.get(product_id) is not None:
                    transaction.low_stock_levels.remove(product_id)
                transaction.products.remove(product_id)
                transaction.change_catalog([product_id])

    def get(self, product_id: UUID) -> CatalogEntry | None:
        """The product as the catalog shows it; archived ones are not in the catalog."""
        with self._transaction.statement():
            product = self._transaction.products.get(product_id)
            level = self._transaction.stock.get(product_id)
            families = self._transaction.families.all()
        if product is None or product.archived_at is not None or level is None:
            return None
        return entry_of(product, level, families)

    def get_all(self, product_ids: Iterable[UUID]) -> dict[UUID, Product]:
        """Those that exist, archived ones included."""
        requested = list(product_ids)
        with self._transaction.statement():
            return self._transaction.products.get_all(requested)

    def in_families(self, family_ids: Iterable[UUID]) -> Sequence[Product]:
        """The products in the catalog that belong to these families."""
        requested = set(family_ids)
        with self._transaction.statement():
            products = self._transaction.products.all().values()
        return [each for each in products if each.family_id in requested and each.archived_at is None]

    def offers(self, product_ids: Iterable[UUID]) -> dict[UUID, Offer]:
        """What is sold of those: archived products are not."""
        with self._transaction.statement():
            products = self._transaction.products.get_all(product_ids).values()
            return {
                p.id: Offer(p.id, p.sku, p.name, p.price, p.options, p.tax_class, self._path_from(p.category_id))
                for p in products
                if p.archived_at is None
            }

    def _path_from(self, category_id: UUID | None) -> tuple[UUID, ...]:
        """The category and all above it."""
        path: list[UUID] = []
        above = self._transaction.categories.get
        while category_id is not None and category_id not in path and (category := above(category_id)) is not None:
            path.append(category_id)
            category_id = category.parent_id
        return tuple(path)

    def lock(self, product_id: UUID) -> Product | None:
        """The product, also an archived one, read after it was locked until the end of this unit of work."""
        self._transaction.lock_order.enter("products", [product_id])
        products = self._transaction.products
        with self._transaction.statement():
            if products.get(product_id) is None:
                return None
            self._transaction.claim(products.name, (product_id,))
            return products.get(product_id)

    def lock_by_sku(self, skus: Iterable[str]) -> dict[str, Product]:
        """Those that exist, archived ones included, locked for editing until the end of this unit of work."""
        requested = set(skus)
        products = self._transaction.products
        with self._transaction.statement():
            ids = set(self._transaction.skus.get_all(requested).values())
            self._transaction.lock_order.enter("products", ids)
            self._transaction.claim(products.name, ids)
            locked = products.get_all(ids).values()
        return {product.sku: product for product in locked if product.sku in requested}  # one may have got another SKU

    def page(self, query: ProductQuery, page_request: PageRequest) -> Page[CatalogEntry]:
        """The products in the catalog that match `query`."""
        with self._transaction.statement():
            products = self._transaction.products.all().values()
            levels, low = self._transaction.stock.all(), self._transaction.low_stock_levels.all()
            categories, families = self._transaction.categories.all(), self._transaction.families.all()
        category_ids = None if query.category_id is None else _with_those_below(query.category_id, categories)
        found = _matching(query, category_ids, products, levels, families)
        if query.low_stock:
            found = [entry for entry in found if entry.available < low.get(entry.product.id, 0)]
        return cut(listing.products(query), found, page_request)

    def _take_options(self, product: Product) -> None:
        if key := options_key(product):
            options = self._transaction.options
            self._transaction.take_name(options, key, product.id, partial(OptionsTaken, key[0]))

    def _free_options(self, product: Product) -> None:
        if key := options_key(product):
            self._transaction.claim(self._transaction.options.name, (key,))
            self._transaction.options.remove(key)

    def _take_sku(self, product: Product) -> None:
        self._transaction.take_name(self._transaction.skus, product.sku, product.id, partial(SkuTaken, product.sku))

    def _refer_to_categories(self, product_ids: Collection[UUID]) -> None:
        """Check that the categories of these products are there; and again at the commit, if one was removed since."""

        def check() -> None:
            for product in self._transaction.products.get_all(product_ids).values():
                check_category(self._transaction, product.category_id)
                if product.family_id and self._transaction.families.get(product.family_id) is None:
                    raise FamilyNotFound(product.family_id)

        check()
        self._transaction.at_commit(check)


def entry_of(product: Product, level: StockLevel, families: Mapping[UUID, Family]) -> CatalogEntry:
    """A product as the catalog shows it."""
    name = families[product.family_id].name if product.family_id else ""
    return CatalogEntry(product, level.available, name)


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
    category_ids: Collection[UUID] | None,
    products: Iterable[Product],
    levels: Mapping[UUID, StockLevel],
    families: Mapping[UUID, Family],
) -> list[CatalogEntry]:
    """The entries of the products that pass every filter, the dearest one (the words) last."""
    return [
        entry_of(product, levels[product.id], families)
        for product in products
        if product.archived_at is None
        and (category_ids is None or product.category_id in category_ids)
        and query.family_id in (None, product.family_id)
        and (query.ids is None or product.id in query.ids)
        and query.sku in (None, product.sku)
        and _is_within(product.price.minor, query.price_min, query.price_max)
        and _is_within(levels[product.id].available, query.available_min, query.available_max)
        and (query.words is None or is_found(query.words, terms_of(product)))
    ]


def _is_within(value: int, minimum: int | None, maximum: int | None) -> bool:
    return (minimum is None or value >= minimum) and (maximum is None or value <= maximum)
