"""One process that answers requests, started and ended by the supervisor."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
from multiprocessing.connection import Connection

import uvicorn

from shop_http.server.composition import worker_app
from shop_http.server.health_port import HealthPort
from shop_http.server.http_protocol import config_of
from shop_http.server.settings import Settings
from shop_http.server.shutdown import GracefulShutdown
from shop_http.server.supervisor import Command

BACKLOG = 4096
"""Connections that wait to be accepted, as many as Linux allows by default (net.core.somaxconn). The system ignores
what comes beyond that, and clients try again after 1, 3 and 7 s."""
KEEP_ALIVE_S = 75
"""Longer than proxies keep an idle connection, so that they close it, not we while their request is on its way."""
LAST_REQUESTS_S = 0.3
"""After the last connection is accepted: clients get `Connection: close` with the answer to their next request, instead
of an idle connection closed under it. Without this, a prototype lost 5 requests in 40 replacements; with it, none."""
FINISH_S_MAX = 30
"""What takes longer to finish is cancelled."""


class WorkerServer(uvicorn.Server):
    """uvicorn on an inherited socket, which ends in the way that the supervisor orders."""

    def __init__(
        self,
        config: uvicorn.Config,
        link: Connection,
        shutdown: GracefulShutdown,
        drain_s: float,
        health: HealthPort | None,
    ) -> None:
        super().__init__(config)
        self.health = health
        self.link = link
        self.graceful = shutdown
        self.drain_s = drain_s

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to answer requests, and tell the supervisor."""
        await super().startup(sockets)
        if self.should_exit:
            return
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self.obey, Command.DRAIN)
        loop.add_signal_handler(signal.SIGINT, self.obey, Command.STOP)
        loop.add_reader(self.link.fileno(), self.read_command)
        if self.health:
            self.health.start()
        with contextlib.suppress(OSError):  # then `read_command` finds the end of the link
            self.link.send_bytes(b"ready")

    def read_command(self) -> None:
        """Obey the supervisor. The end of the link means that it died: nobody else would stop this process."""
        try:
            self.obey(Command(self.link.recv_bytes()))
        except (EOFError, OSError):
            os._exit(1)

    def obey(self, command: Command) -> None:
        """Begin to end, see `Command`. A later command replaces an earlier one if it ends sooner."""
        loop = asyncio.get_running_loop()
        if command is Command.HAND_OVER:
            self.graceful.hand_over()
            self.take_no_more()
            if self.health:
                self.health.hand_over()
            loop.call_later(LAST_REQUESTS_S, self.finish)
            return
        self.graceful.leave()
        drain_s = self.drain_s if command is Command.DRAIN else 0
        last_s = min(drain_s, LAST_REQUESTS_S)
        loop.call_later(drain_s - last_s, self.take_no_more)
        loop.call_later(drain_s, self.finish)

    def take_no_more(self) -> None:
        """Accept no more connections."""
        for server in self.servers:
            server.close()

    def finish(self) -> None:
        """Have uvicorn finish what is under way, and end."""
        self.should_exit = True


def run(listening: socket.socket, health: socket.socket | None, link: Connection, settings: Settings) -> None:
    """Answer requests until the supervisor says otherwise.

    Args:
        listening: bound; its connections are answered.
        health: the same, for health checks alone.
        link: to the supervisor.
        settings: with a database.
    """
    os.setpgrp()  # Ctrl-C is for the supervisor
    shutdown = GracefulShutdown()
    app, open_connections = worker_app(settings, shutdown)
    config = config_of(
        app,
        open_connections,
        lifespan="on",
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=FINISH_S_MAX,
    )
    try:
        health_port = HealthPort(health, app.state.ready) if health else None
        WorkerServer(config, link, shutdown, settings.drain_s, health_port).run([listening])
    finally:
        logging.shutdown()  # writes what waits; nothing else does at the end of a process of multiprocessing
