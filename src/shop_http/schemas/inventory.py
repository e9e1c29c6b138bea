"""Stock levels and movements."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from msgspec import UNSET, Meta, Struct, UnsetType

from shop_core import MovementKind, StockLevel, StockMovement
from shop_core.inventory.model import QUANTITY_MAX
from shop_http.schemas.common import PageBody, Timestamp


class StockChangeKind(StrEnum):
    """Why the units on hand change: a delivery, or what a count found or missed."""

    RECEIVED = "received"
    ADJUSTED = "adjusted"


class StockChangeForm(Struct, forbid_unknown_fields=True, kw_only=True):
    """Units that came in, or that a count found (positive) or missed (negative)."""

    kind: StockChangeKind
    quantity: Annotated[int, Meta(ge=-QUANTITY_MAX, le=QUANTITY_MAX)]
    reason: str


class LowStockForm(Struct, forbid_unknown_fields=True, kw_only=True):
    """Below how many units that can be sold a product counts as low; null: never."""

    low_stock_level: Annotated[int, Meta(ge=1, le=QUANTITY_MAX)] | None


class StockLevelBody(Struct, kw_only=True):
    """The counters of a product, in units: available = on hand - allocated - reserved, never below 0.

    If fewer than `low_stock_level` are available, `/products/low-stock` lists the product.
    """

    product_id: UUID
    on_hand: int
    allocated: int
    reserved: int
    shortfall: int
    available: int
    low_stock_level: int | UnsetType = UNSET

    @classmethod
    def of(cls, level: StockLevel, low_stock_level: int | None = None) -> StockLevelBody:
        """The schema of `level`."""
        return cls(
            product_id=level.product_id,
            on_hand=level.on_hand,
            allocated=level.allocated,
            reserved=level.reserved,
            shortfall=level.shortfall,
            available=level.available,
            low_stock_level=low_stock_level or UNSET,
        )


class StockMovementBody(Struct, kw_only=True):
    """A line of the stock ledger.

    `actor_id` is the account that caused it, `order_id` and `reservation_id` say what it was for; each only if there
    is one.
    """

    id: UUID
    kind: MovementKind
    quantity: int
    at: Timestamp
    reason: str
    actor_id: UUID | UnsetType = UNSET
    order_id: UUID | UnsetType = UNSET
    reservation_id: UUID | UnsetType = UNSET

    @classmethod
    def of(cls, movement: StockMovement) -> StockMovementBody:
        """The schema of `movement`."""
        return cls(
            id=movement.id,
            kind=movement.kind,
            quantity=movement.quantity,
            at=movement.at,
            reason=movement.reason,
            actor_id=movement.actor_id or UNSET,
            order_id=movement.order_id or UNSET,
            reservation_id=movement.reservation_id or UNSET,
        )


class StockMovementPage(PageBody[StockMovementBody], kw_only=True):
    """A page of a product's stock ledger."""
