"""Clients that mean harm, from this machine: `python -m verification.hostile_clients`, or `--only flood` for one play.

- flood: connections that send nothing, that send their requests byte by byte, and that do not read their responses;
  meanwhile a health check must be answered within a second.
- log: nobody reads what the server logs.
- hosts, pages, bodies, searches: see `heavy_requests`.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import multiprocessing
import resource
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.synchronize import Event
from pathlib import Path

from verification import heavy_requests
from verification.bystanders import busy_shop, busyness
from verification.heavy_requests import Outcome
from verification.server import ShopServer
from verification.shop_process import SHOP, environment, free_port, running

HEALTH = ("/health/live", "/health/ready")
HEALTH_S_MAX = 1.0
ANSWER_S_MAX = 30.0
RECONNECT_S = 1.0
CHECK_EVERY_S = 0.1
LOGGED_REQUESTS = 2_000
HEAVY = {
    play.__name__: play
    for play in (heavy_requests.hosts, heavy_requests.bodies, heavy_requests.searches, heavy_requests.pages)
}
PLAYS = ("flood", "log", *HEAVY)
_SLOW_HEAD = b"POST /api/v1/auth/token HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
_SLOW_HEAD += b"Content-Length: 4000\r\n\r\n"
_LARGE = b"GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 16

Client = Callable[[socket.socket], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Flood:
    """So many connections, each opened again after it was ended.

    Args:
        idle: that send nothing.
        writers: that send a byte of a request's body each second.
        readers: that ask for much and read nothing.
        reconnect_s: after a connection was ended, until the client opens another one.
    """

    idle: int
    writers: int
    readers: int
    reconnect_s: float = RECONNECT_S


WHOLE = Flood(idle=1_300, writers=1_300, readers=200)


@dataclass(slots=True)
class Health:
    """What a health check saw.

    Args:
        checks: that were answered 200.
        slowest_s: of them.
        findings: checks with another answer, or none.
    """

    checks: int = 0
    slowest_s: float = 0.0
    findings: list[str] = field(default_factory=list)


CHECKER = ("127.0.0.2", 0) if sys.platform == "linux" else None
"""Whoever checks the health has an address of their own: a client that has too many connections loses the oldest of its
own, and one that just began and is slow to send its request can be that."""


def health_in_a_flood(port: int, flood: Flood, seconds: float, health_port: int | None = None) -> Health:
    """Check the health of a server for so long, each time on a connection of its own, while others flood it.

    Args:
        port: that is flooded.
        flood: by whom.
        seconds: how long.
        health_port: where the checks go; None: to the flooded port as well.
    """
    health = Health()
    with flooded(port, flood):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            for path in HEALTH:
                _check(health, health_port or port, path)
            time.sleep(CHECK_EVERY_S)
    return health


def _check(health: Health, port: int, path: str) -> None:
    began = time.monotonic()
    connecting = http.client.HTTPConnection("127.0.0.1", port, ANSWER_S_MAX, CHECKER)
    with closing(connecting) as connection:
        try:
            connection.request("GET", path)
            status = connection.getresponse().status
        except (OSError, http.client.HTTPException) as error:
            health.findings.append(f"{path}: {error!r}")
            return
    health.slowest_s = max(health.slowest_s, time.monotonic() - began)
    if status == 200:
        health.checks += 1
    else:
        health.findings.append(f"{path}: {status}")


@contextmanager
def flooded(port: int, flood: Flood) -> Iterator[None]:
    """A process of its own floods the server until the end of the block."""
    context = multiprocessing.get_context("spawn")
    has_begun = context.Event()
    process = context.Process(target=_flood, args=(port, flood, has_begun), daemon=True)
    process.start()
    try:
        if not has_begun.wait(60):
            raise RuntimeError("the flood does not begin")
        yield
    finally:
        process.kill()
        process.join()


def _flood(port: int, flood: Flood, has_begun: Event) -> None:
    """What that process does."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    async def run() -> None:
        kinds: tuple[tuple[int, Client], ...] = (
            (flood.idle, _until_it_ends),
            (flood.writers, _send_slowly),
            (flood.readers, _read_nothing),
        )
        has_begun.set()
        await asyncio.gather(
            *(_again(port, client, flood.reconnect_s) for count, client in kinds for _ in range(count))
        )

    asyncio.run(run())


async def _again(port: int, client: Client, reconnect_s: float) -> None:
    while True:
        with socket.socket() as opened, suppress(OSError):
            opened.setblocking(False)
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            await asyncio.get_running_loop().sock_connect(opened, ("127.0.0.1", port))
            await client(opened)
        await asyncio.sleep(reconnect_s)


async def _until_it_ends(opened: socket.socket) -> None:
    while await asyncio.get_running_loop().sock_recv(opened, 4096):
        pass


async def _send_slowly(opened: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(opened, _SLOW_HEAD)
    ending = asyncio.ensure_future(_until_it_ends(opened))
    try:
        while not ending.done():
            await loop.sock_sendall(opened, b" ")
            await asyncio.wait([ending], timeout=1)
    finally:
        ending.cancel()


async def _read_nothing(opened: socket.socket) -> None:
    """A reset is noticed; data are not read."""
    await asyncio.get_running_loop().sock_sendall(opened, _LARGE)
    while opened.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) == 0:
        await asyncio.sleep(5)


def flood_a_shop(flood: Flood, seconds: float) -> Outcome:
    """Flood a shop of its own, and check its health on the port for that."""
    apart = free_port()
    with (
        tempfile.TemporaryDirectory(prefix="shop-hostile-") as folder,
        ShopServer(Path(folder), variables={"SHOP_HEALTH_PORT": str(apart)}) as server,
    ):
        health = health_in_a_flood(server.port, flood, seconds, apart)
    outcome = Outcome(
        f"a flood of connections: {health.checks} health checks, the slowest took {health.slowest_s:.2f} s",
        health.findings,
    )
    outcome.must(health.slowest_s <= HEALTH_S_MAX, f"a health check is answered within {HEALTH_S_MAX:g} s")
    return outcome


def fill_a_log() -> Outcome:
    """Ask a shop of its own, whose log is a pipe that nobody reads."""
    port = free_port()
    env = environment(SHOP_LOG_LEVEL="info")
    with tempfile.TemporaryDirectory(prefix="shop-hostile-") as folder:
        command: list[str | Path] = [SHOP, "serve", "--demo", "--port", str(port), "--data-dir", folder]
        with running(command, f"http://127.0.0.1:{port}", env, subprocess.PIPE):
            return asyncio.run(heavy_requests.beside_an_unread_log(port, LOGGED_REQUESTS))


def main() -> int:
    """Run it: 0 if nothing was found."""
    parser = argparse.ArgumentParser(
        prog="python -m verification.hostile_clients",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--seed", type=int, help="nothing here is left to chance")
    parser.add_argument("--only", choices=PLAYS, action="append", help="only this play; may be repeated")
    parser.add_argument("--idle", type=int, default=WHOLE.idle, help="connections that send nothing")
    parser.add_argument("--writers", type=int, default=WHOLE.writers, help="connections that send a byte a second")
    parser.add_argument("--readers", type=int, default=WHOLE.readers, help="connections that do not read the response")
    parser.add_argument("--reconnect", type=float, default=RECONNECT_S, help="seconds until each connects again")
    parser.add_argument("--seconds", type=float, default=30, help="how long each play takes")
    given = parser.parse_args()
    chosen, found = given.only or PLAYS, 0

    def report(outcome: Outcome) -> None:
        nonlocal found
        found += len(outcome.findings)
        print(outcome.said, *(f"    not so: {each}" for each in outcome.findings[:20]), sep="\n", flush=True)

    if "flood" in chosen:
        report(flood_a_shop(Flood(given.idle, given.writers, given.readers, given.reconnect), given.seconds))
    if "log" in chosen:
        report(fill_a_log())
    if heavy := [play for name, play in HEAVY.items() if name in chosen]:
        with busy_shop() as busy:
            for play in heavy:
                report(asyncio.run(play(busy, given.seconds)))
    print(f"findings: {found}; {busyness()}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
