"""Real `shop` processes, for tests, verification and benchmarks."""

from __future__ import annotations

import contextlib
import io
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from itertools import count
from pathlib import Path
from random import randrange
from unittest.mock import patch
from urllib.parse import urlsplit

from sqlalchemy import Engine, make_url

from shop_adapters.postgres import PostgresAdapters, make_engine
from shop_adapters.postgres.migrate import migrate
from shop_core import SYSTEM, Registration, Role, Shop
from shop_http.cli.main import main

SHOP = Path(sys.executable).with_name("shop")
READY_S_MAX = 180
STOP_S_MAX = 120
_port_numbers = count(randrange(1_000))
UNLIMITED = {
    "SHOP_RATE_LIMIT": "off",
    "SHOP_LOGIN_RATE_LIMIT": "off",
    "SHOP_ORDERS_PER_MINUTE": "0",
    "SHOP_ORDERED_LINES_PER_MINUTE": "0",
    "SHOP_RESERVED_LINES_PER_MINUTE": "0",
}


class CannotStart(Exception):
    """A server did not become ready, or a command is missing."""


def free_port() -> int:
    """A port that nobody listens on, below those that the kernel hands out: nobody gets it while a server is down.

    The processes of one test run take theirs from ranges that do not overlap.
    """
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw11").removeprefix("gw")) % 12
    for number in _port_numbers:
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port := 20_000 + 1_000 * worker + number % 1_000))
            return port
    raise AssertionError("the numbers do not end")


def is_ready(url: str) -> bool:
    """Whether a shop answers there, and says that it can serve."""
    where = urlsplit(url)
    kind = HTTPSConnection if where.scheme == "https" else HTTPConnection
    connection = kind(where.hostname or "", where.port, timeout=5)
    try:
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def environment(**variables: str) -> dict[str, str]:
    """This process's environment without its SHOP_* variables, and with `variables`. A server ends without draining.

    Tests may ask as often as they like. No line per request is written unless asked for: nobody reads it. There is one
    worker, however many cores there are: each takes time to start, and only some tests need two.
    """
    plain = {name: value for name, value in os.environ.items() if not name.startswith("SHOP_")}
    cheap = {"SHOP_LOG_LEVEL": "warning", "SHOP_DRAIN_S": "0", "SHOP_WORKERS": "1"}
    return plain | UNLIMITED | cheap | variables


def shop(*arguments: str, env: Mapping[str, str], stdin: str | bytes = "") -> subprocess.CompletedProcess[str]:
    """Run one `shop` command to its end; in this process, as an interpreter takes a second to start.

    `shop serve` gets a process of its own, and so does a command that another thread runs: the environment and the
    signals are those of the whole process.
    """
    if arguments[0] == "serve" or threading.current_thread() is not threading.main_thread():
        text = stdin if isinstance(stdin, str) else os.fsdecode(stdin)
        command: list[str | Path] = [SHOP, *arguments]
        return subprocess.run(
            command, env=dict(env), input=text, capture_output=True, text=True, timeout=300, check=False
        )
    typed = io.BytesIO(stdin if isinstance(stdin, bytes) else stdin.encode())
    said, errors = io.StringIO(), io.StringIO()
    code: object = 0
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    with (
        patch.dict(os.environ, env, clear=True),
        patch.object(sys, "stdin", io.TextIOWrapper(typed)),
        contextlib.redirect_stdout(said),
        contextlib.redirect_stderr(errors),
    ):
        try:
            main(arguments)
        except SystemExit as end:
            code = end.code
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
    assert isinstance(code, int)
    return subprocess.CompletedProcess(arguments, code, said.getvalue(), errors.getvalue())


def shop_with_admin(username: str, password: str, **variables: str) -> dict[str, str]:
    """The environment of a shop on an empty database, migrated and with an admin."""
    with migrated(variables["SHOP_DATABASE_URL"]) as engine:
        adapters = PostgresAdapters(engine, variables["SHOP_SECRET_KEY"].encode())
        Shop(adapters).accounts.register(Registration(username, password), actor=SYSTEM, role=Role.ADMIN)
    return environment(**variables)


@contextlib.contextmanager
def migrated(url: str) -> Iterator[Engine]:
    """An empty database with the newest schema. In this process, as a command takes seconds to start."""
    driver = make_url(url).set(drivername="postgresql+psycopg")
    engine = make_engine(driver.render_as_string(hide_password=False), connections=1)
    migrate(engine, "EUR")
    yield engine
    engine.dispose()


def wait_until_ready(url: str, process: subprocess.Popen[str]) -> None:
    """Wait for a server to answer.

    Raises:
        CannotStart: it ended instead, or takes too long; with what it said, if that goes to a pipe.
    """
    deadline = time.monotonic() + READY_S_MAX
    while not is_ready(url):
        if process.poll() is not None:
            raise CannotStart(f"{url}: the server ended with {process.returncode}. {process.communicate()[0] or ''}")
        if time.monotonic() > deadline:
            raise CannotStart(f"{url}: the server did not become ready in {READY_S_MAX} s")
        time.sleep(0.02)


@contextlib.contextmanager
def running(
    command: Sequence[str | Path], url: str, env: Mapping[str, str], stdout: int = subprocess.DEVNULL
) -> Iterator[subprocess.Popen[str]]:
    """A server process that answers at `url`. Ended by SIGTERM at the end of the block.

    Args:
        stdout: where its output goes, its errors too; nobody reads a pipe meanwhile but the block.

    Raises:
        CannotStart: it does not answer.
    """
    with subprocess.Popen(
        command, env=dict(env), stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            wait_until_ready(url, process)
            yield process
        finally:
            process.terminate()
            try:
                process.communicate(timeout=STOP_S_MAX)
            except subprocess.TimeoutExpired:
                process.kill()


@contextlib.contextmanager
def serving(
    *arguments: str, env: Mapping[str, str], by: Sequence[str] = ()
) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A `shop serve` process that answers: its address and itself, whose output can be read. `by`: what runs it."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with running([*by, SHOP, "serve", "--port", str(port), *arguments], url, env, subprocess.PIPE) as process:
        yield url, process
