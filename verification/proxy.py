"""A TCP proxy that cuts connections at a chosen byte of what is asked or of what is answered."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Literal

Side = Literal["request", "answer"]
How = Literal["end", "reset", "silence"]

_PIECE_BYTES = 64 * 1024
_SILENCE_S_MAX = 30.0


@dataclass(frozen=True, slots=True)
class Cut:
    """Where a connection ends.

    Args:
        side: in what is asked, or in what is answered.
        at: so many bytes still pass on that side, over all requests of the connection.
        how: closed orderly, reset, or held open without another byte until the client gives up.
    """

    side: Side
    at: int
    how: How


Plan = Callable[[int], Cut | None]
"""What happens to the n-th connection."""


def seeded(seed: str, share: float = 0.9, bytes_max: int = 9_000, patience: int = 20) -> Plan:
    """A plan that cuts every connection: a client that keeps one open would otherwise be left alone for ever.

    Args:
        seed: of all choices.
        share: about so many are cut anywhere in their first `bytes_max` bytes.
        bytes_max: of one side.
        patience: the others are cut in their first `patience` times as many.
    """

    def plan(number: int) -> Cut:
        rng = Random(f"{seed}/connection/{number}")
        last = bytes_max if rng.random() < share else patience * bytes_max
        how: How = rng.choices(("end", "reset", "silence"), (10, 10, 1))[0]
        return Cut(rng.choice(("request", "answer")), rng.randrange(last), how)

    return plan


class Proxy:
    """Listens on a port of its own and passes on to `server_port`, as `plan` says.

    Attributes:
        connections: how many were passed on.
        cuts: how many were cut, by side and by how.
    """

    def __init__(self, server_port: int, plan: Plan) -> None:
        self._server_port = server_port
        self._plan = plan
        self._listener: asyncio.Server | None = None
        self._open: set[asyncio.Task[None]] = set()
        self.port = 0
        self.connections = 0
        self.cuts: Counter[str] = Counter()

    async def __aenter__(self) -> Proxy:
        """Listen."""
        self._listener = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._listener.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        """Stop, and hang up on everybody."""
        assert self._listener is not None
        self._listener.close()
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    def pass_all(self) -> None:
        """From the next connection on, cut no more."""
        self._plan = lambda _: None

    async def _accept(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        try:
            await self._pass_on(client, to_client)
        except asyncio.CancelledError:
            pass
        finally:
            to_client.close()
            self._open.discard(task)

    async def _pass_on(self, client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        number, self.connections = self.connections, self.connections + 1
        cut = self._plan(number)
        try:
            server, to_server = await asyncio.open_connection("127.0.0.1", self._server_port)
        except OSError:
            return
        asks = asyncio.create_task(_pump(client, to_server, cut.at if cut and cut.side == "request" else None))
        answers = asyncio.create_task(_pump(server, to_client, cut.at if cut and cut.side == "answer" else None))
        try:
            done, _ = await asyncio.wait((asks, answers), return_when=asyncio.FIRST_COMPLETED)
            if cut and any(task.result() for task in done):
                self.cuts[f"{cut.side} {cut.how}"] += 1
                if cut.how == "silence":
                    asks.cancel()
                    answers.cancel()
                    await asyncio.gather(asks, answers, return_exceptions=True)
                    await _until_gone(client)
                elif cut.how == "reset":
                    _reset(to_client)
                    _reset(to_server)
        finally:
            asks.cancel()
            answers.cancel()
            to_server.close()


async def _pump(source: asyncio.StreamReader, target: asyncio.StreamWriter, at: int | None) -> bool:
    """Pass bytes on until one side ends; True if it stopped because the byte `at` was reached."""
    passed = 0
    try:
        while chunk := await source.read(_PIECE_BYTES):
            if at is not None and passed + len(chunk) > at:
                target.write(chunk[: at - passed])
                await target.drain()
                return True
            target.write(chunk)
            await target.drain()
            passed += len(chunk)
    except OSError:
        pass
    return False


async def _until_gone(client: asyncio.StreamReader) -> None:
    try:
        async with asyncio.timeout(_SILENCE_S_MAX):
            while await client.read(_PIECE_BYTES):
                pass
    except (OSError, TimeoutError):
        pass


def _reset(stream: asyncio.StreamWriter) -> None:
    raw = stream.get_extra_info("socket")
    if raw is not None:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    stream.transport.abort()
