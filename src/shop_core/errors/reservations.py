"""Refusals about reservations, and about the keys that make a request happen once."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from shop_core.errors.kinds import Conflict, Kind, NotFound, Refusal


class ReservationNotFound(NotFound):
    """This customer has no such reservation."""

    code = "reservation_not_found"
    title = "Reservation not found"

    def __init__(self, reservation_id: UUID) -> None:
        super().__init__(f"You have no reservation {reservation_id}. POST /reservations makes one.")
        self.reservation_id = reservation_id


class ReservationExpired(Conflict):
    """The reservation has expired, on the clock of the shop. An expired reservation never becomes active again."""

    code = "reservation_expired"
    title = "The reservation has expired"

    def __init__(self, reservation_id: UUID, expired_at: datetime) -> None:
        super().__init__(
            f"The reservation {reservation_id} expired at {expired_at.isoformat()}; its units can be sold to anyone. "
            "Reserve again."
        )
        self.reservation_id, self.expired_at = reservation_id, expired_at


class ReservationResolved(Conflict):
    """The reservation was confirmed or released before. Each reservation ends once."""

    code = "reservation_resolved"
    title = "The reservation has ended already"

    def __init__(self, reservation_id: UUID, state: str, order_id: UUID | None) -> None:
        became = f" by the order {order_id}" if order_id else ""
        super().__init__(f"The reservation {reservation_id} was {state}{became}. Reserve again if you need more.")
        self.reservation_id, self.state, self.order_id = reservation_id, state, order_id


class TooMuchReserved(Conflict):
    """This customer would reserve more at once than the shop allows."""

    code = "too_much_reserved"
    title = "Too much reserved at once"

    def __init__(self, what: str, held: int, requested: int, max: int) -> None:
        super().__init__(
            f"You hold {held} {what} and want {requested} more; one customer can hold {max} at once. "
            "Nothing was reserved: confirm or release what you hold, or wait until it expires."
        )
        self.what, self.held, self.requested, self.max = what, held, requested, max


class KeyReused(Refusal):
    """The idempotency key was used before for another request."""

    kind: ClassVar[Kind] = Kind.MISMATCH
    code = "idempotency_key_reused"
    title = "The idempotency key belongs to another request"

    def __init__(self, key: str) -> None:
        super().__init__(
            f"The key {key!r} made something else before. Nothing was done: use a new key for a new request, and the "
            "same request for a retry."
        )
        self.key = key
