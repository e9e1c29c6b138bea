"""Families of products, promotions, coupons, their uses, tax rates, and what of it orders keep

Everything is new or has a default, so that the version before goes on working. Orders that are there already have no
discounts and no taxes, and keep their totals.

Revision ID: 0011
Revises: 0010
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011"
down_revision = "0010"

_TIME = sa.DateTime(timezone=True)


def upgrade() -> None:
    _create_families()
    _create_promotions()
    _create_uses()
    op.create_table(
        "tax_rates",
        sa.Column("tax_class", sa.Text(collation="C"), nullable=False),
        sa.Column(
            "valid_from", _TIME, nullable=False, comment="the year 1 for a rate that is valid from the beginning"
        ),
        sa.Column("rate", sa.Integer(), nullable=False, comment="in basis points"),
        sa.CheckConstraint("rate BETWEEN 0 AND 10000", name=op.f("tax_rates_rate_possible")),
        sa.PrimaryKeyConstraint("tax_class", "valid_from", name=op.f("tax_rates_pkey")),
    )
    _widen_orders()


def _create_families() -> None:
    op.create_table(
        "families",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("option_names", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("families_pkey")),
        comment="What belongs together, such as a shirt in its colours; the products are what is sold.",
    )
    options = postgresql.JSONB()
    op.add_column("products", sa.Column("family_id", sa.Uuid(), nullable=True))
    op.add_column(
        "products",
        sa.Column("options", options, nullable=True, comment="what tells it apart in its family, by name"),
    )
    op.add_column("products", sa.Column("tax_class", sa.Text(), nullable=False, server_default="standard"))
    op.create_foreign_key(op.f("products_family_id_fkey"), "products", "families", ["family_id"], ["id"])
    op.create_index(
        "products_of_family_idx",
        "products",
        ["family_id", "options"],
        unique=True,
        postgresql_where=sa.text("family_id IS NOT NULL AND archived_at IS NULL"),
    )


def _create_promotions() -> None:
    op.create_table(
        "promotions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False, comment="the newest one"),
        sa.Column("withdrawn_at", _TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("promotions_pkey")),
    )
    op.create_index(
        "promotions_live_idx", "promotions", ["id"], unique=False, postgresql_where=sa.text("withdrawn_at IS NULL")
    )
    op.create_table(
        "promotion_versions",
        sa.Column("promotion_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("starts_at", _TIME, nullable=True),
        sa.Column("ends_at", _TIME, nullable=True),
        sa.Column("needs_coupon", sa.Boolean(), nullable=False),
        sa.Column("combines", sa.Boolean(), nullable=False),
        sa.Column("uses_max", sa.Integer(), nullable=True),
        sa.Column("customer_uses_max", sa.Integer(), nullable=True),
        sa.Column("terms", postgresql.JSONB(), nullable=False, comment="its condition and its benefit"),
        sa.ForeignKeyConstraint(["promotion_id"], ["promotions.id"], name=op.f("promotion_versions_promotion_id_fkey")),
        sa.PrimaryKeyConstraint("promotion_id", "version", name=op.f("promotion_versions_pkey")),
        comment="Rows are added, never changed: orders refer to the version that they were priced with.",
    )
    op.create_table(
        "coupons",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("promotion_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(collation="C"), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("uses_max", sa.Integer(), nullable=True),
        sa.Column("customer_uses_max", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["promotion_id"], ["promotions.id"], name=op.f("coupons_promotion_id_fkey")),
        sa.PrimaryKeyConstraint("id", name=op.f("coupons_pkey")),
        sa.UniqueConstraint("code", name=op.f("coupons_code_key")),
    )
    op.create_index("coupons_of_promotion_idx", "coupons", ["promotion_id", "id"], unique=False)


def _create_uses() -> None:
    op.create_table(
        "promotion_uses",
        sa.Column("id", sa.Uuid(), nullable=False, comment="of a promotion or of a coupon"),
        sa.Column("uses", sa.Integer(), nullable=False),
        sa.Column("uses_max", sa.Integer(), nullable=True),
        sa.CheckConstraint("uses >= 0", name=op.f("promotion_uses_not_below_zero")),
        sa.CheckConstraint("uses <= uses_max", name=op.f("promotion_uses_not_beyond_the_limit")),
        sa.PrimaryKeyConstraint("id", name=op.f("promotion_uses_pkey")),
        comment="How many orders use a promotion or a coupon, without those that gave it back.",
        postgresql_with={"fillfactor": "50"},
    )
    op.create_table(
        "redemptions",
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("promotion_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("coupon_id", sa.Uuid(), nullable=True),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("given_back_at", _TIME, nullable=True),
        sa.PrimaryKeyConstraint("customer_id", "order_id", "promotion_id", name=op.f("redemptions_pkey")),
        comment="Each use of a promotion by an order.",
    )
    op.create_index("redemptions_by_promotion_idx", "redemptions", ["promotion_id", "order_id"], unique=False)
    op.create_index(
        "redemptions_of_customer_idx",
        "redemptions",
        ["customer_id", "promotion_id"],
        unique=False,
        postgresql_where=sa.text("given_back_at IS NULL"),
    )


def _widen_orders() -> None:
    pricing = "the promotions and coupons that it was priced with, used or not"
    details = "options, tax class, categories and each discount, as they were agreed"
    of_orders: list[sa.Column[Any]] = [
        sa.Column("includes_tax", sa.Boolean(), nullable=False, server_default=sa.text("true")),
        sa.Column("pricing", postgresql.JSONB(), nullable=True, comment=pricing),
    ]
    of_lines: list[sa.Column[Any]] = [
        sa.Column("discount_minor", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("tax_rate", sa.Integer(), nullable=False, server_default="0", comment="in basis points"),
        sa.Column("tax_minor", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("details", postgresql.JSONB(), nullable=True, comment=details),
    ]
    for table, columns in (("orders", of_orders), ("order_lines", of_lines)):
        for column in columns:
            op.add_column(table, column)
    op.create_check_constraint(
        op.f("order_lines_amounts_possible"),
        "order_lines",
        "discount_minor BETWEEN 0 AND unit_price_minor * quantity AND tax_minor >= 0",
    )
