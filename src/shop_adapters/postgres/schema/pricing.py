"""Promotions, coupons, their uses, and tax rates."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from shop_adapters.postgres.schema.base import CodePoints, Time, metadata

promotions = Table(
    "promotions",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("version", Integer, nullable=False, comment="the newest one"),
    Column("withdrawn_at", Time),
    Index("promotions_live_idx", "id", postgresql_where=text("withdrawn_at IS NULL")),
)

promotion_versions = Table(
    "promotion_versions",
    metadata,
    Column("promotion_id", Uuid, ForeignKey("promotions.id"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("label", Text, nullable=False),
    Column("starts_at", Time),
    Column("ends_at", Time),
    Column("needs_coupon", Boolean, nullable=False),
    Column("combines", Boolean, nullable=False),
    Column("uses_max", Integer),
    Column("customer_uses_max", Integer),
    Column("terms", JSONB, nullable=False, comment="its condition and its benefit"),
    PrimaryKeyConstraint("promotion_id", "version"),
    comment="Rows are added, never changed: orders refer to the version that they were priced with.",
)

coupons = Table(
    "coupons",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("promotion_id", Uuid, ForeignKey("promotions.id"), nullable=False),
    Column("code", CodePoints, nullable=False),
    Column("created_at", Time, nullable=False),
    Column("uses_max", Integer),
    Column("customer_uses_max", Integer),
    UniqueConstraint("code"),
    Index("coupons_of_promotion_idx", "promotion_id", "id"),
)

promotion_uses = Table(
    "promotion_uses",
    metadata,
    Column("id", Uuid, primary_key=True, comment="of a promotion or of a coupon"),
    Column("uses", Integer, nullable=False),
    Column("uses_max", Integer),
    CheckConstraint("uses >= 0", name="not_below_zero"),
    CheckConstraint("uses <= uses_max", name="not_beyond_the_limit"),
    postgresql_with={"fillfactor": "50"},  # as stock_levels
    comment="How many orders use a promotion or a coupon, without those that gave it back.",
)

redemptions = Table(
    "redemptions",
    metadata,
    Column("customer_id", Uuid, nullable=False),
    Column("order_id", Uuid, nullable=False),
    Column("promotion_id", Uuid, nullable=False),
    Column("version", Integer, nullable=False),
    Column("coupon_id", Uuid),
    Column("at", Time, nullable=False),
    Column("given_back_at", Time),
    PrimaryKeyConstraint("customer_id", "order_id", "promotion_id"),
    Index("redemptions_by_promotion_idx", "promotion_id", "order_id"),
    comment="Each use of a promotion by an order.",
)

tax_rates = Table(
    "tax_rates",
    metadata,
    Column("tax_class", CodePoints, nullable=False),
    Column("valid_from", Time, nullable=False, comment="the year 1 for a rate that is valid from the beginning"),
    Column("rate", Integer, nullable=False, comment="in basis points"),
    PrimaryKeyConstraint("tax_class", "valid_from"),
    CheckConstraint("rate BETWEEN 0 AND 10000", name="rate_possible"),
)
