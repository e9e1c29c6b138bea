"""The HTTP application: a shop, as JSON over HTTP. Thin: it parses, calls the core and renders."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import cache, partial
from typing import Self

from litestar import Litestar, Router
from litestar.handlers import HTTPRouteHandler
from litestar.types import ASGIApp

from shop_core import Shop, __version__
from shop_core.batching import result_of
from shop_http.client_address import TrustedProxies
from shop_http.documentation import openapi
from shop_http.middleware import Middleware
from shop_http.middleware.access_log import Observer, access_log
from shop_http.middleware.cors import cors
from shop_http.middleware.rate_limit import CouponLimiter, LoginLimiter, OrderLimiter, RateLimits, rate_limit
from shop_http.middleware.request_limits import Deadlines, request_limits
from shop_http.pages import (
    cart,
    login,
    messages,
    order_details,
    order_list,
    product_details,
    product_import,
    product_list,
    promotions,
    static_files,
    stock,
    today,
    user_list,
)
from shop_http.problems import exception_handlers
from shop_http.read_model import AskCatalog, ReadModel
from shop_http.responses import API, NO_CACHE, NO_STORE, security_headers
from shop_http.routes import (
    accounts,
    catalog,
    docs,
    health,
    inventory,
    media,
    orders,
    prices,
    privacy,
    reservations,
    users,
)
from shop_http.routing import App, cached_first, run_operation, with_options
from shop_http.server.shutdown import GracefulShutdown
from shop_http.server.worker_pools import Pool, WorkerPools
from shop_http.state import AppState, Background, Place, Reserve

SCREENS = (
    *(login, today, order_list, order_details, product_list, product_import, product_details, stock),
    *(promotions, cart, user_list, messages),
)
"""Of the staff panel."""
FEATURES = (accounts, users, privacy, catalog, inventory, prices, reservations, orders)


class _OwnRouter(Router):
    """A router of one application."""

    def __deepcopy__(self, _: object) -> Self:
        """Itself: Litestar registers a copy, so that several applications may share a router, and that takes long."""
        return self


def create_app(
    shop: Shop,
    *,
    ready: Callable[[], None] = lambda: None,
    public_catalog: bool = True,
    has_docs: bool = True,
    has_panel: bool = True,
    threads: int = 8,
    base_url: str = "",
    compression: bool = True,
    ask_catalog: AskCatalog | None = None,
    read_model_mb: int = 50,
    place: Place | None = None,
    reserve: Reserve | None = None,
    background: Sequence[Background] = (),
    deadlines: Deadlines = Deadlines(),  # noqa: B008 - frozen
    limits: RateLimits = RateLimits(),  # noqa: B008 - frozen
    proxies: TrustedProxies | None = None,
    observers: Sequence[Observer] = (),
    more_routes: Sequence[HTTPRouteHandler] = (),
    more_middlewares: Sequence[Middleware] = (),
    shutdown: GracefulShutdown | None = None,
    origins: Collection[str] = (),
) -> App:
    """The application, to be served by any ASGI server that runs lifespans, in one event loop.

    Args:
        shop: the shop to serve.
        ready: raises while the server cannot serve; `/health/ready` calls it.
        public_catalog: whether the catalog can be read without a login.
        has_docs: whether there are `/docs` and `/openapi.json`.
        has_panel: whether staff can use `/staff`; its stylesheet, which pages of problems need, is always there.
        threads: how many requests are worked on at once: as many as the database has connections for.
        base_url: how clients reach the server, for the links in lists, e.g. `https://shop.example`. Empty: links are
            relative, so no host that a client names gets into a response.
        compression: whether responses are compressed for clients that ask for it.
        ask_catalog: asks for the units of this moment, see `read_model`. None: each response is worked out.
        read_model_mb: how much memory the texts of the catalog may take.
        place: how an order is placed, e.g. `OrderBatcher.place`. None: each by itself, in a thread.
        reserve: the same for reservations.
        background: runs beside the handlers; started in this order, stopped in the reverse order.
        deadlines: how long a request may take.
        limits: what one client may ask for.
        proxies: whose word about a client's address is taken. None: nobody's.
        observers: get a record of each request.
        more_routes: further handlers outside of the API, such as `/metrics`.
        more_middlewares: further middlewares around all others, outermost first, such as that of traces.
        shutdown: says when the process is about to end. None: it never says so.
        origins: of the web pages that may use the API, e.g. `https://shop.example`.
    """
    pools = WorkerPools.for_connections(threads)
    shutdown = shutdown or GracefulShutdown()
    api = [handler for feature in FEATURES for handler in feature.ROUTES]
    others = [*health.ROUTES, *media.ROUTES, *docs.ERRORS, *(docs.ROUTES if has_docs else ()), *more_routes]

    screens = SCREENS if has_panel else ()
    panel = [handler for screen in (static_files, *screens) for handler in screen.ROUTES]

    read_model = None
    if ask_catalog and read_model_mb:
        read_model = ReadModel(ask_catalog, read_model_mb * 2**20, NO_CACHE if public_catalog else NO_STORE)
    litestar = Litestar(
        [
            _OwnRouter(API, route_handlers=with_options(api)),
            _OwnRouter("/staff", route_handlers=with_options(panel)),
            *with_options(others),
        ],
        middleware=[run_operation],  # authentication and handler: they need to know the route
        exception_handlers=exception_handlers(),
        lifespan=[partial(_running, pools, background)],
        openapi_config=None,
        logging_config=None,
        debug=False,
    )
    app: ASGIApp = litestar
    for layer in reversed(
        [  # outermost first
            *more_middlewares,
            access_log(observers),
            request_limits(deadlines),
            cors(origins),
            rate_limit(limits.requests),
            *([cached_first(read_model)] if read_model and public_catalog else []),
        ]
    ):
        app = layer(app)

    state = AppState(
        shop=shop,
        pools=pools,
        place=place or (lambda order: pools.submit(Pool.FAST, lambda: result_of(shop.orders.place_all([order])))),
        reserve=reserve
        or (lambda held: pools.submit(Pool.FAST, lambda: result_of(shop.reservations.reserve_all([held])))),
        read_model=read_model,
        ready=shutdown.readiness(ready),
        shutdown=shutdown,
        login_limiter=LoginLimiter(limits.logins, limits.unrecognised_devices, limits.login_wait_s),
        order_limiter=OrderLimiter(limits.orders, limits.ordered_lines),
        coupon_limiter=CouponLimiter(limits.coupons),
        reservation_limiter=OrderLimiter(None, limits.reserved_lines),
        public_catalog=public_catalog,
        base_url=base_url,
        compression=compression,
        proxies=proxies,
        security_headers=security_headers(base_url),
        openapi=cache(
            partial(openapi.document, litestar, version=__version__, public_catalog=public_catalog, base_url=base_url)
        ),
    )
    return App(litestar, app, state)


@asynccontextmanager
async def _running(pools: WorkerPools, background: Sequence[Background], _: Litestar) -> AsyncIterator[None]:
    """Run all of `background` for as long as the application runs; its threads end last."""
    async with AsyncExitStack() as started:
        started.callback(pools.close)
        for task in background:
            task.start()
            started.push_async_callback(asyncio.to_thread, task.stop)
        yield
