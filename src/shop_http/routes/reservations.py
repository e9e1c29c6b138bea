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
from shop_http.keys import replay_header, sent_key
from shop_http.requests import read_body
from shop_http.routing import Operation, Reply, ShopRequest, delete, done, get, post, reply
from shop_http.schemas import reservations as wire
from shop_http.schemas.reservations import ExtensionForm, ReservationBody, ReservationForm

TAG = "Reservations"


@post(
    "/reservations",
    Operation(
        id="reserve",
        summary="Have units held for a while",
        tag=TAG,
        takes=wire.RESERVATION_FORM,
        gives=wire.RESERVATION,
        status=201,
        refuses=(InsufficientStock, UnknownProducts, TooMuchReserved, KeyReused),
        more="All or nothing, for 10 minutes unless `ttl_seconds` says otherwise. `POST /orders` with its id makes an"
        " order of it. With an `Idempotency-Key` the same request is one reservation however often it is sent: a retry"
        " gets that reservation as it is by then.",
    ),
)
async def reserve(request: ShopRequest, body: bytes) -> Reply:
    """Hold units for the customer who is logged in."""
    form = read_body(ReservationForm, body)
    answer = await request.reserve(form.request(request.actor, sent_key(request)))
    made, more = answer.value, replay_header(answer.replayed)
    return reply(ReservationBody.of(made), location=f"/reservations/{made.id}", more=more)


@get(
    "/reservations/{reservation_id:uuid}",
    Operation(
        id="get_reservation",
        summary="A reservation of one's own; any for staff",
        tag=TAG,
        gives=wire.RESERVATION,
        refuses=(ReservationNotFound,),
    ),
)
def get_reservation(request: ShopRequest, reservation_id: UUID) -> Reply:
    """One reservation, as it is now."""
    return reply(ReservationBody.of(request.shop.reservations.get(request.actor, reservation_id)))


@post(
    "/reservations/{reservation_id:uuid}/extend",
    Operation(
        id="extend_reservation",
        summary="Have the units held for longer",
        tag=TAG,
        takes=wire.EXTENSION_FORM,
        gives=wire.RESERVATION,
        refuses=(ReservationNotFound, ReservationExpired, ReservationResolved),
        more="For `ttl_seconds` from now, never for shorter than before, and for 24 hours in all at most. One that has"
        " expired stays so: its units may be somebody else's.",
    ),
)
def extend_reservation(request: ShopRequest, reservation_id: UUID, body: bytes) -> Reply:
    """Extend, by the owner or by staff."""
    ttl = read_body(ExtensionForm, body).ttl
    return reply(ReservationBody.of(request.shop.reservations.extend(request.actor, reservation_id, ttl)))


@delete(
    "/reservations/{reservation_id:uuid}",
    Operation(
        id="release_reservation",
        summary="Give the units back",
        tag=TAG,
        gives=None,
        status=204,
        refuses=(ReservationNotFound, ReservationExpired, ReservationResolved),
        more="To release it again changes nothing, and is answered alike.",
    ),
)
def release_reservation(request: ShopRequest, reservation_id: UUID) -> Reply:
    """Release, by the owner or by staff."""
    request.shop.reservations.release(request.actor, reservation_id)
    return done()


ROUTES = (reserve, get_reservation, extend_reservation, release_reservation)
