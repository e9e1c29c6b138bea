"""The `shop` command of the environment in which this runs: an admin, a server and an audit of our own."""

from __future__ import annotations

import os
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from verification.shop_process import SHOP, UNLIMITED, CannotStart, free_port, running


def shop_command(*arguments: str, data_dir: str | None) -> list[str]:
    """A `shop` command, on the data directory if one is given.

    Raises:
        CannotStart: it is not installed.
    """
    if not SHOP.exists():
        raise CannotStart(f"Cannot run {SHOP}, there is no such file: install the project in this environment.")
    return [str(SHOP), *arguments, *(("--data-dir", data_dir) if data_dir else ())]


def make_admin(data_dir: str | None) -> tuple[str, str]:
    """A new admin with a name and a password of its own."""
    username, password = f"replay.{secrets.token_hex(4)}", secrets.token_urlsafe()
    command = shop_command("create-admin", username, data_dir=data_dir)
    made = subprocess.run(command, input=f"{password}\n", capture_output=True, text=True, timeout=120)
    if made.returncode:
        said = " ".join((made.stderr or made.stdout).split())
        raise CannotStart(f"shop create-admin said: {said[-300:]}. Give its --data-dir, or an account with --admin.")
    return username, password


@contextmanager
def served(data_dir: str) -> Iterator[str]:
    """The address of a `shop serve` of our own, on a free port, until the end of the block."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = shop_command("serve", "--host", "127.0.0.1", "--port", str(port), data_dir=data_dir)
    with running(command, url, os.environ | UNLIMITED):
        yield url


def audit(data_dir: str | None) -> bool:
    """Run `shop audit`, show its answer, and say whether all adds up."""
    return subprocess.run(shop_command("audit", data_dir=data_dir)).returncode == 0
