"""The database of the shop: the embedded one or one that the settings name, and a shop on it.

Nothing of the server is imported here: a command that does one thing should not wait for it.
"""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import IO, Any

import psycopg
from sqlalchemy import Engine, make_url
from sqlalchemy.exc import DBAPIError

from shop_adapters.breached_passwords import BreachedPasswords
from shop_adapters.embedded import EmbeddedPostgres, EmbeddedPostgresError, kept_running
from shop_adapters.observation import ObserveStatements
from shop_adapters.postgres import PostgresAdapters, make_engine
from shop_adapters.postgres.backup import BackupError, Manifest, back_up, restore
from shop_adapters.postgres.database import translate_errors
from shop_adapters.postgres.durability import UnsafeServer, check_durability
from shop_adapters.postgres.exports import Exported, ExportedProducts, exported, exported_products
from shop_adapters.postgres.migrate import SchemaError, check_schema, migrate
from shop_adapters.postgres.outbox import has_relay, note_relay
from shop_adapters.postgres.roles import grant_application_role
from shop_core import Shop
from shop_core.accounts.passwords import IsBreached, never_breached
from shop_core.accounts.sessions import SessionLives
from shop_core.errors import Unavailable
from shop_core.ports import Adapters
from shop_core.reservations.model import ReservationLimits
from shop_http.server.optional import has_media_packages, media_of
from shop_http.server.setting_rules import SECRET_BYTES_MIN
from shop_http.server.settings import Settings, SettingsError

_logger = logging.getLogger("shop_http")


PRODUCTS = "products"
EXPORTS = [PRODUCTS, *(what.value for what in Exported)]
"""What can be exported, see `exported_catalog` and `exported_rows`."""


class DatabaseError(Exception):
    """The database cannot be used: one line with its address and the next step."""


UNUSABLE_DATABASE = (EmbeddedPostgresError, DatabaseError, SchemaError, UnsafeServer, BackupError)
"""Why a database cannot be used; each is one line that says what to do."""


@contextlib.contextmanager
def database(
    settings: Settings, *, create: bool = False, on_death: Callable[[str], None] | None = None
) -> Iterator[Settings]:
    """The settings with a database that answers: the one they name, or the embedded one, started if need be.

    Args:
        settings: which one.
        create: whether an embedded one is made where there is none.
        on_death: keep the embedded one running, for whoever stays for long: when it dies it is started again, and
            this gets a line about it.

    Raises:
        EmbeddedPostgresError: the embedded one cannot be started, or there is none.
        DatabaseError: the named one cannot be reached.
    """
    if settings.database_url:
        yield settings
        return
    with contextlib.ExitStack() as inside:
        postgres = inside.enter_context(EmbeddedPostgres(settings.data_dir, create=create))
        if on_death:
            inside.enter_context(kept_running(postgres, on_death))
        secret = settings.secret_key or kept_secret(settings.data_dir)
        media = settings.media or (str(settings.data_dir / "media") if has_media_packages() else "")
        yield replace(settings, database_url=postgres.url(), secret_key=secret, media=media)


def kept_secret(data_dir: Path) -> bytes:
    """The secret of an embedded shop: made at its first start, kept beside its data, readable by its owner only.

    Raises:
        SettingsError: it was damaged, or is no file of its own.
    """
    path = data_dir / "secret_key"
    if not path.exists():
        # Written whole, and to the disk, before it bears its name: no crash leaves half a secret. The first one wins.
        with tempfile.NamedTemporaryFile("w", prefix="secret_key.", dir=data_dir) as file:  # a new file, mode 0600
            file.write(secrets.token_hex(32))
            file.flush()
            os.fsync(file.fileno())
            with contextlib.suppress(FileExistsError):
                os.link(file.name, path)
        with _opened(data_dir, os.O_RDONLY | os.O_DIRECTORY) as directory:
            os.fsync(directory)
    try:
        with _opened(path, os.O_RDONLY | os.O_NOFOLLOW) as descriptor:
            secret = os.read(descriptor, 4096)
            if os.fstat(descriptor).st_mode & 0o077:
                os.fchmod(descriptor, 0o600)
                _logger.warning(
                    "%s was open to other users: its mode is 600 again; replace it unless you trust them", path
                )
    except OSError as refusal:
        line = f"{path} cannot be read: {refusal.strerror}: make it a file of your own, or set SHOP_SECRET_KEY_FILE"
        raise SettingsError(line) from refusal
    if len(secret) < SECRET_BYTES_MIN:
        raise SettingsError(
            f"{path} has {len(secret)} bytes, a secret has at least {SECRET_BYTES_MIN}: restore it from a backup,"
            " or remove it, which logs everybody out"
        )
    return secret


@contextlib.contextmanager
def _opened(path: Path, flags: int) -> Iterator[int]:
    descriptor = os.open(path, flags)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def engine_of(settings: Settings) -> Iterator[Engine]:
    """A pool of connections to the database, one of which answered.

    Raises:
        DatabaseError: it cannot be reached, or refuses this user, also later on.
        UnsafeServer: it may lose what it acknowledged, and the settings do not allow that by name.
    """
    engine = make_pool(settings, settings.connections)
    address = make_url(settings.database_url).render_as_string(hide_password=True)
    try:
        check_durability(engine, settings.allow_unsafe)
        yield engine
    except (DBAPIError, psycopg.Error) as error:
        reason = " ".join(str(error.orig if isinstance(error, DBAPIError) else error).split())
        raise DatabaseError(
            f"cannot use the database {address}: {reason}:"
            " start it, grant what is missing, or correct SHOP_DATABASE_URL"
        ) from error
    finally:
        engine.dispose()


def make_pool(settings: Settings, connections: int) -> Engine:
    """So many connections to the database that the settings name."""
    return make_engine(settings.database_url, connections=connections, prepare_threshold=settings.prepare_threshold)


def migrate_database(settings: Settings, app_role: str | None = None) -> tuple[str | None, str]:
    """Bring the database of `settings` to the newest schema: its revision before (None: empty) and after.

    Args:
        settings: which one.
        app_role: see `grant_application_role`; None: leave the roles alone.

    Raises:
        EmbeddedPostgresError, DatabaseError, SchemaError, UnsafeServer: the database cannot be used.
    """
    with database(settings, create=True) as located, engine_of(located) as engine:
        revisions = migrate(engine, located.currency, includes_tax=located.prices == "gross")
        if app_role is not None:
            grant_application_role(engine, app_role)
        return revisions


def back_up_database(settings: Settings, file: IO[bytes], done: Callable[[int, int], None]) -> Manifest:
    """See `back_up`; it raises what `migrate_database` does, too."""
    with database(settings) as located, engine_of(located) as engine:
        return back_up(engine, file, done)


def restore_database(
    settings: Settings, file: IO[bytes], done: Callable[[int, int], None], *, replace: bool
) -> Manifest:
    """See `restore`; it raises what `migrate_database` does, too."""
    with database(settings, create=True) as located, engine_of(located) as engine:
        is_gross = located.prices == "gross"
        return restore(engine, file, located.currency, includes_tax=is_gross, replace=replace, done=done)


@contextlib.contextmanager
def exported_rows(settings: Settings, what: str) -> Iterator[tuple[Sequence[str], Iterator[Sequence[Any]]]]:
    """See `exported`; it raises what `open_shop` does, too."""
    with _exporting(settings) as (engine, currency), exported(engine, Exported(what), currency) as columns_and_rows:
        yield columns_and_rows


@contextlib.contextmanager
def exported_catalog(settings: Settings) -> Iterator[ExportedProducts]:
    """See `exported_products`; it raises what `open_shop` does, too."""
    with _exporting(settings) as (engine, currency), exported_products(engine, currency) as catalog:
        yield catalog


@contextlib.contextmanager
def _exporting(settings: Settings) -> Iterator[tuple[Engine, str]]:
    with database(settings) as located, engine_of(located) as engine:
        check_schema(engine, located.currency, includes_tax=located.prices == "gross")
        yield engine, located.currency


def readiness(engine: Engine, settings: Settings, *checks: Callable[[], object]) -> Callable[[], None]:
    """Raises Unavailable for as long as the database is not there, or not as this version needs it.

    Args:
        checks: raise what the database raises while something else cannot be served.
    """

    def ready() -> None:
        try:
            with translate_errors():
                for check in checks:
                    check()
                check_schema(engine, settings.currency, includes_tax=settings.prices == "gross")
        except SchemaError as wrong:
            raise Unavailable(f"The shop is not ready: {wrong}.") from wrong

    return ready


@contextlib.contextmanager
def open_shop(settings: Settings, *, create: bool = False, is_server: bool = False) -> Iterator[Shop]:
    """A shop on the database of `settings`; an embedded database is brought to the newest schema first.

    Its events are put into the outbox also if only the server publishes some: a command may lack its settings.

    Args:
        create: whether an embedded database is made where there is none.
        is_server: whether a server is about to start, whose settings say whether events are published.

    Raises:
        EmbeddedPostgresError, DatabaseError, SchemaError, UnsafeServer: the database cannot be used.
    """
    with database(settings, create=create) as located, engine_of(located) as engine:
        if not settings.database_url:
            migrate(engine, located.currency, includes_tax=located.prices == "gross")
        check_schema(engine, located.currency, includes_tax=located.prices == "gross")
        if is_server:
            note_relay(engine, is_there=settings.events != "none")
        yield shop_of(adapters_of(engine, located, has_outbox=has_relay(engine)), located)


def adapters_of(
    engine: Engine, settings: Settings, observe: ObserveStatements | None = None, *, has_outbox: bool = False
) -> PostgresAdapters:
    """What a shop needs, on a database.

    Args:
        observe: observes its statements.
        has_outbox: whether it has an outbox although `settings` name no publisher.

    Raises:
        SettingsError: see `media_of`.
    """
    media, image_encoder = media_of(settings) or (None, None)
    return PostgresAdapters(
        engine,
        settings.secret_key,
        previous_secrets=[os.fsencode(secret) for secret in settings.previous_secret_keys],
        currency=settings.currency,
        includes_tax=settings.prices == "gross",
        has_outbox=has_outbox or settings.events != "none",
        has_mail=bool(settings.smtp_url),
        media=media,
        image_encoder=image_encoder,
        observe=observe,
    )


def shop_of(adapters: Adapters, settings: Settings) -> Shop:
    """A shop as the settings want it.

    Raises:
        SettingsError: see `breached_passwords`.
    """
    lives = SessionLives(
        timedelta(days=settings.session_idle_days), timedelta(days=settings.remembered_session_idle_days)
    )
    return Shop(adapters, reservation_limits(settings), breached_passwords(settings), lives)


def reservation_limits(settings: Settings) -> ReservationLimits:
    """What one customer may have reserved at once."""
    return ReservationLimits(settings.reservations_max, settings.reserved_units_max)


def breached_passwords(settings: Settings) -> IsBreached:
    """The leaked passwords, as far as the settings name some.

    Raises:
        SettingsError: they name no such list.
    """
    if not settings.breached_passwords:
        return never_breached
    try:
        return BreachedPasswords(Path(settings.breached_passwords))
    except (OSError, ValueError) as wrong:
        reason = getattr(wrong, "strerror", None) or wrong
        raise SettingsError(
            f"SHOP_BREACHED_PASSWORDS is {settings.breached_passwords!r}: it {reason}:"
            " name a list of SHA-1 hashes sorted by hash, as Have I Been Pwned gives it out"
        ) from wrong
