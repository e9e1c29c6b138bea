"""What a running shop needs: facts that must not change, messages, tasks."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Integer, Table, Text, Uuid, text

from shop_adapters.postgres.schema.base import Time, metadata

shop_facts = Table(
    "shop_facts",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
    comment="What must never change under a running shop, such as its currency.",
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

mails = Table(
    "mails",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("at", Time, nullable=False, comment="when what it reports happened, or was asked for"),
    Column("account_id", Uuid, comment="whose mail it is; null: of whoever confirmed the address"),
    Column("address", Text, nullable=False, comment="of a forgotten password, or to be confirmed"),
    Column("order_id", Uuid),
    Column("due_at", Time, nullable=False, comment="not to be tried before"),
    Column("attempts", Integer, nullable=False),
    Column("error", Text, nullable=False),
    Column("is_dead", Boolean, nullable=False),
    Index("mails_due_idx", "due_at", "id", postgresql_where=text("NOT is_dead")),
    comment="Mails that are still to be sent.",
)

tasks = Table(
    "tasks",
    metadata,
    Column("name", Text, primary_key=True),
    comment="A row for each task that one process at a time is at: its lock.",
)
