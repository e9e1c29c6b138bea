"""Browsing categories, and keeping them."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from msgspec import Meta

from shop_core.errors import CategoryCycle, CategoryInUse, CategoryNotFound, SlugTaken
from shop_http.paging import NumberedQuery, page_body
from shop_http.requests import read_body, read_query
from shop_http.routing import Access, Operation, Reply, ShopRequest, delete, done, get, patch, post, reply
from shop_http.schemas import catalog as wire
from shop_http.schemas.catalog import CategoryBody, CategoryForm, CategoryPage, CategoryPatch

TAG = "Catalog"


class CategoriesQuery(NumberedQuery, forbid_unknown_fields=True, kw_only=True):
    """How to list the categories."""

    nested: Annotated[bool, Meta(description="true: those at the top, each with `children`; pages count these")] = False


@get(
    "/categories",
    Operation(
        id="list_categories",
        fresh=True,
        summary="All categories, by slug; flat, or nested as a tree",
        tag=TAG,
        access=Access.CATALOG,
        query=CategoriesQuery,
        gives=wire.CATEGORIES,
    ),
)
def list_categories(request: ShopRequest) -> Reply:
    """All categories, a piece at a time."""
    sent = read_query(CategoriesQuery, request)
    page_request, catalog = sent.numbered(), request.shop.catalog
    if sent.nested:
        return reply(
            page_body(CategoryPage, catalog.category_tree(page_request), page_request, CategoryBody.of_node, request)
        )
    return reply(page_body(CategoryPage, catalog.categories(page_request), page_request, CategoryBody.of, request))


@get(
    "/categories/{category_id:uuid}",
    Operation(
        id="get_category",
        fresh=True,
        summary="A category",
        tag=TAG,
        access=Access.CATALOG,
        gives=wire.CATEGORY,
        refuses=(CategoryNotFound,),
    ),
)
def get_category(request: ShopRequest, category_id: UUID) -> Reply:
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
        more="The tree has at most ten levels.",
    ),
)
def create_category(request: ShopRequest, body: bytes) -> Reply:
    """Add a category, for staff."""
    form = read_body(CategoryForm, body)
    entry = request.shop.catalog.create_category(request.actor, form.name, form.slug, form.parent or None)
    return reply(CategoryBody.of(entry), location=f"/categories/{entry.category.id}")


@patch(
    "/categories/{category_id:uuid}",
    Operation(
        id="edit_category",
        summary="Rename or move a category",
        tag=TAG,
        access=Access.STAFF,
        takes=wire.CATEGORY_PATCH,
        gives=wire.CATEGORY,
        refuses=(SlugTaken, CategoryNotFound, CategoryCycle),
        more="What is left out stays; `parent: null` moves it to the top. What is below it moves along.",
    ),
)
def edit_category(request: ShopRequest, category_id: UUID, body: bytes) -> Reply:
    """Change a category, for staff."""
    changes = read_body(CategoryPatch, body).changes()
    return reply(CategoryBody.of(request.shop.catalog.edit_category(request.actor, category_id, changes)))


@delete(
    "/categories/{category_id:uuid}",
    Operation(
        id="remove_category",
        summary="Remove an empty category",
        tag=TAG,
        access=Access.STAFF,
        gives=None,
        status=204,
        refuses=(CategoryNotFound, CategoryInUse),
        more="Products of the catalog in it and categories below it keep it from going; archived products do not.",
    ),
)
def remove_category(request: ShopRequest, category_id: UUID) -> Reply:
    """Remove a category, for staff."""
    request.shop.catalog.remove_category(request.actor, category_id)
    return done()


ROUTES = (list_categories, get_category, create_category, edit_category, remove_category)
