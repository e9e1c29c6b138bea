"""Server processes of our own."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from urllib.parse import urlsplit

from client import PATIENCE_S
from shop_command import CannotStart, is_ready


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
            with contextlib.suppress(subprocess.TimeoutExpired):
                server.wait(30)
            if server.poll() is None:
                server.kill()
                server.wait()
