"""Checks that the server writes to disk what it acknowledges."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Engine, bindparam, text

NEEDED = ("fsync", "full_page_writes", "synchronous_commit")
"""Settings of PostgreSQL that must be on: else acknowledged orders can be lost, or tables be damaged."""

_VALUES = text("SELECT name, setting FROM pg_settings WHERE name IN :names ORDER BY name").bindparams(
    bindparam("names", NEEDED, expanding=True)
)


class UnsafeServer(Exception):
    """The server may lose what it acknowledged: one line that names the setting and says what to do."""


def check_durability(engine: Engine, allowed: Collection[str] = ()) -> None:
    """Raise unless the server writes to disk before it acknowledges a commit.

    Args:
        engine: its database, as the shop uses it: `synchronous_commit` can be set for a user or a database.
        allowed: names of settings that may be off all the same.

    Raises:
        UnsafeServer: one of `NEEDED` is off and not allowed to be.
    """
    with engine.connect() as connection:
        off = [name for name, value in connection.execute(_VALUES) if value == "off" and name not in allowed]
    if off:
        names = ", ".join(off)
        raise UnsafeServer(
            f"the database has {names} off and can lose acknowledged orders in a crash: switch {names} on,"
            f" or accept the loss with SHOP_ALLOW_UNSAFE={','.join(off)}"
        )
