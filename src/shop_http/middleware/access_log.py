"""Access log: one record of each request, of which the log line, the metrics and the trace are made.

Of what a client chose freely, a record has only a path without a route, percent-encoded and cut: no body, no query, no
header but two ids that are checked first.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from urllib.parse import quote
from uuid import UUID

import msgspec
from litestar.types import ASGIApp, Receive, Scope, Send

from shop_http.middleware import Middleware
from shop_http.requests import ShopRequest, request_of

GONE = 499
"""The status of a request that got no response, since the client left first; nginx calls it that, too."""

PATH_LENGTH_MAX = 200
_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})
# W3C Trace Context, 3.2: version ff is none, later versions may say more; all zeros is no id.
_TRACEPARENT = re.compile(rb"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")


class RequestRecord(
    msgspec.Struct,
    frozen=True,
    gc=False,
    kw_only=True,
    omit_defaults=True,
    tag_field="event",
    tag="request",
    rename={"size_bytes": "bytes"},
):  # made and written for every request: three times as quick as a dataclass
    """One request and its response, as the log has it in JSON.

    Args:
        level: of the log.
        at: when the response ended, UTC.
        method: of the request; `other` for one that no standard defines.
        route: the template of the path, e.g. `/api/v1/orders/{order_id}`; None if there is no such path.
        status: of the response.
        duration_ms: from the head of the request to the end of the response.
        size_bytes: of the response's body, before compression.
        request_id: also in the response.
        address: where the request came from.
        path: the path itself, if it has no template; percent-encoded and cut.
        code: of the problem, as `docs/errors.md` lists them; None if there is none.
        account_id: the account that acted.
        trace_id: of the trace that the request belongs to, from a valid `traceparent`.
        parent_id: of the part of that trace that sent it.
        is_sampled: whether whoever collects traces keeps that part.
        replayed: whether an earlier request with the same key made the response.
    """

    level: str
    at: datetime
    method: str
    route: str | None
    status: int
    duration_ms: float
    size_bytes: int
    request_id: str
    address: str
    path: str | None = None
    code: str | None = None
    account_id: UUID | None = None
    trace_id: str | None = None
    parent_id: str | None = None
    is_sampled: bool = False
    replayed: bool = False


Observer = Callable[[RequestRecord], None]
"""Gets each record, on the event loop: it must be quick."""

Write = Callable[[bytes], object]
"""Writes a line as a whole, so that lines of several processes do not mix; may raise OSError."""

json_line: Callable[[RequestRecord], bytes] = msgspec.json.Encoder().encode


def access_log(observers: Sequence[Observer]) -> Middleware:
    """Tells the observers of each request, once it has its response."""

    def middleware(app: ASGIApp) -> ASGIApp:
        async def observed(scope: Scope, receive: Receive, send: Send) -> None:
            started = time.perf_counter()
            request = request_of(scope)
            path = request.scope["path"]  # as it was sent; Litestar changes it
            try:
                await app(scope, receive, send)
            finally:
                record = _record(request, path, time.perf_counter() - started)
                for observer in observers:
                    observer(record)

        return observed if observers else app

    return middleware


def _record(request: ShopRequest, path: str, duration_s: float) -> RequestRecord:
    method, response, traceparent = request.scope["method"], request.response, request.headers.get(b"traceparent")
    route = request.scope.get("path_template")
    trace_id, parent_id, is_sampled = trace_of(traceparent) if traceparent else (None, None, False)
    return RequestRecord(
        level="info",
        at=datetime.now(UTC),
        method=method if method in _METHODS else "other",
        route=route,
        status=(response.status or 200) if response else GONE,
        duration_ms=round(duration_s * 1000, 2),
        size_bytes=len(response.body) if response and method != "HEAD" else 0,
        request_id=request.id,
        address=request.address,
        path=None if route else quote(path)[:PATH_LENGTH_MAX],
        code=response.code if response else None,
        account_id=request.actor.id,
        trace_id=trace_id,
        parent_id=parent_id,
        is_sampled=is_sampled,
        replayed=response is not None and response.is_replay,
    )


def request_lines(write: Write, line_of: Callable[[RequestRecord], bytes] = json_line) -> Observer:
    """An observer that writes one line for each request. A log that cannot be written refuses nothing."""

    def write_line(record: RequestRecord) -> None:
        with suppress(OSError):
            write(line_of(record) + b"\n")

    return write_line


def trace_of(sent: bytes) -> tuple[str | None, str | None, bool]:
    """The ids of a valid `traceparent`, and its flag. One that is not valid, or is sent twice, counts as none."""
    found = _TRACEPARENT.fullmatch(sent)
    if not found or (found[1] == b"00" and found[5]):  # version 00 has four parts and no more
        return None, None, False
    return found[2].decode(), found[3].decode(), bool(int(found[4], 16) & 1)
