"""The processes that answer requests: started, replaced when they die, renewed without losing a request, ended.

The supervisor opens the listening sockets and hands each to one worker, as a file descriptor. A socket outlives its
worker: connections that wait in its queue are taken by the next one. Each worker has a socket of its own, since of a
burst of connections to one socket the first worker to wake would take all.

The workers are forked from multiprocessing's fork server, a process with nothing but the imported modules: so a worker
starts in a moment, and the modules are imported while the database starts.

Supervisor and worker share a pipe, the link. The worker writes a byte when it answers requests; the supervisor writes
a `Command`. When the supervisor dies, its workers read the end of the link and end, too.
"""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerProcess
from multiprocessing.forkserver import ensure_running
from typing import Any

from shop_http.server.settings import Settings

START_S_MAX = 60.0
"""A worker that is not ready by then is killed."""
RETRY_S = 1.0
"""The pause before another try, after a worker that ended before it was ready."""
WORKER = "shop_http.server.worker"
_context = multiprocessing.get_context("forkserver")
_logger = logging.getLogger("shop_http")


class Command(bytes, Enum):
    """What a worker is told through its link."""

    HAND_OVER = b"h"  # a new worker has taken your place: finish what you have
    DRAIN = b"d"  # the server ends: go on for SHOP_DRAIN_S, then finish
    STOP = b"s"  # the server ends: finish what you have


class WorkersFailed(Exception):
    """The workers cannot start. Their log says why."""


def open_sockets(host: str, port: int, count: int) -> list[socket.socket]:
    """Sockets bound to one address, among which the system shares out the connections. They do not listen yet.

    Where the system cannot share out (anything but Linux) it is one socket, which all workers use.

    Raises:
        OSError: the address cannot be used, or another server uses it.
    """
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]

    def bound(is_shared: bool) -> socket.socket:
        opened = socket.socket(family, kind, protocol)
        try:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if is_shared:
                opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            opened.bind(address)
        except OSError:
            opened.close()
            raise
        return opened

    only = bound(is_shared=False)  # a second server would be let in beside shared ones
    if sys.platform != "linux":
        return [only]
    only.close()
    return [bound(is_shared=True) for _ in range(count)]


def prepare() -> None:
    """Start the fork server, which begins to import what the workers need. Call it early, and from the main thread.

    It ignores what ends the server: some send that to every process, and without it workers that drain count as dead.
    """
    _context.set_forkserver_preload([WORKER])
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGTERM, signal.SIGHUP)}
    ensure_running()
    for number, handler in before.items():
        signal.signal(number, handler)


def _run_worker(listening: socket.socket, health: socket.socket | None, link: Connection, settings: Settings) -> None:
    """What a worker process does."""
    from shop_http.server.worker import run  # imported already, by the fork server

    run(listening, health, link, settings)


@dataclass(slots=True)
class Worker:
    """A process that answers requests, seen from outside."""

    process: ForkServerProcess
    link: Connection

    def send(self, command: Command) -> None:
        """Send a command. A worker that is gone needs none."""
        with contextlib.suppress(OSError):
            self.link.send_bytes(command.value)

    def kill(self) -> None:
        """Kill it if it has not ended."""
        self.process.kill()
        self.process.join()
        self.link.close()


@dataclass(slots=True)
class Supervisor:
    """Runs one worker for each place until SIGTERM or SIGINT; SIGHUP renews them one after the other.

    Args:
        sockets: bound, as of `open_sockets`.
        health_sockets: the same, of a port for health checks alone; none without one.
        settings: of the workers, with a database.
        end_s_max: how long a worker may take to end.
        on_ready: called once, when all workers answer.
    """

    sockets: Sequence[socket.socket]
    health_sockets: Sequence[socket.socket]
    settings: Settings
    end_s_max: float
    on_ready: Callable[[], None]
    _workers: list[Worker] = field(default_factory=list)
    _leaving: list[Worker] = field(default_factory=list)
    _signals: list[int] = field(default_factory=list)

    def run(self) -> None:
        """Until a signal ends it.

        Raises:
            WorkersFailed: at the first start, a worker ended or was not ready in time.
        """
        with self._receiving_signals() as woken:
            try:
                self._workers += [self._start(place) for place in range(self.settings.workers)]
                if not all(self._is_ready(worker, woken) for worker in self._workers) and not self._is_ending:
                    raise WorkersFailed
                if not self._is_ending:
                    self.on_ready()
                while not self._is_ending:
                    if signal.SIGHUP in self._signals:  # it may have come while another wait read the wake-up
                        self._signals.remove(signal.SIGHUP)
                        self._renew(woken)
                    else:
                        self._wait(woken, [worker.process.sentinel for worker in self._workers], None)
                    self._replace_dead(woken)
            finally:
                self._end(woken)

    @property
    def _ends_asked(self) -> int:
        return self._signals.count(signal.SIGTERM) + self._signals.count(signal.SIGINT)

    @property
    def _is_ending(self) -> bool:
        return self._ends_asked > 0

    def _start(self, place: int) -> Worker:
        ours, theirs = _context.Pipe()
        with theirs:
            listening = self.sockets[place % len(self.sockets)]
            health = self.health_sockets[place % len(self.health_sockets)] if self.health_sockets else None
            process = _context.Process(target=_run_worker, args=(listening, health, theirs, self.settings), daemon=True)
            process.start()
        return Worker(process, ours)

    def _is_ready(self, worker: Worker, woken: socket.socket) -> bool:
        """Wait until a worker answers requests; False if it will not, or if the server ends."""
        deadline = time.monotonic() + START_S_MAX
        while not self._is_ending and (left_s := deadline - time.monotonic()) > 0:
            if self._wait(woken, [worker.link.fileno()], left_s):
                with contextlib.suppress(OSError, EOFError):
                    return bool(worker.link.recv_bytes())
                return False
        return False

    def _replace_dead(self, woken: socket.socket) -> None:
        for place, worker in enumerate(self._workers):
            while not self._is_ending and not worker.process.is_alive():
                _logger.warning(
                    "worker %d ended (%s); starting another one", worker.process.pid, worker.process.exitcode
                )
                worker.kill()
                self._workers[place] = worker = self._start(place)
                if not self._is_ready(worker, woken) and not self._is_ending:
                    worker.process.kill()
                    self._wait(woken, [], RETRY_S)

    def _renew(self, woken: socket.socket) -> None:
        """Replace each worker when its successor answers."""
        for place, old in enumerate(self._workers):
            new = self._start(place)
            if not self._is_ready(new, woken):
                new.kill()
                if not self._is_ending:
                    _logger.error("a new worker could not start; the old ones go on")
                return
            self._workers[place] = new
            self._leaving.append(old)
            old.send(Command.HAND_OVER)
            self._wait_for_ends([old], woken, replaces=True)
            if self._is_ending:
                return
            old.kill()
            self._leaving.remove(old)

    def _end(self, woken: socket.socket) -> None:
        """End all workers: after the drain for one SIGTERM, at once for Ctrl-C, a second signal or a failure."""
        for listening in (*self.sockets, *self.health_sockets):
            listening.close()  # the workers have them open for as long as they take connections
        workers = [*self._workers, *self._leaving]
        is_drained = signal.SIGINT not in self._signals and self._signals.count(signal.SIGTERM) == 1
        for command in (Command.DRAIN, Command.STOP) if is_drained else (Command.STOP,):
            for worker in workers:
                worker.send(command)
            if not self._wait_for_ends(workers, woken):
                break
        for worker in workers:
            worker.kill()

    def _wait_for_ends(self, workers: Sequence[Worker], woken: socket.socket, *, replaces: bool = False) -> bool:
        """Wait until all of these have ended, or another signal asks for more haste; False if that takes too long.

        Args:
            replaces: whether workers in place that die meanwhile are replaced.
        """
        deadline, asked = time.monotonic() + self.end_s_max, self._ends_asked
        while running := [worker for worker in workers if worker.process.is_alive()]:
            if (left_s := deadline - time.monotonic()) <= 0:
                _logger.warning("%d workers do not end: killed", len(running))
                return False
            if self._ends_asked > asked:
                break
            watched = [*running, *self._workers] if replaces else running
            self._wait(woken, [worker.process.sentinel for worker in watched], left_s)
            if replaces:
                self._replace_dead(woken)
        return True

    @staticmethod
    def _wait(woken: socket.socket, descriptors: Sequence[int], seconds: float | None) -> bool:
        """Wait for a signal, or until one of the descriptors can be read; return whether one can."""
        found = wait([woken.fileno(), *descriptors], seconds)
        if woken.fileno() in found:
            woken.recv(4096)
        return any(each in descriptors for each in found)

    @contextlib.contextmanager
    def _receiving_signals(self) -> Iterator[socket.socket]:
        """Note signals, and wake whoever waits."""
        woken, waker = socket.socketpair()
        waker.setblocking(False)
        numbers = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)

        def note(number: int, _frame: Any) -> None:
            self._signals.append(number)

        before = [signal.signal(number, note) for number in numbers]
        wakeup_before = signal.set_wakeup_fd(waker.fileno(), warn_on_full_buffer=False)
        try:
            yield woken
        finally:
            signal.set_wakeup_fd(wakeup_before)
            for number, handler in zip(numbers, before, strict=True):
                signal.signal(number, handler)
            woken.close()
            waker.close()
