"""Bringing a database to the schema of this version, and telling whether it is there."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, select, text
from sqlalchemy.dialects.postgresql import insert as upsert

from shop_adapters.postgres.schema import shop_facts

SERVER_VERSION_MIN = 14
_LOCK_ID = 0x53686F70  # "Shop": two processes that migrate at once do so one after the other


class SchemaError(Exception):
    """The database cannot be used as it is: one line that says what it has and what to do."""


def migrate(engine: Engine, currency: str) -> tuple[str | None, str]:
    """Bring the database to the newest schema, or leave it as it is if it is there already.

    Args:
        engine: of the database.
        currency: ISO 4217 code, written down at the first time and never changed after.

    Returns:
        The revision before (None: the database was empty) and after.

    Raises:
        SchemaError: the server is too old, the schema is newer than this program, or the currency differs.
    """
    _check_server(engine)
    with engine.begin() as connection:
        connection.execute(text("SELECT pg_advisory_xact_lock(:id)"), {"id": _LOCK_ID})
        config = _config(connection)
        before = _revision(connection)
        _check_known(config, before)
        command.upgrade(config, "head")
        _settle_currency(connection, currency)
        return before, str(_revision(connection))


def check_schema(engine: Engine, currency: str) -> None:
    """Let only a database pass that this version can work on.

    Raises:
        SchemaError: it is too old, too new, or keeps prices in another currency.
    """
    _check_server(engine)
    with engine.begin() as connection:
        config = _config(connection)
        revision = _revision(connection)
        _check_known(config, revision)
        newest = ScriptDirectory.from_config(config).get_current_head()
        if revision != newest:
            has = f"at revision {revision}" if revision else "empty"
            raise SchemaError(f"the database is {has}, this version needs revision {newest}: run `shop migrate`")
        _check_currency(connection, currency)


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def _revision(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _check_known(config: Config, revision: str | None) -> None:
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if revision is not None and revision not in known:
        raise SchemaError(
            f"the database is at revision {revision}, which this version does not know: "
            "it was made by a newer one; install that version of shop"
        )


def _check_server(engine: Engine) -> None:
    with engine.connect() as connection:
        version = int(connection.execute(text("SHOW server_version_num")).scalar_one()) // 10_000
    if version < SERVER_VERSION_MIN:
        raise SchemaError(
            f"the database server is PostgreSQL {version}, this needs {SERVER_VERSION_MIN} or newer: "
            "upgrade it, or point SHOP_DATABASE_URL at another one"
        )


def _settle_currency(connection: Connection, currency: str) -> None:
    row = {"name": "currency", "value": currency}
    connection.execute(upsert(shop_facts).on_conflict_do_nothing(), row)
    _check_currency(connection, currency)


def _check_currency(connection: Connection, currency: str) -> None:
    kept = connection.execute(select(shop_facts.c.value).where(shop_facts.c.name == "currency")).scalar_one()
    if kept != currency:
        raise SchemaError(
            f"the prices in the database are in {kept}, the shop is set to {currency}: "
            f"set SHOP_CURRENCY={kept}, or use another database"
        )
