"""Signed webhooks, as the Standard Webhooks specification 1.0.0 has them (https://www.standardwebhooks.com)."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections import deque
from collections.abc import Sequence
from http import HTTPStatus
from http.client import HTTPException, responses
from ssl import SSLContext
from urllib.parse import SplitResult, urlsplit

from shop_adapters.clock import system_clock
from shop_adapters.publishers.http_connection import Address, Deadline, Line
from shop_adapters.publishers.message import event_json
from shop_core.events import Event
from shop_core.ports import Clock, Undelivered

TIMEOUT_S_MAX = 15.0  # what `OutboxService.relay` expects of a publisher
REASON_LENGTH_MAX = 200
SECRET_BYTES_MIN, SECRET_BYTES_MAX = 24, 64  # by the specification
_PREFIX = "whsec_"


class WebhookPublisher:
    """Posts each event to one URL. Threads may share one.

    Delivered is what was answered with 2xx. After 410 Gone nothing is sent any more until the process starts again, as
    the specification asks: the letters are dead at once. Every other failure is tried again, 4xx too: a receiver that
    answers 401 or 404 for an hour because of a bad release is no reason to lose an hour of facts. Redirects are not
    followed. `Retry-After` is not looked at: the outbox waits longer with each attempt anyway.

    Args:
        url: http or https. It is the shop's own setting: do not let customers choose it, as nothing here keeps it
            from pointing inside your network.
        secret: `whsec_` and 24 to 64 bytes in base64, shared with the receiver. While it is changed, both the new and
            the old one, with a space between them: every message is signed with each.
        timeout_s: for one delivery in all, from connecting to the answer; more than 0 and at most 15.
        clock: for the time of each attempt.
        tls: which certificates to trust; those of the system by default.

    Raises:
        ValueError: one of them is not like that. The message never contains a secret.
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
        self._address = Address.of(checked_url(url), tls)
        self._receiver = f"{self._address.host}:{self._address.port}"  # the rest of a URL may be a secret
        self._timeout_s = timeout_s
        self._clock = clock
        self._idle: deque[Line] = deque()
        self._is_gone = False

    def publish(self, event: Event) -> None:
        """Post it, and wait for the answer.

        Raises:
            Undelivered: the answer was not 2xx, or there was none in time.
        """
        if self._is_gone:
            reason = f"{self._receiver} answered 410 Gone before: nothing is sent until the shop is started again"
            raise Undelivered(reason, is_final=True)
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
        except (OSError, HTTPException, UnicodeError) as error:
            raise Undelivered(_in_a_line(f"{self._receiver}: {type(error).__name__}: {error}")) from error
        self._judge(status)

    def close(self) -> None:
        """Hang up on the receiver. The next event calls again."""
        while self._idle:
            self._idle.pop().close()

    def _post(self, body: bytes, headers: dict[str, str], deadline: Deadline) -> int:
        line = self._kept()
        if line:
            try:
                return self._post_on(line, body, headers, deadline)
            except ConnectionError:
                pass  # the receiver hung up while the line was idle; if he got it all the same, he compares the id
        return self._post_on(Line(self._address, deadline), body, headers, deadline)

    def _post_on(self, line: Line, body: bytes, headers: dict[str, str], deadline: Deadline) -> int:
        is_kept = False
        try:
            status, is_kept = line.post(body, headers, deadline)
            if is_kept:
                self._idle.append(line)
            return status
        finally:
            if not is_kept:
                line.close()

    def _kept(self) -> Line | None:
        """A line that was used before and still seems to be good."""
        while self._idle:
            line = self._idle.pop()
            if line.is_quiet():
                return line
            line.close()
        return None

    def _judge(self, status: int) -> None:
        if 200 <= status < 300:
            return
        reason = f"{self._receiver} answered {status} {responses.get(status, '')}".rstrip()
        if 300 <= status < 400:
            reason += ": redirects are not followed, set the URL to where it is now"
        self._is_gone = status == HTTPStatus.GONE
        raise Undelivered(reason, is_final=self._is_gone)


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
    """The parts of a URL to which can be posted.

    Raises:
        ValueError: it is none. The message does not repeat it: it may contain a password.
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
    """It may repeat what the receiver said: a NUL in it could not even be stored."""
    printable = "".join(char if char.isprintable() else " " for char in reason)
    return " ".join(printable.split())[:REASON_LENGTH_MAX]
