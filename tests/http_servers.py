"""Servers for HTTP tests: one whose shop lives in memory, one on a database."""

from __future__ import annotations

import atexit
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import cache
from pathlib import Path
from subprocess import Popen

from verification import launcher, shop_process
from verification.shop_process import SHOP, environment, free_port, running, shop_with_admin

from http_client import PASSWORD, STAFF, Server

TESTS = Path(__file__).parent


def serving(*arguments: str, env: Mapping[str, str]) -> AbstractContextManager[tuple[str, Popen[str]]]:
    """`shop serve` for tests of anything but its start, which takes a quarter of the time here."""
    return shop_process.serving(*arguments, env=env, by=launched())


@cache
def launched() -> Sequence[str]:
    """What runs a script by the launcher of this process, before the name of the script."""
    if sys.platform != "linux":
        return ()
    socket = Path(tempfile.mkdtemp(prefix="shop-launcher-"), "socket")
    command = [sys.executable, "-m", "verification.launcher", str(socket)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=TESTS.parent)
    assert process.stdout
    assert process.stdout.readline() == b"listening\n"

    def end() -> None:
        process.communicate()
        shutil.rmtree(socket.parent)

    atexit.register(end)
    return sys.executable, "-IS", launcher.__file__, str(socket)


@contextlib.contextmanager
def memory_serving() -> Iterator[Server]:
    """A shop in memory behind uvicorn."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    where = ["--host", "127.0.0.1", "--port", str(port), "--app-dir", str(TESTS)]
    uvicorn = [*launched(), str(SHOP.with_name("uvicorn")), "--no-proxy-headers", "--no-access-log", "--factory"]
    path = os.pathsep.join(filter(None, [str(TESTS), os.environ.get("PYTHONPATH")]))
    env = environment(STAFF_USERNAME=STAFF, STAFF_PASSWORD=PASSWORD, PYTHONPATH=path)
    with running([*uvicorn, *where, "memory_app:make"], url, env):
        yield Server(url, STAFF, PASSWORD)


@contextlib.contextmanager
def postgres_serving(database_url: str) -> Iterator[Server]:
    """`shop serve` on an empty database, with two workers: what one does, the other one must know."""
    variables = {"SHOP_DATABASE_URL": database_url, "SHOP_SECRET_KEY": "the secret of the HTTP tests, 36 b"}
    with tempfile.TemporaryDirectory() as folder:
        env = shop_with_admin(STAFF, PASSWORD, **variables, SHOP_MEDIA=folder)
        with serving("--workers", "2", env=env) as (url, _):
            yield Server(url, STAFF, PASSWORD)
