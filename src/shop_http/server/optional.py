"""What the settings may ask for beside answering: events for others, mails, and spans.

It is checked before the workers are started. Nothing of the application is imported here: the supervisor needs none.
"""

from __future__ import annotations

import logging
import sys
from importlib.util import find_spec

from shop_adapters.mail.log import LogMailer
from shop_adapters.media.encoder import PictureProcess
from shop_adapters.publishers import LogPublisher
from shop_adapters.publishers.webhook import WebhookPublisher
from shop_core.ports import EventPublisher, ImageEncoder, Mailer, Media
from shop_http.server.settings import Settings, SettingsError


def check(settings: Settings) -> None:
    """Check before the workers start that they can do what the settings ask for.

    Raises:
        SettingsError: events cannot be published, mails not sent, spans not made, or faults not reported.
    """
    publisher_of(settings)
    mailer_of(settings)
    if settings.tracing != "off":
        try:
            import shop_http.server.tracing  # noqa: F401
        except ImportError as missing:
            raise _not_installed("SHOP_TRACING", "OpenTelemetry", "otel", missing) from missing
    if settings.sentry_dsn:
        try:
            from shop_http.server.error_reports import check_dsn

            check_dsn(settings.sentry_dsn)
        except ImportError as missing:
            raise _not_installed("SHOP_SENTRY_DSN", "Sentry's package", "sentry", missing) from missing
        except ValueError as wrong:
            raise SettingsError(f"SHOP_SENTRY_DSN cannot be used: {wrong}") from wrong


def _not_installed(setting: str, package: str, extra: str, missing: ImportError) -> SettingsError:
    return SettingsError(f"{setting} needs {package}: pip install 'shop-no-oversell[{extra}]' ({missing})")


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


def mailer_of(settings: Settings) -> Mailer | None:
    """Who sends mails; None: nobody.

    Raises:
        SettingsError: the settings name no server, or no sender.
    """
    if not settings.smtp_url:
        return None
    if settings.smtp_url == "log":
        return LogMailer()
    from shop_adapters.mail.smtp import SmtpMailer  # here: the modules for mail are large

    try:
        return SmtpMailer(settings.smtp_url, settings.mail_from)
    except ValueError as wrong:
        raise SettingsError(f"SHOP_SMTP_URL or SHOP_MAIL_FROM cannot be used: {wrong}") from wrong


def media_of(settings: Settings) -> tuple[Media, ImageEncoder] | None:
    """Where pictures are kept, and what makes their files; None: the shop has none of its own.

    Raises:
        SettingsError: there is no such place, or a package is not installed.
    """
    if not settings.media:
        return None
    if not has_media_packages():
        raise SettingsError("SHOP_MEDIA needs obstore and Pillow: pip install 'shop-no-oversell[media]'")
    from shop_adapters.media.object_store import media_at  # here: not every shop has the package

    try:
        return media_at(settings.media, settings.media_url or f"{settings.base_url}/media"), PictureProcess()
    except ValueError as wrong:
        raise SettingsError(f"SHOP_MEDIA is {settings.media!r}: it {wrong}") from wrong


def has_media_packages() -> bool:
    """Whether what pictures need is installed: obstore, and Pillow, which only processes of their own import."""
    return all(find_spec(package) is not None for package in ("obstore", "PIL"))


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
