"""Messages by SMTP (RFC 5321), one connection for each."""

from __future__ import annotations

import re
import smtplib
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime, parseaddr
from threading import Timer
from typing import Any, NamedTuple, Self
from unicodedata import normalize
from urllib.parse import SplitResult, unquote, urlsplit

from shop_adapters.mail.templates import body_of
from shop_core.mail.model import MailMessage
from shop_core.ports import Undelivered

STEP_S_MAX = 10.0
TIMEOUT_S_MAX = 15.0
"""For a whole message: what `QueueService.relay` expects."""

REASON_LENGTH_MAX = 200
_PORTS = {"smtp": 587, "smtps": 465}


class Relay(NamedTuple):
    """An SMTP server and how to talk to it.

    Args:
        tls: "" none, "starttls", or "smtps": from the first byte.
    """

    host: str
    port: int
    tls: str
    user: str = ""
    password: str = ""

    @classmethod
    def of(cls, url: str) -> Relay:
        """That of a URL: `smtp://user:password@host:587?starttls`, `smtps://user:password@host`.

        Raises:
            ValueError: it is none. The message has no part of it, as that may be the password.
        """
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise ValueError("the URL must look like smtp://user:password@host:587?starttls") from None
        _check_relay(parts)
        tls = "smtps" if parts.scheme == "smtps" else parts.query
        assert parts.hostname is not None
        user, password = (unquote(text or "") for text in (parts.username, parts.password))
        if user and not tls and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
            raise ValueError("the URL must not send a password in clear: add ?starttls, or use smtps://")
        return cls(parts.hostname, port or _PORTS[parts.scheme], tls, user, password)


def _check_relay(parts: SplitResult) -> None:
    is_query = parts.query in ("", "starttls") if parts.scheme == "smtp" else not parts.query
    if parts.scheme not in _PORTS or not parts.hostname or parts.path not in ("", "/") or parts.fragment:
        raise ValueError("the URL must look like smtp://user:password@host:587?starttls or smtps://user:password@host")
    if not is_query:
        raise ValueError("the URL may end with ?starttls (smtp:// only), and with nothing else")


def sender_of(text: str) -> Address:
    """The address in `Lamp shop <shop@example.org>`, or in the address alone.

    Raises:
        ValueError: there is none.
    """
    name, address = parseaddr(text)
    try:
        found = Address(name, addr_spec=_ascii_domain(address))
    except (ValueError, IndexError, MessageError, Undelivered):
        found = Address()
    if not (found.username and found.domain and text.isprintable()):
        raise ValueError("the sender must look like Lamp shop <shop@example.org>")
    return found


class _Deadline:
    """Shuts a connection down after some seconds: the timeouts of sockets begin anew with every byte."""

    def __init__(self, timeout_s: float) -> None:
        self.timeout_s = timeout_s
        self.server: smtplib.SMTP | None = None
        self._timer = Timer(timeout_s, self._cut_off)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        if self.server is not None:
            self.server.close()

    def _cut_off(self) -> None:
        if self.server is not None and self.server.sock is not None:
            with suppress(OSError):
                self.server.sock.shutdown(socket.SHUT_RDWR)


class _Connection(smtplib.SMTP):
    """A connection to a relay, with a deadline from the start."""

    def __init__(self, relay: Relay, tls: ssl.SSLContext, deadline: _Deadline, own_name: str) -> None:
        self._is_tls = relay.tls == "smtps"
        self._context = tls
        deadline.server = self
        self.sock: socket.socket | None = None
        step_s = min(STEP_S_MAX, deadline.timeout_s)
        super().__init__(relay.host, relay.port, local_hostname=own_name, timeout=step_s)

    def connect(self, host: str = "localhost", port: int = 0, source_address: Any = None) -> tuple[int, bytes]:
        """Connect, with TLS from the first byte if the relay wants it."""
        self.sock = socket.create_connection((host, port), self.timeout)
        self.file = None
        if self._is_tls:
            wrapped = self._context.wrap_socket(self.sock, server_hostname=host, do_handshake_on_connect=False)
            self.sock = wrapped
            wrapped.do_handshake()
        return self.getreply()


class SmtpMailer:
    """Gives each message to one SMTP server. Threads may share one.

    4xx answers, and whatever happens to a connection, are tried again; so are refusals of the login or of the sender,
    which are faults of the settings: their messages must not be lost. 5xx answers to the recipient or to the content
    are final.

    Args:
        url: see `Relay.of`.
        sender: see `sender_of`; its name is the shop's.
        timeout_s: for a whole message.
        tls: which certificates to trust; those of the system by default.

    Raises:
        ValueError: an argument is wrong. The message never contains the password.
    """

    def __init__(
        self, url: str, sender: str, timeout_s: float = TIMEOUT_S_MAX, *, tls: ssl.SSLContext | None = None
    ) -> None:
        self._relay = Relay.of(url)
        self._sender = sender_of(sender)
        self._timeout_s = timeout_s
        self._tls = tls or ssl.create_default_context()

    def send(self, message: MailMessage) -> None:
        """Send it. `Message-ID` is the same each time.

        Raises:
            Undelivered
        """
        email, to = self._email(message), _ascii_domain(message.to)
        try:
            with self._session() as server:
                try:
                    server.send_message(email, str(self._sender.addr_spec), [to])
                except smtplib.SMTPNotSupportedError as unable:
                    raise Undelivered("the SMTP server takes no address like this one", is_final=True) from unable
        except smtplib.SMTPRecipientsRefused as refused:
            code, reason = next(iter(refused.recipients.values()))
            raise _undelivered(code, reason, to, can_be_final=True) from refused
        except (smtplib.SMTPAuthenticationError, smtplib.SMTPSenderRefused) as refused:
            raise _undelivered(refused.smtp_code, refused.smtp_error, to, can_be_final=False) from refused
        except smtplib.SMTPResponseException as refused:
            is_of_content = isinstance(refused, smtplib.SMTPDataError)
            raise _undelivered(refused.smtp_code, refused.smtp_error, to, can_be_final=is_of_content) from refused
        except (OSError, smtplib.SMTPException, MessageError, ValueError) as failure:
            said = " ".join(str(failure).split())[:REASON_LENGTH_MAX].replace(to, "the address")
            raise Undelivered(f"{self._relay.host}:{self._relay.port}: {said or type(failure).__name__}") from failure

    @contextmanager
    def _session(self) -> Iterator[smtplib.SMTP]:
        """A connection, logged in. It is cut off when the time for the message is over, whatever the server does."""
        relay = self._relay
        with _Deadline(self._timeout_s) as deadline:
            server = _Connection(relay, self._tls, deadline, self._sender.domain)
            if relay.tls == "starttls":
                server.starttls(context=self._tls)
            if relay.user:
                server.login(relay.user, relay.password)
            yield server
            with suppress(OSError, smtplib.SMTPException):
                server.quit()  # the message has been taken: what happens now does not matter

    def _email(self, message: MailMessage) -> EmailMessage:
        to = _ascii_domain(message.to)
        email = EmailMessage(SMTP if to.isascii() else SMTPUTF8)
        username, _, domain = to.rpartition("@")
        try:
            email["To"] = address = Address("", username, domain)
        except (ValueError, IndexError, MessageError) as wrong:
            raise _unsendable() from wrong
        if address.addr_spec != to:  # it would need quotes, which no real address has
            raise _unsendable()
        body = body_of(message, self._sender.display_name or self._sender.domain)
        email["From"] = self._sender
        email["Subject"] = body.subject
        email["Date"] = format_datetime(message.at)
        email["Message-ID"] = f"<{message.id}@{self._sender.domain}>"
        email["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office replies
        email.set_content(body.text(), cte="quoted-printable")
        email.add_alternative(body.html(), subtype="html", cte="quoted-printable")
        return email


def _undelivered(code: int, reason: bytes | str, to: str, *, can_be_final: bool) -> Undelivered:
    """What an answer means. The address is left out: reasons are shown to staff and logged."""
    text = reason.decode("utf-8", "replace") if isinstance(reason, bytes) else reason
    said = " ".join(text.replace(to, "the address").split())[:REASON_LENGTH_MAX]
    return Undelivered(f"{code} {said}", is_final=can_be_final and 500 <= code < 600)


def _unsendable() -> Undelivered:
    return Undelivered("a mail cannot be sent to an address like this one", is_final=True)


def _ascii_domain(address: str) -> str:
    """The address with its domain as DNS has it; only what stands before the @ then needs SMTPUTF8.

    Raises:
        Undelivered: it would be a domain of somebody else. Python has IDNA 2003, which makes ss of ß.
    """
    username, _, domain = address.rpartition("@")
    try:
        in_dns = domain.encode("idna").decode()
        is_same = all(label.isascii() or _is_kept_by_dns(label) for label in re.split(_DOTS, domain))
    except UnicodeError:
        return address
    if not is_same:
        raise _unsendable()
    return f"{username}@{in_dns}"


_DOTS = r"[.\u3002\uff0e\uff61]"  # IDNA 2003 takes all of these for one


def _is_kept_by_dns(label: str) -> bool:
    return label.encode("idna").decode("idna") == normalize("NFC", label).lower()
