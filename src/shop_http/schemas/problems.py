"""Errors as clients get them (RFC 9457)."""

from __future__ import annotations

from enum import StrEnum
from uuid import UUID

from msgspec import UNSET, Struct, UnsetType

from shop_core.reservations.model import ReservationState
from shop_http.schemas.common import Amount, Link, ShortageBody, Timestamp


class Problem(Struct, kw_only=True):
    """An error. `code` is stable, for programs; `detail` is for people; the log has it under `request_id`."""

    type: Link
    title: str
    status: int
    detail: str
    instance: Link
    code: str
    request_id: str


class FieldError(Struct, kw_only=True):
    """One broken rule: `field` is a path into the input, e.g. `lines.0.quantity`."""

    field: str
    message: str
    code: str


class InvalidProblem(Problem, kw_only=True):
    """What was sent breaks rules: up to 20 of them."""

    errors: tuple[FieldError, ...]


class ShortageProblem(Problem, kw_only=True):
    """Fewer units are available than were requested."""

    shortages: tuple[ShortageBody, ...]


class StepProblem(Problem, kw_only=True):
    """The order cannot take this step now; you may take those in `possible`."""

    possible: tuple[str, ...]


class TotalProblem(Problem, kw_only=True):
    """The order now costs `total`, not `expected_total`."""

    expected_total: Amount
    total: Amount
    currency: str


class Counted(StrEnum):
    """What a customer may hold only so many of."""

    RESERVATIONS = "reservations"
    UNITS = "units"


class ReservedTooMuchProblem(Problem, kw_only=True):
    """The customer holds `held` already, wants `requested` more, and may hold `max`."""

    counted: Counted
    held: int
    requested: int
    max: int


class ReservationProblem(Problem, kw_only=True):
    """The reservation is not active any more. With `order_id` it became that order."""

    state: ReservationState
    order_id: UUID | UnsetType = UNSET


class ExpiredProblem(Problem, kw_only=True):
    """The reservation held its units until `expired_at`."""

    expired_at: Timestamp


class SkuProblem(Problem, kw_only=True):
    """Another product has the SKU. With `archived_product_id` it is one that was archived, and can be restored."""

    archived_product_id: UUID | UnsetType = UNSET


class StaleProblem(Problem, kw_only=True):
    """It has changed since: `version` is the current one."""

    version: int
