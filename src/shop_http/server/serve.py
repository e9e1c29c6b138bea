"""`shop serve`: the database if it is the embedded one, and the supervisor of the workers."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import logging
import os
import socket
import sys
import tempfile
import time
from collections.abc import Iterator

from shop_http.cli.demo_data import add_demo_data
from shop_http.server import optional
from shop_http.server.database import database, open_shop
from shop_http.server.log import configure, is_text
from shop_http.server.settings import Settings
from shop_http.server.supervisor import Supervisor, WorkersFailed, open_sockets, prepare

_PORT_WAIT_S = 2.0  # after `kill -9` of a server its workers free the port within moments
METRICS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # prometheus_client reads it
_END_S_MAX = 48.0
"""A worker that takes longer to end, beyond SHOP_DRAIN_S, is killed: 30 s for requests, then 16 s for a message that is
being sent."""
_logger = logging.getLogger("shop_http")


class ServeError(Exception):
    """The server cannot start: one line that says why and what to do."""


def serve(settings: Settings, *, demo: bool = False) -> None:
    """Answer requests until SIGINT or SIGTERM, then stop all that was started. SIGHUP renews the workers one by one.

    Args:
        settings: where to listen, and on which database.
        demo: put demo products into an empty catalog first.

    Raises:
        SettingsError: see `optional.check`.
        ServeError: the port is taken, another server uses the data directory, or the workers cannot start.
        EmbeddedPostgresError, DatabaseError, SchemaError: the database cannot be used.
    """
    optional.check(settings)
    configure(settings.log, settings.log_level)
    sockets = _open_sockets(settings, settings.port)
    health_sockets = _open_sockets(settings, settings.health_port) if settings.health_port else []
    with _metrics_folder(settings), contextlib.ExitStack() as opened:
        prepare()
        located = opened.enter_context(database(settings, create=True, on_death=_warn))
        opened.enter_context(_only_server(settings))
        with open_shop(settings, is_server=True) as shop:
            if demo:
                add_demo_data(shop)
        supervisor = Supervisor(
            sockets,
            health_sockets,
            settings=located,
            end_s_max=settings.drain_s + _END_S_MAX,
            on_ready=lambda: _announce(settings),
        )
        try:
            supervisor.run()
        except WorkersFailed:
            raise ServeError("the workers cannot start: see above, mend that and try again") from None
    if is_text(settings.log):
        print("The shop is closed.", file=sys.stderr, flush=True)


def _open_sockets(settings: Settings, port: int) -> list[socket.socket]:
    """The listening sockets, before anything else is started."""
    deadline = time.monotonic() + _PORT_WAIT_S
    setting = "--port" if port == settings.port else "SHOP_HEALTH_PORT"
    while True:
        try:
            return open_sockets(settings.host, port, settings.workers)
        except (socket.gaierror, UnicodeError) as unknown:
            line = f"cannot listen on {settings.host}: there is no such address: choose another --host"
            raise ServeError(line) from unknown
        except PermissionError as refusal:
            line = f"cannot listen on port {port}: no permission: choose a {setting} above 1023"
            raise ServeError(line) from refusal
        except OSError as taken:
            if taken.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
                line = f"cannot listen on {settings.host}: this machine has no such address: choose another --host"
                raise ServeError(line) from taken
            if time.monotonic() > deadline:
                line = f"cannot listen on {settings.host} port {port}: {taken.strerror}"
                raise ServeError(f"{line}: stop what uses it, or choose another {setting}") from taken
            time.sleep(0.05)


@contextlib.contextmanager
def _metrics_folder(settings: Settings) -> Iterator[None]:
    """A folder in which the workers add up their metrics, named to them by a variable."""
    if not settings.shows_metrics:
        yield
        return
    with tempfile.TemporaryDirectory(prefix="shop-metrics-", ignore_cleanup_errors=True) as folder:
        os.environ[METRICS_FOLDER] = folder
        yield


def _warn(line: str) -> None:
    _logger.warning("%s", line)


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


def _announce(settings: Settings) -> None:
    """Say where everything is, once the workers answer."""
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::") else settings.host
    base = f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"
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
