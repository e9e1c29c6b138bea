"""One transaction on a pooled connection, its clock, and what errors of PostgreSQL mean to the shop.

`Transaction.run` runs the statements of all units of work. Fixed ones are text with named parameters (`text`); lists
with filters are composed by SQLAlchemy Core. Both are made text for the driver once, and psycopg runs them.
"""

from __future__ import annotations

import logging
import math
import re
import time
from collections import namedtuple
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property, lru_cache, partial
from typing import Any, cast
from uuid import UUID

import psycopg
from psycopg.pq import DiagnosticField, ExecStatus, TransactionStatus
from sqlalchemy import Engine, Executable, Select, func, literal, select, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import DBAPIError, TimeoutError

from shop_adapters.clock import system_clock
from shop_adapters.lock_order import LockOrder
from shop_adapters.observation import ObserveStatements, Run
from shop_adapters.postgres.watchdog import Watch, watched
from shop_core.errors import Busy, Refusal, Unavailable
from shop_core.ports import Clock

Row = Any
"""A named tuple of the columns."""

RefusalOf = Callable[[str, psycopg.errors.Diagnostic], Refusal | None]
"""What a broken constraint means: gets the SQLSTATE and the diagnostics; None if it was not expected."""

COUNTED_MAX = 1_000
"""Up to so many rows are counted one by one: to count more would cost more than to read the page beside it."""

CLOCK_OFF_MAX = timedelta(seconds=5)
_ANSWER_SPARE_S = 2.0
_DIALECT = postgresql.psycopg.dialect()  # type: ignore[no-untyped-call]
_PLAN_ROWS = re.compile(r"rows=(\d+)")
_NOTHING: Mapping[str, Any] = {}
_TIME = text("SELECT clock_timestamp()")  # not now(), which stands still from the start of the transaction


@dataclass(frozen=True)
class TransactionTimeouts:
    """How long a transaction may take, in seconds. PostgreSQL ends one that takes longer, and its caller is told to
    try again: a client that froze must not keep rows from all others.

    Args:
        lock_s: waiting for a row.
        statement_s: one statement.
        idle_s: doing nothing between two statements.
    """

    lock_s: float = 2
    statement_s: float = 60
    idle_s: float = 30

    @property
    def answer_s(self) -> float:
        """How long the client waits for an answer until it gives the connection up: longer than the server may take."""
        return self.statement_s + _ANSWER_SPARE_S

    @cached_property
    def begin(self) -> bytes:
        """The message that opens a transaction with its settings. It costs one round trip.

        The settings end with the transaction: behind a PgBouncer the next one may be somebody else's.

        - `enable_seqscan = off`: a plan made while a table is small would read all of it, and would be kept while the
          table grows. See docs/decisions/0015-no-plan-reads-a-whole-table.md.
        - `jit = off`: that setting makes short statements look expensive to PostgreSQL before version 18, which would
          then compile them, for 100 ms each time.
        - `timezone = 'UTC'`: times are read in UTC.
        """
        lock, statement, idle = (round(seconds * 1000) for seconds in (self.lock_s, self.statement_s, self.idle_s))
        return (
            f"BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL lock_timeout = {lock};"
            f" SET LOCAL statement_timeout = {statement};"
            f" SET LOCAL idle_in_transaction_session_timeout = {idle};"
            " SET LOCAL enable_seqscan = off; SET LOCAL jit = off; SET LOCAL timezone = 'UTC'"
        ).encode()


class Transaction:
    """An open transaction. Made by `transaction`."""

    def __init__(
        self,
        connection: psycopg.Connection[Any],
        watch: Watch,
        timeouts: TransactionTimeouts,
        clock: Clock | None,
        observe: ObserveStatements | None = None,
    ) -> None:
        self.lock_order = LockOrder()
        self._connection = connection
        self._clock = clock
        self._noted: tuple[int, datetime] | None = None  # a time, and how many locks had been asked for by then
        self._is_over = False
        # One for all statements: it remembers how to send each type. Binary results are cheaper to make and to read.
        self._cursor: psycopg.Cursor[Row] = connection.cursor(binary=True, row_factory=_named_rows)
        self._execute: Run = self._cursor.execute
        self._execute_many: Run = self._cursor.executemany
        self._run_command: Run = self._command
        if observe is not None:
            self._execute, self._execute_many = observe(self._execute), observe(self._execute_many)
            self._run_command = observe(self._command)
        self._watch = watch
        self._run_command(timeouts.begin)

    def run(
        self, statement: Executable, values: Mapping[str, Any] = _NOTHING, refusal_of: RefusalOf | None = None
    ) -> list[Row]:
        """Run a statement, and read all its rows.

        Args:
            statement: `sqlalchemy.text`, or composed by SQLAlchemy Core.
            values: of its named parameters.
            refusal_of: what a broken constraint means, see `RefusalOf`.

        Raises:
            psycopg.Error
            Refusal: that of `refusal_of`.
        """
        self._ask(self._execute, refusal_of, *_for_driver(statement, values))
        return [] if self._cursor.rownumber is None else self._cursor.fetchall()

    def run_each(
        self, statement: Executable, rows: Iterable[Mapping[str, Any]], refusal_of: RefusalOf | None = None
    ) -> None:
        """Run a statement once for each of `rows`, in their order and without waiting in between; else as `run`."""
        self._ask(self._execute_many, refusal_of, _compiled(statement)[0], list(rows))

    def without_limit(self) -> None:
        """Wait for each statement that follows as long as the server takes."""
        self._watch.seconds = math.inf

    def one(self, statement: Executable, values: Mapping[str, Any] = _NOTHING) -> Row | None:
        """The row of a statement that has one at most."""
        rows = self.run(statement, values)
        assert len(rows) <= 1
        return rows[0] if rows else None

    def value(self, statement: Executable, values: Mapping[str, Any] = _NOTHING) -> Any:
        """The one value of a statement that has one row of one column."""
        ((value,),) = self.run(statement, values)
        return value

    def count_or_estimate(self, rows: Select[Any], values: Mapping[str, Any] = _NOTHING) -> tuple[int, bool]:
        """How many rows a statement has, and whether that is an estimate of the planner: beyond `COUNTED_MAX` it is.

        Counting a long list reads all of it, for a number that is old by the time it is shown.
        """
        counted: int = self.value(_count_of(rows), values)
        if counted <= COUNTED_MAX:
            return counted, False
        query, bound = _for_driver(rows, values)
        plan = self._execute(b"EXPLAIN " + query, bound).fetchone()
        estimated = _PLAN_ROWS.search(plan[0]) if plan else None  # as JSON it takes twice as long
        assert estimated is not None
        return max(COUNTED_MAX + 1, int(estimated[1])), True

    def given_time(self) -> datetime | None:
        """The time on the clock that was given instead of that of the database, if one was."""
        return self._clock() if self._clock else None

    def note_time(self, time: datetime) -> None:
        """Remember a time that the database told after it had given the last lock: it saves `now` a round trip."""
        self._noted = self.lock_order.entered, time

    def now(self) -> datetime:
        """The time on the clock of the database, no earlier than the last lock: the same for all processes."""
        if self._clock is not None:
            return self._clock()
        if self._noted is None or self._noted[0] != self.lock_order.entered:
            self.note_time(self.value(_TIME))
        assert self._noted is not None
        return self._noted[1]

    def commit(self) -> None:
        """Commit.

        Raises:
            RuntimeError: a statement failed. PostgreSQL would answer COMMIT with a ROLLBACK, and no error.
            psycopg.Error
        """
        if self.has_failed:
            raise RuntimeError("a statement of this unit of work was refused: let the exception leave the `with`")
        self._run_command(b"COMMIT")

    @property
    def has_failed(self) -> bool:
        """Whether a statement failed: then nothing more can be done in this transaction."""
        return self._connection.info.transaction_status == TransactionStatus.INERROR

    def end(self) -> None:
        """Refuse statements from now on: the connection goes to somebody else."""
        self._is_over = True

    def _command(self, command: bytes) -> None:
        """Run what has no parameters and no rows, in one message: psycopg's own way takes three times as long."""
        self._watch.asked_at = time.monotonic()
        if (result := self._connection.pgconn.exec_(command)).status != ExecStatus.COMMAND_OK:
            if not result.error_field(DiagnosticField.SQLSTATE):  # the connection is lost
                raise psycopg.OperationalError(result.get_error_message())
            raise psycopg.errors.error_from_result(result)  # as of any statement: of its class, if the state is unknown

    def _ask(self, execute: Run, refusal_of: RefusalOf | None, *arguments: object) -> None:
        """Run a statement; raises what a broken constraint means to the shop, if that is known."""
        if self._is_over:
            raise RuntimeError("this unit of work has ended: begin another one")
        self._watch.asked_at = time.monotonic()
        try:
            execute(*arguments)
        except psycopg.IntegrityError as error:
            if refusal_of and (refusal := refusal_of(error.sqlstate or "", error.diag)):
                raise refusal from error
            raise


@contextmanager
def transaction(
    engine: Engine,
    timeouts: TransactionTimeouts,
    clock: Clock | None = None,
    observe: ObserveStatements | None = None,
) -> Iterator[Transaction]:
    """A transaction on a pooled connection: committed at the end, rolled back on any exception.

    If the connection is lost, all others of the pool are replaced too: a database that was away has lost them all.

    Args:
        engine: the pool.
        timeouts: how long it may take.
        clock: tells the time instead of the database, for tests that move it.
        observe: observes its statements.

    Raises:
        Unavailable: no connection could be had in time, the database is not there, or it ended this transaction.
    """
    with translate_errors():
        pool = engine.pool
        pooled = engine.raw_connection()
        connection = cast("psycopg.Connection[Any]", pooled.driver_connection)
        opened: Transaction | None = None
        try:
            with watched(connection, timeouts.answer_s) as watch:
                try:
                    opened = Transaction(connection, watch, timeouts, clock, observe)
                    yield opened
                    opened.commit()
                except BaseException:
                    watch.asked_at = time.monotonic()
                    with suppress(psycopg.Error):
                        connection.rollback()
                    raise
        finally:
            if opened is not None:
                opened.end()
            if connection.closed:
                pooled.invalidate()
                if engine.pool is pool:
                    engine.dispose()
            pooled.close()
            if engine.pool is not pool:  # the pool was replaced meanwhile: nobody takes this connection out again
                pool.dispose()


def clock_off(engine: Engine, clock: Clock = system_clock) -> timedelta:
    """How far the clock of this host is off that of the database, at least: less is lost in the time of the question.

    Args:
        clock: of this host.

    Raises:
        Unavailable: the database does not answer.
    """
    with translate_errors(), transaction(engine, TransactionTimeouts(statement_s=3)) as opened:
        before, now, after = clock(), opened.now(), clock()
    return max(before - now, now - after, timedelta(0))


def check_clock(engine: Engine, clock: Clock = system_clock) -> None:
    """Check that the clock of this host goes with that of the database, by which all processes go.

    Args:
        clock: of this host.

    Raises:
        Unavailable: it is off by more than `CLOCK_OFF_MAX`.
    """
    off = clock_off(engine, clock)
    if off > CLOCK_OFF_MAX:
        message = f"The clock of this host is {off.total_seconds():.0f} seconds off that of the database: set it."
        _log_refusal("the clock of this host is wrong", message)
        raise Unavailable(message)


def _named_rows(cursor: psycopg.Cursor[Any]) -> Callable[[Sequence[Any]], Row]:
    """As psycopg's `namedtuple_row`, which takes half as long as all the rest of a row."""
    result = cursor.pgresult
    return partial(tuple.__new__, _row_type(*[result.fname(n) for n in range(result.nfields)] if result else ()))


@lru_cache(1024)
def _row_type(*columns: bytes) -> type[tuple[Any, ...]]:
    return namedtuple("Row", [column.decode() for column in columns], rename=True)


def _for_driver(statement: Executable, values: Mapping[str, Any]) -> tuple[bytes, Mapping[str, Any]]:
    query, constants = _compiled(statement)
    return query, {**constants, **values} if constants else values


@lru_cache(1024)  # by identity: a composed statement is kept by the function that composes it
def _compiled(statement: Executable) -> tuple[bytes, dict[str, Any]]:
    """A statement as text for psycopg, and the values that are part of it."""
    compiled = statement.compile(dialect=_DIALECT)  # type: ignore[attr-defined]
    constants = {name: value for name, value in compiled.params.items() if value is not None}
    return compiled.string.strip().encode(), constants


@lru_cache(256)
def _count_of(rows: Select[Any]) -> Select[Any]:
    bare = rows.order_by(None).with_only_columns(literal(1), maintain_column_froms=True)
    return select(func.count()).select_from(bare.limit(COUNTED_MAX + 1).subquery())


# ---- errors

# Told apart by SQLSTATE (PostgreSQL manual, appendix A), never by the text of a message: that is translated.
UNIQUE, FOREIGN_KEY, CHECK, LOCK_NOT_AVAILABLE, DEADLOCK = "23505", "23503", "23514", "55P03", "40P01"
_TEMPORARY = {
    "40001": "the database asks to try again",
    DEADLOCK: "the database asks to try again",
    "53100": "the database's disk is full",
    "53200": "the database is out of memory",
    "53300": "the database takes no more connections",
    "57014": "the database took too long",
    "57P01": "the database is shutting down",
    "57P02": "the database crashed",
    "57P03": "the database is starting",
    "57P05": "the database ended an idle connection",
    "25P03": "this request took a pause that was too long",
    "25P04": "this request took too long",
    "25006": "the database is read-only",
}
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_LOG_EVERY_S = 1.0
_logged_at: dict[str, float] = {}
_log = logging.getLogger("shop.database")


@contextmanager
def translate_errors() -> Iterator[None]:
    """Turn temporary failures of the database into Unavailable; let everything else through."""
    try:
        yield
    except TimeoutError as full:
        _log_refusal("every database connection is in use", full)
        raise Unavailable("The shop is busy: every database connection is in use. Try again shortly.") from full
    except (psycopg.Error, DBAPIError) as error:
        cause = error.orig if isinstance(error, DBAPIError) else error
        state = getattr(cause, "sqlstate", None)
        if state == LOCK_NOT_AVAILABLE:
            _log_refusal("others kept the same rows locked", cause)
            raise Busy from error
        if state in _TEMPORARY:
            _log_refusal(_TEMPORARY[state], cause)
            raise Unavailable(f"The shop cannot answer now: {_TEMPORARY[state]}. Try again shortly.") from error
        # No state: the driver says so. Class 08: PgBouncer, of a server that crashed; PostgreSQL, of a fault of ours.
        if isinstance(cause, psycopg.OperationalError) and (
            state is None or (state.startswith("08") and cause.diag.severity_nonlocalized != "ERROR")
        ):
            _log_refusal("the database cannot be reached", cause)
            raise Unavailable("The shop cannot reach its database at the moment. Try again shortly.") from error
        raise


def _log_refusal(reason: str, error: object) -> None:
    """Log it, at most once a second for each reason: in an outage every request ends here."""
    now = time.monotonic()
    if now - _logged_at.get(reason, -_LOG_EVERY_S) >= _LOG_EVERY_S:
        _logged_at[reason] = now
        _log.warning("refused for now: %s: %s", reason, " ".join(str(error).split()))


def failing_id(diagnostic: psycopg.errors.Diagnostic) -> UUID | None:
    """The first id of the row that broke a constraint."""
    found = _UUID.search(diagnostic.message_detail or "")
    return UUID(found[0]) if found else None
