"""Keys of categories, families and products have their ids, which the audit does not look for: they may be deleted

Revision ID: 0021
Revises: 0020
"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    removable_id = sa.Column("removable_id", sa.Uuid(), comment="of what it made, if that may be deleted")
    op.add_column("idempotency_keys", removable_id)
    op.create_table_comment(
        "idempotency_keys",
        "What each key made; kept for ever.",
        existing_comment="What each key made, an order or a reservation; kept for ever.",
    )
