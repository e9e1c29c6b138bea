"""Keys of categories, families and products have their ids: the audit does not look for those, which may be deleted

Revision ID: 0021
Revises: 0020
"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    no, comment = sa.text("false"), "of what may be deleted"
    op.add_column(
        "idempotency_keys", sa.Column("is_removable", sa.Boolean(), nullable=False, server_default=no, comment=comment)
    )
    op.create_table_comment(
        "idempotency_keys",
        "What each key made; kept for ever.",
        existing_comment="What each key made, an order or a reservation; kept for ever.",
    )
