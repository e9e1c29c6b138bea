"""Pages of what has lines, orders and reservations, that never have too many lines together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, Table, and_, func, or_, select

from shop_adapters.postgres.database import Row
from shop_core.pagination import PAGE_LINES_MAX


def with_lines(
    heads: Select[Any], lines: Table, head_id: str, columns: Sequence[ColumnElement[Any]], *, is_ascending: bool = False
) -> Select[Any]:
    """The first of `heads` with their lines: as many as `shop_core.pagination.fitting` says.

    Each row also has `heads`, how many there were.

    Args:
        heads: with `customer_id` and `id`, and a limit.
        lines: numbered from 1 in `line_no`.
        head_id: the column of `lines` that names the head.
        columns: of `lines`, to be read.
        is_ascending: whether the oldest come first, instead of the newest.
    """
    found = heads.subquery("found")

    def are_of(head: Any) -> ColumnElement[bool]:
        return and_(lines.c.customer_id == head.c.customer_id, lines.c[head_id] == head.c.id)

    count = select(func.max(lines.c.line_no)).where(are_of(found)).scalar_subquery()
    by_age = found.c.id.asc() if is_ascending else found.c.id.desc()
    sums = select(
        *found.c,
        func.sum(count).over(order_by=by_age).label("lines_so_far"),
        func.row_number().over(order_by=by_age).label("place"),
        func.count().over().label("heads"),
    ).subquery("sums")
    of_page = or_(sums.c.lines_so_far <= PAGE_LINES_MAX, sums.c.place == 1)
    head = select(*(sums.c[column.name] for column in found.c), sums.c.heads).where(of_page).subquery("head")
    rows = select(*head.c, *columns).select_from(head.join(lines, are_of(head)))
    return rows.order_by(head.c.id.asc() if is_ascending else head.c.id.desc(), lines.c.line_no)


def heads_of(rows: Sequence[Row]) -> int:
    """How many heads `with_lines` looked up."""
    return rows[0].heads if rows else 0
