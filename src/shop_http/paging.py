"""Lists, a piece at a time: which piece is asked for, and the links to the ones beside it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, TypeVar
from urllib.parse import parse_qsl, urlencode

from msgspec import UNSET, Meta, Struct, UnsetType

from shop_core import Keyset, Numbered, Page
from shop_core.errors import Fault, Invalid
from shop_core.pagination import LIMIT_DEFAULT, LIMIT_MAX, OFFSET_MAX, Piece
from shop_http.routing import ShopRequest
from shop_http.wire.common import PageBody

T = TypeVar("T")
R = TypeVar("R")
B = TypeVar("B", bound=PageBody[Any])

Limit = Annotated[int, Meta(ge=1, le=LIMIT_MAX, description="how many at most")]
Cursor = Annotated[str, Meta(description="empty to start a walk through everything; then as `next` has it")]


class NumberedQuery(Struct, forbid_unknown_fields=True, kw_only=True):
    """`page` and `limit`, or `limit` and `offset`."""

    limit: Limit = LIMIT_DEFAULT
    page: Annotated[int, Meta(ge=1, le=OFFSET_MAX // LIMIT_MAX, description="from 1")] | UnsetType = UNSET
    offset: Annotated[int, Meta(ge=0, le=OFFSET_MAX, description="how many to skip")] | UnsetType = UNSET

    def numbered(self) -> Numbered:
        """The piece that is asked for.

        Raises:
            Invalid: both `page` and `offset` are given.
        """
        if self.page is UNSET:
            return Numbered(self.limit, self.offset or 0)
        if self.offset is not UNSET:
            raise _exclusive("page", "offset")
        return Numbered(self.limit, (self.page - 1) * self.limit)


class KeysetQuery(Struct, forbid_unknown_fields=True, kw_only=True):
    """`cursor` and `limit`."""

    limit: Limit = LIMIT_DEFAULT
    cursor: Cursor = ""

    def keyset(self) -> Keyset:
        """The piece that is asked for."""
        return Keyset(self.limit, self.cursor or None)


class ListQuery(NumberedQuery, forbid_unknown_fields=True, kw_only=True):
    """`page` and `limit`, or `limit` and `offset`, or `cursor` and `limit`."""

    cursor: Cursor | UnsetType = UNSET

    def piece(self) -> Piece:
        """The piece that is asked for.

        Raises:
            Invalid: two ways of paging are mixed.
        """
        if self.cursor is UNSET:
            return self.numbered()
        for name in ("page", "offset"):
            if getattr(self, name) is not UNSET:
                raise _exclusive("cursor", name)
        return Keyset(self.limit, self.cursor or None)


def page_body(
    body: Callable[..., B], page: Page[T], piece: Piece, render: Callable[[T], Any], request: ShopRequest
) -> B:
    """`page` on the wire.

    Args:
        body: the type of page.
        page: what the core found.
        piece: what it was asked for.
        render: makes the wire form of one item.
        request: what the client asked for; the links keep its other parameters.
    """
    results = tuple(map(render, page.items))
    if isinstance(piece, Keyset):
        following = _link(request, cursor=page.cursor) if page.cursor else None
        return body(next=following, previous=None, results=results)
    count = page.count or 0
    more, fewer = piece.offset + piece.limit, piece.offset - piece.limit
    goes_on = len(results) == piece.limit if page.count_is_estimate else more < count
    return body(
        count=count,
        count_is_estimate=page.count_is_estimate or UNSET,
        next=_at(request, piece, more) if goes_on and more <= OFFSET_MAX else None,
        previous=_at(request, piece, max(0, fewer)) if piece.offset else None,
        results=results,
    )


def _at(request: ShopRequest, piece: Numbered, offset: int) -> str:
    """The link to the same list from `offset` on, counted the way in which the client counts."""
    by_offset = "offset" in dict(parse_qsl(request.query_string.decode(), keep_blank_values=True))
    return _link(request, offset=str(offset)) if by_offset else _link(request, page=str(offset // piece.limit + 1))


def _link(request: ShopRequest, **changed: str) -> str:
    sent = dict(parse_qsl(request.query_string.decode(), keep_blank_values=True))
    return f"{request.address}?{urlencode(sent | changed)}"


def _exclusive(one: str, other: str) -> Invalid:
    return Invalid(Fault(other, f"cannot be combined with {one}: use one of them", "exclusive"))
