"""The server limits the head of a request, which the application sees only when it is complete. Raw connections."""

from __future__ import annotations

import asyncio
import json
import resource
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest
import uvicorn

from shop_http.client_address import TrustedProxies
from shop_http.middleware.access_log import RequestRecord
from shop_http.server import http_protocol
from shop_http.server.composition import connections_of
from shop_http.server.http_protocol import HEAD_BYTES_MAX, PIPELINED_MAX, OpenConnections, config_of
from shop_http.server.settings import Settings

CLOSED_S_MAX = 30
HELLO = b"GET / HTTP/1.1\r\nHost: shop.test\r\n\r\n"


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Answers with the size of the body; or with 8 MB; or when it is told to."""
    size, has_more = 0, True
    while has_more:
        message = await receive()
        size, has_more = size + len(message.get("body", b"")), message.get("more_body", False)
    if scope["path"] == "/work":
        await scope["state"]["done"].wait()
    text = b"x" * 8_000_000 if scope["path"] == "/big" else b"%d" % size
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(text))]})
    await send({"type": "http.response.body", "body": text})


class Client:
    """One connection to the server."""

    def __init__(self, port: int) -> None:
        self.port = port

    async def connect(self, *parts: bytes) -> Client:
        """Connect, and send the parts one by one."""
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port, limit=1024)
        for part in parts:
            self.writer.write(part)
            await self.writer.drain()
            await asyncio.sleep(0.01)  # so that they arrive one by one
        return self

    async def all(self) -> bytes:
        """All that the server sends until it closes the connection."""
        try:
            return await asyncio.wait_for(self.reader.read(), CLOSED_S_MAX)
        except ConnectionResetError:  # it closed before it had read everything
            return b""

    async def line(self) -> bytes:
        """The first line of a response."""
        return await asyncio.wait_for(self.reader.readline(), CLOSED_S_MAX)


@dataclass
class Setup:
    """A server with few connections, and what it said of those that it refused."""

    open_connections: OpenConnections
    records: list[RequestRecord] = field(default_factory=list)
    done: asyncio.Event = field(default_factory=asyncio.Event)
    clients: list[Client] = field(default_factory=list)
    port: int = 0

    async def client(self, *parts: bytes) -> Client:
        self.clients.append(await Client(self.port).connect(*parts))
        return self.clients[-1]

    async def until(self, condition: Callable[[], bool]) -> None:
        """Let the server work until something is so."""
        async with asyncio.timeout(CLOSED_S_MAX):
            while not condition():
                await asyncio.sleep(0.005)


@asynccontextmanager
async def serving(total: int = 100, per_client: int = 0, proxies: tuple[str, ...] = ()) -> AsyncIterator[Setup]:
    records: list[RequestRecord] = []
    connections = OpenConnections(total, per_client, TrustedProxies(proxies), [records.append])
    setup = Setup(connections, records)
    config = config_of(application, connections, lifespan="off")
    server = uvicorn.Server(config)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        setup.port = listening.getsockname()[1]
        listening.listen()
        config.load()
        config.loaded_app = partial(with_state, {"done": setup.done})
        serving = asyncio.create_task(server.serve([listening]))
        try:
            yield setup
        finally:
            setup.done.set()
            for client in setup.clients:
                client.writer.close()
            server.should_exit = True
            await serving


async def with_state(state: dict[str, Any], scope: Any, receive: Any, send: Any) -> None:
    await application({**scope, "state": state}, receive, send)


async def answer_to(*parts: bytes) -> bytes:
    """All that the server sends back until it closes the connection."""
    async with serving() as setup:
        return await (await setup.client(*parts)).all()


def run(scenario: Callable[..., Coroutine[Any, Any, bytes]], *parts: bytes) -> bytes:
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


def test_a_large_body_does_not_count_as_a_part_of_the_next_head() -> None:
    post, ending = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n", b"TP/1.1\r\nHost: x\r\n" + CLOSE
    said = run(answer_to, post, b"x" * 60_000, b"x" * 40_000, b"GET / HT", ending + b"\r\n")
    assert said.count(b"200 OK") == 2, said


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


@pytest.mark.parametrize(
    ("head", "status", "code", "path"),
    [
        (b"GET /" + b"a" * 33_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414, "address_too_long", "/" + "a" * 199),
        (b"GET /b HTTP/1.1\r\n" + b"A: 1\r\n" * 101 + b"\r\n", 431, "head_too_large", "/b"),
        (b"POST /c HTTP/1.1\r\nContent-Length: +2\r\n\r\n", 400, "bad_request", "/c"),
    ],
)
def test_a_refusal_of_the_server_is_a_problem_and_leaves_a_record(
    head: bytes, status: int, code: str, path: str
) -> None:
    async def scenario() -> None:
        async with serving() as setup:
            said = await (await setup.client(head)).all()
        problem = json.loads(said.partition(b"\r\n\r\n")[2])
        (record,) = setup.records
        assert (problem["status"], problem["code"]) == (status, code)
        assert (record.status, record.code, record.path) == (status, code, path)
        assert (record.request_id, record.address) == (problem["request_id"], "127.0.0.1")

    asyncio.run(scenario())


WORK, BIG = HELLO.replace(b"/ ", b"/work "), HELLO.replace(b"/ ", b"/big ")
BODY_TO_COME = HELLO.replace(b"\r\n\r\n", b"\r\nContent-Length: 9\r\n\r\n")


@pytest.mark.parametrize("sent", [(), (b"GET /",), (HELLO,), (BODY_TO_COME,), (BIG,)], ids=str)
@pytest.mark.parametrize("limits", [{"total": 3}, {"per_client": 3}], ids=str)
def test_too_many_connections_end_the_oldest_that_wait_for_their_client(
    sent: tuple[bytes, ...], limits: dict[str, Any]
) -> None:
    async def scenario() -> None:
        async with serving(**limits) as setup:
            at_work = await setup.client(WORK)
            waiting = [await setup.client(*sent) for _ in range(2)]
            new = await setup.client(HELLO)
            assert await new.line() == b"HTTP/1.1 200 OK\r\n"
            assert setup.open_connections.ended["too_many"] == 1
            assert len(setup.open_connections) == 3
            await waiting[0].all()  # comes to an end
            setup.done.set()
            assert await at_work.line() == b"HTTP/1.1 200 OK\r\n"

    asyncio.run(scenario())


@pytest.mark.parametrize(("hard", "possible", "total"), [(256, 256, 16), (1_000, 1_000, 744), (-1, 10_240, 4_096)])
def test_a_worker_takes_as_many_connections_as_the_system_lets_it_have_files(
    monkeypatch: pytest.MonkeyPatch, hard: int, possible: int, total: int
) -> None:
    """-1 is no limit, of which macOS says that there is none, and refuses it."""
    limits = [256, hard]

    def set_limits(_: int, chosen: tuple[int, int]) -> None:
        if not 0 < chosen[0] <= possible:
            raise ValueError(chosen)
        limits[:] = chosen

    monkeypatch.setattr(resource, "getrlimit", lambda _: tuple(limits))
    monkeypatch.setattr(resource, "setrlimit", set_limits)
    assert connections_of(Settings(http_connections=4_096), None, ())._total_max == total


def test_connections_of_a_trusted_proxy_are_those_of_many_clients() -> None:
    async def scenario() -> None:
        async with serving(per_client=1, proxies=("127.0.0.1",)) as setup:
            clients = [await setup.client(HELLO) for _ in range(3)]
            assert [await client.line() for client in clients] == [b"HTTP/1.1 200 OK\r\n"] * 3
            assert setup.open_connections.ended["too_many"] == 0

    asyncio.run(scenario())


def test_while_all_connections_are_at_work_a_new_one_is_answered_about_health_and_503_otherwise() -> None:
    async def scenario() -> None:
        async with serving(total=2) as setup:
            at_work = [await setup.client(WORK) for _ in range(2)]
            assert (await (await setup.client(HELLO)).all())[9:12] == b"503"
            assert setup.records[0].code == "too_many_connections"
            page = await (await setup.client(HELLO.replace(b"\r\n\r\n", b"\r\nAccept: text/html\r\n\r\n"))).all()
            assert page[9:12] == b"503"
            assert b"Retry-After: 1\r\nContent-Security-Policy: default-src 'none'" in page
            assert b"Try again in a second." in page
            assert (await (await setup.client(HELLO.replace(b"/ ", b"/health/live "))).line())[9:12] == b"200"
            setup.done.set()
            assert [(await client.line())[9:12] for client in at_work] == [b"200"] * 2

    asyncio.run(scenario())


@pytest.mark.parametrize("head", [BIG, BIG.replace(b"\r\n\r\n", b"\r\n" + CLOSE + b"\r\n")], ids=["kept", "closed"])
def test_a_client_that_does_not_take_its_response_loses_the_connection(
    monkeypatch: pytest.MonkeyPatch, head: bytes
) -> None:
    monkeypatch.setattr(http_protocol, "WRITE_S_MAX", 0.1)

    async def scenario() -> None:
        async with serving() as setup:
            await setup.client(head)
            await setup.until(lambda: setup.open_connections.ended["slow_response"] == 1)
            assert len(setup.open_connections) == 0

    asyncio.run(scenario())


def test_a_client_that_takes_its_response_slowly_gets_all_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_protocol, "WRITE_S_MAX", 0.2)

    async def scenario() -> None:
        async with serving() as setup:
            client = await setup.client(BIG)
            taken = 0
            while taken < 8_000_000:
                taken += len(await asyncio.wait_for(client.reader.read(200_000), CLOSED_S_MAX))
                await asyncio.sleep(0.005)
            assert setup.open_connections.ended["slow_response"] == 0

    asyncio.run(scenario())


@pytest.mark.parametrize("bad", [b"BREW /tea HTTP/1.1\r\n\r\n", HELLO * (PIPELINED_MAX + 1)], ids=["bad", "many"])
def test_a_refusal_is_never_sent_as_the_response_to_an_earlier_request(bad: bytes) -> None:
    """Its client would believe that the request which is being carried out was refused."""

    async def scenario() -> None:
        async with serving() as setup:
            client = await setup.client(WORK, bad)
            setup.done.set()
            said = await client.all()
            assert said.count(b"HTTP/1.1 ") == said.count(b"200 OK") == (1 if bad.startswith(b"BREW") else 17)

    asyncio.run(scenario())
