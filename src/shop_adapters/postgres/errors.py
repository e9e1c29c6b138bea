"""What PostgreSQL says, in the words of the shop."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID

import psycopg
from sqlalchemy.exc import DBAPIError, IntegrityError, TimeoutError

from shop_core.errors import Refusal, Unavailable

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")

# Told apart by SQLSTATE (PostgreSQL manual, appendix A), never by the text of a message: that is translated.
UNIQUE, FOREIGN_KEY, CHECK = "23505", "23503", "23514"
_PASSING = {
    "40001": "the database asks to try again",
    "40P01": "the database asks to try again",
    "53100": "the database's disk is full",
    "53200": "the database is out of memory",
    "53300": "the database takes no more connections",
    "55P03": "somebody else works on the same rows",
    "57014": "the database took too long",
    "57P01": "the database is shutting down",
    "57P02": "the database crashed",
    "57P03": "the database is starting",
    "25P03": "this request took a pause that was too long",
    "25006": "the database is read-only",
}

_TELL_EVERY_S = 1.0
_told_at: dict[str, float] = {}
_log = logging.getLogger("shop.database")


@contextmanager
def in_our_words() -> Iterator[None]:
    """Turn what is nobody's fault and will pass into Unavailable; let everything else through."""
    try:
        yield
    except TimeoutError as full:
        _tell("every database connection is in use", full)
        raise Unavailable("The shop is busy: every database connection is in use. Try again shortly.") from full
    except (DBAPIError, psycopg.Error) as error:
        said = error.orig if isinstance(error, DBAPIError) else error
        state = getattr(said, "sqlstate", None)
        if state in _PASSING:
            _tell(_PASSING[state], said)
            raise Unavailable(f"The shop cannot answer now: {_PASSING[state]}. Try again shortly.") from error
        is_lost = isinstance(error, DBAPIError) and error.connection_invalidated
        if is_lost or (isinstance(said, psycopg.OperationalError) and state is None):
            _tell("the database cannot be reached", said)
            raise Unavailable("The shop cannot reach its database at the moment. Try again shortly.") from error
        raise


def _tell(what: str, error: object) -> None:
    """Leave a line in the log, at most one a second of each kind: in an outage every request ends here."""
    now = time.monotonic()
    if now - _told_at.get(what, -_TELL_EVERY_S) >= _TELL_EVERY_S:
        _told_at[what] = now
        _log.warning("refused for now: %s: %s", what, " ".join(str(error).split()))


@contextmanager
def refusing(broken: Callable[[str, psycopg.errors.Diagnostic], Refusal | None]) -> Iterator[None]:
    """Turn a broken constraint into a refusal.

    Args:
        broken: gets the SQLSTATE and the diagnostics, gives the refusal; None lets the error through.
    """
    try:
        yield
    except (IntegrityError, psycopg.IntegrityError) as error:
        said = error.orig if isinstance(error, IntegrityError) else error
        assert isinstance(said, psycopg.Error)
        refusal = broken(said.sqlstate or "", said.diag)
        if refusal is None:
            raise
        raise refusal from error


def failing_id(diagnostic: psycopg.errors.Diagnostic) -> UUID | None:
    """The first id of the row that broke a constraint."""
    found = _UUID.search(diagnostic.message_detail or "")
    return UUID(found[0]) if found else None
