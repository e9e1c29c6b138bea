"""Health on a port of its own, `SHOP_HEALTH_PORT`: no flood of clients' connections keeps a health check out.

A thread of each worker answers there, with an event loop and a database connection of its own. It watches the event
loop of the clients, too: a worker whose loop stands still is not live.
"""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from secrets import token_hex
from typing import Any
from urllib.parse import quote

import uvicorn
from msgspec import Struct
from msgspec.json import encode

from shop_core.errors import Unavailable
from shop_http.problems import MEDIA_TYPE, of_refusal, of_transport
from shop_http.responses import JSON
from shop_http.schemas.common import StatusBody
from shop_http.schemas.problems import Problem
from shop_http.server.http_protocol import OpenConnections, config_of

CONNECTIONS_MAX = 16
BEAT_EVERY_S = 1.0
BEAT_S_MAX = 10.0
"""So long may the event loop of the clients stand still. Thousands of new connections at once take it some seconds."""
LAST_CHECKS_S = 1.0
"""After another process has taken over, the checks that have connected here are still answered for up to so long."""


class _Server(uvicorn.Server):
    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Accept no more connections, then wait: uvicorn closes one whose request has not been read."""
        for server in self.servers:
            server.close()
        await asyncio.sleep(LAST_CHECKS_S)
        await super().shutdown(sockets)


class HealthPort:
    """Answers `/health/live` and `/health/ready` for one worker, and 404 to all else.

    Args:
        listening: bound.
        ready: raises Unavailable while the worker cannot serve.
        clock: seconds that only grow.
    """

    def __init__(
        self, listening: socket.socket, ready: Callable[[], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._listening = listening
        self._ready = ready
        self._clock = clock
        self._beat_at = clock()
        self._checks = ThreadPoolExecutor(1, thread_name_prefix="shop-http-health-check")
        self._server = _Server(config_of(self, OpenConnections(CONNECTIONS_MAX, 0), lifespan="off"))

    def start(self) -> None:
        """Call it in the event loop of the clients. The thread ends with the process."""
        self._beat()
        run = partial(self._server.run, [self._listening])
        threading.Thread(target=run, name="shop-http-health", daemon=True).start()

    def hand_over(self) -> None:
        """Another process answers from now on."""
        self._server.should_exit = True

    def _beat(self) -> None:
        self._beat_at = self._clock()
        asyncio.get_running_loop().call_later(BEAT_EVERY_S, self._beat)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer one request."""
        is_head, body = scope["method"] == "HEAD", await self._answer(scope["path"])
        status, media_type = (body.status, MEDIA_TYPE) if isinstance(body, Problem) else (200, JSON)
        content = encode(body)
        head = [
            (b"content-type", media_type),
            (b"content-length", b"%d" % len(content)),
            (b"cache-control", b"no-store"),
            (b"connection", b"close"),
        ]
        await send({"type": "http.response.start", "status": status, "headers": head})
        await send({"type": "http.response.body", "body": b"" if is_head else content})

    async def _answer(self, path: str) -> Struct:
        about = {"instance": quote(path), "request_id": token_hex(16)}
        if path not in ("/health/live", "/health/ready"):
            return of_transport(404, **about)
        try:
            if self._clock() - self._beat_at > BEAT_S_MAX:
                raise Unavailable(f"The event loop of this worker has stood still for {BEAT_S_MAX:g} s.")
            if path == "/health/ready":
                await asyncio.get_running_loop().run_in_executor(self._checks, self._ready)
        except Unavailable as refusal:
            return of_refusal(refusal, **about)
        return StatusBody()
