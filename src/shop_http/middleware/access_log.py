"""What can be seen of each request, noted once by the outermost layer: the log and the metrics are made of it.

Nothing that a client chose freely is among it: no body, no query, no header but two ids that are checked first. What
was said no to is read off the answer itself, so that it is the truth whichever layer gave it.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from typing import Any, cast
from urllib.parse import quote
from uuid import UUID

import msgspec
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from shop_core import Actor

GONE = 499
"""The status of a request that got no answer, since the client left first; nginx has it like that."""

_PATH_LENGTH_MAX = 200
_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"})
_PROBLEM = b"application/problem+json"
# W3C Trace Context, 3.2: version ff is none, later versions may say more; all zeros is no id.
_TRACEPARENT = re.compile(rb"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")


class RequestRecord(
    msgspec.Struct, frozen=True, gc=False
):  # made for every request: three times as quick as a dataclass
    """One request and its answer.

    Args:
        method: of the request; `other` for one that nobody defined.
        route: the template of the address, e.g. `/api/v1/orders/{order_id}`; None if there is no such address.
        path: the address itself, without the query, if it has no template; percent-encoded and cut.
        status: of the answer.
        code: why it is no, as `docs/errors.md` lists them; None if it is yes.
        replayed: whether it tells what an earlier request with the same key made.
        duration_s: from the first byte of the request until the last one of the answer was handed over.
        size_bytes: of the answer's body.
        request_id: also in the answer.
        account_id: who was logged in.
        address: where it came from.
        trace_id: of the trace that it is a part of, from a valid `traceparent`.
        parent_id: of the part of that trace that sent it.
        is_sampled: whether that part is kept by who collects traces.
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
"""Is told of each request after its answer, on the loop: it must be quick."""


class AccessLog:
    """Wraps the application: tells the observers of each request.

    Args:
        app: the application, its edge included.
        observers: who is told.
    """

    def __init__(self, app: ASGIApp, observers: Sequence[Observer]) -> None:
        self._app = app
        self._observers = tuple(observers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        started, method, path = time.perf_counter(), scope["method"], scope["path"]  # layers inside change these
        answer = _Answer(send)
        try:
            await self._app(scope, receive, answer.send)
        finally:
            seen = _seen(scope, method, path, answer, time.perf_counter() - started)
            for observer in self._observers:
                observer(seen)


class _Answer:
    """The answer as it passes by."""

    __slots__ = ("_send", "code", "is_problem", "replayed", "size_bytes", "status")

    def __init__(self, send: Send) -> None:
        self._send = send
        self.status = GONE
        self.code: str | None = None
        self.is_problem = self.replayed = False
        self.size_bytes = 0

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            for name, value in message["headers"]:
                if value == _PROBLEM and name == b"content-type":
                    self.is_problem = True
                elif name == b"idempotency-replayed":
                    self.replayed = True
        elif message["type"] == "http.response.body":
            body = message["body"]
            self.size_bytes += len(body)
            if self.is_problem and self.code is None and body:
                self.code = _code(body)
        await self._send(message)


class _Coded(msgspec.Struct):
    code: str


_decode = msgspec.json.Decoder(_Coded).decode


def _code(problem: bytes) -> str | None:
    try:
        return _decode(problem).code
    except msgspec.DecodeError:  # one that comes in pieces: ours do not
        return None


def _seen(scope: HTTPScope, method: str, path: str, answer: _Answer, duration_s: float) -> RequestRecord:
    known: dict[str, Any] = cast("dict[str, Any]", scope)
    route = known.get("path_template")
    user, state, client = known.get("user"), known["state"], known.get("client")
    trace_id, parent_id, is_sampled = _trace(scope)
    return RequestRecord(
        method=method if method in _METHODS else "other",
        route=route,
        path=None if route else quote(path)[:_PATH_LENGTH_MAX],
        status=answer.status,
        code=answer.code,
        replayed=answer.replayed,
        duration_s=duration_s,
        size_bytes=answer.size_bytes,
        request_id=state.get("request_id", ""),
        account_id=user.id if isinstance(user, Actor) else None,
        address=str(state.get("address") or (client[0] if client else "")),  # what trusted proxies say, if known
        trace_id=trace_id,
        parent_id=parent_id,
        is_sampled=is_sampled,
    )


def _trace(scope: HTTPScope) -> tuple[str | None, str | None, bool]:
    """The ids of a valid `traceparent`, and its flag; one that is not valid, or sent twice, is as good as none."""
    sent = [value for name, value in scope["headers"] if name == b"traceparent"]
    if len(sent) != 1:
        return None, None, False
    found = _TRACEPARENT.fullmatch(sent[0])
    if not found or (found[1] == b"00" and found[5]):  # version 00 has four parts and no more
        return None, None, False
    return found[2].decode(), found[3].decode(), bool(int(found[4], 16) & 1)
