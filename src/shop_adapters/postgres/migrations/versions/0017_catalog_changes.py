"""The catalog records which product changed at which version

What is in the catalog already is recorded after the migration, by `migrate`; and again by whoever finds that a server
of the version before raised the version, and recorded nothing.

Revision ID: 0017
Revises: 0016
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    for name, comment in (
        ("recorded", "the version, unless something raised that and did not record what changed"),
        ("categories_version", "when categories changed last"),
        ("purged", "up to here, what left the catalog is not in catalog_changes any more"),
    ):
        column = sa.Column(name, sa.BigInteger(), nullable=False, server_default="0", comment=comment)
        op.add_column("catalog_version", column)
    op.create_table(
        "catalog_stamps",
        sa.Column("version", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("stamp", sa.BigInteger(), nullable=False, comment="random"),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        comment="A random number for each version: after a restore, the same version has another one.",
    )
    op.create_index(op.f("catalog_stamps_at_idx"), "catalog_stamps", ["at"])
    op.create_table(
        "catalog_changes",
        sa.Column("product_id", sa.Uuid(), primary_key=True),
        sa.Column("version", sa.BigInteger(), nullable=False, comment="of the catalog, when the product changed last"),
        comment="The products that are in the catalog, and those that were.",
    )
    op.create_index("catalog_changes_by_version_idx", "catalog_changes", ["version", "product_id"])
