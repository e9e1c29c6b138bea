"""Reservations, idempotency keys, facts about stock, and the outbox

Events that are there already get random ids. They are not put into the outbox: nobody waits for them.

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

_TIME = sa.DateTime(timezone=True)
_KINDS = (
    "kind IN ('received', 'adjusted', 'reserved', 'released', 'expired', 'confirmed', 'allocated', 'deallocated',"
    " 'shipped', 'returned')"
)


def upgrade() -> None:
    _widen()
    _create_reservations()
    _create_keys()
    _create_outbox()
    op.create_table(
        "tasks",
        sa.Column("name", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("tasks_pkey")),
        comment="A row for each task that one process at a time is at: its lock.",
    )
    op.execute("INSERT INTO tasks (name) VALUES ('sweep')")


def _widen() -> None:
    op.add_column("stock_movements", sa.Column("reservation_id", sa.Uuid(), nullable=True))
    op.drop_constraint(op.f("stock_movements_kind_known"), "stock_movements", type_="check")
    op.create_check_constraint(op.f("stock_movements_kind_known"), "stock_movements", _KINDS)
    op.add_column(
        "order_events",
        sa.Column(
            "id",
            sa.Uuid(),
            nullable=False,
            server_default=sa.text("gen_random_uuid()"),
            comment="for who gets it twice; nothing is looked up by it",
        ),
    )
    op.alter_column("order_events", "id", server_default=None)


def _create_reservations() -> None:
    op.create_table(
        "reservations",
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_at", _TIME, nullable=False),
        sa.Column("expires_at", _TIME, nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "state IN ('active', 'confirmed', 'released', 'expired')", name=op.f("reservations_state_known")
        ),
        sa.CheckConstraint(
            "(state = 'confirmed') = (order_id IS NOT NULL)", name=op.f("reservations_confirmed_by_an_order")
        ),
        sa.PrimaryKeyConstraint("customer_id", "id", name=op.f("reservations_pkey")),
        comment="Who changes a row has locked the stock of all its products.",
    )
    active = sa.text("state = 'active'")
    op.create_index(op.f("reservations_id_idx"), "reservations", ["id"], unique=False)
    op.create_index("reservations_due_idx", "reservations", ["expires_at"], unique=False, postgresql_where=active)
    op.create_index("reservations_active_idx", "reservations", ["customer_id"], unique=False, postgresql_where=active)
    op.create_table(
        "reservation_lines",
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("reservation_id", sa.Uuid(), nullable=False),
        sa.Column("line_no", sa.SmallInteger(), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("is_held", sa.Boolean(), nullable=False),
        sa.Column("expires_at", _TIME, nullable=False, comment="a copy of its reservation's, to be found by"),
        sa.CheckConstraint("quantity BETWEEN 1 AND 1000000", name=op.f("reservation_lines_quantity_possible")),
        sa.ForeignKeyConstraint(
            ["customer_id", "reservation_id"],
            ["reservations.customer_id", "reservations.id"],
            name="reservation_lines_reservation_fkey",
        ),
        sa.PrimaryKeyConstraint("customer_id", "reservation_id", "line_no", name=op.f("reservation_lines_pkey")),
    )
    op.create_index(
        "reservation_lines_held_idx",
        "reservation_lines",
        ["product_id", "expires_at"],
        unique=False,
        postgresql_where=sa.text("is_held"),
    )
    op.create_table(
        "holders",
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("customer_id", name=op.f("holders_pkey")),
        comment="One row for each customer who ever reserved, locked while their reservations are counted.",
    )


def _create_keys() -> None:
    op.create_table(
        "idempotency_keys",
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(collation="C"), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("result_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("customer_id", "key", name=op.f("idempotency_keys_pkey")),
        comment="What each key made, an order or a reservation; kept for ever.",
    )


def _create_outbox() -> None:
    op.create_table(
        "stock_events",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=True),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("format", sa.SmallInteger(), nullable=False),
        sa.CheckConstraint("kind IN ('reservation_expired', 'stock_short')", name=op.f("stock_events_kind_known")),
        sa.PrimaryKeyConstraint("id", name=op.f("stock_events_pkey")),
        comment="Facts about stock that no order tells; rows are added, never changed.",
    )
    op.create_table(
        "outbox",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=True),
        sa.Column("seq", sa.Integer(), nullable=False, comment="of an order's event; 0: it is in stock_events"),
        sa.Column("at", _TIME, nullable=False, comment="when it happened"),
        sa.Column("due_at", _TIME, nullable=False, comment="not to be tried before"),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("is_dead", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("event_id", name=op.f("outbox_pkey")),
        comment="Events that others have still to be told.",
    )
    op.create_index("outbox_by_subject_idx", "outbox", ["subject_id", "seq", "event_id"], unique=False)
    op.create_index(
        "outbox_due_idx", "outbox", ["due_at", "event_id"], unique=False, postgresql_where=sa.text("NOT is_dead")
    )
