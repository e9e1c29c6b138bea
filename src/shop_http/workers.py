"""The processes that answer, and how they are renewed while they do."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from granian.net import SocketSpec  # type: ignore[attr-defined]
from granian.server import MPServer

from shop_http.compose import STARTED_IN

_START_S_MAX = 60


class Workers(MPServer):
    """Granian with one listening socket that all workers share, and a reload that waits for the new workers.

    By itself it gives each worker a socket of its own (SO_REUSEPORT): one that ends takes down the connections that
    wait in its queue. And it ends the old worker after a fixed time, whether or not the new one answers by then.
    """

    def _init_shared_socket(self) -> None:
        self._shd: Any = SocketSpec(self.bind_addr, self.bind_port, self.backlog).build()
        self._sfd: Any = self._shd.get_fd()
        self._sso = socket.socket(fileno=self._sfd)
        self._sso.set_inheritable(
            False
        )  # forks have it all the same; the database, started again, must not keep the port

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
