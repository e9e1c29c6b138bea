"""The version of the catalog, under which counts and places in its lists are remembered

Revision ID: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "catalog_version",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("catalog_version_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("catalog_version_pkey")),
        comment="Raised by every change of products or categories, last before its commit.",
    )
    op.execute(sa.text("INSERT INTO catalog_version (id, version) VALUES (1, 1)"))
