"""What is wrong with a value, fault by fault: msgspec itself stops at the first one, and says it for programmers.

Used only after msgspec has refused a body or a query, or where a body may have a field twice. Each fault has the path
of its field (`lines.0.quantity`), a message for people and a stable code.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from functools import cache
from itertools import islice
from typing import Annotated, Any, cast
from uuid import UUID

import msgspec
from msgspec import Meta, Struct, inspect

from shop_core.errors import Fault, Invalid

FAULTS_MAX = 20
"""So many faults are named at once: a response must not grow with the nonsense that was sent."""

_SHOWN_MAX = 60
_Time = Annotated[datetime, Meta(tz=True)]
_PRECISE_MAX = 2.0**53

_TYPES: Mapping[type[inspect.Type], tuple[type, str]] = {
    inspect.StructType: (dict, "an object"),
    inspect.DictType: (dict, "an object"),
    inspect.VarTupleType: (list, "a list"),
    inspect.StrType: (str, "text"),
    inspect.IntType: (int, "a whole number"),
    inspect.BoolType: (bool, "true or false"),
    inspect.UUIDType: (str, "a UUID"),
    inspect.DateTimeType: (str, "a time"),
    inspect.EnumType: (str, "text"),
    inspect.LiteralType: (str, "text"),
}
_NAMES = {dict: "an object", list: "a list", str: "text", bool: "a boolean", int: "a number", float: "a fraction"}


class MalformedBody(Invalid):
    """The body is not JSON."""

    code = "malformed_body"
    title = "Malformed body"


def body_refusal(form: type[Struct], body: bytes, error: Exception) -> Invalid:
    """Why a body is no `form`; `error` is what msgspec said."""
    if isinstance(error, msgspec.ValidationError):
        try:
            sent = _untyped(body)
            check_no_field_twice(body)
            return Invalid(*faults_of(form, sent))
        except (msgspec.DecodeError, UnicodeError, RecursionError) as malformed:
            error = malformed
        except Invalid as twice:
            return twice
    if isinstance(error, RecursionError):
        return MalformedBody(Fault("body", "is nested too deep", "too_deep"))
    if isinstance(error, UnicodeError):
        return MalformedBody(Fault("body", "is not UTF-8", "not_utf_8"))
    return MalformedBody(Fault("body", f"is not JSON: {error}", "not_json"))


def query_refusal(form: type[Struct], sent: Mapping[str, object]) -> Invalid:
    """Why these query parameters are no `form`."""
    known = types_of(form)
    rule = f"is unknown here; known are: {', '.join(known) or 'none'}"
    unknown = [Fault(name[:100], rule, "unknown_parameter") for name in sent if name not in known]
    return Invalid(*(unknown[:FAULTS_MAX] or (_with_value(fault, sent) for fault in faults_of(form, sent))))


def _with_value(fault: Fault, sent: Mapping[str, object]) -> Fault:
    """A query has only texts: to say so of one is no help."""
    if fault.code != "wrong_type" or fault.field not in sent:
        return fault
    return replace(fault, message=fault.message.replace("this is text", f"this is {_shown(sent[fault.field])}"))


def check_no_field_twice(body: bytes) -> None:
    """Raise if an object of good JSON has a field twice: one reader would take the first, another one the last.

    Raises:
        Invalid
    """

    def check(fields: list[tuple[str, object]]) -> None:
        names = [name for name, _ in fields]
        if len(set(names)) < len(names):
            raise Invalid(given_twice(names))

    json.loads(body, strict=False, object_pairs_hook=check, parse_int=str)  # Python limits the digits of an int


def given_twice(names: list[str]) -> Fault:
    """The fault of the first name that is there twice."""
    twice = next(name for name, count in Counter(names).items() if count > 1)
    return Fault(twice[:100], "is given more than once", "duplicate")


def not_honoured(names: Iterable[bytes]) -> Invalid:
    """The refusal of headers that an operation cannot honour."""
    rule = "is a header that this operation cannot honour, and ignoring it would not be safe: send it without"
    return Invalid(*(Fault(name.decode().replace("-", "_"), rule, "not_honoured") for name in sorted(names)))


def _untyped(body: bytes) -> object:
    try:
        return msgspec.json.decode(body)
    except msgspec.ValidationError:  # a number that no float can hold: Python reads it as infinity
        return json.loads(body, strict=False, parse_int=lambda digits: (int if len(digits) < 20 else float)(digits))


def faults_of(form: type[Struct], sent: object) -> tuple[Fault, ...]:
    """Everything that keeps `sent` from being a `form`, up to `FAULTS_MAX`."""
    found = tuple(islice(_faults(inspect.type_info(form), sent, ""), FAULTS_MAX))
    return found or (Fault("body", "does not have the form that this operation takes", "invalid"),)


@cache
def types_of(form: type[Struct]) -> dict[str, type | None]:
    """The Python type of each field that is a whole number, a boolean or a list; None for all others."""
    kinds = {field.encode_name: _plain(field.type) for field in _fields(form)}
    names: dict[type, type] = {inspect.IntType: int, inspect.BoolType: bool, inspect.VarTupleType: tuple}
    return {name: names.get(type(kind)) for name, kind in kinds.items()}


def _fields(form: type[Struct]) -> tuple[inspect.Field, ...]:
    info = inspect.type_info(form)
    assert isinstance(info, inspect.StructType)
    return info.fields


def _plain(expected: inspect.Type) -> inspect.Type:
    """`expected` without descriptions, and without "or null"."""
    while isinstance(expected, inspect.Metadata | inspect.UnionType):
        if isinstance(expected, inspect.Metadata):
            expected = expected.type
        else:
            (expected,) = (each for each in expected.types if not isinstance(each, inspect.NoneType))
    return expected


def _takes_null(expected: inspect.Type) -> bool:
    if isinstance(expected, inspect.Metadata):
        return _takes_null(expected.type)
    return isinstance(expected, inspect.UnionType) and any(isinstance(e, inspect.NoneType) for e in expected.types)


def _faults(expected: inspect.Type, sent: Any, path: str) -> Iterator[Fault]:
    if sent is None and _takes_null(expected):
        return
    kind = _plain(expected)
    field = path.rstrip(".") or "body"
    type_, name = _TYPES[type(kind)]
    if isinstance(kind, inspect.IntType) and isinstance(sent, float) and abs(sent) >= _PRECISE_MAX:
        yield Fault(field, "is out of range", "out_of_range")
    elif type(sent) is not type_:
        yield Fault(field, f"must be {name}, this is {_name(sent)}", "wrong_type")
    elif isinstance(kind, inspect.StructType):
        yield from _faults_of_object(kind, cast("dict[str, Any]", sent), path)
    elif isinstance(kind, inspect.DictType):
        for key, value in cast("dict[str, Any]", sent).items():
            yield from _faults(kind.value_type, value, f"{path}{key[:100]}.")
    elif isinstance(kind, inspect.VarTupleType):
        yield from _faults_of_list(kind, cast("list[Any]", sent), path)
    elif fault := _fault_of_value(kind, sent):
        rule, code = fault
        yield Fault(field, rule[:300], code)


def _faults_of_object(kind: inspect.StructType, sent: dict[str, Any], path: str) -> Iterator[Fault]:
    known = {field.encode_name: field for field in kind.fields}
    for name in (name for name in sent if name not in known):
        yield Fault(f"{path}{name}"[:100], f"is unknown; known are {', '.join(known)}", "unknown_field")
    for name, field in known.items():
        if name in sent:
            yield from _faults(field.type, sent[name], f"{path}{name}.")
        elif field.required:
            yield Fault(f"{path}{name}", "is missing", "required")


def _faults_of_list(kind: inspect.VarTupleType, sent: list[Any], path: str) -> Iterator[Fault]:
    faults_of_items = False
    for index, item in enumerate(sent):
        if isinstance(kind.item_type, inspect.StructType) and _is(item, kind.item_type.cls):
            continue  # msgspec finds that fifty times as quickly as this module
        for fault in _faults(kind.item_type, item, f"{path}{index}."):
            faults_of_items = True
            yield fault
    if not faults_of_items and (broken := _fault_of_length(kind, len(sent), "entries")):
        yield Fault(path.rstrip("."), *broken)


def _fault_of_value(kind: inspect.Type, sent: Any) -> tuple[str, str] | None:
    """The rule that a value of the right type breaks, and the code of it."""
    match kind:
        case inspect.IntType(ge=minimum, le=maximum):
            if minimum is not None and sent < minimum:
                return f"must be >= {minimum}, this is {_shown(sent)}", "out_of_range"
            if maximum is not None and sent > maximum:
                return f"must be <= {maximum}, this is {_shown(sent)}", "out_of_range"
        case inspect.StrType(pattern=pattern):
            if fault := _fault_of_length(kind, len(sent), "characters"):
                return fault
            if pattern is not None and not re.search(pattern, sent):
                return "has a character that is not allowed", "forbidden_character"
        case inspect.UUIDType() if not _is(sent, UUID):
            return f"must be a UUID, this is {_shown(sent)}", "invalid_id"
        case inspect.DateTimeType() if not _is(sent, _Time):
            example = "such as 2026-11-21T09:30:00Z"
            return (
                f"must be a time with its offset from UTC (RFC 3339), {example}, this is {_shown(sent)}",
                "invalid_time",
            )
        case inspect.EnumType(cls=choices) if sent not in list(choices):
            return f"must be one of {', '.join(choices)}, this is {_shown(sent)}", "invalid_choice"
        case inspect.LiteralType(values=choices) if sent not in choices:
            return f"must be one of {', '.join(map(str, choices))}, this is {_shown(sent)}", "invalid_choice"
    return None


def _fault_of_length(kind: inspect.VarTupleType | inspect.StrType, length: int, unit: str) -> tuple[str, str] | None:
    if kind.max_length is not None and length > kind.max_length:
        return f"must have at most {kind.max_length} {unit}, this has {length}", "too_long"
    if kind.min_length is not None and length < kind.min_length:
        return f"must have at least {kind.min_length} {unit}, this has {length}", "too_short"
    return None


def _is(sent: object, type_: Any) -> bool:
    """Whether the text can be read as a `type_`."""
    try:
        msgspec.convert(sent, type_)
    except msgspec.ValidationError:
        return False
    return True


def _name(sent: object) -> str:
    return "null" if sent is None else _NAMES[type(sent)]


def _shown(sent: object) -> str:
    """The beginning of what was sent, in one line of plain characters."""
    text = json.dumps(sent)
    return text if len(text) <= _SHOWN_MAX else f"{text[:_SHOWN_MAX]}..."
