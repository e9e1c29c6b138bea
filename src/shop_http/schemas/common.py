"""What several features need."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Annotated, Generic, Literal, TypeVar
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from shop_core.errors import Invalid, Shortage
from shop_core.inventory.model import QUANTITY_MAX

T = TypeVar("T")

# The core reads amounts and says what is wrong with one: the pattern is for the documentation only.
Amount = Annotated[str, Meta(extra_json_schema={"pattern": r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?$"})]
Percent = Annotated[str, Meta(extra_json_schema={"pattern": r"^(0|[1-9][0-9]*)(\.[0-9]{1,2})?$"})]
# Looked up or hashed as they are, so the core's rules for text never see them; PostgreSQL fails on NUL.
Credential = Annotated[str, Meta(pattern=r"^[^\x00]*$")]
Timestamp = Annotated[datetime, Meta(tz=True)]
Address = Annotated[str, Meta(extra_json_schema={"format": "uri"})]
Link = Annotated[str, Meta(extra_json_schema={"format": "uri-reference"})]
Quantity = Annotated[int, Meta(ge=1, le=QUANTITY_MAX)]


def named(path: str, make: Callable[[], T]) -> T:
    """What `make` makes of a part of a body; its faults are named by the path of the part.

    Raises:
        Invalid: as `make` does.
    """
    try:
        return make()
    except Invalid as refusal:
        raise Invalid(*(replace(fault, field=f"{path}.{fault.field}") for fault in refusal.faults)) from None


class PageBody(Struct, Generic[T], kw_only=True):
    """A page of a list. `next` and `previous` are links, null at the ends; pages by cursor are not counted.

    `next_cursor` is the cursor in `next`, for clients that make their own links.

    A long list that changes all the time is not counted to its end: then `count_is_estimate` is there, and true.
    """

    count: int | UnsetType = UNSET
    count_is_estimate: bool | UnsetType = UNSET
    next: Link | None
    next_cursor: str | UnsetType = UNSET
    previous: Link | None
    results: tuple[T, ...]


class ShortageBody(Struct, kw_only=True):
    """A product of which fewer units are available than were requested."""

    product_id: UUID
    requested: int
    available: int
    sku: str
    product_name: str

    @classmethod
    def of(cls, short: Shortage) -> ShortageBody:
        """The schema of `short`."""
        return cls(
            product_id=short.product_id,
            requested=short.requested,
            available=short.available,
            sku=short.sku,
            product_name=short.name,
        )


class StatusBody(Struct, kw_only=True):
    """The state of the server."""

    status: Literal["ok"] = "ok"
