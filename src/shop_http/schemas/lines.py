"""Lines that somebody wants, on the wire: of an order or of a reservation."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated
from uuid import UUID

from msgspec import Meta, Struct

from shop_core import LineRequest
from shop_core.inventory.model import LINES_MAX
from shop_http.schemas.common import Quantity


class LineForm(Struct, forbid_unknown_fields=True, kw_only=True):
    """So many units of a product, wanted."""

    product_id: UUID
    quantity: Quantity


LineForms = Annotated[tuple[LineForm, ...], Meta(min_length=1, max_length=LINES_MAX)]


def line_requests(lines: Iterable[LineForm]) -> tuple[LineRequest, ...]:
    """The lines for the core."""
    return tuple(LineRequest(line.product_id, line.quantity) for line in lines)
