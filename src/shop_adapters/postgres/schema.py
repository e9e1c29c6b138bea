"""The tables. Migrations create them (`alembic check` in the tests holds the two together).

Portable on purpose (docs/decisions/0003-portable-schema.md): ids and times come from the application, states are text
with a CHECK, no extension, sequence, trigger or enum type. The customer leads every key of the order side.
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, TSVECTOR

from shop_core.accounts.model import Role
from shop_core.events import OrderEventKind, StockEventKind
from shop_core.inventory.model import ON_HAND_MAX, QUANTITY_MAX, MovementKind
from shop_core.orders.model import OrderStatus
from shop_core.reservations.model import ReservationState

metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "ck": "%(table_name)s_%(constraint_name)s",
        "fk": "%(table_name)s_%(column_0_name)s_fkey",
        "uq": "%(table_name)s_%(column_0_name)s_key",
        "ix": "%(column_0_label)s_idx",
    }
)

CodePoints = Text(collation="C")  # compares by code point, as Python does, whatever the database's locale


class Time(TypeDecorator[datetime]):
    """A moment. SQLAlchemy gives it back in UTC, whatever the time zone of the session."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """In UTC."""
        return value.astimezone(UTC) if value else None


STALE_SEARCH = "NOT search @@ CAST('''=2''' AS tsquery)"
"""Rows that a version wrote which folds text in another way: see `shop_adapters.postgres.search`."""


def one_of(column: str, values: type[StrEnum]) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=f"{column}_known")


shop_facts = Table(
    "shop_facts",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
    comment="What must never change under a running shop, such as its currency.",
)

accounts = Table(
    "accounts",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("username", Text, nullable=False),
    Column("username_key", CodePoints, nullable=False),
    Column("email", Text, nullable=False),
    Column("first_name", Text, nullable=False),
    Column("last_name", Text, nullable=False),
    Column("role", Text, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("created_at", Time, nullable=False),
    Column("updated_at", Time, nullable=False),
    Column("search", TSVECTOR, nullable=False, comment="the words of username, email and names"),
    UniqueConstraint("username_key"),
    one_of("role", Role),
    Index("accounts_search_idx", "search", postgresql_using="gin"),
    Index("accounts_stale_search_idx", "id", postgresql_where=text(STALE_SEARCH)),
    Index("accounts_by_role_idx", "role", "username_key"),
    Index("accounts_inactive_idx", "username_key", postgresql_where=text("NOT active")),
)

refresh_tokens = Table(
    "refresh_tokens",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("family_id", Uuid, nullable=False, index=True),
    Column("account_id", Uuid, ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("began_at", Time, nullable=False, server_default=text("now()")),
    Column("issued_at", Time, nullable=False),
    Column("expires_at", Time, nullable=False, index=True),
    Column("spent_at", Time),
    Column("revoked_at", Time),
    Column("is_remembered", Boolean, nullable=False, server_default=text("false")),
    Column("device_name", Text, nullable=False, server_default=""),
    # What each process asks about each second: see `shop_adapters.revocations`.
    Index(
        "refresh_tokens_ended_idx", "revoked_at", postgresql_where=text("revoked_at IS NOT NULL AND spent_at IS NULL")
    ),
)

attempts = Table(
    "attempts",
    metadata,
    Column("key", LargeBinary, primary_key=True),
    Column("full_at", Time, nullable=False, index=True),
    comment="How often passwords were guessed: when each allowance will be full again.",
)

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
    Index("products_by_age_idx", "id", postgresql_where=text("archived_at IS NULL")),
)

stock_levels = Table(
    "stock_levels",
    metadata,
    Column("product_id", Uuid, ForeignKey("products.id", ondelete="CASCADE"), primary_key=True),
    Column("on_hand", Integer, nullable=False),
    Column("allocated", Integer, nullable=False),
    Column("reserved", Integer, nullable=False),
    Column("shortfall", Integer, nullable=False),
    CheckConstraint("on_hand >= 0 AND allocated >= 0 AND reserved >= 0 AND shortfall >= 0", name="not_below_zero"),
    # bigint: the sum of two counters must not overflow before it is compared
    CheckConstraint("allocated::bigint + reserved <= on_hand::bigint + shortfall", name="not_oversold"),
    CheckConstraint(f"on_hand <= {ON_HAND_MAX}", name="on_hand_countable"),
    # Room on each page, so that a counter changes in place (HOT) and no index is touched.
    postgresql_with={"fillfactor": "50"},
)

stock_movements = Table(
    "stock_movements",
    metadata,
    Column("product_id", Uuid, nullable=False),
    Column("id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("at", Time, nullable=False),
    Column("actor_id", Uuid),
    Column("order_id", Uuid),
    Column("reason", Text, nullable=False),
    Column("reservation_id", Uuid),
    PrimaryKeyConstraint("product_id", "id"),
    one_of("kind", MovementKind),
    CheckConstraint(
        f"quantity BETWEEN -{QUANTITY_MAX} AND {QUANTITY_MAX}"
        f" AND (quantity > 0 OR quantity < 0 AND kind = '{MovementKind.ADJUSTED}')",
        name="quantity_signed",
    ),
)

orders = Table(
    "orders",
    metadata,
    Column("customer_id", Uuid, nullable=False),
    Column("id", Uuid, nullable=False, index=True),
    Column("status", Text, nullable=False),
    Column("total_minor", BigInteger, nullable=False),
    Column("version", Integer, nullable=False),
    Column("created_at", Time, nullable=False),
    Column("updated_at", Time, nullable=False),
    Column("number", CodePoints, nullable=False, comment="Order.number, stored to be found by"),
    Column("deleted_at", Time),
    Column("includes_tax", Boolean, nullable=False, server_default=text("true")),
    Column("pricing", JSONB, comment="the promotions and coupons that it was priced with, used or not"),
    PrimaryKeyConstraint("customer_id", "id"),
    one_of("status", OrderStatus),
    # Lists are sorted by id. A customer's own: the primary key, and this one by status; everybody's: the others.
    Index("orders_of_customer_by_status_idx", "customer_id", "status", "id"),
    Index("orders_by_status_idx", "status", "id"),
    Index("orders_by_time_idx", "created_at"),
    Index("orders_by_number_idx", "number"),
)

order_lines = Table(
    "order_lines",
    metadata,
    Column("customer_id", Uuid, nullable=False),
    Column("order_id", Uuid, nullable=False),
    Column("line_no", SmallInteger, nullable=False),
    Column("product_id", Uuid, nullable=False),
    Column("sku", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("unit_price_minor", BigInteger, nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("discount_minor", BigInteger, nullable=False, server_default="0"),
    Column("tax_rate", Integer, nullable=False, server_default="0", comment="in basis points"),
    Column("tax_minor", BigInteger, nullable=False, server_default="0"),
    Column("details", JSONB, comment="options, tax class, categories and each discount, as they were agreed"),
    PrimaryKeyConstraint("customer_id", "order_id", "line_no"),
    ForeignKeyConstraint(
        ["customer_id", "order_id"], ["orders.customer_id", "orders.id"], name="order_lines_order_fkey"
    ),
    CheckConstraint(f"quantity BETWEEN 1 AND {QUANTITY_MAX}", name="quantity_possible"),
    CheckConstraint("unit_price_minor >= 0", name="unit_price_not_negative"),
    CheckConstraint(
        "discount_minor BETWEEN 0 AND unit_price_minor * quantity AND tax_minor >= 0", name="amounts_possible"
    ),
)

order_events = Table(
    "order_events",
    metadata,
    Column("customer_id", Uuid, nullable=False),
    Column("order_id", Uuid, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("total_minor", BigInteger, nullable=False),
    Column("at", Time, nullable=False),
    Column("actor_id", Uuid),
    Column("actor_role", Text),
    Column("total_before_minor", BigInteger),
    Column("format", SmallInteger, nullable=False),
    Column("id", Uuid, nullable=False, comment="for who gets it twice; nothing is looked up by it"),
    Column("reason", Text, comment="of a cancellation, in words"),
    # No foreign key: the audit compares, and placing does not pay for a look-up of a row that it has just written.
    PrimaryKeyConstraint("customer_id", "order_id", "seq"),
    one_of("kind", OrderEventKind),
    one_of("status", OrderStatus),
    one_of("actor_role", Role),
    comment="The timelines of orders; rows are added, never changed.",
)

reservations = Table(
    "reservations",
    metadata,
    Column("customer_id", Uuid, nullable=False),
    Column("id", Uuid, nullable=False, index=True),
    Column("state", Text, nullable=False),
    Column("created_at", Time, nullable=False),
    Column("expires_at", Time, nullable=False),
    Column("order_id", Uuid),
    PrimaryKeyConstraint("customer_id", "id"),
    one_of("state", ReservationState),
    CheckConstraint("(state = 'confirmed') = (order_id IS NOT NULL)", name="confirmed_by_an_order"),
    Index("reservations_due_idx", "expires_at", postgresql_where=text("state = 'active'")),
    Index("reservations_active_idx", "customer_id", postgresql_where=text("state = 'active'")),
    comment="Who changes a row has locked the stock of all its products.",
)

reservation_lines = Table(
    "reservation_lines",
    metadata,
    Column("customer_id", Uuid, nullable=False),
    Column("reservation_id", Uuid, nullable=False),
    Column("line_no", SmallInteger, nullable=False),
    Column("product_id", Uuid, nullable=False),
    Column("quantity", Integer, nullable=False),
    Column("is_held", Boolean, nullable=False),
    Column("expires_at", Time, nullable=False, comment="a copy of its reservation's, to be found by"),
    PrimaryKeyConstraint("customer_id", "reservation_id", "line_no"),
    ForeignKeyConstraint(
        ["customer_id", "reservation_id"],
        ["reservations.customer_id", "reservations.id"],
        name="reservation_lines_reservation_fkey",
    ),
    CheckConstraint(f"quantity BETWEEN 1 AND {QUANTITY_MAX}", name="quantity_possible"),
    Index("reservation_lines_held_idx", "product_id", "expires_at", postgresql_where=text("is_held")),
)

holders = Table(
    "holders",
    metadata,
    Column("customer_id", Uuid, primary_key=True),
    comment="One row for each customer who ever reserved, locked while their reservations are counted.",
)

promotions = Table(
    "promotions",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("version", Integer, nullable=False, comment="the newest one"),
    Column("withdrawn_at", Time),
    Index("promotions_live_idx", "id", postgresql_where=text("withdrawn_at IS NULL")),
)

promotion_versions = Table(
    "promotion_versions",
    metadata,
    Column("promotion_id", Uuid, ForeignKey("promotions.id"), nullable=False),
    Column("version", Integer, nullable=False),
    Column("label", Text, nullable=False),
    Column("starts_at", Time),
    Column("ends_at", Time),
    Column("needs_coupon", Boolean, nullable=False),
    Column("combines", Boolean, nullable=False),
    Column("uses_max", Integer),
    Column("customer_uses_max", Integer),
    Column("terms", JSONB, nullable=False, comment="its condition and its benefit"),
    PrimaryKeyConstraint("promotion_id", "version"),
    comment="Rows are added, never changed: orders refer to the version that they were priced with.",
)

coupons = Table(
    "coupons",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("promotion_id", Uuid, ForeignKey("promotions.id"), nullable=False),
    Column("code", CodePoints, nullable=False),
    Column("created_at", Time, nullable=False),
    Column("uses_max", Integer),
    Column("customer_uses_max", Integer),
    UniqueConstraint("code"),
    Index("coupons_of_promotion_idx", "promotion_id", "id"),
)

promotion_uses = Table(
    "promotion_uses",
    metadata,
    Column("id", Uuid, primary_key=True, comment="of a promotion or of a coupon"),
    Column("uses", Integer, nullable=False),
    Column("uses_max", Integer),
    CheckConstraint("uses >= 0", name="not_below_zero"),
    CheckConstraint("uses <= uses_max", name="not_beyond_the_limit"),
    postgresql_with={"fillfactor": "50"},  # as stock_levels
    comment="How many orders use a promotion or a coupon, without those that gave it back.",
)

redemptions = Table(
    "redemptions",
    metadata,
    Column("customer_id", Uuid, nullable=False),
    Column("order_id", Uuid, nullable=False),
    Column("promotion_id", Uuid, nullable=False),
    Column("version", Integer, nullable=False),
    Column("coupon_id", Uuid),
    Column("at", Time, nullable=False),
    Column("given_back_at", Time),
    PrimaryKeyConstraint("customer_id", "order_id", "promotion_id"),
    Index("redemptions_by_promotion_idx", "promotion_id", "order_id"),
    Index("redemptions_of_customer_idx", "customer_id", "promotion_id", postgresql_where=text("given_back_at IS NULL")),
    comment="Each use of a promotion by an order.",
)

tax_rates = Table(
    "tax_rates",
    metadata,
    Column("tax_class", CodePoints, nullable=False),
    Column("valid_from", Time, nullable=False, comment="the year 1 for a rate that is valid from the beginning"),
    Column("rate", Integer, nullable=False, comment="in basis points"),
    PrimaryKeyConstraint("tax_class", "valid_from"),
    CheckConstraint("rate BETWEEN 0 AND 10000", name="rate_possible"),
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("customer_id", Uuid, nullable=False),
    Column("key", CodePoints, nullable=False),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("result_id", Uuid, nullable=False),
    PrimaryKeyConstraint("customer_id", "key"),
    comment="What each key made, an order or a reservation; kept for ever.",
)

stock_events = Table(
    "stock_events",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("subject_id", Uuid, nullable=False),
    Column("at", Time, nullable=False),
    Column("units", BigInteger, nullable=False),
    Column("customer_id", Uuid),
    Column("actor_id", Uuid),
    Column("format", SmallInteger, nullable=False),
    one_of("kind", StockEventKind),
    comment="Facts about stock that no order tells; rows are added, never changed.",
)

outbox = Table(
    "outbox",
    metadata,
    Column("event_id", Uuid, primary_key=True),
    Column("subject_id", Uuid, nullable=False),
    Column("customer_id", Uuid),
    Column("seq", Integer, nullable=False, comment="of an order's event; 0: it is in stock_events"),
    Column("at", Time, nullable=False, comment="when it happened"),
    Column("due_at", Time, nullable=False, comment="not to be tried before"),
    Column("attempts", Integer, nullable=False),
    Column("error", Text, nullable=False),
    Column("is_dead", Boolean, nullable=False),
    Index("outbox_by_subject_idx", "subject_id", "seq", "event_id"),
    Index("outbox_due_idx", "due_at", "event_id", postgresql_where=text("NOT is_dead")),
    comment="Events that others have still to be told.",
)

tasks = Table(
    "tasks",
    metadata,
    Column("name", Text, primary_key=True),
    comment="A row for each task that one process at a time is at: its lock.",
)

catalog_version = Table(
    "catalog_version",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("version", BigInteger, nullable=False),
    CheckConstraint("id = 1", name="one_row"),
    comment="Raised by every change of products or categories, last before its commit.",
)
