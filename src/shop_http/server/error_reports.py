"""Unhandled faults, reported to Sentry or to another service that speaks its protocol.

Only `composition` imports this, and only if SHOP_SENTRY_DSN is set: it needs the extra `shop-no-oversell[sentry]`. A
report has the kind of the fault, where in the code it happened, the route, the request id and the version. It has no
request, no values of variables and not the text of the fault, which may quote what a customer sent: the log has all
that under the same request id. Reports are sent by a thread of their own, which drops them when it cannot keep up.
"""

from __future__ import annotations

import logging
import re
from typing import Any
from urllib.parse import urlsplit

import sentry_sdk
from sentry_sdk.integrations.logging import EventHandler
from sentry_sdk.types import Event, Hint

from shop_core import __version__

FLUSH_S_MAX = 2.0
_KEPT = ("event_id", "timestamp", "level", "platform", "logger", "release", "environment", "server_name", "sdk", "tags")
_DSN_PATH = re.compile(r"/(.+/)?\d+")


class ErrorReports:
    """Sends what is logged with an exception.

    Args:
        dsn: where to, as Sentry shows it for a project. The environment is `SENTRY_ENVIRONMENT`.

    Raises:
        ValueError: the dsn is none.
    """

    def __init__(self, dsn: str) -> None:
        check_dsn(dsn)
        self._dsn = dsn
        self._handler = EventHandler(level=logging.ERROR)
        self._handler.addFilter(lambda record: record.exc_info is not None)

    def start(self) -> None:
        """Report from now on."""
        sentry_sdk.init(
            self._dsn,
            release=f"shop@{__version__}",
            before_send=scrubbed,
            default_integrations=False,  # they hook into libraries, to add what is taken out here
            auto_enabling_integrations=False,
            auto_session_tracking=False,
            include_local_variables=False,
            max_request_body_size="never",
            max_breadcrumbs=0,
            shutdown_timeout=FLUSH_S_MAX,
        )
        logging.getLogger().addHandler(self._handler)

    def stop(self) -> None:
        """Send what was not sent yet, for two seconds at most."""
        logging.getLogger().removeHandler(self._handler)
        sentry_sdk.get_client().close(FLUSH_S_MAX)
        sentry_sdk.get_global_scope().set_client(None)


def check_dsn(dsn: str) -> None:
    """Check that a report could be sent there. Raises ValueError."""
    parts = urlsplit(dsn)
    if parts.scheme not in ("http", "https") or not parts.username or not parts.hostname:
        raise ValueError("it is https://KEY@HOST/PROJECT, as Sentry shows it for a project")
    if not _DSN_PATH.fullmatch(parts.path):
        raise ValueError(f"it must end with the number of a project, not with {parts.path or '/'}")


def scrubbed(event: Event, hint: Hint) -> Event:
    """The report without what may be somebody's secret."""
    record: logging.LogRecord = hint["log_record"]
    kept: Any = {name: value for name, value in event.items() if name in _KEPT}
    of_request = {name: getattr(record, name, None) for name in ("request_id", "route")}
    kept["tags"] = {**event.get("tags", {}), **{name: text for name, text in of_request.items() if text}}
    exceptions: Any = event.get("exception", {})
    for exception in exceptions.get("values", ()):
        exception["value"] = "see the log"
        exception.pop("mechanism", None)
        for frame in exception.get("stacktrace", {}).get("frames", ()):
            frame.pop("vars", None)
    kept["exception"] = exceptions
    return kept  # type: ignore[no-any-return]
