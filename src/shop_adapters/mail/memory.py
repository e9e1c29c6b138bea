"""A mailer that remembers, for tests."""

from __future__ import annotations

from threading import Lock

from shop_core.mail.model import MailMessage


class MemoryMailer:
    """Remembers the messages. Threads may share one."""

    def __init__(self) -> None:
        self._messages: list[MailMessage] = []
        self._lock = Lock()

    @property
    def messages(self) -> tuple[MailMessage, ...]:
        """What was sent, in that order."""
        with self._lock:
            return tuple(self._messages)

    def send(self, message: MailMessage) -> None:
        """Remember it."""
        with self._lock:
            self._messages.append(message)
