"""A log of events and mails that did not arrive."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from shop_core.outbox import ATTEMPTS_MAX
from shop_core.ports import Queued

LINES_MAX, WINDOW_S = 10, 60.0
_ADDRESS = re.compile(r"\S*@\S*")
_logger = logging.getLogger("shop.background")


class FailureLog:
    """Warns of each failed attempt, in one line without the address of a person; see `QueueService.relay`.

    Of one queue there are at most `LINES_MAX` lines a minute: while a receiver is down, thousands may fail each second.
    The next line says how many were left out.

    Args:
        what: fails, e.g. `event`.
        monotonic: a clock in seconds.
    """

    def __init__(self, what: str, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._what = what
        self._monotonic = monotonic
        self._window_end = monotonic()
        self._lines = self._left_out = 0

    def __call__(self, message: Queued[Any], due_at: datetime | None) -> None:
        """Log it, if there were not too many."""
        if (now := self._monotonic()) >= self._window_end:
            self._window_end, self._lines = now + WINDOW_S, 0
        if self._lines >= LINES_MAX:
            self._left_out += 1
            return
        _logger.warning(
            "%s %s did not arrive, attempt %d of %d: %s; %s%s",
            self._what,
            message.event.id,
            message.attempts,
            ATTEMPTS_MAX,
            _ADDRESS.sub("...", message.error),
            f"next try at {due_at:%Y-%m-%dT%H:%M:%SZ}" if due_at else "given up",
            f" ({self._left_out} more failures before it)" if self._left_out else "",
        )
        self._lines, self._left_out = self._lines + 1, 0
