"""Errors, as `application/problem+json` (RFC 9457), or as a page for browsers outside of the API.

The only module that knows which refusal has which status.
"""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import quote, unquote

import litestar
from litestar.exceptions import HTTPException
from litestar.types import ExceptionHandlersMap
from msgspec import UNSET
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
from shop_http.pages.layout import POLICY
from shop_http.pages.problem_page import MEDIA_TYPE as PAGE
from shop_http.pages.problem_page import is_for_people, problem_page
from shop_http.requests import ShopRequest, request_of
from shop_http.responses import Header, Response
from shop_http.schemas.common import ShortageBody
from shop_http.schemas.problems import (
    Counted,
    ExpiredProblem,
    FieldError,
    InvalidProblem,
    Problem,
    ReservationProblem,
    ReservedTooMuchProblem,
    ShortageProblem,
    SkuProblem,
    StaleProblem,
    StepProblem,
    TotalProblem,
)

MEDIA_TYPE = b"application/problem+json"

STATUS = {
    Kind.NOT_FOUND: 404,
    Kind.CONFLICT: 409,
    Kind.STALE: 412,
    Kind.GONE: 410,
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
    415: (
        "unsupported_media_type",
        "Unsupported media type",
        "Send what the operation takes, which is mostly JSON, with its Content-Type.",
    ),
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
    return _response(request, of_refusal(refusal, **_about(request)), headers_of(refusal))


def not_served(request: ShopRequest, status: int, *headers: Header) -> Response:
    """The response to a request that does not get as far as the shop; `status` is one of `TRANSPORT`."""
    return _response(request, of_transport(status, **_about(request)), headers)


def failed(request: ShopRequest, error: Exception) -> Response:
    """The response after a fault of the server: the log gets everything, the client nothing."""
    log_failure(request, error)
    return not_served(request, 500)


def log_failure(request: ShopRequest, error: Exception) -> None:
    """Leave the traceback in the log, under the request id that the client was told."""
    what = f"{request.scope['method']} {quote(request.scope['path'])}"
    about = {"request_id": request.id, "route": request.scope.get("path_template")}
    _logger.error("%s failed, request %s", what, request.id, exc_info=error, extra=about)


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
    status = STATUS[refusal.kind]
    about = _members(refusal.code, refusal.title, status, refusal.message, instance=instance, request_id=request_id)
    match refusal:
        case Invalid(faults=faults):
            errors = tuple(FieldError(field=fault.field, message=fault.message, code=fault.code) for fault in faults)
            return InvalidProblem(errors=errors, **about)
        case InsufficientStock():
            return ShortageProblem(shortages=tuple(map(ShortageBody.of, refusal.shortages)), **about)
        case Stale():
            return StaleProblem(version=refusal.version, **about)
        case IllegalStep():
            return StepProblem(possible=refusal.possible, **about)
        case TotalChanged():
            expected, total = refusal.expected, refusal.total
            return TotalProblem(expected_total=expected, total=total, currency=refusal.currency, **about)
        case TooMuchReserved(held=held, requested=requested, max=most):
            counted = Counted.RESERVATIONS if refusal.what == "reservations" else Counted.UNITS
            return ReservedTooMuchProblem(counted=counted, held=held, requested=requested, max=most, **about)
        case ReservationResolved():
            order_id = refusal.order_id or UNSET
            return ReservationProblem(state=ReservationState(refusal.state), order_id=order_id, **about)
        case ReservationExpired():
            return ExpiredProblem(expired_at=refusal.expired_at, **about)
        case SkuTaken():
            return SkuProblem(archived_product_id=refusal.archived or UNSET, **about)
    return Problem(**about)


def of_transport(status: int, *, instance: str, request_id: str) -> Problem:
    """The problem for a status of `TRANSPORT`; arguments as for `of_refusal`."""
    code, title, detail = TRANSPORT[status]
    return Problem(**_members(code, title, status, detail, instance=instance, request_id=request_id))


def headers_of(refusal: Refusal) -> tuple[Header, ...]:
    """What the head of a response says about `refusal`."""
    match refusal:
        case InvalidToken():
            return ((b"www-authenticate", b'Bearer realm="shop", error="invalid_token"'),)
        case Unauthenticated():
            return ((b"www-authenticate", b'Bearer realm="shop"'),)
        case TooMany() | Unavailable():
            return ((b"retry-after", b"%d" % refusal.retry_after_s),)
    return ()


def content_of(problem: Problem, accept: str, headers: tuple[Header, ...]) -> tuple[bytes, bytes]:
    """The media type and the body for a client who sends that `Accept`; see `is_for_people`."""
    if not is_for_people(unquote(problem.instance), accept):
        return MEDIA_TYPE, encode(problem)
    retry_after = dict(headers).get(b"retry-after")
    return PAGE, problem_page(problem, int(retry_after) if retry_after else None)


def _about(request: ShopRequest) -> dict[str, str]:
    """What a problem says of the request."""
    return {"instance": quote(request.scope["path"]), "request_id": request.id}


def _members(code: str, title: str, status: int, detail: str, *, instance: str, request_id: str) -> dict[str, Any]:
    """What all problems have."""
    return {
        "type": f"{EXPLAINED_AT}#{code}",
        "title": title,
        "status": status,
        "detail": detail,
        "instance": instance,
        "code": code,
        "request_id": request_id,
    }


def _response(request: ShopRequest, problem: Problem, headers: tuple[Header, ...]) -> Response:
    accept = request.headers.get(b"accept", b"").decode("latin-1")
    media_type, body = content_of(problem, accept, headers)
    response = Response(body, problem.status, media_type=media_type, headers=headers, code=problem.code)
    if media_type == PAGE:
        response.policy = POLICY
    return response
