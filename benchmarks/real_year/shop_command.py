"""The `shop` command of the environment in which this runs: an admin, a server and an audit of our own."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from benchmarks.real_year.client import PATIENCE_S, Connection, Refused


class CannotStart(Exception):
    """In one line: what is missing, and how to get it."""


def shop_command(*arguments: str, data_dir: str | None) -> list[str]:
    """A `shop` command, on the data directory if one is given.

    Raises:
        CannotStart: it is not installed.
    """
    shop = Path(sys.executable).with_name("shop")
    if not shop.exists():
        raise CannotStart(f"Cannot run {shop}, there is no such file: install the project in this environment.")
    return [str(shop), *arguments, *(("--data-dir", data_dir) if data_dir else ())]


def make_admin(data_dir: str | None) -> tuple[str, str]:
    """A new admin with a name and a password of its own."""
    username, password = f"replay.{secrets.token_hex(4)}", secrets.token_urlsafe()
    command = shop_command("create-admin", username, data_dir=data_dir)
    made = subprocess.run(command, input=f"{password}\n", capture_output=True, text=True, timeout=120)
    if made.returncode:
        said = " ".join((made.stderr or made.stdout).split())
        raise CannotStart(f"shop create-admin said: {said[-300:]}. Give its --data-dir, or an account with --admin.")
    return username, password


UNLIMITED = {"SHOP_RATE_LIMIT": "off", "SHOP_LOGIN_RATE_LIMIT": "off", "SHOP_ORDERS_PER_MINUTE": "0"}
"""All customers of a measurement ask from one address."""


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@contextmanager
def running(command: Sequence[str], url: str, environment: Mapping[str, str]) -> Iterator[int]:
    """A server process that answers at `url`, until the end of the block: its number.

    Raises:
        CannotStart: it ends instead, or takes too long.
    """
    with tempfile.TemporaryFile() as log:
        server = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=dict(environment))
        try:
            until = time.monotonic() + PATIENCE_S
            while not is_ready(urlsplit(url)):
                if server.poll() is not None or time.monotonic() > until:
                    log.seek(0)
                    last = " ".join(log.read().decode(errors="replace").split())[-500:]
                    raise CannotStart(f"{' '.join(command[-4:])} did not become ready. It said last: {last}")
                time.sleep(0.01)
            yield server.pid
        finally:
            server.terminate()
            with suppress(subprocess.TimeoutExpired):
                server.wait(30)
            if server.poll() is None:
                server.kill()
                server.wait()


@contextmanager
def served(data_dir: str) -> Iterator[str]:
    """The address of a `shop serve` of our own, on a free port, until the end of the block."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = shop_command("serve", "--host", "127.0.0.1", "--port", str(port), data_dir=data_dir)
    with running(command, url, os.environ | UNLIMITED):
        yield url


def is_ready(url: SplitResult) -> bool:
    """Whether a shop answers there."""
    try:
        Connection(url).ask("GET", "/health/ready")
    except Refused:
        return False
    return True


def audit(data_dir: str | None) -> bool:
    """Run `shop audit`, show its answer, and say whether all adds up."""
    return subprocess.run(shop_command("audit", data_dir=data_dir)).returncode == 0
