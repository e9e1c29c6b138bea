"""The HTTP application: a shop, as JSON over HTTP. Thin: it parses, calls the core and renders."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from importlib.metadata import version

from litestar import Litestar, Router
from litestar.datastructures import State
from litestar.types import ASGIApp, ControllerRouterHandler

from shop_core import Shop
from shop_http import openapi
from shop_http import responses as problems
from shop_http.limits import Gate, Limits
from shop_http.middleware.access_log import AccessLog, Observer
from shop_http.middleware.authentication import know_the_actor
from shop_http.middleware.rate_limit import RateLimit
from shop_http.middleware.request_limits import Deadlines, RequestLimits
from shop_http.middleware.response_cache import ResponseCache, Snapshot, keys, routes
from shop_http.middleware.security_headers import SecurityHeaders
from shop_http.requests import be_well_formed
from shop_http.routes import accounts, catalog, docs, health, inventory, orders, reservations, users
from shop_http.routing import API, ShopRequest, checked_by
from shop_http.seams import Background, Place, Reserve, place_singly, reserve_singly
from shop_http.server.shutdown import GracefulShutdown
from shop_http.server.worker_pools import Pool, WorkerPools

BODY_SIZE_MAX = 256 * 1024
CREDENTIALS_SIZE_MAX = 4 * 1024


def create_app(
    shop: Shop,
    *,
    ready: Callable[[], None] | None = None,
    public_catalog: bool = True,
    has_docs: bool = True,
    threads: int = 8,
    base_url: str | None = None,
    snapshot: Snapshot | None = None,
    place: Place | None = None,
    reserve: Reserve | None = None,
    background: Sequence[Background] = (),
    deadlines: Deadlines = Deadlines(),  # noqa: B008 - frozen
    limits: Limits | None = None,
    observers: Sequence[Observer] = (),
    more_routes: Sequence[ControllerRouterHandler] = (),
    shutdown: GracefulShutdown | None = None,
    origins: Collection[str] = (),
) -> Litestar:
    """The application, to be served by any ASGI server that runs lifespans.

    Args:
        shop: what it serves.
        ready: raises when the server cannot serve; `/health/ready` asks it. None: always ready.
        public_catalog: whether the catalog can be read without a login.
        has_docs: whether there are `/docs` and `/openapi.json`.
        threads: so many requests are worked on at once; as many as the store has connections.
        base_url: how clients reach the server, for the links in lists, e.g. `https://shop.example`; None takes
            the scheme and host of each request.
        snapshot: a token of all that is committed, see `fresh`; None: every answer is worked out anew.
        place: how an order is placed; None: each for itself. See `seams`.
        reserve: the same for reservations.
        limits: what one client may ask for; None: as much as it likes, but for the guesses of a password.
        background: what runs beside the handlers: started in this order, stopped in the other.
        deadlines: how long a request may take.
        observers: are told of each request after its answer; see `watching` and `log`.
        more_routes: further handlers outside of the API, such as `/metrics`.
        shutdown: says when the process is about to end; None: it never says so.
        origins: of the web pages that may ask, e.g. `https://shop.example`; see `armour`.
    """
    closing = shutdown or GracefulShutdown()
    auth = Router("/auth", route_handlers=accounts.AUTH_ROUTES, request_max_body_size=CREDENTIALS_SIZE_MAX)
    features: list[ControllerRouterHandler] = [
        auth,
        *accounts.ROUTES,
        *users.ROUTES,
        *catalog.ROUTES,
        *inventory.ROUTES,
        *reservations.ROUTES,
        *orders.ROUTES,
    ]
    described = [*docs.ERRORS, *(docs.ROUTES if has_docs else ())]
    app = Litestar(
        [Router(API, route_handlers=features), *health.ROUTES, *described, *more_routes],
        request_class=ShopRequest,
        middleware=[checked_by(know_the_actor, be_well_formed)],
        exception_handlers=problems.handlers(),
        request_max_body_size=BODY_SIZE_MAX,
        lifespan=[_worker_threads(threads), _running(background)],
        state=State(
            {
                "shop": shop,
                "place": place or place_singly(shop),
                "reserve": reserve or reserve_singly(shop),
                "ready": closing.readiness(ready or _always),
                "public_catalog": public_catalog,
                "base_url": base_url,
                "lanes": _lanes(threads),  # for who uses the application without its lifespan
                "gate": Gate(limits or Limits()),
            }
        ),
        openapi_config=None,
        logging_config=None,
        debug=False,
    )
    app.state.openapi = openapi.document(app, version=version("shop"), public_catalog=public_catalog)
    inside = app.asgi_handler
    if snapshot is not None:
        inside = ResponseCache(inside, snapshot, keys(app, public_catalog=public_catalog, base_url=base_url))
    edge = RequestLimits(RateLimit(inside, shop, limits or Limits()), deadlines, closing)
    public, _ = routes(app, public_catalog)
    https = bool(base_url and base_url.startswith("https:"))
    outermost: ASGIApp = SecurityHeaders(edge, public.of, https=https, origins=origins)
    app.asgi_handler = AccessLog(outermost, observers) if observers else outermost
    return app


def _always() -> None:
    """Ready as soon as it runs."""


def _worker_threads(count: int) -> Callable[[Litestar], AbstractAsyncContextManager[None]]:
    """Gives the loop `count` threads for the handlers, for as long as the application runs.

    The loop's default executor is the one that Litestar uses. Its own `set_asyncio_executor` is one for the
    whole process, and refuses to be called where the number is known.
    """

    @asynccontextmanager
    async def threads(app: Litestar) -> AsyncIterator[None]:
        app.state.lanes = lanes = _lanes(count)
        asyncio.get_running_loop().set_default_executor(lanes.executor(Pool.FAST))
        try:
            yield
        finally:
            lanes.close()

    return threads


def _lanes(connections: int) -> WorkerPools:
    """Threads so that together they need no more than `connections`, and each lane has some of its own."""
    slow = max(1, connections // 4)
    cores = os.cpu_count() or 1
    threads = {Pool.FAST: max(1, connections - slow), Pool.SLOW: slow, Pool.HASHING: max(1, cores - 1)}
    return WorkerPools(threads, {Pool.FAST: 256, Pool.SLOW: 96, Pool.HASHING: 16})


def _running(background: Sequence[Background]) -> Callable[[Litestar], AbstractAsyncContextManager[None]]:
    """Runs all of `background` for as long as the application runs."""

    @asynccontextmanager
    async def running(_: Litestar) -> AsyncIterator[None]:
        async with AsyncExitStack() as started:
            for task in background:
                task.start()
                started.push_async_callback(asyncio.to_thread, task.stop)
            yield

    return running
