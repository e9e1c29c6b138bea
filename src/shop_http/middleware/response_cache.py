"""Answers that are sent again for as long as nothing has changed, and never a moment longer.

To read and render a page takes milliseconds; to find out that nothing was committed since it was rendered takes one
cheap question to the store, which all requests that arrive meanwhile share. So an answer is kept together with the
store's token of that time, and each request is answered only after the store was asked for its token anew: a customer
who placed an order sees the stock after it in the next answer, whichever process he asks.
"""

from __future__ import annotations

import asyncio
import re
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import cast

from litestar import Litestar
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from shop_core import Actor, Shop
from shop_core.errors import Refusal
from shop_http.conditional import is_known
from shop_http.middleware.authentication import actor_of
from shop_http.routing import headers, operation_of

Snapshot = Callable[[], Hashable]
"""A token of all that is committed: equal to an earlier one only if nothing has changed in between."""

KeyOf = Callable[[HTTPScope], Hashable | None]
"""What tells one answer from another, e.g. address and customer; None for what is always worked out anew."""

KEPT_BYTES_MAX = 16 * 1024 * 1024
_ANSWER_BYTES_MAX = 512 * 1024
_ENTRY_BYTES = 1_000  # about what an entry takes beside its body


@dataclass(frozen=True, slots=True)
class _Answer:
    """An answer with status 200."""

    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes
    etag: str

    async def send(self, scope: HTTPScope, send: Send) -> None:
        """Send it, or 304 to whom knows it already."""
        if self.etag and is_known(scope, self.etag):
            headers = [(b"etag", self.etag.encode())]
            await send({"type": "http.response.start", "status": 304, "headers": headers})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
            return
        await send({"type": "http.response.start", "status": 200, "headers": self.headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": False})


class ResponseCache:
    """Wraps the application: what `key_of` gives a key, and nothing has changed of, is not worked out again.

    Args:
        app: the application.
        snapshot: asks the store; it may block, and is called in a thread.
        key_of: see `KeyOf`.
    """

    def __init__(self, app: ASGIApp, snapshot: Snapshot, key_of: KeyOf) -> None:
        self._app = app
        self._key_of = key_of
        self._tokens = _Tokens(snapshot)
        self._latest: Hashable = None
        self._token: Hashable = None
        self._kept: OrderedDict[Hashable, _Answer] = OrderedDict()
        self._bytes = 0
        self._under_way: dict[Hashable, asyncio.Event] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        http = cast(HTTPScope, scope)
        key = self._key_of(http) if scope["type"] == ScopeType.HTTP and http["method"] == "GET" else None
        if key is None:
            await self._app(scope, receive, send)
            return
        try:
            token = await self._tokens.now()
        except Exception:  # the store is not there: the application says that better
            await self._app(scope, receive, send)
            return
        self._latest = token
        if (kept := await self._known(key, token)) is not None:
            await kept.send(http, send)
            return
        done = self._under_way[token, key] = asyncio.Event()
        try:
            await self._work_out(key, token, scope, receive, send)
        finally:
            self._under_way.pop((token, key), None)
            done.set()

    async def _known(self, key: Hashable, token: Hashable) -> _Answer | None:
        """The answer, if it was worked out under this token; who is about to do so is waited for."""
        if (under_way := self._under_way.get((token, key))) is not None:
            await under_way.wait()
        return self._kept.get(key) if token == self._token else None

    async def _work_out(self, key: Hashable, token: Hashable, scope: Scope, receive: Receive, send: Send) -> None:
        """Have the application answer, and keep that under the token from before it looked."""
        headers: tuple[tuple[bytes, bytes], ...] | None = None

        async def note(message: Message) -> None:
            nonlocal headers
            if message["type"] == "http.response.start" and message["status"] == 200:
                headers = tuple(message["headers"])
            elif message["type"] == "http.response.body" and headers is not None and not message["more_body"]:
                self._keep(key, token, headers, message["body"])
            else:
                headers = None
            await send(message)

        await self._app(scope, receive, note)

    def _keep(self, key: Hashable, token: Hashable, headers: tuple[tuple[bytes, bytes], ...], body: bytes) -> None:
        if len(body) > _ANSWER_BYTES_MAX or token != self._latest:  # late: there is a newer state to keep answers of
            return
        if token != self._token:
            self._kept.clear()
            self._token, self._bytes = token, 0
        tags = (value.decode("latin-1") for name, value in headers if name.lower() == b"etag")
        self._bytes += len(body) + _ENTRY_BYTES
        self._kept[key] = _Answer(headers, body, next(tags, ""))
        while self._bytes > KEPT_BYTES_MAX:
            _, dropped = self._kept.popitem(last=False)
            self._bytes -= len(dropped.body) + _ENTRY_BYTES


class _Tokens:
    """Asks the store for its token, once for all who want it at the same time.

    Nobody gets an answer to a question that was asked before he came: it may be from before what he saw already.
    """

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="shop-freshness")
        self._waiting: list[asyncio.Future[Hashable]] = []
        self._is_asking = False

    async def now(self) -> Hashable:
        """The token as it is after this call."""
        future: asyncio.Future[Hashable] = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        if not self._is_asking:
            self._ask()
        return await future

    def _ask(self) -> None:
        self._is_asking = True
        asked, self._waiting = self._waiting, []
        answer = asyncio.get_running_loop().run_in_executor(self._executor, self._snapshot)
        answer.add_done_callback(lambda answered: self._answer(asked, answered))

    def _answer(self, asked: list[asyncio.Future[Hashable]], answered: asyncio.Future[Hashable]) -> None:
        failure = answered.exception()
        for future in asked:
            if future.done():  # its request was given up
                continue
            if failure is None:
                future.set_result(answered.result())
            else:
                future.set_exception(failure)
        self._is_asking = False
        if self._waiting:
            self._ask()


def keys(app: Litestar, *, public_catalog: bool, base_url: str | None) -> KeyOf:
    """The key of each answer of the operations that are declared `fresh`: what was asked for, and by which customer.

    Args:
        app: where they are declared.
        public_catalog: whether the catalog can be read without a login.
        base_url: see `create_app`; without one, the links in an answer follow the host that it was asked of.
    """
    public, personal = routes(app, public_catalog)
    shop: Shop = app.state.shop

    def key_of(scope: HTTPScope) -> Hashable | None:
        path, who = scope["path"], None
        if route := public.of(path):
            pass
        elif route := personal.of(path):
            customer = _customer(shop, scope)
            if customer is None:
                return None
            scope["user"], who = customer, customer.id
        else:
            return None
        scope["path_template"] = route  # the application may not be asked, and whoever watches wants to know
        host = None if base_url else (scope["scheme"], *headers(scope, b"host"))
        return who, path, scope["query_string"], host

    return key_of


def routes(app: Litestar, public_catalog: bool) -> tuple[Routes, Routes]:
    """What is declared `fresh`: that which everybody may read, and that which needs a login."""
    paths: tuple[list[str], list[str]] = ([], [])
    for route in app.routes:
        for handler in getattr(route, "route_handlers", ()):
            operation = operation_of(handler)
            if operation and operation.fresh:
                paths[operation.access.needs_login(public_catalog)].append(route.path_format)
    public, personal = (Routes(some) for some in paths)
    return public, personal


class Routes:
    """Knows the template of each path that is made from one of these."""

    def __init__(self, templates: list[str]) -> None:
        self._templates = templates
        patterns = (re.sub(r"\\{[^}]*\\}", "[0-9a-f-]{36}", re.escape(template)) for template in templates)
        self._pattern = re.compile("|".join(f"({pattern})" for pattern in patterns) or "(?!)")

    def of(self, path: str) -> str | None:
        """The template of a path; None: it is made from none of these."""
        found = self._pattern.fullmatch(path)
        return self._templates[cast(int, found.lastindex) - 1] if found else None


def _customer(shop: Shop, scope: HTTPScope) -> Actor | None:
    """The customer whose token it is; None for staff, whom the application confirms each time, and for a bad token."""
    try:
        actor = actor_of(shop, headers(scope, b"authorization"))
    except Refusal:
        return None
    return None if actor.is_staff else actor
