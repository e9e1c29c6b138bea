"""Stock in and out of the shelves, and the ledger that explains it; for staff."""

from __future__ import annotations

from functools import partial
from uuid import UUID

from shop_core.errors import InvalidCursor, KeyReused, ProductNotFound, StockBelowZero
from shop_core.idempotency import IdempotencyKey
from shop_core.inventory.model import StockLevel
from shop_http.documentation import examples
from shop_http.requests import CursorQuery, OffsetQuery, ShopRequest
from shop_http.responses import Response, json_response, page_response
from shop_http.routing import Access, Operation, get, patch, post
from shop_http.schemas.catalog import ProductBody, ProductPage
from shop_http.schemas.inventory import (
    LowStockForm,
    StockChangeForm,
    StockChangeKind,
    StockLevelBody,
    StockMovementBody,
    StockMovementPage,
)
from shop_http.server.worker_pools import Pool

TAG = "Inventory"


@get(
    "/products/{product_id:uuid}/stock",
    Operation(access=Access.STAFF, gives=examples.STOCK_LEVEL, refuses=(ProductNotFound,)),
)
def get_stock_level(request: ShopRequest, product_id: UUID) -> Response:
    """The stock counters of a product."""
    return _stock_level(request, request.shop.inventory.level(request.actor, product_id))


@patch(
    "/products/{product_id:uuid}/stock",
    Operation(
        access=Access.STAFF, takes=examples.LOW_STOCK, gives=examples.STOCK_LEVEL, refuses=(ProductNotFound, KeyReused)
    ),
)
def set_low_stock_level(
    request: ShopRequest, product_id: UUID, form: LowStockForm, key: IdempotencyKey | None
) -> Response:
    """Say below how many units a product counts as low. The counters stay."""
    level = request.shop.inventory.set_low_stock_level(request.actor, product_id, form.low_stock_level, key=key)
    return _stock_level(request, level)


@get(
    "/products/low-stock",
    Operation(pool=Pool.SLOW, access=Access.STAFF, has_etag=True, query=OffsetQuery, gives=examples.PRODUCTS),
)
def list_low_stock(request: ShopRequest, query: OffsetQuery) -> Response:
    """Products of which fewer can be sold than their low stock level, newest first."""
    page_request = query.offset_request()
    page = request.shop.catalog.low_stock(request.actor, page_request)
    return page_response(
        ProductPage, page, page_request, partial(ProductBody.of, url_of=request.shop.images.url_of), request
    )


@post(
    "/products/{product_id:uuid}/stock",
    Operation(
        access=Access.STAFF,
        takes=examples.STOCK_CHANGE,
        gives=examples.STOCK_LEVEL,
        refuses=(ProductNotFound, StockBelowZero, KeyReused),
    ),
)
def change_stock(request: ShopRequest, product_id: UUID, form: StockChangeForm, key: IdempotencyKey | None) -> Response:
    """Receive units, or adjust the units on hand to a count.

    `received` takes a positive quantity; `adjusted` takes the difference, negative for units that are missing.
    """
    stock = request.shop.inventory
    record = stock.receive if form.kind is StockChangeKind.RECEIVED else stock.adjust
    return _stock_level(request, record(request.actor, product_id, form.quantity, form.reason, key=key))


@get(
    "/products/{product_id:uuid}/stock/movements",
    Operation(
        pool=Pool.SLOW,
        access=Access.STAFF,
        has_etag=True,
        query=CursorQuery,
        gives=examples.STOCK_MOVEMENTS,
        refuses=(ProductNotFound, InvalidCursor),
    ),
)
def list_stock_movements(request: ShopRequest, product_id: UUID, query: CursorQuery) -> Response:
    """The stock ledger of a product, newest first."""
    page_request = query.cursor_request()
    page = request.shop.inventory.movements(request.actor, product_id, page_request)
    return page_response(StockMovementPage, page, page_request, StockMovementBody.of, request)


def _stock_level(request: ShopRequest, level: StockLevel) -> Response:
    low_stock_levels = request.shop.inventory.low_stock_levels(request.actor, [level.product_id])
    return json_response(StockLevelBody.of(level, low_stock_levels.get(level.product_id)))


ROUTES = (get_stock_level, set_low_stock_level, list_low_stock, change_stock, list_stock_movements)
