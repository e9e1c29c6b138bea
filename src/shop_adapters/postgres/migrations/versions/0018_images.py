"""Pictures of products, and which of their files there are

Everything is new and may be missing, so that the version before goes on working: it shows no pictures, and leaves those
of a product that it edits as they are.

Revision ID: 0018
Revises: 0017
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    images = "its pictures in their order: id, text, and key, width and height of each file"
    op.add_column("products", sa.Column("images", postgresql.JSONB(), comment=images))
    keys = "the keys of all files in images"
    op.add_column("products", sa.Column("image_keys", sa.ARRAY(sa.Text()), comment=keys))
    op.create_index("products_image_keys_idx", "products", ["image_keys"], postgresql_using="gin")
    op.create_index("products_with_images_idx", "products", ["id"], postgresql_where=sa.text("image_keys IS NOT NULL"))
    op.create_table(
        "media_files",
        sa.Column("key", sa.Text(collation="C"), primary_key=True, comment="the SHA-256 of the content"),
        sa.Column(
            "unused_since",
            sa.DateTime(timezone=True),
            comment="since when perhaps no product names it; null: one does",
        ),
        comment="The files of pictures that there may be in the media store.",
    )
    op.create_index(
        "media_files_unused_idx",
        "media_files",
        ["unused_since", "key"],
        postgresql_where=sa.text("unused_since IS NOT NULL"),
    )
