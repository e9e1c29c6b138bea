"""Access log: one record of each request, of which the log line, the metrics and the trace are made.

A record has nothing that a client chose freely: no body, no query, no header but two ids that are checked first.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from urllib.parse import quote
from uuid import UUID

import msgspec
from litestar.types import ASGIApp, Receive, Scope, Send

from shop_http.middleware import Middleware
from shop_http.requests import ShopRequest, request_of

GONE = 499
"""The status of a request that got no response, since the client left first; nginx calls it that, too."""

_PATH_LENGTH_MAX = 200
_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})
# W3C Trace Context, 3.2: version ff is none, later versions may say more; all zeros is no id.
_TRACEPARENT = re.compile(rb"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")


class RequestRecord(
    msgspec.Struct, frozen=True, gc=False
):  # made for every request: three times as quick as a dataclass
    """One request and its response.

    Args:
        method: of the request; `other` for one that no standard defines.
        route: the template of the path, e.g. `/api/v1/orders/{order_id}`; None if there is no such path.
        path: the path itself, if it has no template; percent-encoded and cut.
        status: of the response.
        code: of the problem, as `docs/errors.md` lists them; None if there is none.
        replayed: whether an earlier request with the same key made the response.
        duration_s: from the head of the request to the end of the response.
        size_bytes: of the response's body.
        request_id: also in the response.
        account_id: the account that acted.
        address: where the request came from.
        trace_id: of the trace that the request belongs to, from a valid `traceparent`.
        parent_id: of the part of that trace that sent it.
        is_sampled: whether whoever collects traces keeps that part.
    """

    method: str
    route: str | None
    path: str | None
    status: int
    code: str | None
    replayed: bool
    duration_s: float
    size_bytes: int
    request_id: str
    account_id: UUID | None
    address: str
    trace_id: str | None
    parent_id: str | None
    is_sampled: bool = False


Observer = Callable[[RequestRecord], None]
"""Gets each record, on the event loop: it must be quick."""


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
    method, response = request.scope["method"], request.response
    route = request.scope.get("path_template")
    trace_id, parent_id, is_sampled = _trace(request.headers.get(b"traceparent"))
    return RequestRecord(
        method=method if method in _METHODS else "other",
        route=route,
        path=None if route else quote(path)[:_PATH_LENGTH_MAX],
        status=(response.status or 200) if response else GONE,
        code=response.code if response else None,
        replayed=response.is_replay if response else False,
        duration_s=duration_s,
        size_bytes=len(response.body) if response and method != "HEAD" else 0,
        request_id=request.id,
        account_id=request.actor.id,
        address=request.address,
        trace_id=trace_id,
        parent_id=parent_id,
        is_sampled=is_sampled,
    )


def _trace(sent: bytes | None) -> tuple[str | None, str | None, bool]:
    """The ids of a valid `traceparent`, and its flag. One that is not valid, or is sent twice, counts as none."""
    found = _TRACEPARENT.fullmatch(sent) if sent is not None else None
    if not found or (found[1] == b"00" and found[5]):  # version 00 has four parts and no more
        return None, None, False
    return found[2].decode(), found[3].decode(), bool(int(found[4], 16) & 1)
