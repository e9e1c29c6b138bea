"""The composition root: the one place that knows which adapters there are."""

from __future__ import annotations

import contextlib
import os
import secrets
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from multiprocessing import parent_process
from multiprocessing.connection import wait

from sqlalchemy import Engine, make_url
from sqlalchemy.exc import DBAPIError

from shop_adapters.embedded import EmbeddedPostgres, EmbeddedPostgresError
from shop_adapters.postgres import PostgresAdapters, make_engine
from shop_adapters.postgres.durability import UnsafeServer, check_durability
from shop_adapters.postgres.errors import in_our_words
from shop_adapters.postgres.migrate import SchemaError, check_schema, migrate
from shop_core import Shop
from shop_core.errors import Unavailable
from shop_http.settings import Settings


class DatabaseError(Exception):
    """The database cannot be used: one line with its address and the next step."""


UNUSABLE_DATABASE = (EmbeddedPostgresError, DatabaseError, SchemaError, UnsafeServer)
"""Why a database cannot be used; each is one line that says what to do."""


@contextlib.contextmanager
def database(settings: Settings) -> Iterator[Settings]:
    """The settings with a database that answers: the one they name, or the embedded one, started if need be.

    Raises:
        EmbeddedPostgresError: the embedded one cannot be started.
        DatabaseError: the named one cannot be reached.
    """
    if settings.database_url:
        yield settings
        return
    with EmbeddedPostgres(settings.data_dir) as postgres:
        secret = settings.secret_key or _kept_secret(settings)
        yield replace(settings, database_url=postgres.url(), secret_key=secret)


def _kept_secret(settings: Settings) -> bytes:
    """The secret of an embedded shop: made at its first start, kept beside its data, readable by its owner only."""
    path = settings.data_dir / "secret_key"
    if not path.exists():
        # Written whole before it bears its name, so that no crash leaves half a secret; the first one wins.
        fresh = path.with_name(f"secret_key.{os.getpid()}")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(secrets.token_hex(32))
        with contextlib.suppress(FileExistsError):
            os.link(fresh, path)
        fresh.unlink()
    return path.read_bytes()


@contextlib.contextmanager
def engine_of(settings: Settings) -> Iterator[Engine]:
    """A pool of connections to the database, one of which answered.

    Raises:
        DatabaseError: it cannot be reached, or refuses this user, also later on.
        UnsafeServer: it may lose what it acknowledged, and the settings do not allow that by name.
    """
    engine = make_engine(settings.database_url, connections=settings.connections)
    address = make_url(settings.database_url).render_as_string(hide_password=True)
    try:
        check_durability(engine, settings.allow_unsafe)
        yield engine
    except DBAPIError as error:
        reason = " ".join(str(error.orig).split())
        raise DatabaseError(
            f"cannot use the database {address}: {reason}:"
            " start it, grant what is missing, or correct SHOP_DATABASE_URL"
        ) from error
    finally:
        engine.dispose()


@contextlib.contextmanager
def open_shop(settings: Settings) -> Iterator[Shop]:
    """A shop on the database of `settings`; an embedded database is brought to the newest schema first.

    Raises:
        EmbeddedPostgresError, DatabaseError, SchemaError, UnsafeServer: the database cannot be used.
    """
    with database(settings) as located, engine_of(located) as engine:
        if not settings.database_url:
            migrate(engine, located.currency)
        check_schema(engine, located.currency)
        yield Shop(PostgresAdapters(engine, located.secret_key, currency=located.currency))


def migrate_database(settings: Settings) -> tuple[str | None, str]:
    """Bring the database of `settings` to the newest schema: its revision before (None: empty) and after.

    Raises:
        EmbeddedPostgresError, DatabaseError, SchemaError, UnsafeServer: the database cannot be used.
    """
    with database(settings) as located, engine_of(located) as engine:
        return migrate(engine, located.currency)


def worker_app() -> object:
    """The ASGI application of one worker process, from its environment. The server calls this in each worker."""
    from shop_http.app import create_app

    _end_with_parent()
    settings = Settings.read(os.environ, {})
    engine = make_engine(settings.database_url, connections=settings.connections)
    adapters = PostgresAdapters(engine, settings.secret_key, currency=settings.currency)
    return create_app(
        Shop(adapters),
        ready=_readiness(engine, settings),
        public_catalog=settings.public_catalog,
        threads=settings.connections,
        base_url=settings.base_url or None,
    )


def _readiness(engine: Engine, settings: Settings) -> Callable[[], None]:
    def ready() -> None:
        try:
            with in_our_words():
                check_schema(engine, settings.currency)
        except SchemaError as wrong:
            raise Unavailable(f"The shop is not ready: {wrong}.") from wrong

    return ready


def _end_with_parent() -> None:
    """End this worker when the process that started it is gone, even by `kill -9`: nobody else would stop it."""
    parent = parent_process()
    if parent is None:
        return

    def watch() -> None:
        wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()
