"""Every no, as `application/problem+json` (RFC 9457). The only module that knows which refusal is which status."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal, cast
from urllib.parse import quote
from uuid import UUID

from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.types import ExceptionHandlersMap, Scope
from msgspec import UNSET, Struct, UnsetType
from msgspec.json import encode

from shop_core.errors import (
    IllegalStep,
    InsufficientStock,
    Invalid,
    InvalidToken,
    Kind,
    Refusal,
    ReservationExpired,
    ReservationResolved,
    TooMany,
    TooMuchReserved,
    TotalChanged,
    Unauthenticated,
    Unavailable,
)
from shop_core.reservations.model import ReservationState
from shop_http.schemas.common import Amount

MEDIA_TYPE = "application/problem+json"

STATUS = {
    Kind.NOT_FOUND: 404,
    Kind.CONFLICT: 409,
    Kind.STALE: 412,
    Kind.INVALID: 400,
    Kind.MISMATCH: 422,
    Kind.UNAUTHENTICATED: 401,
    Kind.FORBIDDEN: 403,
    Kind.TOO_MANY: 429,
    Kind.UNAVAILABLE: 503,
}

# What the transport itself refuses: status -> code, title, detail.
TRANSPORT = {
    400: ("bad_request", "Bad request", "The request cannot be read."),
    404: ("not_found", "Not found", "There is nothing at this address: /openapi.json lists what there is."),
    405: ("method_not_allowed", "Method not allowed", "This address does not know that method: see Allow."),
    408: ("request_timeout", "Request timeout", "The body of the request did not arrive in time: send it again."),
    413: ("body_too_large", "Body too large", "The body is larger than this operation takes."),
    415: ("unsupported_media_type", "Unsupported media type", "Send JSON, with Content-Type: application/json."),
    500: ("internal_error", "Internal error", "This is a fault of the server. Report it with the request_id."),
}

EXPLAINED_AT = "/docs/errors"
"""The page of this server that tells of every code; see `errors`."""

OPTIONS_ASKED = "OPTIONS asked"
"""The method that the edge makes of OPTIONS: one that no route has, so that the router lists those it has."""

_logger = logging.getLogger("shop_http")


class FieldError(Struct, kw_only=True):
    """One broken rule: `field` is a path into the input, e.g. `lines.0.quantity`."""

    field: str
    message: str
    code: str


class ShortageBody(Struct, kw_only=True):
    """A product of which fewer units are available than were requested."""

    product_id: UUID
    requested: int
    available: int


class Problem(Struct, kw_only=True):
    """Why the answer is no. `code` is stable, for programs; `detail` is for people. The rest depends on the code:

    `errors` of invalid input; `shortages` of insufficient_stock; `possible` steps of illegal_order_step;
    `expected_total`, `total` and `currency` of total_changed; `counted` (what there is too much of), `held`, `wanted`
    and `most` of too_much_reserved; `state` and perhaps `order_id` of reservation_resolved; `expired_at` of
    reservation_expired.
    """

    type: str
    title: str
    status: int
    detail: str
    instance: str
    code: str
    request_id: str
    errors: tuple[FieldError, ...] | UnsetType = UNSET
    shortages: tuple[ShortageBody, ...] | UnsetType = UNSET
    possible: tuple[str, ...] | UnsetType = UNSET
    expected_total: Amount | UnsetType = UNSET
    total: Amount | UnsetType = UNSET
    currency: str | UnsetType = UNSET
    counted: Literal["reservations", "units"] | UnsetType = UNSET
    held: int | UnsetType = UNSET
    requested: int | UnsetType = UNSET
    max: int | UnsetType = UNSET
    state: ReservationState | UnsetType = UNSET
    order_id: UUID | UnsetType = UNSET
    expired_at: datetime | UnsetType = UNSET


def handlers() -> ExceptionHandlersMap:
    """What the application does with exceptions: every one has an answer."""
    return {Refusal: refused, HTTPException: not_served, Exception: failed}


def refused(request: Request[Any, Any, Any], refusal: Refusal) -> Response[Any]:
    """The core says no."""
    return _reply(of_refusal(refusal, **where(request.scope)), headers_of(refusal))


def of_refusal(refusal: Refusal, *, instance: str, request_id: str) -> Problem:
    """The problem that tells of `refusal`.

    Args:
        refusal: what the core says.
        instance: the path that was asked for.
        request_id: under which the log has it.
    """
    problem = _problem(
        refusal.code, refusal.title, STATUS[refusal.kind], refusal.message, instance=instance, request_id=request_id
    )
    match refusal:
        case Invalid():
            problem.errors = tuple(
                FieldError(field=fault.field, message=fault.message, code=fault.code) for fault in refusal.faults
            )
        case InsufficientStock():
            problem.shortages = tuple(
                ShortageBody(product_id=short.product_id, requested=short.requested, available=short.available)
                for short in refusal.shortages
            )
        case IllegalStep():
            problem.possible = refusal.possible
        case TotalChanged():
            problem.expected_total, problem.total = refusal.expected, refusal.total
            problem.currency = refusal.currency
        case TooMuchReserved():
            problem.counted = "reservations" if refusal.what == "reservations" else "units"
            problem.held, problem.requested, problem.max = refusal.held, refusal.requested, refusal.max
        case ReservationResolved():
            problem.state, problem.order_id = ReservationState(refusal.state), refusal.order_id or UNSET
        case ReservationExpired():
            problem.expired_at = refusal.expired_at
    return problem


def of_transport(status: int, *, instance: str, request_id: str) -> Problem:
    """The problem for a status of `TRANSPORT`; arguments as for `of_refusal`."""
    code, title, detail = TRANSPORT[status]
    return _problem(code, title, status, detail, instance=instance, request_id=request_id)


def of_failure(scope: Scope) -> Problem:
    """The problem for an exception that nobody thought of: it tells nothing."""
    return of_transport(500, **where(scope))


def headers_of(refusal: Refusal) -> Mapping[str, str]:
    """What the head of an answer says about `refusal`."""
    match refusal:
        case InvalidToken():
            return {"WWW-Authenticate": 'Bearer realm="shop", error="invalid_token"'}
        case Unauthenticated():
            return {"WWW-Authenticate": 'Bearer realm="shop"'}
        case TooMany() | Unavailable():
            return {"Retry-After": str(refusal.retry_after_s)}
    return {}


def not_served(request: Request[Any, Any, Any], refusal: HTTPException) -> Response[Any]:
    """The transport says no: no such address, method or media type, or the request cannot be read."""
    if refusal.status_code == 405:
        allow = _allow(refusal)
        if request.scope["method"] == OPTIONS_ASKED:
            return Response(None, status_code=204, headers=allow)
        return _reply(of_transport(405, **where(request.scope)), allow)
    if refusal.status_code in TRANSPORT and refusal.status_code != 500:
        return _reply(of_transport(refusal.status_code, **where(request.scope)))
    return failed(request, refusal)


def _allow(refusal: HTTPException) -> Mapping[str, str]:
    known = (refusal.headers or {}).get("allow", "").split(", ")
    extra = ["HEAD", "OPTIONS"] if "GET" in known else ["OPTIONS"]
    return {"Allow": ", ".join(sorted({*known, *extra}))}


def failed(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """Nobody thought of this: log everything, tell nothing."""
    log_failure(request.scope, error)
    return _reply(of_failure(request.scope))


def log_failure(scope: Scope, error: Exception) -> None:
    """Leave the traceback in the log, under the request id that the client was told."""
    asked, told = f"{scope.get('method')} {quote(scope['path'])}", request_id(scope)
    _logger.error("%s failed, request %s", asked, told, exc_info=error, extra={"request_id": told})


def request_id(scope: Scope) -> str:
    """The id that the edge gave this request."""
    return cast(str, scope["state"]["request_id"])


def where(scope: Scope) -> dict[str, str]:
    """What a problem says of the request: for `of_refusal` and `of_transport`."""
    return {"instance": quote(scope["path"]), "request_id": request_id(scope)}


def _problem(code: str, title: str, status: int, detail: str, *, instance: str, request_id: str) -> Problem:
    return Problem(
        type=f"{EXPLAINED_AT}#{code}",
        title=title,
        status=status,
        detail=detail,
        instance=instance,
        code=code,
        request_id=request_id,
    )


def _reply(problem: Problem, headers: Mapping[str, str] | None = None) -> Response[Any]:
    return Response(encode(problem), media_type=MEDIA_TYPE, status_code=problem.status, headers=dict(headers or {}))
