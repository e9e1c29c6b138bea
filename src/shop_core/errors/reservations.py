"""Refusals about reservations and idempotency keys."""

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
        super().__init__(f"You have no reservation {reservation_id}. Reserve again if you need the units.")
        self.reservation_id = reservation_id


class ReservationExpired(Conflict):
    """The reservation has expired, on the clock of the shop. An expired reservation never becomes active again."""

    code = "reservation_expired"
    title = "The reservation has expired"

    def __init__(self, reservation_id: UUID, expired_at: datetime) -> None:
        super().__init__(
            f"Reservation {reservation_id} expired at {expired_at.isoformat()}, and its units can be sold to others. "
            "Reserve again."
        )
        self.reservation_id, self.expired_at = reservation_id, expired_at


class ReservationResolved(Conflict):
    """The reservation was confirmed or released before. Each reservation ends once."""

    code = "reservation_resolved"
    title = "The reservation has ended already"

    def __init__(self, reservation_id: UUID, state: str, order_id: UUID | None) -> None:
        became = f" by the order {order_id}" if order_id else ""
        super().__init__(f"Reservation {reservation_id} was already {state}{became}. Reserve again if you need more.")
        self.reservation_id, self.state, self.order_id = reservation_id, state, order_id


class TooMuchReserved(Conflict):
    """This customer would reserve more at once than the shop allows."""

    code = "too_much_reserved"
    title = "Too much reserved at once"

    def __init__(self, what: str, held: int, requested: int, max: int) -> None:
        super().__init__(
            f"You have reserved {held} {what} and request {requested} more, but {max} at once is the limit. "
            "Nothing was reserved: confirm or release what you have, or wait until it expires."
        )
        self.what, self.held, self.requested, self.max = what, held, requested, max


class KeyReused(Refusal):
    """The idempotency key was used before for another request."""

    kind: ClassVar[Kind] = Kind.MISMATCH
    code = "idempotency_key_reused"
    title = "Idempotency key already used"

    def __init__(self, key: str) -> None:
        super().__init__(
            f"The key {key!r} was used for another request. Nothing was done: use a new key for a new request, and "
            "send the same request for a retry."
        )
        self.key = key
