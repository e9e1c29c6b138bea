"""Orders, their lines and timelines, and idempotency keys."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from shop_adapters.postgres.schema.base import CodePoints, Time, metadata, one_of
from shop_core.accounts.model import Role
from shop_core.events import OrderEventKind
from shop_core.inventory.model import QUANTITY_MAX
from shop_core.orders.model import OrderStatus

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
    # Lists are sorted by id. A customer's own: the primary key, and `orders_of_customer`; everybody's: these.
    Index("orders_by_status_idx", "status", "id"),
    Index("orders_by_time_idx", "created_at"),
    Index("orders_by_number_idx", "number"),
)

# A customer's orders by status; and all of them are counted in it, without a look at the table.
orders_of_customer = Index(
    "orders_of_customer_idx",
    *(orders.c.customer_id, orders.c.status, orders.c.id),
    postgresql_include=["created_at", "deleted_at"],
    postgresql_concurrently=True,
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
    comment="The timelines of orders; rows are added, never changed, but for the erasure of reasons.",
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("customer_id", Uuid, nullable=False),
    Column("key", CodePoints, nullable=False),
    Column("fingerprint", LargeBinary, nullable=False),
    Column("result_id", Uuid, nullable=False),
    Column("removable_id", Uuid, comment="of what it made, if that may be deleted"),
    PrimaryKeyConstraint("customer_id", "key"),
    comment="What each key made; kept for ever.",
)
