"""The arithmetic of rate limits; callers keep the state."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TokenBucket:
    """`capacity` tokens at once, and another one each `refill_s` seconds.

    In `t` seconds at most `capacity + t / refill_s` tokens are taken. All that has to be kept of a bucket is when it
    will be full (the generic cell rate algorithm).

    >>> bucket = TokenBucket(capacity=2, refill_s=30.0)
    >>> full_in_s = bucket.after_taking(bucket.after_taking(0.0))
    >>> bucket.left(full_in_s), bucket.missing_s(bucket.after_taking(full_in_s))
    (0, 30.0)
    """

    capacity: int
    refill_s: float

    def after_taking(self, full_in_s: float) -> float:
        """In how many seconds a bucket will be full after a token was taken, if it is full in `full_in_s` without."""
        return max(full_in_s, 0.0) + self.refill_s

    def missing_s(self, full_in_s: float) -> float:
        """For how many seconds a token that was taken was not there yet; 0 if it was."""
        return max(0.0, round(full_in_s - self.capacity * self.refill_s, 6))

    def left(self, full_in_s: float) -> int:
        """How many tokens are left."""
        return int(self.capacity - full_in_s / self.refill_s + 1e-6)
