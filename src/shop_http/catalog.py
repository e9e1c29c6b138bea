"""Browsing products and categories, and adding new ones."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from litestar.params import FromPath, RawBody
from msgspec import UNSET, Meta, UnsetType

from shop_core import Money, ProductQuery, ProductSort
from shop_core.catalog.model import search_words
from shop_core.errors import CategoryNotFound, InvalidCursor, ProductNotFound, SkuTaken, SlugTaken
from shop_core.inventory.model import ON_HAND_MAX
from shop_http.intake import read_body, read_query
from shop_http.paging import ListQuery, NumberedQuery, page_body
from shop_http.routing import Access, Operation, Reply, ShopRequest, get, post, reply
from shop_http.wire import catalog as wire
from shop_http.wire.catalog import CategoryBody, CategoryForm, CategoryPage, ProductBody, ProductForm, ProductPage
from shop_http.wire.common import Amount

TAG = "Catalog"


class ProductsQuery(ListQuery, forbid_unknown_fields=True, kw_only=True):
    """The filters of the list of products; all that are given must hold."""

    keyword: Annotated[str, Meta(max_length=200, description="words in name, SKU or description")] = ""
    category: Annotated[UUID, Meta(description="in this category or one below it")] | UnsetType = UNSET
    min_price: Amount | UnsetType = UNSET
    max_price: Amount | UnsetType = UNSET
    in_stock: Annotated[bool, Meta(description="true: can be sold now; false: sold out")] | UnsetType = UNSET
    min_quantity: (
        Annotated[int, Meta(ge=0, le=ON_HAND_MAX, description="at least so many can be sold now")] | UnsetType
    ) = UNSET
    sort: ProductSort = ProductSort.NEWEST

    def query(self, currency: str) -> ProductQuery:
        """The same for the core.

        Raises:
            Invalid: a price is no amount.
        """
        least = max(self.min_quantity or 0, 1 if self.in_stock else 0)
        return ProductQuery(
            words=search_words(self.keyword) if self.keyword.strip() else None,
            category_id=self.category or None,
            price_min=_minor("min_price", self.min_price, currency),
            price_max=_minor("max_price", self.max_price, currency),
            available_min=least or None,
            available_max=0 if self.in_stock is False else None,
            sort=self.sort,
        )


def _minor(field: str, amount: str | UnsetType, currency: str) -> int | None:
    return None if amount is UNSET else Money.parse(amount, currency, field=field).minor


@get(
    "/categories",
    Operation(
        id="list_categories",
        summary="All categories, by slug",
        tag=TAG,
        access=Access.CATALOG,
        query=NumberedQuery,
        gives=wire.CATEGORIES,
    ),
)
def list_categories(request: ShopRequest) -> Reply:
    """All categories, a piece at a time."""
    piece = read_query(NumberedQuery, request).numbered()
    page = request.shop.catalog.categories(piece)
    return reply(page_body(CategoryPage, page, piece, CategoryBody.of, request))


@get(
    "/categories/{category_id:uuid}",
    Operation(
        id="get_category",
        summary="A category",
        tag=TAG,
        access=Access.CATALOG,
        gives=wire.CATEGORY,
        refuses=(CategoryNotFound,),
    ),
)
def get_category(request: ShopRequest, category_id: FromPath[UUID]) -> Reply:
    """One category."""
    return reply(CategoryBody.of(request.shop.catalog.category(category_id)))


@post(
    "/categories",
    Operation(
        id="create_category",
        summary="Add a category",
        tag=TAG,
        access=Access.STAFF,
        takes=wire.CATEGORY_FORM,
        gives=wire.CATEGORY,
        status=201,
        refuses=(SlugTaken, CategoryNotFound),
    ),
)
def create_category(request: ShopRequest, body: RawBody) -> Reply:
    """Add a category, for staff."""
    form = read_body(CategoryForm, body)
    entry = request.shop.catalog.create_category(request.actor, form.name, form.slug, form.parent or None)
    return reply(CategoryBody.of(entry), location=f"/categories/{entry.category.id}")


@get(
    "/products",
    Operation(
        id="list_products",
        summary="Browse and search the catalog",
        tag=TAG,
        access=Access.CATALOG,
        query=ProductsQuery,
        gives=wire.PRODUCTS,
        refuses=(InvalidCursor,),
    ),
)
def list_products(request: ShopRequest) -> Reply:
    """The products that match, a piece at a time."""
    sent = read_query(ProductsQuery, request)
    piece = sent.piece()
    page = request.shop.catalog.products(sent.query(request.shop.currency), piece)
    return reply(page_body(ProductPage, page, piece, ProductBody.of, request))


@get(
    "/products/{product_id:uuid}",
    Operation(
        id="get_product",
        summary="A product, with what can be sold of it now",
        tag=TAG,
        access=Access.CATALOG,
        gives=wire.PRODUCT,
        refuses=(ProductNotFound,),
    ),
)
def get_product(request: ShopRequest, product_id: FromPath[UUID]) -> Reply:
    """One product."""
    return reply(ProductBody.of(request.shop.catalog.product(product_id)))


@post(
    "/products",
    Operation(
        id="create_product",
        summary="Add a product, with nothing in stock",
        tag=TAG,
        access=Access.STAFF,
        takes=wire.PRODUCT_FORM,
        gives=wire.PRODUCT,
        status=201,
        refuses=(SkuTaken, CategoryNotFound),
    ),
)
def create_product(request: ShopRequest, body: RawBody) -> Reply:
    """Add a product, for staff."""
    form = read_body(ProductForm, body)
    entry = request.shop.catalog.create_product(request.actor, form.details(request.shop.currency))
    return reply(ProductBody.of(entry), location=f"/products/{entry.product.id}")


ROUTES = (
    list_categories,
    get_category,
    create_category,
    list_products,
    get_product,
    create_product,
)
