"""How a server leaves: it says so first, answers what is under way and what still comes, and hangs up politely.

From SIGTERM on, `/health/ready` answers 503, so that whoever distributes the load sends new requests elsewhere; every
answer says `Connection: close` (see `edge`), so that clients do not send their next request into a connection that is
about to end. After `drain_s` seconds the server itself is told to stop: it takes no more connections, and lets what is
under way finish. Only then does what runs beside the handlers end, with the last batch answered (`app.create_app`).
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from litestar import Litestar

from shop_core.errors import Unavailable


class GracefulShutdown:
    """Knows whether the server is about to leave. One for each application.

    Args:
        drain_s: how long it goes on after SIGTERM; None: signals are not looked at.
    """

    def __init__(self, drain_s: float | None) -> None:
        self._drain_s = drain_s
        self.has_begun = False

    def begin(self) -> None:
        """From now on the server is not ready."""
        self.has_begun = True

    def told_by(self, ready: Callable[[], None]) -> Callable[[], None]:
        """The readiness that `ready` knows of, and none once the server is leaving."""

        def is_ready() -> None:
            if self.has_begun:
                raise Unavailable("The server is closing down: send the request to another one.")
            ready()

        return is_ready

    def lifespan(self) -> Callable[[Litestar], AbstractAsyncContextManager[None]]:
        """Listens for SIGTERM for as long as the application runs."""

        @asynccontextmanager
        async def listening(_: Litestar) -> AsyncIterator[None]:
            if self._drain_s is not None:
                # In the place of the handler of the server, which has another one, for SIGINT, that does the same.
                loop = asyncio.get_running_loop()
                loop.add_signal_handler(signal.SIGTERM, self._on_sigterm, loop, self._drain_s)
            yield

        return listening

    def _on_sigterm(self, loop: asyncio.AbstractEventLoop, drain_s: float) -> None:
        if self.has_begun:  # asked twice: now
            drain_s = 0
        self.begin()
        loop.call_later(drain_s, os.kill, os.getpid(), signal.SIGINT)
