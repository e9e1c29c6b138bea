"""Categories that can go, lists of one category by index, archived products in no category

Revision ID: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_index("products_by_category_idx", "products", ["category_id", "id"], unique=False)
    op.drop_index(op.f("products_category_id_idx"), table_name="products")
    op.execute(
        sa.text("UPDATE products SET category_id = NULL WHERE archived_at IS NOT NULL AND category_id IS NOT NULL")
    )
    op.create_check_constraint(
        op.f("products_archived_in_no_category"), "products", "archived_at IS NULL OR category_id IS NULL"
    )
    op.create_check_constraint(op.f("categories_not_below_itself"), "categories", "parent_id <> id")
