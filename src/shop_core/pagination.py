"""Pages of lists: by offset (any page at once) or by cursor (every item exactly once)."""

from __future__ import annotations

import base64
import hashlib
import json
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Generic, TypeVar

from shop_core.errors import Fault, Invalid, InvalidCursor

T = TypeVar("T")
U = TypeVar("U")

LIMIT_DEFAULT = 50
LIMIT_MAX = 200
OFFSET_MAX = 10_000_000
PAGE_MAX = OFFSET_MAX // LIMIT_MAX
"""The last page that a client can ask for by its number; after that they count in items."""
PAGE_LINES_MAX = 2_000
"""Lines of all orders, or of all reservations, on one page: as many as one of them may have."""

SEAL_LENGTH = 6

SortKey = tuple[str | int, ...]
"""The values an item is sorted by, the last one unique (its id, as text)."""


def _check_limit(limit: int) -> None:
    if not 1 <= limit <= LIMIT_MAX:
        raise Invalid(Fault("limit", f"must be from 1 to {LIMIT_MAX}, this is {limit}", "out_of_range"))


@dataclass(frozen=True, slots=True)
class OffsetRequest:
    """A page by position: `limit` items after the first `offset`.

    Raises:
        Invalid: `limit` is not in 1..200 or `offset` not in 0..10,000,000.
    """

    limit: int = LIMIT_DEFAULT
    offset: int = 0

    def __post_init__(self) -> None:
        _check_limit(self.limit)
        if not 0 <= self.offset <= OFFSET_MAX:
            raise Invalid(Fault("offset", f"must be from 0 to {OFFSET_MAX}, this is {self.offset}", "out_of_range"))


@dataclass(frozen=True, slots=True)
class CursorRequest:
    """A page by cursor: `limit` items after the item that `cursor` stands for; from the start without one.

    Following `Page.cursor` from page to page shows every item that stays unchanged exactly once, whatever is added,
    edited or removed in the meantime.

    Raises:
        Invalid: `limit` is not in 1..200.
    """

    limit: int = LIMIT_DEFAULT
    cursor: str | None = None

    def __post_init__(self) -> None:
        _check_limit(self.limit)


PageRequest = OffsetRequest | CursorRequest


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of a list.

    Args:
        items: fewer than asked for at the end, or if more would be too many lines: see `fitting`.
        count: of all items, counted right after these were read; None on pages by cursor.
        count_is_estimate: whether `count` is only about right.
        cursor: of the next page; None at the end, and on pages by offset.
        is_cut: whether a page by offset has fewer items than asked for because of their lines; the list goes on.
    """

    items: tuple[T, ...]
    count: int | None = None
    count_is_estimate: bool = False
    cursor: str | None = None
    is_cut: bool = False

    def map(self, change: Callable[[T], U]) -> Page[U]:
        """The same page with every item changed."""
        items = tuple(change(item) for item in self.items)
        return Page(items, self.count, self.count_is_estimate, self.cursor, self.is_cut)


def fitting(lines: Sequence[int]) -> int:
    """How many of the first items fit on a page, by how many lines each has. The first one always does."""
    sums = list(accumulate(lines))
    return max(1, bisect_right(sums, PAGE_LINES_MAX))


def cursor_page(
    listing: str, found: Sequence[T], limit: int, key: Callable[[T], SortKey], heads: int | None = None
) -> Page[T]:
    """The page of a list from the `limit + 1` items that were looked up (the extra one says that there is more).

    Args:
        heads: how many were looked up, if `found` are only those that fit on a page.
    """
    items = tuple(found[:limit])
    has_next = (heads or len(found)) > len(items)
    return Page(items, cursor=make_cursor(listing, key(items[-1])) if has_next else None)


def everything(page_at: Callable[[CursorRequest], Page[T]]) -> Iterator[T]:
    """All items of a list, read page by page."""
    cursor: str | None = None
    while True:
        page = page_at(CursorRequest(LIMIT_MAX, cursor))
        yield from page.items
        cursor = page.cursor
        if cursor is None:
            return


def make_cursor(listing: str, key: SortKey) -> str:
    """An opaque, URL-safe text that stands for the item with `key` in the list named `listing`."""
    body = json.dumps([listing, *key], separators=(",", ":"), ensure_ascii=False).encode()
    return base64.urlsafe_b64encode(_seal(body) + body).rstrip(b"=").decode()


def read_cursor(listing: str, cursor: str, types: Iterable[type]) -> SortKey:
    """The key that `make_cursor` put in.

    The seal detects accidents and tampering early. It is not secret and need not be: a cursor only says where to start,
    and every filter and permission is applied again.

    Args:
        listing: the list that asks; a cursor of another list is refused.
        cursor: what the client sent.
        types: the type of each value of the key.

    Raises:
        InvalidCursor: it is not a cursor of this list.
    """
    try:
        raw = base64.b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        said = json.loads(raw[SEAL_LENGTH:])
        key = tuple(said[1:]) if isinstance(said, list) else ()
        # False for another list, a broken seal, or the same bytes written in another way.
        good = make_cursor(listing, key) == cursor and [type(value) for value in key] == list(types)
    except (ValueError, RecursionError) as broken:  # neither Base64, nor UTF-8, nor JSON
        raise InvalidCursor from broken
    if not good:
        raise InvalidCursor
    return key


def _seal(body: bytes) -> bytes:
    return hashlib.sha256(b"shop cursor" + body).digest()[:SEAL_LENGTH]
