"""Requests as no client means them: each an operation of /openapi.json, broken in one place or in many.

Fields that are missing or of another type, and methods that do not exist, are left to Schemathesis (`schema`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any
from urllib.parse import quote

from verification.bad_values import HEADERS, JSON, NUMBERS, PATHS, TEXTS

Json = Any

_SLOW = {"register", "log_in", "change_password"}  # each costs a password hash, by intent
_DEEP = 60
_PARAMETER = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation, as the document describes it.

    Args:
        examples: of its body; none if it takes none.
        query: the names of its query parameters.
        statuses: that it may answer with.
    """

    id: str
    method: str
    path: str
    examples: tuple[Json, ...]
    query: tuple[str, ...]
    statuses: frozenset[int]
    needs_login: bool


@dataclass(slots=True)
class Attempt:
    """A request to be sent.

    Args:
        kind: what is broken.
        as_described: it is still a request for its operation, which must answer as the document says.
        is_framed: where it ends is clear, so that others can follow on the same connection.
    """

    operation: Operation
    kind: str
    method: str
    target: bytes
    headers: list[tuple[str, bytes]]
    body: bytes | None
    is_chunked: bool = False
    as_described: bool = True
    is_framed: bool = True
    _raw: bytes = field(default=b"", repr=False)

    @property
    def raw(self) -> bytes:
        """As it goes over the wire."""
        if self._raw:
            return self._raw
        lines = [f"{self.method} ".encode() + self.target + b" HTTP/1.1"]
        lines += [name.encode() + b": " + value for name, value in self.headers]
        body = self.body or b""
        if self.is_chunked:
            lines.append(b"Transfer-Encoding: chunked")
            pieces = [body[at : at + 7_000] for at in range(0, len(body), 7_000)]
            body = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
        elif self.body is not None:
            lines.append(b"Content-Length: %d" % len(body))
        return b"\r\n".join([*lines, b"", b""]) + body

    def break_bytes(self, raw: bytes) -> None:
        """Send `raw` instead: whatever that is."""
        self._raw, self.is_framed, self.as_described = raw, False, False


def operations_of(document: Json) -> list[Operation]:
    """All operations that /openapi.json describes."""
    found = []
    for path, methods in document["paths"].items():
        for method, described in methods.items():
            content, *_ = described.get("requestBody", {}).get("content", {"": {}}).values()  # one, unless it is a file
            examples = [content["example"]] if "example" in content else []
            examples += [shown["value"] for shown in content.get("examples", {}).values()]
            query = tuple(parameter["name"] for parameter in described["parameters"] if parameter["in"] == "query")
            statuses = frozenset(map(int, described["responses"]))
            needs_login = "security" in described
            id_ = described["operationId"]
            found.append(Operation(id_, method.upper(), path, tuple(examples), query, statuses, needs_login))
    return found


class Mutator:
    """Makes attempts: the same number makes the same one, for the same ids and tokens.

    Args:
        seed: of all choices.
        operations: to try.
        ids: of things that are there, by the name of the path parameter.
        tokens: the present access tokens, by who has them.
        forged: Authorization headers that are no good.
    """

    def __init__(
        self,
        seed: int,
        operations: Sequence[Operation],
        ids: Mapping[str, Sequence[str]],
        tokens: Mapping[str, str],
        forged: Sequence[list[bytes]],
    ) -> None:
        self._seed = seed
        self._operations = operations
        self._weights = [1 if operation.id in _SLOW else 8 for operation in operations]
        self._ids, self._tokens, self._forged = ids, tokens, forged
        self._known = {value for values in ids.values() for value in values}
        self._kinds: dict[Callable[[Random, Attempt], None], int] = {
            _values: 30,
            _body: 16,
            _chunked: 4,
            self._query: 14,
            self._path: 8,
            _header: 12,
            self._token: 6,
            _bytes: 12,
        }

    def attempt(self, number: int) -> Attempt:
        """The attempt with this number."""
        random = Random(f"{self._seed}:{number}")
        (operation,) = random.choices(self._operations, self._weights)
        made = self._sound(random, operation)
        (mutation,) = random.choices(list(self._kinds), list(self._kinds.values()))
        made.kind = mutation.__name__.strip("_")
        mutation(random, made)
        return made

    def _sound(self, random: Random, operation: Operation) -> Attempt:
        """An attempt with nothing wrong."""

        def some_id(name: re.Match[str]) -> str:
            return random.choice(self._ids[name[1]])

        target = _PARAMETER.sub(some_id, operation.path).encode()
        headers = [("Host", b"shop.test")]
        if operation.needs_login or random.random() < 0.2:
            who = random.choices(["admin", "customer", "nobody"], [8, 8, 1])[0]
            if token := self._tokens.get(who):
                headers.append(("Authorization", b"Bearer " + token.encode()))
        body = None
        if operation.examples:
            headers.append(("Content-Type", b"application/json"))
            body = json.dumps(self._lived_in(random, random.choice(operation.examples))).encode()
        elif operation.method == "POST":
            body = b""
        return Attempt(operation, "", operation.method, target, headers, body)

    def _lived_in(self, random: Random, example: Json) -> Json:
        """The example with ids of things that are there, and names that are not taken."""
        if isinstance(example, dict):
            return {name: self._fitting(random, name, value) for name, value in example.items()}
        return [self._lived_in(random, item) for item in example] if isinstance(example, list) else example

    def _fitting(self, random: Random, name: str, value: Json) -> Json:
        known = {
            "product_id": "product_id",
            "family": "family_id",
            "reservation_id": "reservation_id",
            "category": "category_id",
        }
        known |= {"parent": "category_id"}
        if name in known:
            return random.choice(self._ids[known[name]])
        if name in {"username", "sku", "slug"}:
            return f"{str(value).lower()}-{random.randrange(10**9)}"
        return self._lived_in(random, value)

    def _query(self, random: Random, made: Attempt) -> None:
        names = [*made.operation.query, "colour"] if random.random() < 0.3 else made.operation.query or ("page",)
        pairs = []
        for _ in range(random.choice([1, 1, 1, 2, 3, 40])):
            value = random.choice([*TEXTS, *NUMBERS]).encode("utf-8", "surrogatepass")
            value = value[:3_000]
            pairs.append(f"{random.choice(names)}={quote(value, safe='/:,')}".encode())
        query = b"&".join(pairs)
        if random.random() < 0.2:
            query = bytes(sign for sign in _mangled(random, query) if 0x21 <= sign < 0x7F and sign not in b'#"<>`')
        made.target += b"?" + query

    def _path(self, random: Random, made: Attempt) -> None:
        parts = made.target.split(b"/")
        named = [at for at, part in enumerate(parts) if part.decode() in self._known]
        at = random.choice(named) if named and random.random() < 0.8 else random.randrange(1, len(parts))
        parts[at] = random.choice(PATHS).encode()
        if random.random() < 0.2:
            parts.insert(random.randrange(1, len(parts) + 1), random.choice([b"", b".", b"..", b"%2f", b"x"]))
        made.target, made.as_described = b"/".join(parts) or b"/", False

    def _token(self, random: Random, made: Attempt) -> None:
        made.headers = [header for header in made.headers if header[0] != "Authorization"]
        made.headers += [("Authorization", value) for value in random.choice(self._forged)]


def _values(random: Random, made: Attempt) -> None:
    """One value of the body, or a few, become others."""
    if made.body is None or not made.operation.examples:
        _header(random, made)
        return
    text = made.body.decode()
    places = [match.span() for match in re.finditer(r'(?<=: )("[^"]*"|-?\d+|true|false|null)|(?<=\[)"[^"]*"', text)]
    for start, end in sorted(random.sample(places, min(len(places), random.choice([1, 1, 1, 2]))), reverse=True):
        text = text[:start] + _value(random) + text[end:]
    made.body = text.encode("utf-8", "surrogatepass")


def _value(random: Random) -> str:
    match random.randrange(5):
        case 0 | 1:
            return json.dumps(random.choice(TEXTS), ensure_ascii=random.random() < 0.5)
        case 2:
            return random.choice(NUMBERS)
        case 3:
            return json.dumps(random.choice(NUMBERS), ensure_ascii=False)
        case _:
            deep = "[" * _DEEP + "]" * _DEEP
            return random.choice(["null", "true", "false", "[]", "{}", "[[]]", '{"a": 1}', '[1, "x", null]', deep])


def _body(random: Random, made: Attempt) -> None:
    made.body = random.choice([random.choice(JSON), _mangled(random, made.body or b"{}")])


def _chunked(random: Random, made: Attempt) -> None:
    made.body = random.choice([made.body or b"", random.choice(JSON), b"x" * random.choice([1, 4_097, 262_145])])
    made.is_chunked = True


def _header(random: Random, made: Attempt) -> None:
    for name in random.choices(list(HEADERS), k=random.choice([1, 1, 2, 3])):
        if random.random() < 0.7:
            made.headers = [header for header in made.headers if header[0] != name]
        made.headers.append((name, random.choice([b"", b"\xff", *HEADERS[name]]).strip(b" \t")))


def _bytes(random: Random, made: Attempt) -> None:
    """The bytes of the request itself; its head comes to an end, at least."""
    raw = made.raw
    head = raw.index(b"\r\n\r\n")
    at_head = random.random() < 0.7
    mangled = _mangled(random, raw[:head]) + raw[head:] if at_head else _mangled(random, raw)
    made.break_bytes(mangled + b"\r\n\r\n")


def _mangled(random: Random, raw: bytes) -> bytes:
    """`raw` with a few bytes changed, gone, doubled, moved, or others put in."""
    changed = bytearray(raw)
    for _ in range(random.choice([1, 1, 2, 4, 16])):
        at = random.randrange(len(changed) + 1)
        piece = slice(at, at + random.choice([1, 1, 2, 8, 40]))
        match random.randrange(6):
            case 0:
                changed[piece] = random.randbytes(len(changed[piece]))
            case 1:
                del changed[piece]
            case 2:
                changed[at:at] = changed[piece]
            case 3:
                changed[at:at] = random.choice(TEXTS).encode("utf-8", "surrogatepass")[:200]
            case 4:
                changed[at : at + 1] = bytes([changed[at] ^ 1 << random.randrange(8)]) if at < len(changed) else b"\0"
            case _:
                other = random.randrange(len(changed) + 1)
                changed[other:other] = changed[piece]
    return bytes(changed)
