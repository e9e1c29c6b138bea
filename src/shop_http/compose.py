"""The composition root: the one place that knows which adapters there are."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import secrets
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from multiprocessing import parent_process
from multiprocessing.connection import wait
from pathlib import Path

from sqlalchemy import Engine, make_url
from sqlalchemy.exc import DBAPIError

from shop_adapters.background import Repeating
from shop_adapters.embedded import EmbeddedPostgres, EmbeddedPostgresError, kept_running
from shop_adapters.postgres import PostgresAdapters, make_engine
from shop_adapters.postgres.durability import UnsafeServer, check_durability
from shop_adapters.postgres.errors import in_our_words
from shop_adapters.postgres.migrate import SchemaError, check_schema, migrate
from shop_adapters.postgres.roles import grant_application_role
from shop_adapters.postgres.snapshot import Snapshots
from shop_adapters.publishers import LogPublisher, WebhookPublisher
from shop_adapters.train import OrderTrain
from shop_core import Shop
from shop_core.errors import Unavailable
from shop_core.ports import Adapters, EventPublisher
from shop_core.reservations.model import HoldingLimits
from shop_core.reservations.service import SWEEP_MAX
from shop_http.seams import Background
from shop_http.settings import Settings, SettingsError

BACKGROUND_EVERY_S = 0.25
BACKGROUND_CONNECTIONS = 4  # sweeper, relay, train, password hashes: busy handlers cannot keep them from the database
STARTED_IN = "SHOP_STARTED_IN"  # a folder in which each worker says that it runs; set by `serve`, no setting


class DatabaseError(Exception):
    """The database cannot be used: one line with its address and the next step."""


UNUSABLE_DATABASE = (EmbeddedPostgresError, DatabaseError, SchemaError, UnsafeServer)
"""Why a database cannot be used; each is one line that says what to do."""


@contextlib.contextmanager
def database(settings: Settings, *, on_death: Callable[[str], None] | None = None) -> Iterator[Settings]:
    """The settings with a database that answers: the one they name, or the embedded one, started if need be.

    Args:
        settings: which one.
        on_death: keep the embedded one running, for whoever stays for long: when it dies it is started again, and
            this gets a line about it.

    Raises:
        EmbeddedPostgresError: the embedded one cannot be started.
        DatabaseError: the named one cannot be reached.
    """
    if settings.database_url:
        yield settings
        return
    with contextlib.ExitStack() as inside:
        postgres = inside.enter_context(EmbeddedPostgres(settings.data_dir))
        if on_death:
            inside.enter_context(kept_running(postgres, on_death))
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
    engine = _engine(settings, settings.connections)
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


def _engine(settings: Settings, connections: int) -> Engine:
    return make_engine(settings.database_url, connections=connections, prepare_threshold=settings.prepare_threshold)


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
        yield _shop(_adapters(engine, located), located)


def _adapters(engine: Engine, settings: Settings) -> PostgresAdapters:
    has_outbox = settings.events != "none"
    return PostgresAdapters(engine, settings.secret_key, currency=settings.currency, has_outbox=has_outbox)


def _shop(adapters: Adapters, settings: Settings) -> Shop:
    return Shop(adapters, HoldingLimits(settings.reservations_max, settings.reserved_units_max))


def migrate_database(settings: Settings, app_role: str | None = None) -> tuple[str | None, str]:
    """Bring the database of `settings` to the newest schema: its revision before (None: empty) and after.

    Args:
        settings: which one.
        app_role: see `grant_application_role`; None: leave the roles alone.

    Raises:
        EmbeddedPostgresError, DatabaseError, SchemaError, UnsafeServer: the database cannot be used.
    """
    with database(settings) as located, engine_of(located) as engine:
        revisions = migrate(engine, located.currency)
        if app_role is not None:
            grant_application_role(engine, app_role)
        return revisions


def worker_app() -> object:
    """The ASGI application of one worker process, from its environment. The server calls this in each worker."""
    from shop_http.app import create_app

    _end_with_parent()
    settings = Settings.read(os.environ, {})
    engine = _engine(settings, settings.connections + BACKGROUND_CONNECTIONS)
    adapters = _adapters(engine, settings)
    shop = _shop(adapters, settings)
    train = OrderTrain(shop, adapters.new_id)
    app = create_app(
        shop,
        ready=_readiness(engine, settings),
        public_catalog=settings.public_catalog,
        threads=settings.connections,
        base_url=settings.base_url or None,
        snapshot=Snapshots(engine, prepare_threshold=settings.prepare_threshold),
        place=lambda request: asyncio.wrap_future(train.place(request)),
        reserve=lambda request: asyncio.wrap_future(train.reserve(request)),
        background=[train, *_background(shop, publisher_of(settings)), _Started()],
        drain_s=settings.drain_s,
        origins=settings.cors_origins,
    )
    gc.collect()
    gc.freeze()  # what is there by now stays: no collection need look at it again
    return app


class _Started:
    """Says that this worker has started, to the server that waits for it."""

    def start(self) -> None:
        if folder := os.environ.get(STARTED_IN):
            Path(folder, str(os.getpid())).touch()

    def stop(self) -> None:
        """The server clears up."""


def _background(shop: Shop, publisher: EventPublisher | None) -> list[Background]:
    """What every process does beside answering. Sweeps and relays of several processes keep out of each other's way."""
    jobs: list[Background] = [
        Repeating(shop.reservations.sweep, BACKGROUND_EVERY_S, "sweeper", lambda ended: ended >= SWEEP_MAX)
    ]
    if publisher is not None:
        relay = partial(shop.outbox.relay, publisher)
        jobs.append(Repeating(relay, BACKGROUND_EVERY_S, "relay", lambda taken: taken > 0))
    return jobs


def publisher_of(settings: Settings) -> EventPublisher | None:
    """Where facts are told; None: nowhere.

    Raises:
        SettingsError: the webhook cannot be.
    """
    match settings.events:
        case "log":
            return LogPublisher(_lines_of_events())
        case "webhook":
            try:
                return WebhookPublisher(settings.webhook_url, settings.webhook_secret)
            except ValueError as wrong:
                raise SettingsError(f"SHOP_WEBHOOK_URL or SHOP_WEBHOOK_SECRET cannot be used: {wrong}") from wrong
    return None


def _lines_of_events() -> logging.Logger:
    """A logger of its own: one line an event on standard output, whatever is done with the log of the server."""
    logger = logging.getLogger("shop.events")
    if not logger.handlers:
        handler = logging.StreamHandler(sys.stdout)
        handler.setFormatter(logging.Formatter("%(message)s"))
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)
        logger.propagate = False
    return logger


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
