"""The description of the API (OpenAPI 3.1), made from what the handlers declare and what the wire types are.

Made by us, since Litestar's own would describe types that we parse ourselves, with nullable fields and without
our problems. Every schema is the one by which msgspec validates; every example is a value of that type.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from inspect import cleandoc
from itertools import groupby
from typing import Any, get_args, get_origin

import msgspec
from litestar import Litestar
from msgspec import NODEFAULT, Struct, UnsetType
from msgspec.structs import fields

from shop_core.accounts.sessions import RECENT_LOGIN
from shop_core.errors import (
    AccountNotFound,
    CategoryCycle,
    CategoryInUse,
    CategoryNotFound,
    CouponCodeTaken,
    CouponNotUsable,
    CursorExpired,
    FamilyInUse,
    FamilyNotFound,
    Fault,
    Forbidden,
    IllegalStep,
    ImageNotFound,
    InsufficientStock,
    Invalid,
    InvalidConfirmationCode,
    InvalidCursor,
    InvalidResetCode,
    InvalidToken,
    KeyReused,
    LastAdmin,
    LoginTooOld,
    NoMail,
    NoPictures,
    NotAllOnHand,
    NotTheOwner,
    OptionsTaken,
    OrderDeleted,
    OrderNotFound,
    OrdersOpen,
    ProductNotFound,
    PromotionNotFound,
    Refusal,
    ReservationExpired,
    ReservationNotFound,
    ReservationResolved,
    SessionNotFound,
    Shortage,
    SkuTaken,
    SlugTaken,
    Stale,
    StockBelowZero,
    TooMany,
    TooManyAttempts,
    TooManyImages,
    TooManyLines,
    TooManyMails,
    TooManyOrders,
    TooManyPromotions,
    TooMuchReserved,
    TotalChanged,
    Unauthenticated,
    Unavailable,
    UnknownProducts,
    UnusableImage,
    UsernameTaken,
    WrongCredentials,
    WrongPassword,
)
from shop_core.idempotency import KEY_LENGTH_MAX
from shop_http import problems
from shop_http.documentation.examples import (
    CATEGORY_ID,
    FAMILY_ID,
    IMAGE_ID,
    ORDER_ID,
    PRODUCT_ID,
    PROMOTION_ID,
    RESERVATION_ID,
    SESSION_ID,
    THEN,
    USER_ID,
)
from shop_http.responses import API, REPLAYED
from shop_http.routing import Access, Operation, described
from shop_http.schemas.problems import Problem
from shop_http.validation import MalformedBody

Json = dict[str, Any]

_REF = "#/components/schemas/{name}"
_PATH_PARAMETER = re.compile(r"\{(\w+):\w+\}")
_SECURITY = "access_token"

_DESCRIPTION = """
A shop that never sells what it does not have.

- Money is a decimal string in the shop's one currency; times are RFC 3339 in UTC; ids are UUIDs.
- Lists take `page` and `limit`, `limit` and `offset`, or - to walk through everything, each item once - `cursor`
  (empty to start). `next` and `previous` are links, relative to the address of the request
  unless the shop is told its own.
- Lists in pages, and a product, category, family, promotion or order, have an `ETag`: send it as `If-None-Match`, and
  you get 304 if nothing has changed. Reservations have none, as they say what time it is. JSON from 1 KiB on is
  compressed by zstd, br or gzip, whichever of these a client says that it takes (`Accept-Encoding`); its `ETag` is then
  a weak one.
- Every error is a problem document (RFC 9457) whose `code` is stable. Unknown fields and parameters are refused.
- Under `/api/v1` nothing is taken away and nothing changes its meaning. Fields, values of an enum, codes of errors and
  operations may be added at any time: ignore a field that you do not know, show a status that you do not know as it
  is, and treat an unknown code like its HTTP status.
- An id that is malformed is answered like one that does not exist: 404.
- Nothing is guessed: text with control characters, or with characters that change the direction of writing, is
  refused; numbers are plain digits; a field or a parameter that is given twice is refused. Text is stored as Unicode
  NFC.
- A request must arrive within seconds (408). What cannot be read as HTTP is refused, and the connection ends: 400 (such
  as an unknown method or a space in the address), 414 (an address past 32 KiB), 431 (a head past 64 KiB, or more than
  100 headers) and 501 (a Transfer-Encoding other than chunked).
- Send `X-Request-Id` to find a request again in the log; every response has one.
- 429 means: wait as many seconds as `Retry-After` says. `RateLimit` says how many requests are left (`r`) and in how
  many seconds all are back (`t`); `RateLimit-Policy` says how many there are (`q`) in how many seconds (`w`).
- Send an `Idempotency-Key` with requests that change something. Make it before the first try and keep it for every
  retry: the request is carried out once, and a retry gets `Idempotency-Replayed: true` and things as they are by then.
  Keys belong to your account and never expire; refusals are not remembered.
- An operation that cannot honour `Idempotency-Key`, `If-Match`, `If-None-Match` or `If-Unmodified-Since` on a change
  refuses it (400): logging in and out, refreshing, and setting passwords take no key.
"""

_TEXT: Json = {"schema": {"type": "string"}}
_WHERE = {"instance": "/api/v1/orders", "request_id": "b1946ac92492d2347c6235b4d2611184"}

# One of each, for the examples. A handler that declares another one fails at start, here.
_REFUSALS: dict[type[Refusal], Refusal] = {
    type(refusal): refusal
    for refusal in (
        AccountNotFound(USER_ID),
        CategoryCycle(CATEGORY_ID, CATEGORY_ID),
        CategoryInUse(CATEGORY_ID, products=12, children=2),
        CategoryNotFound(CATEGORY_ID),
        CouponCodeTaken("SUMMER10"),
        CouponNotUsable("SUMMER10"),
        CursorExpired(),
        FamilyInUse(FAMILY_ID, products=3),
        FamilyNotFound(FAMILY_ID),
        Forbidden("staff"),
        IllegalStep("cancel", "shipped", ["deliver"]),
        ImageNotFound(IMAGE_ID),
        InsufficientStock([Shortage(PRODUCT_ID, 3, 2, "85123A", "White hanging heart T-light holder")]),
        Invalid(Fault("limit", "must be <= 200", "out_of_range")),
        InvalidCursor(),
        InvalidConfirmationCode(),
        InvalidResetCode(),
        InvalidToken(),
        KeyReused("9f0c2f7e-checkout"),
        LastAdmin(USER_ID),
        LoginTooOld(RECENT_LOGIN),
        NoMail(),
        NoPictures(),
        NotAllOnHand([Shortage(PRODUCT_ID, 3, 2, "85123A", "White hanging heart T-light holder")]),
        MalformedBody(Fault("body", "is not JSON: Input data was truncated", "not_json")),
        NotTheOwner(ORDER_ID),
        OptionsTaken(FAMILY_ID),
        OrderDeleted(ORDER_ID),
        OrderNotFound(ORDER_ID),
        OrdersOpen(["261121-7K3M9QX2"]),
        ProductNotFound(PRODUCT_ID),
        PromotionNotFound(PROMOTION_ID),
        ReservationExpired(RESERVATION_ID, THEN),
        ReservationNotFound(RESERVATION_ID),
        ReservationResolved(RESERVATION_ID, "confirmed", ORDER_ID),
        SessionNotFound(SESSION_ID),
        SkuTaken("85123A"),
        SlugTaken("candle-holders"),
        Stale([3], 4),
        StockBelowZero(PRODUCT_ID),
        TooMuchReserved("reservations", held=20, requested=1, max=20),
        TooMany("You ask more often than you may: wait 3 seconds.", 3),
        TooManyMails(600),
        TooManyAttempts(20),
        TooManyImages(PRODUCT_ID, 20),
        TooManyLines(6),
        TooManyOrders(1),
        TooManyPromotions(100),
        TotalChanged("6.60", "6.90", "EUR"),
        Unauthenticated(),
        Unavailable("The database does not answer."),
        UnknownProducts([PRODUCT_ID], [Fault("lines.0.product_id", "there is no such product", "unknown_product")]),
        UnusableImage(Fault("image", "moves: send one still picture", "animated")),
        UsernameTaken("ada"),
        WrongCredentials(),
        WrongPassword(),
    )
}


def document(app: Litestar, *, version: str, public_catalog: bool, base_url: str) -> bytes:
    """The description of every operation of `app`, as JSON. Without a `base_url` it says: the server it came from."""
    operations = list(described(app))
    structs = {type(example) for _, _, op in operations for example in (op.takes, op.gives) if example is not None}
    structs |= {type(problems.of_refusal(refusal, **_WHERE)) for refusal in _REFUSALS.values()}
    ordered: list[Any] = sorted(structs, key=lambda struct: struct.__name__)
    types = [_without_unset(field.type) for _, _, op in operations if op.query for field in fields(op.query)]
    _, schemas = msgspec.json.schema_components([*ordered, *types], ref_template=_REF)
    for schema in schemas.values():
        _tidy(schema)
    paths: dict[str, Json] = {}
    for path, method, operation in operations:
        paths.setdefault(_PATH_PARAMETER.sub(r"{\1}", path), {})[method] = _operation(
            path, method, operation, public_catalog
        )
    return msgspec.json.encode(
        {
            "openapi": "3.1.0",
            "info": {
                "title": "Shop",
                "version": version,
                "description": _DESCRIPTION.strip(),
                "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            },
            "servers": [{"url": base_url or "/"}],
            "tags": [{"name": tag} for tag in dict.fromkeys(operation.tag for _, _, operation in operations)],
            "paths": paths,
            "components": {
                "schemas": schemas,
                "securitySchemes": {_SECURITY: {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
            },
        }
    )


def _operation(path: str, method: str, operation: Operation, public_catalog: bool) -> Json:
    needs_login = operation.access.needs_login(public_catalog)
    described: Json = {
        "operationId": operation.id,
        "summary": operation.summary,
        "tags": [operation.tag],
        "parameters": [
            *_path_parameters(path),
            *_query_parameters(operation.query),
            *_header_parameters(operation),
        ],
        "responses": _responses(path, method, operation, needs_login),
    }
    if operation.description:
        described["description"] = operation.description
    if operation.takes is not None:
        content = _content("application/json", operation.takes, operation.or_takes)
        described["requestBody"] = {"required": operation.needs_body, "content": content}
    elif operation.takes_file:
        file: Json = {"schema": {"type": "string", "format": "binary"}}
        described["requestBody"] = {"required": True, "content": dict.fromkeys(operation.takes_file, file)}
    token: Json = {_SECURITY: []}
    described["security"] = [token] if needs_login else [{}, token] if operation.is_personal else []
    return described


def _path_parameters(path: str) -> list[Json]:
    names = _PATH_PARAMETER.findall(path)
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "format": "uuid"}} for name in names
    ]


def _query_parameters(query: type[Struct] | None) -> Iterator[Json]:
    for field in fields(query) if query else ():
        (schema,), _ = msgspec.json.schema_components([_without_unset(field.type)], ref_template=_REF)
        description = schema.pop("description", "")
        if field.default not in (NODEFAULT, msgspec.UNSET, "", False):
            description += f"; {field.default} unless given"
        described = {"description": description} if description else {}
        by_commas = {"style": "form", "explode": False} if schema.get("type") == "array" else {}
        yield {"name": field.name, "in": "query", "required": False, "schema": schema} | by_commas | described


def _tidy(schema: Json) -> None:
    """Take the indentation out of its description, which Markdown would show as code, and the defaults of its fields.

    Generated clients would send what is only a default here, and go on with it when it changes.
    """
    schema["description"] = cleandoc(schema["description"])
    for field in schema.get("properties", {}).values():
        field.pop("default", None)
        if len(choices := field.get("enum", ())) == 1:
            del field["enum"]
            field["const"] = choices[0]


def _header_parameters(operation: Operation) -> Iterator[Json]:
    """The conditions under which a client wants it (RFC 9110, 13), and the key that makes it happen once."""
    text: Json = {"type": "string"}
    key = text | {"minLength": 1, "maxLength": KEY_LENGTH_MAX, "pattern": "^[ -~]*$"}
    for is_taken, name, meaning, schema in (
        (operation.has_etag, "If-None-Match", "respond with 304 if the ETag is still this one", text),
        (Stale in operation.refuses, "If-Match", "do it only if the ETag is still this one", text),
        (
            KeyReused in operation.refuses,
            "Idempotency-Key",
            "a new one for each request, the same one for its retries; see the top of this page",
            key,
        ),
    ):
        if is_taken:
            yield {"name": name, "in": "header", "required": False, "schema": schema, "description": meaning}


def _without_unset(hint: Any) -> Any:
    """`hint` without "or unset": msgspec would lose the bounds that stand beside it."""
    if UnsetType in get_args(hint) and get_origin(hint) is not None:
        (hint,) = (option for option in get_args(hint) if option is not UnsetType)
    return hint


def _responses(path: str, method: str, operation: Operation, needs_login: bool) -> Json:
    names = ["X-Request-Id"]
    names += ["Location"] if operation.status == 201 else []
    names += ["ETag"] if operation.has_etag or (Stale in operation.refuses and operation.gives is not None) else []
    names += [REPLAYED] if KeyReused in operation.refuses else []
    done: Json = {
        "description": "Created" if operation.status == 201 else "Done",
        "headers": dict.fromkeys(names, _TEXT),
    }
    if operation.gives is not None:
        done["content"] = _content("application/json", operation.gives)
    responses: Json = {str(operation.status): done}
    if operation.has_etag:
        headers = dict.fromkeys(["X-Request-Id", "ETag"], _TEXT)
        responses["304"] = {"description": "Not changed", "headers": headers}
    found = sorted(_problems(path, method, operation, needs_login), key=lambda problem: problem.status)
    for status, alike in groupby(found, key=lambda problem: problem.status):
        responses[str(status)] = _errors_of(list(alike))
    return responses


def _problems(path: str, method: str, operation: Operation, needs_login: bool) -> Iterator[Problem]:
    """An example of each error that the operation can give."""
    refusals: list[type[Refusal]] = [Invalid, Unavailable, *operation.refuses]
    if needs_login or operation.is_personal:
        refusals += [Unauthenticated, InvalidToken]
    if operation.access is Access.STAFF:
        refusals.append(Forbidden)
    if path.startswith(API):
        refusals.append(TooMany)
    if operation.takes is not None:
        refusals.append(MalformedBody)
    for refusal in dict.fromkeys(refusals):
        yield problems.of_refusal(_REFUSALS[refusal], **_WHERE)
    for status in (500,) if method == "get" else (408, 413, 415, 500):  # a body is read, if only to be empty
        yield problems.of_transport(status, **_WHERE)


def _errors_of(alike: Sequence[Problem]) -> Json:
    """The errors of one status."""
    examples = {problem.code: {"value": msgspec.to_builtins(problem)} for problem in alike}
    names = dict.fromkeys(type(problem).__name__ for problem in alike)
    refs = [{"$ref": _REF.format(name=name)} for name in sorted(names, key="Problem".__eq__)]  # the general one last
    content = {
        problems.MEDIA_TYPE.decode(): {"schema": refs[0] if len(refs) == 1 else {"anyOf": refs}, "examples": examples}
    }
    answer: Json = {"description": " / ".join(dict.fromkeys(problem.title for problem in alike)), "content": content}
    headers = {401: ["WWW-Authenticate"], 429: ["Retry-After"], 503: ["Retry-After"]}.get(alike[0].status, [])
    return answer | {"headers": dict.fromkeys(["X-Request-Id", *headers], _TEXT)}


def _content(media_type: str, example: Struct, other: Struct | None = None) -> Json:
    shown: Json = {"example": msgspec.to_builtins(example)}
    if other is not None:
        examples = {"one": example, "another": other}
        shown = {"examples": {name: {"value": msgspec.to_builtins(value)} for name, value in examples.items()}}
    return {media_type: {"schema": {"$ref": _REF.format(name=type(example).__name__)}, **shown}}
