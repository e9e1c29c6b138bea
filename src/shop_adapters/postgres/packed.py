"""Arrays on their way to PostgreSQL, packed by us into its binary format.

A batch of orders binds some hundred ids, numbers and texts. The general way adapts each of them by itself, in Python,
twice: once for SQLAlchemy and once for psycopg; that took longer than everything else that placing does.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
from psycopg.adapt import Buffer, Dumper, PyFormat
from psycopg.pq import Format
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    DateTime,
    Dialect,
    Integer,
    LargeBinary,
    SmallInteger,
    Text,
    TypeDecorator,
    Uuid,
)
from sqlalchemy.types import TypeEngine

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_HEAD = struct.Struct(
    ">iiiii"
)  # dimensions, whether there are nulls, type of the elements, how many, the first's index
_EMPTY = struct.Struct(">iii")
_LENGTH = struct.Struct(">i").pack
_NULL = _LENGTH(-1)

EncodeAll = Callable[[Sequence[Any]], list[bytes]]


class _Format(NamedTuple):
    """How values of a type are sent (PostgreSQL's `*recv` functions; its numbers of types never change).

    Args:
        encode_all: values, without their lengths; fails on None.
        size: of each value, in bytes; None if they differ.
        oid: the type's number.
        array_oid: that of arrays of it.
    """

    encode_all: EncodeAll
    size: int | None
    oid: int
    array_oid: int


def _integers(size: int) -> EncodeAll:
    return lambda values: [int(value).to_bytes(size, "big", signed=True) for value in values]


def _uuids(values: Sequence[UUID]) -> list[bytes]:
    return [value.int.to_bytes(16, "big") for value in values]


def _texts(values: Sequence[str]) -> list[bytes]:
    return [value.encode() for value in values]


@lru_cache(64)  # a batch has one time
def _time(value: datetime) -> bytes:
    return ((value - _EPOCH) // _MICROSECOND).to_bytes(8, "big", signed=True)


def _times(values: Sequence[datetime]) -> list[bytes]:
    return [_time(value) for value in values]


_FORMATS: dict[type[TypeEngine[Any]], _Format] = {
    Uuid: _Format(_uuids, 16, 2950, 2951),
    Text: _Format(_texts, None, 25, 1009),
    SmallInteger: _Format(_integers(2), 2, 21, 1005),
    BigInteger: _Format(_integers(8), 8, 20, 1016),
    Integer: _Format(_integers(4), 4, 23, 1007),
    Boolean: _Format(_integers(1), 1, 16, 1000),
    LargeBinary: _Format(list, None, 17, 1001),
    DateTime: _Format(_times, 8, 1184, 1185),
}


@dataclass(frozen=True, slots=True)
class Packed:
    """An array as PostgreSQL reads it."""

    array_oid: int
    data: bytes


def pack(kind: _Format, values: Sequence[Any]) -> Packed:
    """An array of one dimension; None is NULL."""
    if not values:
        return Packed(kind.array_oid, _EMPTY.pack(0, 0, kind.oid))
    present = [value for value in values if value is not None]
    fields = kind.encode_all(present)
    has_null = len(present) < len(values)
    head = _HEAD.pack(1, has_null, kind.oid, len(values), 1)
    if kind.size is not None and not has_null:
        length = _LENGTH(kind.size)
        return Packed(kind.array_oid, head + length + length.join(fields))
    sized = iter([_LENGTH(len(field)) + field for field in fields])
    return Packed(kind.array_oid, head + b"".join(_NULL if value is None else next(sized) for value in values))


class PackedArray(TypeDecorator[Sequence[Any]]):
    """ARRAY of a type, to be bound; what comes back is a list as ever."""

    impl = ARRAY
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[Sequence[Any] | None], Packed | None]:
        """What packs a value for the driver."""
        kind = _format_of(self.impl_instance.item_type)  # type: ignore[attr-defined]

        def process(values: Sequence[Any] | None) -> Packed | None:
            return None if values is None else pack(kind, values)

        return process


def _format_of(item: TypeEngine[Any]) -> _Format:
    bare = item.impl_instance if isinstance(item, TypeDecorator) else item
    return next(_FORMATS[kind] for kind in type(bare).__mro__ if kind in _FORMATS)


class _PackedDumper(Dumper):
    """Hands the bytes over as they are."""

    format = Format.BINARY

    def get_key(self, obj: Packed, format: PyFormat) -> tuple[type, ...]:
        return (Packed, _OID_KEYS[obj.array_oid])

    def upgrade(self, obj: Packed, format: PyFormat) -> _PackedDumper:
        dumper = _PackedDumper(Packed)
        dumper.oid = obj.array_oid
        return dumper

    def dump(self, obj: Packed) -> Buffer:
        return obj.data


# psycopg keeps one dumper a key, and a key is made of types: so each array type gets one of its own.
_OID_KEYS: dict[int, type] = {kind.array_oid: type(f"_Array{kind.array_oid}", (), {}) for kind in _FORMATS.values()}

psycopg.adapters.register_dumper(Packed, _PackedDumper)
