"""The role as which the shop works on its database: it may do what the shop does, and no more.

It cannot change the schema, and what happened it can only add to: stock movements and events are never changed or
deleted, not even by a fault in the shop or by somebody who got hold of its password.
"""

from __future__ import annotations

import re

from sqlalchemy import Connection, Engine, text

from shop_adapters.postgres.migrate import SchemaError
from shop_adapters.postgres.schema import metadata, order_events, shop_facts, stock_events, stock_movements

ADDED_TO = frozenset({stock_movements.name, order_events.name, stock_events.name})
"""Tables whose rows are never changed or deleted."""

READ = frozenset({shop_facts.name, "alembic_version"})
"""Tables that migrations write, and nobody else."""

_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")
_ROLE = text("SELECT rolsuper, rolname = current_user FROM pg_roles WHERE rolname = :name")
_OWNED = text("SELECT count(*) FROM pg_tables WHERE schemaname = current_schema() AND tableowner = :name")


def grant_application_role(engine: Engine, name: str) -> bool:
    """Let the role `name` do what the shop does in this database, and take from it what goes beyond.

    Run it again after each migration, for tables that are new.

    Args:
        engine: of the database, as the owner of its tables; as one who may create roles, if there is none yet.
        name: of the role. A new one can log in and has no password: give it one.

    Returns:
        Whether the role was created.

    Raises:
        SchemaError: the name cannot be one, or belongs to a superuser or to the owner of the tables.
    """
    if not _NAME.fullmatch(name):
        raise SchemaError(f"{name!r} cannot be the application role: use small letters, digits and _")
    with engine.begin() as connection:
        _check_harmless(connection, name)
        is_new = connection.execute(_ROLE, {"name": name}).one_or_none() is None
        if is_new:
            connection.execute(text(f'CREATE ROLE "{name}" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE'))
        schema = connection.execute(text("SELECT quote_ident(current_schema())")).scalar_one()
        for statement in (
            f"REVOKE CREATE ON SCHEMA {schema} FROM PUBLIC",  # PostgreSQL 14 lets everybody
            f'REVOKE ALL ON SCHEMA {schema} FROM "{name}"',
            f'REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM "{name}"',
            f'GRANT USAGE ON SCHEMA {schema} TO "{name}"',
        ):
            connection.execute(text(statement))
        for table in sorted({"alembic_version", *metadata.tables}):
            connection.execute(text(f'GRANT {_rights(table)} ON TABLE {schema}."{table}" TO "{name}"'))
        return is_new


def _rights(table: str) -> str:
    if table in READ:
        return "SELECT"
    return "SELECT, INSERT" if table in ADDED_TO else "SELECT, INSERT, UPDATE, DELETE"


def _check_harmless(connection: Connection, name: str) -> None:
    """Rights cannot be taken from a superuser, nor from an owner."""
    role = connection.execute(_ROLE, {"name": name}).one_or_none()
    if role is not None and (role[0] or role[1] or connection.execute(_OWNED, {"name": name}).scalar_one()):
        raise SchemaError(f"{name} is a superuser or owns the tables, and can do everything: choose another name")
