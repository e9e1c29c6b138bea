"""The version of the catalog, and what is known for as long as it stays the same; and the units of this moment.

To count a list, or to skip its first hundred thousand products, is to read all of them. But neither depends on stock,
and the catalog changes seldom. So it has a version, which every change of it raises as the last thing before its
commit; a count, or the product at which a page begins, is right as long as the version is the same. So is the text of
a page, without its units.
"""

from __future__ import annotations

import asyncio
import struct
import sys
from collections import OrderedDict
from collections.abc import Hashable
from threading import Lock
from typing import Any, Generic, TypeVar, cast

import psycopg
from psycopg.pq import ExecStatus, Format
from psycopg.pq.abc import PGconn, PGresult
from sqlalchemy import Engine

from shop_core.catalog.search import ProductQuery
from shop_core.pagination import Key

V = TypeVar("V")

CACHED_BYTES_MAX = 2 * 1024 * 1024
"""Of counts, and of keys: values, and the queries that they answer."""
_ENTRY_BYTES = 1_000  # what an entry takes at most beside the words of its query and the texts of its key
_UNKNOWN = (None, 0)
ANSWER_S = 2.0
"""How long the answer may take: for a page of 50 products it takes a tenth of a millisecond."""

# All from one snapshot, which is in the answer, too: it says which transactions are visible, and so two equal ones see
# the same rows (PostgreSQL's documentation, "Transaction ID and Snapshot Information Functions"). The stamp tells a
# version from the same one after a restore from a backup. Each product is looked up in the index, however many are
# asked for; -1: there is none.
_ASK = b"""
SELECT (SELECT concat_ws(' ', version, (
            SELECT stamp FROM catalog_stamps WHERE catalog_stamps.version = catalog_version.version
        )) FROM catalog_version WHERE id = 1),
       (SELECT string_agg(int4send(coalesce((
            SELECT greatest(0, on_hand - allocated - reserved) FROM stock_levels WHERE product_id = asked.id
        ), -1)), '' ORDER BY place)
        FROM unnest($1::uuid[]) WITH ORDINALITY AS asked (id, place)),
       pg_current_snapshot()::text,
"""
_NAME = b"current_stock"
_UUIDS = 2951  # the type uuid[]
_OF_CONNECTION = _ASK + b"''"
# Through a PgBouncer our connection outlives the server's, and a crash of the server is not noticed by it.
_OF_SESSION = _ASK + b"pg_backend_pid()::text"


class PageIndexCache:
    """The counts of lists, and the keys at which their pages begin, in this process. Threads share one."""

    def __init__(self) -> None:
        self.counts: _OfOneVersion[int] = _OfOneVersion()
        self.starts: _OfOneVersion[Key] = _OfOneVersion()


class _OfOneVersion(Generic[V]):
    """Values of the version that was asked for last, the newest of them.

    The version is compared for equality alone, and another one, also a lower one, empties the cache: after a restore
    from a backup the version falls, and rises again to numbers that then stand for another catalog.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._version: int | None = None
        self._values: OrderedDict[Hashable, tuple[V, int]] = OrderedDict()
        self._bytes = 0

    def get(self, version: int | None, query: ProductQuery, offset: int = 0) -> V | None:
        """The value, if it is known for that version."""
        if version is None:
            return None
        with self._lock:
            self._turn_to(version)
            return self._values.get((query, offset), _UNKNOWN)[0]

    def put(self, version: int | None, query: ProductQuery, value: V, offset: int = 0) -> None:
        """Remember a value that was found after that version was read."""
        if version is None:
            return
        texts = (*(query.words or ()), *(value if isinstance(value, tuple) else ()))
        size = sum(map(sys.getsizeof, texts), _ENTRY_BYTES)
        with self._lock:
            self._turn_to(version)
            self._bytes += size - self._values.get((query, offset), _UNKNOWN)[1]
            self._values[query, offset] = value, size
            while self._bytes > CACHED_BYTES_MAX:
                self._bytes -= self._values.popitem(last=False)[1][1]

    def _turn_to(self, version: int) -> None:
        if version != self._version:
            self._values.clear()
            self._version, self._bytes = version, 0


class CurrentStock:
    """Asks on a connection for that alone, which the event loop reads: no thread waits for the answer. One question at
    a time.

    Args:
        engine: of the database.
        prepare_threshold: see `make_engine`.
    """

    def __init__(self, engine: Engine, *, prepare_threshold: int | None = 5) -> None:
        self._engine = engine
        self._is_prepared = prepare_threshold is not None
        self._connection: psycopg.Connection[Any] | None = None
        self._connected = 0

    async def __call__(self, product_ids: bytes = b"") -> tuple[bytes, bytes, bytes]:
        """A token of the catalog, the snapshot, and the units of these products that can be sold.

        Two tokens differ if anything of the catalog but its units may differ, and two snapshots, if anything may. After
        a restore from a backup a version can stand for another catalog, so the number of the connection is part of
        them.

        Args:
            product_ids: the 16 bytes of each id, one after the other.

        Returns:
            The units are in the order of the ids, 4 bytes each; -1 stands for a product that is not there.

        Raises:
            psycopg.Error, SQLAlchemyError, TimeoutError: there is no answer. The next call connects anew.
        """
        try:
            if self._connection is None:
                self._connection = await asyncio.to_thread(self._connect)
                if self._is_prepared:
                    self._connection.pgconn.send_prepare(_NAME, _OF_CONNECTION, [_UUIDS])
                    await _result(self._connection.pgconn, ExecStatus.COMMAND_OK)
            version, units, snapshot, session = await self._row(self._connection.pgconn, product_ids)
        except BaseException:
            self.close()
            raise
        token = b"%d %b %b" % (self._connected, session, version)
        return token, b"%b %b" % (token, snapshot), units

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    async def _row(self, server: PGconn, product_ids: bytes) -> list[bytes]:
        ids, is_binary = [_array_of(product_ids)], [Format.BINARY]
        if self._is_prepared:
            server.send_query_prepared(_NAME, ids, is_binary, Format.BINARY)
        else:
            server.send_query_params(_OF_SESSION, ids, [_UUIDS], is_binary, Format.BINARY)
        result = await _result(server, ExecStatus.TUPLES_OK)
        return [result.get_value(0, column) or b"" for column in range(4)]

    def _connect(self) -> psycopg.Connection[Any]:
        pooled = self._engine.raw_connection()
        connection = cast("psycopg.Connection[Any]", pooled.driver_connection)
        pooled.detach()  # from now on it is ours, and the pool makes another one
        connection.autocommit = True
        connection.pgconn.nonblocking = 1
        self._connected += 1
        return connection


async def _result(server: PGconn, expected: ExecStatus) -> PGresult:
    """What the server answers to the one statement that was sent (libpq's documentation, 32.4).

    Raises:
        psycopg.OperationalError: the connection is lost, or the statement failed.
        TimeoutError: there is no answer within `ANSWER_S`.
    """
    loop, socket, results = asyncio.get_running_loop(), server.socket, list[PGresult]()
    is_answered: asyncio.Future[None] = loop.create_future()

    def read() -> None:
        if is_answered.done():
            return
        try:
            server.consume_input()
            if not server.flush():
                loop.remove_writer(socket)
            while not server.is_busy():
                if (result := server.get_result()) is None:
                    listen_no_more()
                    is_answered.set_result(None)
                    return
                results.append(result)
        except psycopg.Error as lost:
            listen_no_more()  # now: its socket is closed, and another connection may get the number of it
            is_answered.set_exception(lost)

    def give_up() -> None:
        read()  # the loop may have stood still, and the answer be here
        if not is_answered.done():
            listen_no_more()
            is_answered.set_exception(TimeoutError(f"the database does not answer within {ANSWER_S} s"))

    def listen_no_more() -> None:
        loop.remove_reader(socket)
        loop.remove_writer(socket)
        timer.cancel()

    if server.flush():  # many ids, and the socket does not take all of them at once
        loop.add_writer(socket, read)
    loop.add_reader(socket, read)
    timer = loop.call_later(ANSWER_S, give_up)
    try:
        await is_answered
    finally:
        if is_answered.cancelled():
            listen_no_more()
    (result,) = results
    if result.status != expected:
        raise psycopg.OperationalError(result.error_message.decode(errors="replace"))
    return result


def _array_of(product_ids: bytes) -> bytes:
    """A `uuid[]` in PostgreSQL's binary format: dimensions, no NULLs, element type, length, first index, elements."""
    ids = [b"\0\0\0\x10" + product_ids[at : at + 16] for at in range(0, len(product_ids), 16)]
    return struct.pack(">iiiii", 1, 0, 2950, len(ids), 1) + b"".join(ids)
