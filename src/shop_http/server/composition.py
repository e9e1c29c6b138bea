"""The composition root: with `database` and `optional`, the one place that knows which adapters there are."""

from __future__ import annotations

import gc
import logging
import resource
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from threading import Event
from typing import TYPE_CHECKING, cast

from litestar.handlers import HTTPRouteHandler
from sqlalchemy import QueuePool

from shop_adapters.background import Repeating
from shop_adapters.order_batcher import LOCK_WAIT_S, OrderBatcher
from shop_adapters.postgres.current_catalog import CurrentCatalog
from shop_adapters.postgres.database import TransactionTimeouts, check_clock, clock_off
from shop_adapters.postgres.search import REFRESHED_MAX, refresh_search
from shop_adapters.publishers.failure_log import FailureLog
from shop_core import Shop
from shop_core.accounts.session_service import CLEANUP_MAX
from shop_core.catalog.image_service import SWEPT_MAX
from shop_core.ports import EventPublisher, Mailer
from shop_http.app import create_app
from shop_http.client_address import Header, TrustedProxies
from shop_http.middleware.access_log import Observer
from shop_http.middleware.rate_limit import COUPON_GUESSES, Rate, RateLimits
from shop_http.middleware.request_limits import Deadlines
from shop_http.routing import App
from shop_http.server import log
from shop_http.server.database import adapters_of, make_pool, readiness, reservation_limits, shop_of
from shop_http.server.http_protocol import OpenConnections
from shop_http.server.optional import mailer_of, publisher_of
from shop_http.server.settings import Settings
from shop_http.server.shutdown import GracefulShutdown
from shop_http.state import Background

if TYPE_CHECKING:
    from shop_http.server.tracing import Spans

BACKGROUND_EVERY_S = 0.25
CLEANUP_EVERY_S = 60.0
CHANGES_PURGED_EVERY_S = 3600.0
ENDED_EVERY_S = 1.0
MAILED_EVERY_S = 1.0
SAMPLED_EVERY_S = 1.0
STATEMENT_S = 8.0
"""How long a statement may take. A connection without an answer is given up 2 s later."""
BACKGROUND_CONNECTIONS = 5
"""For the sweeper, the relay, the order batcher, ended sessions and one thread that hashes passwords: busy handlers
cannot keep them from the database. Further such threads, jobs that run once a minute, and the metrics share these. One
more sends mails, if there are any, and one is for checks on `SHOP_HEALTH_PORT`. The read model has one of its own, not
of the pool."""

GARBAGE_MIN = 5_000
"""So many more objects than before make the garbage collector look for cycles. Requests under way never have as many.
At Python's 700 it looked at those again and again: a tenth of the time of an order, for nothing."""

FILES_RESERVED = 256
"""Of the files that a worker may open, for everything but HTTP connections."""
CONNECTIONS_MIN = 16
"""So many HTTP connections a worker takes, however few files it may open."""

UNRECOGNISED_MAX = 12
"""Simultaneous logins and registrations from unrecognised devices, in one worker. The pool of the password hashes has
a few places more, which stay free for devices that logged in before."""

_logger = logging.getLogger("shop_http")


def worker_app(settings: Settings, shutdown: GracefulShutdown) -> tuple[App, OpenConnections]:
    """The ASGI application of one worker process, and what counts its connections.

    Args:
        settings: with a database.
        shutdown: says when the worker is about to end.
    """
    log.configure(settings.log, settings.log_level)
    others = BACKGROUND_CONNECTIONS + bool(settings.smtp_url) + bool(settings.health_port)
    engine = make_pool(settings, settings.connections + others)
    spans: Spans | None = None
    if settings.tracing != "off":
        from shop_http.server import tracing

        spans = tracing.Spans()
    timeouts = TransactionTimeouts(statement_s=STATEMENT_S)
    adapters = adapters_of(engine, settings, spans.statements if spans else None).with_timeouts(timeouts)
    current_catalog = CurrentCatalog(engine, prepare_threshold=settings.prepare_threshold)
    shop = shop_of(adapters, settings)
    in_batches = Shop(  # which waits less for a lock, as all requests of a batch wait with it
        adapters.with_timeouts(TransactionTimeouts(lock_s=LOCK_WAIT_S, statement_s=STATEMENT_S)),
        reservation_limits(settings),
    )
    batcher = OrderBatcher(in_batches, adapters.new_id, observer=spans)
    refresh = Repeating(partial(refresh_search, engine), CLEANUP_EVERY_S, "search", lambda done: done >= REFRESHED_MAX)
    background: list[Background] = [*([spans] if spans else []), batcher, refresh]  # stopped in reverse: spans last
    observers: list[Observer] = []
    routes: list[HTTPRouteHandler] = []
    proxies = proxies_of(settings)
    open_connections = connections_of(settings, proxies, observers)
    count_expired: Callable[[int], int] = int  # another one below, if somebody reads figures
    if settings.log_level in ("debug", "info"):
        observers.append(log.request_log(settings.log))
    if spans is not None:
        observers.append(spans.observe)
    if settings.sentry_dsn:
        from shop_http.server.error_reports import ErrorReports

        background.append(ErrorReports(settings.sentry_dsn))
    if settings.shows_metrics:
        from shop_http.server import metrics

        figures = metrics.Metrics(shop, partial(clock_off, engine))

        def connections() -> tuple[int, int]:
            pool = cast(QueuePool, engine.pool)  # read each time: a lost connection replaces the pool
            return pool.checkedout(), settings.connections

        sources = metrics.Sources(
            lambda: asdict(batcher.report), connections, open_connections, lambda: log.standard_error().dropped
        )
        observers.append(figures.observe)
        routes.append(metrics.route(figures, settings.metrics_token))
        background.append(Repeating(lambda: figures.sample(sources), SAMPLED_EVERY_S, "metrics"))
        count_expired = figures.expired
    with suppress(Exception):  # the database is away: whatever needs a login needs it, too
        shop.sessions.refresh_revocations()  # before it listens, or it would accept tokens of sessions that have ended
    app = create_app(
        shop,
        ready=readiness(engine, settings, batcher.check, partial(check_clock, engine)),
        public_catalog=settings.public_catalog,
        has_docs=settings.docs,
        has_panel=settings.panel,
        threads=settings.connections,
        base_url=settings.base_url,
        compression=settings.compression,
        place=batcher.place,
        reserve=batcher.reserve,
        ask_catalog=current_catalog,
        read_model_mb=settings.read_model_mb,
        deadlines=Deadlines(settings.request_timeout, settings.answer_timeout),
        background=[*background, *_jobs(shop, publisher_of(settings), mailer_of(settings), count_expired)],
        observers=observers,
        more_routes=routes,
        more_middlewares=[] if spans is None else [spans.middleware],
        limits=limits_of(settings),
        proxies=proxies,
        shutdown=shutdown,
        origins=settings.cors_origins,
    )
    gc.collect()
    gc.freeze()  # the garbage collector need not look again at what stays
    gc.set_threshold(GARBAGE_MIN)
    return app, open_connections


def limits_of(settings: Settings) -> RateLimits:
    """What one client may ask of one worker: its share of what the settings allow, as any worker may answer."""
    return RateLimits(
        requests=_rate(settings.rate_limit, settings.workers),
        logins=_rate(settings.login_rate_limit, settings.workers),
        unrecognised_devices=UNRECOGNISED_MAX,
        orders=_per_minute(settings.orders_per_minute, settings.workers),
        ordered_lines=_per_minute(settings.ordered_lines_per_minute, settings.workers),
        coupons=COUPON_GUESSES.shared_by(settings.workers),
        reserved_lines=_per_minute(settings.reserved_lines_per_minute, settings.workers),
    )


def connections_of(
    settings: Settings, proxies: TrustedProxies | None, observers: Sequence[Observer]
) -> OpenConnections:
    """The connections that one worker may have open: as the settings say, as far as the system lets it.

    Args:
        proxies: of the shop.
        observers: get a record of each request that is refused before the application sees it.
    """
    files_max = _raise_files_max()
    total_max = min(settings.http_connections, max(files_max - FILES_RESERVED, CONNECTIONS_MIN))
    if total_max < settings.http_connections:
        _logger.warning(
            "SHOP_HTTP_CONNECTIONS is %d, and the system lets a process open %d files: raise `ulimit -n`, or lower it",
            settings.http_connections,
            files_max,
        )
    return OpenConnections(total_max, settings.http_connections_per_client, proxies, observers)


def _raise_files_max() -> int:
    """Let this process open as many files as the system allows, and return how many that are."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for files in (hard, 65_536, 10_240):  # some systems say that there is no limit, and have one all the same
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (files, hard))
            soft = files
            break
    return sys.maxsize if soft == resource.RLIM_INFINITY else soft


def proxies_of(settings: Settings) -> TrustedProxies | None:
    """The proxies whose word about a client's address is taken; None without any."""
    if not settings.trusted_proxies:
        return None
    return TrustedProxies(settings.trusted_proxies, cast(Header, settings.proxy_header))


def _per_minute(count: int, workers: int) -> Rate | None:
    return Rate(count).shared_by(workers) if count else None


def _rate(text: str, workers: int) -> Rate | None:
    if text == "off":
        return None
    count, _, unit = text.partition("/")
    return Rate(int(count), {"second": 1, "minute": 60, "hour": 3600}[unit]).shared_by(workers)


def _jobs(
    shop: Shop, publisher: EventPublisher | None, mailer: Mailer | None, count_expired: Callable[[int], int]
) -> list[Background]:
    """What every worker does beside answering requests. Sweeps and relays of several workers do not disturb each other.

    Args:
        publisher: of the events; None: nobody is told, and none is relayed.
        mailer: of the mails; None: none is sent.
        count_expired: gets the number of reservations that a sweep ended, and returns it.
    """

    def sweep() -> int:
        return count_expired(shop.reservations.sweep())

    jobs: list[Background] = [
        Repeating(sweep, BACKGROUND_EVERY_S, "sweeper", lambda ended: ended > 0),
        Repeating(shop.sessions.refresh_revocations, ENDED_EVERY_S, "ended sessions"),
        Repeating(shop.sessions.delete_expired, CLEANUP_EVERY_S, "cleanup", lambda deleted: deleted >= CLEANUP_MAX),
        Repeating(shop.images.sweep, CLEANUP_EVERY_S, "pictures", lambda deleted: deleted >= SWEPT_MAX),
        Repeating(shop.catalog.purge_changes, CHANGES_PURGED_EVERY_S, "catalog changes"),
    ]
    stopping = Event()  # of both, so that neither goes on for as long as the other one takes to end
    if publisher is not None:
        relay = partial(shop.outbox.relay, publisher, is_stopping=stopping.is_set, on_failure=FailureLog("event"))
        jobs.append(Repeating(relay, BACKGROUND_EVERY_S, "relay", lambda taken: taken > 0, stopping=stopping))
    if mailer is not None:
        send = partial(shop.mails.send, mailer, is_stopping=stopping.is_set, on_failure=FailureLog("mail"))
        jobs.append(Repeating(send, MAILED_EVERY_S, "mails", lambda taken: taken > 0, stopping=stopping))
    return jobs
