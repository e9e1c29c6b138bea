"""The catalog."""

from __future__ import annotations

from sqlalchemy import (
    ARRAY,
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR

from shop_adapters.postgres.schema.base import STALE_SEARCH, CodePoints, Time, metadata

categories = Table(
    "categories",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("name", Text, nullable=False),
    Column("slug", CodePoints, nullable=False),
    Column("parent_id", Uuid, ForeignKey("categories.id"), index=True),
    UniqueConstraint("slug"),
    CheckConstraint("parent_id <> id", name="not_below_itself"),
)

families = Table(
    "families",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("option_names", ARRAY(Text), nullable=False),
    Column("version", Integer, nullable=False),
    comment="What belongs together, such as a shirt in its colours; the products are what is sold.",
)

products = Table(
    "products",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("sku", CodePoints, nullable=False),
    Column("name", Text, nullable=False),
    Column("name_key", CodePoints, nullable=False, comment="the name as the version before sorts it"),
    Column(
        "sort_key", CodePoints, nullable=False, server_default="", comment="the name as the sort by name compares it"
    ),
    Column("description", Text, nullable=False),
    Column("price_minor", BigInteger, nullable=False),
    Column("category_id", Uuid, ForeignKey("categories.id")),
    Column("image_urls", ARRAY(Text), nullable=False),
    Column(
        "search",
        TSVECTOR,
        nullable=False,
        comment="the words of name and SKU (weight A) and description (D), the SKU (B) and the name (C) as one word",
    ),
    Column("version", Integer, nullable=False),
    Column("created_at", Time, nullable=False),
    Column("updated_at", Time, nullable=False),
    Column("archived_at", Time),
    Column("family_id", Uuid, ForeignKey("families.id")),
    Column("options", JSONB, comment="what tells it apart in its family, by name"),
    Column("tax_class", Text, nullable=False, server_default="standard"),
    Column("images", JSONB, comment="its pictures in their order: id, text, and key, width and height of each file"),
    Column("image_keys", ARRAY(Text), comment="the keys of all files in images"),
    UniqueConstraint("sku"),
    CheckConstraint("price_minor >= 0", name="price_not_negative"),
    CheckConstraint("archived_at IS NULL OR category_id IS NULL", name="archived_in_no_category"),
    Index("products_by_category_idx", "category_id", "id"),  # whole, not partial: the foreign key looks here too
    Index("products_search_idx", "search", postgresql_using="gin"),
    Index("products_by_name_idx", "name_key", "id", postgresql_where=text("archived_at IS NULL")),
    Index("products_by_sort_key_idx", "sort_key", "id", postgresql_where=text("archived_at IS NULL")),
    Index("products_stale_search_idx", "id", postgresql_where=text(STALE_SEARCH)),
    Index("products_by_price_idx", "price_minor", "id", postgresql_where=text("archived_at IS NULL")),
    Index(
        "products_of_family_idx",
        *("family_id", "options"),
        unique=True,
        postgresql_where=text("family_id IS NOT NULL AND archived_at IS NULL"),
    ),
    Index("products_image_keys_idx", "image_keys", postgresql_using="gin"),
    Index("products_with_images_idx", "id", postgresql_where=text("image_keys IS NOT NULL")),
    Index("products_by_age_idx", "id", postgresql_where=text("archived_at IS NULL")),
)

media_files = Table(
    "media_files",
    metadata,
    Column("key", CodePoints, primary_key=True, comment="the SHA-256 of the content"),
    Column("unused_since", Time, comment="since when perhaps no product names it; null: one does"),
    Index("media_files_unused_idx", "unused_since", "key", postgresql_where=text("unused_since IS NOT NULL")),
    comment="The files of pictures that there may be in the media store.",
)

catalog_version = Table(
    "catalog_version",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("version", BigInteger, nullable=False),
    Column(
        "recorded",
        BigInteger,
        nullable=False,
        server_default="0",
        comment="the version, unless something raised that and did not record what changed",
    ),
    Column(
        "categories_version", BigInteger, nullable=False, server_default="0", comment="when categories changed last"
    ),
    Column(
        "purged",
        BigInteger,
        nullable=False,
        server_default="0",
        comment="up to here, what left the catalog is not in catalog_changes any more",
    ),
    CheckConstraint("id = 1", name="one_row"),
    comment="Raised by every change of products or categories, last before its commit.",
)

catalog_stamps = Table(
    "catalog_stamps",
    metadata,
    Column("version", BigInteger, primary_key=True, autoincrement=False),
    Column("stamp", BigInteger, nullable=False, comment="random"),
    Column("at", Time, nullable=False, index=True),
    comment="A random number for each version: after a restore, the same version has another one.",
)

catalog_changes = Table(
    "catalog_changes",
    metadata,
    # No foreign key: a product that was deleted stays here for a while.
    Column("product_id", Uuid, primary_key=True),
    Column("version", BigInteger, nullable=False, comment="of the catalog, when the product changed last"),
    Index("catalog_changes_by_version_idx", "version", "product_id"),
    comment="The products that are in the catalog, and those that were.",
)
