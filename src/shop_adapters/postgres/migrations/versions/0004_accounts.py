"""Search and filters for the list of accounts

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from shop_core.text import search_words

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    comment = "the words of username, email and names"
    op.add_column("accounts", sa.Column("search", postgresql.TSVECTOR(), nullable=True, comment=comment))
    _fill_search(op.get_bind())
    op.alter_column("accounts", "search", nullable=False)
    op.create_index("accounts_search_idx", "accounts", ["search"], unique=False, postgresql_using="gin")
    op.create_index("accounts_by_role_idx", "accounts", ["role", "username_key"], unique=False)
    op.create_index(
        "accounts_inactive_idx", "accounts", ["username_key"], unique=False, postgresql_where=sa.text("NOT active")
    )


def _fill_search(connection: sa.Connection) -> None:
    """What the application writes with each account. In Python: PostgreSQL folds case in another way."""
    accounts = connection.execute(sa.text("SELECT id, username, email, first_name, last_name FROM accounts")).all()
    rows = [
        {"id": account_id, "search": " ".join(f"'{word}'" for word in sorted(set(search_words(" ".join(texts)))))}
        for account_id, *texts in accounts
    ]
    if rows:
        connection.execute(sa.text("UPDATE accounts SET search = CAST(:search AS tsvector) WHERE id = :id"), rows)
