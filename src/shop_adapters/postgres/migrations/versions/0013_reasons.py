"""Why an order was cancelled

Revision ID: 0013
Revises: 0012
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.add_column("order_events", sa.Column("reason", sa.Text(), comment="of a cancellation, in words"))
