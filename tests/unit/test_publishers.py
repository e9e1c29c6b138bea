"""Facts arrive elsewhere in a form that stays, signed, and nobody can hold up the one who tells them."""

from __future__ import annotations

import base64
import hmac
import json
import logging
import re
import resource
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import Any
from uuid import UUID

import pytest

from receiver import OK, Receiver, Script, Talk
from shop_adapters.publishers import (
    LogPublisher,
    MemoryPublisher,
    event_body,
    event_json,
    http_connection,
)
from shop_adapters.publishers.http_connection import DRAIN_S_MAX, Deadline
from shop_adapters.publishers.webhook import TIMEOUT_S_MAX, WebhookPublisher, keys_of, signature
from shop_core import OrderEvent, OrderEventKind, OrderStatus, Role
from shop_core.events import Event as Fact
from shop_core.events import StockEvent, StockEventKind
from shop_core.money import Money
from shop_core.ports import ReceiverGone, Undelivered
from shop_testing import MovableClock, PublisherBench, PublisherContract
from shop_testing.concurrency import TIMEOUT_S

AT = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OLD_SECRET = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0+Pw=="


def id_of(number: int) -> UUID:
    return UUID(f"019aa5c0-1111-7000-8000-{number:012}")


PLACED = OrderEvent(
    id_of(1), id_of(2), id_of(3), 1, OrderEventKind.PLACED, OrderStatus.PLACED, Money(660, "EUR"), AT, id_of(2),
    Role.CUSTOMER,
)  # fmt: skip


# ---- the wire form. Others store it: these are never edited, only added to.


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (
            PLACED,
            b'{"type":"order.placed","timestamp":"2026-11-21T09:30:00Z","data":{'
            b'"id":"019aa5c0-1111-7000-8000-000000000001","format":1,'
            b'"order_id":"019aa5c0-1111-7000-8000-000000000003",'
            b'"customer_id":"019aa5c0-1111-7000-8000-000000000002","seq":1,"status":"placed","total":"6.60",'
            b'"currency":"EUR","actor_id":"019aa5c0-1111-7000-8000-000000000002","actor_role":"customer"}}',
        ),
        (
            OrderEvent(
                id_of(4), id_of(2), id_of(3), 2, OrderEventKind.EDITED, OrderStatus.PLACED, Money(1500, "JPY"),
                AT.replace(microsecond=344_522), total_before=Money(0, "JPY"),
            ),
            b'{"type":"order.edited","timestamp":"2026-11-21T09:30:00.344522Z","data":{'
            b'"id":"019aa5c0-1111-7000-8000-000000000004","format":1,'
            b'"order_id":"019aa5c0-1111-7000-8000-000000000003",'
            b'"customer_id":"019aa5c0-1111-7000-8000-000000000002","seq":2,"status":"placed","total":"1500",'
            b'"total_before":"0","currency":"JPY"}}',
        ),
        (
            PLACED._replace(kind=OrderEventKind.CANCELLED, status=OrderStatus.CANCELLED, seq=2, reason="Ordered twice"),
            b'{"type":"order.cancelled","timestamp":"2026-11-21T09:30:00Z","data":{'
            b'"id":"019aa5c0-1111-7000-8000-000000000001","format":1,'
            b'"order_id":"019aa5c0-1111-7000-8000-000000000003",'
            b'"customer_id":"019aa5c0-1111-7000-8000-000000000002","seq":2,"status":"cancelled","total":"6.60",'
            b'"currency":"EUR","actor_id":"019aa5c0-1111-7000-8000-000000000002","actor_role":"customer",'
            b'"reason":"Ordered twice"}}',
        ),
        (
            StockEvent(id_of(5), StockEventKind.RESERVATION_EXPIRED, id_of(6), AT, 7, customer_id=id_of(2)),
            b'{"type":"reservation.expired","timestamp":"2026-11-21T09:30:00Z","data":{'
            b'"id":"019aa5c0-1111-7000-8000-000000000005","format":1,'
            b'"reservation_id":"019aa5c0-1111-7000-8000-000000000006",'
            b'"customer_id":"019aa5c0-1111-7000-8000-000000000002","units":7}}',
        ),
        (
            StockEvent(id_of(7), StockEventKind.ACCOUNT_ERASED, id_of(2), AT, 0, id_of(2), id_of(2)),
            b'{"type":"account.erased","timestamp":"2026-11-21T09:30:00Z","data":{'
            b'"id":"019aa5c0-1111-7000-8000-000000000007","format":1,'
            b'"account_id":"019aa5c0-1111-7000-8000-000000000002",'
            b'"customer_id":"019aa5c0-1111-7000-8000-000000000002",'
            b'"actor_id":"019aa5c0-1111-7000-8000-000000000002"}}',
        ),
        (
            StockEvent(id_of(8), StockEventKind.STOCK_SHORT, id_of(9), AT, 3, actor_id=id_of(2)),
            b'{"type":"stock.short","timestamp":"2026-11-21T09:30:00Z","data":{'
            b'"id":"019aa5c0-1111-7000-8000-000000000008","format":1,'
            b'"product_id":"019aa5c0-1111-7000-8000-000000000009","units":3,'
            b'"actor_id":"019aa5c0-1111-7000-8000-000000000002"}}',
        ),
    ],
    ids=lambda value: value.type if not isinstance(value, bytes) else "",
)  # fmt: skip
def test_the_form_of_an_event_stays_as_it_is(event: Fact, expected: bytes) -> None:
    assert event_json(event) == expected


@pytest.mark.parametrize("kind", OrderEventKind)
def test_every_event_of_an_order_has_a_type_that_the_specification_allows(kind: OrderEventKind) -> None:
    event = OrderEvent(id_of(1), id_of(2), id_of(3), 1, kind, OrderStatus.PLACED, Money(1, "EUR"), AT)
    group, _, verb = event_body(event)["type"].partition(".")
    assert (group, verb) == ("order", kind.value)
    assert verb.replace("_", "").isalnum()


# ---- docs/events.md

PAGE = (Path(__file__).parents[2] / "docs" / "events.md").read_text()


def test_the_example_in_the_docs_is_what_is_sent() -> None:
    (example,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    assert json.loads(example) == event_body(PLACED)


def test_the_docs_name_every_type_of_event() -> None:
    named = set(re.findall(r"`((?:order|reservation|stock)\.\w+)`", PAGE))
    assert named == {f"order.{kind}" for kind in OrderEventKind} | {"reservation.expired", "stock.short"}


def test_a_receiver_that_checks_as_the_docs_say_believes_the_shop_and_nobody_else(receiver: Receiver) -> None:
    """With each of two secrets, as while the secret is changed."""
    (source,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    page: dict[str, Any] = {"base64": base64, "hmac": hmac, "time": time, "Mapping": Mapping}
    exec(source, page)
    publisher = WebhookPublisher(receiver.url, f"{SECRET} {OLD_SECRET}")
    publisher.publish(PLACED)
    publisher.close()
    (request,) = receiver.requests
    for secret in (SECRET, OLD_SECRET):
        assert page["is_genuine"](secret, request.headers, request.body)
        assert not page["is_genuine"](secret, request.headers, request.body + b" ")
        assert not page["is_genuine"](secret, request.headers | {"webhook-id": str(id_of(99))}, request.body)
        assert not page["is_genuine"](secret, request.headers | {"webhook-timestamp": "1614265330"}, request.body)
    assert not page["is_genuine"]("whsec_" + "QUFB" * 8, request.headers, request.body)


# ---- all publishers keep one contract


class Hearing(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


class TestLogPublisher(PublisherContract):
    @pytest.fixture
    def bench(self) -> PublisherBench:
        logger = logging.Logger("test")
        hearing = Hearing()
        logger.addHandler(hearing)
        return PublisherBench(LogPublisher(logger), lambda: [id_in(line) for line in hearing.lines])


class TestMemoryPublisher(PublisherContract):
    @pytest.fixture
    def bench(self) -> PublisherBench:
        publisher = MemoryPublisher()
        return PublisherBench(
            publisher,
            lambda: [event.id for event in publisher.events],
            lambda: publisher.fail(lambda event: Undelivered("on purpose")),
            publisher.recover,
        )


class TestWebhookPublisher(PublisherContract):
    @pytest.fixture
    def bench(self) -> Iterator[PublisherBench]:
        with Receiver() as receiver:
            publisher = WebhookPublisher(receiver.url, SECRET)
            well = receiver.scripts

            def fall_ill() -> None:
                receiver.scripts = [answer("500 Internal Server Error")]

            def recover() -> None:
                receiver.scripts = well

            def arrived() -> list[UUID]:
                return [id_in(request.body) for request in receiver.requests]

            yield PublisherBench(publisher, arrived, fall_ill, recover)
            publisher.close()


def id_in(body: str | bytes) -> UUID:
    return UUID(json.loads(body)["data"]["id"])


def test_the_log_has_one_line_of_json_an_event(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "shop.events"):
        LogPublisher().publish(PLACED)
    (record,) = caplog.records
    assert "\n" not in record.getMessage()
    assert json.loads(record.getMessage()) == event_body(PLACED)


def test_a_memory_publisher_can_refuse_some_events() -> None:
    publisher = MemoryPublisher()
    publisher.fail(lambda event: Undelivered("not this one", is_final=True) if event.seq == 1 else None)
    with pytest.raises(Undelivered, match="not this one") as refused:
        publisher.publish(PLACED)
    assert refused.value.is_final
    publisher.publish(StockEvent(id_of(8), StockEventKind.STOCK_SHORT, id_of(9), AT, 3))
    assert [event.id for event in publisher.events] == [id_of(8)]


# ---- signatures


@pytest.mark.parametrize(
    ("secret", "message_id", "timestamp", "body", "signed"),
    [
        # Made with the reference implementation (PyPI standardwebhooks 1.1.0): Webhook(secret).sign(...).
        (SECRET, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}',
         "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
        (SECRET, str(id_of(1)), 1795253400,
         b'{"type":"order.placed","timestamp":"2026-11-21T09:30:00Z",'
         b'"data":{"id":"019aa5c0-1111-7000-8000-000000000001"}}',
         "v1,Z1JamueyJ7+BqwvFV9jYxr4jq7u53vP13KYXaJLJldo="),
        (f"{OLD_SECRET} {SECRET}", str(id_of(1)), 1795253400,
         b'{"type":"order.placed","timestamp":"2026-11-21T09:30:00Z",'
         b'"data":{"id":"019aa5c0-1111-7000-8000-000000000001"}}',
         "v1,qUV4lX8usw/g1t6eIcW4kFou2e3K67aTBPhMlEHmlUs= v1,Z1JamueyJ7+BqwvFV9jYxr4jq7u53vP13KYXaJLJldo="),
    ],
    ids=["published vector", "an event", "two secrets"],
)  # fmt: skip
def test_a_signature_is_the_one_of_the_reference_implementation(
    secret: str, message_id: str, timestamp: int, body: bytes, signed: str
) -> None:
    assert signature(keys_of(secret), message_id, timestamp, body) == signed


# ---- a webhook, on a real server


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def publisher(receiver: Receiver) -> Iterator[WebhookPublisher]:
    publisher = WebhookPublisher(receiver.url, SECRET, clock=MovableClock(AT))
    yield publisher
    publisher.close()


@pytest.fixture
def hasty(receiver: Receiver) -> Iterator[WebhookPublisher]:
    """One that soon loses its patience."""
    publisher = WebhookPublisher(receiver.url, SECRET, timeout_s=0.3)
    yield publisher
    publisher.close()


def answer(status: str, headers: str = "", body: bytes = b"") -> Script:
    text = f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\n{headers}\r\n".encode()
    return lambda talk: talk.send(text + body)


def test_a_webhook_is_a_post_with_the_three_headers_and_the_signed_body(
    receiver: Receiver, publisher: WebhookPublisher
) -> None:
    publisher.publish(PLACED)
    (request,) = receiver.requests
    assert request.line == "POST /hooks?shop=1 HTTP/1.1"
    assert request.body == event_json(PLACED)
    sent = {name: request.headers[name] for name in ("content-type", "host", "webhook-id", "webhook-timestamp")}
    assert sent == {
        "content-type": "application/json",
        "host": f"127.0.0.1:{receiver.port}",
        "webhook-id": str(PLACED.id),
        "webhook-timestamp": str(int(AT.timestamp())),
    }
    # Computed with the reference implementation from the golden body above.
    assert request.headers["webhook-signature"] == SIGNATURE_OF_PLACED


SIGNATURE_OF_PLACED = "v1,Lgs+HmAu+11BWF9mTCjooH0x+HbAqFO9tFmhQAHnm7Q="


@pytest.mark.parametrize("status", ["200 OK", "201 Created", "202 Accepted", "204 No Content", "299 Odd"])
def test_every_2xx_is_a_delivery(receiver: Receiver, publisher: WebhookPublisher, status: str) -> None:
    receiver.scripts = [answer(status)]
    publisher.publish(PLACED)


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ("400 Nope", "answered 400 Bad Request"),
        ("401 Nope", "answered 401 Unauthorized"),
        ("404 Nope", "answered 404 Not Found"),
        ("429 Nope", "answered 429 Too Many Requests"),
        ("500 Nope", "answered 500 Internal Server Error"),
        ("503 Nope", "answered 503 Service Unavailable"),
        ("799 Nope", "answered 799"),
    ],
)
def test_any_other_answer_is_a_failure_that_is_tried_again(
    receiver: Receiver, publisher: WebhookPublisher, status: str, reason: str
) -> None:
    receiver.scripts = [answer(status)]
    with pytest.raises(Undelivered) as failure:
        publisher.publish(PLACED)
    assert failure.value.reason == f"127.0.0.1:{receiver.port} {reason}"
    assert not failure.value.is_final


def test_a_redirect_is_not_followed(receiver: Receiver, publisher: WebhookPublisher) -> None:
    receiver.scripts = [answer("307 Temporary Redirect", f"location: {receiver.url}\r\n")]
    with pytest.raises(Undelivered, match="307 Temporary Redirect: redirects are not followed") as failure:
        publisher.publish(PLACED)
    assert not failure.value.is_final
    assert len(receiver.requests) == 1


def test_after_410_gone_nothing_is_sent_any_more(receiver: Receiver, publisher: WebhookPublisher) -> None:
    receiver.scripts = [answer("410 Gone"), answer("204 No Content")]
    for _ in range(3):
        with pytest.raises(ReceiverGone, match="410 Gone"):
            publisher.publish(PLACED)
    assert len(receiver.requests) == 1


@pytest.mark.parametrize(
    "script",
    [
        lambda talk: talk.hang(),
        lambda talk: talk.drip(OK * 99),
        lambda talk: talk.drip(b"HTTP/1.1 200 OK\r\n" + b"x-slow: 1\r\n" * 99),
        lambda talk: talk.drip(b"HTTP/1.1 100 Continue\r\n\r\n" * 99, 0.001),
    ],
    ids=["hangs", "drips the status", "drips headers", "continues for ever"],
)
def test_a_receiver_that_does_not_get_to_the_point_is_left_at_the_deadline(
    receiver: Receiver, hasty: WebhookPublisher, script: Script
) -> None:
    receiver.scripts = [script]
    with pytest.raises(Undelivered, match=r"no answer of 127\.0\.0\.1:\d+ within 0\.3 seconds"):
        hasty.publish(PLACED)
    receiver.scripts = [answer("204 No Content")]
    publish_until_delivered(hasty)
    assert receiver.requests[-1].connection > 1, "the connection on which half an answer waits was used again"


def publish_until_delivered(hasty: WebhookPublisher) -> None:
    """Try again and again: on a busy machine an attempt may take longer than this publisher waits."""
    for _ in range(100):
        with suppress(Undelivered):
            return hasty.publish(PLACED)
    raise AssertionError("not delivered in 100 attempts")


def test_an_answer_counts_although_its_body_never_ends(
    receiver: Receiver, publisher: WebhookPublisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_connection, "DRAIN_S_MAX", 0.05)

    def endless(talk: Talk) -> None:
        talk.send(b"HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n")
        talk.drip(b"x" * 9999)

    receiver.scripts = [endless]
    publisher.publish(PLACED)
    receiver.scripts = [answer("204 No Content")]
    publisher.publish(PLACED)
    assert [request.connection for request in receiver.requests] == [1, 2]


def answer_and_end(talk: Talk) -> bool:
    talk.send(OK)
    return False


CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"


@pytest.mark.parametrize(
    ("scripts", "connections"),
    [
        pytest.param([answer("200 OK")], [1] * 5, id="no body"),
        pytest.param([answer("200 OK", body=b"thank you")], [1] * 5, id="a short body"),
        pytest.param([answer("200 OK", body=b"x" * 60_000)], [1] * 5, id="a long body"),
        pytest.param([lambda talk: talk.send(CHUNKED)], [1] * 3, id="a chunked body"),
        pytest.param([answer("200 OK", body=b"x" * 2_000_000), answer("200 OK")], [1, 2], id="too long to be read"),
        pytest.param([answer("200 OK", "connection: close\r\n")], [1, 2], id="is to end, and does not"),
        # Without a failed attempt, whether the end was seen before the event was sent or not.
        pytest.param([answer_and_end], list(range(1, 21)), id="ends"),
    ],
)
def test_a_connection_serves_many_events_while_it_can(
    receiver: Receiver, publisher: WebhookPublisher, scripts: list[Any], connections: list[int]
) -> None:
    receiver.scripts = scripts
    for _ in connections:
        publisher.publish(PLACED)
    assert [request.connection for request in receiver.requests] == connections


def test_a_process_with_more_than_a_thousand_open_files_publishes_too(
    receiver: Receiver, publisher: WebhookPublisher
) -> None:
    with ExitStack() as files:
        _, hard = before = resource.getrlimit(resource.RLIMIT_NOFILE)
        files.callback(resource.setrlimit, resource.RLIMIT_NOFILE, before)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4_096), hard))
        while files.enter_context(Path("/dev/null").open()).fileno() < 1_024:
            pass
        publisher.publish(PLACED)
        publisher.publish(PLACED)
        publisher.close()
    assert {request.connection for request in receiver.requests} == {1}


def test_a_receiver_that_hangs_up_on_a_kept_line_instead_of_answering_is_called_again(
    receiver: Receiver, publisher: WebhookPublisher
) -> None:
    receiver.scripts = [answer("204 No Content"), lambda talk: False, answer("204 No Content")]
    publisher.publish(PLACED)
    publisher.publish(PLACED)
    assert [request.connection for request in receiver.requests] == [1, 1, 2]
    assert {request.headers["webhook-id"] for request in receiver.requests} == {str(PLACED.id)}


def test_a_receiver_that_hangs_up_on_a_new_line_has_failed(receiver: Receiver, publisher: WebhookPublisher) -> None:
    receiver.scripts = [lambda talk: False]
    with pytest.raises(Undelivered, match="without an answer"):
        publisher.publish(PLACED)
    assert len(receiver.requests) == 1


def test_the_rest_of_an_answer_is_not_waited_for_as_long_as_the_answer() -> None:
    assert Deadline(TIMEOUT_S_MAX).or_in(DRAIN_S_MAX).left() <= DRAIN_S_MAX < TIMEOUT_S_MAX


def test_an_answer_that_was_sent_before_the_question_is_not_taken_for_one(
    receiver: Receiver, publisher: WebhookPublisher
) -> None:
    first_was_read, second_was_sent = Event(), Event()

    def answer_twice(talk: Talk) -> None:
        talk.send(OK)
        first_was_read.wait(TIMEOUT_S)
        talk.send(OK)
        second_was_sent.set()

    receiver.scripts = [answer_twice, answer("500 Internal Server Error")]
    publisher.publish(PLACED)
    first_was_read.set()
    assert second_was_sent.wait(TIMEOUT_S)
    with pytest.raises(Undelivered, match="500"):
        publisher.publish(PLACED)


@pytest.mark.parametrize(
    "said",
    [b"SSH-2.0-OpenSSH_9.6\r\n", b"\x00\xff\x00\r\n\r\n", b"HTTP/1.1 abc\r\n\r\n", b"HTTP/1.1 200" + b"x" * 70_000],
)
def test_an_answer_that_is_not_http_is_a_failure_with_a_reason_in_one_line(
    receiver: Receiver, publisher: WebhookPublisher, said: bytes
) -> None:
    def say_and_end(talk: Talk) -> bool:
        talk.send(said)
        return False

    receiver.scripts = [say_and_end]
    with pytest.raises(Undelivered) as failure:
        publisher.publish(PLACED)
    assert len(failure.value.reason) <= 200
    assert failure.value.reason.isprintable()


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "http://no.such.host.invalid/", f"http://{'x' * 64}.invalid/"])
def test_a_receiver_that_is_not_there_is_a_failure(url: str) -> None:
    with pytest.raises(Undelivered) as failure:
        WebhookPublisher(url, SECRET, timeout_s=5).publish(PLACED)
    assert not failure.value.is_final
    assert "\n" not in failure.value.reason


def test_a_handshake_that_does_not_end_is_left_at_the_deadline() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        publisher = WebhookPublisher(f"https://127.0.0.1:{silent.getsockname()[1]}/", SECRET, timeout_s=0.3)
        with pytest.raises(Undelivered, match=r"within 0\.3 seconds"):
            publisher.publish(PLACED)


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A key and a certificate for 127.0.0.1 that nobody signed."""
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl to make a certificate with")
    path = tmp_path / "both.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=shop"
    san = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(path), "-out", str(tmp_path / "certificate.pem")]
    subprocess.run([*command.split(), *san], check=True, capture_output=True, timeout=300)
    path.write_text(path.read_text() + (tmp_path / "certificate.pem").read_text())
    return path


def test_over_tls_one_connection_serves_many_events_too(certificate: Path) -> None:
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate)
    trusting = ssl.create_default_context(cafile=str(certificate))
    with Receiver(tls=server) as receiver:
        publisher = WebhookPublisher(receiver.url, SECRET, tls=trusting)
        for _ in range(5):
            publisher.publish(PLACED)
        publisher.close()
    assert len(receiver.requests) == 5
    assert receiver.requests[-1].connection <= 2, "what TLS itself says after the first handshake may end a line once"


def test_a_certificate_that_nobody_signed_is_a_failure(certificate: Path) -> None:
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate)
    with Receiver(tls=server) as receiver:
        publisher = WebhookPublisher(receiver.url, SECRET)
        with pytest.raises(Undelivered, match="CERTIFICATE_VERIFY_FAILED") as failure:
            publisher.publish(PLACED)
    assert not failure.value.is_final
    assert not receiver.requests


# ---- settings that cannot work are refused when the shop starts


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("", "must be like https://example.com/path"),
        ("example.com/hook", "must be like https://example.com/path"),
        ("ftp://example.com/", "must be like https://example.com/path"),
        ("https:///hook", "must be like https://example.com/path"),
        ("https://example.com:0/", "must be like https://example.com/path"),
        ("https://example.com:99999/", "host or its port is wrong"),
        ("https://[::1/", "host or its port is wrong"),
        ("https://example.com/a b", "printable ASCII"),
        ("https://example.com/\x7f", "printable ASCII"),
        ("https://bücher.example/", "printable ASCII"),
        ("https://user:hunter2@example.com/", "must not contain a user or a password"),
        ("https://example.com/#here", "must not have a fragment"),
    ],
)
def test_a_url_to_which_nothing_can_be_posted_is_refused(url: str, message: str) -> None:
    with pytest.raises(ValueError, match=message) as refused:
        WebhookPublisher(url, SECRET)
    assert "hunter2" not in str(refused.value)


KEY = SECRET.removeprefix("whsec_")


@pytest.mark.parametrize(
    "secret",
    [
        *("", "   ", KEY, "whsec_", "whsec_c2hvcnQ=", "whsec_" + "QUFB" * 22, f"{SECRET} nonsense"),
        *(SECRET[:-1] + end for end in ("", "*", "é")),
    ],
)
def test_a_secret_that_is_none_is_refused_and_not_repeated(secret: str) -> None:
    with pytest.raises(ValueError, match="secret") as refused:
        WebhookPublisher("https://example.com/", secret)
    key = secret.strip().removeprefix("whsec_")
    assert not key or key not in str(refused.value)
    assert "MfKQ9r8" not in str(refused.value)


@pytest.mark.parametrize("timeout_s", [0, -1, 16, float("nan"), float("inf")])
def test_a_time_limit_with_which_a_relay_cannot_work_is_refused(timeout_s: float) -> None:
    with pytest.raises(ValueError, match="at most 15 seconds"):
        WebhookPublisher("https://example.com/", SECRET, timeout_s)


def test_every_given_secret_signs(receiver: Receiver) -> None:
    publisher = WebhookPublisher(receiver.url, f" {SECRET}\n{OLD_SECRET} ", clock=MovableClock(AT))
    publisher.publish(PLACED)
    publisher.close()
    first, second = receiver.requests[0].headers["webhook-signature"].split(" ")
    assert first == SIGNATURE_OF_PLACED
    assert second.startswith("v1,")
    assert first != second


def test_tls_trusts_what_the_system_trusts() -> None:
    publisher = WebhookPublisher("https://example.com/", SECRET)
    assert publisher._endpoint.tls is not None
    assert publisher._endpoint.tls.verify_mode is ssl.CERT_REQUIRED
    assert publisher._endpoint.tls.check_hostname
