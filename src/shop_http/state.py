"""What an application is made of: the typed state that every handler and every middleware reads."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Protocol

from shop_core import Order, PlacementRequest, Shop
from shop_core.idempotency import Result
from shop_core.reservations.model import Reservation, ReservationRequest
from shop_http.client_address import TrustedProxies
from shop_http.middleware.rate_limit import CouponLimiter, LoginLimiter, OrderLimiter
from shop_http.read_model import ReadModel
from shop_http.responses import Header
from shop_http.server.shutdown import GracefulShutdown
from shop_http.server.worker_pools import WorkerPools

Place = Callable[[PlacementRequest], Future[Result[Order]]]
"""Starts to place an order. The future ends with the order, or with the refusal. `OrderBatcher.place` is one."""

Reserve = Callable[[ReservationRequest], Future[Result[Reservation]]]
"""The same for a reservation."""


class Background(Protocol):
    """Something that runs beside the handlers, from the start of the application to its end."""

    def start(self) -> None: ...

    def stop(self) -> object:
        """End it, and wait until it has ended. Called in a worker thread."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AppState:
    """What one application is made of.

    Args:
        shop: the shop that is served.
        pools: the threads that blocking handlers run in.
        place: how an order is placed.
        reserve: how a reservation is made.
        read_model: of the catalog; None: each response is worked out.
        ready: raises while the server cannot serve.
        shutdown: knows whether the server is about to end.
        login_limiter: counts logins and registrations.
        order_limiter: counts the orders that a customer places, and the lines of these and of edits.
        coupon_limiter: counts the coupons of a client that cannot be used.
        reservation_limiter: counts the lines that a customer reserves.
        public_catalog: whether the catalog can be read without a login.
        base_url: how clients reach the server, for links; empty: links are relative.
        compression: whether responses are compressed for clients that ask for it.
        proxies: the proxies whose word about a client's address is taken; None: nobody's.
        security_headers: what every response says to browsers.
        openapi: the description of the API, as JSON; it is made when it is first asked for.
    """

    shop: Shop
    pools: WorkerPools
    place: Place
    reserve: Reserve
    read_model: ReadModel | None
    ready: Callable[[], None]
    shutdown: GracefulShutdown
    login_limiter: LoginLimiter
    order_limiter: OrderLimiter
    coupon_limiter: CouponLimiter
    reservation_limiter: OrderLimiter
    public_catalog: bool
    base_url: str
    compression: bool
    proxies: TrustedProxies | None
    security_headers: tuple[Header, ...]
    openapi: Callable[[], bytes]
