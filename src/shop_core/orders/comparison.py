"""What differs between somebody's copy of their orders and the orders as they are, without a record of changes.

Each order has a tag, another one after every change. The owner of a copy cuts their orders into ranges by id, and sends
the first id of each range with the tags in it, combined by XOR. Where the shop combines its own tags to something else,
it names the orders of that range. Nothing is written for that, and it holds after a restore from a backup.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import NamedTuple
from uuid import UUID

from shop_core.errors import Fault, Invalid

RANGES_MAX = 2_000
TAGGED_MAX = 1_000
FIRST_ID, LAST_ID = UUID(int=0), UUID(int=2**128 - 1)


class KnownRange(NamedTuple):
    """The orders in a copy from an id on, to the next range.

    Args:
        first: the id.
        xor: of the tags of all these orders; 64 bits.
    """

    first: UUID
    xor: int


class TaggedOrder(NamedTuple):
    """An order as it is now."""

    id: UUID
    tag: int


class Span(NamedTuple):
    """Orders from one id on, up to another one that is not among them."""

    first: UUID
    end: UUID


@dataclass(frozen=True, slots=True)
class OrderCopy:
    """What is known of a copy.

    Args:
        ranges: by id. The last one has no end; before the first one, the copy has nothing.
        oldest: older orders are not in the copy, and need not be; None: all are.
        limit: how many orders to name at most; as many as a range of the copy has, or more.

    Raises:
        Invalid: the ranges are not sorted, are too many or begin before `oldest`; the limit is not in 1..1,000.
    """

    ranges: tuple[KnownRange, ...] = ()
    oldest: UUID | None = None
    limit: int = TAGGED_MAX

    def __post_init__(self) -> None:
        faults = []
        if not 1 <= self.limit <= TAGGED_MAX:
            faults.append(Fault("limit", f"must be from 1 to {TAGGED_MAX}, this is {self.limit}", "out_of_range"))
        if len(self.ranges) > RANGES_MAX:
            faults.append(Fault("ranges", f"may be {RANGES_MAX} at most, these are {len(self.ranges)}", "too_many"))
        if self.oldest and self.ranges and self.ranges[0].first < self.oldest:
            faults.append(Fault("ranges.0.first", "must not be smaller than oldest", "not_sorted"))
        for index, (one, following) in enumerate(pairwise(self.ranges), start=1):
            if one.first >= following.first:
                faults.append(Fault(f"ranges.{index}.first", "must be greater than the one before", "not_sorted"))
                break
        if faults:
            raise Invalid(*faults)

    @property
    def firsts(self) -> list[UUID]:
        """The first ids of the ranges."""
        return [each.first for each in self.ranges]

    def differing(self, sums: Sequence[int]) -> list[Span]:
        """Where copy and shop differ, newest first.

        Args:
            sums: the tags of the shop by XOR: of the orders before the first range, and of each range.
        """
        bounds = [self.oldest or FIRST_ID, *self.firsts, LAST_ID]
        known = [0, *(each.xor for each in self.ranges)]
        spans = zip(pairwise(bounds), known, sums, strict=True)
        return [Span(*span) for span, mine, theirs in spans if mine != theirs][::-1]


@dataclass(frozen=True, slots=True)
class DifferentRange:
    """All orders of a range as they are now. Others that a copy has there are gone.

    Args:
        first, end: its ids are from `first` on and before `end`.
        orders: newest first.
    """

    first: UUID
    end: UUID
    orders: tuple[TaggedOrder, ...]


@dataclass(frozen=True, slots=True)
class OrderDifferences:
    """Where a copy differs from the shop.

    Args:
        ranges: newest first; none: the copy is right.
        has_more: whether older ranges differ, too.
        at: the time of the store.
    """

    ranges: tuple[DifferentRange, ...]
    has_more: bool
    at: datetime


def differences(spans: Sequence[Span], found: Sequence[TaggedOrder], limit: int, at: datetime) -> OrderDifferences:
    """The answer to a client.

    Args:
        spans: where copy and shop differ, newest first.
        found: the orders there, newest first, one more than `limit` if there are more.
        limit: how many to name at most.
        at: the time of the store.
    """
    named, ranges, begin = found[:limit], [], 0
    has_more = len(found) > len(named)
    for first, end in spans:
        if has_more and end <= named[-1].id:
            break
        start = max(first, named[-1].id) if has_more else first
        stop = begin
        while stop < len(named) and named[stop].id >= start:
            stop += 1
        ranges.append(DifferentRange(start, end, tuple(named[begin:stop])))
        begin = stop
    return OrderDifferences(tuple(ranges), has_more, at)
