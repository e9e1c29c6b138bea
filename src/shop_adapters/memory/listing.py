"""Cutting one piece out of a list."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from shop_adapters.listing import Listing
from shop_core.pagination import OffsetRequest, Page, PageRequest

T = TypeVar("T")


def cut(listing: Listing[T], rows: Iterable[T], page_request: PageRequest) -> Page[T]:
    """The piece of all `rows`, in the order of the listing.

    Raises:
        InvalidCursor: the listing did not give the cursor out.
    """
    keyed = [(listing.key(row), row) for row in rows]
    if not isinstance(page_request, OffsetRequest) and page_request.cursor is not None:
        start = listing.read(page_request.cursor)
        keyed = [pair for pair in keyed if (pair[0] < start if listing.descending else pair[0] > start)]
    keyed.sort(key=lambda pair: pair[0], reverse=listing.descending)
    if isinstance(page_request, OffsetRequest):
        items = tuple(row for _, row in keyed[page_request.offset : page_request.offset + page_request.limit])
        return Page(items, count=len(keyed))
    return listing.page([row for _, row in keyed[: page_request.limit + 1]], page_request.limit)
