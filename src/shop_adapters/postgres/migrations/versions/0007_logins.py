"""Guesses of passwords are counted; refresh tokens that ended are found

Revision ID: 0007
Revises: 0006
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "attempts",
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("full_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("attempts_pkey")),
        comment="How often passwords were guessed: when each allowance will be full again.",
    )
    op.create_index(op.f("attempts_full_at_idx"), "attempts", ["full_at"], unique=False)
    op.execute("INSERT INTO tasks (name) VALUES ('tidy')")
    op.create_index(op.f("refresh_tokens_expires_at_idx"), "refresh_tokens", ["expires_at"], unique=False)
