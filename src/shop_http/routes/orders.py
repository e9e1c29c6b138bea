"""Placing orders, and taking them through their life."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from shop_core import Order, OrderQuery, OrderStatus
from shop_core.errors import (
    Forbidden,
    IllegalStep,
    InsufficientStock,
    InvalidCursor,
    KeyReused,
    NotTheOwner,
    OrderNotFound,
    ReservationExpired,
    ReservationNotFound,
    ReservationResolved,
    Stale,
    StockBelowZero,
    TooManyOrders,
    TotalChanged,
    UnknownProducts,
)
from shop_http.conditional import expected_versions, reply_tagged
from shop_http.keys import replay_header, sent_key
from shop_http.paging import ListQuery, page_body
from shop_http.requests import read_body, read_query
from shop_http.routing import Access, Operation, Reply, ShopRequest, delete, done, get, post, put, reply
from shop_http.schemas import orders as wire
from shop_http.schemas.orders import OrderBody, OrderEventBody, OrderEventPage, OrderForm, OrderPage, PlacementForm
from shop_http.server.worker_pools import Pool

TAG = "Orders"

Time = Annotated[datetime, Meta(tz=True)]


class OrdersQuery(ListQuery, forbid_unknown_fields=True, kw_only=True):
    """The filters of the list of orders; all that are given must hold."""

    customer: Annotated[UUID, Meta(description="whose; others than one's own are for staff")] | UnsetType = UNSET
    status: OrderStatus | UnsetType = UNSET
    placed_from: Annotated[Time, Meta(description="placed then or later, e.g. 2026-11-21T00:00:00Z")] | UnsetType = (
        UNSET
    )
    placed_before: Annotated[Time, Meta(description="placed earlier than then")] | UnsetType = UNSET
    number: Annotated[str, Meta(max_length=40, description="as people write it, e.g. 261121-7K3M9QX2")] | UnsetType = (
        UNSET
    )

    def query(self) -> OrderQuery:
        """The same for the core.

        Raises:
            Invalid: the number is none.
        """
        return OrderQuery(
            customer_id=self.customer or None,
            status=self.status or None,
            placed_from=self.placed_from or None,
            placed_before=self.placed_before or None,
            number=None if self.number is UNSET else self.number,
        )


@post(
    "/orders",
    Operation(
        id="place_order",
        summary="Place an order",
        tag=TAG,
        takes=wire.PLACEMENT_FORM,
        or_takes=wire.PLACEMENT_OF_A_RESERVATION,
        gives=wire.ORDER,
        status=201,
        refuses=(
            *(InsufficientStock, UnknownProducts, TotalChanged, KeyReused, TooManyOrders),
            *(ReservationNotFound, ReservationExpired, ReservationResolved),
        ),
        more="Of `lines`, or of one's own reservation, whose units are never free in between. All or nothing: if a"
        " product is short, every short one is named in `shortages` and nothing is taken. With an `Idempotency-Key`"
        " the same request is one order however often it is sent: a retry gets that order as it is by then.",
    ),
)
async def place_order(request: ShopRequest, body: bytes) -> Reply:
    """Place an order for the customer who is logged in."""
    form = read_body(PlacementForm, body)
    request.gate.order(request.actor.id)
    answer = await request.place(form.request(request.actor, sent_key(request), request.shop.currency))
    order, more = answer.value, replay_header(answer.replayed)
    return reply_tagged(request, OrderBody.of(order), order.version, location=f"/orders/{order.id}", more=more)


@get(
    "/orders",
    Operation(
        id="list_orders",
        lane=lambda request: Pool.SLOW if request.actor.is_staff else Pool.FAST,
        fresh=True,
        summary="One's own orders, newest first; everybody's for staff",
        tag=TAG,
        query=OrdersQuery,
        gives=wire.ORDERS,
        refuses=(InvalidCursor, Forbidden),
        more="Staff also see orders that their customers deleted: those have `deleted_at`.",
    ),
)
def list_orders(request: ShopRequest) -> Reply:
    """The orders that match, a piece at a time."""
    sent = read_query(OrdersQuery, request)
    page_request = sent.page_request()
    page = request.shop.orders.find(request.actor, sent.query(), page_request)
    return reply(page_body(OrderPage, page, page_request, OrderBody.of, request))


@get(
    "/orders/{order_id:uuid}",
    Operation(
        id="get_order",
        fresh=True,
        summary="An order of one's own; any order for staff",
        tag=TAG,
        gives=wire.ORDER,
        tagged=True,
        refuses=(OrderNotFound,),
    ),
)
def get_order(request: ShopRequest, order_id: UUID) -> Reply:
    """One order."""
    return _tagged(request, request.shop.orders.get(request.actor, order_id))


@get(
    "/orders/{order_id:uuid}/events",
    Operation(
        id="list_order_events",
        summary="What happened to an order, oldest first",
        tag=TAG,
        query=ListQuery,
        gives=wire.ORDER_EVENTS,
        refuses=(OrderNotFound, InvalidCursor),
    ),
)
def list_order_events(request: ShopRequest, order_id: UUID) -> Reply:
    """The timeline of an order, a piece at a time."""
    page_request = read_query(ListQuery, request).page_request()
    page = request.shop.orders.events(request.actor, order_id, page_request)
    return reply(page_body(OrderEventPage, page, page_request, OrderEventBody.of, request))


@put(
    "/orders/{order_id:uuid}",
    Operation(
        id="edit_order",
        summary="Replace the lines of an order, while it is placed",
        tag=TAG,
        takes=wire.ORDER_FORM,
        gives=wire.ORDER,
        refuses=(OrderNotFound, NotTheOwner, Stale, IllegalStep, InsufficientStock, UnknownProducts),
        more="For its owner. All or nothing, and only the difference is taken from stock or given back: in `shortages`"
        " `requested` are the units beyond those that the order has, `available` those that could be added. A product"
        " of which the order had as many or more keeps its name and price; a new one, or more of one, is agreed anew"
        " at today's. Lines that change nothing leave the version as it is.",
    ),
)
def edit_order(request: ShopRequest, order_id: UUID, body: bytes) -> Reply:
    """Edit, by the owner."""
    lines = read_body(OrderForm, body).wanted()
    return _tagged(request, request.shop.orders.edit(request.actor, order_id, lines, expected_versions(request)))


@delete(
    "/orders/{order_id:uuid}",
    Operation(
        id="delete_order",
        summary="Take an order out of one's history; it is cancelled first if it still can be",
        tag=TAG,
        gives=None,
        status=204,
        refuses=(OrderNotFound, NotTheOwner, Stale, IllegalStep),
        more="For its owner, who does not find it any more; staff still do. One that was shipped cannot be deleted.",
    ),
)
def delete_order(request: ShopRequest, order_id: UUID) -> Reply:
    """Delete, by the owner."""
    request.shop.orders.delete(request.actor, order_id, expected_versions(request))
    return done()


@post(
    "/orders/{order_id:uuid}/cancel",
    Operation(
        id="cancel_order",
        summary="Call an order off, while it is placed or confirmed",
        tag=TAG,
        gives=wire.ORDER,
        refuses=(OrderNotFound, Stale, IllegalStep),
    ),
)
def cancel_order(request: ShopRequest, order_id: UUID) -> Reply:
    """Cancel, by the owner or by staff."""
    return _tagged(request, request.shop.orders.cancel(request.actor, order_id, expected_versions(request)))


@post(
    "/orders/{order_id:uuid}/confirm",
    Operation(
        id="confirm_order",
        summary="Accept an order",
        tag=TAG,
        access=Access.STAFF,
        gives=wire.ORDER,
        refuses=(OrderNotFound, Stale, IllegalStep),
    ),
)
def confirm_order(request: ShopRequest, order_id: UUID) -> Reply:
    """Confirm, for staff."""
    return _tagged(request, request.shop.orders.confirm(request.actor, order_id, expected_versions(request)))


@post(
    "/orders/{order_id:uuid}/ship",
    Operation(
        id="ship_order",
        summary="Hand an order over to the carrier: its units leave the stock",
        tag=TAG,
        access=Access.STAFF,
        gives=wire.ORDER,
        refuses=(OrderNotFound, Stale, IllegalStep, StockBelowZero),
    ),
)
def ship_order(request: ShopRequest, order_id: UUID) -> Reply:
    """Ship, for staff."""
    return _tagged(request, request.shop.orders.ship(request.actor, order_id, expected_versions(request)))


@post(
    "/orders/{order_id:uuid}/deliver",
    Operation(
        id="deliver_order",
        summary="Record that the customer has the order",
        tag=TAG,
        access=Access.STAFF,
        gives=wire.ORDER,
        refuses=(OrderNotFound, Stale, IllegalStep),
    ),
)
def deliver_order(request: ShopRequest, order_id: UUID) -> Reply:
    """Deliver, for staff."""
    return _tagged(request, request.shop.orders.deliver(request.actor, order_id, expected_versions(request)))


def _tagged(request: ShopRequest, order: Order) -> Reply:
    return reply_tagged(request, OrderBody.of(order), order.version)


ROUTES = (
    place_order,
    list_orders,
    get_order,
    list_order_events,
    edit_order,
    delete_order,
    cancel_order,
    confirm_order,
    ship_order,
    deliver_order,
)
