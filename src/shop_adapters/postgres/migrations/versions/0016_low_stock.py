"""Below how many units a product counts as low

Revision ID: 0016
Revises: 0015
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    comment = "fewer that can be sold are low; null: nobody is told"
    op.add_column("stock_levels", sa.Column("low_stock_level", sa.Integer(), comment=comment))
    op.create_index(
        "stock_levels_watched_idx",
        "stock_levels",
        ["product_id"],
        postgresql_where=sa.text("low_stock_level IS NOT NULL"),
    )
