"""Signed webhooks, as the Standard Webhooks specification 1.0.0 has them (https://www.standardwebhooks.com)."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from http import HTTPStatus
from ssl import SSLContext
from urllib.parse import SplitResult, urlsplit

import h11

from shop_adapters.clock import system_clock
from shop_adapters.publishers.http_connection import Connection, Deadline, Endpoint
from shop_adapters.publishers.message import event_json
from shop_core.events import Event
from shop_core.ports import Clock, ReceiverGone, Undelivered

TIMEOUT_S_MAX = 15.0  # what `OutboxService.relay` expects of a publisher
REASON_LENGTH_MAX = 200
SECRET_BYTES_MIN, SECRET_BYTES_MAX = 24, 64  # by the specification
_PREFIX = "whsec_"


class WebhookPublisher:
    """Posts each event to one URL. Threads may share one. Needs the extra `webhook`.

    A 2xx answer is a delivery. After 410 Gone nothing is sent until the process is started again, as the
    specification asks: messages wait. All other failures are tried again, also 4xx, as a bad release may answer 401
    or 404: after 12 attempts, in about 35 minutes, the message is dead, and `shop outbox resend` sends it again.
    Redirects are not followed. `Retry-After` is ignored: the outbox waits longer after each attempt anyway.

    Args:
        url: http or https. It is the shop's own setting: do not let customers choose it, since nothing here prevents
            it from pointing inside your network.
        secret: `whsec_` and 24 to 64 bytes in base64, shared with the receiver. While you change it, give the new and
            the old one with a space between them: every message is signed with each.
        timeout_s: for a whole delivery, from connecting to the answer; more than 0 and at most 15.
        clock: for the time of each attempt.
        tls: which certificates to trust; those of the system by default.

    Raises:
        ValueError: an argument is wrong. The message never contains a secret.
    """

    def __init__(
        self,
        url: str,
        secret: str,
        timeout_s: float = 10.0,
        *,
        clock: Clock = system_clock,
        tls: SSLContext | None = None,
    ) -> None:
        if not 0 < timeout_s <= TIMEOUT_S_MAX:
            raise ValueError(f"a webhook may take more than 0 and at most {TIMEOUT_S_MAX:g} seconds, not {timeout_s}")
        self._keys = keys_of(secret)
        self._endpoint = Endpoint.of(checked_url(url), tls)
        self._receiver = f"{self._endpoint.host}:{self._endpoint.port}"  # the rest of a URL may be a secret
        self._timeout_s = timeout_s
        self._clock = clock
        self._idle: deque[Connection] = deque()
        self._is_gone = False

    def publish(self, event: Event) -> None:
        """Post it, and wait for the answer.

        Raises:
            Undelivered: the answer was not 2xx, or there was none in time.
            ReceiverGone: it was 410, to this event or to an earlier one.
        """
        if self._is_gone:
            raise self._gone()
        body = event_json(event)
        timestamp = int(self._clock().timestamp())
        headers = {
            "content-type": "application/json",
            "user-agent": "shop",
            "webhook-id": str(event.id),
            "webhook-timestamp": str(timestamp),
            "webhook-signature": signature(self._keys, str(event.id), timestamp, body),
        }
        try:
            status = self._post(body, headers, Deadline(self._timeout_s))
        except TimeoutError:
            raise Undelivered(f"no answer of {self._receiver} within {self._timeout_s:g} seconds") from None
        except (OSError, h11.ProtocolError, UnicodeError) as error:
            raise Undelivered(_in_a_line(f"{self._receiver}: {type(error).__name__}: {error}")) from error
        self._judge(status)

    def close(self) -> None:
        """Close the idle connections. The next event opens a new one."""
        while self._idle:
            self._idle.pop().close()

    def _post(self, body: bytes, headers: dict[str, str], deadline: Deadline) -> int:
        connection = self._kept()
        if connection:
            try:
                return self._post_on(connection, body, headers, deadline)
            except ConnectionError:
                pass  # closed while it was idle; if the receiver got the message all the same, it compares the id
        return self._post_on(Connection(self._endpoint, deadline), body, headers, deadline)

    def _post_on(self, connection: Connection, body: bytes, headers: dict[str, str], deadline: Deadline) -> int:
        is_kept = False
        try:
            status, is_kept = connection.post(body, headers, deadline)
            if is_kept:
                self._idle.append(connection)
            return status
        finally:
            if not is_kept:
                connection.close()

    def _kept(self) -> Connection | None:
        """A connection that was used before and still seems to be open."""
        while self._idle:
            connection = self._idle.pop()
            if connection.is_quiet():
                return connection
            connection.close()
        return None

    def _judge(self, status: int) -> None:
        if 200 <= status < 300:
            return
        reason = f"{self._receiver} answered {status}"
        with suppress(ValueError):
            reason += f" {HTTPStatus(status).phrase}"
        if 300 <= status < 400:
            reason += ": redirects are not followed, set the URL to where it is now"
        if status == HTTPStatus.GONE:
            self._is_gone = True
            raise self._gone()
        raise Undelivered(reason)

    def _gone(self) -> ReceiverGone:
        return ReceiverGone(f"{self._receiver} answered 410 Gone: nothing is sent until the shop is started again")


def signature(keys: Sequence[bytes], message_id: str, timestamp: int, body: bytes) -> str:
    """The header `webhook-signature`: `v1,` and the HMAC-SHA256 in base64, with each key, spaces between them.

    Args:
        keys: the bytes that the secrets stand for.
        message_id: without a full stop, which separates what is signed.
        timestamp: of the attempt, in seconds since 1970.
        body: exactly as it is sent.
    """
    signed = f"{message_id}.{timestamp}.".encode() + body
    return " ".join(f"v1,{base64.b64encode(hmac.digest(key, signed, 'sha256')).decode()}" for key in keys)


def keys_of(secret: str) -> tuple[bytes, ...]:
    """The keys of one or more secrets with spaces between them.

    Raises:
        ValueError: there is none, or one is not `whsec_` and 24 to 64 bytes in base64.
    """
    keys = []
    for number, text in enumerate(secret.split(), 1):
        try:
            key = base64.b64decode(text.removeprefix(_PREFIX).encode(), validate=True)
        except (binascii.Error, UnicodeEncodeError):
            key = b""
        if not text.startswith(_PREFIX) or not SECRET_BYTES_MIN <= len(key) <= SECRET_BYTES_MAX:
            size = f"{SECRET_BYTES_MIN} to {SECRET_BYTES_MAX}"
            raise ValueError(f"webhook secret {number} must be {_PREFIX!r} followed by {size} random bytes in base64")
        keys.append(key)
    if not keys:
        raise ValueError(f"a webhook needs a secret: {_PREFIX!r} followed by random bytes in base64")
    return tuple(keys)


def checked_url(url: str) -> SplitResult:
    """The parts of a URL, after it was checked that webhooks can be posted to it.

    Raises:
        ValueError: they cannot. The message does not repeat the URL: it may contain a password.
    """
    try:
        parts = urlsplit(url)
        is_whole = bool(parts.hostname) and parts.port != 0
    except ValueError:
        raise ValueError("the webhook URL is not a URL: its host or its port is wrong") from None
    if parts.scheme not in ("http", "https") or not is_whole:
        raise ValueError("the webhook URL must be like https://example.com/path, with http or https and a host")
    if not url.isascii() or not url.isprintable() or " " in url:
        raise ValueError("the webhook URL must be printable ASCII without spaces: encode all else (%20, xn--)")
    if parts.username is not None or parts.password is not None:
        raise ValueError("the webhook URL must not contain a user or a password: messages are signed instead")
    if parts.fragment:
        raise ValueError("the webhook URL must not have a fragment (#...): it is never sent")
    return parts


def _in_a_line(reason: str) -> str:
    """A reason may repeat what the receiver sent: a NUL in it could not even be stored."""
    printable = "".join(char if char.isprintable() else " " for char in reason)
    return " ".join(printable.split())[:REASON_LENGTH_MAX]
