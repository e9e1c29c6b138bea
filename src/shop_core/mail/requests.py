"""Asking for mails, counted, inside of the unit of work of the change that they belong to."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from shop_core.accounts.guess_limits import Guess, mail_guesses, take_tokens
from shop_core.accounts.model import Account
from shop_core.errors import TooManyAttempts, TooManyMails
from shop_core.mail.model import Mail, MailKind
from shop_core.ports import NewId, UnitOfWork
from shop_core.text import comparable

RESET_CODE_LIFE = timedelta(hours=1)


def take_mail_tokens(uow: UnitOfWork, guesses: Sequence[Guess]) -> None:
    """Count a mail that somebody asks for.

    Raises:
        TooManyMails
    """
    full_at = uow.attempts.lock([guess.key for guess in guesses])
    try:
        uow.attempts.put(take_tokens(guesses, full_at, uow.now()))
    except TooManyAttempts as many:
        raise TooManyMails(many.retry_after_s) from None


def ask_to_confirm(uow: UnitOfWork, account: Account, new_id: NewId) -> None:
    """Send a code to the address of an account.

    Raises:
        TooManyMails
    """
    take_mail_tokens(uow, mail_guesses("confirmation", comparable(account.email), account.id.hex))
    uow.mails.add_all([Mail(new_id(), MailKind.EMAIL_CONFIRMATION, uow.now(), account.id, account.email)])


def proved_by(account: Account) -> str:
    """What a code for an address is bound to, as one for a password is bound to its hash. It is like no hash."""
    return f"confirms {comparable(account.email)}"
