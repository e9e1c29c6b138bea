"""Accounts, their sessions, and guesses of passwords."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, LargeBinary, Table, Text, UniqueConstraint, Uuid, text
from sqlalchemy.dialects.postgresql import TSVECTOR

from shop_adapters.postgres.schema.base import STALE_SEARCH, CodePoints, Time, metadata, one_of
from shop_core.accounts.model import Role

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
    Column("confirmed_email", CodePoints, nullable=False, server_default="", comment="an address that a mail reached"),
    UniqueConstraint("username_key"),
    one_of("role", Role),
    Index("accounts_search_idx", "search", postgresql_using="gin"),
    Index("accounts_stale_search_idx", "id", postgresql_where=text(STALE_SEARCH)),
    Index("accounts_by_role_idx", "role", "username_key"),
    Index("accounts_inactive_idx", "username_key", postgresql_where=text("NOT active")),
    Index("accounts_confirmed_email_idx", "confirmed_email", postgresql_where=text("confirmed_email <> ''")),
)

refresh_tokens = Table(
    "refresh_tokens",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("family_id", Uuid, nullable=False, index=True),
    # No foreign key: the tokens of an erased account stay for an hour, so that every process learns of their end.
    Column("account_id", Uuid, nullable=False, index=True),
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
