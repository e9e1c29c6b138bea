"""Request limits: malformed requests are refused, slow ones given up, and a failure has a response all the same."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass

from litestar.types import ASGIApp, HTTPScope, Receive, Scope, Send

from shop_core.errors import Unavailable
from shop_http.middleware import Middleware
from shop_http.problems import failed, log_failure, not_served, refused
from shop_http.requests import DISCARD_S_MAX, ShopRequest, request_of
from shop_http.responses import Response

_HOST = re.compile(rb"(?:[\w.~!$&'()*+,;=%-]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{0,5}))?", re.ASCII)
_HOST_LENGTH_MAX = 255
_PORT_MAX = 65535


@dataclass(frozen=True, slots=True)
class Deadlines:
    """How long a request may take, in seconds, counted from when its head has arrived.

    Args:
        receive_s: until its whole body is here, however slowly it comes; then the response is 408.
        answer_s: until it is answered; then the response is 503. Work that a thread or the order batcher has begun is
            finished all the same, so a retry with the same `Idempotency-Key` finds it; work that only waited is not
            begun any more.
    """

    receive_s: float = 10
    answer_s: float = 30


def request_limits(deadlines: Deadlines) -> Middleware:
    """Holds every request to `deadlines`, and to one way of reading its address."""

    def middleware(app: ASGIApp) -> ASGIApp:
        async def limited(scope: Scope, receive: Receive, send: Send) -> None:
            request = request_of(scope)
            deadline = _Deadline(request, deadlines)
            try:
                status = _fault(request.scope, request.headers)
                await (not_served(request, status) if status else app)(scope, receive, send)
            except (asyncio.CancelledError, Exception) as failure:
                await deadline.respond_to(failure, scope, receive, send)
            finally:
                deadline.timer.cancel()

        return limited

    return middleware


_TOO_LATE = (
    "The response takes too long. What you asked for may be done or not: send the request again, with the same"
    " Idempotency-Key if it had one."
)


class _Deadline:
    """Cancels the task of a request that takes too long, as `asyncio.timeout_at` does, at a fifth of its cost (1.2 us).

    There is one timer: at the end of the time for the body it looks, and is set again if the body is here.
    """

    def __init__(self, request: ShopRequest, deadlines: Deadlines) -> None:
        self._loop = request.loop
        task = asyncio.current_task(self._loop)
        assert task is not None, "an ASGI server runs each request in a task"
        self._task = task
        self._cancelling = task.cancelling()
        self._request = request
        self._is_over = self._has_waited = False
        now = self._loop.time()
        self._answer_at = now + deadlines.answer_s
        request.receive_until = now + deadlines.receive_s
        first = self._answer_at if request.has_whole_body else min(request.receive_until, self._answer_at)
        self.timer = self._loop.call_at(first, self._look)

    def _look(self) -> None:
        request, now = self._request, self._loop.time()
        if now < self._answer_at and (request.has_whole_body or request.response is not None):
            self.timer = self._loop.call_at(self._answer_at, self._look)
        elif request.response is not None and not request.has_whole_body and not self._has_waited:
            self._has_waited = True  # while the rest of the body is thrown away, which has a deadline of its own
            self.timer = self._loop.call_at(now + DISCARD_S_MAX, self._look)
        else:
            self._is_over = True
            self._task.cancel()

    async def respond_to(self, failure: BaseException, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the response of a request that failed or was cancelled, unless another one was sent.

        Raises:
            CancelledError: it was cancelled by somebody else than this deadline: the server ends.
        """
        response = failed(self._request, failure) if isinstance(failure, Exception) else None
        is_ending = response is None and not (self._is_over and self._task.uncancel() <= self._cancelling)
        if self._request.response is None:
            await (response or self._late_response())(scope, receive, send)
        if is_ending:
            raise failure

    def _late_response(self) -> Response:
        """What a request is told that took too long."""
        request = self._request
        if not request.has_whole_body and request.receive_until < self._answer_at:
            return not_served(request, 408)
        request.receive_until = 0  # a body that is not here by now is not waited for
        log_failure(request, TimeoutError("the response takes too long"))
        return refused(request, Unavailable(_TOO_LATE))


def _fault(scope: HTTPScope, headers: Mapping[bytes, bytes]) -> int | None:
    """The status for a request that Litestar would take, and that a proxy may read in another way: `%2F` and `//` in a
    path, and two hosts or none (RFC 9112, 3.2)."""
    path = scope.get("raw_path") or b""
    if b"//" in path or (b"%" in path and b"%2f" in path.lower()):
        return 404
    if b"transfer-encoding" in headers and (status := _fault_of_body(scope, headers)):
        return status
    if not (host := headers.get(b"host")):
        return None if scope["http_version"] in {"1", "1.0"} else 400
    named = _HOST.fullmatch(host) if len(host) <= _HOST_LENGTH_MAX else None
    return None if named and int(named[1] or 0) <= _PORT_MAX else 400  # links in responses are made of it


def _fault_of_body(scope: HTTPScope, headers: Mapping[bytes, bytes]) -> int | None:
    """A body that is encoded in a way which we do not know, or in two, can end anywhere (RFC 9112, 6.1)."""
    if scope["http_version"] in {"1", "1.0"} or b"content-length" in headers:
        return 400
    return None if headers[b"transfer-encoding"].lower() == b"chunked" else 501
