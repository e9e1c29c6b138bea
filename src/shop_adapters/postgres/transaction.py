"""One transaction's way to PostgreSQL.

SQLAlchemy says what is asked, and the driver asks it. What has the same form each time is `Fixed`: compiled once, and
then run without SQLAlchemy, which takes longer over one statement than the driver and our own code together. Whatever
depends on more than its parameters goes through SQLAlchemy as ever.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC
from functools import cached_property
from typing import Any, cast

import psycopg
from psycopg.errors import error_from_result
from psycopg.pq import DiagnosticField, ExecStatus, TransactionStatus
from sqlalchemy import Connection, CursorResult, Executable
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from shop_adapters.postgres.packed import PackedArray
from shop_adapters.postgres.schema import Time

AnyRow = Any
"""A row, with its columns by place and by name."""

_DIALECT = PGDialect_psycopg()  # type: ignore[no-untyped-call]


class PreparedStatement:
    """A statement of which only the values of its parameters change.

    Args:
        statement: SELECT, INSERT, UPDATE or DELETE, with a `bindparam` for everything that changes.
    """

    def __init__(self, statement: Executable) -> None:
        self._statement = statement

    @cached_property
    def text(self) -> str:
        """As the driver wants it."""
        return str(self._compiled)

    def bound(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """All parameters, as the driver wants them."""
        bound = {**self._constants, **values}
        for name, pack in self._packed.items():
            bound[name] = pack(bound[name])
        return bound

    @cached_property
    def has_rows(self) -> bool:
        """Whether it answers with rows."""
        return bool(self._columns)

    def row_factory(self, _: object) -> Callable[[Sequence[Any]], AnyRow]:
        """What makes a row of the values that the driver read."""
        return self._make_row

    @cached_property
    def _compiled(self) -> Any:
        return self._statement.compile(dialect=_DIALECT)  # type: ignore[attr-defined]

    @cached_property
    def _constants(self) -> dict[str, Any]:
        return {name: value for name, value in self._compiled.params.items() if value is not None}

    @cached_property
    def _packed(self) -> dict[str, Callable[[Any], Any]]:
        binds = ((name, self._compiled.binds[name].type) for name in self._compiled.params)
        return {name: kind.bind_processor(_DIALECT) for name, kind in binds if isinstance(kind, PackedArray)}

    @cached_property
    def _columns(self) -> list[Any]:
        return list(getattr(self._statement, "exported_columns", ()))

    @cached_property
    def _make_row(self) -> Callable[[Sequence[Any]], AnyRow]:
        row = namedtuple("row", [column.name for column in self._columns], rename=True)  # type: ignore[misc]
        times = [place for place, column in enumerate(self._columns) if isinstance(column.type, Time)]
        if not times:
            return row._make

        def make(values: Sequence[Any]) -> AnyRow:
            in_utc = list(values)
            for place in times:
                if in_utc[place] is not None:
                    in_utc[place] = in_utc[place].astimezone(UTC)
            return row._make(in_utc)

        return make


class Transaction:
    """A connection, for as long as one transaction has it. Made by `shop_adapters.postgres.unit_of_work.begin`."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._driver = cast("psycopg.Connection[Any]", connection.connection.dbapi_connection)
        self._is_over = False

    def end(self) -> None:
        """It was committed or rolled back, and the connection is somebody else's from now on."""
        self._is_over = True

    def run(self, statement: PreparedStatement, values: Mapping[str, Any] | None = None) -> list[AnyRow]:
        """Run a statement, and read all its rows.

        Raises:
            psycopg.Error
        """
        if self._is_over:
            raise RuntimeError("this unit of work has ended: begin another one")
        cursor = self._driver.cursor(row_factory=statement.row_factory)
        cursor.execute(statement.text, statement.bound(values or {}))
        return cursor.fetchall() if statement.has_rows else []

    def one(self, statement: PreparedStatement, values: Mapping[str, Any] | None = None) -> AnyRow | None:
        """The row of a statement that has one at most."""
        rows = self.run(statement, values)
        assert len(rows) <= 1
        return rows[0] if rows else None

    def value(self, statement: PreparedStatement, values: Mapping[str, Any] | None = None) -> Any:
        """The one value of a statement that has one row of one column."""
        ((value,),) = self.run(statement, values)
        return value

    def execute(self, statement: Executable, parameters: Any = None) -> CursorResult[*tuple[Any, ...]]:
        """Run any statement, by way of SQLAlchemy.

        Raises:
            sqlalchemy.exc.DBAPIError
        """
        return self.connection.execute(statement, parameters)

    def send(self, message: bytes) -> None:
        """Run what has no parameters and no rows, in one message and the least time.

        Raises:
            psycopg.Error
        """
        result = self._driver.pgconn.exec_(message)
        if result.status == ExecStatus.COMMAND_OK:
            return
        if not result.error_field(DiagnosticField.SQLSTATE):  # it is not the server who says that
            raise psycopg.OperationalError(f"the connection is lost: {result.get_error_message()}")
        raise error_from_result(result)

    @property
    def is_spoilt(self) -> bool:
        """Whether a statement failed: PostgreSQL then answers COMMIT with a ROLLBACK, and no error."""
        return self._driver.info.transaction_status == TransactionStatus.INERROR
