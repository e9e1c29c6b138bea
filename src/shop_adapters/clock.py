"""The real time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

system_clock: Callable[[], datetime] = partial(datetime.now, UTC)
"""The time now, in UTC, aware."""
