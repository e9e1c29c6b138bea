"""What differs between a client's copy of its orders and the orders as they are."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from shop_core.orders.comparison import (
    FIRST_ID,
    LAST_ID,
    RANGES_MAX,
    TAGGED_MAX,
    DifferentRange,
    KnownRange,
    OrderCopy,
    OrderDifferences,
)
from shop_http.schemas.common import Timestamp
from shop_http.schemas.orders import OrderTag


class KnownRangeForm(Struct, forbid_unknown_fields=True, kw_only=True):
    """Orders of the copy: from the id `first` on, up to the next range. `xor` is that of all their tags."""

    first: UUID
    xor: OrderTag


class OrderChangesForm(Struct, forbid_unknown_fields=True, kw_only=True):
    """A copy of one's orders, in ranges sorted by id, of about 100 orders each. The last one has no end.

    Orders older than the id `oldest` are not compared.
    """

    ranges: Annotated[tuple[KnownRangeForm, ...], Meta(max_length=RANGES_MAX)] = ()
    oldest: UUID | UnsetType = UNSET
    limit: Annotated[
        int, Meta(ge=1, le=TAGGED_MAX, description="how many orders to name at most: no fewer than a range has")
    ] = TAGGED_MAX

    def copy(self) -> OrderCopy:
        """The same for the core.

        Raises:
            Invalid: the ranges are not sorted.
        """
        ranges = tuple(KnownRange(each.first, int(each.xor, 16)) for each in self.ranges)
        return OrderCopy(ranges, self.oldest or None, self.limit)


class TaggedOrderBody(Struct, kw_only=True):
    """An order, and its present tag."""

    id: UUID
    tag: OrderTag


class DifferentRangeBody(Struct, kw_only=True):
    """All orders from the id `first` on and before the id `end`, newest first. Others that the copy has there are gone.

    Without `first` it begins with the oldest, without `end` it ends with the newest.
    """

    first: UUID | UnsetType = UNSET
    end: UUID | UnsetType = UNSET
    orders: tuple[TaggedOrderBody, ...]

    @classmethod
    def of(cls, different: DifferentRange) -> DifferentRangeBody:
        """The schema of `different`."""
        return cls(
            first=UNSET if different.first == FIRST_ID else different.first,
            end=UNSET if different.end == LAST_ID else different.end,
            orders=tuple(TaggedOrderBody(id=each.id, tag=f"{each.tag:016x}") for each in different.orders),
        )


class OrderChangesBody(Struct, kw_only=True):
    """Where a copy differs from the orders as they are, newest first.

    Without any range, and `has_more` false, the copy is right.

    When `has_more` is true, older ranges differ, too: bring these up to date, and ask again.
    """

    changed: tuple[DifferentRangeBody, ...]
    has_more: bool
    server_now: Timestamp

    @classmethod
    def of(cls, found: OrderDifferences) -> OrderChangesBody:
        """The schema of `found`."""
        return cls(
            changed=tuple(map(DifferentRangeBody.of, found.ranges)), has_more=found.has_more, server_now=found.at
        )
