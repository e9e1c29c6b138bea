"""`shop serve`: the server process, its workers, and the database if it is the embedded one."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import socket
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from granian.constants import Interfaces, Loops
from granian.log import LogLevels
from granian.net import SocketSpec  # type: ignore[attr-defined]
from granian.server import MPServer

from shop_http.compose import STARTED_IN, database, open_shop, publisher_of
from shop_http.demo import add_demo_data
from shop_http.settings import Settings

_PORT_WAIT_S = 2.0  # workers whose server was killed give the port back within moments
_END_S_MAX = 30  # what takes longer to finish, beyond SHOP_DRAIN_S, is killed
_START_S_MAX = 60


class ServeError(Exception):
    """The server cannot start: one line that says why and what to do."""


def serve(settings: Settings, *, demo: bool = False) -> None:
    """Answer requests until SIGINT or SIGTERM, then stop all that was started. SIGHUP renews the workers one by one.

    Args:
        settings: where to listen, and on which database.
        demo: put demo products into an empty catalog first.

    Raises:
        SettingsError: facts cannot be told as the settings say.
        ServeError: the port is taken, or another server uses the data directory.
        EmbeddedPostgresError, DatabaseError, SchemaError: the database cannot be used.
    """
    publisher_of(settings)
    _check_port(settings.host, settings.port)
    with (
        database(settings, on_death=_warn) as located,
        _only_server(settings),
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
        server = _Server(
            "shop_http.compose:worker_app",
            factory=True,
            interface=Interfaces.ASGI,
            loop=Loops.asyncio,
            address=settings.host,
            port=settings.port,
            workers=settings.workers,
            websockets=False,
            log_level=LogLevels.warning,
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


class _Server(MPServer):
    """Granian with one listening socket that all workers share, and a reload that waits for the new workers.

    By itself it gives each worker a socket of its own (SO_REUSEPORT): one that ends takes down the connections that
    wait in its queue. And it ends the old worker after a fixed time, whether or not the new one answers by then.
    """

    def _init_shared_socket(self) -> None:
        self._shd: Any = SocketSpec(self.bind_addr, self.bind_port, self.backlog).build()
        self._sfd: Any = self._shd.get_fd()
        self._sso = socket.socket(fileno=self._sfd)
        self._sso.set_inheritable(True)

    def _respawn_workers(self, workers: Sequence[int], spawn_target: Any, target_loader: Any, delay: float = 0) -> None:
        for index in workers:
            old: Any = self.wrks[index]
            is_running = old.is_alive()
            new: Any = self._spawn_worker(index, spawn_target, target_loader)
            self.wrks[index] = new
            new.start()
            self.respawned_wrks[index] = time.monotonic()
            if is_running:
                self._wait_for(new)
            old.terminate()
            old.join(self.workers_kill_timeout)
            if old.is_alive():
                old.kill()
                old.join()
        self._metrics.incr_spawn(len(workers))

    def _wait_for(self, new: Any) -> None:
        """Until a new worker has started, or it is plain that it will not."""
        started = Path(os.environ[STARTED_IN], str(new.inner.pid))
        deadline = time.monotonic() + _START_S_MAX
        while not (started.exists() or self.interrupt_signal) and new.is_alive() and time.monotonic() < deadline:
            time.sleep(0.02)


def _warn(line: str) -> None:
    print(f"shop: {line}", file=sys.stderr, flush=True)


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
    print(
        f"The shop is open. Ctrl-C closes it.\n"
        f"  docs      {base}/docs\n"
        f"  products  {base}/api/v1/products\n"
        f"  try       curl '{base}/api/v1/products?limit=3&in_stock=true'",
        file=sys.stderr,
        flush=True,
    )
