"""New ids: UUIDv7 (RFC 9562), which sort by the time they were made in.

| bits | here |
|---|---|
| 48 | milliseconds since 1970 |
| 4 | version, 7 |
| 12 | the fraction of the millisecond, in steps of 244 ns (`rand_a`; RFC 9562 section 6.2, method 3) |
| 2 | variant |
| 62 | random (`rand_b`) |

Milliseconds and fraction make one 60-bit count of steps, the stamp. If the clock stood still or went back since
the last id, the next one takes the next stamp: so the ids of one process are strictly increasing.
"""

from __future__ import annotations

import os
import struct
import time
from threading import Lock
from uuid import UUID, SafeUUID

_MS_IN_NS = 1_000_000
_STEPS_PER_MS = 1 << 12
_VERSION_AND_VARIANT = 7 << 76 | 2 << 62
_RAND_B = (1 << 62) - 1

_new, _set = object.__new__, object.__setattr__
_UNKNOWN = SafeUUID.unknown  # looking up a member of an enum takes as long as the rest of an id

# System calls for randomness cost more than the rest of an id: fetch it for many ids at once.
_BATCH = struct.Struct("256Q")


class _Uuid7:
    """Makes the ids of this process. Knows the last stamp, and randomness not used yet."""

    def __init__(self) -> None:
        self._last = 0
        self._forget()
        if hasattr(os, "register_at_fork"):  # not on Windows, which cannot fork
            os.register_at_fork(after_in_child=self._forget)

    def _forget(self) -> None:
        """Start anew with the lock free and no randomness left over.

        In the child of a fork the lock may be held by a thread that exists no more, and randomness left over
        would be used by parent and child alike.
        """
        self._lock = Lock()
        self._random: list[int] = []

    def new(self) -> UUID:
        """A new UUIDv7, greater than every one that this process made before.

        Threads and forked processes may call it. It skips the checks of `UUID.__init__`, which take longer than all the
        rest: an order needs an id for each line.
        """
        with self._lock:
            stamp = time.time_ns() * _STEPS_PER_MS // _MS_IN_NS
            if stamp <= self._last:
                stamp = self._last + 1
            self._last = stamp
            if not self._random:
                self._random.extend(_BATCH.unpack(os.urandom(_BATCH.size)))
            bits = self._random.pop()
        made = _new(UUID)
        _set(made, "int", stamp >> 12 << 80 | _VERSION_AND_VARIANT | (stamp & 0xFFF) << 64 | bits & _RAND_B)
        _set(made, "is_safe", _UNKNOWN)
        return made


uuid7 = _Uuid7().new
