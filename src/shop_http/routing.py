"""How an operation is declared, and how a request gets to it.

    @get("/orders/{order_id:uuid}", Operation(gives=examples.ORDER, refuses=(OrderNotFound,)))
    def get_order(request: ShopRequest, order_id: UUID) -> Response:
        '''One of your orders; any order for staff.'''
        return json_response(OrderBody.of(request.shop.orders.get(request.actor, order_id)))

The docstring is its text in the documentation, and the name of the function is its id there; a module without a `TAG`
is not documented.

A handler gets the request, and by their names: what its path has in braces, the body as `form` or as `file` if its
operation takes one, the query parameters as `query` if it declares some, and the Idempotency-Key, or None, if it has a
parameter `key`. `run_operation` calls it, and not Litestar, which only finds it by its path.

Most handlers block. They run in a thread of a pool, one hop a request, and render their response there. Before any
handler, a staff token is re-checked against the database, in one more hop to a thread. Coroutines, such
as those that place, reserve and log in, run on the event loop. Those that place and reserve wait there for the order
batcher: a thread for each of them would limit a batch. They put the Idempotency-Key into the request to the core, which
claims the keys of a whole batch.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from functools import partial
from inspect import cleandoc, iscoroutinefunction, signature
from typing import Any

from litestar import Litestar
from litestar.enums import ScopeType
from litestar.handlers import HTTPRouteHandler
from litestar.handlers.base import BaseRouteHandler
from litestar.types import ASGIApp, Method, Receive, Scope, Send
from msgspec import Struct

from shop_core import Refusal, Role
from shop_core.errors import Fault, Invalid, InvalidToken, KeyReused, Stale
from shop_core.idempotency import IdempotencyKey
from shop_http.middleware import Middleware
from shop_http.read_model import ReadModel
from shop_http.requests import ShopRequest, read_body, read_query, request_of
from shop_http.responses import NO_CACHE, Response
from shop_http.server.worker_pools import Pool
from shop_http.state import AppState
from shop_http.validation import not_honoured

BODY_SIZE_MAX = 256 * 1024
READ_AT_ONCE_BYTES_MAX = 16 * 1024
"""A larger body is read in a thread: to find what is wrong with one of 256 KiB can take 40 ms."""
SAFETY_HEADERS = frozenset({b"idempotency-key", b"if-match", b"if-none-match", b"if-unmodified-since"})
"""With these a client asks for a change only once, or only under a condition. An operation honours or refuses them."""

_READS: tuple[Method, ...] = ("GET", "HEAD")
_WRITES = frozenset({"POST", "PUT", "PATCH", "DELETE"})

Handler = Callable[..., Any]
"""Gives a `Response`, or None for one without a body, or the awaitable of either."""
PoolOf = Callable[[ShopRequest, Any], Pool]


class Access(Enum):
    """Whom an operation is for."""

    PUBLIC = auto()
    CATALOG = auto()  # everybody, unless the catalog of the shop is not public
    LOGIN = auto()
    STAFF = auto()  # a login, whose role the core checks

    def needs_login(self, public_catalog: bool) -> bool:
        """Whether an access token must be sent, in a shop whose catalog is or is not public."""
        return not (self is Access.PUBLIC or (self is Access.CATALOG and public_catalog))


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """What is declared of a handler: `OperationHandler` does as it says, and `/openapi.json` describes it. `gives`,
    `or_takes` and `has_etag` are only described: what they say, the handler does.

    Args:
        access: whom it is for.
        is_personal: whether its answer depends on who asks: a token that is sent must be valid, even if none must be.
        status: of the response.
        gives: an example of the response; its type is the schema. None: a response without a body.
        query: the query parameters that it takes, and gets; all others are refused.
        takes: an example of the body; its type is the schema, as which the handler gets it. None: no body is read.
        or_takes: another example of the body, where one does not show all.
        takes_file: the media types of which its body is one, which the handler gets as bytes, as `file`.
        needs_body: whether a body must be sent; if not, none stands for one without any field.
        body_size_max: in bytes.
        has_etag: whether the response has an ETag, and is 304 for a client who sends it as If-None-Match.
        cached: whether its response may be made of what is cached in memory, see `read_model`; only for `CATALOG`.
        pool: whose threads run it, which may depend on the request and its query.
        erases: whether it deletes the caller's account; repeating it with that account's token, even an expired one,
            succeeds.
        refuses: what the core may refuse, beyond what follows from the rest. With `KeyReused` among it, the operation
            honours `Idempotency-Key`, and with `Stale`, `If-Match`; those that it does not honour are refused.
        id: the name that generated clients use: that of the handler; empty: not documented.
        tag: the heading under which the documentation shows it: the `TAG` of the handler's module.
        summary: one line: the first of the handler's docstring.
        description: a paragraph for the documentation: the rest of that docstring.
    """

    access: Access = Access.LOGIN
    is_personal: bool = False
    status: int = 200
    gives: Struct | None = None
    query: type[Struct] | None = None
    takes: Struct | None = None
    or_takes: Struct | None = None
    takes_file: tuple[str, ...] = ()
    needs_body: bool = True
    body_size_max: int = BODY_SIZE_MAX
    has_etag: bool = False
    cached: bool = False
    pool: Pool | PoolOf = Pool.FAST
    erases: bool = False
    refuses: tuple[type[Refusal], ...] = ()
    id: str = ""
    tag: str = ""
    summary: str = ""
    description: str = ""

    def documented_by(self, handler: Handler) -> Operation:
        """The same, with what the documentation says of it."""
        tag = handler.__globals__.get("TAG", "")
        if not tag:
            return self
        first, _, rest = cleandoc(handler.__doc__ or "").partition("\n\n")
        summary, description = " ".join(first.split()).removesuffix("."), " ".join(rest.split())
        return replace(self, id=handler.__name__, tag=tag, summary=summary, description=description)


class _NoQuery(Struct, forbid_unknown_fields=True):
    """The query parameters of an operation that declares none."""


class OperationHandler:
    """A handler, and what surrounds every handler: authentication, cache, body and query, the right thread, the status.

    A public operation works without a token, so an expired one is not refused there; unless the answer would be another
    one for the account.
    """

    def __init__(self, handler: Handler, operation: Operation, *, is_read: bool) -> None:
        self.operation = operation
        self._handler = _with_key(handler) if "key" in signature(handler).parameters else handler
        self._is_coroutine = iscoroutinefunction(handler)
        has_body = operation.gives is not None or operation.status not in (202, 204)
        assert handler.__annotations__.get("return") != "None" or not has_body, "a handler gives what it declares"
        assert not self._is_coroutine or self._handler is handler, "a coroutine takes the key from the request itself"
        is_for_all = operation.access is Access.CATALOG and not operation.is_personal
        assert is_for_all or not operation.cached, "what is cached of a public catalog is shown to everybody"
        pool = operation.pool
        self._pool_of: PoolOf = (lambda _, __: pool) if isinstance(pool, Pool) else pool
        self._file_types = re.compile("|".join(map(re.escape, operation.takes_file)).encode(), re.IGNORECASE)
        self._is_change = not is_read
        self._unhonoured = _unhonoured(operation) if self._is_change else frozenset()

    async def __call__(self, request: ShopRequest) -> Response:
        """The response of the handler, or one that is cached. Raises Refusal, HTTPException."""
        needs_login = self.operation.access.needs_login(request.state.public_catalog)
        if needs_login or (self.operation.is_personal and b"authorization" in request.headers):
            try:
                request.actor = request.token_actor()
            except InvalidToken:
                if self.operation.erases and await request.state.pools.run(Pool.FAST, partial(_is_erased, request)):
                    return Response(b"", self.operation.status)
                raise
        if self.operation.cached:
            return await self._cached_or_made(request, is_public=not needs_login)
        return await self._respond(request)

    async def _cached_or_made(self, request: ShopRequest, *, is_public: bool) -> Response:
        read_model = request.state.read_model
        if read_model is not None and not request.actor.is_staff:
            response = await read_model.response(request, self._respond)
        else:
            response = await self._respond(request)
        if is_public:
            response.cache_control = NO_CACHE
        return response

    async def _respond(self, request: ShopRequest) -> Response:
        operation, scope, pools = self.operation, request.scope, request.state.pools
        if not self._unhonoured.isdisjoint(request.headers):
            raise not_honoured(self._unhonoured.intersection(request.headers))
        if request.actor.is_staff and not operation.erases:  # first: a demoted account gets no hints about its body
            await pools.run(Pool.FAST, partial(_recheck_staff, request))
        arguments: dict[str, Any] = dict(scope["path_params"])
        if operation.query or scope["query_string"]:
            arguments |= self._query(scope["query_string"])
        if operation.takes is not None:
            arguments["form"] = await self._form(request, type(operation.takes))
        elif operation.takes_file:
            arguments["file"] = await self._file(request)
        elif self._is_change and not request.has_whole_body:  # first, or a slow body causes a 408 after the change
            _check_no_fields(await request.body(operation.body_size_max))
        handle = partial(self._handler, request, **arguments)
        pool = self._pool_of(request, arguments.get("query"))
        made = await (handle() if self._is_coroutine else pools.run(pool, handle))
        response: Response = Response() if made is None else made
        response.status = response.status or operation.status
        return response

    def _query(self, query_string: bytes) -> dict[str, Struct]:
        query = read_query(self.operation.query or _NoQuery, query_string)
        return {"query": query} if self.operation.query else {}

    async def _form(self, request: ShopRequest, form: type[Struct]) -> Struct:
        if request.has_whole_body and not self.operation.needs_body:
            return form()
        body = await request.body(self.operation.body_size_max)
        read = partial(read_body, form, body)
        return read() if len(body) <= READ_AT_ONCE_BYTES_MAX else await request.state.pools.run(Pool.SLOW, read)

    async def _file(self, request: ShopRequest) -> bytes:
        if self.operation.access is Access.STAFF:
            request.actor.require(Role.STAFF)  # before anybody else fills the memory
        return await request.body(self.operation.body_size_max, self._file_types)


def _check_no_fields(body: bytes) -> None:
    if body.strip() not in (b"", b"{}"):
        raise Invalid(Fault("body", "this operation takes no fields: send no body", "unknown_field"))


def _is_erased(request: ShopRequest) -> bool:
    token = request.headers[b"authorization"][len("Bearer ") :].decode("latin-1").strip()
    return request.shop.privacy.is_erased(token)


def _recheck_staff(request: ShopRequest) -> None:
    request.actor = request.shop.sessions.recheck_staff(request.actor)


def _with_key(handler: Handler) -> Handler:
    """The handler with the key of the request, and with a response that says whether it is a replay."""

    def handle(request: ShopRequest, **arguments: Any) -> Response:
        sent = request.idempotency_key()
        key = IdempotencyKey(sent) if sent is not None else None
        response: Response = handler(request, **arguments, key=key) or Response()
        if key is not None and key.is_replay:
            response.marked_as_replay()
        return response

    return handle


def _unhonoured(operation: Operation) -> frozenset[bytes]:
    """The safety headers that this operation cannot honour."""
    honoured = {b"idempotency-key": KeyReused, b"if-match": Stale}
    return SAFETY_HEADERS - {name for name, refusal in honoured.items() if refusal in operation.refuses}


def handler_of(handler: BaseRouteHandler) -> OperationHandler | None:
    """What was declared of it; None for a handler of Litestar's own."""
    declared: OperationHandler | None = handler.opt.get("operation_handler")
    return declared


def cached_first(read_model: ReadModel) -> Middleware:
    """Responds by what is cached of a catalog that everybody may read, before the route is looked for."""

    def middleware(app: ASGIApp) -> ASGIApp:
        async def cached_or_routed(scope: Scope, receive: Receive, send: Send) -> None:
            request = request_of(scope)
            response = await read_model.cached(request) if request.scope["method"] in _READS else None
            await (response or app)(scope, receive, send)

        return cached_or_routed

    return middleware


def run_operation(app: ASGIApp) -> ASGIApp:
    """Runs the declared handler straight away, as the innermost step inside Litestar's routing.

    Litestar would call the same handler, after making a request of its own and injecting parameters: 10 us later. A
    handler that is not declared needs a login.
    """

    async def run(scope: Scope, receive: Receive, send: Send) -> None:
        request, declared = request_of(scope), scope["route_handler"].opt.get("operation_handler")
        if declared is None:
            request.actor = request.token_actor()
        await (app if declared is None else await declared(request))(scope, receive, send)

    return run


def _declare(methods: Sequence[Method], path: str, operation: Operation) -> Callable[[Handler], HTTPRouteHandler]:
    def declare(handler: Handler) -> HTTPRouteHandler:
        documented, is_read = operation.documented_by(handler), not _WRITES.intersection(methods)
        operation_handler = OperationHandler(handler, documented, is_read=is_read)

        return route_to(operation_handler, methods, path)

    return declare


async def _never_called() -> None:
    """Litestar wants a function for each route. `run_operation` has responded before it would be called."""


def route_to(
    handler: Callable[[ShopRequest], Awaitable[Response]], methods: Sequence[Method], path: str
) -> HTTPRouteHandler:
    """The route at which `run_operation` finds the handler."""
    options = {"operation_handler": handler}
    route = HTTPRouteHandler(path, http_method=methods, opt=options, status_code=200, include_in_schema=False)
    return route(_never_called)


def get(path: str, operation: Operation) -> Callable[[Handler], HTTPRouteHandler]:
    """Declare a handler that reads. It also serves HEAD."""
    return _declare(_READS, path, operation)


def post(path: str, operation: Operation) -> Callable[[Handler], HTTPRouteHandler]:
    """Declare a handler that does something."""
    return _declare(["POST"], path, operation)


def put(path: str, operation: Operation) -> Callable[[Handler], HTTPRouteHandler]:
    """Declare a handler that replaces."""
    return _declare(["PUT"], path, operation)


def patch(path: str, operation: Operation) -> Callable[[Handler], HTTPRouteHandler]:
    """Declare a handler that changes some fields."""
    return _declare(["PATCH"], path, operation)


def delete(path: str, operation: Operation) -> Callable[[Handler], HTTPRouteHandler]:
    """Declare a handler that takes away."""
    return _declare(["DELETE"], path, operation)


def with_options(handlers: Iterable[HTTPRouteHandler]) -> list[HTTPRouteHandler]:
    """The handlers, and for each path one more that answers OPTIONS with the methods that the path has."""
    handlers = list(handlers)
    methods: dict[str, set[str]] = {}
    for handler in handlers:
        for path in handler.paths:
            methods.setdefault(path, {"OPTIONS"}).update(handler.http_methods)
    # First, or Litestar would add handlers of its own, which name one method each.
    return [*(_options(path, sorted(allowed)) for path, allowed in methods.items()), *handlers]


def _options(path: str, methods: Sequence[str]) -> HTTPRouteHandler:
    allow = ", ".join(methods).encode()

    async def options(request: ShopRequest, **_: object) -> Response:
        return Response(b"", 204, headers=((b"allow", allow),))

    return _declare(["OPTIONS"], path, Operation(access=Access.PUBLIC))(options)


def described(app: Litestar) -> Iterator[tuple[str, str, Operation]]:
    """Path, method and declaration of each operation of the API, in the order of the routes and the methods."""
    for route in app.routes:
        # Litestar collects them in a set, whose order differs between processes.
        for handler in sorted(getattr(route, "route_handlers", ()), key=lambda each: min(each.http_methods)):
            operation_handler = handler_of(handler)
            if operation_handler and operation_handler.operation.id:
                for method in sorted(handler.http_methods - {"HEAD"}):
                    yield route.path, method.lower(), operation_handler.operation


class App:
    """The whole application, for any ASGI server: HTTP requests go through the middlewares, all else to Litestar.

    Args:
        litestar: the routes and the lifespan.
        outermost: Litestar with the middlewares around it.
        state: what the application is made of.
    """

    def __init__(self, litestar: Litestar, outermost: ASGIApp, state: AppState) -> None:
        self.litestar = litestar
        self.state = state
        self._outermost = outermost

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] == ScopeType.HTTP:
            state = scope.setdefault("state", {})
            state["request"] = ShopRequest(scope, receive, self.state)
            await self._outermost(scope, receive, send)
            state.pop("request", None)  # it knows the scope: else both would wait for the garbage collector
        else:
            await self.litestar(scope, receive, send)
