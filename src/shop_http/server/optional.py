"""What the settings may ask for beside answering: events for others, and spans.

It is checked before the workers are started. Nothing of the application is imported here: the supervisor needs none.
"""

from __future__ import annotations

import logging
import sys

from shop_adapters.publishers import LogPublisher
from shop_adapters.publishers.webhook import WebhookPublisher
from shop_core.ports import EventPublisher
from shop_http.server.settings import Settings, SettingsError


def check_tracing(settings: Settings) -> None:
    """Check early that spans can be made.

    Raises:
        SettingsError: the settings ask for them, and OpenTelemetry is not installed.
    """
    if settings.tracing != "off":
        try:
            import shop_http.server.tracing  # noqa: F401
        except ImportError as missing:
            raise SettingsError(
                f"SHOP_TRACING needs OpenTelemetry: pip install 'shop-no-oversell[otel]' ({missing})"
            ) from missing


def publisher_of(settings: Settings) -> EventPublisher | None:
    """Where events are published; None: nowhere.

    Raises:
        SettingsError: the webhook cannot be used.
    """
    match settings.events:
        case "log":
            return LogPublisher(_lines_of_events())
        case "webhook":
            try:
                return WebhookPublisher(settings.webhook_url, settings.webhook_secret)
            except ValueError as wrong:
                raise SettingsError(f"SHOP_WEBHOOK_URL or SHOP_WEBHOOK_SECRET cannot be used: {wrong}") from wrong
    return None


def _lines_of_events() -> logging.Logger:
    """A logger of its own, apart from the log of the server: one line an event, on standard output."""
    logger = logging.getLogger("shop.events")
    if not logger.handlers:
        handler = logging.StreamHandler(sys.stdout)
        handler.setFormatter(logging.Formatter("%(message)s"))
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
        logger.propagate = False
    return logger
