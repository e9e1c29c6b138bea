"""Sessions that may be idle for longer, and what their devices are called

Revision ID: 0009
Revises: 0008
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.add_column("refresh_tokens", sa.Column("is_remembered", sa.Boolean(), server_default="false", nullable=False))
    op.add_column("refresh_tokens", sa.Column("device_name", sa.Text(), server_default="", nullable=False))
