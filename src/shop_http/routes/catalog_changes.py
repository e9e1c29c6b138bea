"""What changed in the catalog, for clients that keep a copy of it."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from shop_core.errors import CursorExpired, InvalidCursor
from shop_core.pagination import LIMIT_DEFAULT
from shop_http.documentation import examples
from shop_http.requests import Limit, ShopRequest
from shop_http.responses import Response, json_response
from shop_http.routing import Access, Operation, get
from shop_http.schemas.catalog_changes import CatalogChangesBody

TAG = "Catalog"


class CatalogChangesQuery(Struct, forbid_unknown_fields=True, kw_only=True):
    """Where to go on, and how far."""

    after: Annotated[str, Meta(description="`next_cursor` of the response before; empty: the whole catalog")] = ""
    limit: Limit = LIMIT_DEFAULT


@get(
    "/catalog/changes",
    Operation(
        access=Access.CATALOG,
        query=CatalogChangesQuery,
        gives=examples.CATALOG_CHANGES,
        refuses=(InvalidCursor, CursorExpired),
    ),
)
def list_catalog_changes(request: ShopRequest, query: CatalogChangesQuery) -> Response:
    """What changed in the catalog since you asked last, to keep a copy of it.

    Begin without `after`, go on with `next_cursor` while `has_more` is true, and keep it for the next time. Nothing is
    missed, whatever happens meanwhile. A sale is no change: `quantity_in_stock` is that of now, so ask for the products
    on the screen when it matters. What left the catalog is named for 90 days. A cursor that is older, or from before a
    restore from a backup, is 410: drop the copy and begin anew.
    """
    changes = request.shop.catalog.changes(query.after or None, query.limit)
    return json_response(CatalogChangesBody.of(changes, request.shop.images.url_of))


ROUTES = (list_catalog_changes,)
