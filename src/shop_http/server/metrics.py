"""`/metrics`, for Prometheus: what the requests were, and how the shop behind them fares.

Several worker processes answer as one: each notes its figures in a folder that `shop serve` makes for them, and
whichever is asked adds them up (the multiprocess mode of prometheus-client, PROMETHEUS_MULTIPROC_DIR). No label is what
a client chose: routes, codes and methods are ours, so there are some hundred series and never more.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from hmac import compare_digest
from http import HTTPStatus
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from shop_core import SYSTEM, OffsetRequest, Refusal, Shop
from shop_core.errors import InvalidToken, Unauthenticated
from shop_http.middleware.access_log import RequestRecord
from shop_http.requests import ShopRequest
from shop_http.responses import Response
from shop_http.routing import Access, Operation, get
from shop_http.server.http_protocol import OpenConnections

_FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # without one, each process tells of itself only

_MEDIA_TYPE = b"text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
_NOWHERE = "none"


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the figures come from that nobody brings.

    Args:
        batcher: the figures of this process's order batcher, see `shop_adapters.order_batcher.BatcherReport`.
        connections: to the database, of this process: in use, and as many as requests may use.
        open_connections: the HTTP connections of this process.
        dropped_lines: of the log of this process, until now.
    """

    batcher: Callable[[], Mapping[str, float]]
    connections: Callable[[], tuple[int, int]]
    open_connections: OpenConnections
    dropped_lines: Callable[[], int]


class Metrics:
    """The figures of one process, and the page of all.

    Args:
        shop: whose outbox is looked at, whenever somebody asks for the page.
        clock_off: how far the clock of this host is off that of the database; it is asked at the same time.
    """

    def __init__(self, shop: Shop, clock_off: Callable[[], timedelta] = timedelta) -> None:
        self._shop, self._clock_off = shop, clock_off
        self._own = own = CollectorRegistry()
        self._requests = Counter(
            "shop_requests", "Requests by route and status.", ["method", "route", "status"], registry=own
        )
        self._seconds = Histogram(
            "shop_request_duration_seconds", "Their durations.", ["method", "route"], buckets=_SECONDS, registry=own
        )
        self._faults = Counter("shop_faults", "Requests that ended in a fault of the shop.", registry=own)
        self._refusals = Counter("shop_refusals", "Refused requests, by code.", ["code"], registry=own)
        self._replays = Counter("shop_replays", "Responses that repeat an earlier result.", registry=own)
        self._expired = Counter("shop_reservations_expired", "Expired reservations.", registry=own)
        self._batcher = {
            "batches": _Total(Counter("shop_batcher_batches", "Batches that were decided.", registry=own)),
            "requests": _Total(Counter("shop_batcher_requests", "Requests in them.", registry=own)),
            "refused": _Total(Counter("shop_batcher_refused", "Requests refused: too long a wait.", registry=own)),
            "failed": _Total(Counter("shop_batcher_failed", "Batches that failed as a whole.", registry=own)),
            "wait_s": _Total(Counter("shop_batcher_wait_seconds", "Time that requests were queued.", registry=own)),
        }
        self._queued = _gauge("shop_batcher_waiting", "Requests that are queued.", own)
        self._batch_s = _gauge("shop_batcher_batch_seconds", "What one batch takes, lately.", own, "livemax")
        self._in_use = _gauge("shop_pool_connections_in_use", "Database connections in use.", own)
        self._connections = _gauge("shop_pool_connections_max", "Database connections for requests.", own)
        self._open = _gauge("shop_http_connections", "Open HTTP connections.", own)
        ended = Counter(
            "shop_http_connections_ended", "HTTP connections that the server ended.", ["reason"], registry=own
        )
        self._ended = cache(lambda reason: _Total(ended.labels(reason)))
        self._dropped = _Total(Counter("shop_log_lines_dropped", "Lines of the log that nobody read.", registry=own))
        shared = "mostrecent"  # all processes see the same
        self._waiting = _gauge("shop_outbox_waiting", "Events that are not published yet.", own, shared)
        self._lag = _gauge("shop_outbox_lag_seconds", "Age of the oldest of them.", own, shared)
        self._dead = _gauge("shop_outbox_dead", "Events that were given up.", own, shared)
        self._off = _gauge("shop_clock_off_seconds", "Between the clocks of host and database.", own, shared)
        self._series_of = cache(self._series)

    def observe(self, seen: RequestRecord) -> None:
        """Count a request."""
        requests, seconds = self._series_of(seen.method, seen.route or _NOWHERE, seen.status)
        requests.inc()
        seconds.observe(seen.duration_ms / 1000)
        if seen.status == HTTPStatus.INTERNAL_SERVER_ERROR:  # a series of its own, so that it is there before the first
            self._faults.inc()
        if seen.code is not None:
            self._refusals.labels(seen.code).inc()
        if seen.replayed:
            self._replays.inc()

    def expired(self, count: int) -> int:
        """Count reservations whose time was up."""
        self._expired.inc(count)
        return count

    def sample(self, sources: Sources) -> None:
        """Note what nobody brings. To be called every second or so, by one thread."""
        batcher = sources.batcher()
        for name, total in self._batcher.items():
            total.note(batcher[name])
        self._queued.set(batcher["waiting"])
        self._batch_s.set(batcher["batch_s"])
        in_use, connections = sources.connections()
        self._in_use.set(in_use)
        self._connections.set(connections)
        self._dropped.note(sources.dropped_lines())
        self._open.set(len(sources.open_connections))
        for reason, count in sources.open_connections.ended.copy().items():
            self._ended(reason).note(count)

    def page(self) -> bytes:
        """Everything, in the text format of Prometheus."""
        with suppress(Refusal):  # the database is away: what is known otherwise is the more wanted
            waiting, oldest = self._shop.outbox.waiting(SYSTEM)
            self._waiting.set(waiting)
            self._lag.set(max(0.0, (datetime.now(UTC) - oldest).total_seconds()) if oldest else 0.0)
            self._dead.set(self._shop.outbox.dead(SYSTEM, OffsetRequest(1, 0)).count or 0)
            self._off.set(self._clock_off().total_seconds())
        folder = os.environ.get(_FOLDER)
        if not folder:
            return generate_latest(self._own)
        _forget_the_dead(Path(folder))
        everybody = CollectorRegistry()
        MultiProcessCollector(everybody, path=folder)  # type: ignore[no-untyped-call]
        return generate_latest(everybody)

    def _series(self, method: str, route: str, status: int) -> tuple[Counter, Histogram]:
        return self._requests.labels(method, route, str(status)), self._seconds.labels(method, route)


class _Total:
    """A counter of what is counted elsewhere."""

    def __init__(self, counter: Counter) -> None:
        self._counter, self._before = counter, 0.0

    def note(self, total: float) -> None:
        """Add what the total has grown by."""
        self._counter.inc(total - self._before)
        self._before = total


def _gauge(name: str, meaning: str, own: CollectorRegistry, mode: Any = "livesum") -> Gauge:
    return Gauge(name, meaning, registry=own, multiprocess_mode=mode)


def _forget_the_dead(folder: Path) -> None:
    """What processes that have ended said of their present state is the past. What they counted stays counted."""
    for pid in {int(file.stem.rpartition("_")[2]) for file in folder.glob("gauge_live*_*.db")}:
        try:
            os.kill(pid, 0)
        except PermissionError:  # a process of somebody else has the id by now
            pass
        except ProcessLookupError:
            with suppress(FileNotFoundError):  # another process was quicker
                mark_process_dead(pid, path=str(folder))  # type: ignore[no-untyped-call]


def route(metrics: Metrics, token: str) -> Any:
    """The handler of `/metrics`.

    Args:
        metrics: what it shows.
        token: who asks must send `Authorization: Bearer <token>`; empty: everybody may see it.
    """

    @get("/metrics", Operation(access=Access.PUBLIC))
    def metrics_page(request: ShopRequest) -> Response:
        """The figures."""
        if token:
            _check(token, request.headers.get(b"authorization"))
        return Response(metrics.page(), media_type=_MEDIA_TYPE)

    return metrics_page


def _check(token: str, sent: bytes | None) -> None:
    if sent is None:
        raise Unauthenticated("The metrics need the token of SHOP_METRICS_TOKEN.")
    if not compare_digest(sent, f"Bearer {token}".encode()):
        raise InvalidToken("This is not the token of SHOP_METRICS_TOKEN.")
