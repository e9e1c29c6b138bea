"""Stock in and out of the shelves, and the ledger that explains it; for staff."""

from __future__ import annotations

from uuid import UUID

from shop_core.errors import InvalidCursor, KeyReused, ProductNotFound, StockBelowZero
from shop_core.idempotency import IdempotencyKey
from shop_http import examples
from shop_http.requests import CursorQuery, ShopRequest
from shop_http.responses import Response, json_response, page_response
from shop_http.routing import Access, Operation, get, post
from shop_http.schemas.inventory import (
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
    return json_response(StockLevelBody.of(request.shop.inventory.level(request.actor, product_id)))


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
    return json_response(StockLevelBody.of(record(request.actor, product_id, form.quantity, form.reason, key=key)))


@get(
    "/products/{product_id:uuid}/stock/movements",
    Operation(
        pool=Pool.SLOW,
        access=Access.STAFF,
        tagged=True,
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


ROUTES = (get_stock_level, change_stock, list_stock_movements)
