"""Reservations: units held for a customer for a while, before there is an order."""

from __future__ import annotations

from asyncio import wrap_future
from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, UnsetType

from shop_core.errors import (
    Forbidden,
    InsufficientStock,
    InvalidCursor,
    KeyReused,
    ReservationExpired,
    ReservationNotFound,
    ReservationResolved,
    TooManyLines,
    TooMuchReserved,
    UnknownProducts,
)
from shop_core.idempotency import IdempotencyKey
from shop_core.reservations.model import ReservationQuery
from shop_http.documentation import examples
from shop_http.requests import CursorQuery, ShopRequest
from shop_http.responses import Response, json_response, page_response
from shop_http.routing import Operation, delete, get, post
from shop_http.schemas.reservations import ExtensionForm, ReservationBody, ReservationForm, ReservationPage
from shop_http.server.worker_pools import Pool

TAG = "Reservations"


class ReservationsQuery(CursorQuery, forbid_unknown_fields=True, kw_only=True):
    """The filters of the list of reservations; all that are given must hold."""

    customer: Annotated[UUID, Meta(description="whose; others than one's own are for staff")] | UnsetType = UNSET
    active: Annotated[bool, Meta(description="only those that hold units now")] = False


@post(
    "/reservations",
    Operation(
        takes=examples.RESERVATION_FORM,
        gives=examples.RESERVATION,
        status=201,
        refuses=(InsufficientStock, UnknownProducts, TooMuchReserved, KeyReused, TooManyLines),
    ),
)
async def reserve(request: ShopRequest, form: ReservationForm) -> Response:
    """Reserve units for a while.

    You get all lines or nothing, for 10 minutes unless `ttl_seconds` says otherwise. `POST /orders` with the
    reservation's id makes an order of it. With an `Idempotency-Key` the same request is one reservation however often
    you send it; a retry gets that reservation as it is by then.
    """
    reservation = form.reservation(request.actor, request.idempotency_key())
    request.state.reservation_limiter.count_lines(request.actor.id, len(reservation.units))
    result = await wrap_future(request.state.reserve(reservation))
    location = f"/reservations/{result.value.id}"
    return json_response(ReservationBody.of(result.value), location=location, is_replay=result.replayed)


@get(
    "/reservations",
    Operation(
        pool=lambda request, _: Pool.SLOW if request.actor.is_staff else Pool.FAST,
        query=ReservationsQuery,
        gives=examples.RESERVATIONS,
        refuses=(InvalidCursor, Forbidden),
    ),
)
def list_reservations(request: ShopRequest, query: ReservationsQuery) -> Response:
    """Your reservations, newest first; everybody's for staff.

    `active=true` leaves out those that were confirmed or released or have expired.
    """
    page_request = query.cursor_request()
    found = ReservationQuery(query.customer or None, query.active)
    page = request.shop.reservations.find(request.actor, found, page_request)
    response = page_response(ReservationPage, page, page_request, ReservationBody.of, request)
    response.etag = None  # each one says what time it is
    return response


@get("/reservations/{reservation_id:uuid}", Operation(gives=examples.RESERVATION, refuses=(ReservationNotFound,)))
def get_reservation(request: ShopRequest, reservation_id: UUID) -> Response:
    """One of your reservations; any for staff."""
    return json_response(ReservationBody.of(request.shop.reservations.get(request.actor, reservation_id)))


@post(
    "/reservations/{reservation_id:uuid}/extend",
    Operation(
        takes=examples.EXTENSION_FORM,
        gives=examples.RESERVATION,
        refuses=(ReservationNotFound, ReservationExpired, ReservationResolved, KeyReused, TooManyLines),
    ),
)
def extend_reservation(
    request: ShopRequest, reservation_id: UUID, form: ExtensionForm, key: IdempotencyKey | None
) -> Response:
    """Keep the units reserved for longer.

    For `ttl_seconds` from now, never for shorter than before, and for 24 hours in all at most. A reservation that has
    expired cannot be extended: its units may be somebody else's.
    """
    limiter, customer_id = request.state.reservation_limiter, request.actor.id
    limiter.count_lines(customer_id, 1)
    extended = request.shop.reservations.extend(request.actor, reservation_id, form.ttl, key=key)
    limiter.owe(customer_id, len(extended.lines) - 1)  # it is known only now
    return json_response(ReservationBody.of(extended))


@delete(
    "/reservations/{reservation_id:uuid}",
    Operation(status=204, refuses=(ReservationNotFound, ReservationExpired, ReservationResolved, KeyReused)),
)
def release_reservation(request: ShopRequest, reservation_id: UUID, key: IdempotencyKey | None) -> None:
    """Release a reservation: give its units back.

    Releasing it again changes nothing and gets the same response.
    """
    request.shop.reservations.release(request.actor, reservation_id, key=key)


ROUTES = (reserve, list_reservations, get_reservation, extend_reservation, release_reservation)
