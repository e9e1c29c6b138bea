"""Mails wait to be sent, and accounts know which address a mail has reached

Revision ID: 0015
Revises: 0014
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.add_column(
        "accounts",
        sa.Column(
            "confirmed_email",
            sa.Text(collation="C"),
            nullable=False,
            server_default="",
            comment="an address that a mail reached",
        ),
    )
    op.create_index(
        "accounts_confirmed_email_idx",
        "accounts",
        ["confirmed_email"],
        postgresql_where=sa.text("confirmed_email <> ''"),
    )
    op.create_table(
        "mails",
        sa.Column("id", sa.Uuid(), primary_key=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column(
            "at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="when what it reports happened, or was asked for",
        ),
        sa.Column("account_id", sa.Uuid(), comment="whose mail it is; null: of whoever confirmed the address"),
        sa.Column("address", sa.Text(), nullable=False, comment="of a forgotten password, or to be confirmed"),
        sa.Column("order_id", sa.Uuid()),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False, comment="not to be tried before"),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("is_dead", sa.Boolean(), nullable=False),
        comment="Mails that are still to be sent.",
    )
    op.create_index("mails_due_idx", "mails", ["due_at", "id"], postgresql_where=sa.text("NOT is_dead"))
