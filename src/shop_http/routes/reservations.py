"""Reservations: units held for a customer for a while, before there is an order."""

from __future__ import annotations

from uuid import UUID

from shop_core.errors import (
    InsufficientStock,
    KeyReused,
    ReservationExpired,
    ReservationNotFound,
    ReservationResolved,
    TooMuchReserved,
    UnknownProducts,
)
from shop_http.requests import ShopRequest, read_body
from shop_http.responses import Response, json_response, no_content
from shop_http.routing import Operation, delete, get, post
from shop_http.schemas import reservations as schemas
from shop_http.schemas.reservations import ExtensionForm, ReservationBody, ReservationForm

TAG = "Reservations"


@post(
    "/reservations",
    Operation(
        id="reserve",
        summary="Reserve units for a while",
        tag=TAG,
        takes=schemas.RESERVATION_FORM,
        gives=schemas.RESERVATION,
        status=201,
        refuses=(InsufficientStock, UnknownProducts, TooMuchReserved, KeyReused),
        description="You get all lines or nothing, for 10 minutes unless `ttl_seconds` says otherwise. `POST "
        "/orders` with the reservation's id makes an order of it. With an `Idempotency-Key` the same "
        "request is one reservation however often you send it; a retry gets that reservation as it is by "
        "then.",
    ),
)
async def reserve(request: ShopRequest, body: bytes) -> Response:
    """Hold units for the customer who is logged in."""
    reservation = read_body(ReservationForm, body).request(request.actor, request.idempotency_key())
    result = await request.state.pools.result(request.state.reserve(reservation))
    location = f"/reservations/{result.value.id}"
    return json_response(ReservationBody.of(result.value), location=location, is_replay=result.replayed)


@get(
    "/reservations/{reservation_id:uuid}",
    Operation(
        id="get_reservation",
        summary="One of your reservations; any for staff",
        tag=TAG,
        gives=schemas.RESERVATION,
        refuses=(ReservationNotFound,),
    ),
)
def get_reservation(request: ShopRequest, reservation_id: UUID) -> Response:
    """One reservation, as it is now."""
    return json_response(ReservationBody.of(request.shop.reservations.get(request.actor, reservation_id)))


@post(
    "/reservations/{reservation_id:uuid}/extend",
    Operation(
        id="extend_reservation",
        summary="Keep the units reserved for longer",
        tag=TAG,
        takes=schemas.EXTENSION_FORM,
        gives=schemas.RESERVATION,
        refuses=(ReservationNotFound, ReservationExpired, ReservationResolved),
        description="For `ttl_seconds` from now, never for shorter than before, and for 24 hours in all at most. A "
        "reservation that has expired cannot be extended: its units may be somebody else's.",
    ),
)
def extend_reservation(request: ShopRequest, reservation_id: UUID, body: bytes) -> Response:
    """Extend, by the owner or by staff."""
    ttl = read_body(ExtensionForm, body).ttl
    return json_response(ReservationBody.of(request.shop.reservations.extend(request.actor, reservation_id, ttl)))


@delete(
    "/reservations/{reservation_id:uuid}",
    Operation(
        id="release_reservation",
        summary="Release a reservation: give its units back",
        tag=TAG,
        gives=None,
        status=204,
        refuses=(ReservationNotFound, ReservationExpired, ReservationResolved),
        description="Releasing it again changes nothing and gets the same response.",
    ),
)
def release_reservation(request: ShopRequest, reservation_id: UUID) -> Response:
    """Release, by the owner or by staff."""
    request.shop.reservations.release(request.actor, reservation_id)
    return no_content()


ROUTES = (reserve, get_reservation, extend_reservation, release_reservation)
