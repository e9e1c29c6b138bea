"""The connections of a worker: how many there may be, how large a request may be, and how slow a client may be.

uvicorn limits none of that, and calls the application only when a head is complete: so these limits are here. The
application limits what comes later: how slowly a body may come, and how long a response may take (`request_limits`).
"""

from __future__ import annotations

import asyncio
import heapq
from collections import Counter
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from secrets import token_hex
from typing import Any, cast
from urllib.parse import quote
from weakref import WeakValueDictionary

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from shop_http.client_address import TrustedProxies, client_of
from shop_http.middleware.access_log import PATH_LENGTH_MAX, Observer, RequestRecord
from shop_http.pages.layout import POLICY
from shop_http.problems import content_of, of_transport
from shop_http.responses import Header

ADDRESS_BYTES_MAX = 32 * 1024
HEAD_BYTES_MAX = 64 * 1024
HEADERS_MAX = 100
HEAD_S_MAX = 10.0
PIPELINED_MAX = 16
"""Requests that may wait for the response to an earlier one on the same connection."""
WRITE_S_MAX = 10.0
"""Within this time a client must take `WRITE_BYTES_MIN` of a response that waits for it."""
WRITE_BYTES_MIN = 4 * 1024
SURPLUS_MAX = 50
"""Connections beyond the limit, while all others are busy: they are answered about health, and 503 otherwise."""


class OpenConnections:
    """The connections of one worker. When there are too many, the oldest of those that only wait for their client end.

    So a flood of connections ends its own ones, and a new one, such as a health check, is always accepted.

    Args:
        total_max: in all.
        per_client_max: of one address, or of one network of IPv6; 0: any number.
        proxies: of ours: their connections are those of many clients.
        observers: get a record of each request that is refused here.

    Attributes:
        ended: how many connections were ended here, by the reason.
    """

    def __init__(
        self,
        total_max: int,
        per_client_max: int,
        proxies: TrustedProxies | None = None,
        observers: Sequence[Observer] = (),
    ) -> None:
        self.observers = observers
        self.ended = Counter({"idle": 0, "slow_request": 0, "slow_response": 0, "too_many": 0})
        self._total_max = total_max
        self._per_client_max = per_client_max
        self._proxies = proxies
        self._all: set[HttpProtocol] = set()
        self._by_client: WeakValueDictionary[str, set[HttpProtocol]] = WeakValueDictionary()

    def __len__(self) -> int:
        return len(self._all)

    def add(self, new: HttpProtocol) -> None:
        """Count a new one, and make room for it."""
        new.of_same_client = of_same_client = self._by_client.setdefault(client_of(new.address), set())
        of_same_client.add(new)
        self._all.add(new)
        if 0 < self._per_client_max < len(of_same_client) and not self._is_proxy(new.address):
            self._make_room(new, of_same_client, self._per_client_max)
        if len(self._all) > self._total_max:
            self._make_room(new, self._all, self._total_max)

    def _is_proxy(self, address: str) -> bool:
        return self._proxies is not None and self._proxies.is_trusted(address)

    def discard(self, ended: HttpProtocol) -> None:
        """It has ended."""
        ended.of_same_client.discard(ended)
        self._all.discard(ended)

    def _make_room(self, new: HttpProtocol, among: Collection[HttpProtocol], limit: int) -> None:
        """End the oldest that wait for their client: some at once, since each look is at all of them."""
        waiting = [each for each in among if each is not new and not each.is_at_work]
        oldest = heapq.nsmallest(max(1, limit // 32), waiting, key=lambda each: each.since)
        for each in oldest:
            each.end("too_many")
        if not oldest:
            new.is_surplus = True
            if len(among) > limit + SURPLUS_MAX:
                new.end("too_many")


class HttpProtocol(HttpToolsProtocol):
    """One connection. A head that is too large is answered 414 or 431; a client that is too slow loses it.

    A head that arrives in one packet, as nearly all do, and a response that is taken at once need no timer.

    Args:
        open_connections: of this worker.

    Attributes:
        of_same_client: the connections of the same client, with this one.
        address: of the other end.
        since: when it was made, or when the head of its latest request was complete.
        is_surplus: whether it is beyond the limit.
        head_bytes: received in the packets of the head. A part of the first may belong to the body before.
    """

    of_same_client: set[HttpProtocol]
    address = ""
    since = 0.0
    is_surplus = is_head_open = False
    head_bytes = 0
    refusal = HTTPStatus.BAD_REQUEST
    head_timer: asyncio.TimerHandle | None = None
    write_timer: asyncio.TimerHandle | None = None

    def __init__(self, *arguments: Any, open_connections: OpenConnections, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.open_connections = open_connections

    @property
    def is_at_work(self) -> bool:
        """Whether a request is here as a whole and has no response yet. Otherwise the client is waited for."""
        cycle = self.cycle
        return cycle is not None and not (cycle.response_complete or cycle.more_body or self.flow.write_paused)

    def end(self, reason: str) -> None:
        """End the connection at once, and count why."""
        self.open_connections.ended[reason] += 1
        self.open_connections.discard(self)
        self.transport.abort()

    # ---- called by the event loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the first head."""
        super().connection_made(transport)  # type: ignore[arg-type]
        self.address, self.since = self.client[0] if self.client else "", self.loop.time()
        self.start_head_timer()
        self.open_connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        for timer in filter(None, (self.head_timer, self.write_timer)):
            timer.cancel()
        self.open_connections.discard(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read, and limit a head that has not come to its end."""
        self.head_bytes = len(data) + (self.head_bytes if self.is_head_open else 0)
        super().data_received(data)
        if self.is_head_open or (self.cycle is not None and self.cycle.response_complete):
            self.wait_for_head()

    def wait_for_head(self) -> None:
        """A part of a head is here, or bytes that begin no request, such as empty lines."""
        if self.is_head_open and self.head_bytes > HEAD_BYTES_MAX and not self.transport.is_closing():
            self.refuse_head()
            self.send_400_response("")
        self.start_head_timer()

    def pause_writing(self) -> None:
        """The client does not take the response as quickly as it is made."""
        super().pause_writing()
        self.start_write_timer()

    def resume_writing(self) -> None:
        """The client has taken nearly all of it."""
        super().resume_writing()
        if not self.transport.is_closing():
            self.stop_write_timer()

    # ---- called by the parser

    def on_message_begin(self) -> None:
        """A head begins."""
        self.is_head_open = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """A head is complete: have it answered."""
        if self.head_bytes > ADDRESS_BYTES_MAX or len(self.headers) > HEADERS_MAX or self.pipeline or self.is_surplus:
            self.check_head()
        self.is_head_open, self.head_bytes, self.since = False, 0, self.loop.time()
        if self.head_timer is not None:
            self.head_timer.cancel()
            self.head_timer = None
        super().on_headers_complete()

    def check_head(self) -> None:
        """Look again at a head that is remarkable.

        Raises:
            ValueError: it is too large, or the server has too many connections. uvicorn calls `send_400_response`.
        """
        if len(self.url) > ADDRESS_BYTES_MAX or len(self.headers) > HEADERS_MAX or self.is_head_large():
            self.refuse_head()
            raise ValueError(self.refusal.phrase)
        if self.is_surplus and not self.url.startswith(b"/health/"):
            self.refusal = HTTPStatus.SERVICE_UNAVAILABLE
            raise ValueError(self.refusal.phrase)
        if len(self.pipeline) >= PIPELINED_MAX:
            raise ValueError("too many requests wait on this connection")

    def is_head_large(self) -> bool:
        """Whether the head alone is too large, without what was received together with it."""
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers) > HEAD_BYTES_MAX

    def refuse_head(self) -> None:
        """Say why it is refused: an address that is too long, or too many or too long headers."""
        is_address = len(self.url) > ADDRESS_BYTES_MAX
        self.refusal = HTTPStatus.REQUEST_URI_TOO_LONG if is_address else HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE

    # ---- called by uvicorn

    def on_response_complete(self) -> None:
        """A response is made. If the connection ends with it, its client must take it in time."""
        super().on_response_complete()
        if self.transport.is_closing():
            self.start_write_timer()

    def shutdown(self) -> None:
        """The server ends: so does the connection, after the response to the request that is being carried out."""
        super().shutdown()
        if self.transport.is_closing():
            self.start_write_timer()

    def timeout_keep_alive_handler(self) -> None:
        """No further request came. A client that has not even taken the last response does not get the rest."""
        if self.transport.get_write_buffer_size():
            self.end("slow_response")
        elif not self.transport.is_closing():
            self.open_connections.ended["idle"] += 1
            super().timeout_keep_alive_handler()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no request, and end the connection.

        If an earlier request of the connection is being carried out, its client would take this for the response: then
        the connection ends with the response to that request, and the client knows that this one was not read.
        """
        cycle = self.cycle
        is_open = cycle is not None and not cycle.response_complete
        if self.pipeline or (is_open and (cycle.response_started or not cycle.more_body)):
            cycle.keep_alive = False
            self.flow.pause_reading()
        elif not self.transport.is_closing():
            self.respond()

    def respond(self) -> None:
        """Send a problem, end the connection, and tell the observers."""
        status = self.refusal.value
        path = quote(self.url.partition(b"?")[0])[:PATH_LENGTH_MAX] if self.is_head_open else ""
        problem = of_transport(status, instance=path, request_id=token_hex(16))
        retry_after: tuple[Header, ...] = ((b"retry-after", b"1"),) if status == HTTPStatus.SERVICE_UNAVAILABLE else ()
        accept = dict(self.headers).get(b"accept", b"").decode("latin-1") if self.is_head_open else ""
        media_type, body = content_of(problem, accept, retry_after)
        head = [
            f"HTTP/1.1 {status} {self.refusal.phrase}",
            f"Content-Type: {media_type.decode()}",
            f"Content-Length: {len(body)}",
            f"X-Request-Id: {problem.request_id}",
            *("Retry-After: 1" for _ in retry_after),
            f"Content-Security-Policy: {POLICY.decode()}",
            "X-Content-Type-Options: nosniff",
            "Cache-Control: no-store",
            "Connection: close",
        ]
        self.transport.write("\r\n".join([*head, "", ""]).encode() + body)
        self.transport.close()
        self.start_write_timer()
        record = RequestRecord(
            level="info",
            at=datetime.now(UTC),
            method="other",
            route=None,
            status=status,
            duration_ms=0.0,
            size_bytes=len(body),
            request_id=problem.request_id,
            address=self.address,
            path=path or None,
            code=problem.code,
        )
        for observer in self.open_connections.observers:
            observer(record)

    # ---- timers

    def start_head_timer(self) -> None:
        """End the connection unless a head is complete in time."""
        if self.head_timer is None and not self.transport.is_closing():
            self.head_timer = self.loop.call_later(HEAD_S_MAX, self.give_up_head)

    def give_up_head(self) -> None:
        """End the connection, unless its client waits for the response to an earlier request."""
        self.head_timer = None
        if self.is_at_work:
            self.start_head_timer()
        else:
            self.end("slow_request")

    def start_write_timer(self) -> None:
        """End the connection unless its client takes enough of what waits for it in time."""
        if self.write_timer is None:
            waiting = self.transport.get_write_buffer_size()
            self.write_timer = self.loop.call_later(WRITE_S_MAX, self.check_taken, waiting)

    def stop_write_timer(self) -> None:
        """The client has taken it."""
        if self.write_timer is not None:
            self.write_timer.cancel()
            self.write_timer = None

    def check_taken(self, waiting_before: int) -> None:
        """End the connection if its client has taken too little since the timer was started."""
        self.write_timer = None
        if self.transport.get_write_buffer_size() > waiting_before - WRITE_BYTES_MIN:
            self.end("slow_response")
        else:
            self.start_write_timer()


def config_of(app: Any, open_connections: OpenConnections, **options: Any) -> uvicorn.Config:
    """How uvicorn serves an application on these connections: it logs nothing, and trusts no header.

    Args:
        options: further settings of uvicorn.
    """
    return uvicorn.Config(
        app,
        http=cast("type[asyncio.Protocol]", partial(HttpProtocol, open_connections=open_connections)),
        ws="none",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        **options,
    )
