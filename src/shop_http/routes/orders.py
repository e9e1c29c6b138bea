"""Placing orders, and taking them through their life."""

from __future__ import annotations

from asyncio import wrap_future
from contextlib import nullcontext
from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from shop_core import Order, OrderQuery, OrderStatus
from shop_core.errors import (
    CouponNotUsable,
    Forbidden,
    IllegalStep,
    InsufficientStock,
    InvalidCursor,
    KeyReused,
    NotAllOnHand,
    NotTheOwner,
    OrderDeleted,
    OrderNotFound,
    ReservationExpired,
    ReservationNotFound,
    ReservationResolved,
    Stale,
    TooManyLines,
    TooManyOrders,
    TotalChanged,
    UnknownProducts,
)
from shop_core.idempotency import IdempotencyKey
from shop_http.documentation import examples
from shop_http.requests import IdsQuery, ListQuery, ShopRequest
from shop_http.responses import Response, json_response, page_response
from shop_http.routing import Access, Operation, delete, get, post, put
from shop_http.schemas.common import Timestamp
from shop_http.schemas.order_changes import OrderChangesBody, OrderChangesForm
from shop_http.schemas.orders import (
    CancellationForm,
    OrderBody,
    OrderEventBody,
    OrderEventPage,
    OrderForm,
    OrderPage,
    PlacementForm,
    QuoteBody,
    QuoteForm,
    line_requests,
)
from shop_http.server.worker_pools import Pool

TAG = "Orders"


class OrdersQuery(IdsQuery, forbid_unknown_fields=True, kw_only=True):
    """The filters of the list of orders; all that are given must hold."""

    customer: Annotated[UUID, Meta(description="whose; others than one's own are for staff")] | UnsetType = UNSET
    status: OrderStatus | UnsetType = UNSET
    placed_from: (
        Annotated[Timestamp, Meta(description="placed then or later, e.g. 2026-11-21T00:00:00Z")] | UnsetType
    ) = UNSET
    placed_before: Annotated[Timestamp, Meta(description="placed earlier than then")] | UnsetType = UNSET
    number: Annotated[str, Meta(max_length=40, description="as people write it, e.g. 261121-7K3M9QX2")] | UnsetType = (
        UNSET
    )

    def conditions(self) -> OrderQuery:
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
            ids=self.ids or None,
        )


@post(
    "/orders",
    Operation(
        takes=examples.PLACEMENT_FORM,
        or_takes=examples.PLACEMENT_OF_A_RESERVATION,
        gives=examples.ORDER,
        status=201,
        refuses=(
            *(InsufficientStock, UnknownProducts, TotalChanged, CouponNotUsable, OrderDeleted),
            *(KeyReused, TooManyOrders, TooManyLines),
            *(ReservationNotFound, ReservationExpired, ReservationResolved),
        ),
    ),
)
async def place_order(request: ShopRequest, form: PlacementForm) -> Response:
    """Place an order.

    Give `lines`, or one of your reservations, whose units are never free in between. You get all lines or nothing: if
    stock is short, `shortages` names every short product and nothing is taken. With an `Idempotency-Key` the same
    request is one order however often you send it; a retry gets that order as it is by then.
    """
    placement = form.placement(request.actor, request.idempotency_key(), request.shop.currency)
    request.state.order_limiter.count_order(request.actor.id, len(placement.units) or 1)
    with request.state.coupon_limiter.guess(request.actor.id, form.coupons) if form.coupons else nullcontext():
        result = await wrap_future(request.state.place(placement))
    order, path = result.value, f"/orders/{result.value.id}"
    if order.deleted_at:  # by its customer, after an earlier request with this key
        raise OrderDeleted(order.id)
    return json_response(OrderBody.of(order), etag=(order.version, order.tag), location=path, is_replay=result.replayed)


@post(
    "/orders/quote",
    Operation(
        access=Access.CATALOG,
        is_personal=True,
        takes=examples.QUOTE_FORM,
        gives=examples.QUOTE,
        refuses=(UnknownProducts, CouponNotUsable),
    ),
)
def quote_order(request: ShopRequest, form: QuoteForm) -> Response:
    """What an order would cost now, and why.

    Nothing is written and nothing is promised. `promotions` says of each promotion that you could use whether it
    applies, and if not, why and what is missing. Send `total` as `expected_total` when you place the order. With a
    login, the uses that you had count as when you place it.
    """
    with request.state.coupon_limiter.guess(request.actor.id or request.client_key, form.coupons):
        quote = request.shop.orders.quote(request.actor, line_requests(form.lines), form.coupons)
    return json_response(QuoteBody.of(quote))


@post(
    "/orders/changes",
    Operation(takes=examples.ORDER_CHANGES_FORM, gives=examples.ORDER_CHANGES, status=200),
)
def compare_orders(request: ShopRequest, form: OrderChangesForm) -> Response:
    """What differs between your orders and a copy of them that you keep.

    Each order has a `tag`. Sort the orders of your copy by id, cut them into ranges of about 100, and send for each the
    first id and all its tags, combined by XOR; without ranges everything differs. The response names all orders of
    each range that differs: drop those of your copy that it does not name there, and read those whose tag you do not
    have (`GET /orders?ids=`). Nothing is written. Orders that you deleted are gone.
    """
    return json_response(OrderChangesBody.of(request.shop.orders.compare(request.actor, form.copy())))


@get(
    "/orders",
    Operation(
        pool=lambda request, _: Pool.SLOW if request.actor.is_staff else Pool.FAST,
        has_etag=True,
        query=OrdersQuery,
        gives=examples.ORDERS,
        refuses=(InvalidCursor, Forbidden),
    ),
)
def list_orders(request: ShopRequest, query: OrdersQuery) -> Response:
    """Your orders, newest first; everybody's for staff.

    Staff also see orders that their customers deleted; those have `deleted_at`.
    """
    page_request = query.page_request()
    page = request.shop.orders.find(request.actor, query.conditions(), page_request)
    return page_response(OrderPage, page, page_request, OrderBody.of, request)


@get("/orders/{order_id:uuid}", Operation(gives=examples.ORDER, has_etag=True, refuses=(OrderNotFound,)))
def get_order(request: ShopRequest, order_id: UUID) -> Response:
    """One of your orders; any order for staff."""
    return _order(request.shop.orders.get(request.actor, order_id))


@get(
    "/orders/{order_id:uuid}/events",
    Operation(has_etag=True, query=ListQuery, gives=examples.ORDER_EVENTS, refuses=(OrderNotFound, InvalidCursor)),
)
def list_order_events(request: ShopRequest, order_id: UUID, query: ListQuery) -> Response:
    """What happened to an order, oldest first."""
    page_request = query.page_request()
    page = request.shop.orders.events(request.actor, order_id, page_request)
    return page_response(OrderEventPage, page, page_request, OrderEventBody.of, request)


@put(
    "/orders/{order_id:uuid}",
    Operation(
        takes=examples.ORDER_FORM,
        gives=examples.ORDER,
        refuses=(
            *(OrderNotFound, Stale, IllegalStep, InsufficientStock, UnknownProducts),
            *(TotalChanged, CouponNotUsable, KeyReused, TooManyLines),
        ),
    ),
)
def edit_order(request: ShopRequest, order_id: UUID, form: OrderForm, key: IdempotencyKey | None) -> Response:
    """Replace the lines of an order that is not confirmed yet.

    For the owner, and for staff who do it for them. You get all changes or none, and only the difference is taken from
    stock or given back. In `shortages`, `requested` is the number of units that the order was to have, and `available`
    is the number that it could have. A product of which the order had as many or more keeps its name and price; a new
    one, or more units of one, is priced anew at today's price, all its units: send the total that you showed as
    `expected_total`. The promotions with which it was placed stay those of the order, whatever became of them since;
    `coupons` can bring more. Lines that change nothing leave the version as it is, whatever `If-Match` says.
    """
    lines, total, versions = form.requested(), form.total(request.shop.currency), request.expected_versions()
    request.state.order_limiter.count_lines(request.actor.id, len(lines))
    with request.state.coupon_limiter.guess(request.actor.id, form.coupons):
        edited = request.shop.orders.edit(
            request.actor, order_id, lines, versions, form.coupons, expected_total=total, key=key
        )
    return _order(edited)


@delete(
    "/orders/{order_id:uuid}",
    Operation(status=204, refuses=(OrderNotFound, NotTheOwner, Stale, IllegalStep, KeyReused)),
)
def delete_order(request: ShopRequest, order_id: UUID, key: IdempotencyKey | None) -> None:
    """Delete an order from your history; it is cancelled first if it still can be.

    For the owner, who does not find it any more; staff still do. An order that was shipped cannot be deleted. To delete
    it again changes nothing and gets the same response.
    """
    request.shop.orders.delete(request.actor, order_id, request.expected_versions(), key=key)


@post(
    "/orders/{order_id:uuid}/cancel",
    Operation(
        takes=examples.CANCELLATION,
        needs_body=False,
        gives=examples.ORDER,
        refuses=(OrderNotFound, Stale, IllegalStep, KeyReused),
    ),
)
def cancel_order(request: ShopRequest, order_id: UUID, form: CancellationForm, key: IdempotencyKey | None) -> Response:
    """Cancel an order that is not shipped yet.

    The `reason`, if you give one, stands in the timeline of the order. To cancel a cancelled order changes nothing and
    gets the order.
    """
    versions = request.expected_versions()
    return _order(request.shop.orders.cancel(request.actor, order_id, versions, form.reason, key=key))


@post(
    "/orders/{order_id:uuid}/confirm",
    Operation(access=Access.STAFF, gives=examples.ORDER, refuses=(OrderNotFound, Stale, IllegalStep, KeyReused)),
)
def confirm_order(request: ShopRequest, order_id: UUID, key: IdempotencyKey | None) -> Response:
    """Accept an order."""
    return _order(request.shop.orders.confirm(request.actor, order_id, request.expected_versions(), key=key))


@post(
    "/orders/{order_id:uuid}/ship",
    Operation(
        access=Access.STAFF,
        gives=examples.ORDER,
        refuses=(OrderNotFound, Stale, IllegalStep, NotAllOnHand, KeyReused),
    ),
)
def ship_order(request: ShopRequest, order_id: UUID, key: IdempotencyKey | None) -> Response:
    """Record that an order was handed to the carrier: its units leave the stock."""
    return _order(request.shop.orders.ship(request.actor, order_id, request.expected_versions(), key=key))


@post(
    "/orders/{order_id:uuid}/deliver",
    Operation(access=Access.STAFF, gives=examples.ORDER, refuses=(OrderNotFound, Stale, IllegalStep, KeyReused)),
)
def deliver_order(request: ShopRequest, order_id: UUID, key: IdempotencyKey | None) -> Response:
    """Record that the customer has the order."""
    return _order(request.shop.orders.deliver(request.actor, order_id, request.expected_versions(), key=key))


def _order(order: Order) -> Response:
    return json_response(OrderBody.of(order), etag=(order.version, order.tag))


ROUTES = (
    place_order,
    quote_order,
    compare_orders,
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
