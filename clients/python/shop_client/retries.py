"""Asking again until there is an answer."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from random import Random
from uuid import uuid4

import httpx

from shop_client.generated_operations import NOT_REPEATABLE, UNKEYED
from shop_client.refusals import retry_after_s, says_nothing_was_done

API = "/api/v1"
PATIENCE_S = 60.0
PAUSE_S_MAX = 5.0
_FIRST_PAUSE_S = 0.1
_READS = frozenset({"GET", "HEAD", "OPTIONS"})

MAY_HAVE_HAPPENED = "may_have_happened"
"""An extension of requests and responses: whether an earlier try that got no answer may have done what is asked for."""

IS_WANTED = "is_wanted"
"""An extension of requests, a function: whether to send it again, after a pause."""


class NoAnswer(Exception):
    """No answer says what happened. Ask later, with the same key: what was asked for may have happened."""

    def __init__(self, request: httpx.Request, reason: str) -> None:
        self.key = request.headers.get("idempotency-key")
        key = f" (its Idempotency-Key is {self.key})" if self.key else ""
        super().__init__(f"{request.method} {request.url.path} got no answer{key}: {reason}")


class RetryingTransport(httpx.BaseTransport):
    """Sends each request until there is an answer.

    A request that changes something gets an `Idempotency-Key` before the first try, unless it has one; so it happens
    once. What takes no key is repeated only if that is harmless, such as a login.

    Args:
        inner: sends one request.
        patience_s: how long a request is repeated.
        now: a clock that never goes back, in seconds.
        sleep: waits, in seconds.
        rng: spreads the pauses, so that clients that failed together do not return together.
    """

    def __init__(
        self,
        inner: httpx.BaseTransport,
        patience_s: float = PATIENCE_S,
        *,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        rng: Random | None = None,
    ) -> None:
        self._inner, self._patience_s, self._now, self._sleep = inner, patience_s, now, sleep
        self._rng = rng or Random()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The answer: also a refusal for now, such as 429, if that is the last one and no try can have done anything.

        Whether an earlier try can have is said by its extension `MAY_HAVE_HAPPENED`, and that of the request says it of
        tries before this call. Raises NoAnswer: it is not known what happened.
        """
        request.read()
        if request.method not in _READS and not _is_one_of(UNKEYED, request):
            request.headers.setdefault("idempotency-key", str(uuid4()))
        until, pause_s = self._now() + self._patience_s, _FIRST_PAUSE_S
        may_have_happened = request.extensions.get(MAY_HAVE_HAPPENED, False)
        has_key = "idempotency-key" in request.headers
        while True:
            refusal: httpx.Response | None = None
            try:
                response = self._inner.handle_request(request)
                response.read()
            except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:  # nothing was sent
                reason = f"{type(error).__name__} {error}"
            except httpx.TransportError as error:
                reason = f"{type(error).__name__} {error}"
                if _is_one_of(NOT_REPEATABLE, request):
                    raise NoAnswer(request, reason) from error
                may_have_happened = may_have_happened or has_key
            else:
                if not _is_for_now(response.status_code):
                    response.extensions[MAY_HAVE_HAPPENED] = may_have_happened
                    return response
                reason = f"{response.status_code} {response.text[:200]}"
                pause_s = max(pause_s, retry_after_s(response.headers) or 0)
                refusal = response if says_nothing_was_done(response) else None
                if _is_one_of(NOT_REPEATABLE, request):
                    if refusal is not None:
                        return refusal
                    raise NoAnswer(request, reason)
                may_have_happened = may_have_happened or (has_key and refusal is None)
            pause = pause_s * self._rng.uniform(1, 1.25)
            if self._now() + pause <= until:
                self._sleep(pause)
                if (
                    self._now() <= until and request.extensions.get(IS_WANTED, _always)()
                ):  # a phone may have slept longer
                    pause_s = min(2 * pause_s, PAUSE_S_MAX)
                    continue
            if refusal is not None and not may_have_happened:
                return refusal
            raise NoAnswer(request, reason)

    def close(self) -> None:
        """Close the connections."""
        self._inner.close()


def _always() -> bool:
    return True


def _is_for_now(status: int) -> bool:
    """Whether the answer may be another one soon. Gateways have statuses of their own from 500 on, such as 524."""
    return status in (408, 429) or (status >= 500 and status != 501)


def _is_one_of(operations: Iterable[tuple[str, re.Pattern[str]]], request: httpx.Request) -> bool:
    path = request.url.path
    return any(request.method == method and pattern.fullmatch(path) for method, pattern in operations)
