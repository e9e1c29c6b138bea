"""The uses of a customer are found by the key of redemptions, which begins with the customer: one index less to write

The versions before find them by it too.

Revision ID: 0020
Revises: 0019
"""

from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """Drop it."""
    op.drop_index("redemptions_of_customer_idx", table_name="redemptions")
