"""Rate limits: how much one client may ask for, so that there is enough for all.

The counters here belong to one process and live in its memory: asking a database about each request would cost more
than most requests do. The guesses of an account's password, which must be counted for all processes together, are
counted in the core and its store (`shop_core.accounts.guess_limits`).
"""

from __future__ import annotations

import asyncio
import math
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Hashable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from threading import Lock
from time import monotonic
from uuid import UUID

from litestar.types import ASGIApp, Receive, Scope, Send

from shop_core.errors import CouponNotUsable, Refusal, TooMany, TooManyLines, TooManyOrders, Unavailable
from shop_core.token_bucket import TokenBucket
from shop_http.middleware import Middleware
from shop_http.problems import refused
from shop_http.requests import request_of

CLIENTS_MAX = 50_000
"""So many clients are remembered, the latest ones, in some 10 MB. A forgotten one starts with a full bucket."""


@dataclass(frozen=True, slots=True)
class Rate:
    """`count` at once, and as many again within each `per_s` seconds."""

    count: int
    per_s: int = 60

    def shared_by(self, processes: int) -> Rate:
        """The part of each process, where a request may go to any of them."""
        return Rate(math.ceil(self.count / processes), self.per_s)


COUPON_GUESSES = Rate(30)
"""Requests with a coupon that cannot be used, of one account, or of one address without a login."""


@dataclass(frozen=True, slots=True)
class RateLimits:
    """What one client may ask of this process. None: as much as it likes.

    Args:
        requests: of any kind but health checks; by account, or by address without a login.
        logins: by address: failed logins, and registrations.
        unrecognised_devices: logins and registrations at the same moment from devices that no login has succeeded from
            before. The pool of the password hashes has room for more, so that nobody else has to wait for long.
        login_wait_s: how long one more waits for its turn, before it is refused.
        orders: that one customer places.
        ordered_lines, reserved_lines: of all orders and of all reservations that one customer sends.
        coupons: requests with one that cannot be used; see `COUPON_GUESSES`.
    """

    requests: Rate | None = None
    logins: Rate | None = None
    unrecognised_devices: int | None = None
    login_wait_s: float = 1.0
    orders: Rate | None = None
    ordered_lines: Rate | None = None
    reserved_lines: Rate | None = None
    coupons: Rate | None = None


def rate_limit(rate: Rate | None) -> Middleware:
    """Counts each request before anything is done for it, and refuses what is too much with 429.

    Every response says what is allowed and how much of it is left, in the headers of
    draft-ietf-httpapi-ratelimit-headers.
    """

    def middleware(app: ASGIApp) -> ASGIApp:
        if rate is None:
            return app
        buckets = TokenBuckets(rate)
        policy = (b"ratelimit-policy", b'"client";q=%d;w=%d' % (rate.count, rate.per_s))

        async def counted(scope: Scope, receive: Receive, send: Send) -> None:
            request, respond = request_of(scope), app
            if not request.scope["path"].startswith("/health/"):
                left, seconds = buckets.take(request.rate_limit_key())
                seconds = math.ceil(seconds)
                request.response_headers += (policy, (b"ratelimit", b'"client";r=%d;t=%d' % (max(0, left), seconds)))
                if left < 0:
                    refusal = TooMany(f"You ask more often than you may: wait {seconds} seconds.", seconds)
                    respond = refused(request, refusal)
            await respond(scope, receive, send)

        return counted

    return middleware


class LoginLimiter:
    """Counts logins and registrations before they cost anything. For the thread of the event loop.

    Args:
        rate: of one address; None: as many as it likes.
        unrecognised_max: from unrecognised devices at the same moment; None: as many as come.
        wait_s: how long one more waits for a place.
    """

    def __init__(self, rate: Rate | None, unrecognised_max: int | None, wait_s: float) -> None:
        self._buckets = TokenBuckets(rate) if rate else None
        self._places = None if unrecognised_max is None else asyncio.Semaphore(unrecognised_max)
        self._wait_s = wait_s

    @asynccontextmanager
    async def login(self, client: str, *, is_recognised: bool) -> AsyncIterator[None]:
        """Around a login. One from a recognised device is let in, and one that succeeds does not count.

        Raises:
            TooMany, Unavailable: see `unrecognised_device`.
        """
        if is_recognised:
            yield
            return
        async with self.unrecognised_device(client):
            yield
        self._give_back(client)

    @asynccontextmanager
    async def unrecognised_device(self, client: str) -> AsyncIterator[None]:
        """Around a login, a registration or a reset from a device that no login has succeeded from before. One that the
        shop does not decide, as it fails or takes too long, does not count.

        Raises:
            TooMany: this client tries too often.
            Unavailable: too many try at the same moment, and none of them was done in time.
        """
        if self._buckets is not None:
            left, seconds = self._buckets.take(client)
            if left < 0:
                raise TooMany("Too many attempts from your network: wait a little.", math.ceil(seconds))
        try:
            async with self._place():
                yield
        except BaseException as error:  # also a cancelled one: only the deadline and the end of the server do that
            if isinstance(error, Unavailable) or not isinstance(error, Refusal):
                self._give_back(client)
            raise

    @asynccontextmanager
    async def _place(self) -> AsyncIterator[None]:
        """One of the places. Nobody is refused at once: those who then ask again at once would keep a core busy."""
        if self._places is None:
            yield
            return
        try:
            async with asyncio.timeout(self._wait_s):
                await self._places.acquire()
        except TimeoutError:
            raise Unavailable("Too many people log in at the moment: try again.", retry_after_s=1) from None
        try:
            yield
        finally:
            self._places.release()

    def _give_back(self, client: str) -> None:
        if self._buckets is not None:
            self._buckets.give_back(client)


class CouponLimiter:
    """Counts, by client, requests whose coupons cannot be used: codes are guessed. Quotes and edits run in threads."""

    def __init__(self, rate: Rate | None) -> None:
        self._lock = Lock()
        self._buckets = TokenBuckets(rate) if rate else None

    @contextmanager
    def guess(self, client: Hashable, codes: Sequence[str]) -> Iterator[None]:
        """Around a request with these coupons. It is counted first, and not if all of them can be used.

        Raises:
            TooMany: this client sent too many that cannot be used.
        """
        buckets = self._buckets
        if buckets is None or not codes:
            yield
            return
        with self._lock:
            left, seconds = buckets.take(client)
        if left < 0:
            raise TooMany("You sent too many coupons that cannot be used: wait a little.", math.ceil(seconds))
        is_wrong = False
        try:
            yield
        except CouponNotUsable:
            is_wrong = True
            raise
        finally:
            if not is_wrong:
                with self._lock:
                    buckets.give_back(client)


class OrderLimiter:
    """Counts the orders that each customer places, and the lines of these and of edits; or those of reservations."""

    def __init__(self, rate: Rate | None, line_rate: Rate | None) -> None:
        self._lock = Lock()  # edits are counted in other threads than orders
        self._orders = TokenBuckets(rate) if rate else None
        self._lines = TokenBuckets(line_rate) if line_rate else None

    def count_order(self, customer_id: UUID | None, lines: int) -> None:
        """A customer places an order of so many lines. Raises TooManyLines or TooManyOrders: then none is counted."""
        self.count_lines(customer_id, lines)
        with self._lock:
            left, seconds = self._orders.take(customer_id) if self._orders is not None else (0, 0.0)
        if left < 0:
            self.owe(customer_id, -lines)
            raise TooManyOrders(math.ceil(seconds))

    def count_lines(self, customer_id: UUID | None, lines: int) -> None:
        """A customer sends so many lines. Raises TooManyLines: then none is counted."""
        with self._lock:
            left, seconds = self._lines.take(customer_id, lines) if self._lines is not None else (0, 0.0)
        if left < 0:
            raise TooManyLines(math.ceil(seconds))

    def owe(self, customer_id: UUID | None, lines: int) -> None:
        """Count lines of something that was done already."""
        if self._lines is not None:
            with self._lock:
                self._lines.give_back(customer_id, -lines)


class TokenBuckets:
    """A bucket of tokens for each key: of the keys that were used last. For one thread.

    Of each, all that is kept is when it will be full: see `shop_core.token_bucket`.
    """

    def __init__(self, rate: Rate, clock: Callable[[], float] = monotonic, keys_max: int = CLIENTS_MAX) -> None:
        self._bucket = TokenBucket(rate.count, rate.per_s / rate.count)
        self._clock = clock
        self._keys_max = keys_max
        self._full_at: OrderedDict[Hashable, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._full_at)

    def take(self, key: Hashable, tokens: int = 1) -> tuple[int, float]:
        """Take tokens: how many are left, less than 0 if there was none; and in how many seconds there is one, or all
        are back. If there was one, all are taken: those that were not there are owed.
        """
        now = self._clock()
        full_in, missing_s = self._bucket.after_taking(self._full_at.get(key, now) - now, tokens)
        if missing_s:
            return -1, missing_s
        self._full_at[key] = now + full_in
        self._full_at.move_to_end(key)
        if len(self._full_at) > self._keys_max:
            self._full_at.popitem(last=False)
        return max(0, self._bucket.left(full_in)), full_in

    def give_back(self, key: Hashable, tokens: int = 1) -> None:
        """Put tokens back that were taken; less than none are owed."""
        if key in self._full_at:
            self._full_at[key] -= tokens * self._bucket.refill_s
