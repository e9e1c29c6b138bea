"""Lists, a piece at a time: which piece is asked for, and the links to the ones beside it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, TypeVar
from urllib.parse import parse_qsl, urlencode

from msgspec import UNSET, Meta, Struct, UnsetType

from shop_core import CursorRequest, OffsetRequest, Page
from shop_core.errors import Fault, Invalid
from shop_core.pagination import LIMIT_DEFAULT, LIMIT_MAX, OFFSET_MAX, PageRequest
from shop_http.routing import ShopRequest
from shop_http.schemas.common import PageBody

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

    def numbered(self) -> OffsetRequest:
        """The piece that is asked for.

        Raises:
            Invalid: both `page` and `offset` are given.
        """
        if self.page is UNSET:
            return OffsetRequest(self.limit, self.offset or 0)
        if self.offset is not UNSET:
            raise _exclusive("page", "offset")
        return OffsetRequest(self.limit, (self.page - 1) * self.limit)


class KeysetQuery(Struct, forbid_unknown_fields=True, kw_only=True):
    """`cursor` and `limit`."""

    limit: Limit = LIMIT_DEFAULT
    cursor: Cursor = ""

    def keyset(self) -> CursorRequest:
        """The piece that is asked for."""
        return CursorRequest(self.limit, self.cursor or None)


class ListQuery(NumberedQuery, forbid_unknown_fields=True, kw_only=True):
    """`page` and `limit`, or `limit` and `offset`, or `cursor` and `limit`."""

    cursor: Cursor | UnsetType = UNSET

    def page_request(self) -> PageRequest:
        """The piece that is asked for.

        Raises:
            Invalid: two ways of paging are mixed.
        """
        if self.cursor is UNSET:
            return self.numbered()
        for name in ("page", "offset"):
            if getattr(self, name) is not UNSET:
                raise _exclusive("cursor", name)
        return CursorRequest(self.limit, self.cursor or None)


def page_body(
    body: Callable[..., B], page: Page[T], page_request: PageRequest, render: Callable[[T], Any], request: ShopRequest
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
    if isinstance(page_request, CursorRequest):
        following = _link(request, cursor=page.cursor) if page.cursor else None
        return body(next=following, previous=None, results=results)
    count = page.count or 0
    more, fewer = page_request.offset + page_request.limit, page_request.offset - page_request.limit
    goes_on = len(results) == page_request.limit if page.count_is_estimate else more < count
    return body(
        count=count,
        count_is_estimate=page.count_is_estimate or UNSET,
        next=_at(request, page_request, more) if goes_on and more <= OFFSET_MAX else None,
        previous=_at(request, page_request, max(0, fewer)) if page_request.offset else None,
        results=results,
    )


def _at(request: ShopRequest, page_request: OffsetRequest, offset: int) -> str:
    """The link to the same list from `offset` on, counted the way in which the client counts."""
    by_offset = "offset" in dict(parse_qsl(request.query_string.decode(), keep_blank_values=True))
    return (
        _link(request, offset=str(offset)) if by_offset else _link(request, page=str(offset // page_request.limit + 1))
    )


def _link(request: ShopRequest, **changed: str) -> str:
    sent = dict(parse_qsl(request.query_string.decode(), keep_blank_values=True))
    return f"{request.address}?{urlencode(sent | changed)}"


def _exclusive(one: str, other: str) -> Invalid:
    return Invalid(Fault(other, f"cannot be combined with {one}: use one of them", "exclusive"))
