"""Mails to customers: each is put into a queue by the unit of work that it reports, and sent at least once.

What waits names the account or the address, and what it is about. Everything else is looked up when it is sent: so no
code is ever stored, and a mail says what is true by then. Mails have no order among themselves.

Orders are reported to confirmed addresses only: by a mistyped one somebody else would learn what was bought. Anybody
may ask for another password, so that request does the same work for every address; who has it is found out later.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid5

from shop_core.accounts.guess_limits import mail_guesses
from shop_core.accounts.model import Account, Actor, check_email
from shop_core.errors import InvalidConfirmationCode, NoMail
from shop_core.mail.model import Mail, MailKind, MailMessage
from shop_core.mail.requests import RESET_CODE_LIFE, ask_to_confirm, proved_by, take_mail_tokens
from shop_core.orders.model import Order, OrderStatus
from shop_core.outbox import OnFailure, QueueService
from shop_core.ports import Begin, Clock, Mailer, NewId, Tokens, Undelivered, UnitOfWork
from shop_core.text import comparable, normalized

CONFIRMATION_CODE_LIFE = timedelta(days=7)
ASKED_FOR = timedelta(hours=1)
"""Nobody waits longer for the code of a forgotten password: after that they ask again."""

ACCOUNTS_MAX = 10
"""Of so many accounts with one confirmed address each gets its code."""


class MailService(QueueService[Mail]):
    """What is asked for by mail, and the sending.

    Args:
        has_mail: whether the shop sends any.
    """

    def __init__(self, begin: Begin, clock: Clock, new_id: NewId, tokens: Tokens, *, has_mail: bool) -> None:
        super().__init__(begin, clock, lambda uow: uow.mails)
        self._new_id = new_id
        self._tokens = tokens
        self._has_mail = has_mail

    def send(
        self,
        mailer: Mailer,
        limit: int = 20,
        is_stopping: Callable[[], bool] = lambda: False,
        on_failure: OnFailure[Mail] = lambda message, due_at: None,
    ) -> int:
        """Send mails that are due; returns how many were taken. See `QueueService.relay`."""
        return self.relay(_Sender(self._begin, self._tokens, mailer), limit, is_stopping, on_failure)

    def ask_for_reset(self, email: str, *, client: str = "") -> None:
        """Send a code for another password to this address, if an account has confirmed it.

        Args:
            client: where the request comes from, e.g. a network address: requests are counted by it too.

        Raises:
            NoMail: the shop sends none.
            Invalid: this is no address.
            TooManyMails: too many for this address, or from this client.
        """
        self._check_has_mail()
        address = normalized(email)
        check_email(address)
        with self._begin() as uow:
            take_mail_tokens(uow, mail_guesses("reset", comparable(address), client))
            uow.mails.add_all([Mail(self._new_id(), MailKind.PASSWORD_RESET, uow.now(), address=comparable(address))])

    def ask_for_confirmation(self, actor: Actor) -> None:
        """Send another code to the actor's own address, unless that is confirmed.

        Raises:
            NoMail: the shop sends none.
            Unauthenticated: no account acts.
            TooManyMails
        """
        self._check_has_mail()
        with self._begin() as uow:
            account = uow.accounts.get(actor.account_id)
            if account is None or not account.email or account.email_confirmed:
                return
            ask_to_confirm(uow, account, self._new_id)

    def confirm(self, code: str) -> None:
        """Confirm the address to which this code was sent. To confirm it again changes nothing.

        Raises:
            InvalidConfirmationCode: the code is wrong or expired, or the account has another address by now.
        """
        account_id = self._tokens.account_of_reset(code)
        with self._begin() as uow:
            found = uow.accounts.lock(account_id) if account_id else None
            if found is None or not self._tokens.is_reset_code(code, proved_by(found[0]), uow.now()):
                raise InvalidConfirmationCode
            uow.accounts.update(found[0].confirmed())

    def _check_has_mail(self) -> None:
        if not self._has_mail:
            raise NoMail


class _Sender:
    """Turns a mail into messages and gives them to a mailer."""

    def __init__(self, begin: Begin, tokens: Tokens, mailer: Mailer) -> None:
        self._begin, self._tokens, self._mailer = begin, tokens, mailer

    def publish(self, mail: Mail) -> None:
        """Send it. A mail that is no longer true, or has no reader, counts as sent.

        Raises:
            Undelivered: also, for good, if it is about a forgotten password and waited for longer than `ASKED_FOR`.
        """
        with self._begin() as uow:
            if mail.kind is MailKind.PASSWORD_RESET and uow.now() >= mail.at + ASKED_FOR:
                raise Undelivered("it was asked for more than an hour ago", is_final=True)
            messages = [] if self._split(uow, mail) else list(self._messages(uow, mail))
        for message in messages:
            self._mailer.send(message)

    @staticmethod
    def _split(uow: UnitOfWork, mail: Mail) -> bool:
        """Put a mail for each account in the place of one for several: each is sent, and tried again, on its own. Else
        they could take longer than the mail is hidden from others, and one that is refused would repeat those before.
        """
        if mail.kind is not MailKind.PASSWORD_RESET or mail.account_id:
            return False
        accounts = [account for account, _ in uow.accounts.confirmed(mail.address, ACCOUNTS_MAX)]
        if len(accounts) < 2:
            return False
        uow.mails.add_all([mail._replace(id=uuid5(mail.id, str(each.id)), account_id=each.id) for each in accounts])
        uow.mails.delivered([mail.id])
        return True

    def _messages(self, uow: UnitOfWork, mail: Mail) -> Iterator[MailMessage]:
        if mail.kind is MailKind.PASSWORD_RESET:
            until = uow.now() + RESET_CODE_LIFE
            for account, password_hash in uow.accounts.confirmed(mail.address, ACCOUNTS_MAX):
                if mail.account_id not in (None, account.id):
                    continue
                code = self._tokens.reset_code(account.id, password_hash, until)
                yield _message(mail, account, code=code, expires_at=until)
            return
        reader = uow.accounts.get(mail.account_id) if mail.account_id else None
        if reader is None or not reader.active or not reader.email:
            return
        if mail.kind is not MailKind.EMAIL_CONFIRMATION:
            order = uow.orders.get(mail.order_id) if mail.order_id and reader.email_confirmed else None
            if order is not None and _is_true(mail, order):
                yield _message(mail, reader, order=order)
        elif reader.email == mail.address and not reader.email_confirmed:
            until = uow.now() + CONFIRMATION_CODE_LIFE
            code = self._tokens.reset_code(reader.id, proved_by(reader), until)
            yield _message(mail, reader, code=code, expires_at=until)


def _is_true(mail: Mail, order: Order) -> bool:
    """Whether what a mail says of an order is still so: it waits while no mail can be sent."""
    return (order.status is OrderStatus.CANCELLED) == (mail.kind is MailKind.ORDER_CANCELLED)


def _message(mail: Mail, account: Account, **about: Any) -> MailMessage:
    name = account.first_name or account.username
    message_id = str(uuid5(mail.id, str(account.id)))
    return MailMessage(message_id, mail.kind, mail.at, account.email, name, account.username, **about)
