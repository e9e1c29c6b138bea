"""Response cache: a response is sent again for as long as nothing has changed, and never a moment longer.

Reading and rendering a page takes milliseconds. Finding out that nothing was committed since it was rendered takes one
cheap query, which all requests that arrive meanwhile share. So a response is kept together with the database's token of
that time, and each request is answered only after the database was asked for its token anew: a customer who placed an
order sees the stock after it in the next response, whichever process they ask.
"""

from __future__ import annotations

import asyncio
import sys
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from shop_http.requests import ShopRequest
    from shop_http.responses import Response

CacheValidator = Callable[[], Hashable]
"""Gives a token of all that is committed: equal to an earlier one only if nothing has changed in between."""

KEPT_BYTES_MAX = 16 * 1024 * 1024
_BODY_BYTES_MAX = 512 * 1024
_ENTRY_BYTES = 1_200  # about what an entry takes beside its body, path and query


class ResponseCache:
    """The responses of operations that are declared `cached`, all of one token. None is kept for staff: they are looked
    up each time.

    Args:
        validator: asks the database; it may block, and is called in a thread.
    """

    def __init__(self, validator: CacheValidator) -> None:
        self._validator = validator
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="shop-cache-validator")
        self._asking: asyncio.Task[Hashable] | None = None
        self._next: asyncio.Task[Hashable] | None = None
        self._latest: Hashable = None
        self._token: Hashable = None
        self._kept: OrderedDict[Hashable, tuple[Response, int]] = OrderedDict()
        self._bytes = 0
        self._under_way: dict[Hashable, asyncio.Event] = {}

    async def response(self, request: ShopRequest, make: Callable[[ShopRequest], Awaitable[Response]]) -> Response:
        """The response that is kept; without one, what `make` makes, which is then kept."""
        token = self._latest = await self._token_now()
        if token is None:  # the database does not answer: the application has a better response to that
            return await make(request)
        scope = request.scope
        key = request.actor.id, scope["path"], scope["query_string"]
        if (under_way := self._under_way.get((token, key))) is not None:
            await under_way.wait()  # another request is about to make it
        if token == self._token and (kept := self._kept.get(key)) is not None:
            return kept[0]
        done = self._under_way[token, key] = asyncio.Event()
        try:
            response = await make(request)
            self._keep(key, token, response)
            return response
        finally:
            self._under_way.pop((token, key), None)
            done.set()

    def _keep(self, key: tuple[Any, ...], token: Hashable, response: Response) -> None:
        """Keep a response under the token from before it was made."""
        if response.status != 200 or len(response.body) > _BODY_BYTES_MAX or token != self._latest:
            return  # not `_latest`: responses of a newer state are kept
        if token != self._token:
            self._kept.clear()
            self._token, self._bytes = token, 0
        size = len(response.body) + sys.getsizeof(key[1]) + sys.getsizeof(key[2]) + _ENTRY_BYTES
        self._bytes += size - self._kept.get(key, (None, 0))[1]
        self._kept[key] = response, size
        while self._bytes > KEPT_BYTES_MAX:
            self._bytes -= self._kept.popitem(last=False)[1][1]

    async def _token_now(self) -> Hashable:
        """The token as it is after this call; None if the database does not answer.

        All who call while the database is being asked share the next question. None gets the answer to a question that
        was asked before: that may be older than what its client has seen already.
        """
        if self._next is None:
            self._next = asyncio.create_task(self._ask(self._asking))
        return await asyncio.shield(self._next)

    async def _ask(self, before: asyncio.Task[Hashable] | None) -> Hashable:
        if before is not None and not before.done():
            await asyncio.wait([before])
        self._asking, self._next = self._next, None
        with suppress(Exception):
            return await asyncio.get_running_loop().run_in_executor(self._executor, self._validator)
        return None
