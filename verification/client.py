"""A small HTTP client that never hides what happened on the wire: an answer arrived whole, or it is lost."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

API = "/api/v1"
ANSWER_S_MAX = 6.0
_HEAD_BYTES_MAX = 1 << 20


class Lost(Exception):
    """No answer, or half of one: whether the server did what it was asked is unknown."""


@dataclass(frozen=True, slots=True)
class Response:
    """What the server said.

    Args:
        headers: by name in small letters.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, decoded."""
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """Of a problem; empty for anything else."""
        if "problem+json" not in self.headers.get("content-type", ""):
            return ""
        return str(self.json["code"])


class Connection:
    """One connection to a server, kept open while it lasts, and opened again by the next request.

    Args:
        port: where the server (or a proxy before it) listens on this machine.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._turn = asyncio.Lock()

    async def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        token: str = "",
        headers: Mapping[str, str] | None = None,
        wait_s: float = ANSWER_S_MAX,
    ) -> Response:
        """Send one request and read its answer, when the ones before are answered.

        Raises:
            Lost: the connection could not be made, broke, or was silent for `wait_s` seconds.
        """
        try:
            return await self.exchange(request_bytes(method, path, body, token, headers or {}), method, wait_s)
        except Lost as lost:
            raise Lost(f"{method} {path}: {lost}") from lost.__cause__

    async def exchange(self, request: bytes, method: str, wait_s: float) -> Response:
        """The same with the bytes of a request, whatever they are; the answer may come before all of them are sent.

        Raises:
            Lost: from `TimeoutError` if the connection was silent, from `ValueError` if the answer is no HTTP.
        """
        try:
            async with self._turn, asyncio.timeout(wait_s):
                reader, writer = await self._open()
                sending = asyncio.create_task(_send(writer, request))
                try:
                    answer = await read_answer(reader, method)
                finally:
                    sending.cancel()
        except (OSError, EOFError, TimeoutError, asyncio.LimitOverrunError, ValueError) as error:
            self.close()
            raise Lost(repr(error)) from error
        except asyncio.CancelledError:
            self.close()
            raise
        if answer.headers.get("connection", "").lower() == "close":
            self.close()
        return answer

    @property
    def is_open(self) -> bool:
        """Whether the next request uses a connection that was used before."""
        return self._streams is not None

    def close(self) -> None:
        """Hang up."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._streams is not None and self._streams[0].at_eof():
            self.close()  # the server hung up while nothing was asked
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port, limit=_HEAD_BYTES_MAX)
        return self._streams


async def _send(writer: asyncio.StreamWriter, request: bytes) -> None:
    with contextlib.suppress(OSError):  # whoever reads the answer is told
        writer.write(request)
        await writer.drain()


def request_bytes(method: str, path: str, body: object, token: str, headers: Mapping[str, str]) -> bytes:
    """A request as it goes over the wire."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1"]
    if token:
        lines.append(f"Authorization: Bearer {token}")
    content = b""
    if body is not None:
        content = json.dumps(body).encode()
        lines.append("Content-Type: application/json")
    if content or method in ("POST", "PUT"):
        lines.append(f"Content-Length: {len(content)}")
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + content


async def read_answer(reader: asyncio.StreamReader, method: str) -> Response:
    """The answer to a request of that method; interim ones are skipped.

    Raises:
        EOFError: the connection was closed before its end.
        ValueError: it is no HTTP.
    """
    status = 100
    while status < 200:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        status = int(head[0].split(" ")[1])
    pairs = (line.partition(":") for line in head[1:] if line)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    length = int(headers.get("content-length", "0"))
    has_body = length and method != "HEAD" and status not in (204, 304)
    return Response(status, headers, await reader.readexactly(length) if has_body else b"")
