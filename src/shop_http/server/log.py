"""The log: one line for each request, and one for each other event, on standard error.

On a terminal it is text for people, elsewhere one JSON object a line. A line is written whole, by one call, so that
lines of several processes do not mix. Tracebacks show no values of variables, and no rows that a database error quotes:
both may hold passwords and addresses.
"""

from __future__ import annotations

import logging
import os
import re
import sys
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import Any

import msgspec

from shop_http.middleware.access_log import Observer, RequestRecord, Write, json_line, request_lines

_ROWS = re.compile(r"(?<=DETAIL:  ).*?(?=\n\[SQL: |\n\nThe above exception|\Z)", re.DOTALL)
_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "color_message", "taskName"}
_encode = msgspec.json.Encoder(enc_hook=str).encode

_QUIET = {
    "sqlalchemy.pool": logging.ERROR,  # connections are lost and made again; the responses say what that means
    "uvicorn.error": logging.ERROR,  # else it says how each worker starts and ends
    "alembic": logging.WARNING,  # else it says how it prepares
}


def configure(form: str, level: str, *, write: Write | None = None) -> None:
    """Write everything that this process logs in our form.

    Args:
        form: one of `LOG_FORMS` of the settings. `auto` is text on a terminal, JSON otherwise.
        level: one of `LOG_LEVELS`: less is left out.
        write: where to; None: standard error.
    """
    handler = _Handler(write or _standard_error())
    handler.setFormatter(_Text() if is_text(form) else _Json())
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    for name, quiet in _QUIET.items():
        logging.getLogger(name).setLevel(quiet)


def request_log(form: str) -> Observer:
    """An observer that writes one line for each request; `form` as for `configure`."""
    return request_lines(_standard_error(), request_text if is_text(form) else json_line)


def is_text(form: str) -> bool:
    """Whether `form` means text."""
    return form == "text" or (form == "auto" and sys.stderr.isatty())


def request_text(record: RequestRecord) -> bytes:
    """`12:30:05 POST /api/v1/orders 409 3.2 ms insufficient_stock`."""
    time, where = record.at.astimezone(), record.route or record.path
    line = f"{time:%H:%M:%S} {record.method} {where} {record.status} {record.duration_ms:.1f} ms"
    return (f"{line} {record.code}" if record.code else line).encode(errors="backslashreplace")


def _standard_error() -> Write:
    return partial(os.write, sys.stderr.fileno())


class _Json(logging.Formatter):
    """One JSON object a line: `event`, `level`, `at`, `logger`, and what was given as `extra`."""

    def format(self, record: logging.LogRecord) -> str:
        fields: dict[str, Any] = {
            "event": record.getMessage(),
            "level": record.levelname.lower(),
            "at": datetime.now(UTC),
            "logger": record.name,
        }
        fields |= {name: value for name, value in record.__dict__.items() if name not in _STANDARD}
        if record.exc_info:
            fields["exception"] = self.formatException(record.exc_info)
        return _encode(fields).decode()

    def formatException(self, ei: Any) -> str:  # noqa: N802
        return _ROWS.sub("(left out)", super().formatException(ei))


class _Text(_Json):
    """`12:30:05 warning: what happened`, with a traceback below."""

    def format(self, record: logging.LogRecord) -> str:
        level = "" if record.levelno == logging.INFO else f"{record.levelname.lower()}: "
        line = f"{datetime.now().astimezone():%H:%M:%S} {level}{record.getMessage()}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class _Handler(logging.Handler):
    """Hands lines of `logging` to a writer."""

    def __init__(self, write: Write) -> None:
        super().__init__()
        self._write = write

    def emit(self, record: logging.LogRecord) -> None:
        try:
            with suppress(OSError):
                self._write(self.format(record).encode(errors="backslashreplace") + b"\n")
        except Exception:
            self.handleError(record)
