"""The read model of the catalog: responses are kept as text without units, and sent with the units of this moment.

To read and render a page takes milliseconds, and of all that it shows only units change often. So its text is kept
together with the token of the catalog from before it was read. Before a response is sent, the database is asked once
for all requests that wait by then: which catalog is it, and how many units of these products are there? Nobody gets the
answer to a question that was asked before they came, so a customer who placed an order sees the stock after it in the
next response, whichever process they ask. If the catalog is another one, all text is forgotten and made anew.
"""

from __future__ import annotations

import asyncio
import ctypes
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from itertools import islice
from typing import TYPE_CHECKING

from shop_core import CatalogEntry
from shop_http.responses import Response

if TYPE_CHECKING:
    from shop_http.requests import ShopRequest

AskCatalog = Callable[[bytes], tuple[Hashable, Sequence[int]]]
"""Gives a token of the catalog, equal to an earlier one only if nothing but units has changed in between, and the units
of the products whose ids it gets, 16 bytes each; -1: there is none. It may block, as a thread calls it."""
Current = tuple[Hashable, Sequence[int]]
Key = tuple[str, bytes]

_ENTRY_BYTES = 800  # about what an entry takes beside its text, path and query
_BEFORE_UNITS = b'"quantity_in_stock":'


@dataclass(slots=True)
class CatalogText:
    """What a response shows of the catalog, without units.

    Args:
        form: the body as a format, with a `%d` for the units of each product: filled in at the speed of C.
        product_ids: of these products, 16 bytes each.
        tag: identifies the text.
        token: of the catalog that it shows.
    """

    form: bytes
    product_ids: bytes
    tag: str
    token: Hashable = None

    def response(self, units: Sequence[int]) -> Response:
        """The response, with the units of its products."""
        return Response(self.form % tuple(units), 200, etag=self.etag(units))

    def etag(self, units: Sequence[int]) -> str:
        """Of a product `"3.17"`: readers see every sale, while `If-Match` looks at the version 3."""
        if len(units) > 1:
            return f'"{self.tag}.{sha256(b"%a" % (units,)).hexdigest()[:16]}"'
        return f'"{self.tag}.{units[0]}"' if units else f'"{self.tag}"'


def keepable(response: Response, entries: Sequence[CatalogEntry] = (), version: int | None = None) -> Response:
    """The response, with the text from which the read model can make it again, and an ETag.

    Args:
        response: which shows the catalog.
        entries: the products whose units it shows, in this order.
        version: of the one thing that it shows; None: the text itself identifies it.
    """
    form = _form_of(response.body, len(entries))
    tag = version or sha256(form).hexdigest()[:24]
    response.text = CatalogText(form, b"".join([entry.product.id.bytes for entry in entries]), str(tag))
    response.etag = response.text.etag(tuple([entry.available for entry in entries]))
    return response


def _form_of(body: bytes, count: int) -> bytes:
    """The body, with a `%d` in the place of the units of so many products.

    No text looks like the name of that field, as a quotation mark in a text has a backslash before it. An option may
    have that name, but its value is text.
    """
    body = body.replace(b"%", b"%%")
    parts: list[bytes] = []
    begin = at = 0
    while len(parts) < count:
        at = body.index(_BEFORE_UNITS, at) + len(_BEFORE_UNITS)
        if body[at : at + 1].isdigit():
            parts.append(body[begin:at])
            begin = body.index(b",", at)
    return b"%d".join([*parts, body[begin:]])


def _return_memory() -> None:
    """Have the C library return what is free: small texts fill no more than half of what large ones left."""
    with suppress(OSError, AttributeError):  # only glibc has this
        ctypes.CDLL(None).malloc_trim(0)


class ReadModel:
    """The texts of responses, all of one catalog; those that were asked for last.

    Args:
        ask: asks the database.
        bytes_max: about how much memory they may take.
    """

    def __init__(self, ask: AskCatalog, bytes_max: int) -> None:
        self._ask, self._bytes_max = ask, bytes_max
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="shop-read-model")
        self._waiting: list[tuple[asyncio.Future[Current], bytes]] = []
        self._is_asking = False
        self._token: Hashable = None
        self._texts: OrderedDict[Key, tuple[CatalogText, int]] = OrderedDict()
        self._bytes = self._dropped = 0
        self._being_made: dict[Key, asyncio.Event] = {}

    async def response(self, request: ShopRequest, make: Callable[[ShopRequest], Awaitable[Response]]) -> Response:
        """The response by the text that is kept; without one, what `make` makes, whose text is then kept."""
        key = request.scope["path"], request.scope["query_string"]
        if (being_made := self._being_made.get(key)) is not None:
            await being_made.wait()
        text, _ = self._texts.get(key, (None, 0))
        try:
            token, units = await self._now(text.product_ids if text else b"")
        except Exception:  # the database does not answer: the application has a better response to that
            return await make(request)
        if text is not None and text.token == token and -1 not in units:
            if key in self._texts:
                self._texts.move_to_end(key)
            return text.response(units)
        done = self._being_made.setdefault(key, asyncio.Event())
        try:
            response = await make(request)
            if response.text is not None and token == self._token:
                self._keep(key, token, response.text)
            return response
        finally:
            self._being_made.pop(key, None)
            done.set()

    def _keep(self, key: Key, token: Hashable, text: CatalogText) -> None:
        """Keep a text under the token from before it was read: if it is newer, the next question says so."""
        text.token = token
        size = sum(map(len, (text.form, text.product_ids, *key))) + _ENTRY_BYTES
        self._bytes += size - self._texts.get(key, (None, 0))[1]
        self._texts[key] = text, size
        while self._bytes > self._bytes_max:
            _, dropped = self._texts.popitem(last=False)[1]
            self._bytes -= dropped
            self._dropped += dropped
        if self._dropped > self._bytes_max // 8:
            self._dropped = 0
            self._executor.submit(_return_memory)

    async def _now(self, product_ids: bytes) -> Current:
        """The token, and the units of these products, as they are after this call."""
        answer: asyncio.Future[Current] = asyncio.get_running_loop().create_future()
        self._waiting.append((answer, product_ids))
        if not self._is_asking:
            self._ask_for_all()
        return await answer

    def _ask_for_all(self) -> None:
        asked, self._waiting, self._is_asking = self._waiting, [], True
        loop = asyncio.get_running_loop()

        def answered(done: Future[Current]) -> None:
            loop.call_soon_threadsafe(self._hand_out, asked, done)

        product_ids = b"".join([ids for _, ids in asked])
        self._executor.submit(self._ask, product_ids).add_done_callback(answered)

    def _hand_out(self, asked: list[tuple[asyncio.Future[Current], bytes]], done: Future[Current]) -> None:
        self._is_asking = False
        if self._waiting:
            self._ask_for_all()
        failure = done.exception()
        token, units = (None, ()) if failure else done.result()
        if failure or token != self._token:
            self._texts.clear()
            self._token, self._bytes = token, 0
        each = iter(units)
        for answer, product_ids in asked:
            of_answer = tuple(islice(each, len(product_ids) // 16))
            if answer.done():  # its client is gone
                continue
            if failure:
                answer.set_exception(failure)
            else:
                answer.set_result((token, of_answer))
