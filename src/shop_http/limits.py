"""How much one client may ask for, so that there is enough for all.

The limits here are of one process, in its memory: to ask a store about each request would cost more than most of them
do. What must hold for all processes together, the guesses of one account's password, is counted in the core and its
store (`shop_core.accounts.guess_limits`).
"""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import monotonic

from shop_core.errors import TooMany, TooManyOrders, Unavailable
from shop_http.client_address import Addresses

CLIENTS_MAX = 50_000
"""So many clients are remembered, those who came last; some 10 MB. One who was forgotten starts with a full bucket."""
_ROUNDING_S = 1e-6


@dataclass(frozen=True, slots=True)
class Rate:
    """`count` at once, and as many again within each `per_s` seconds."""

    count: int
    per_s: int = 60

    def shared_by(self, processes: int) -> Rate:
        """The part of each process, where requests go to any."""
        return Rate(math.ceil(self.count / processes), self.per_s)


class Buckets:
    """A bucket of so many tokens for each key, the keys that were used last. For one thread.

    As of `shop_core.accounts.guess_limits.Allowance`, all that is kept is when a bucket will be full.
    """

    def __init__(self, rate: Rate, clock: Callable[[], float] = monotonic, keys_max: int = CLIENTS_MAX) -> None:
        self.rate = rate
        self._every_s = rate.per_s / rate.count
        self._clock = clock
        self._keys_max = keys_max
        self._full_at: OrderedDict[Hashable, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._full_at)

    def take(self, key: Hashable) -> tuple[int, float]:
        """Take a token, if there is one.

        Returns:
            How many are left, less than 0 if there was none; and in how many seconds there is one, or all are back.
        """
        now = self._clock()
        full_in = max(self._full_at.get(key, now) - now, 0.0) + self._every_s
        if (wait := full_in - self.rate.per_s) > _ROUNDING_S:
            return -1, wait
        self._full_at[key] = now + full_in
        self._full_at.move_to_end(key)
        if len(self._full_at) > self._keys_max:
            self._full_at.popitem(last=False)
        return int((self.rate.per_s - full_in) / self._every_s + _ROUNDING_S), full_in

    def give_back(self, key: Hashable) -> None:
        """Put a token back that was taken."""
        if key in self._full_at:
            self._full_at[key] -= self._every_s


@dataclass(frozen=True, slots=True)
class Limits:
    """What one client may ask for of this process. None: as much as it likes.

    Args:
        requests: of any kind but those that ask how the server is; by account, or by address without a login.
        logins: by address, those with a right password not counted; and registrations.
        strangers: who may log in or register at the same moment without a device from which a login succeeded before;
            the lane of the password hashes has room for more, so that nobody else has to wait for long.
        orders: that one customer places.
        addresses: tells where requests come from.
    """

    requests: Rate | None = None
    logins: Rate | None = None
    strangers: int | None = None
    orders: Rate | None = None
    addresses: Addresses = field(default_factory=Addresses)


class Gate:
    """Where logins, registrations and orders are counted, before they cost anything. For the loop's thread."""

    def __init__(self, limits: Limits) -> None:
        self._logins = Buckets(limits.logins) if limits.logins else None
        self._strangers_max = limits.strangers
        self._strangers = 0
        self._orders = Buckets(limits.orders) if limits.orders else None

    @contextmanager
    def stranger(self, client: str) -> Iterator[None]:
        """Somebody who is not known logs in or registers.

        Raises:
            TooMany: he tries too often.
            Unavailable: so many are at it already.
        """
        if self._logins is not None:
            left, seconds = self._logins.take(client)
            if left < 0:
                raise TooMany("Too many attempts from your network: wait a little.", math.ceil(seconds))
        if self._strangers == self._strangers_max:
            raise Unavailable("Too many people log in at the moment: try again.", retry_after_s=1)
        self._strangers += 1
        try:
            yield
        finally:
            self._strangers -= 1

    def logged_in(self, client: str) -> None:
        """That attempt was a good one: it does not count."""
        if self._logins is not None:
            self._logins.give_back(client)

    def order(self, customer: Hashable) -> None:
        """A customer wants to place an order.

        Raises:
            TooManyOrders
        """
        if self._orders is not None:
            left, seconds = self._orders.take(customer)
            if left < 0:
                raise TooManyOrders(math.ceil(seconds))
