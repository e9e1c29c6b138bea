"""What traces are made of: calls to whoever observes statements and batches. Without an observer, nothing is done."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

Run = Callable[..., Any]
"""Runs a statement: its first argument is the text, which has the names of parameters in the place of their values."""

ObserveStatements = Callable[[Run], Run]
"""Gets what runs statements, and returns what does the same and observes each. It may not look at further arguments."""


class BatchObserver(Protocol):
    """Observes the batches of an order batcher."""

    def request(self) -> object:
        """What to remember of the request that is being queued. Called where the request is handled."""

    def batch(self, requests: Sequence[object], lines: int) -> AbstractContextManager[Callable[[], None]]:
        """Surrounds the decision of a batch, in the batcher's thread; gives what is called if it failed as a whole.

        Args:
            requests: what `request` returned for each.
            lines: of all of them.
        """
