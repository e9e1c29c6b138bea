"""The outermost layer: what holds for every answer, also for those that the framework gives by itself."""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from secrets import token_hex
from typing import cast

from litestar.enums import ScopeType
from litestar.exceptions import HTTPException
from litestar.types import (
    ASGIApp,
    HTTPReceiveMessage,
    HTTPScope,
    Message,
    Method,
    Receive,
    Scope,
    Send,
    WebSocketReceiveMessage,
)
from msgspec.json import encode

from shop_core.errors import Unavailable
from shop_http.responses import (
    MEDIA_TYPE,
    OPTIONS_ASKED,
    Problem,
    headers_of,
    log_failure,
    of_failure,
    of_refusal,
    of_transport,
    where,
)
from shop_http.server.shutdown import GracefulShutdown

_THROWN_AWAY_BYTES_MAX = 4 * 1024 * 1024
_THROWN_AWAY_S_MAX = 2
_HOST = re.compile(rb"(?:[\w.~!$&'()*+,;=%-]+|\[[0-9A-Fa-f:.]+\])(?::([0-9]{0,5}))?", re.ASCII)
_PROCESS = token_hex(12).encode()  # drawn once: to ask the system for randomness for each request costs more
_requests = count()
_SANE_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")


@dataclass(frozen=True, slots=True)
class Deadlines:
    """How long a request may take, in seconds, counted from when its head has arrived.

    Args:
        receive_s: until all of its body is here, however little of it drips in: then 408.
        answer_s: until it is answered: then 503. What a thread or the train already works on is finished all the
            same, so a retry with the same `Idempotency-Key` finds it; what only waited is not begun any more.
    """

    receive_s: float = 10
    answer_s: float = 30


class RequestLimits:
    """Wraps the application: request ids, HEAD and OPTIONS for every address, whole bodies, deadlines, and a net.

    Args:
        app: the application.
        deadlines: of every request.
        closing: whether the server is about to leave; then no connection is kept.
    """

    def __init__(self, app: ASGIApp, deadlines: Deadlines, closing: GracefulShutdown) -> None:
        self._app = app
        self._deadlines = deadlines
        self._closing = closing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] == ScopeType.HTTP:
            await self._serve(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _serve(self, scope: HTTPScope, receive: Receive, send: Send) -> None:
        request_id = _request_id(scope)
        scope["state"]["request_id"] = request_id.decode()
        without_body = scope["method"] == "HEAD"
        if without_body:
            scope["method"] = "GET"
        elif scope["method"] == "OPTIONS":
            scope["method"] = cast(Method, OPTIONS_ASKED)
        body = _Body(scope, receive, self._deadlines)
        started = False

        async def answer(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                more = [(b"x-request-id", request_id)]
                if not await body.is_over() or self._closing.has_begun:
                    more.append((b"connection", b"close"))
                message["headers"] = [*message["headers"], *more]
            elif message["type"] == "http.response.body" and without_body:
                message["body"] = b""
            await send(message)

        try:
            async with body.deadline:
                try:
                    if status := _refusal(scope):
                        await _say(of_transport(status, **where(scope)), answer)
                    else:
                        await self._app(scope, body.receive, answer)
                except Exception as error:
                    log_failure(scope, error)
                    if not started:
                        await _say(of_failure(scope), answer)
        except TimeoutError as late:
            too_slow = body.give_up()
            if not too_slow:
                log_failure(scope, late)
            if not started:
                await (_say(of_transport(408, **where(scope)), answer) if too_slow else _say_too_late(scope, answer))


class _Body:
    """The body of a request, which is often refused before it was read.

    A server that answers while the client still sends closes the connection, and the client may never see the
    answer, or send its next request into nothing. So what is left of a body is read, within bounds, and thrown away.

    Args:
        scope: of the request.
        receive: gives its body.
        deadlines: until when it must be here, and its request be answered.

    Attributes:
        deadline: around all that is done with the request; it is put off when all of the body is here.
    """

    def __init__(self, scope: HTTPScope, receive: Receive, deadlines: Deadlines) -> None:
        now = asyncio.get_running_loop().time()
        self._receive = receive
        self._until = now + deadlines.receive_s
        self._answer_at = now + deadlines.answer_s
        self._is_given_up = False
        self._over = not any(name in {b"content-length", b"transfer-encoding"} for name, _ in scope["headers"])
        self.deadline = asyncio.timeout_at(self._answer_at if self._over else min(self._until, self._answer_at))

    async def receive(self) -> HTTPReceiveMessage | WebSocketReceiveMessage:
        """The next message for the application.

        Raises:
            HTTPException: the client is gone: nobody will read that answer, and it is no fault to be logged.
        """
        message = await self._receive()
        if message["type"] == "http.disconnect":
            self._over = True
            raise HTTPException(status_code=400)
        if not message.get("more_body", False):
            self._over = True
            self.deadline.reschedule(self._answer_at)
        return message

    async def is_over(self) -> bool:
        """Whether all of it was read, if need be now."""
        if self._over or self._is_given_up:
            return self._over
        self.deadline.reschedule(None)
        read = 0
        with suppress(TimeoutError, HTTPException):
            async with asyncio.timeout_at(min(self._until, asyncio.get_running_loop().time() + _THROWN_AWAY_S_MAX)):
                while not self._over and read < _THROWN_AWAY_BYTES_MAX:
                    message = await self._receive()
                    read += len(cast(bytes, message.get("body", b"")))
                    self._over = not message.get("more_body", False)
        return self._over

    def give_up(self) -> bool:
        """Wait no more for it, once the deadline is over: whether that is since it came too slowly."""
        self._is_given_up = True
        return not self._over and self._until < self._answer_at


def _refusal(scope: HTTPScope) -> int | None:
    """The status for what the framework would take, and others on the way here would read in another way.

    A slash that is escaped or doubled would be one like all others, behind a proxy that let the path pass for another
    one; and who sends two names of hosts, or none (RFC 9112, 3.2), can mean any.
    """
    path = scope.get("raw_path") or b""
    if b"//" in path or (b"%" in path and b"%2f" in path.lower()):
        return 404
    hosts = [value for name, value in scope["headers"] if name == b"host" and value]
    if not hosts:
        return None if scope["http_version"] in {"1", "1.0"} else 400
    named = _HOST.fullmatch(hosts[0]) if len(hosts) == 1 else None
    return None if named and int(named[1] or 0) <= 65_535 else 400  # links in answers are made of it


def _request_id(scope: HTTPScope) -> bytes:
    """The client's id for this request if it is a sane one, else a new one."""
    sent = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"")
    return sent if _SANE_ID.fullmatch(sent) else _PROCESS + b"%08x" % next(_requests)


async def _say_too_late(scope: Scope, send: Send) -> None:
    late = Unavailable(
        "The answer takes too long. What was asked for may be done or not: send the request again, with the same"
        " Idempotency-Key if it had one."
    )
    await _say(of_refusal(late, **where(scope)), send, *headers_of(late).items())


async def _say(problem: Problem, send: Send, *more: tuple[str, str]) -> None:
    body = encode(problem)
    texts = (("content-type", MEDIA_TYPE), ("content-length", str(len(body))), *more)
    headers = [(name.lower().encode(), value.encode()) for name, value in texts]
    await send({"type": "http.response.start", "status": problem.status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
