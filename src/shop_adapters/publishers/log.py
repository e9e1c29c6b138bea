"""A publisher that logs."""

from __future__ import annotations

import logging

from shop_adapters.publishers.message import event_json
from shop_core.events import Event


class LogPublisher:
    """Logs one line of JSON for each event, the same as a webhook sends.

    Args:
        logger: `shop.events` by default.
        level: of the lines.
    """

    def __init__(self, logger: logging.Logger | None = None, level: int = logging.INFO) -> None:
        self._logger = logger or logging.getLogger("shop.events")
        self._level = level

    def publish(self, event: Event) -> None:
        """Log it."""
        self._logger.log(self._level, "%s", event_json(event).decode())
