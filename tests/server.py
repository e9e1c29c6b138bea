"""Real server processes for tests."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path

from sqlalchemy import Engine, make_url

from shop_adapters.postgres import PostgresAdapters, make_engine
from shop_adapters.postgres.migrate import migrate
from shop_core import SYSTEM, Registration, Role, Shop

SHOP = Path(sys.executable).with_name("shop")
READY_S_MAX = 180
UNLIMITED = {"SHOP_RATE_LIMIT": "off", "SHOP_LOGIN_RATE_LIMIT": "off", "SHOP_ORDERS_PER_MINUTE": "0"}


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(**variables: str) -> dict[str, str]:
    """This process's environment without its SHOP_* variables, and with `variables`. A server ends without draining.

    Tests may ask as often as they like. No line per request is written unless asked for: nobody reads it.
    """
    plain = {name: value for name, value in os.environ.items() if not name.startswith("SHOP_")}
    return plain | UNLIMITED | {"SHOP_LOG_LEVEL": "warning", "SHOP_DRAIN_S": "0"} | variables


def shop(*arguments: str, env: Mapping[str, str], stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Run one `shop` command to its end."""
    return subprocess.run(
        [SHOP, *arguments], env=dict(env), input=stdin, capture_output=True, text=True, timeout=300, check=False
    )


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
    """Wait for a server to answer. Raises when it ends instead, with what it said."""
    deadline = time.monotonic() + READY_S_MAX
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with {process.returncode}: {process.communicate()}")
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}/health/ready", timeout=30):
            return
        time.sleep(0.02)
    raise RuntimeError("the server did not become ready")


@contextlib.contextmanager
def serving(*arguments: str, env: Mapping[str, str]) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """A `shop serve` process that answers: its address and itself. Stopped by SIGTERM at the end."""
    port = free_port()
    command = [str(SHOP), "serve", "--port", str(port), *arguments]
    with subprocess.Popen(
        command, env=dict(env), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            wait_until_ready(url := f"http://127.0.0.1:{port}", process)
            yield url, process
        finally:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=120)
