"""The processes that answer, and how they are renewed while they do."""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from granian.net import SocketSpec  # type: ignore[attr-defined]
from granian.server import MPServer

from shop_http.server.composition import STARTED_IN

_START_S_MAX = 60


class Workers(MPServer):
    """Granian with listening sockets that outlive their workers, and a reload that waits for the new workers.

    By itself it has each worker open a socket of its own (SO_REUSEPORT): one that ends takes down the connections that
    wait in its queue. Here we open them, one for each place of a worker; the next one in that place takes over what
    waits. One socket for all would do that too, but when many connect at once, whoever looks first takes all of them.
    And Granian ends the old worker after a fixed time, whether or not the new one answers by then.
    """

    def _init_shared_socket(self) -> None:
        places = self.workers if sys.platform == "linux" else 1  # elsewhere the kernel does not share them out
        self._holders: list[Any] = [
            SocketSpec(self.bind_addr, self.bind_port, self.backlog).build() for _ in range(places)
        ]
        self._listening = [socket.socket(fileno=holder.get_fd()) for holder in self._holders]
        for listening in self._listening:
            listening.set_inheritable(False)  # forks have it all the same; a database that we start must not keep it
        self._sso = None
        os.register_at_fork(after_in_child=self._keep_own_socket)

    def _keep_own_socket(self) -> None:
        """In a worker: one that another worker has closed must not stay open here, with nobody who answers."""
        for listening in self._listening:
            if listening is not self._sso:
                listening.close()

    def _drop_shared_socket(self) -> None:
        for listening in self._listening:
            listening.close()

    def _spawn_worker(self, idx: int, *more: Any, **named: Any) -> Any:
        place = idx % len(self._holders)
        self._shd: Any = self._holders[place]
        self._sso: Any = self._listening[place]
        return super()._spawn_worker(idx, *more, **named)

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
