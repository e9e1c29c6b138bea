"""The log: one line for each request, and one for each other event, on standard error.

On a terminal it is text for people, elsewhere one JSON object a line. A thread writes whole lines, so that those of
several processes do not mix, and a log that nobody reads holds up nothing. Tracebacks show no values of variables, and
no rows that a database error quotes: both may hold passwords and addresses.
"""

from __future__ import annotations

import logging
import os
import re
import sys
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from select import PIPE_BUF
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from shop_http.middleware.access_log import Observer, RequestRecord, Write

_ROWS = re.compile(r"(?<=DETAIL:  ).*?(?=\n\[SQL: |\n\nThe above exception|\Z)", re.DOTALL)
_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "color_message", "taskName"}
_encode = msgspec.json.Encoder(enc_hook=str).encode

_QUIET = {
    "sqlalchemy.pool": logging.ERROR,  # connections are lost and made again; the responses say what that means
    "uvicorn.error": logging.ERROR,  # else it says how each worker starts and ends
    "alembic": logging.WARNING,  # else it says how it prepares
}

LINES_MAX, LINES_BYTES_MAX = 10_000, 16 * 1024 * 1024
WRITE_EVERY_S, LIMIT_EVERY_S, FLUSH_S_MAX = 0.05, 0.25, 1.0
_logger = logging.getLogger("shop_http")


def configure(form: str, level: str, *, write: Write | None = None) -> None:
    """Write everything that this process logs in our form.

    Args:
        form: `text`, `json` or `auto`, which is text on a terminal, JSON otherwise.
        level: `debug`, `info`, `warning` or `error`: less is left out.
        write: where to; None: standard error.
    """
    handler = _Handler(write or standard_error().append)
    handler.setFormatter(_Text() if is_text(form) else _Json())
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    for name, quiet in _QUIET.items():
        logging.getLogger(name).setLevel(quiet)


def request_log(form: str) -> Observer:
    """An observer that writes one line for each request; `form` as for `configure`."""
    from shop_http.middleware.access_log import json_line, request_lines  # here: the supervisor logs no requests

    return request_lines(standard_error().append, request_text if is_text(form) else json_line)


def is_text(form: str) -> bool:
    """Whether `form` means text."""
    return form == "text" or (form == "auto" and sys.stderr.isatty())


def request_text(record: RequestRecord) -> bytes:
    """`12:30:05 POST /api/v1/orders 409 3.2 ms insufficient_stock`."""
    time, where = record.at.astimezone(), record.route or record.path
    line = f"{time:%H:%M:%S} {record.method} {where} {record.status} {record.duration_ms:.1f} ms"
    return (f"{line} {record.code}" if record.code else line).encode(errors="backslashreplace")


class QueuedLines:
    """Lines that wait for a thread to write them: a log that nobody reads blocks that thread, and nothing else.

    Appending is all that a request does. A second thread drops the oldest lines while there are too many.

    Args:
        descriptor: of the file that they are written to.
        max_count: so many wait at most, of `LINES_BYTES_MAX` together, a quarter of a second aside.

    Attributes:
        append: adds a line.
        dropped: how many were.
    """

    def __init__(self, descriptor: int, max_count: int = LINES_MAX) -> None:
        self._descriptor, self._max_count = descriptor, max_count
        self._lines: deque[bytes] = deque()
        self._is_written = Event()
        self._is_written.set()
        self.append: Write = self._lines.append
        self.dropped = self._reported = 0

    def start(self) -> QueuedLines:
        """Begin to write. After a fork, call it in the child: a fork has no threads."""
        for job, every_s in ((self.write, WRITE_EVERY_S), (self.limit, LIMIT_EVERY_S)):
            Thread(target=_repeat, args=(job, every_s), name="log", daemon=True).start()
        return self

    def write(self) -> None:
        """Write all lines, as many at once as a pipe takes as a whole: then those of several processes do not mix."""
        while self._lines:
            self._is_written.clear()
            piece = self._lines.popleft()
            with suppress(IndexError):
                while len(piece) + len(self._lines[0]) <= PIPE_BUF:
                    piece += self._lines.popleft()
            with suppress(OSError):
                while piece:
                    piece = piece[os.write(self._descriptor, piece) :]
        self._is_written.set()
        if self.dropped > self._reported:
            _logger.warning("%d lines of the log were dropped: nobody read them", self.dropped - self._reported)
            self._reported = self.dropped

    def limit(self) -> None:
        """Drop the oldest lines if there are too many."""
        count, size = len(self._lines), sum(map(len, tuple(self._lines)))
        with suppress(IndexError):  # they were written at the same moment
            while count > self._max_count or size > LINES_BYTES_MAX:
                size -= len(self._lines.popleft())
                count -= 1
                self.dropped += 1

    def flush(self) -> None:
        """Wait until all is written, for a second at most."""
        deadline = time.monotonic() + FLUSH_S_MAX
        while self._lines and time.monotonic() < deadline:
            time.sleep(0.01)
        self._is_written.wait(max(0, deadline - time.monotonic()))


def _repeat(job: Callable[[], None], every_s: float) -> None:
    while True:
        time.sleep(every_s)
        job()


@cache
def standard_error() -> QueuedLines:
    """The lines that wait to be written to standard error."""
    return QueuedLines(sys.stderr.fileno()).start()


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

    def flush(self) -> None:
        """The end of the process."""
        if standard_error.cache_info().currsize:
            standard_error().flush()

    def emit(self, record: logging.LogRecord) -> None:
        try:
            with suppress(OSError):
                self._write(self.format(record).encode(errors="backslashreplace") + b"\n")
        except Exception:
            self.handleError(record)
