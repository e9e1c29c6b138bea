"""Reads the version of the catalog (`catalog_version`) with the units of this moment."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import psycopg
from sqlalchemy import Engine

from shop_adapters.postgres.pool import CONNECTION

# All from one snapshot, which is in the answer, too: it says which transactions are visible, and so two equal ones see
# the same rows (PostgreSQL's documentation, "Transaction ID and Snapshot Information Functions"). The stamp tells a
# version from the same one after a restore from a backup. Each product is looked up in the index, however many are
# asked for; -1: there is none. Through a PgBouncer our connection outlives the server's, and a crash of the server is
# not noticed by it: so the number of the server's process is asked for, too.
_QUESTION = """
SELECT pg_backend_pid(),
       (SELECT concat_ws(' ', version, (
            SELECT stamp FROM catalog_stamps WHERE catalog_stamps.version = catalog_version.version
        )) FROM catalog_version WHERE id = 1),
       pg_current_snapshot()::text,
       (SELECT string_agg(int4send(coalesce((
            SELECT greatest(0, on_hand - allocated - reserved) FROM stock_levels WHERE product_id = asked.id
        ), -1)), '' ORDER BY place)
        FROM unnest(%s::uuid[]) WITH ORDINALITY AS asked (id, place))
"""


class CurrentCatalog:
    """Asks on a connection for that alone, which the event loop reads: no thread waits for the answer. One question at
    a time.

    Args:
        engine: of the database.
        prepare_threshold: see `make_engine`.
    """

    def __init__(self, engine: Engine, *, prepare_threshold: int | None = 5) -> None:
        self._engine = engine
        self._prepare_threshold = prepare_threshold and 0  # the first question is prepared already
        self._cursor: psycopg.AsyncCursor[Any] | None = None
        self._connected = 0

    async def __call__(self, product_ids: bytes = b"") -> tuple[Hashable, Hashable, bytes]:
        """A token of the catalog, the snapshot, and the units of these products that can be sold.

        Two tokens differ if anything of the catalog but its units may differ, and two snapshots, if anything may. After
        a restore from a backup a version can stand for another catalog, so the number of the connection is part of
        them. It may take as long as the network does; when it is cancelled, psycopg has the server stop, for some
        seconds at most.

        Args:
            product_ids: the 16 bytes of each id, one after the other.

        Returns:
            The units are in the order of the ids, 4 bytes each, the highest first; -1 stands for a product that is not
            there.

        Raises:
            psycopg.Error: there is no answer. The next call connects anew.
        """
        if self._cursor is None or self._cursor.connection.closed:
            self._cursor, self._connected = await self._connect(), self._connected + 1
        try:
            await self._cursor.execute(_QUESTION, (f"{{{product_ids.hex(',', -16)}}}",))
            ((session, version, snapshot, units),) = await self._cursor.fetchall()
        except BaseException:
            await self.close()
            raise
        token = self._connected, session, version
        return token, (token, snapshot), units or b""

    async def close(self) -> None:
        """Close the connection."""
        if self._cursor is not None:
            await self._cursor.connection.close()

    async def _connect(self) -> psycopg.AsyncCursor[Any]:
        given, options = self._engine.dialect.create_connect_args(self._engine.url)
        ours = {"autocommit": True, "prepare_threshold": self._prepare_threshold}
        connection = await psycopg.AsyncConnection.connect(*given, **{**CONNECTION, **options, **ours})
        return connection.cursor(binary=True)
