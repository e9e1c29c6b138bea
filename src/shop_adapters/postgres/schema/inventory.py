"""Stock, its ledger, and what holds it."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    Uuid,
    text,
)

from shop_adapters.postgres.schema.base import Time, metadata, one_of
from shop_core.events import StockEventKind
from shop_core.inventory.model import ON_HAND_MAX, QUANTITY_MAX, MovementKind
from shop_core.reservations.model import ReservationState

stock_levels = Table(
    "stock_levels",
    metadata,
    Column("product_id", Uuid, ForeignKey("products.id", ondelete="CASCADE"), primary_key=True),
    Column("on_hand", Integer, nullable=False),
    Column("allocated", Integer, nullable=False),
    Column("reserved", Integer, nullable=False),
    Column("shortfall", Integer, nullable=False),
    Column("low_stock_level", Integer, comment="fewer that can be sold are low; null: nobody is told"),
    CheckConstraint("on_hand >= 0 AND allocated >= 0 AND reserved >= 0 AND shortfall >= 0", name="not_below_zero"),
    # bigint: the sum of two counters must not overflow before it is compared
    CheckConstraint("allocated::bigint + reserved <= on_hand::bigint + shortfall", name="not_oversold"),
    CheckConstraint(f"on_hand <= {ON_HAND_MAX}", name="on_hand_countable"),
    Index("stock_levels_watched_idx", "product_id", postgresql_where=text("low_stock_level IS NOT NULL")),
    # Room on each page, so that a counter changes in place (HOT) and no index is touched.
    postgresql_with={"fillfactor": "50"},
)

stock_movements = Table(
    "stock_movements",
    metadata,
    Column("product_id", Uuid, nullable=False),
    Column("id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("at", Time, nullable=False),
    Column("actor_id", Uuid),
    Column("order_id", Uuid),
    Column("reason", Text, nullable=False),
    Column("reservation_id", Uuid),
    PrimaryKeyConstraint("product_id", "id"),
    one_of("kind", MovementKind),
    CheckConstraint(
        f"quantity BETWEEN -{QUANTITY_MAX} AND {QUANTITY_MAX}"
        f" AND (quantity > 0 OR quantity < 0 AND kind = '{MovementKind.ADJUSTED}')",
        name="quantity_signed",
    ),
)

stock_events = Table(
    "stock_events",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("subject_id", Uuid, nullable=False),
    Column("at", Time, nullable=False),
    Column("units", BigInteger, nullable=False),
    Column("customer_id", Uuid),
    Column("actor_id", Uuid),
    Column("format", SmallInteger, nullable=False),
    one_of("kind", StockEventKind),
    comment="Facts that no order tells, about stock and accounts; rows are added, never changed.",
)

reservations = Table(
    "reservations",
    metadata,
    Column("customer_id", Uuid, nullable=False),
    Column("id", Uuid, nullable=False, index=True),
    Column("state", Text, nullable=False),
    Column("created_at", Time, nullable=False),
    Column("expires_at", Time, nullable=False),
    Column("order_id", Uuid),
    PrimaryKeyConstraint("customer_id", "id"),
    one_of("state", ReservationState),
    CheckConstraint("(state = 'confirmed') = (order_id IS NOT NULL)", name="confirmed_by_an_order"),
    Index("reservations_due_idx", "expires_at", postgresql_where=text("state = 'active'")),
    Index("reservations_active_idx", "customer_id", postgresql_where=text("state = 'active'")),
    comment="Who changes a row has locked the stock of all its products.",
)

reservation_lines = Table(
    "reservation_lines",
    metadata,
    Column("customer_id", Uuid, nullable=False),
    Column("reservation_id", Uuid, nullable=False),
    Column("line_no", SmallInteger, nullable=False),
    Column("product_id", Uuid, nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("is_held", Boolean, nullable=False),
    Column("expires_at", Time, nullable=False, comment="a copy of its reservation's, to be found by"),
    PrimaryKeyConstraint("customer_id", "reservation_id", "line_no"),
    ForeignKeyConstraint(
        ["customer_id", "reservation_id"],
        ["reservations.customer_id", "reservations.id"],
        name="reservation_lines_reservation_fkey",
    ),
    CheckConstraint(f"quantity BETWEEN 1 AND {QUANTITY_MAX}", name="quantity_possible"),
    Index("reservation_lines_held_idx", "product_id", "expires_at", postgresql_where=text("is_held")),
)

holders = Table(
    "holders",
    metadata,
    Column("customer_id", Uuid, primary_key=True),
    comment="One row for each customer who ever reserved, locked while their reservations are counted.",
)
