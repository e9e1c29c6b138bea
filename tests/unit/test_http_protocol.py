"""The server limits the head of a request, which the application sees only when it is complete. Raw connections."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import uvicorn

from shop_http.server import http_protocol
from shop_http.server.http_protocol import HEAD_BYTES_MAX, HttpProtocol

CLOSED_S_MAX = 30
HELLO = b"GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n"


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Answers with the size of the body."""
    size, has_more = 0, True
    while has_more:
        message = await receive()
        size, has_more = size + len(message["body"]), message["more_body"]
    text = f"{size}".encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(text))]})
    await send({"type": "http.response.body", "body": text})


async def answer_to(*parts: bytes) -> bytes:
    """All that the server sends back until it closes the connection."""
    config = uvicorn.Config(
        application, http=HttpProtocol, ws="none", lifespan="off", log_config=None, access_log=False
    )
    server = uvicorn.Server(config)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        listening.listen()
        serving = asyncio.create_task(server.serve([listening]))
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            for part in parts:
                writer.write(part)
                await writer.drain()
                await asyncio.sleep(0.01)  # so that they arrive one by one
            return await asyncio.wait_for(reader.read(), CLOSED_S_MAX)
        except ConnectionResetError:  # it closed before it had read everything
            return b""
        finally:
            writer.close()
            server.should_exit = True
            await serving


def run(scenario: Callable[..., Awaitable[bytes]], *parts: bytes) -> bytes:
    return asyncio.run(scenario(*parts))


CLOSE = b"Connection: close\r\n"


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (HELLO.replace(b"\r\n\r\n", b"\r\n" + CLOSE + b"\r\n"), b"200"),
        (b"GET /" + b"a" * 32_000 + b" HTTP/1.1\r\nHost: x\r\n" + CLOSE + b"\r\n", b"200"),
        (b"GET /" + b"a" * 33_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", b"414"),
        (b"GET / HTTP/1.1\r\n" + b"A: 1\r\n" * 99 + CLOSE + b"\r\n", b"200"),
        (b"GET / HTTP/1.1\r\n" + b"A: 1\r\n" * 101 + b"\r\n", b"431"),
        (b"GET / HTTP/1.1\r\nA: " + b"1" * 60_000 + b"\r\n" + CLOSE + b"\r\n", b"200"),
        (b"GET / HTTP/1.1\r\nA: " + b"1" * 66_000 + b"\r\n\r\n", b"431"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nbad header\r\n\r\n", b"400"),
        (b"BREW /tea HTTP/1.1\r\nHost: x\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n", b"400"),
    ],
    ids=lambda value: repr(value[:24]),
)
def test_a_head_is_answered_or_refused_by_its_size_and_form(head: bytes, status: bytes) -> None:
    assert run(answer_to, head)[9:12] == status


def test_a_large_body_that_comes_with_its_head_is_not_taken_for_a_large_head() -> None:
    head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n" + CLOSE + b"\r\n"
    assert run(answer_to, head + b"x" * 200_000).endswith(b"200000")


def test_a_head_without_an_end_is_refused_before_it_fills_the_memory() -> None:
    said = run(answer_to, b"GET / HTTP/1.1\r\nA: ", *[b"1" * (HEAD_BYTES_MAX // 8)] * 9)
    assert said[9:12] in {b"431", b""}, "b'' if the connection was reset first"
    said = run(answer_to, b"GET /", *[b"a" * (HEAD_BYTES_MAX // 8)] * 9)
    assert said[9:12] in {b"414", b""}


@pytest.mark.parametrize("parts", [(), (b"GET / HT",), (HELLO, b"GET / HT"), (HELLO, b"\r\n")])
def test_a_head_that_is_too_slow_ends_the_connection(monkeypatch: pytest.MonkeyPatch, parts: tuple[bytes, ...]) -> None:
    monkeypatch.setattr(http_protocol, "HEAD_S_MAX", 0.2)
    assert run(answer_to, *parts).count(b"200 OK") == parts.count(HELLO)


def test_a_request_to_upgrade_is_answered_in_http_1_and_the_connection_goes_on() -> None:
    """As Java's client asks by default."""
    upgrade = HELLO.replace(b"\r\n\r\n", b"\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n")
    said = run(answer_to, upgrade, HELLO.replace(b"\r\n\r\n", b"\r\n" + CLOSE + b"\r\n"))
    assert said.count(b"200 OK") == 2, said
