"""Arrays on their way to PostgreSQL, packed by us into its binary format.

A batch of orders binds some hundred ids, numbers and texts. The general way adapts each of them by itself, in Python,
twice: once for SQLAlchemy and once for psycopg; that took longer than everything else that placing does.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

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

Encode = Callable[[Any], bytes]


class _Format(NamedTuple):
    """How values of a type are sent (PostgreSQL's `*recv` functions; its numbers of types never change).

    Args:
        encode: one value, without its length.
        size: of each value, in bytes; None if they differ.
        oid: the type's number.
        array_oid: that of arrays of it.
    """

    encode: Encode
    size: int | None
    oid: int
    array_oid: int


def _integer(size: int) -> Encode:
    return lambda value: int(value).to_bytes(size, "big", signed=True)


_FORMATS: dict[type[TypeEngine[Any]], _Format] = {
    Uuid: _Format(lambda value: value.int.to_bytes(16, "big"), 16, 2950, 2951),
    Text: _Format(lambda value: value.encode(), None, 25, 1009),
    SmallInteger: _Format(_integer(2), 2, 21, 1005),
    BigInteger: _Format(_integer(8), 8, 20, 1016),
    Integer: _Format(_integer(4), 4, 23, 1007),
    Boolean: _Format(_integer(1), 1, 16, 1000),
    LargeBinary: _Format(bytes, None, 17, 1001),
    DateTime: _Format(lambda value: ((value - _EPOCH) // _MICROSECOND).to_bytes(8, "big", signed=True), 8, 1184, 1185),
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
    encode = kind.encode
    known: dict[Any, bytes] = {None: _NULL}
    fields = []
    for value in values:  # many are the same: the time, the kind, who did it
        field = known.get(value)
        if field is None:
            encoded = encode(value)
            field = known[value] = _LENGTH(len(encoded)) + encoded
        fields.append(field)
    head = _HEAD.pack(1, None in values, kind.oid, len(values), 1)
    return Packed(kind.array_oid, head + b"".join(fields))


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
