"""The sessions that were ended while access tokens of theirs are still valid, in the memory of a process."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from threading import Lock
from uuid import UUID

from shop_core.accounts.sessions import ACCESS_TOKEN_LIFE

COMMITTED_WITHIN = timedelta(minutes=1)
"""How long after its timestamp an ended session may become visible; also the most that clocks may differ by."""


class MemoryRevocations:
    """`shop_core.ports.Revocations`. For any number of threads.

    Attributes:
        sessions: those that have ended, each with the moment. It is replaced as a whole, so reading it needs no lock.
    """

    def __init__(self) -> None:
        self.sessions: Mapping[UUID, datetime] = {}
        self._lock = Lock()
        self._updated_at: datetime | None = None

    def add(self, *session_ids: UUID, at: datetime) -> None:
        """Add sessions that this process has ended."""
        if session_ids:
            self._merge(dict.fromkeys(session_ids, at), at)

    def since(self, now: datetime) -> datetime:
        """From when on to look for sessions that other processes have ended."""
        oldest = now - ACCESS_TOKEN_LIFE
        return max(self._updated_at or oldest, oldest) - COMMITTED_WITHIN

    def update(self, ended: Mapping[UUID, datetime], now: datetime) -> None:
        """Add all sessions that ended since `since(now)`, each with the moment."""
        self._merge(ended, now)
        self._updated_at = now

    def _merge(self, ended: Mapping[UUID, datetime], now: datetime) -> None:
        """Add these, and forget those whose access tokens have all expired."""
        oldest = now - ACCESS_TOKEN_LIFE - COMMITTED_WITHIN
        with self._lock:
            self.sessions = {each: at for each, at in {**self.sessions, **ended}.items() if at > oldest}
