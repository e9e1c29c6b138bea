"""Reading what clients send: strictly, and naming everything that is wrong with it.

Refusals name fields by path (`lines.0.quantity`), with the same `Fault` that the core uses.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from types import NoneType, UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin
from urllib.parse import parse_qsl

import msgspec
from litestar.exceptions import HTTPException
from litestar.types import Scope
from msgspec import NODEFAULT, UNSET, Struct, UnsetType
from msgspec.structs import fields

from shop_core.errors import Fault, Invalid
from shop_http.routing import ShopRequest, headers, operation_of

S = TypeVar("S", bound=Struct)

FAULTS_MAX = 20
"""So many broken rules are named at once; an answer must not grow with the nonsense that was sent."""

_QUERY_PARAMETERS_MAX = 30
_SHOWN_MAX = 60
_INTEGER = re.compile(r"0|-?[1-9][0-9]{0,17}", re.ASCII)
_BOOLEANS = {"true": True, "false": False}
_JSON = re.compile(r'application/json(?:\s*;\s*charset="?utf-8"?)?\s*', re.ASCII | re.IGNORECASE)


class MalformedBody(Invalid):
    """The body is not JSON."""

    code = "malformed_body"
    title = "Malformed body"


def be_well_formed(scope: Scope) -> None:
    """The check that turns away unknown query parameters, and bodies that do not claim to be JSON.

    Raises:
        Invalid: a parameter is unknown, given twice, or not readable.
        HTTPException: 415.
    """
    operation = operation_of(scope["route_handler"])
    if scope["query_string"]:
        known = operation.query.__struct_fields__ if operation and operation.query else ()
        faults = [
            Fault(name[:100], f"is unknown here; known are: {', '.join(known) or 'none'}", "unknown_parameter")
            for name in _parameters(scope["query_string"])
            if name not in known
        ]
        if faults:
            raise Invalid(*faults[:FAULTS_MAX])
    if operation and operation.takes is not None:
        media_types = headers(scope, b"content-type")
        is_json = len(media_types) == 1 and _JSON.fullmatch(media_types[0])
        if not is_json or headers(scope, b"content-encoding"):
            raise HTTPException(status_code=415)


def read_body(form: type[S], body: bytes) -> S:
    """The body as a `form`.

    Raises:
        MalformedBody: it is not JSON in UTF-8.
        Invalid: it is, but not such a form; every fault is named.
    """
    try:
        decoded = msgspec.json.decode(body, type=form)
        if not _is_plain(body):
            json.loads(body, strict=False, object_pairs_hook=_each_once)
        return decoded
    except msgspec.ValidationError as fault:
        first = fault
    except (msgspec.DecodeError, UnicodeError, RecursionError) as fault:
        raise _malformed(fault) from fault
    try:
        sent = msgspec.json.decode(body)
    except msgspec.ValidationError:  # a number that no float can hold: only the first answer names its place
        raise Invalid(_fault(_path(first), first)) from first
    except (msgspec.DecodeError, UnicodeError, RecursionError) as fault:
        raise _malformed(fault) from fault
    raise Invalid(*_first(_faults(form, sent, "")) or (_fault(_path(first), first),)) from first


def _is_plain(body: bytes) -> bool:
    """Whether no object of good JSON has a field twice; False if that is not to be seen at once.

    To read and write it again loses what was there twice, and with it a colon.
    """
    again = msgspec.json.encode(msgspec.json.decode(body))
    return again.count(b":") == body.count(b":") and b"\\u" not in body


def _each_once(fields: list[tuple[str, object]]) -> None:
    """Refuse an object in which a field is there twice: one reader would take the first, another one the last."""
    names = [name for name, _ in fields]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise Invalid(Fault(twice[:100], "is given more than once", "duplicate"))


def read_query(query: type[S], request: ShopRequest) -> S:
    """The query parameters as a `query`.

    Numbers are plain ASCII digits, booleans are `true` and `false`. A parameter may be given once.

    Raises:
        Invalid
    """
    hints = _plain_types(query)
    sent = {
        name: _typed(text, hints.get(name)) for name, text in _parameters(request.query_string).items() if name in hints
    }
    try:
        return msgspec.convert(sent, query)
    except msgspec.ValidationError as fault:
        raise Invalid(*_first(_faults(query, sent, "")) or (_fault(_path(fault), fault),)) from fault


@cache
def _plain_types(form: type[Struct]) -> dict[str, Any]:
    """The types of its fields. Kept, since to find them out took a sixth of the time of a page."""
    return {field.name: plain_type(field.type) for field in fields(form)}


def plain_type(hint: Any) -> Any:
    """`hint` without what msgspec adds to it: no constraints, not unset; and without null."""
    if get_origin(hint) is Annotated:
        return plain_type(get_args(hint)[0])
    if get_origin(hint) in {Union, UnionType}:
        (hint,) = (option for option in get_args(hint) if option not in {UnsetType, NoneType})
        return plain_type(hint)
    return hint


def _typed(text: str, wanted: Any) -> object:
    """`text` as the `int` or `bool` that is wanted, or as it is: then the conversion will refuse it."""
    if wanted is int and _INTEGER.fullmatch(text):
        return int(text)
    if wanted is bool:
        return _BOOLEANS.get(text, text)
    return text


def _parameters(query_string: bytes) -> Mapping[str, str]:
    """The query parameters by name.

    Raises:
        Invalid: they are not UTF-8, too many, or one is given twice.
    """
    try:
        pairs = parse_qsl(
            query_string.decode(), keep_blank_values=True, errors="strict", max_num_fields=_QUERY_PARAMETERS_MAX
        )
    except ValueError as fault:
        raise Invalid(Fault("query", "is not readable: percent-encoded UTF-8 is expected", "malformed")) from fault
    parameters = dict(pairs)
    if len(parameters) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise Invalid(Fault(twice[:100], "is given more than once", "duplicate"))
    return parameters


def _malformed(fault: Exception) -> MalformedBody:
    if isinstance(fault, RecursionError):
        return MalformedBody(Fault("body", "is nested too deep", "too_deep"))
    if isinstance(fault, UnicodeError):
        return MalformedBody(Fault("body", "is not UTF-8", "not_utf_8"))
    return MalformedBody(Fault("body", f"is not JSON: {fault}", "not_json"))


def _first(faults: Iterator[Fault]) -> tuple[Fault, ...]:
    return tuple(fault for _, fault in zip(range(FAULTS_MAX), faults, strict=False))


def _faults(hint: Any, sent: Any, path: str) -> Iterator[Fault]:
    """Walk through what was sent beside what was expected: msgspec itself stops at the first fault."""
    kind = plain_type(hint)
    if isinstance(kind, type) and issubclass(kind, Struct) and isinstance(sent, dict):
        known = {field.encode_name: field for field in fields(kind)}
        for name in (name for name in sent if name not in known):
            yield Fault(f"{path}{name}"[:100], f"is unknown; known are {', '.join(known)}", "unknown_field")
        for name, field in known.items():
            if name in sent:
                yield from _faults(field.type, sent[name], f"{path}{name}.")
            elif field.default is NODEFAULT and field.default_factory is NODEFAULT:
                yield Fault(f"{path}{name}", "is missing", "required")
        return
    if get_origin(kind) is tuple and isinstance(sent, list):
        before = None
        for index, item in enumerate(sent):
            for before in _faults(get_args(kind)[0], item, f"{path}{index}."):
                yield before
        if before is not None:
            return
    try:
        msgspec.convert(sent, hint)
    except msgspec.ValidationError as fault:
        yield _fault(path, fault, sent)


# What msgspec says -> what we say, and a stable code for it.
_WORDS: tuple[tuple[re.Pattern[str], str, str], ...] = tuple(
    (re.compile(said), message, code)
    for said, message, code in (
        (r"Expected `(?:str|array)` of length <= (\d+)", "must have at most {0} entries or characters", "too_long"),
        (r"Expected `(?:str|array)` of length >= (\d+)", "must have at least {0} entries or characters", "too_short"),
        (r"Expected `int` ([<>]=) (-?\d+)", "must be {0} {1}, this is {sent}", "out_of_range"),
        (r"Number out of range|Integer value out of range", "is out of range", "out_of_range"),
        (r"Expected `str` matching regex", "has a character that is not allowed", "forbidden_character"),
        (r"Invalid enum value (.*)", "must be one of those listed in /openapi.json, this is {0}", "invalid_choice"),
        (r"Invalid UUID", "must be a UUID, this is {sent}", "invalid_id"),
        (
            r"Invalid RFC3339|Expected `datetime` with a timezone|Timestamp is out of range",
            "must be a time with its offset from UTC (RFC 3339), such as 2026-11-21T09:30:00Z, this is {sent}",
            "invalid_time",
        ),
        (r"Expected `(.+?)`, got `(.+?)`", "must be {0}, this is {1}", "wrong_type"),
    )
)


def _path(fault: msgspec.ValidationError) -> str:
    """Where msgspec found it, written as we write it: `$.lines[0].quantity` is `lines.0.quantity`."""
    _, _, path = str(fault).rpartition(" - at `$")
    return re.sub(r"\[(\d+)\]", r".\1", path.removesuffix("`")).lstrip(".") if path.endswith("`") else ""


def _fault(path: str, fault: msgspec.ValidationError, sent: object = UNSET) -> Fault:
    """What is wrong in our words; and what was sent, if that is no text that may be secret."""
    field = path.rstrip(".") or "body"
    for said, message, code in _WORDS:
        if match := said.match(str(fault)):
            shown = "something else" if sent is UNSET else _shown(sent)
            return Fault(field, message.format(*match.groups(), sent=shown)[:300], code)
    return Fault(field, str(fault)[:300], "invalid")


def _shown(sent: object) -> str:
    """The beginning of what was sent, in one line of plain characters."""
    text = json.dumps(sent, default=repr)
    return text if len(text) <= _SHOWN_MAX else f"{text[:_SHOWN_MAX]}..."
