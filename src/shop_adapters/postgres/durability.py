"""Whether the server keeps what it says that it keeps."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Engine, bindparam, text

NEEDED = ("fsync", "full_page_writes", "synchronous_commit")
"""Settings of PostgreSQL without which an order that was acknowledged can be lost, or its table be damaged."""

_VALUES = text("SELECT name, setting FROM pg_settings WHERE name IN :names ORDER BY name").bindparams(
    bindparam("names", NEEDED, expanding=True)
)


class UnsafeServer(Exception):
    """The server may forget what it acknowledged: one line that names the setting and says what to do."""


def check_durability(engine: Engine, allowed: Collection[str] = ()) -> None:
    """Let only a server pass that writes to disk before it says so.

    Args:
        engine: its database, as the shop uses it: `synchronous_commit` can be set for a user or a database.
        allowed: names of settings that may be off nevertheless.

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
