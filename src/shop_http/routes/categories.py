"""Browsing categories, and keeping them."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from shop_core import Page
from shop_core.catalog.model import SLUG_LENGTH_MAX
from shop_core.errors import CategoryCycle, CategoryInUse, CategoryNotFound, KeyReused, SlugTaken
from shop_core.idempotency import IdempotencyKey
from shop_http.documentation import examples
from shop_http.read_model import cacheable
from shop_http.requests import OffsetQuery, ShopRequest, exclusive
from shop_http.responses import Response, json_response, page_response
from shop_http.routing import Access, Operation, delete, get, patch, post
from shop_http.schemas.catalog import CategoryBody, CategoryForm, CategoryPage, CategoryPatch

TAG = "Catalog"


class CategoriesQuery(OffsetQuery, forbid_unknown_fields=True, kw_only=True):
    """How to list the categories."""

    slug: Annotated[str, Meta(max_length=SLUG_LENGTH_MAX, description="the one with this slug")] | UnsetType = UNSET
    nested: Annotated[bool, Meta(description="true: those at the top, each with `children`; pages count these")] = False


@get(
    "/categories",
    Operation(cached=True, access=Access.CATALOG, has_etag=True, query=CategoriesQuery, gives=examples.CATEGORIES),
)
def list_categories(request: ShopRequest, query: CategoriesQuery) -> Response:
    """All categories, by slug; flat, or nested as a tree."""
    page_request, catalog = query.offset_request(), request.shop.catalog
    if query.slug is not UNSET:
        if query.nested:
            raise exclusive("nested", "slug")
        found = list(filter(None, [catalog.category_by_slug(query.slug)]))
        items = tuple(found[page_request.offset : page_request.offset + page_request.limit])
        return cacheable(page_response(CategoryPage, Page(items, len(found)), page_request, CategoryBody.of, request))
    if query.nested:
        tree = catalog.category_tree(page_request)
        return cacheable(page_response(CategoryPage, tree, page_request, CategoryBody.of_node, request))
    listed = catalog.categories(page_request)
    return cacheable(page_response(CategoryPage, listed, page_request, CategoryBody.of, request))


@get(
    "/categories/{category_id:uuid}",
    Operation(cached=True, access=Access.CATALOG, gives=examples.CATEGORY, has_etag=True, refuses=(CategoryNotFound,)),
)
def get_category(request: ShopRequest, category_id: UUID) -> Response:
    """A category."""
    return cacheable(json_response(CategoryBody.of(request.shop.catalog.category(category_id))))


@post(
    "/categories",
    Operation(
        access=Access.STAFF,
        takes=examples.CATEGORY_FORM,
        gives=examples.CATEGORY,
        status=201,
        refuses=(SlugTaken, CategoryNotFound, KeyReused),
    ),
)
def create_category(request: ShopRequest, form: CategoryForm, key: IdempotencyKey | None) -> Response:
    """Add a category.

    The tree has at most ten levels.
    """
    parent, slug = form.parent or None, None if form.slug is UNSET else form.slug
    entry = request.shop.catalog.create_category(request.actor, form.name, slug, parent, key=key)
    return json_response(CategoryBody.of(entry), location=f"/categories/{entry.category.id}")


@patch(
    "/categories/{category_id:uuid}",
    Operation(
        access=Access.STAFF,
        takes=examples.CATEGORY_PATCH,
        gives=examples.CATEGORY,
        refuses=(SlugTaken, CategoryNotFound, CategoryCycle, KeyReused),
    ),
)
def edit_category(request: ShopRequest, category_id: UUID, form: CategoryPatch, key: IdempotencyKey | None) -> Response:
    """Rename or move a category.

    Fields that you leave out stay as they are; `parent: null` moves the category to the top. Categories below it move
    with it.
    """
    changes = form.changes()
    return json_response(
        CategoryBody.of(request.shop.catalog.edit_category(request.actor, category_id, changes, key=key))
    )


@delete(
    "/categories/{category_id:uuid}",
    Operation(access=Access.STAFF, status=204, refuses=(CategoryNotFound, CategoryInUse, KeyReused)),
)
def remove_category(request: ShopRequest, category_id: UUID, key: IdempotencyKey | None) -> None:
    """Remove an empty category.

    A category with products of the catalog, or with categories below it, is not removed. Archived products do not
    count.
    """
    request.shop.catalog.remove_category(request.actor, category_id, key=key)


ROUTES = (list_categories, get_category, create_category, edit_category, remove_category)
