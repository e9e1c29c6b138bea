"""When each session began, and which ended lately

Revision ID: 0008
Revises: 0007
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.add_column("refresh_tokens", sa.Column("began_at", sa.TIMESTAMP(timezone=True), nullable=True))
    op.execute(
        "UPDATE refresh_tokens SET began_at = first.issued_at FROM"
        " (SELECT family_id, min(issued_at) AS issued_at FROM refresh_tokens GROUP BY family_id) AS first"
        " WHERE first.family_id = refresh_tokens.family_id"
    )
    op.alter_column("refresh_tokens", "began_at", nullable=False, server_default=sa.func.now())
    op.create_index(
        op.f("refresh_tokens_ended_idx"),
        "refresh_tokens",
        ["revoked_at"],
        unique=False,
        postgresql_where=sa.text("revoked_at IS NOT NULL AND spent_at IS NULL"),
    )
