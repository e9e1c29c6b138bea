"""Units over time: how many are taken for certain, and how many may be.

A call is carried out at some instant from its start to its end, and nobody saw when. So what it takes is taken for
certain only after it was answered, and may be taken from the moment in which it was sent; what it gives back may be
free from the moment in which that was sent, and is free for certain only after the answer.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate

NEVER = 1 << 62
"""After every instant."""

_BLOCK = 256


class StepFunction:
    """A number that changes at instants. Add all changes before the first question.

    >>> steps = Steps()
    >>> steps.between(10, 20, 3)
    >>> steps.from_to(20, 30, 2)
    >>> steps.highest(0, 10), steps.highest(0, 11), steps.highest(20, 20), steps.lowest(15, 40)
    (0, 3, 2, 0)
    """

    def __init__(self) -> None:
        self._changes: defaultdict[int, int] = defaultdict(int)
        self._times: list[int] = []
        self._values: list[int] = []
        self._blocks: dict[Callable[[Sequence[int]], int], list[int]] = {}

    # Time is doubled, so that there is room for "just after" each instant.

    def between(self, start: int, end: int, units: int) -> None:
        """`units` more after `start` and before `end`."""
        if end > start and units:
            self.shift(2 * start + 1, units)
            self.shift(2 * end, -units)

    def from_to(self, start: int, end: int, units: int) -> None:
        """`units` more from `start` until `end`, both included."""
        if end >= start and units:
            self.shift(2 * start, units)
            self.shift(2 * end + 1, -units)

    def shift(self, time: int, units: int) -> None:
        """`units` more from a doubled time on."""
        self._changes[time] += units

    def highest(self, start: int, end: int) -> int:
        """The greatest value from `start` to `end`."""
        return self._over(max, start, end)

    def lowest(self, start: int, end: int) -> int:
        """The smallest value from `start` to `end`."""
        return self._over(min, start, end)

    def peak(self) -> tuple[int, int]:
        """The greatest value of all, and when it was first so."""
        self._build()
        top = max(self._values)
        return top, self._times[self._values.index(top)] // 2

    def _build(self) -> None:
        if self._times:
            return
        changes = sorted(self._changes.items())
        self._times = [-NEVER, *(time for time, _ in changes)]
        self._values = [0, *accumulate(change for _, change in changes)]
        for of in (max, min):
            self._blocks[of] = [of(self._values[at : at + _BLOCK]) for at in range(0, len(self._values), _BLOCK)]

    def _over(self, of: Callable[[Sequence[int]], int], start: int, end: int) -> int:
        self._build()
        first = bisect_right(self._times, 2 * start) - 1
        after = max(bisect_left(self._times, 2 * end + 1), first + 1)
        if after - first <= 2 * _BLOCK:
            return of(self._values[first:after])
        whole, rest = -(-first // _BLOCK), after // _BLOCK
        blocks = self._blocks[of][whole:rest]
        return of([*self._values[first : whole * _BLOCK], *blocks, *self._values[rest * _BLOCK : after]])


@dataclass(slots=True)
class Change:
    """Something brought an order to `units`: at some instant from `start` to `end` (`NEVER`: if at all)."""

    start: int
    end: int
    units: dict[str, int]


class StockBounds:
    """For each product the units that are certainly taken, and those that may be."""

    def __init__(self) -> None:
        self.certain: defaultdict[str, StepFunction] = defaultdict(StepFunction)
        self.possible: defaultdict[str, StepFunction] = defaultdict(StepFunction)

    def hold(self, units: dict[str, int], start: tuple[int, int], end: tuple[int, int]) -> None:
        """Units are taken at an instant of `start`, and given back at an instant of `end`."""
        for product, count in units.items():
            self.certain[product].between(start[1], end[0], count)
            self.possible[product].from_to(start[0], end[1], count)

    def hold_changing(self, changes: Sequence[Change], end: tuple[int, int]) -> None:
        """The same, of what is changed meanwhile; the first of `changes` made it."""
        if len(changes) == 1:
            self.hold(changes[0].units, (changes[0].start, changes[0].end), end)
            return
        products = {product for change in changes for product in change.units}
        may_be = [Change(-1, -1, {})]
        instants = [(2 * change.start, 0, at) for at, change in enumerate(changes)]
        instants += [(2 * change.end + 1, 1, at) for at, change in enumerate(changes) if change.end < NEVER]
        instants.sort()
        bounds = dict.fromkeys(products, (0, 0))
        for time, is_done, at in instants:
            if is_done:
                may_be = [one for one in may_be if one.end >= changes[at].start]
            else:
                may_be.append(changes[at])
            for product in products:
                counts = [one.units.get(product, 0) for one in may_be]
                before, bounds[product] = bounds[product], (min(counts), max(counts))
                self._move(product, time, before, bounds[product], end)

    def _move(
        self, product: str, time: int, before: tuple[int, int], now: tuple[int, int], end: tuple[int, int]
    ) -> None:
        """The bounds change at the (doubled) time, and the last of them goes at the end."""
        if now[0] != before[0] and time < 2 * end[0]:
            self.certain[product].shift(time, now[0] - before[0])
            self.certain[product].shift(2 * end[0], before[0] - now[0])
        if now[1] != before[1] and time < 2 * end[1] + 1:
            self.possible[product].shift(time, now[1] - before[1])
            self.possible[product].shift(2 * end[1] + 1, before[1] - now[1])
