"""Response cache: a response is sent again for as long as nothing has changed, and never a moment longer.

Reading and rendering a page takes milliseconds. Finding out that nothing was committed since it was rendered takes one
cheap query, which all requests that arrive meanwhile share. So a response is kept together with the database's token of
that time, and each request is answered only after the database was asked for its token anew: a customer who placed an
order sees the stock after it in the next response, whichever process they ask.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor

from litestar.types import ASGIApp, Receive, Scope, Send

from shop_http.middleware import Middleware
from shop_http.requests import ShopRequest, request_of
from shop_http.responses import Response
from shop_http.routing import handler_of

CacheValidator = Callable[[], Hashable]
"""Gives a token of all that is committed: equal to an earlier one only if nothing has changed in between."""

KEPT_BYTES_MAX = 16 * 1024 * 1024
_BODY_BYTES_MAX = 512 * 1024
_ENTRY_BYTES = 1_000  # about what an entry takes beside its body


def response_cache(validator: CacheValidator | None) -> Middleware:
    """Keeps the responses of the operations that are declared `cached`. Stands inside Litestar's routing, since it
    must know the route and who asks. Staff are looked up each time, so nothing is kept for them.

    Args:
        validator: asks the database; it may block, and is called in a thread. None: nothing is kept.
    """
    if validator is None:
        return lambda app: app
    cache = _Cache(validator)

    def middleware(app: ASGIApp) -> ASGIApp:
        async def cached(scope: Scope, receive: Receive, send: Send) -> None:
            operation_handler = handler_of(scope["route_handler"])
            request = request_of(scope)
            if operation_handler is None or not operation_handler.operation.cached or request.actor.is_staff:
                await app(scope, receive, send)
            else:
                await cache.serve(app, scope, receive, send)

        return cached

    return middleware


def _key(request: ShopRequest) -> Hashable:
    """What tells one response from another: the account, the address, and the host that links are made with."""
    scope, host = request.scope, None
    if request.state.base_url is None:
        host = scope["scheme"], request.headers.get(b"host")
    return request.actor.id, scope["path"], scope["query_string"], host


class _Cache:
    """The responses that are kept, all of one token."""

    def __init__(self, validator: CacheValidator) -> None:
        self._tokens = _Tokens(validator)
        self._latest: Hashable = None
        self._token: Hashable = None
        self._kept: OrderedDict[Hashable, Response] = OrderedDict()
        self._bytes = 0
        self._under_way: dict[Hashable, asyncio.Event] = {}

    async def serve(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the response that is kept; without one, have the application make it, and keep that."""
        request = request_of(scope)
        try:
            token = await self._tokens.now()
        except Exception:  # the database does not answer: the application has a better response to that
            await app(scope, receive, send)
            return
        self._latest = token
        key = _key(request)
        if (under_way := self._under_way.get((token, key))) is not None:
            await under_way.wait()  # another request is about to make it
        if token == self._token and (kept := self._kept.get(key)) is not None:
            await kept(scope, receive, send)
            return
        done = self._under_way[token, key] = asyncio.Event()
        try:
            await app(scope, receive, send)
            if request.response is not None and request.response.status == 200:
                self._keep(key, token, request.response)
        finally:
            self._under_way.pop((token, key), None)
            done.set()

    def _keep(self, key: Hashable, token: Hashable, response: Response) -> None:
        """Keep a response under the token from before it was made."""
        if len(response.body) > _BODY_BYTES_MAX or token != self._latest:  # late: responses of a newer state are kept
            return
        if token != self._token:
            self._kept.clear()
            self._token, self._bytes = token, 0
        self._bytes += len(response.body) + _ENTRY_BYTES
        self._kept[key] = response
        while self._bytes > KEPT_BYTES_MAX:
            _, dropped = self._kept.popitem(last=False)
            self._bytes -= len(dropped.body) + _ENTRY_BYTES


class _Tokens:
    """Asks the database for its token, once for all requests that want it at the same time.

    A request never gets the answer to a question that was asked before it came: that may be older than what its client
    has seen already.
    """

    def __init__(self, validator: CacheValidator) -> None:
        self._validator = validator
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="shop-cache-validator")
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
        answer = asyncio.get_running_loop().run_in_executor(self._executor, self._validator)
        answer.add_done_callback(lambda answered: self._deliver(asked, answered))

    def _deliver(self, asked: list[asyncio.Future[Hashable]], answered: asyncio.Future[Hashable]) -> None:
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
