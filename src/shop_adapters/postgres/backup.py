"""The whole database as one file, and back: written by `COPY`, so every PostgreSQL from 14 on reads what another wrote.

The file is a ZIP archive: `manifest.json`, and `tables/NAME` for each table, as `COPY` writes it. `pg_dump` would have
to be installed, as new as the server; and what it writes for PostgreSQL 18 an older server does not take. The schema is
not in the file: the migrations make it, at the revision of the backup, and then go on to the newest.
"""

from __future__ import annotations

import json
import shutil
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import IO, Any
from zipfile import ZIP_DEFLATED, BadZipFile, ZipFile

from psycopg import DataError, IntegrityError, sql
from psycopg.errors import UndefinedColumn, UndefinedTable
from sqlalchemy import Connection, Engine, text

from shop_adapters.postgres.migrate import REVISIONS, bring_up, complete, lock_schema, revision_of, upgrade
from shop_adapters.postgres.schema import metadata
from shop_adapters.postgres.watchdog import NO_LIMIT

FORMAT = 1
_MANIFEST = "manifest.json"
_CHUNK_BYTES = 1 << 20
_COLUMNS = text(
    "SELECT column_name FROM information_schema.columns"
    " WHERE table_schema = current_schema() AND table_name = :table AND is_generated = 'NEVER'"
    " ORDER BY ordinal_position"
)
# A role that may not read all statistics sees of others' sessions neither the type nor the query, but the user.
_OTHERS = text("""
SELECT count(*)
FROM pg_stat_activity
WHERE datname = current_database() AND usesysid IS NOT NULL AND pid <> pg_backend_pid()
  AND coalesce(backend_type, 'client backend') = 'client backend'
""")
_DAMAGE = (BadZipFile, KeyError, EOFError, zlib.error, DataError, IntegrityError, UndefinedColumn, UndefinedTable)
_DATESTYLE = text("SET LOCAL datestyle = 'ISO'")  # times are written in a form that has one meaning


class BackupError(Exception):
    """A backup cannot be made or restored: one line that says why, and what to do. Nothing was changed."""


@dataclass(frozen=True, slots=True)
class BackupTable:
    """A table in a backup."""

    name: str
    columns: tuple[str, ...]
    rows: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup says of itself.

    Args:
        made_at: when; the tables are as they were at this moment.
        revision: of the schema.
        tables: in the order in which they can be filled.
    """

    made_at: datetime
    revision: str
    tables: tuple[BackupTable, ...]

    @property
    def rows(self) -> int:
        """Of all tables."""
        return sum(table.rows for table in self.tables)


def back_up(engine: Engine, file: IO[bytes], done: Callable[[int, int], None] = lambda _, __: None) -> Manifest:
    """Write everything to a file, as of one moment. The shop may go on meanwhile.

    Args:
        engine: of the database.
        file: gets the archive.
        done: told how many tables of how many are written.

    Raises:
        BackupError: the database has another schema than this version knows.
        OSError: the file cannot be written.
    """
    with engine.connect().execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True) as connection:
        for setting in (NO_LIMIT, _DATESTYLE):
            connection.execute(setting)
        revision = revision_of(connection)
        if revision not in REVISIONS:
            has = f"at revision {revision}, which this version does not know" if revision else "empty"
            raise BackupError(f"the database is {has}: name another one, or use the version of shop that made it")
        made_at = connection.execute(text("SELECT clock_timestamp()")).scalar_one().astimezone(UTC)
        tables = []
        with ZipFile(file, "w", ZIP_DEFLATED, compresslevel=1) as archive:
            names = [table.name for table in metadata.sorted_tables]
            for number, name in enumerate(names):
                done(number, len(names))
                if columns := tuple(connection.execute(_COLUMNS, {"table": name}).scalars()):
                    tables.append(BackupTable(name, columns, _write(connection, archive, name, columns)))
            manifest = Manifest(made_at, revision, tuple(tables))
            archive.writestr(_MANIFEST, json.dumps({"format": FORMAT, **asdict(manifest)}, default=datetime.isoformat))
        done(len(names), len(names))
    return manifest


def _write(connection: Connection, archive: ZipFile, name: str, columns: tuple[str, ...]) -> int:
    """Write one table; how many rows it has."""
    query = sql.SQL("COPY {} ({}) TO STDOUT").format(sql.Identifier(name), _names(columns))
    with _cursor(connection) as cursor, archive.open(_member(name), "w", force_zip64=True) as member:
        with cursor.copy(query) as copy:
            for data in copy:
                member.write(data)
        return int(cursor.rowcount)


def read_manifest(archive: ZipFile) -> Manifest:
    """What the archive says of itself.

    Raises:
        BackupError: it was made by a newer version.
        KeyError, BadZipFile: it is not a backup of a shop.
    """
    try:
        said = json.loads(archive.read(_MANIFEST))
        if said["format"] != FORMAT or said["revision"] not in REVISIONS:
            raise BackupError("the backup was made by a newer version of shop: install that one")
        tables = [BackupTable(table["name"], tuple(table["columns"]), table["rows"]) for table in said["tables"]]
        return Manifest(datetime.fromisoformat(said["made_at"]), said["revision"], tuple(tables))
    except (ValueError, TypeError) as error:
        raise BadZipFile(f"{_MANIFEST} is none") from error


def restore(
    engine: Engine,
    file: IO[bytes],
    currency: str,
    *,
    includes_tax: bool = True,
    replace: bool = False,
    done: Callable[[int, int], None] = lambda _, __: None,
) -> Manifest:
    """Bring a database to what a backup has, in one transaction: whole or not at all.

    Args:
        engine: of the database.
        file: an archive of `back_up`.
        currency: of the shop, see `migrate`; includes_tax as well.
        replace: whether data that are there may go.
        done: told how many tables of how many are filled.

    Raises:
        BackupError: the file is damaged, not a backup, or made by a newer version; or the database has data, or is in
            use.
        SchemaError: the server is too old, or the currency or the kind of prices differs.
    """
    with _undamaged(), ZipFile(file) as archive:
        manifest = read_manifest(archive)
        with engine.begin() as connection:
            for setting in (NO_LIMIT, _DATESTYLE):
                connection.execute(setting)
            lock_schema(connection)
            _clear(connection, replace=replace)
            upgrade(connection, manifest.revision)
            tables = sql.SQL(", ").join(sql.Identifier(table.name) for table in manifest.tables)
            with _cursor(connection) as cursor:  # migrations wrote a row or two
                cursor.execute(sql.SQL("TRUNCATE {}").format(tables))
            for number, table in enumerate(manifest.tables):
                done(number, len(manifest.tables))
                _read(connection, archive, table)
            bring_up(connection, currency, includes_tax=includes_tax)
        complete(engine)
        done(len(manifest.tables), len(manifest.tables))
    return manifest


def _clear(connection: Connection, *, replace: bool) -> None:
    """Take away what is there.

    Raises:
        BackupError: it is a shop's and may not go, or somebody uses it.
    """
    names = [table.name for table in metadata.sorted_tables]
    there = [name for name in names if connection.execute(text("SELECT to_regclass(:name)"), {"name": name}).scalar()]
    if not there:
        return
    if others := connection.execute(_OTHERS).scalar_one():
        raise BackupError(f"the database is in use by {others} other connections: stop the servers first")
    if not replace and any(_has_rows(connection, name) for name in ("accounts", "products", "orders") if name in there):
        raise BackupError("the database has data: name an empty one, or say --replace to lose them")
    with _cursor(connection) as cursor:
        for name in (*there, "alembic_version"):
            cursor.execute(sql.SQL("DROP TABLE IF EXISTS {} CASCADE").format(sql.Identifier(name)))


def _has_rows(connection: Connection, name: str) -> bool:
    with _cursor(connection) as cursor:
        return bool(cursor.execute(sql.SQL("SELECT FROM {} LIMIT 1").format(sql.Identifier(name))).fetchall())


def _read(connection: Connection, archive: ZipFile, table: BackupTable) -> None:
    """Fill one table.

    Raises:
        BackupError: it has fewer or more rows than the manifest says.
    """
    query = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table.name), _names(table.columns))
    with _cursor(connection) as cursor, archive.open(_member(table.name)) as member:
        with cursor.copy(query) as copy:
            shutil.copyfileobj(member, copy, _CHUNK_BYTES)
        if cursor.rowcount != table.rows:
            raise BackupError(f"the backup is damaged: {table.name} has {cursor.rowcount} rows, not {table.rows}")


@contextmanager
def _undamaged() -> Iterator[None]:
    """An archive that cannot be read is a damaged backup."""
    try:
        yield
    except _DAMAGE as error:
        raise BackupError("the file is not a backup of a shop, or it is damaged: name another one") from error


def _cursor(connection: Connection) -> Any:
    driver: Any = connection.connection.driver_connection
    return driver.cursor()


def _names(columns: tuple[str, ...]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, columns))


def _member(table: str) -> str:
    return f"tables/{table}"
