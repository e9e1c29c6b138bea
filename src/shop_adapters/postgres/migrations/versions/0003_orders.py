"""Numbers, deletion and timelines of orders; an index for each of their lists

Orders that are there already get their numbers, and the events that their status and version tell of. Who confirmed,
shipped or cancelled them was not written down, nor when each happened: those events name nobody, and the last change.

Revision ID: 0003
Revises: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

# `Order.number`: the day in UTC, and the last 40 bits of the id in Crockford's base 32.
_NUMBERS = """
UPDATE orders SET number = to_char(created_at AT TIME ZONE 'UTC', 'YYMMDD') || '-' || (
    SELECT string_agg(substr('0123456789ABCDEFGHJKMNPQRSTVWXYZ', ((bits >> shift) & 31)::int + 1, 1), ''
                      ORDER BY shift DESC)
    FROM generate_series(0, 35, 5) AS shift,
         (SELECT ('x' || right(replace(orders.id::text, '-', ''), 10))::bit(40)::bigint AS bits) AS tail
)
"""
_EVENTS = """
INSERT INTO order_events (customer_id, order_id, seq, kind, status, total_minor, at, actor_id, actor_role, format)
SELECT customer_id, id, seq, happened, happened, total_minor,
       CASE WHEN seq = 1 THEN created_at ELSE updated_at END,
       CASE WHEN seq = 1 THEN customer_id END, CASE WHEN seq = 1 THEN 'customer' END, 1
FROM orders, generate_series(1, version) AS seq,
     LATERAL (SELECT CASE WHEN seq = version THEN status
                          ELSE (ARRAY['placed', 'confirmed', 'shipped'])[seq] END AS happened) AS told
"""


def upgrade() -> None:
    op.create_table(
        "order_events",
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("total_minor", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("actor_role", sa.Text(), nullable=True),
        sa.Column("total_before_minor", sa.BigInteger(), nullable=True),
        sa.Column("format", sa.SmallInteger(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('placed', 'edited', 'confirmed', 'shipped', 'delivered', 'cancelled', 'deleted')",
            name=op.f("order_events_kind_known"),
        ),
        sa.CheckConstraint(
            "status IN ('placed', 'confirmed', 'shipped', 'delivered', 'cancelled')",
            name=op.f("order_events_status_known"),
        ),
        sa.CheckConstraint("actor_role IN ('customer', 'staff', 'admin')", name=op.f("order_events_actor_role_known")),
        sa.PrimaryKeyConstraint("customer_id", "order_id", "seq", name=op.f("order_events_pkey")),
        comment="The timelines of orders; rows are added, never changed.",
    )
    op.add_column("orders", sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "orders",
        sa.Column("number", sa.Text(collation="C"), nullable=True, comment="Order.number, stored to be found by"),
    )
    op.execute(_NUMBERS)
    op.alter_column("orders", "number", nullable=False)
    op.execute(_EVENTS)
    op.create_index("orders_of_customer_by_status_idx", "orders", ["customer_id", "status", "id"], unique=False)
    op.create_index("orders_by_status_idx", "orders", ["status", "id"], unique=False)
    op.create_index("orders_by_time_idx", "orders", ["created_at"], unique=False)
    op.create_index("orders_by_number_idx", "orders", ["number"], unique=False)
