"""A mailer that logs, for shops that are tried out."""

from __future__ import annotations

import logging

from shop_core.mail.model import MailMessage


class LogMailer:
    """Logs one line for each message: its kind and id, but neither the address nor a code."""

    def __init__(self, logger: logging.Logger | None = None) -> None:
        self._logger = logger or logging.getLogger("shop_http")

    def send(self, message: MailMessage) -> None:
        """Log it."""
        self._logger.info("a mail that nobody gets: %s %s", message.kind, message.id)
