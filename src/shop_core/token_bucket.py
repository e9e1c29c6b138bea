"""The arithmetic of rate limits; callers keep the state."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TokenBucket:
    """`capacity` tokens at once, and another one each `refill_s` seconds.

    In `t` seconds at most `capacity + t / refill_s` tokens are taken. All that has to be kept of a bucket is when it
    will be full (the generic cell rate algorithm).

    >>> bucket = TokenBucket(capacity=2, refill_s=30.0)
    >>> full_in_s, _ = bucket.after_taking(0.0, tokens=2)
    >>> bucket.left(full_in_s), bucket.after_taking(full_in_s)
    (0, (90.0, 30.0))
    """

    capacity: int
    refill_s: float

    def after_taking(self, full_in_s: float, tokens: int = 1) -> tuple[float, float]:
        """In how many seconds a bucket will be full after tokens were taken, if it is full in `full_in_s` without; and
        for how many seconds the first of them was not there yet, 0 if it was.
        """
        before = max(full_in_s, 0.0)
        return before + tokens * self.refill_s, max(0.0, round(before - (self.capacity - 1) * self.refill_s, 6))

    def left(self, full_in_s: float) -> int:
        """How many tokens are left."""
        return int(self.capacity - full_in_s / self.refill_s + 1e-6)
