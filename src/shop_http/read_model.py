"""A cache of rendered responses of the catalog: text without units, which is sent with the units of this moment.

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
from functools import partial
from hashlib import sha256
from time import monotonic

from shop_core import CatalogEntry
from shop_http.requests import ShopRequest
from shop_http.responses import NO_STORE, Response

Current = tuple[Hashable, Hashable, bytes]
"""A token of the catalog, equal to an earlier one only if nothing but units has changed in between; a snapshot, equal
to the one before only if nothing at all has; and the units of products: signed numbers of 4 bytes, the highest byte
first; -1 stands for a product that is not there."""
AskCatalog = Callable[[bytes], Awaitable[Current]]
"""Gives what is current, with the units of the products whose ids it gets, 16 bytes each. One question at a time."""
PathAndQuery = tuple[str, bytes]

GATHER_S, GATHERED_MIN = 0.001, 3
"""After a question for at least GATHERED_MIN requests, wait GATHER_S for more: twenty cost hardly more than two."""
ANSWER_S, RETRY_S = 2.0, 0.1
"""How long an answer may take, where a tenth of a millisecond is usual; and the pause after a question without one."""
ID_BYTES, UNITS_BYTES = 16, 4
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
        template: the body, with a `%d` for the units of each product: filled in at the speed of C.
        product_ids: of these products, 16 bytes each.
        tag: identifies the text.
        units: of its products, as they were told last.
        token: of the catalog that it shows.
        route: the template of its path, for the log.
        snapshot_no: the number of the snapshot that they are of; 0: they were not asked for yet.
    """

    template: bytes
    product_ids: bytes
    tag: str
    units: bytes = b""
    token: Hashable = None
    route: str = ""
    snapshot_no: int = 0

    def response(self) -> Response:
        """The response, with the units of its products."""
        return Response(self.template % self._numbers(), 200, etag=self.etag())

    def etag(self) -> str:
        """Of a product `"3.5f0a9c01.17"`: readers see every sale, while `If-Match` looks at the version 3."""
        if len(self.units) > UNITS_BYTES:
            return f'"{self.tag}.{sha256(self.units).hexdigest()[:16]}"'
        return '"' + ".".join([self.tag, *map(str, self._numbers())]) + '"'

    def _numbers(self) -> tuple[int, ...]:
        return struct.unpack(f">{len(self.units) // UNITS_BYTES}i", self.units)


def cacheable(response: Response, entries: Sequence[CatalogEntry] = (), version: int | None = None) -> Response:
    """The response, with the text from which the read model can make it again, and an ETag.

    Args:
        response: which shows the catalog.
        entries: the products whose units it shows, in this order.
        version: of the one thing that it shows, for `If-Match`. More of the text can change, e.g. a family's name.
    """
    template = _UNITS.sub(b'"quantity_in_stock":%d', response.body.replace(b"%", b"%%"))
    digest = sha256(template).hexdigest()
    tag = f"{version}.{digest[:8]}" if version else digest[:24]
    product_ids = b"".join([entry.product.id.bytes for entry in entries])
    units = struct.pack(f">{len(entries)}i", *[entry.available for entry in entries])
    response.text = CatalogText(template, product_ids, tag, units)
    response.etag = response.text.etag()
    return response


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
        self._waiting: list[CatalogText] = []
        self._answered: asyncio.Event | None = None
        self._asking: asyncio.Task[None] | None = None
        self._one_question, self._next_at, self._is_failing = asyncio.Lock(), 0.0, False
        self._token: Hashable = None
        self._snapshot: Hashable = None
        self._snapshot_no = 1
        self._texts: OrderedDict[PathAndQuery, tuple[CatalogText, int]] = OrderedDict()
        self._bytes = self._dropped = 0
        self._being_made: dict[PathAndQuery, asyncio.Event] = {}

    async def cached(self, request: ShopRequest) -> Response | None:
        """The response by the text that is cached. None if no text is, if the catalog is another one by now, or if the
        database does not answer."""
        text, _ = self._texts.get(_key_of(request), (None, 0))
        return None if text is None else await self._updated(request, text)

    async def response(self, request: ShopRequest, make: Callable[[ShopRequest], Awaitable[Response]]) -> Response:
        """The response by the text that is cached; without one, what `make` makes, whose text is then cached."""
        key = _key_of(request)
        if (being_made := self._being_made.get(key)) is not None:
            await being_made.wait()
        if (response := await self.cached(request)) is not None:
            return response
        done = self._being_made.setdefault(key, asyncio.Event())
        try:
            if self._token is None:
                await self._update(CatalogText(b"", b"", ""))
            token, response = self._token, await make(request)
            if response.text is not None and token is not None and token == self._token:
                self._store(request, response.text)
            return response
        finally:
            self._being_made.pop(key, None)
            done.set()

    async def _updated(self, request: ShopRequest, text: CatalogText) -> Response | None:
        await self._update(text)
        if (text.token, text.snapshot_no) != (self._token, self._snapshot_no) or _IS_MISSING in text.units:
            return None
        if (key := _key_of(request)) in self._texts:
            self._texts.move_to_end(key)
        request.scope["path_template"] = text.route
        response = text.response()
        response.cache_control = self._cache_control
        return response

    def _store(self, request: ShopRequest, text: CatalogText) -> None:
        """Cache a text under the token of the last answer, which is from before it was read: if the text is newer, the
        next question says so."""
        text.token, text.route = self._token, request.scope.get("path_template", "")
        key = _key_of(request)
        size = sum(map(len, (text.template, text.product_ids, *key))) + _ENTRY_BYTES
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

    async def _update(self, text: CatalogText) -> None:
        """Ask for the token, and for the units of this text: afterwards both are from after this call.

        Without an answer the token is None. Then no text is cached, and until there is an answer nobody waits for it.
        """
        if self._answered is None:
            self._answered = asyncio.Event()
            self._asking = asyncio.create_task(self._ask_next(self._answered))
        if not self._is_failing:
            self._waiting.append(text)
            await self._answered.wait()

    async def _ask_next(self, answered: asyncio.Event) -> None:
        """Ask for all who wait by the time that the question before is answered."""
        async with self._one_question:
            await asyncio.sleep(self._next_at - monotonic())
            texts, self._waiting, self._answered = self._waiting, [], None
            loop, give_up = asyncio.get_running_loop(), partial(self._give_up, answered, asyncio.current_task())
            # A second timer, since after a pause of the event loop the answer may be there, and not be read yet.
            timer = loop.call_later(ANSWER_S, loop.call_later, 0.01, give_up)
            try:
                await self._ask_for(set(texts))
            except Exception as failure:
                self._fail(failure)
            else:
                self._is_failing = False
                self._next_at = monotonic() + (GATHER_S if len(texts) >= GATHERED_MIN else 0)
            timer.cancel()
            answered.set()

    def _give_up(self, answered: asyncio.Event, asking: asyncio.Task[None] | None) -> None:
        if asking and not asking.done():
            self._fail(TimeoutError(f"the database does not answer within {ANSWER_S} s"))
            answered.set()
            asking.cancel()

    def _fail(self, failure: Exception) -> None:
        """Forget all texts, let go who waits for the next answer, and ask again soon: the application has a better
        response to that. A question that hangs is first cancelled by psycopg, which can take seconds.
        """
        if self._answered is not None:
            self._answered.set()
        if not self._is_failing:
            _logger.warning("the catalog cannot be sent from memory: %s: %s", type(failure).__name__, failure)
        self._is_failing, self._next_at = True, monotonic() + RETRY_S
        self._turn_to(None)

    async def _ask_for(self, texts: Collection[CatalogText]) -> None:
        """Give all of these texts the units of one snapshot, from now on.

        Those that have the units of the last snapshot keep them if it is still that one. Where most have older ones,
        things change all the time, and to ask for all at once saves a second question.
        """
        outdated: Collection[CatalogText] = [text for text in texts if text.snapshot_no != self._snapshot_no]
        if len(outdated) > len(texts) / 2:
            outdated = texts
        token, snapshot, units = await self._ask(b"".join([text.product_ids for text in outdated]))
        if snapshot != self._snapshot and len(outdated) < len(texts):
            outdated = texts
            token, snapshot, units = await self._ask(b"".join([text.product_ids for text in outdated]))
        self._turn_to(token)
        if snapshot != self._snapshot:
            self._snapshot, self._snapshot_no = snapshot, self._snapshot_no + 1
        at = 0
        for text in outdated:
            end = at + len(text.product_ids) // ID_BYTES * UNITS_BYTES
            text.units, text.snapshot_no, at = units[at:end], self._snapshot_no, end

    def _turn_to(self, token: Hashable) -> None:
        """Forget all text if the catalog is another one, or unknown."""
        if token != self._token:
            self._texts.clear()
            self._token, self._bytes = token, 0


def _key_of(request: ShopRequest) -> PathAndQuery:
    return request.scope["path"], request.scope["query_string"]
