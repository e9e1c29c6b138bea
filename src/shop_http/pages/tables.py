"""Lists: tables, the links between their pages, and how single values are shown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlencode

import htpy as h

from shop_core import Money, OffsetRequest, OrderStatus, Page
from shop_core.pagination import LIMIT_MAX, OFFSET_MAX
from shop_http.pages.handlers import StaffRequest

T = TypeVar("T")

NUMBER = "number"
"""The class of cells with numbers: they stand on the right."""

_STATUS = {
    OrderStatus.PLACED: ("Placed", "warm"),
    OrderStatus.CONFIRMED: ("Confirmed", "warm"),
    OrderStatus.SHIPPED: ("Shipped", "good"),
    OrderStatus.DELIVERED: ("Delivered", "good"),
    OrderStatus.CANCELLED: ("Cancelled", "bad"),
}


def table(caption: str, headings: Sequence[str | tuple[str, str]], rows: Iterable[Sequence[h.Node]]) -> h.Node:
    """A table; a line that says so if it has no rows.

    Args:
        caption: what it lists.
        headings: of the columns; with a class for its cells, such as `NUMBER`.
    """
    columns = [(heading, "") if isinstance(heading, str) else heading for heading in headings]
    body = [h.tr[(h.td(class_=css or None)[cell] for (_, css), cell in zip(columns, row, strict=True))] for row in rows]
    if not body:
        return h.p(".quiet-text")[f"{caption}: none."]
    return h.div(".scroll", role="region", aria_label=caption, tabindex="0")[
        h.table[
            h.caption[caption],
            h.thead[h.tr[(h.th(scope="col", class_=css or None)[heading] for heading, css in columns)]],
            h.tbody[body],
        ]
    ]


def all_of(page_of: Callable[[OffsetRequest], Page[T]]) -> list[T]:
    """Everything of a list, page by page."""
    found: list[T] = []
    while items := page_of(OffsetRequest(LIMIT_MAX, len(found))).items:
        found += items
    return found


def page_links(request: StaffRequest, page: Page[Any], page_request: OffsetRequest, path: str = "") -> h.Node:
    """Links to the pages before and after this one, with the same filters; `path` is that of the list, if a refused
    action shows it.
    """
    shown = len(page.items)
    after = page_request.offset + (shown if page.is_cut else page_request.limit)
    is_full = page.is_cut or shown == page_request.limit
    has_next = is_full and (page.count_is_estimate or after < (page.count or 0))
    before = max(0, page_request.offset - page_request.limit)
    if not page_request.offset and not has_next:
        return None
    return h.nav(".pages", aria_label="Pages")[
        page_request.offset > 0 and h.a(href=_link(request, before, path), rel="prev")["Previous page"],
        f"{page_request.offset + 1} to {page_request.offset + shown}",
        has_next and after <= OFFSET_MAX and h.a(href=_link(request, after, path), rel="next")["Next page"],
    ]


def _link(request: StaffRequest, offset: int, path: str) -> str:
    parameters = dict(parse_qsl(request.query_string))
    return f"/staff{path or request.path}?{urlencode(parameters | {'offset': str(offset)})}"


def status_label(status: OrderStatus) -> h.Element:
    """The status of an order, in a word and in a colour."""
    text, css = _STATUS[status]
    return h.span(class_=f"label {css}")[text]


def moment(at: datetime) -> h.Element:
    """A time, in UTC."""
    return h.time(datetime=at.isoformat())[f"{at.astimezone(UTC):%d %b %Y, %H:%M} UTC"]


def amount(money: Money) -> str:
    """An amount with its currency."""
    return f"{money} {money.currency}"
