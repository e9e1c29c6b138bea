"""The role as which the shop works on its database: it may do what the shop does, and no more.

It cannot change the schema. It can add stock movements and events, and never change or delete them: not by a fault in
the shop, nor by somebody who has its password. Only the words of events can be erased, for a person who leaves.
"""

from __future__ import annotations

import re

from sqlalchemy import Connection, Engine, text

from shop_adapters.postgres.migrate import SchemaError
from shop_adapters.postgres.schema import metadata, order_events, shop_facts, stock_events, stock_movements

ADDED_TO = frozenset({stock_movements.name, order_events.name, stock_events.name})
"""Tables whose rows are never changed or deleted."""

READ = frozenset({shop_facts.name, "alembic_version"})
"""Tables that only migrations write."""

_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")
_ROLE = text("SELECT rolsuper, rolname = current_user FROM pg_roles WHERE rolname = :name")
_OWNED = text("SELECT count(*) FROM pg_tables WHERE schemaname = current_schema() AND tableowner = :name")


def grant_application_role(engine: Engine, name: str) -> bool:
    """Grant the role `name` what the shop does in this database, and revoke everything else.

    Run it again after each migration, for its new tables.

    Args:
        engine: of the database, as the owner of its tables; to create the role, as a user who may do that.
        name: of the role. A new role can log in and has no password: set one.

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
        connection.execute(text(f'GRANT UPDATE (reason) ON TABLE {schema}."{order_events.name}" TO "{name}"'))
        return is_new


def _rights(table: str) -> str:
    if table in READ:
        return "SELECT"
    return "SELECT, INSERT" if table in ADDED_TO else "SELECT, INSERT, UPDATE, DELETE"


def _check_harmless(connection: Connection, name: str) -> None:
    """Raise if the role is a superuser or an owner: their rights cannot be revoked."""
    role = connection.execute(_ROLE, {"name": name}).one_or_none()
    if role is not None and (role[0] or role[1] or connection.execute(_OWNED, {"name": name}).scalar_one()):
        raise SchemaError(f"{name} is a superuser or owns the tables, and can do everything: choose another name")
