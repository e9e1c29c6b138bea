"""The log: one line for each request and for whatever else there is to say, on standard error.

For people on a terminal it is text, for machines one JSON object a line. A line is written at once and whole, so that
the lines of several processes do not mix. Tracebacks come without the values of variables, and what a database adds
about rows is left out: these may be passwords and addresses of people.
"""

from __future__ import annotations

import logging
import os
import re
import sys
from contextlib import suppress
from typing import Any, TextIO

import msgspec
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from shop_http.middleware.access_log import Observer, RequestRecord

_STAMPS: tuple[Processor, ...] = (
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
)
_ROWS = re.compile(r"(?<=DETAIL:  ).*?(?=\n\[SQL: |\n\nThe above exception|\Z)", re.DOTALL)

SERVER_LOG: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "loggers": {"_granian": {"handlers": [], "propagate": True}},
    "handlers": {},
    "formatters": {},
}
"""Has the HTTP server say what it has to say through our log."""


def configure(form: str, level: str, *, file: TextIO | None = None) -> None:
    """Have everything that is logged in this process written our way.

    Args:
        form: one of `LOG_FORMS` of the settings; `auto` is text on a terminal, JSON otherwise.
        level: one of `LOG_LEVELS`: what is less than this is left out.
        file: where to; None: standard error.
    """
    handler = _Handler(file or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, structlog.stdlib.ExtraAdder(), *_STAMPS],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                _without_rows,
                _renderer(form, handler.file),
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    # Connections are lost and made again under load; what that means for a request, its own answer tells.
    logging.getLogger("sqlalchemy.pool").setLevel(logging.ERROR)


def request_lines(form: str, *, file: TextIO | None = None) -> Observer:
    """Who writes one line for each request.

    Args:
        form: as for `configure`.
        file: where to; None: standard error.
    """
    file = file or sys.stderr
    logger = structlog.wrap_logger(
        _Lines(file),
        processors=[*_STAMPS, _renderer(form, file) if is_text(form, file) else _as_bytes],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    ).bind()

    def write(seen: RequestRecord) -> None:
        fields: dict[str, Any] = {
            "method": seen.method,
            "route": seen.route,
            "status": seen.status,
            "duration_ms": round(seen.duration_s * 1000, 2),
            "bytes": seen.size_bytes,
            "request_id": seen.request_id,
            "address": seen.address,
        }
        if seen.path is not None:
            fields["path"] = seen.path
        if seen.code is not None:
            fields["code"] = seen.code
        if seen.account_id is not None:
            fields["account_id"] = str(seen.account_id)
        if seen.trace_id is not None:
            fields["trace_id"], fields["parent_id"] = seen.trace_id, seen.parent_id
        if seen.replayed:
            fields["replayed"] = True
        logger.info("request", **fields)

    return write


def is_text(form: str, file: TextIO | None = None) -> bool:
    """Whether `form` means text, where the log goes to `file` (None: standard error)."""
    return form == "text" or (form == "auto" and (file or sys.stderr).isatty())


def _renderer(form: str, file: TextIO) -> Processor:
    if not is_text(form, file):
        return _as_json
    return structlog.dev.ConsoleRenderer(
        colors=file.isatty(),
        # The usual one of structlog shows the values of variables.
        exception_formatter=structlog.dev.plain_traceback,
        timestamp_key="at",
        sort_keys=False,
        pad_event_to=0,
    )


def _without_rows(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """PostgreSQL shows the whole row that broke a rule."""
    if exception := event.get("exception"):
        event["exception"] = _ROWS.sub("(left out)", exception)
    return event


_encode = msgspec.json.Encoder(enc_hook=str).encode


def _as_json(_: WrappedLogger, __: str, event: EventDict) -> str:
    return _encode(event).decode()


def _as_bytes(_: WrappedLogger, __: str, event: EventDict) -> bytes:
    return _encode(event)


class _Lines:
    """Writes lines, each with one call: a log that cannot be written is no reason to refuse a request."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        try:
            self._descriptor: int | None = file.fileno()
        except OSError:
            self._descriptor = None

    def info(self, line: str | bytes) -> None:
        text = line.encode(errors="backslashreplace") if isinstance(line, str) else line
        with suppress(OSError, ValueError):
            if self._descriptor is None:
                self._file.write(text.decode() + "\n")
            else:
                os.write(self._descriptor, text + b"\n")

    msg = info


class _Handler(logging.Handler):
    """The same for what comes by way of `logging`."""

    def __init__(self, file: TextIO) -> None:
        super().__init__()
        self.file = file
        self._lines = _Lines(file)

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._lines.info(self.format(record))
        except Exception:
            self.handleError(record)
