"""Connections to the database that carry nothing any more, while new ones work: as after a fail-over without a word."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import make_url
from verification.databases import SECRET

from shop_adapters.order_batcher import OrderBatcher
from shop_adapters.passwords import ScryptPasswords
from shop_adapters.postgres import PostgresAdapters, make_engine
from shop_adapters.postgres.current_catalog import CurrentCatalog
from shop_adapters.postgres.database import TransactionTimeouts
from shop_core import Shop
from shop_core.errors import Unavailable
from shop_http.server.database import readiness
from shop_http.server.settings import Settings
from shop_testing import Fixtures
from shop_testing.concurrency import TIMEOUT_S
from shop_testing.fixtures import request

PLACING_AGAIN_S = 15.0


class Swallower:
    """A TCP proxy before the database. After `swallow`, what its connections carry is lost; new ones work."""

    def __init__(self, url: str) -> None:
        asked = make_url(url)
        host = str(asked.query.get("host") or asked.host)
        self._target = (host, asked.port or int(str(asked.query.get("port", 5432))))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = [self._listener]
        self._swallowed = 0
        self.url = asked.set(host="127.0.0.1", port=self._listener.getsockname()[1], query={}).render_as_string(False)
        threading.Thread(target=self._accept, daemon=True).start()

    def swallow(self) -> None:
        """Lose what all present connections carry from now on."""
        self._swallowed = len(self._open)

    def close(self) -> None:
        """Hang up on everybody."""
        for each in self._open:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = self._connect()
                number = len(self._open)
                self._open += [client, server]
                for source, target in ((client, server), (server, client)):
                    threading.Thread(target=self._pump, args=(number, source, target), daemon=True).start()

    def _connect(self) -> socket.socket:
        host, port = self._target
        if not host.startswith("/"):
            return socket.create_connection((host, port))
        server = socket.socket(socket.AF_UNIX)
        server.connect(str(Path(host, f".s.PGSQL.{port}")))
        return server

    def _pump(self, number: int, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65_536):
                if number >= self._swallowed:
                    target.sendall(data)
            if number >= self._swallowed:
                target.shutdown(socket.SHUT_WR)


@pytest.fixture
def proxy(migrated_database: Callable[[str], str]) -> Iterator[Swallower]:
    """Before a migrated database."""
    proxy = Swallower(migrated_database("shop_silence"))
    yield proxy
    proxy.close()


def test_orders_are_placed_again_soon_and_the_server_says_meanwhile_that_it_is_not_ready(proxy: Swallower) -> None:
    engine = make_engine(proxy.url, connections=5)
    timeouts = TransactionTimeouts(lock_s=0.5, statement_s=3.0)
    adapters = PostgresAdapters(engine, SECRET, passwords=ScryptPasswords(2**4), timeouts=timeouts)
    shop, fixtures = Shop(adapters), Fixtures(adapters)
    current_catalog = CurrentCatalog(engine)
    lamp, ada = fixtures.product(units=99), fixtures.customer()
    with OrderBatcher(shop, adapters.new_id) as batcher:
        ready = readiness(engine, Settings(), batcher.check)
        batcher.place(request(ada, (lamp, 1))).result(TIMEOUT_S)
        assert asyncio.run(current_catalog(lamp.id.bytes))[2] == bytes([0, 0, 0, 98])
        ready()

        proxy.swallow()
        began = time.monotonic()
        lost = batcher.place(request(ada, (lamp, 1), key="k"))
        while not lost.done():
            was_ready = _is_ready(ready)
            assert lost.done() or not was_ready, "it seems ready while no order is placed"
        placed = lost if lost.exception() is None else batcher.place(request(ada, (lamp, 1), key="k"))
        assert placed.result(TIMEOUT_S).value.units == {lamp.id: 1}
        assert time.monotonic() - began < PLACING_AGAIN_S
        assert fixtures.level(lamp.id).allocated == 2
        with pytest.raises(TimeoutError):
            asyncio.run(asyncio.wait_for(current_catalog(lamp.id.bytes), 0.1))
        assert asyncio.run(current_catalog(lamp.id.bytes))[2] == bytes([0, 0, 0, 97])
    asyncio.run(current_catalog.close())
    engine.dispose()


def _is_ready(ready: Callable[[], None]) -> bool:
    try:
        ready()
    except Unavailable:
        return False
    return True
