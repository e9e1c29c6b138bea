"""Brings a database to the schema of this version, and checks that it has it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import Connection, Engine, select, text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import OperationalError

from shop_adapters.postgres.catalog_version import renew
from shop_adapters.postgres.database import DEADLOCK, LOCK_NOT_AVAILABLE, TransactionTimeouts, transaction
from shop_adapters.postgres.late_indexes import build_indexes
from shop_adapters.postgres.schema import shop_facts
from shop_adapters.postgres.search import REFRESHED_MAX, refresh_search
from shop_adapters.postgres.watchdog import watched

if TYPE_CHECKING:
    from alembic.config import Config

SERVER_VERSION_MIN = 14
ANSWER_S = 5.0
"""How long the checks of the schema may take."""
MIGRATIONS = Path(__file__).with_name("migrations")
REVISIONS = sorted(file.name.partition("_")[0] for file in MIGRATIONS.glob("versions/[0-9]*_*.py"))
"""All revisions, oldest first, by the names of their files: Alembic is loaded only to migrate."""
WORKS_WITH = "0005"
"""Code of this revision and of later ones works on the newest schema: nothing that it needs was taken away, and nothing
is asked of it that it does not know. A migration that breaks that raises it; a test compares. It is stored, so that
older servers know whether they can go on beside new ones."""
LOCK_MS = 500
"""How long a migration waits for a table that servers use meanwhile, before it gives way and starts again: no request
waits longer for its tables than that and what it takes to change them."""
DEADLOCK_MS = 10
"""A request that has waited for a table of the migration for 1 s looks for a deadlock, and ends itself if the migration
waits for one of its own. So the migration looks much earlier than that. Only a superuser may say so: for others, one
request may be 503 in rare cases."""
TRIES_MAX, PAUSE_S = 60, 0.5
_LOCK_ID = 0x53686F70  # "Shop": two processes that migrate at the same time do so one after the other


class SchemaError(Exception):
    """The database cannot be used as it is: one line that says why, and what to do."""


def migrate(engine: Engine, currency: str, *, includes_tax: bool = True) -> tuple[str | None, str]:
    """Bring the database to the newest schema; change nothing if it has it already.

    Args:
        engine: of the database.
        currency: ISO 4217 code, stored by the first migration and never changed after it.
        includes_tax: whether prices are gross; the same holds for it.

    Returns:
        The revision before (None: the database was empty) and the one after.

    Raises:
        SchemaError: the server is too old, the schema is newer than this program, the currency or the kind of
            prices differs, or others kept the tables in use.
    """
    for tries_left in reversed(range(TRIES_MAX)):
        try:
            with engine.begin() as connection:
                lock_schema(connection)
                before = revision_of(connection)
                if before is not None and before not in REVISIONS:
                    raise _newer(before)
                _give_way(connection)
                bring_up(connection, currency, includes_tax=includes_tax)
            break
        except OperationalError as error:
            if getattr(error.orig, "sqlstate", None) not in (LOCK_NOT_AVAILABLE, DEADLOCK):
                raise
            if not tries_left:
                message = "the tables are in use all the time, nothing was changed: run `shop migrate` again"
                raise SchemaError(message) from error
        time.sleep(PAUSE_S)
    complete(engine)
    return before, REVISIONS[-1]


def lock_schema(connection: Connection) -> None:
    """Be the only one who changes the schema, until the transaction ends.

    Raises:
        SchemaError: the server is too old.
    """
    check_server(connection)
    connection.execute(text("SELECT pg_advisory_xact_lock(:id)"), {"id": _LOCK_ID})


def _give_way(connection: Connection) -> None:
    """Let requests of servers go first."""
    connection.execute(text(f"SET LOCAL lock_timeout = {LOCK_MS}"))
    if connection.execute(text("SELECT current_setting('is_superuser')")).scalar_one() == "on":
        connection.execute(text(f"SET LOCAL deadlock_timeout = {DEADLOCK_MS}"))


def bring_up(connection: Connection, currency: str, *, includes_tax: bool) -> None:
    """What `migrate` does in its transaction; else as there."""
    if revision_of(connection) != REVISIONS[-1]:
        upgrade(connection, REVISIONS[-1])
    facts = _facts(currency, includes_tax)
    connection.execute(upsert(shop_facts).on_conflict_do_nothing(), facts)
    _check_facts(connection, facts)
    works_with = upsert(shop_facts).values(name="works_with", value=WORKS_WITH)
    connection.execute(works_with.on_conflict_do_update(index_elements=["name"], set_={"value": WORKS_WITH}))


def complete(engine: Engine) -> None:
    """What `migrate` does after its transaction, as it takes long and locks nothing."""
    build_indexes(engine)
    while refresh_search(engine) >= REFRESHED_MAX:
        pass
    with transaction(engine, TransactionTimeouts()) as opened:
        renew(opened, is_forced=False)


def check_schema(engine: Engine, currency: str, *, includes_tax: bool = True) -> None:
    """Raise unless this version can work on the database: it is at this version's revision, or at a later one whose
    migration says that this version may go on.

    Raises:
        SchemaError: it is too old, too new, or keeps prices in another currency, or net ones as gross.
    """
    with engine.begin() as connection, watched(cast("Any", connection.connection.driver_connection), ANSWER_S):
        check_server(connection)
        revision = revision_of(connection)
        if revision is not None and revision not in REVISIONS:
            works_with = select(shop_facts.c.value).where(shop_facts.c.name == "works_with")
            if (connection.execute(works_with).scalar_one_or_none() or revision) > REVISIONS[-1]:
                raise _newer(revision)
        elif revision != REVISIONS[-1]:
            has = f"at revision {revision}" if revision else "empty"
            raise SchemaError(f"the database is {has}, this version needs revision {REVISIONS[-1]}: run `shop migrate`")
        _check_facts(connection, _facts(currency, includes_tax))


def upgrade(connection: Connection, revision: str) -> None:
    """Bring the schema up to a revision, in the transaction of `connection`."""
    from alembic import command

    command.upgrade(_config(connection), revision)


def _config(connection: Connection) -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def revision_of(connection: Connection) -> str | None:
    """The revision of the database, in the table that Alembic keeps; None: it is empty."""
    if connection.execute(text("SELECT to_regclass('alembic_version')")).scalar_one() is None:
        return None
    revision: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()
    return revision


def _newer(revision: str) -> SchemaError:
    return SchemaError(
        f"the database is at revision {revision}, which this version does not know: "
        "it was made by a newer one; install that version of shop"
    )


def check_server(connection: Connection) -> None:
    """Raise SchemaError if the server is too old."""
    version = int(connection.execute(text("SHOW server_version_num")).scalar_one()) // 10_000
    if version < SERVER_VERSION_MIN:
        raise SchemaError(
            f"the database server is PostgreSQL {version}, this needs {SERVER_VERSION_MIN} or newer: "
            "upgrade it, or point SHOP_DATABASE_URL at another one"
        )


def _facts(currency: str, includes_tax: bool) -> list[dict[str, str]]:
    """What a shop can never change, by the name of its setting."""
    prices = "gross" if includes_tax else "net"
    return [{"name": "currency", "value": currency}, {"name": "prices", "value": prices}]


def _check_facts(connection: Connection, facts: list[dict[str, str]]) -> None:
    rows = connection.execute(select(shop_facts.c.name, shop_facts.c.value))
    kept = {"prices": "gross"} | {row.name: row.value for row in rows}  # once there were no others
    for fact in facts:
        name, value = fact["name"], fact["value"]
        if kept[name] != value:
            raise SchemaError(
                f"the prices in the database are in {kept[name]}, the shop is set to {value}: "
                f"set SHOP_{name.upper()}={kept[name]}, or use another database"
            )
