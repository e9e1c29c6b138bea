"""The version before 0008 can still log people in: it does not say when a session began

Revision ID: 0012
Revises: 0011
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.alter_column("refresh_tokens", "began_at", server_default=sa.func.now())
