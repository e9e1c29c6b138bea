"""Health on a port of its own, answered beside an event loop that is busy with clients."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterator

import httpx
import pytest

from shop_core.errors import Unavailable
from shop_http.server.health_port import BEAT_S_MAX, HealthPort
from shop_http.server.shutdown import GracefulShutdown

LIVE, READY = "/health/live", "/health/ready"


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        opened.listen()
        yield opened


def ask(listening: socket.socket, path: str, method: str = "GET") -> httpx.Response:
    """While the caller waits, its event loop does nothing: it is that of the clients."""
    url = f"http://127.0.0.1:{listening.getsockname()[1]}{path}"
    return httpx.request(method, url, trust_env=False, timeout=30)


def served(port: HealthPort, questions: Callable[[], None]) -> None:
    async def run() -> None:
        port.start()
        questions()
        port.hand_over()

    asyncio.run(run())


def test_it_answers_while_the_event_loop_of_the_clients_is_busy(listening: socket.socket) -> None:
    def questions() -> None:
        for path in (LIVE, READY):
            answer = ask(listening, path)
            assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
            assert answer.headers["connection"] == "close"
        assert ask(listening, LIVE, "HEAD").content == b""
        other = ask(listening, "/api/v1/products")
        assert (other.status_code, other.json()["code"]) == (404, "not_found")

    served(HealthPort(listening, lambda: None), questions)


@pytest.mark.parametrize("error", [Unavailable("The database is away."), ValueError("of a check")])
def test_a_worker_that_cannot_serve_is_live_and_not_ready(listening: socket.socket, error: Exception) -> None:
    def ready() -> None:
        raise error

    def questions() -> None:
        assert ask(listening, LIVE).status_code == 200
        answer = ask(listening, READY)
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert "of a check" not in answer.text

    served(HealthPort(listening, GracefulShutdown().readiness(ready)), questions)


def test_an_event_loop_that_stands_still_is_not_live(listening: socket.socket) -> None:
    now = [0.0]

    def questions() -> None:
        now[0] += BEAT_S_MAX
        assert ask(listening, LIVE).status_code == 200
        now[0] += 0.1
        for path in (LIVE, READY):
            assert "stood still" in ask(listening, path).json()["detail"]

    served(HealthPort(listening, lambda: None, clock=lambda: now[0]), questions)


def test_the_next_worker_answers_on_the_same_socket(listening: socket.socket) -> None:
    def old() -> None:
        raise Unavailable("The old worker answers.")

    async def run() -> None:
        first, second = HealthPort(listening.dup(), old), HealthPort(listening.dup(), lambda: None)
        first.start()
        assert (await asyncio.to_thread(ask, listening, READY)).status_code == 503
        second.start()
        first.hand_over()
        async with asyncio.timeout(30):
            in_a_row = 0
            while in_a_row < 20:  # both answer until the old one has let go of the socket; nobody is turned away
                is_next = (await asyncio.to_thread(ask, listening, READY)).status_code == 200
                in_a_row = in_a_row + 1 if is_next else 0
        second.hand_over()

    asyncio.run(run())
