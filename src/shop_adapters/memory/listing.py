"""Cutting one piece out of a list."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from shop_adapters.listing import Listing
from shop_core.pagination import OffsetRequest, Page, PageRequest, fitting

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
        found = [row for _, row in keyed[page_request.offset : page_request.offset + page_request.limit]]
        items = _fitting(listing, found)
        return Page(tuple(items), count=len(keyed), is_cut=len(items) < len(found))
    found = [row for _, row in keyed[: page_request.limit + 1]]
    return listing.page(_fitting(listing, found), page_request.limit, heads=len(found))


def _fitting(listing: Listing[T], found: list[T]) -> list[T]:
    return found if listing.lines is None else found[: fitting([listing.lines(item) for item in found])]
