"""Reservations."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from shop_core import Actor
from shop_core.reservations.model import (
    TTL_DEFAULT,
    TTL_MAX,
    TTL_MIN,
    Reservation,
    ReservationRequest,
    ReservationState,
    ReservedLine,
)
from shop_http.schemas.common import PageBody, Timestamp
from shop_http.schemas.orders import LineForms, line_requests

Ttl = Annotated[
    int,
    Meta(
        ge=int(TTL_MIN.total_seconds()),
        le=int(TTL_MAX.total_seconds()),
        description="for how many seconds from now",
    ),
]
TTL_DEFAULT_S = int(TTL_DEFAULT.total_seconds())


class ReservationForm(Struct, forbid_unknown_fields=True, kw_only=True):
    """Units to reserve. A product may stand in several lines: its quantities are summed."""

    lines: LineForms
    ttl_seconds: Ttl = TTL_DEFAULT_S

    def reservation(self, customer: Actor, key: str | None) -> ReservationRequest:
        """The reservation to make for the core."""
        ttl = timedelta(seconds=self.ttl_seconds)
        return ReservationRequest(customer.account_id, line_requests(self.lines), ttl, key)


class ExtensionForm(Struct, forbid_unknown_fields=True, kw_only=True):
    """For how long from now the units stay reserved."""

    ttl_seconds: Ttl = TTL_DEFAULT_S

    @property
    def ttl(self) -> timedelta:
        """As the core takes it."""
        return timedelta(seconds=self.ttl_seconds)


class ReservedLineBody(Struct, kw_only=True):
    """A product, and how many units of it are reserved."""

    product_id: UUID
    quantity: int

    @classmethod
    def of(cls, line: ReservedLine) -> ReservedLineBody:
        """The schema of `line`."""
        return cls(product_id=line.product_id, quantity=line.quantity)


class ReservationBody(Struct, kw_only=True):
    """A reservation. It expires at `expires_at`, by the clock of the shop.

    `server_now` is that clock at the time of the response: a countdown is `expires_at - server_now`, whatever the
    phone's clock says. `order_id` is the order that a confirmed reservation became.
    """

    id: UUID
    customer_id: UUID
    state: ReservationState
    lines: tuple[ReservedLineBody, ...]
    created_at: Timestamp
    expires_at: Timestamp
    server_now: Timestamp | UnsetType = UNSET
    order_id: UUID | UnsetType = UNSET

    @classmethod
    def of(cls, reservation: Reservation) -> ReservationBody:
        """The schema of `reservation`."""
        return cls(
            id=reservation.id,
            customer_id=reservation.customer_id,
            state=reservation.state,
            lines=tuple(map(ReservedLineBody.of, reservation.lines)),
            created_at=reservation.created_at,
            expires_at=reservation.expires_at,
            server_now=reservation.seen_at or UNSET,
            order_id=reservation.order_id or UNSET,
        )


class ReservationPage(PageBody[ReservationBody], kw_only=True):
    """A page of reservations."""
