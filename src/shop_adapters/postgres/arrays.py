"""Arrays of parameters, sent in PostgreSQL's binary format.

A batch of orders sends some thousand ids, numbers and texts, each column as one array. psycopg alone takes 0.3 to 2
microseconds for each element; this takes 0.1 to 0.2. See docs/decisions/0020-sql-is-text-and-one-method-runs-it.md.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from typing import Any
from uuid import UUID

import psycopg
from psycopg.adapt import Buffer, Dumper
from psycopg.pq import Format
from sqlalchemy import TextClause

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_header = struct.Struct(">iiiii").pack  # dimensions, whether there may be NULLs, element type, length, first index
_integer = struct.Struct(">iq").pack
_NULL = b"\xff\xff\xff\xff"


class Uuids(list["UUID | None"]):
    """A `uuid[]`."""


class Integers(list["int | None"]):
    """A `bigint[]`."""


class Texts(list["str | None"]):
    """A `text[]`."""


class Times(list["datetime | None"]):
    """A `timestamptz[]`."""


class Booleans(list["bool | None"]):
    """A `boolean[]`."""


class Blobs(list["bytes | None"]):
    """A `bytea[]`."""


Array = Uuids | Integers | Texts | Times | Booleans | Blobs

_ARRAYS: dict[str, type[Array]] = {
    "uuid": Uuids,
    "text": Texts,
    "timestamptz": Times,
    "boolean": Booleans,
    "bytea": Blobs,
    **dict.fromkeys(("bigint", "integer", "smallint"), Integers),
}
_CAST = re.compile(r"CAST\(:(\w+) AS (\w+)\[\]\)")


def columns(statement: TextClause, rows: Iterable[Sequence[Any]]) -> dict[str, Array]:
    """The rows as the arrays that a statement unnests.

    Args:
        statement: names each array as `CAST(:ids AS uuid[])`.
        rows: with a value for each array, in the order of the statement.
    """
    arrays = _arrays_of(statement)
    values = list(zip(*rows, strict=True)) or [()] * len(arrays)
    return {name: kind(column) for (name, kind), column in zip(arrays, values, strict=True)}


@cache
def _arrays_of(statement: TextClause) -> list[tuple[str, type[Array]]]:
    return [(name, _ARRAYS[element]) for name, element in _CAST.findall(statement.text)]


# Each element is sent as its length, in four bytes, and its value. Written out for each type: a call for each element
# would take as long as the rest.


def _uuids(values: Uuids) -> list[bytes]:
    return [_NULL if value is None else b"\0\0\0\x10" + value.int.to_bytes(16, "big") for value in values]


def _integers(values: Integers) -> list[bytes]:
    return [_NULL if value is None else _integer(8, value) for value in values]


def _texts(values: Texts) -> list[bytes]:
    return _blobs([None if value is None else value.encode() for value in values])


def _times(values: Times) -> list[bytes]:
    return [_NULL if value is None else _time(value) for value in values]


@lru_cache(64)  # all rows of a batch have the same time
def _time(value: datetime) -> bytes:
    return _integer(8, (value - _EPOCH) // _MICROSECOND)


def _booleans(values: Booleans) -> list[bytes]:
    return [_NULL if value is None else b"\0\0\0\x01" + value.to_bytes(1, "big") for value in values]


def _blobs(values: Sequence[bytes | None]) -> list[bytes]:
    return [_NULL if value is None else len(value).to_bytes(4, "big") + value for value in values]


def _register(kind: type[list[Any]], element_oid: int, array_oid: int, encode: Callable[[Any], list[bytes]]) -> None:
    class ArrayDumper(Dumper):
        format = Format.BINARY
        oid = array_oid

        def dump(self, values: list[Any]) -> Buffer:
            count = len(values)
            # Half of the columns of a batch have one value in all rows.
            is_same = count > 1 and values[0] is values[-1] and values.count(values[0]) == count
            elements = encode(values[:1]) * count if is_same else encode(values)
            return _header(1, 1, element_oid, count, 1) + b"".join(elements)

    psycopg.adapters.register_dumper(kind, ArrayDumper)


# The numbers of PostgreSQL's built-in types (pg_type.dat) never change.
_register(Uuids, 2950, 2951, _uuids)
_register(Integers, 20, 1016, _integers)
_register(Texts, 25, 1009, _texts)
_register(Times, 1184, 1185, _times)
_register(Booleans, 16, 1000, _booleans)
_register(Blobs, 17, 1001, _blobs)
