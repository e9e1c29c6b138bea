"""Browsing products, and keeping them."""

from __future__ import annotations

from functools import partial
from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from shop_core import CatalogEntry, Money, ProductQuery, ProductSort
from shop_core.catalog.images import ALT_LENGTH_MAX, IMAGES_MAX, UPLOAD_BYTES_MAX
from shop_core.catalog.model import SKU_LENGTH_MAX
from shop_core.errors import (
    CategoryNotFound,
    FamilyNotFound,
    Fault,
    ImageNotFound,
    Invalid,
    InvalidCursor,
    KeyReused,
    NoPictures,
    OptionsTaken,
    ProductNotFound,
    SkuTaken,
    Stale,
    TooManyImages,
    UnusableImage,
)
from shop_core.idempotency import IdempotencyKey
from shop_core.inventory.model import ON_HAND_MAX
from shop_core.text import search_words
from shop_http.documentation import examples
from shop_http.read_model import cacheable
from shop_http.requests import IdsQuery, ShopRequest
from shop_http.responses import API, Response, json_response, page_response
from shop_http.routes import catalog_changes, categories, families
from shop_http.routing import Access, Operation, delete, get, patch, post, put
from shop_http.schemas.catalog import ImagePatch, ProductBody, ProductForm, ProductPage, ProductPatch
from shop_http.schemas.common import Amount
from shop_http.server.worker_pools import Pool

TAG = categories.TAG
IMAGE_TYPES = ("image/jpeg", "image/png", "image/webp")


class ProductsQuery(IdsQuery, forbid_unknown_fields=True, kw_only=True):
    """The filters of the list of products; all that are given must hold."""

    keyword: Annotated[
        str, Meta(max_length=200, pattern=r"^[^\x00]*$", description="words in name, SKU or description")
    ] = ""
    category: Annotated[UUID, Meta(description="in this category or one below it")] | UnsetType = UNSET
    family: Annotated[UUID, Meta(description="of this family")] | UnsetType = UNSET
    min_price: Amount | UnsetType = UNSET
    max_price: Amount | UnsetType = UNSET
    in_stock: Annotated[bool, Meta(description="true: can be sold now; false: sold out")] | UnsetType = UNSET
    min_quantity: (
        Annotated[int, Meta(ge=0, le=ON_HAND_MAX, description="at least so many can be sold now")] | UnsetType
    ) = UNSET
    sku: (
        Annotated[str, Meta(max_length=SKU_LENGTH_MAX, pattern=r"^[^\x00]*$", description="with this SKU")] | UnsetType
    ) = UNSET
    sort: Annotated[ProductSort, Meta(description="by default relevance with a keyword, else newest")] | UnsetType = (
        UNSET
    )

    def conditions(self, currency: str) -> ProductQuery:
        """The same for the core. Raises Invalid: a price is no amount, or negative."""
        minimum = max(self.min_quantity or 0, 1 if self.in_stock else 0)
        return ProductQuery(
            words=search_words(self.keyword) if self.keyword.strip() else None,
            category_id=self.category or None,
            price_min=None if self.min_price is UNSET else _minor("min_price", self.min_price, currency),
            price_max=None if self.max_price is UNSET else _minor("max_price", self.max_price, currency),
            available_min=minimum or None,
            available_max=0 if self.in_stock is False else None,
            sort=self.sort or None,
            family_id=self.family or None,
            ids=self.ids or None,
            sku=None if self.sku is UNSET else self.sku,
        )


def _minor(field: str, amount: str, currency: str) -> int:
    minor = Money.parse(amount, currency, field=field).minor
    if minor < 0:
        raise Invalid(Fault(field, f"must not be negative, this is {amount}", "out_of_range"))
    return minor


def _pool(_: ShopRequest, query: ProductsQuery) -> Pool:
    """SLOW if more rows may be looked at than are shown: to find words, to filter, to count, or to skip pages."""
    filters = (query.category, query.min_price, query.max_price, query.in_stock, query.min_quantity)
    if query.ids or query.sku:
        return Pool.FAST
    is_walk = query.cursor is not UNSET and not query.keyword.strip()
    return Pool.FAST if is_walk and all(each is UNSET for each in filters) else Pool.SLOW


@get(
    "/products",
    Operation(
        pool=_pool,
        cached=True,
        access=Access.CATALOG,
        has_etag=True,
        query=ProductsQuery,
        gives=examples.PRODUCTS,
        refuses=(InvalidCursor,),
    ),
)
def list_products(request: ShopRequest, query: ProductsQuery) -> Response:
    """Browse and search the catalog."""
    page_request, conditions = query.page_request(), query.conditions(request.shop.currency)
    page = request.shop.catalog.products(conditions, page_request)
    response = page_response(
        ProductPage, page, page_request, partial(ProductBody.of, url_of=request.shop.images.url_of), request
    )
    return response if conditions.filters_units else cacheable(response, page.items)


@get(
    "/products/{product_id:uuid}",
    Operation(cached=True, access=Access.CATALOG, gives=examples.PRODUCT, has_etag=True, refuses=(ProductNotFound,)),
)
def get_product(request: ShopRequest, product_id: UUID) -> Response:
    """A product, with the units that can be sold now.

    The ETag changes with every edit, with every change of `quantity_in_stock`, and with another name of its family.
    """
    return _product(request, request.shop.catalog.product(product_id))


@post(
    "/products",
    Operation(
        access=Access.STAFF,
        takes=examples.PRODUCT_FORM,
        gives=examples.PRODUCT,
        status=201,
        refuses=(SkuTaken, OptionsTaken, CategoryNotFound, FamilyNotFound, KeyReused),
    ),
)
def create_product(request: ShopRequest, form: ProductForm, key: IdempotencyKey | None) -> Response:
    """Add a product, with nothing in stock."""
    entry = request.shop.catalog.create_product(request.actor, form.details(request.shop.currency), key=key)
    return json_response(ProductBody.of(entry, request.shop.images.url_of), location=f"/products/{entry.product.id}")


@put(
    "/products/{product_id:uuid}",
    Operation(
        access=Access.STAFF,
        takes=examples.PRODUCT_FORM,
        gives=examples.PRODUCT,
        refuses=(
            *(ProductNotFound, SkuTaken, OptionsTaken, CategoryNotFound, FamilyNotFound),
            *(Stale, KeyReused),
        ),
    ),
)
def replace_product(request: ShopRequest, product_id: UUID, form: ProductForm, key: IdempotencyKey | None) -> Response:
    """Replace every detail of a product.

    Fields that you leave out are emptied. With `If-Match` it is done only if nobody edited the product since; sales in
    between do not count.
    """
    details = form.details(request.shop.currency)
    versions = request.expected_versions()
    return _product(
        request, request.shop.catalog.replace_product(request.actor, product_id, details, versions, key=key)
    )


@patch(
    "/products/{product_id:uuid}",
    Operation(
        access=Access.STAFF,
        takes=examples.PRODUCT_PATCH,
        gives=examples.PRODUCT,
        refuses=(
            *(ProductNotFound, SkuTaken, OptionsTaken, CategoryNotFound, FamilyNotFound),
            *(Stale, KeyReused),
        ),
    ),
)
def edit_product(request: ShopRequest, product_id: UUID, form: ProductPatch, key: IdempotencyKey | None) -> Response:
    """Change some details of a product.

    Fields that you leave out stay as they are; `category: null` takes the product out of its category,
    and `family: null` out of its family. With `If-Match`
    it is done only if nobody edited the product since; sales in between do not count.
    """
    changes = form.changes(request.shop.currency)
    versions = request.expected_versions()
    return _product(request, request.shop.catalog.edit_product(request.actor, product_id, changes, versions, key=key))


@delete(
    "/products/{product_id:uuid}",
    Operation(access=Access.STAFF, status=204, refuses=(ProductNotFound, Stale, KeyReused)),
)
def remove_product(request: ShopRequest, product_id: UUID, key: IdempotencyKey | None) -> None:
    """Take a product out of the catalog.

    A product that was ever stocked or ordered is archived: its orders and its ledger stay, and its SKU stays taken. A
    product that never was is deleted. With `If-Match` it is done only if nobody edited the product since; sales in
    between do not count.
    """
    request.shop.catalog.remove_product(request.actor, product_id, request.expected_versions(), key=key)


@post(
    "/products/{product_id:uuid}/restore",
    Operation(access=Access.STAFF, gives=examples.PRODUCT, refuses=(ProductNotFound, Stale, KeyReused)),
)
def restore_product(request: ShopRequest, product_id: UUID, key: IdempotencyKey | None) -> Response:
    """Put an archived product back into the catalog.

    It comes back as it was, with its stock, and in no category. A product that is in the catalog stays as it is. With
    `If-Match` it is done only if nobody edited the product since; sales in between do not count.
    """
    versions = request.expected_versions()
    return _product(request, request.shop.catalog.restore_product(request.actor, product_id, versions, key=key))


class NewImageQuery(Struct, forbid_unknown_fields=True, kw_only=True):
    """What is said of a picture that is sent."""

    alt: Annotated[
        str, Meta(max_length=ALT_LENGTH_MAX, pattern=r"^[^\x00]*$", description="what it shows, in words")
    ] = ""
    position: (
        Annotated[int, Meta(ge=1, le=IMAGES_MAX, description="its place among the others; the last one unless given")]
        | UnsetType
    ) = UNSET


@post(
    "/products/{product_id:uuid}/images",
    Operation(
        access=Access.STAFF,
        query=NewImageQuery,
        takes_file=IMAGE_TYPES,
        body_size_max=UPLOAD_BYTES_MAX,
        pool=Pool.SLOW,
        gives=examples.PRODUCT,
        status=201,
        refuses=(ProductNotFound, UnusableImage, TooManyImages, NoPictures, Stale, KeyReused),
    ),
)
def add_image(
    request: ShopRequest, product_id: UUID, query: NewImageQuery, file: bytes, key: IdempotencyKey | None
) -> Response:
    """Add a picture to a product.

    The body is the file: a JPEG, PNG or WebP of 10 MiB at most, with 40 million pixels at most (a WebP: 8 million),
    still, and three times as high as wide at most. What is kept are new files, made of its pixels: WebP, 320, 960 and
    1920 pixels wide, none wider than what was sent, upright, and without anything else that the file said. A picture
    that the product has already stays as it is. A product has 20 at most.
    """
    versions, position = request.expected_versions(), query.position or None
    entry = request.shop.images.add(request.actor, product_id, file, query.alt, position, versions, key=key)
    response = _product(request, entry)
    response.headers += ((b"location", f"{API}/products/{product_id}".encode()),)
    return response


@patch(
    "/products/{product_id:uuid}/images/{image_id:uuid}",
    Operation(
        access=Access.STAFF,
        takes=examples.IMAGE_PATCH,
        gives=examples.PRODUCT,
        refuses=(ProductNotFound, ImageNotFound, Stale, KeyReused),
    ),
)
def edit_image(
    request: ShopRequest, product_id: UUID, image_id: UUID, form: ImagePatch, key: IdempotencyKey | None
) -> Response:
    """Change the text of a picture, or its place among the others."""
    alt = None if form.alt is UNSET else form.alt
    position, versions = None if form.position is UNSET else form.position, request.expected_versions()
    entry = request.shop.images.edit(request.actor, product_id, image_id, alt, position, versions, key=key)
    return _product(request, entry)


@delete(
    "/products/{product_id:uuid}/images/{image_id:uuid}",
    Operation(access=Access.STAFF, status=204, refuses=(ProductNotFound, ImageNotFound, Stale, KeyReused)),
)
def remove_image(request: ShopRequest, product_id: UUID, image_id: UUID, key: IdempotencyKey | None) -> None:
    """Take a picture from a product.

    Its files can be read for a day more.
    """
    request.shop.images.remove(request.actor, product_id, image_id, request.expected_versions(), key=key)


def _product(request: ShopRequest, entry: CatalogEntry) -> Response:
    body = ProductBody.of(entry, request.shop.images.url_of)
    return cacheable(json_response(body), [entry], entry.product.version)


ROUTES = (
    *categories.ROUTES,
    *families.ROUTES,
    *catalog_changes.ROUTES,
    list_products,
    get_product,
    create_product,
    replace_product,
    edit_product,
    remove_product,
    restore_product,
    add_image,
    edit_image,
    remove_image,
)
