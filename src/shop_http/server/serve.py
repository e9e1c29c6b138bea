"""`shop serve`: the server process, its workers, and the database if it is the embedded one."""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import signal
import socket
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator

from granian.constants import HTTPModes, Interfaces, Loops
from granian.log import LogLevels

from shop_http.cli.demo_data import add_demo_data
from shop_http.server.composition import STARTED_IN, check_tracing, publisher_of
from shop_http.server.database import database, open_shop
from shop_http.server.log import SERVER_LOG, configure, is_text
from shop_http.server.settings import Settings
from shop_http.server.workers import Workers

_PORT_WAIT_S = 2.0  # workers whose server was killed give the port back within moments
METRICS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # not from `metrics`: to import that is to fix the folder for good
_END_S_MAX = 30  # what takes longer to finish, beyond SHOP_DRAIN_S, is killed
_logger = logging.getLogger("shop_http")


class ServeError(Exception):
    """The server cannot start: one line that says why and what to do."""


def serve(settings: Settings, *, demo: bool = False) -> None:
    """Answer requests until SIGINT or SIGTERM, then stop all that was started. SIGHUP renews the workers one by one.

    Args:
        settings: where to listen, and on which database.
        demo: put demo products into an empty catalog first.

    Raises:
        SettingsError: facts cannot be told, or spans not made, as the settings say.
        ServeError: the port is taken, or another server uses the data directory.
        EmbeddedPostgresError, DatabaseError, SchemaError: the database cannot be used.
    """
    publisher_of(settings)
    check_tracing(settings)
    configure(settings.log, settings.log_level)
    _check_port(settings.host, settings.port)
    with (
        database(settings, on_death=_warn) as located,
        _only_server(settings),
        _folder_of_metrics(settings),
        tempfile.TemporaryDirectory(prefix="shop-serve-") as started_in,
    ):
        with open_shop(settings) as shop:
            if demo:
                add_demo_data(shop)
        os.register_at_fork(after_in_child=_mind_signals)
        os.environ[STARTED_IN] = started_in
        located.hand_on(os.environ)  # what the workers read; see compose.worker_app
        is_open = threading.Event()
        threading.Thread(target=_announce, args=(settings, is_open), daemon=True).start()
        _answer_requests(settings, is_open)


def _answer_requests(settings: Settings, is_open: threading.Event) -> None:
    """Run the workers until a signal ends them.

    When one worker dies twice within seconds, granian takes it for one that cannot start, and gives up. If the shop has
    been open before, it can start: then others have killed it, and it is tried again.
    """
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    while True:
        server = Workers(
            "shop_http.server.composition:worker_app",
            factory=True,
            interface=Interfaces.ASGI,
            loop=Loops.asyncio,
            http=HTTPModes.http1,  # what a proxy speaks to us; our deadlines end a connection, HTTP/2 has others
            address=settings.host,
            port=settings.port,
            workers=settings.workers,
            websockets=False,
            log_level=LogLevels.warning,
            log_dictconfig=SERVER_LOG,
            respawn_failed_workers=True,
            workers_kill_timeout=settings.drain_s + _END_S_MAX,
        )
        try:
            server.serve()
        except SystemExit:
            if server.interrupt_signal or not is_open.is_set():
                raise
        else:
            return
        for number, handler in handlers.items():
            signal.signal(number, handler)
        _warn("workers die one after the other; starting them anew")


@contextlib.contextmanager
def _folder_of_metrics(settings: Settings) -> Iterator[None]:
    """Where the workers note their figures, so that each can tell those of all."""
    if not settings.shows_metrics:
        yield
        return
    with tempfile.TemporaryDirectory(prefix="shop-metrics-", ignore_cleanup_errors=True) as folder:
        os.environ[METRICS_FOLDER] = folder
        yield


def _warn(line: str) -> None:
    _logger.warning("%s", line)


def _mind_signals() -> None:
    """In a worker that is being started: SIGTERM ends it, Ctrl-C is left to the server.

    Until the worker has handlers of its own it would run those of the server, which note the signal in a copy of the
    server that nobody looks at; the server would then wait for the worker in vain.
    """
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _check_port(host: str, port: int) -> None:
    """Find out early, and in words, what the server would only say in a traceback."""
    deadline = time.monotonic() + _PORT_WAIT_S
    while True:
        try:
            family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
            with socket.socket(family, kind, protocol) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(address)
                return
        except (socket.gaierror, UnicodeError) as unknown:
            raise ServeError(f"cannot listen on {host}: there is no such address: choose another --host") from unknown
        except PermissionError as refusal:
            raise ServeError(f"cannot listen on port {port}: no permission: choose a --port above 1023") from refusal
        except OSError as taken:
            if time.monotonic() > deadline:
                line = f"cannot listen on {host} port {port}: {taken.strerror}"
                raise ServeError(f"{line}: stop what uses it, or choose another --port") from taken
            time.sleep(0.05)


@contextlib.contextmanager
def _only_server(settings: Settings) -> Iterator[None]:
    """One server per data directory. The lock goes with the process, however it ends."""
    if settings.database_url:
        yield
        return
    with (settings.data_dir / "serve.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ServeError(
                f"data directory {settings.data_dir} is in use by another `shop serve`:"
                " stop that one, or choose another --data-dir"
            ) from None
        yield


def _announce(settings: Settings, is_open: threading.Event) -> None:
    """Say where everything is, once the server answers."""
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host
    base = f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"
    while True:
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{base}/health/ready", timeout=5):
            break
        time.sleep(0.02)
    is_open.set()
    if not is_text(settings.log):
        _logger.info("the shop is open", extra={"url": base})
        return
    print(
        f"The shop is open. Ctrl-C closes it.\n"
        f"  docs      {base}/docs\n"
        f"  products  {base}/api/v1/products\n"
        f"  try       curl '{base}/api/v1/products?limit=3&in_stock=true'",
        file=sys.stderr,
        flush=True,
    )
