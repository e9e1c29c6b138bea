"""The read model of the catalog: responses are kept as text without units, and sent with the units of this moment.

To read and render a page takes milliseconds, and of all that it shows only units change often. So its text is kept
together with the token of the catalog from before it was read. Before a response is sent, the database is asked once
for all requests that wait by then: which catalog is it, and how many units of these products are there? Nobody gets the
answer to a question that was asked before they came, so a customer who placed an order sees the stock after it in the
next response, whichever process they ask. If the catalog is another one, all text is forgotten and made anew.

A text remembers the units that were told last, and the number of the snapshot that they are of. As long as nothing at
all changes, the database answers by the same snapshot: then the units are still right, and are not asked for.
"""

from __future__ import annotations

import asyncio
import ctypes
import logging
import re
import struct
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Hashable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256

from shop_core import CatalogEntry
from shop_http.requests import ShopRequest
from shop_http.responses import NO_STORE, Response

Current = tuple[Hashable, Hashable, bytes]
"""A token of the catalog, equal to an earlier one only if nothing but units has changed in between; a snapshot, equal
to the one before only if nothing at all has; and the units of products: signed numbers of 4 bytes, the highest byte
first; -1 stands for a product that is not there."""
AskCatalog = Callable[[bytes], Awaitable[Current]]
"""Gives what is current, with the units of the products whose ids it gets, 16 bytes each. One question at a time."""
Key = tuple[str, bytes]

GATHER_S, GATHERED_MIN = 0.001, 3
"""After a question for so many, the next one waits so long for company: twenty cost hardly more than two."""
UNITS_BYTES = 4
_IS_MISSING = b"\xff" * UNITS_BYTES  # -1; other numbers are too small for such a byte at their beginning
_logger = logging.getLogger("shop_http")
_ENTRY_BYTES = 800  # about what an entry takes beside its text, path and query
_UNITS = re.compile(rb'"quantity_in_stock":\d+')
"""Where a body shows units. No text looks like that, as a quotation mark in a text has a backslash before it; an option
may have that name, but its value is text."""


@dataclass(slots=True, eq=False)
class CatalogText:
    """What a response shows of the catalog, without units.

    Args:
        form: the body as a format, with a `%d` for the units of each product: filled in at the speed of C.
        product_ids: of these products, 16 bytes each.
        tag: identifies the text.
        token: of the catalog that it shows.
        route: the template of its path, for the log.
        units: of its products, as they were told last; 4 bytes each.
        snapshot_no: the number of the snapshot that they are of; 0: they were not asked for yet.
    """

    form: bytes
    product_ids: bytes
    tag: str
    token: Hashable = None
    route: str = ""
    units: bytes = b""
    snapshot_no: int = 0

    def response(self, units: bytes) -> Response:
        """The response, with the units of its products."""
        return Response(self.form % _numbers(units), 200, etag=self.etag(units))

    def etag(self, units: bytes) -> str:
        """Of a product `"3.17"`: readers see every sale, while `If-Match` looks at the version 3."""
        if len(units) > UNITS_BYTES:
            return f'"{self.tag}.{sha256(units).hexdigest()[:16]}"'
        return '"' + ".".join([self.tag, *map(str, _numbers(units))]) + '"'


def keepable(response: Response, entries: Sequence[CatalogEntry] = (), version: int | None = None) -> Response:
    """The response, with the text from which the read model can make it again, and an ETag.

    Args:
        response: which shows the catalog.
        entries: the products whose units it shows, in this order.
        version: of the one thing that it shows; None: the text itself identifies it.
    """
    form = _UNITS.sub(b'"quantity_in_stock":%d', response.body.replace(b"%", b"%%"))
    tag = version or sha256(form).hexdigest()[:24]
    response.text = CatalogText(form, b"".join([entry.product.id.bytes for entry in entries]), str(tag))
    response.etag = response.text.etag(struct.pack(f">{len(entries)}i", *[entry.available for entry in entries]))
    return response


def _numbers(units: bytes) -> tuple[int, ...]:
    return struct.unpack(f">{len(units) // UNITS_BYTES}i", units)


def _return_memory() -> None:
    """Have the C library return what is free: small texts fill no more than half of what large ones left."""
    with suppress(OSError, AttributeError):  # only glibc has this
        ctypes.CDLL(None).malloc_trim(0)


class ReadModel:
    """The texts of responses, all of one catalog; those that were asked for last.

    Args:
        ask: asks the database.
        bytes_max: about how much memory they may take.
        cache_control: of the responses.
    """

    def __init__(self, ask: AskCatalog, bytes_max: int, cache_control: bytes = NO_STORE) -> None:
        self._ask, self._bytes_max, self._cache_control = ask, bytes_max, cache_control
        self._waiting: list[tuple[asyncio.Future[tuple[Hashable, bytes]], CatalogText]] = []
        self._asking: asyncio.Task[None] | None = None
        self._token: Hashable = None
        self._snapshot: Hashable = None
        self._snapshot_no = 1
        self._is_failing = False
        self._texts: OrderedDict[Key, tuple[CatalogText, int]] = OrderedDict()
        self._bytes = self._dropped = 0
        self._being_made: dict[Key, asyncio.Event] = {}

    async def kept(self, request: ShopRequest) -> Response | None:
        """The response by the text that is kept. None: there is none, the catalog is another one by now, or the
        database does not answer."""
        text, _ = self._texts.get(_key_of(request), (None, 0))
        return None if text is None else await self._response_now(request, text)

    async def response(self, request: ShopRequest, make: Callable[[ShopRequest], Awaitable[Response]]) -> Response:
        """The response by the text that is kept; without one, what `make` makes, whose text is then kept."""
        key = _key_of(request)
        if (being_made := self._being_made.get(key)) is not None:
            await being_made.wait()
        if (response := await self.kept(request)) is not None:
            return response
        done = self._being_made.setdefault(key, asyncio.Event())
        try:
            token = self._token or await self._first_token(request)
            response = await make(request)
            if response.text is not None and token is not None and token == self._token:
                self._keep(request, response.text)
            return response
        finally:
            self._being_made.pop(key, None)
            done.set()

    async def _response_now(self, request: ShopRequest, text: CatalogText) -> Response | None:
        try:
            token, units = await self._now(request, text)
        except Exception:  # the database does not answer: the application has a better response to that
            return None
        if text.token != token or _IS_MISSING in units:
            return None
        key = _key_of(request)
        if key in self._texts:
            self._texts.move_to_end(key)
        request.scope["path_template"] = text.route
        response = text.response(units)
        response.cache_control = self._cache_control
        return response

    async def _first_token(self, request: ShopRequest) -> Hashable:
        """The token from a question for that alone; None: the database does not answer."""
        with suppress(Exception):
            await self._now(request, CatalogText(b"", b"", ""))
        return self._token

    def _keep(self, request: ShopRequest, text: CatalogText) -> None:
        """Keep a text under the token of the last answer, which is from before it was read: if the text is newer, the
        next question says so."""
        text.token, text.route = self._token, request.scope.get("path_template", "")
        key = _key_of(request)
        size = sum(map(len, (text.form, text.product_ids, *key))) + _ENTRY_BYTES
        self._bytes += size - self._texts.get(key, (None, 0))[1]
        self._texts[key] = text, size
        if self._bytes > self._bytes_max:
            self._make_room(request)

    def _make_room(self, request: ShopRequest) -> None:
        while self._bytes > self._bytes_max:
            _, dropped = self._texts.popitem(last=False)[1]
            self._bytes -= dropped
            self._dropped += dropped
        if self._dropped > self._bytes_max // 8:
            self._dropped = 0
            request.loop.run_in_executor(None, _return_memory)

    async def _now(self, request: ShopRequest, text: CatalogText) -> tuple[Hashable, bytes]:
        """The token and the units of this text, as they are after this call."""
        answer: asyncio.Future[tuple[Hashable, bytes]] = request.loop.create_future()
        self._waiting.append((answer, text))
        if self._asking is None:
            self._asking = request.loop.create_task(self._ask_while_somebody_waits())
        return await answer

    async def _ask_while_somebody_waits(self) -> None:
        try:
            while self._waiting:
                asked, self._waiting = self._waiting, []
                try:
                    await self._ask_for({text for _, text in asked})
                except Exception as failure:
                    self._log(failure)
                    self._turn_to(None)
                    for answer, _ in asked:
                        if not answer.done():
                            answer.set_exception(failure)
                else:
                    for answer, text in asked:
                        if not answer.done():  # else its client is gone
                            answer.set_result((self._token, text.units))
                if len(asked) >= GATHERED_MIN:
                    await asyncio.sleep(GATHER_S)
        finally:
            self._asking = None

    async def _ask_for(self, texts: Collection[CatalogText]) -> None:
        """Give all of these texts the units of one snapshot, from now on.

        Those that have the units of the last snapshot keep them if it is still that one. Where most have older ones,
        things change all the time, and to ask for all at once saves a second question.
        """
        outdated: Collection[CatalogText] = [text for text in texts if text.snapshot_no != self._snapshot_no]
        if len(outdated) > len(texts) / 2:
            outdated = texts
        token, snapshot, units = await self._ask(_ids_of(outdated))
        if snapshot != self._snapshot and len(outdated) < len(texts):
            outdated = texts
            token, snapshot, units = await self._ask(_ids_of(outdated))
        self._is_failing = False
        self._turn_to(token)
        if snapshot != self._snapshot:
            self._snapshot, self._snapshot_no = snapshot, self._snapshot_no + 1
        at = 0
        for text in outdated:
            end = at + len(text.product_ids) * UNITS_BYTES // 16
            text.units, text.snapshot_no, at = units[at:end], self._snapshot_no, end

    def _log(self, failure: Exception) -> None:
        """Once, until there is an answer again: responses are right without it, and slow."""
        if not self._is_failing:
            _logger.warning("the catalog cannot be sent from memory: %s: %s", type(failure).__name__, failure)
        self._is_failing = True

    def _turn_to(self, token: Hashable) -> None:
        """Forget all text if the catalog is another one, or unknown."""
        if token != self._token:
            self._texts.clear()
            self._token, self._bytes = token, 0


def _ids_of(texts: Collection[CatalogText]) -> bytes:
    return b"".join([text.product_ids for text in texts])


def _key_of(request: ShopRequest) -> Key:
    return request.scope["path"], request.scope["query_string"]
