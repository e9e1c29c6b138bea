"""Graceful shutdown: what the application knows of it. `worker` does the rest, see there."""

from __future__ import annotations

import logging
from collections.abc import Callable

from shop_core.errors import Unavailable

_logger = logging.getLogger("shop_http")


class GracefulShutdown:
    """Whether this process is about to end.

    Attributes:
        has_begun: every response says `Connection: close`, so that clients send their next request elsewhere.
        is_ready: `/health/ready` answers as the database does; if not, 503.
    """

    def __init__(self) -> None:
        self.has_begun = False
        self.is_ready = True

    def hand_over(self) -> None:
        """Another process has taken this one's place: the server as a whole stays ready."""
        self.has_begun = True

    def leave(self) -> None:
        """The whole server ends."""
        self.has_begun = True
        self.is_ready = False

    def readiness(self, ready: Callable[[], None]) -> Callable[[], None]:
        """`ready`, until the server ends.

        Args:
            ready: raises while the server cannot serve.

        Returns:
            A function that raises Unavailable while it cannot.
        """

        def is_ready() -> None:
            if not self.is_ready:
                raise Unavailable("The server is closing down: send the request to another one.")
            try:
                ready()
            except Unavailable:
                raise
            except Exception as error:
                _logger.warning("not ready: %r", error)
                raise Unavailable(
                    "The server cannot serve at the moment; its log says why.", retry_after_s=5
                ) from error

        return is_ready
