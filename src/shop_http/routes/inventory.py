"""Stock in and out of the shelves, and the ledger that explains it; for staff."""

from __future__ import annotations

from uuid import UUID

from shop_core.errors import InvalidCursor, ProductNotFound, StockBelowZero
from shop_http.paging import KeysetQuery, page_body
from shop_http.requests import read_body, read_query
from shop_http.routing import Access, Operation, Reply, ShopRequest, get, post, reply
from shop_http.schemas import inventory as wire
from shop_http.schemas.inventory import StockChangeForm, StockLevelBody, StockMovementBody, StockMovementPage
from shop_http.server.worker_pools import Pool

TAG = "Inventory"


@get(
    "/products/{product_id:uuid}/stock",
    Operation(
        id="get_stock_level",
        summary="The stock counters of a product",
        tag=TAG,
        access=Access.STAFF,
        gives=wire.STOCK_LEVEL,
        refuses=(ProductNotFound,),
    ),
)
def get_stock_level(request: ShopRequest, product_id: UUID) -> Reply:
    """The counters of one product."""
    return reply(StockLevelBody.of(request.shop.inventory.level(request.actor, product_id)))


@post(
    "/products/{product_id:uuid}/stock",
    Operation(
        id="change_stock",
        summary="Receive units, or adjust what is on hand to what was found",
        tag=TAG,
        access=Access.STAFF,
        takes=wire.STOCK_CHANGE,
        gives=wire.STOCK_LEVEL,
        refuses=(ProductNotFound, StockBelowZero),
        more="`received` takes a positive quantity; `adjusted` the difference, negative for units found missing.",
    ),
)
def change_stock(request: ShopRequest, product_id: UUID, body: bytes) -> Reply:
    """Record a change of stock."""
    form = read_body(StockChangeForm, body)
    stock = request.shop.inventory
    record = stock.receive if form.kind == "received" else stock.adjust
    return reply(StockLevelBody.of(record(request.actor, product_id, form.quantity, form.reason)))


@get(
    "/products/{product_id:uuid}/stock/movements",
    Operation(
        id="list_stock_movements",
        lane=Pool.SLOW,
        summary="The stock ledger of a product, newest first",
        tag=TAG,
        access=Access.STAFF,
        query=KeysetQuery,
        gives=wire.STOCK_MOVEMENTS,
        refuses=(ProductNotFound, InvalidCursor),
    ),
)
def list_stock_movements(request: ShopRequest, product_id: UUID) -> Reply:
    """The ledger of one product, a piece at a time."""
    page_request = read_query(KeysetQuery, request).keyset()
    page = request.shop.inventory.movements(request.actor, product_id, page_request)
    return reply(page_body(StockMovementPage, page, page_request, StockMovementBody.of, request))


ROUTES = (get_stock_level, change_stock, list_stock_movements)
