"""Placing orders, and taking them through their life."""

from __future__ import annotations

from uuid import UUID

from litestar.params import FromPath, RawBody

from shop_core.errors import (
    IllegalStep,
    InsufficientStock,
    InvalidCursor,
    OrderNotFound,
    StockBelowZero,
    UnknownProducts,
)
from shop_http.intake import read_body, read_query
from shop_http.paging import ListQuery, page_body
from shop_http.routing import Access, Operation, Reply, ShopRequest, get, post, reply
from shop_http.wire import orders as wire
from shop_http.wire.orders import OrderBody, OrderForm, OrderPage

TAG = "Orders"


@post(
    "/orders",
    Operation(
        id="place_order",
        summary="Place an order",
        tag=TAG,
        takes=wire.ORDER_FORM,
        gives=wire.ORDER,
        status=201,
        refuses=(InsufficientStock, UnknownProducts),
        more="All or nothing: if a product is short, every short one is named in `shortages` and nothing is taken.",
    ),
)
def place_order(request: ShopRequest, body: RawBody) -> Reply:
    """Place an order for the customer who is logged in."""
    form = read_body(OrderForm, body)
    order = request.shop.orders.place(form.request(request.actor.account_id))
    return reply(OrderBody.of(order), location=f"/orders/{order.id}")


@get(
    "/orders",
    Operation(
        id="list_my_orders",
        summary="One's own orders, newest first",
        tag=TAG,
        query=ListQuery,
        gives=wire.ORDERS,
        refuses=(InvalidCursor,),
    ),
)
def list_my_orders(request: ShopRequest) -> Reply:
    """One's own orders, a piece at a time."""
    piece = read_query(ListQuery, request).piece()
    page = request.shop.orders.mine(request.actor, piece)
    return reply(page_body(OrderPage, page, piece, OrderBody.of, request))


@get(
    "/orders/{order_id:uuid}",
    Operation(
        id="get_order",
        summary="An order of one's own; any order for staff",
        tag=TAG,
        gives=wire.ORDER,
        refuses=(OrderNotFound,),
    ),
)
def get_order(request: ShopRequest, order_id: FromPath[UUID]) -> Reply:
    """One order."""
    return reply(OrderBody.of(request.shop.orders.get(request.actor, order_id)))


@post(
    "/orders/{order_id:uuid}/cancel",
    Operation(
        id="cancel_order",
        summary="Call an order off, while it is placed or confirmed",
        tag=TAG,
        gives=wire.ORDER,
        refuses=(OrderNotFound, IllegalStep),
    ),
)
def cancel_order(request: ShopRequest, order_id: FromPath[UUID]) -> Reply:
    """Cancel, by the owner or by staff."""
    return reply(OrderBody.of(request.shop.orders.cancel(request.actor, order_id)))


@post(
    "/orders/{order_id:uuid}/confirm",
    Operation(
        id="confirm_order",
        summary="Accept an order",
        tag=TAG,
        access=Access.STAFF,
        gives=wire.ORDER,
        refuses=(OrderNotFound, IllegalStep),
    ),
)
def confirm_order(request: ShopRequest, order_id: FromPath[UUID]) -> Reply:
    """Confirm, for staff."""
    return reply(OrderBody.of(request.shop.orders.confirm(request.actor, order_id)))


@post(
    "/orders/{order_id:uuid}/ship",
    Operation(
        id="ship_order",
        summary="Hand an order over to the carrier: its units leave the stock",
        tag=TAG,
        access=Access.STAFF,
        gives=wire.ORDER,
        refuses=(OrderNotFound, IllegalStep, StockBelowZero),
    ),
)
def ship_order(request: ShopRequest, order_id: FromPath[UUID]) -> Reply:
    """Ship, for staff."""
    return reply(OrderBody.of(request.shop.orders.ship(request.actor, order_id)))


@post(
    "/orders/{order_id:uuid}/deliver",
    Operation(
        id="deliver_order",
        summary="Record that the customer has the order",
        tag=TAG,
        access=Access.STAFF,
        gives=wire.ORDER,
        refuses=(OrderNotFound, IllegalStep),
    ),
)
def deliver_order(request: ShopRequest, order_id: FromPath[UUID]) -> Reply:
    """Deliver, for staff."""
    return reply(OrderBody.of(request.shop.orders.deliver(request.actor, order_id)))


ROUTES = (place_order, list_my_orders, get_order, cancel_order, confirm_order, ship_order, deliver_order)
