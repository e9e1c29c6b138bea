"""Messages by SMTP, to a real server that works, refuses, is slow, or is not there."""

from __future__ import annotations

import asyncio
import email
import email.policy
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from threading import Thread
from typing import Any, cast
from uuid import UUID

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

from shop_adapters.mail.smtp import Relay, SmtpMailer, sender_of
from shop_core.mail.model import MailKind, MailMessage
from shop_core.money import Money
from shop_core.orders.model import Order, OrderLine, OrderStatus
from shop_core.ports import Undelivered
from shop_testing.concurrency import TIMEOUT_S

NOW = datetime(2030, 1, 1, 12, 30, tzinfo=UTC)
SENDER = "Lamp shop <shop@example.org>"
CODE = "AZqlwBERcACAAAAAAAAAAgBpYF4Q" * 3
MESSAGE = MailMessage("4a5", MailKind.PASSWORD_RESET, NOW, "ada@example.org", "Ada", "ada", CODE, NOW)


class Handler:
    """Keeps what arrives, and answers as it is told."""

    def __init__(self) -> None:
        self.answers: dict[str, str] = {}
        self.envelopes: list[Envelope] = []

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, sender: str, options: list[str]
    ) -> str:
        envelope.mail_from, envelope.smtp_utf8 = sender, "SMTPUTF8" in options
        return self.answers.get("MAIL", "250 OK")

    async def handle_RCPT(self, server: SMTP, session: Session, envelope: Envelope, to: str, options: list[str]) -> str:  # noqa: N802
        envelope.rcpt_tos.append(to)
        return self.answers.get("RCPT", "250 OK")

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if "DATA" not in self.answers:
            self.envelopes.append(envelope)
        return self.answers.get("DATA", "250 OK")

    def message(self) -> EmailMessage:
        """The one that arrived."""
        (envelope,) = self.envelopes
        return email.message_from_bytes(cast(bytes, envelope.content), policy=email.policy.default)


@contextmanager
def _listening(handler: Handler, ssl_context: ssl.SSLContext | None = None, **options: Any) -> Iterator[int]:
    """An SMTP server: its port."""
    loop = asyncio.new_event_loop()
    made = loop.create_server(lambda: SMTP(handler, loop=loop, **options), "127.0.0.1", 0, ssl=ssl_context)
    with _running(loop, loop.run_until_complete(made)) as port:
        yield port


@contextmanager
def _running(loop: asyncio.AbstractEventLoop, server: asyncio.Server) -> Iterator[int]:
    """A server in a thread: its port."""

    async def end() -> None:
        server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        await asyncio.sleep(0)

    thread = Thread(target=loop.run_forever)
    thread.start()
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        asyncio.run_coroutine_threadsafe(end(), loop).result(TIMEOUT_S)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(TIMEOUT_S)
        loop.close()


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[Handler, int]]:
    handler = Handler()
    with _listening(handler, enable_SMTPUTF8=True) as port:
        yield handler, port


@pytest.fixture
def handler(server: tuple[Handler, int]) -> Handler:
    server[0].answers.clear()
    server[0].envelopes.clear()
    return server[0]


@pytest.fixture
def mailer(server: tuple[Handler, int]) -> SmtpMailer:
    return SmtpMailer(f"smtp://127.0.0.1:{server[1]}", SENDER)


def _order() -> Order:
    line = OrderLine(UUID(int=2), "LAMP", "Lamp <b>café</b> & " + "x" * 300, Money(1250, "EUR"), 2)
    return Order(UUID(int=1), UUID(int=3), OrderStatus.PLACED, (line,), Money(2500, "EUR"), NOW, NOW)


def _parts(message: EmailMessage) -> tuple[str, str]:
    text, html = (cast(EmailMessage, part) for part in message.iter_parts())
    assert (text.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
    return text.get_content(), html.get_content()


def test_a_code_arrives_as_text_and_html_with_headers_that_mail_programs_need(
    mailer: SmtpMailer, handler: Handler
) -> None:
    mailer.send(MESSAGE)
    message = handler.message()
    assert handler.envelopes[0].mail_from == "shop@example.org"
    assert handler.envelopes[0].rcpt_tos == ["ada@example.org"]
    assert (message["From"], message["To"], message["Auto-Submitted"]) == (SENDER, "ada@example.org", "auto-generated")
    assert message["Message-ID"] == "<4a5@example.org>"
    assert message["Date"].datetime == NOW
    for part in _parts(message):
        assert CODE in part
        assert "01 January 2030, 12:30 UTC" in part
    mailer.send(MESSAGE)
    assert b"<4a5@example.org>" in cast(bytes, handler.envelopes[1].content)


@pytest.mark.parametrize("kind", [MailKind.ORDER_PLACED, MailKind.ORDER_SHIPPED, MailKind.ORDER_CANCELLED])
def test_an_order_is_listed_whatever_is_in_its_names(mailer: SmtpMailer, handler: Handler, kind: MailKind) -> None:
    order = _order()
    mailer.send(replace(MESSAGE, kind=kind, code="", order=order, name="A\r\nBcc: mallory@example.org"))
    message = handler.message()
    text, html = _parts(message)
    assert order.number in message["Subject"]
    assert "Bcc" not in message
    assert "2 × Lamp <b>café</b> &" in text
    assert "2 × Lamp &lt;b&gt;café&lt;/b&gt; &amp;" in html
    assert "25.00 EUR" in text
    assert max(map(len, cast(bytes, handler.envelopes[0].content).split(b"\r\n"))) <= 998


@pytest.mark.parametrize(
    ("address", "to"),
    [
        pytest.param("ada@bücher.example", "ada@xn--bcher-kva.example", id="a domain"),
        pytest.param("jürgen@bücher.example", "jürgen@xn--bcher-kva.example", id="the name too"),
        pytest.param("ada@BÜCHER.Example", "ada@xn--bcher-kva.Example", id="capitals"),
        pytest.param("ada@xn--strae-oqa.example", "ada@xn--strae-oqa.example", id="a domain as it is in DNS"),
        pytest.param("o'brien+shop@example.org", "o'brien+shop@example.org", id="punctuation"),
    ],
)
def test_addresses_of_any_script_get_their_mail(mailer: SmtpMailer, handler: Handler, address: str, to: str) -> None:
    mailer.send(replace(MESSAGE, to=address))
    assert handler.envelopes[0].rcpt_tos == [to]
    assert str(handler.message()["To"]) == to


@pytest.mark.parametrize(
    "address", ["ada@example.org\r\nBcc: mallory@example.org", "a b@example.org", "<a>@example.org", "a,b@example.org"]
)
def test_an_address_cannot_add_a_header_or_a_reader(mailer: SmtpMailer, handler: Handler, address: str) -> None:
    with pytest.raises(Undelivered) as raised:
        mailer.send(replace(MESSAGE, to=address))
    assert raised.value.is_final
    assert handler.envelopes == []


@pytest.mark.parametrize(
    "domain", ["straße.example", "STRAẞE.example", "βόλος.example", "exa\u200dmple.org", "ｅxample.org"]
)
def test_nobody_gets_the_mail_of_a_domain_that_only_looks_like_theirs(
    mailer: SmtpMailer, handler: Handler, domain: str
) -> None:
    """Python would make strasse.example, βόλοσ.example and example.org of them."""
    with pytest.raises(Undelivered, match="an address like this one") as raised:
        mailer.send(replace(MESSAGE, to=f"ada@{domain}"))
    assert raised.value.is_final
    assert handler.envelopes == []


@pytest.mark.parametrize(
    ("command", "answer", "is_final"),
    [
        pytest.param("RCPT", "550 5.1.1 <ada@example.org> no such user", True, id="no such user"),
        pytest.param("RCPT", "451 4.7.1 greylisted", False, id="not now"),
        pytest.param("DATA", "554 5.7.1 spam", True, id="not this content"),
        pytest.param("DATA", "452 4.3.1 disk full", False, id="no room"),
        pytest.param("MAIL", "550 5.7.1 sender not allowed", False, id="a sender that is set wrong"),
    ],
)
def test_refusals_of_the_mail_are_final_and_all_others_are_tried_again(
    mailer: SmtpMailer, handler: Handler, command: str, answer: str, is_final: bool
) -> None:
    handler.answers[command] = answer
    with pytest.raises(Undelivered) as raised:
        mailer.send(MESSAGE)
    assert raised.value.is_final is is_final
    assert raised.value.reason.startswith(answer[:3])
    assert "ada@" not in raised.value.reason


def test_a_server_that_is_not_there_is_tried_again() -> None:
    with pytest.raises(Undelivered, match=r"127\.0\.0\.1:1") as raised:
        SmtpMailer("smtp://127.0.0.1:1", SENDER).send(MESSAGE)
    assert not raised.value.is_final


def test_a_server_that_dawdles_is_left_however_much_it_says() -> None:
    """Each byte begins the timeout of a socket anew: only the time for the whole message ends this."""
    with _dripping() as port, pytest.raises(Undelivered) as raised:
        SmtpMailer(f"smtp://127.0.0.1:{port}", SENDER, 0.3).send(MESSAGE)
    assert not raised.value.is_final


def test_a_server_without_utf8_gets_no_name_that_it_cannot_read() -> None:
    handler = Handler()
    with _listening(handler) as port, pytest.raises(Undelivered, match="no address like this") as raised:
        SmtpMailer(f"smtp://127.0.0.1:{port}", SENDER).send(replace(MESSAGE, to="jürgen@example.org"))
    assert raised.value.is_final


@pytest.mark.parametrize("way", ["starttls", "smtps"])
def test_with_tls_the_certificate_is_checked_and_the_login_is_sent(certificate: Path, way: str) -> None:
    own = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    own.load_cert_chain(certificate)
    handler, logins = Handler(), []

    def authenticate(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        logins.append((data.login, data.password))
        return AuthResult(success=data.password == b"p:w", handled=False)

    options: dict[str, Any] = {"authenticator": authenticate}
    options |= {"tls_context": own} if way == "starttls" else {"ssl_context": own, "auth_require_tls": False}
    with _listening(handler, **options) as port:
        at = f"127.0.0.1:{port}" + ("?starttls" if way == "starttls" else "")
        scheme = "smtp" if way == "starttls" else "smtps"
        with pytest.raises(Undelivered, match=r"(?i)certificate"):
            SmtpMailer(f"{scheme}://shop:p%3Aw@{at}", SENDER).send(MESSAGE)
        assert logins == []
        trusting = ssl.create_default_context(cafile=str(certificate))
        SmtpMailer(f"{scheme}://shop:p%3Aw@{at}", SENDER, tls=trusting).send(MESSAGE)
        assert (logins, len(handler.envelopes)) == ([(b"shop", b"p:w")], 1)
        with pytest.raises(Undelivered) as raised:
            SmtpMailer(f"{scheme}://shop:wrong@{at}", SENDER, tls=trusting).send(MESSAGE)
        assert not raised.value.is_final, "a setting is wrong, not the message"
        assert "wrong" not in raised.value.reason


@pytest.mark.parametrize(
    "url",
    [
        *(
            "",
            "smtp://",
            "http://host",
            "smtp://host:port",
            "smtp://host/path",
            "smtp://host?tls",
            "smtps://host?starttls",
        ),
        *("smtp://user:secret@mail.example.org", "smtp://[::1", "smtp://host#starttls"),
    ],
)
def test_a_url_that_is_none_is_refused_without_being_shown(url: str) -> None:
    with pytest.raises(ValueError, match="the URL") as raised:
        Relay.of(url)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    "text",
    ["", "shop", "shop@", "@example.org", "shop@straße.example", "Shop <shop@example.org\r\nBcc: x@example.org>"],
)
def test_a_sender_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="the sender"):
        sender_of(text)


@contextmanager
def _dripping() -> Iterator[int]:
    """A server whose greeting comes byte by byte."""

    async def drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                writer.write(b"2")
                await writer.drain()
                await asyncio.sleep(0.02)
        finally:
            writer.close()

    loop = asyncio.new_event_loop()
    made = asyncio.start_server(drip, "127.0.0.1", 0)
    with _running(loop, loop.run_until_complete(made)) as port:
        yield port


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate for 127.0.0.1 that nobody signed."""
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl to make a certificate with")
    folder = tmp_path_factory.mktemp("certificate")
    path = folder / "both.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=shop"
    san = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(path), "-out", str(folder / "certificate.pem")]
    subprocess.run([*command.split(), *san], check=True, capture_output=True)
    path.write_text(path.read_text() + (folder / "certificate.pem").read_text())
    return path
