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
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, TextIO

import msgspec

from shop_http.middleware.access_log import Observer, RequestRecord

_ROWS = re.compile(r"(?<=DETAIL:  ).*?(?=\n\[SQL: |\n\nThe above exception|\Z)", re.DOTALL)
_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "color_message", "taskName"}
_encode = msgspec.json.Encoder(enc_hook=str).encode

_QUIET = {
    "sqlalchemy.pool": logging.ERROR,  # connections are lost and made again; the responses say what that means
    "uvicorn.error": logging.ERROR,  # else it says how each worker starts and ends
    "alembic": logging.WARNING,  # else it says how it prepares
}


def configure(form: str, level: str, *, file: TextIO | None = None) -> None:
    """Write everything that this process logs in our form.

    Args:
        form: one of `LOG_FORMS` of the settings. `auto` is text on a terminal, JSON otherwise.
        level: one of `LOG_LEVELS`: less is left out.
        file: where to; None: standard error.
    """
    file = file or sys.stderr
    handler = _Handler(_writer(file))
    handler.setFormatter(_Text() if is_text(form, file) else _Json())
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    for name, quiet in _QUIET.items():
        logging.getLogger(name).setLevel(quiet)


def request_lines(form: str, *, file: TextIO | None = None) -> Observer:
    """An observer that writes one line for each request.

    Args:
        form: as for `configure`.
        file: where to; None: standard error.
    """
    file = file or sys.stderr
    write, line_of = _writer(file), _request_text if is_text(form, file) else _request_json
    return lambda record: write(line_of(record))


def is_text(form: str, file: TextIO | None = None) -> bool:
    """Whether `form` means text, where the log goes to `file` (None: standard error)."""
    return form == "text" or (form == "auto" and (file or sys.stderr).isatty())


def _request_text(record: RequestRecord) -> bytes:
    """`12:30:05 POST /api/v1/orders 409 3.2 ms insufficient_stock`."""
    time, where, ms = datetime.now().astimezone(), record.route or record.path, record.duration_s * 1000
    line = f"{time:%H:%M:%S} {record.method} {where} {record.status} {ms:.1f} ms"
    return (f"{line} {record.code}" if record.code else line).encode(errors="backslashreplace")


def _request_json(record: RequestRecord) -> bytes:
    fields: dict[str, Any] = {
        "event": "request",
        "level": "info",
        "at": _now(),
        "method": record.method,
        "route": record.route,
        "status": record.status,
        "duration_ms": round(record.duration_s * 1000, 2),
        "bytes": record.size_bytes,
        "request_id": record.request_id,
        "address": record.address,
    }
    if record.path is not None:
        fields["path"] = record.path
    if record.code is not None:
        fields["code"] = record.code
    if record.account_id is not None:
        fields["account_id"] = str(record.account_id)
    if record.trace_id is not None:
        fields["trace_id"], fields["parent_id"] = record.trace_id, record.parent_id
    if record.replayed:
        fields["replayed"] = True
    return _encode(fields)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


class _Json(logging.Formatter):
    """One JSON object a line: `event`, `level`, `at`, `logger`, and what was given as `extra`."""

    def format(self, record: logging.LogRecord) -> str:
        fields = {"event": record.getMessage(), "level": record.levelname.lower(), "at": _now(), "logger": record.name}
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


def _writer(file: TextIO) -> Callable[[bytes], None]:
    """Writes a line by one call. A log that cannot be written is no reason to refuse a request."""
    try:
        descriptor = file.fileno()
    except OSError:  # a file in memory

        def write(line: bytes) -> None:
            with suppress(OSError, ValueError):
                file.write(line.decode() + "\n")

        return write

    def write_at_once(line: bytes) -> None:
        with suppress(OSError):
            os.write(descriptor, line + b"\n")

    return write_at_once


class _Handler(logging.Handler):
    """Hands lines of `logging` to a writer."""

    def __init__(self, write: Callable[[bytes], None]) -> None:
        super().__init__()
        self._write = write

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._write(self.format(record).encode(errors="backslashreplace"))
        except Exception:
            self.handleError(record)
