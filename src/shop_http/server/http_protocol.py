"""Limits on the head of a request: how large it may be, and how slowly it may arrive.

uvicorn has none, and calls the application only when a head is complete: so they are here.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

ADDRESS_BYTES_MAX = 32 * 1024
HEAD_BYTES_MAX = 64 * 1024
HEADERS_MAX = 100
HEAD_S_MAX = 30.0


class HttpProtocol(HttpToolsProtocol):
    """One connection. A head that is too large is answered 414 or 431; one that is too slow ends the connection.

    A head that arrives in one packet, as nearly all do, needs no timer.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.refusal = HTTPStatus.BAD_REQUEST
        self.is_head_open = False
        self.head_bytes = 0
        """Received since the last head was complete. A part may belong to the body before."""
        self.head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the first head."""
        super().connection_made(transport)  # type: ignore[arg-type]
        self.start_head_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self.stop_head_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read, and limit a head that has not come to its end."""
        self.head_bytes += len(data)
        super().data_received(data)
        if self.is_head_open:
            if self.head_bytes > HEAD_BYTES_MAX and not self.transport.is_closing():
                self.refuse_head()
                self.send_400_response("")
            self.start_head_timer()
        elif self.cycle is not None and self.cycle.response_complete:
            self.start_head_timer()  # bytes that begin no request, such as empty lines

    def on_message_begin(self) -> None:
        """A head begins."""
        self.is_head_open = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """A head is complete: have it answered, unless it is too large.

        Raises:
            ValueError: it is too large. uvicorn then calls `send_400_response`.
        """
        if (
            len(self.url) > ADDRESS_BYTES_MAX
            or len(self.headers) > HEADERS_MAX
            or (self.head_bytes > HEAD_BYTES_MAX and self.is_head_large())
        ):
            self.refuse_head()
            raise ValueError(self.refusal.phrase)
        self.is_head_open = False
        self.head_bytes = 0
        self.stop_head_timer()
        super().on_headers_complete()

    def is_head_large(self) -> bool:
        """Whether the head alone is too large, without what was received together with it."""
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers) > HEAD_BYTES_MAX

    def refuse_head(self) -> None:
        """Say why it is refused: an address that is too long, or too many or too long headers."""
        is_address = len(self.url) > ADDRESS_BYTES_MAX
        self.refusal = HTTPStatus.REQUEST_URI_TOO_LONG if is_address else HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no request, and end the connection."""
        body = f"{self.refusal.phrase}\n".encode()
        head = (
            f"HTTP/1.1 {self.refusal.value} {self.refusal.phrase}\r\nContent-Type: text/plain; charset=utf-8\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()

    def start_head_timer(self) -> None:
        """End the connection unless a head is complete in time."""
        if self.head_timer is None and not self.transport.is_closing():
            self.head_timer = self.loop.call_later(HEAD_S_MAX, self.transport.abort)

    def stop_head_timer(self) -> None:
        """The head is complete."""
        if self.head_timer is not None:
            self.head_timer.cancel()
            self.head_timer = None
