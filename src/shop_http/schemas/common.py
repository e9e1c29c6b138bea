"""What several features need."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Generic, Literal, TypeVar
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from shop_core.inventory.model import QUANTITY_MAX

T = TypeVar("T")

# The core reads amounts and says what is wrong with one: the pattern is for the documentation only.
Amount = Annotated[str, Meta(extra_json_schema={"pattern": r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?$"})]
Percent = Annotated[str, Meta(extra_json_schema={"pattern": r"^(0|[1-9][0-9]*)(\.[0-9]{1,2})?$"})]
# Looked up or hashed as they are, so the core's rules for text never see them; PostgreSQL fails on NUL.
Credential = Annotated[str, Meta(pattern=r"^[^\x00]*$")]
Quantity = Annotated[int, Meta(ge=1, le=QUANTITY_MAX)]


class PageBody(Struct, Generic[T], kw_only=True):
    """A page of a list. `next` and `previous` are links, null at the ends; pages by cursor are not counted.

    A long list that changes all the time is not counted to its end: then `count_is_estimate` is there, and true.
    """

    count: int | UnsetType = UNSET
    count_is_estimate: bool | UnsetType = UNSET
    next: str | None
    previous: str | None
    results: tuple[T, ...]


class StatusBody(Struct, kw_only=True):
    """The state of the server."""

    status: Literal["ok"] = "ok"


THEN = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
USER_ID, CATEGORY_ID, PRODUCT_ID, ORDER_ID, MOVEMENT_ID, RESERVATION_ID, EVENT_ID, SESSION_ID = (
    UUID(f"019aa5c1-5b40-7{number}3c-9a1e-4f6d2b7c8e0{number}") for number in range(1, 9)
)
PROMOTION_ID, COUPON_ID, FAMILY_ID = (
    UUID(f"019aa5c1-5b40-7a{number}c-9a1e-4f6d2b7c8e1{number}") for number in range(1, 4)
)
