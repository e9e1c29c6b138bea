"""Servers for HTTP tests: one whose shop lives in memory, one on a database."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from verification.shop_process import environment, free_port, running, serving, shop_with_admin

from http_client import PASSWORD, STAFF, Server

TESTS = Path(__file__).parent


@contextlib.contextmanager
def memory_serving() -> Iterator[Server]:
    """A shop in memory behind uvicorn."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    where = ["--host", "127.0.0.1", "--port", str(port), "--app-dir", str(TESTS)]
    command = [sys.executable, "-m", "uvicorn", "--no-proxy-headers", "--no-access-log", "--factory", *where]
    path = os.pathsep.join(filter(None, [str(TESTS), os.environ.get("PYTHONPATH")]))
    env = environment(STAFF_USERNAME=STAFF, STAFF_PASSWORD=PASSWORD, PYTHONPATH=path)
    with running([*command, "memory_app:make"], url, env):
        yield Server(url, STAFF, PASSWORD)


@contextlib.contextmanager
def postgres_serving(database_url: str) -> Iterator[Server]:
    """`shop serve` on an empty database, with two workers: what one does, the other one must know."""
    variables = {"SHOP_DATABASE_URL": database_url, "SHOP_SECRET_KEY": "the secret of the HTTP tests, 36 b"}
    with tempfile.TemporaryDirectory() as folder:
        env = shop_with_admin(STAFF, PASSWORD, **variables, SHOP_MEDIA=folder)
        with serving("--workers", "2", env=env) as (url, _):
            yield Server(url, STAFF, PASSWORD)
