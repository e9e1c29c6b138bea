"""Indexes that are built after the migration, beside servers that write to the table meanwhile.

An index that a migration makes holds up everybody who writes to its table, for as long as it takes to read all of it.
`CREATE INDEX CONCURRENTLY` does not, but cannot be part of a transaction. Until the index is there, what it replaces
serves: lists are as right, and slower.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping

from sqlalchemy import Connection, Engine, Index, TextClause, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateIndex, DropIndex

from shop_adapters.postgres.schema import orders_of_customer

LATE: Mapping[Index, TextClause] = {
    orders_of_customer: text("DROP INDEX CONCURRENTLY IF EXISTS orders_of_customer_by_status_idx"),
}
"""Each with the end of the one that it replaces, which goes when it is there."""
TRIES_MAX, PAUSE_S = 20, 0.5
_STATE = text("""
SELECT CASE WHEN indisvalid THEN 'valid'
            WHEN EXISTS (SELECT FROM pg_stat_progress_create_index WHERE index_relid = indexrelid) THEN 'building'
            ELSE 'broken' END
FROM pg_index
WHERE indexrelid = to_regclass(:name)
""")
_log = logging.getLogger("shop.database")


def build_indexes(engine: Engine) -> None:
    """Build those that are not there, also what somebody began and did not end.

    Two processes may do so at the same time: one of them waits, or fails and looks again.

    Raises:
        sqlalchemy.exc.DBAPIError: it fails again and again.
    """
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for index, end_of_replaced in LATE.items():
            tries_left = TRIES_MAX
            while tries_left:
                try:
                    if not _is_built(connection, index):
                        connection.execute(CreateIndex(index))
                    connection.execute(end_of_replaced)
                    break
                except DBAPIError as error:  # the other process drops or builds the same one
                    tries_left -= 1
                    if not tries_left:
                        raise
                    _log.warning("the index %s is tried again: %s", index.name, error.orig)
                    time.sleep(PAUSE_S)


def _is_built(connection: Connection, index: Index) -> bool:
    while (state := connection.execute(_STATE, {"name": index.name}).scalar_one_or_none()) == "building":
        time.sleep(PAUSE_S)
    if state == "broken":
        connection.execute(DropIndex(index, if_exists=True))
    return state == "valid"
