"""Room for names and words as they are folded now; `shop migrate` fills it afterwards, see `..search`

The version before goes on with its own column and its own words, which are written too.

Revision ID: 0010
Revises: 0009
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

STALE = sa.text("NOT search @@ CAST('''=2''' AS tsquery)")


def upgrade() -> None:
    op.add_column(
        "products",
        sa.Column(
            "sort_key",
            sa.Text(collation="C"),
            server_default="",
            nullable=False,
            comment="the name as the sort by name compares it",
        ),
    )
    op.alter_column("products", "name_key", comment="the name as the version before sorts it")
    op.alter_column(
        "products",
        "search",
        comment="the words of name and SKU (weight A) and description (D), the SKU (B) and the name (C) as one word",
    )
    op.create_index(
        "products_by_sort_key_idx", "products", ["sort_key", "id"], postgresql_where=sa.text("archived_at IS NULL")
    )
    for table in ("products", "accounts"):
        op.create_index(f"{table}_stale_search_idx", table, ["id"], postgresql_where=STALE)
