"""The outermost layer: what holds for every answer, also for those that the framework gives by itself."""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from typing import cast
from uuid import uuid4

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

from shop_http.problems import MEDIA_TYPE, OPTIONS_ASKED, log_failure, of_failure

_THROWN_AWAY_BYTES_MAX = 4 * 1024 * 1024
_THROWN_AWAY_S_MAX = 2
_SANE_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")


class Edge:
    """Wraps the application: request ids, HEAD and OPTIONS for every address, whole bodies, and a net under it all.

    Args:
        app: the application.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

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
        body = _Body(scope, receive)
        started = False

        async def answer(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                more = [(b"x-request-id", request_id), (b"x-content-type-options", b"nosniff")]
                if not await body.is_over():
                    more.append((b"connection", b"close"))
                message["headers"] = [*message["headers"], *more]
            elif message["type"] == "http.response.body" and without_body:
                message["body"] = b""
            await send(message)

        try:
            await self._app(scope, body.receive, answer)
        except Exception as error:
            log_failure(scope, error)
            if not started:
                await _say_sorry(scope, answer)


class _Body:
    """The body of a request, which is often refused before it was read.

    A server that answers while the client still sends closes the connection, and the client may never see the
    answer, or send its next request into nothing. So what is left of a body is read, within bounds, and thrown away.
    """

    def __init__(self, scope: HTTPScope, receive: Receive) -> None:
        self._receive = receive
        self._over = not any(name in {b"content-length", b"transfer-encoding"} for name, _ in scope["headers"])

    async def receive(self) -> HTTPReceiveMessage | WebSocketReceiveMessage:
        """The next message for the application.

        Raises:
            HTTPException: the client is gone. Nobody will read that answer, and it is no fault to be logged.
        """
        message = await self._receive()
        if message["type"] == "http.disconnect":
            self._over = True
            raise HTTPException(status_code=400)
        self._over = not message.get("more_body", False)
        return message

    async def is_over(self) -> bool:
        """Whether all of it was read, if need be now."""
        if self._over:
            return True
        read = 0
        with suppress(TimeoutError, HTTPException):
            async with asyncio.timeout(_THROWN_AWAY_S_MAX):
                while not self._over and read < _THROWN_AWAY_BYTES_MAX:
                    read += len(cast(bytes, (await self.receive()).get("body", b"")))
        return self._over


def _request_id(scope: HTTPScope) -> bytes:
    """The client's id for this request if it is a sane one, else a new one."""
    sent = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"")
    return sent if _SANE_ID.fullmatch(sent) else uuid4().hex.encode()


async def _say_sorry(scope: Scope, send: Send) -> None:
    body = encode(of_failure(scope))
    headers = [(b"content-type", MEDIA_TYPE.encode()), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 500, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
