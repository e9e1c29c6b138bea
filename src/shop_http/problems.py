"""Errors, as `application/problem+json` (RFC 9457). The only module that knows which refusal has which status."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal
from urllib.parse import quote
from uuid import UUID

import litestar
from litestar.exceptions import HTTPException
from litestar.types import ExceptionHandlersMap
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
    SkuTaken,
    Stale,
    TooMany,
    TooMuchReserved,
    TotalChanged,
    Unauthenticated,
    Unavailable,
)
from shop_core.reservations.model import ReservationState
from shop_http.requests import ShopRequest, request_of
from shop_http.responses import Header, Response
from shop_http.schemas.common import Amount, ShortageBody

MEDIA_TYPE = b"application/problem+json"

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
    414: (
        "address_too_long",
        "Address too long",
        "The address is longer than 32 KiB: send a shorter one.",
    ),
    415: ("unsupported_media_type", "Unsupported media type", "Send JSON, with Content-Type: application/json."),
    431: (
        "head_too_large",
        "Head too large",
        "The head has more than 100 headers or 64 KiB: send fewer of them.",
    ),
    500: ("internal_error", "Internal error", "This is a fault of the server. Report it with the request_id."),
    501: ("unknown_transfer_encoding", "Unknown Transfer-Encoding", "The server takes none but chunked."),
    503: ("too_many_connections", "Too many connections", "The server is busy. Nothing was done: try again."),
}

EXPLAINED_AT = "/docs/errors"
"""The page of this server that tells of every code; see `errors`."""

_logger = logging.getLogger("shop_http")


class FieldError(Struct, kw_only=True):
    """One broken rule: `field` is a path into the input, e.g. `lines.0.quantity`."""

    field: str
    message: str
    code: str


class Problem(Struct, kw_only=True):
    """An error. `code` is stable, for programs; `detail` is for people. The other fields depend on the code:

    `errors` of invalid input; `shortages` of insufficient_stock; `possible` steps of illegal_order_step;
    `expected_total`, `total` and `currency` of total_changed; `counted` (what there is too much of), `held`,
    `requested` and `max` of too_much_reserved; `state`, and `order_id` if there is one, of reservation_resolved;
    `expired_at` of reservation_expired; `archived_product_id` of sku_taken, where a product that was archived has it;
    `version`, the current one, of stale_version.
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
    archived_product_id: UUID | UnsetType = UNSET
    version: int | UnsetType = UNSET


class _Rendered(litestar.Response[bytes]):
    """A response of ours, in the form in which Litestar wants it from an exception handler."""

    def __init__(self, response: Response) -> None:
        super().__init__(b"")
        self._response = response

    def to_asgi_response(self, *_: Any, **__: Any) -> Any:
        """The response itself."""
        return self._response


def exception_handlers() -> ExceptionHandlersMap:
    """What Litestar does with exceptions: every one has a problem."""
    return {
        Refusal: lambda request, refusal: _Rendered(refused(request_of(request.scope), refusal)),
        HTTPException: lambda request, error: _Rendered(_of_litestar(request_of(request.scope), error)),
        Exception: lambda request, error: _Rendered(failed(request_of(request.scope), error)),
    }


def refused(request: ShopRequest, refusal: Refusal) -> Response:
    """The response to a request that the shop refuses."""
    headers = tuple((name.lower().encode(), value.encode()) for name, value in headers_of(refusal).items())
    return _response(of_refusal(refusal, **_about(request)), headers)


def not_served(request: ShopRequest, status: int, *headers: Header) -> Response:
    """The response to a request that does not get as far as the shop; `status` is one of `TRANSPORT`."""
    return _response(of_transport(status, **_about(request)), headers)


def failed(request: ShopRequest, error: Exception) -> Response:
    """The response after a fault of the server: the log gets everything, the client nothing."""
    log_failure(request, error)
    return not_served(request, 500)


def log_failure(request: ShopRequest, error: Exception) -> None:
    """Leave the traceback in the log, under the request id that the client was told."""
    what = f"{request.scope['method']} {quote(request.scope['path'])}"
    _logger.error("%s failed, request %s", what, request.id, exc_info=error, extra={"request_id": request.id})


def _of_litestar(request: ShopRequest, error: HTTPException) -> Response:
    """The response where Litestar finds no such address or method, or where a body is too large or no JSON."""
    if error.status_code not in TRANSPORT or error.status_code == 500:
        return failed(request, error)
    allow = (error.headers or {}).get("allow")
    methods = [(b"allow", ", ".join(sorted(allow.split(", "))).encode())] if allow else []
    return not_served(request, error.status_code, *methods)


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
            problem.shortages = tuple(map(ShortageBody.of, refusal.shortages))
        case Stale():
            problem.version = refusal.version
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
        case SkuTaken(archived=UUID() as archived):
            problem.archived_product_id = archived
    return problem


def of_transport(status: int, *, instance: str, request_id: str) -> Problem:
    """The problem for a status of `TRANSPORT`; arguments as for `of_refusal`."""
    code, title, detail = TRANSPORT[status]
    return _problem(code, title, status, detail, instance=instance, request_id=request_id)


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


def _about(request: ShopRequest) -> dict[str, str]:
    """What a problem says of the request."""
    return {"instance": quote(request.scope["path"]), "request_id": request.id}


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


def _response(problem: Problem, headers: tuple[Header, ...]) -> Response:
    return Response(encode(problem), problem.status, media_type=MEDIA_TYPE, headers=headers, code=problem.code)
