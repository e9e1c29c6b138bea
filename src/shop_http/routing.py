"""What a handler is made of: how it is declared, what it is given and how it answers.

    @get("/orders/{order_id:uuid}", Operation(id="get_order", ...))
    def get_order(request: ShopRequest, order_id: UUID) -> Reply:
        return reply(OrderBody.of(request.shop.orders.get(request.actor, order_id)))

Beside the request a handler is given what its path has in braces, and the body as bytes if it has a parameter `body`.
Litestar could do that too, and a good deal more, which took it longer than all that we do on the loop.

Handlers run in a worker thread, one hop per request, and hand back bytes: so rendering happens there too. Before the
handler, in the same thread, the actor is confirmed: whose token says staff is looked up, so that it can block nobody.

The two that place and reserve are coroutines instead: they wait for `request.place` and `request.reserve`, behind which
many requests may share one unit of work (`seams`), and a thread for each of them would be a limit to that.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import partial
from inspect import iscoroutinefunction, signature
from typing import Any, cast

import litestar
from litestar import Request
from litestar.datastructures import State
from litestar.exceptions import HTTPException
from litestar.handlers import BaseRouteHandler, HTTPRouteHandler
from litestar.types import ASGIApp, HTTPRequestEvent, Middleware, Receive, Scope, Send
from msgspec import Struct
from msgspec.json import Encoder

from shop_core import Actor, Refusal, Shop
from shop_http.limits import Gate
from shop_http.seams import Place, Reserve
from shop_http.server.worker_pools import Pool, WorkerPools

API = "/api/v1"


@dataclass(slots=True)
class Reply:
    """An answer that is rendered, and needs only be sent.

    Args:
        body: of the answer; empty where the status allows none.
        status: the HTTP status; None: that of the operation.
        media_type: of the body.
        headers: further ones.
    """

    body: bytes
    status: int | None = None
    media_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in self.headers.items()]
        if self.status not in _WITHOUT_BODY:
            headers.append((b"content-type", self.media_type.encode("latin-1")))
            headers.append((b"content-length", b"%d" % len(self.body)))
        await send({"type": "http.response.start", "status": self.status or 200, "headers": headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": False})


_WITHOUT_BODY = {204, 304}

Handler = Callable[..., Reply | Awaitable[Reply]]
Answers = Callable[["ShopRequest", dict[str, Any]], Awaitable[Reply]]
"""A handler with its lane around it: gets the request, and the other arguments by name."""

LaneOf = Callable[["ShopRequest"], Pool]
Check = Callable[[Scope], None]
"""Looks at a request before its body is read, and raises what speaks against it."""


class Access(Enum):
    """Whom an operation is for."""

    PUBLIC = auto()
    CATALOG = auto()  # everybody, unless the shop's catalog is not public
    LOGIN = auto()
    STAFF = auto()  # a login, whose role the core checks

    def needs_login(self, public_catalog: bool) -> bool:
        """Whether an access token must be sent, in a shop whose catalog is or is not public."""
        return not (self is Access.PUBLIC or (self is Access.CATALOG and public_catalog))


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """What is known of a handler beside its code. The checks at the door enforce it, `/openapi.json` tells it.

    Args:
        id: the name that generated clients get, snake_case.
        summary: one line.
        tag: the heading under which the documentation shows it.
        access: whom it is for.
        gives: an example of its answer; the type of it is the answer's schema. None: an answer without a body.
        query: the query parameters that it takes; all others are refused.
        takes: an example of its body; the type of it is the body's schema.
        or_takes: another example of it, where one does not show all.
        status: of that answer.
        tagged: whether the answer has an ETag, and is spared a client who sends it as If-None-Match; see `conditional`.
        fresh: whether its answer may be sent again as long as nothing changes; see `fresh`.
        lane: whose threads it runs in, which may depend on the request.
        refuses: what the core may answer instead, beyond what follows from the rest.
        more: a paragraph for the documentation.
    """

    id: str
    summary: str
    tag: str
    access: Access = Access.LOGIN
    gives: Struct | None
    query: type[Struct] | None = None
    takes: Struct | None = None
    or_takes: Struct | None = None
    status: int = 200
    tagged: bool = False
    fresh: bool = False
    lane: Pool | LaneOf = Pool.FAST
    refuses: tuple[type[Refusal], ...] = ()
    more: str = ""


def operation_of(handler: BaseRouteHandler) -> Operation | None:
    """What was declared of `handler`; None for what is no part of the API, such as the documentation."""
    return cast("Operation | None", handler.opt.get("operation"))


def checked_by(*checks: Check) -> Middleware:
    """What runs `checks` on the loop before each handler, whatever layer declares it.

    Middleware rather than guards: for each guard Litestar copies the whole handler, a third of the time that a
    small request takes; and rather than a `before_request` hook, which a handler could replace by its own.
    """

    def middleware(app: ASGIApp) -> ASGIApp:
        async def door(scope: Scope, receive: Receive, send: Send) -> None:
            for check in checks:
                check(scope)
            await app(scope, receive, send)

        return door

    return middleware


def headers(scope: Scope, name: bytes) -> list[str]:
    """The values of a header, `name` in small letters."""
    return [value.decode("latin-1") for header, value in scope["headers"] if header == name]


def _declared(
    method: Callable[..., HTTPRouteHandler], path: str, operation: Operation
) -> Callable[[Handler], HTTPRouteHandler]:
    def declare(handler: Handler) -> HTTPRouteHandler:
        answers = _on_loop(handler) if iscoroutinefunction(handler) else _in_lane(handler, operation.lane)
        takes_body = "body" in signature(handler).parameters

        async def handle(request: ShopRequest) -> Reply:
            others = request.path_params
            if takes_body:
                others = {**others, "body": await _whole_body(request)}
            answer = await answers(request, others)
            answer.status = answer.status or operation.status
            return answer

        handle.__name__ = handler.__name__
        return method(path, opt={"operation": operation}, status_code=200, include_in_schema=False)(handle)

    return declare


async def _whole_body(request: ShopRequest) -> bytes:
    """The body, if it is not longer than bodies of this address may be.

    Raises:
        HTTPException: 413.
    """
    most = request.route_handler.resolve_request_max_body_size() or 0
    announced = headers(request.scope, b"content-length")
    if announced and int(announced[0]) > most:
        raise HTTPException(status_code=413)
    body, more = b"", True
    while more:
        message = cast(HTTPRequestEvent, await request.receive())
        body += message["body"]
        more = message.get("more_body", False)
        if len(body) > most:
            raise HTTPException(status_code=413)
    return body


def _in_lane(handler: Callable[..., Any], lane: Pool | LaneOf) -> Answers:
    """A handler that blocks: it runs in a thread of its lane, after the actor was confirmed there."""
    lane_of = lane if callable(lane) else lambda _: lane

    async def answers(request: ShopRequest, others: dict[str, Any]) -> Reply:
        def work() -> Reply:
            request.scope["user"] = request.shop.sessions.confirm(request.user)
            return cast(Reply, handler(request, **others))

        return await request.lanes.run(lane_of(request), work)

    return answers


def _on_loop(handler: Callable[..., Any]) -> Answers:
    """For a handler on the loop: staff are looked up in a worker thread. For customers nothing is, so they go on."""

    async def answers(request: ShopRequest, others: dict[str, Any]) -> Reply:
        if request.user.is_staff:
            confirm = partial(request.shop.sessions.confirm, request.user)
            request.scope["user"] = await request.lanes.run(Pool.FAST, confirm)
        return cast(Reply, await handler(request, **others))

    return answers


def get(path: str, operation: Operation) -> Callable[[Handler], HTTPRouteHandler]:
    """Declare a handler that reads."""
    return _declared(litestar.get, path, operation)


def post(path: str, operation: Operation) -> Callable[[Handler], HTTPRouteHandler]:
    """Declare a handler that does something."""
    return _declared(litestar.post, path, operation)


def put(path: str, operation: Operation) -> Callable[[Handler], HTTPRouteHandler]:
    """Declare a handler that replaces."""
    return _declared(litestar.put, path, operation)


def patch(path: str, operation: Operation) -> Callable[[Handler], HTTPRouteHandler]:
    """Declare a handler that changes some fields."""
    return _declared(litestar.patch, path, operation)


def delete(path: str, operation: Operation) -> Callable[[Handler], HTTPRouteHandler]:
    """Declare a handler that takes away."""
    return _declared(litestar.delete, path, operation)


class ShopRequest(Request[Actor, None, State]):
    """A request, with the shop that it is for and the actor that was found at the door."""

    @property
    def shop(self) -> Shop:
        """The shop."""
        return cast(Shop, self.app.state.shop)

    @property
    def place(self) -> Place:
        """How this server places an order."""
        return cast(Place, self.app.state.place)

    @property
    def reserve(self) -> Reserve:
        """How this server reserves units."""
        return cast(Reserve, self.app.state.reserve)

    @property
    def lanes(self) -> WorkerPools:
        """The threads that handlers run in."""
        return cast(WorkerPools, self.app.state.lanes)

    @property
    def gate(self) -> Gate:
        """Where logins and orders are counted. For handlers on the loop."""
        return cast(Gate, self.app.state.gate)

    @property
    def client_key(self) -> str:
        """Under which the one who asks is counted: his address, or his network of IPv6."""
        return cast(str, self.scope["state"]["client"])

    @property
    def actor(self) -> Actor:
        """Who acts; `NOBODY` on public operations. Confirmed: see the module."""
        return self.user

    @property
    def query_string(self) -> bytes:
        """Everything behind the question mark, as it was sent."""
        return self.scope["query_string"]

    @property
    def address(self) -> str:
        """The absolute URL of what was asked for, without the query."""
        base = cast("str | None", self.app.state.base_url) or str(self.base_url)
        return base.rstrip("/") + self.scope["path"]


_encode = Encoder().encode


def reply(body: Struct, *, location: str | None = None, more: dict[str, str] | None = None) -> Reply:
    """Answer with `body` as JSON.

    Args:
        body: what to say.
        location: the path, within the API, of what was created.
        more: further headers.
    """
    if location is not None:
        more = {"Location": API + location, **(more or {})}
    return Reply(_encode(body), headers=more or {})


def done() -> Reply:
    """Answer that it is done, without a body."""
    return Reply(b"", 204)
