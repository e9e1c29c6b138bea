"""Families of products."""

from __future__ import annotations

from uuid import UUID

from msgspec import UNSET

from shop_core.catalog.families import Family
from shop_core.catalog.model import UNCHANGED
from shop_core.errors import FamilyInUse, FamilyNotFound, KeyReused, Stale
from shop_core.idempotency import IdempotencyKey
from shop_http.documentation import examples
from shop_http.read_model import cacheable
from shop_http.requests import OffsetQuery, ShopRequest
from shop_http.responses import Response, json_response, page_response
from shop_http.routes import categories
from shop_http.routing import Access, Operation, delete, get, patch, post
from shop_http.schemas.catalog import FamilyBody, FamilyForm, FamilyPage, FamilyPatch

TAG = categories.TAG


@get(
    "/families",
    Operation(
        cached=True,
        access=Access.CATALOG,
        has_etag=True,
        query=OffsetQuery,
        gives=examples.FAMILIES,
    ),
)
def list_families(request: ShopRequest, query: OffsetQuery) -> Response:
    """All families of products, newest first."""
    page_request = query.offset_request()
    listed = request.shop.families.page(page_request)
    return cacheable(page_response(FamilyPage, listed, page_request, FamilyBody.of, request))


@get(
    "/families/{family_id:uuid}",
    Operation(
        cached=True,
        access=Access.CATALOG,
        gives=examples.FAMILY,
        has_etag=True,
        refuses=(FamilyNotFound,),
    ),
)
def get_family(request: ShopRequest, family_id: UUID) -> Response:
    """A family of products.

    `/products?family=` lists its products.
    """
    return _family(request.shop.families.get(family_id))


@post(
    "/families",
    Operation(
        access=Access.STAFF,
        takes=examples.FAMILY_FORM,
        gives=examples.FAMILY,
        status=201,
        refuses=(KeyReused,),
    ),
)
def create_family(request: ShopRequest, form: FamilyForm, key: IdempotencyKey | None) -> Response:
    """Add a family."""
    family = request.shop.families.create(request.actor, form.name, form.option_names, form.description, key=key)
    return _family(family, location=f"/families/{family.id}")


@patch(
    "/families/{family_id:uuid}",
    Operation(
        access=Access.STAFF,
        takes=examples.FAMILY_PATCH,
        gives=examples.FAMILY,
        refuses=(FamilyNotFound, Stale, KeyReused),
    ),
)
def edit_family(request: ShopRequest, family_id: UUID, form: FamilyPatch, key: IdempotencyKey | None) -> Response:
    """Change name or description of a family."""
    versions = request.expected_versions()
    name = UNCHANGED if form.name is UNSET else form.name
    description = UNCHANGED if form.description is UNSET else form.description
    return _family(request.shop.families.edit(request.actor, family_id, name, description, versions, key=key))


@delete(
    "/families/{family_id:uuid}",
    Operation(
        access=Access.STAFF,
        status=204,
        refuses=(FamilyNotFound, FamilyInUse, KeyReused),
    ),
)
def remove_family(request: ShopRequest, family_id: UUID, key: IdempotencyKey | None) -> None:
    """Remove a family without products."""
    request.shop.families.remove(request.actor, family_id, key=key)


def _family(family: Family, location: str | None = None) -> Response:
    return cacheable(json_response(FamilyBody.of(family), location=location), version=family.version)


ROUTES = (list_families, get_family, create_family, edit_family, remove_family)
